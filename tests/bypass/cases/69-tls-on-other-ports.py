# SPDX-License-Identifier: Apache-2.0
"""An allowed name on a port that is neither 80 nor 443: what is TLS there is still read."""
import tls
from bypass import get

TITLE = "TLS for another name on an allowed odd port"
THREAT = "beyond 27"
ALLOW = ["ok.test:8443"]


def attack(c):
    with c.step("a neighbour's name") as token:
        c.send("ok.test", 8443, tls.client_hello(f"sib-{token}.test"))
    with c.step("in two records") as token:
        m = tls.hello(f"sib-{token}.test")
        c.send("ok.test", 8443, tls.records(m, m.index(b"sib-") + 3))
    with c.step("one byte first") as token:
        m = tls.client_hello(f"sib-{token}.test")
        with c.dial("ok.test", 8443) as s:
            s.sendall(m[:1])
            c.hear(s, 0.3)
            c.talk(s, m[1:])
    with c.step("ECH") as token:
        c.send("ok.test", 8443, tls.client_hello("ok.test", after=[tls.ech(token.encode() * 12)]))
