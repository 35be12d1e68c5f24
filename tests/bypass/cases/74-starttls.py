# SPDX-License-Identifier: Apache-2.0
"""A protocol that begins in clear and turns to TLS, on a port where both are allowed."""
import tls

TITLE = "TLS for another name behind a line of clear text, odd port"
THREAT = "beyond 69"
ALLOW = ["ok.test:2525"]
RESIDUAL = ("a rule for a port other than 80 and 443 allows any protocol there; only what begins as TLS is read. `tls: require` "
            "in the rule closes it")


def attack(c):
    with c.step("after a STARTTLS") as token:
        with c.dial("ok.test", 2525) as s:
            c.talk(s, b"STARTTLS\r\n", 0.2)
            c.talk(s, tls.client_hello(f"sib-{token}.test"))
