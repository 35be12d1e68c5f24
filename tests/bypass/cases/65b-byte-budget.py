# SPDX-License-Identifier: Apache-2.0
"""A bound on how much leaves."""
TITLE = "more bytes than the budget allows: many connections"
THREAT = "65"
POLICY = "version: 1\nlimits: {up_bytes: 100kB}\n"
NEEDS = ["budget"]
FAMILIES = "4"


def attack(c):
    body = b"x" * 40000

    def post(path):
        c.send("ok.test", 80, f"POST {path} HTTP/1.1\r\nHost: ok.test\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
               .encode() + body)

    for _ in range(4):
        try:
            post("/")
        except OSError:
            pass
    for i in range(3):
        with c.step(f"the {i + 5}th upload of 40 kB of 100") as token:
            post(f"/{token}")
