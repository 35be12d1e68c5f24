# SPDX-License-Identifier: Apache-2.0
"""A ClientHello in pieces of one byte, slowly."""
import time

import tls

TITLE = "ClientHello in one-byte segments"
THREAT = "31"


def attack(c):
    with c.step("byte by byte") as token:
        m = tls.client_hello(f"sib-{token}.test")
        with c.dial("ok.test", 443) as s:
            for i in range(len(m)):
                s.sendall(m[i:i + 1])
                if i % 16 == 0:
                    time.sleep(0.002)
            c.hear(s)
    with c.step("cut in the record header") as token:
        m = tls.client_hello(f"sib-{token}.test")
        with c.dial("ok.test", 443) as s:
            s.sendall(m[:3])
            time.sleep(0.2)
            c.talk(s, m[3:])
    with c.step("cut in the name, a pause of a second") as token:
        m = tls.client_hello(f"sib-{token}.test")
        at = m.index(b"sib-") + 6
        with c.dial("ok.test", 443) as s:
            s.sendall(m[:at])
            time.sleep(1)
            c.talk(s, m[at:])
