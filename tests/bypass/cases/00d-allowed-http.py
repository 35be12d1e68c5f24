# SPDX-License-Identifier: Apache-2.0
"""No attack: what honest http clients do on one connection."""
from bypass import get

TITLE = "no attack: keep-alive, pipelining, chunks, upgrade, odd case of the Host"
LEGIT = True


def attack(c):
    with c.step("a port, upper case, blanks") as token:
        c.send("ok.test", 80, f"GET /{token} HTTP/1.1\r\nhost:  OK.test:80 \r\n\r\n".encode())
    with c.step("absolute target") as token:
        c.send("ok.test", 80, f"GET http://ok.test/{token} HTTP/1.1\r\nHost: ok.test\r\n\r\n".encode())
    if c.proxy:
        return      # what follows goes to the server itself
    with c.step("keep-alive, second request") as token:
        with c.dial("ok.test", 80) as s:
            c.talk(s, get("ok.test", "/"))
            c.talk(s, get("ok.test", f"/{token}"))
    with c.step("pipelined") as token:
        c.send("ok.test", 80, get("ok.test", "/") + get("ok.test", f"/{token}"))
    with c.step("chunked body, then another request") as token:
        c.send("ok.test", 80, b"POST / HTTP/1.1\r\nHost: ok.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" +
               get("ok.test", f"/{token}"))
    with c.step("in pieces") as token:
        with c.dial("ok.test", 80) as s:
            for part in (b"GE", b"T /" + token.encode() + b" HTTP/1.1\r\nHo", b"st: ok.te", b"st\r\n", b"\r\n"):
                s.sendall(part)
                c.hear(s, 0.03)
            c.hear(s)
    with c.step("an upgrade that the server takes") as token:
        with c.dial("ok.test", 80) as s:
            c.talk(s, get("ok.test", "/upgrade-yes", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                          "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="))
            c.talk(s, b"\x81\x91\0\0\0\0" + token.encode(), 0.2)
