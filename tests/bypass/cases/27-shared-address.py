# SPDX-License-Identifier: Apache-2.0
"""A denied name that is served from the allowed name's address, as on any content network."""
import tls

TITLE = "shared address: a neighbour's server name to the allowed name's address"
THREAT = "27"


def attack(c):
    with c.step("real client") as token:
        c.tls(c.dial("ok.test", 443), f"sib-{token}.test").close()
    with c.step("bare ClientHello") as token:
        c.send("ok.test", 443, tls.client_hello(f"sib-{token}.test"))
