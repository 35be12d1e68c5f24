# SPDX-License-Identifier: Apache-2.0
"""A bound on how much leaves, against one connection that does not end."""
TITLE = "more bytes than the budget allows: one long connection"
THREAT = "65"
POLICY = "version: 1\nlimits: {up_bytes: 100kB}\n"
NEEDS = ["budget"]
FAMILIES = "4"
KNOWN = "bytes are counted when a flow ends, as sluice-policy(5) says; a flow under way is not cut"


def attack(c):
    with c.step("behind two megabytes") as token:
        with c.dial("ok.test", 80) as s:
            s.sendall(b"POST / HTTP/1.1\r\nHost: ok.test\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(50):
                s.sendall(b"9c40\r\n" + b"x" * 40000 + b"\r\n")
            s.sendall(b"0\r\n\r\n" + f"GET /{token} HTTP/1.1\r\nHost: ok.test\r\n\r\n".encode())
            c.hear(s)


def seen(record, token, info):
    return token in record["tokens"]
