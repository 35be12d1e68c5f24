# SPDX-License-Identifier: Apache-2.0
"""The server name is honest, the encrypted request is for a neighbour."""
from bypass import get

TITLE = "domain fronting: honest server name, another Host inside"
THREAT = "29"
RESIDUAL = ("the Host is inside TLS; without interception nobody but the server can see it. A server that checks Host against "
            "the server name (421) closes it")


def attack(c):
    with c.step("https") as token:
        with c.tls(c.dial("ok.test", 443), "ok.test") as s:
            c.talk(s, get(f"sib-{token}.test", "/"))
