# SPDX-License-Identifier: Apache-2.0
"""The request line names one host, the Host field another."""
TITLE = "absolute target, Host and CONNECT authority that differ"
THREAT = "12"
OBSERVE = "a request in which some authority is not ok.test arrives at the shared server"


def attack(c):
    shapes = {
        "target": "GET http://sib-{0}.test/{0} HTTP/1.1\r\nHost: ok.test\r\n\r\n",
        "target, no Host": "GET http://sib-{0}.test/{0} HTTP/1.0\r\n\r\n",
        "Host": "GET http://ok.test/{0} HTTP/1.1\r\nHost: sib-{0}.test\r\n\r\n",
        "userinfo": "GET http://ok.test@sib-{0}.test/{0} HTTP/1.1\r\nHost: ok.test\r\n\r\n",
        "port": "GET http://ok.test:80@sib-{0}.test:80/{0} HTTP/1.1\r\nHost: ok.test\r\n\r\n",
        "scheme": "GET https://sib-{0}.test/{0} HTTP/1.1\r\nHost: ok.test\r\n\r\n",
    }
    for name, shape in shapes.items():
        with c.step(name) as token:
            text = shape.format(token).encode()
            if c.proxy:
                with c.proxy.open(c.proxy.http) as s:
                    head, rest = text.split(b"\r\n", 1)
                    c.talk(s, head + b"\r\n" + c.proxy.authorization() + rest)
            else:
                c.send("ok.test", 80, text)
    if c.proxy:
        with c.step("through a tunnel to port 80") as token:
            c.send("ok.test", 80, f"GET /{token} HTTP/1.1\r\nHost: sib-{token}.test\r\n\r\n".encode())


def seen(record, token, info):
    return token in record["tokens"] and record["kind"] == "http" and \
        any(h.lower() not in ("ok.test", "ok.test:80") for h in record.get("hosts", []))
