# SPDX-License-Identifier: Apache-2.0
"""The same where the rule says that it must be TLS."""
import tls

TITLE = "the same with `tls: require`"
THREAT = "beyond 69"
ALLOW = []
POLICY = "version: 1\negress:\n  - {allow: ok.test, ports: 2525, tls: require}\n"
NEEDS = ["budget"]


def attack(c):
    with c.step("after a STARTTLS") as token:
        with c.dial("ok.test", 2525) as s:
            c.talk(s, b"STARTTLS\r\n", 0.2)
            c.talk(s, tls.client_hello(f"sib-{token}.test"))
    with c.step("another name at once") as token:
        c.send("ok.test", 2525, tls.client_hello(f"sib-{token}.test"))
