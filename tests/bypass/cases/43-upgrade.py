# SPDX-License-Identifier: Apache-2.0
"""An upgrade that the server does not take: what follows is http still."""
from bypass import get

TITLE = "Upgrade: websocket, and then another host"
THREAT = "43"


def attack(c):
    ask = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==")
    with c.step("the server says 200, the next request names another host") as token:
        with c.dial("ok.test", 80) as s:
            c.talk(s, get("ok.test", "/", *ask))
            c.talk(s, get(f"sib-{token}.test", "/"))
    with c.step("pipelined behind the upgrade") as token:
        c.send("ok.test", 80, get("ok.test", "/", *ask) + get(f"sib-{token}.test", "/"))
    with c.step("keep-alive: second request for another host") as token:
        with c.dial("ok.test", 80) as s:
            c.talk(s, get("ok.test", "/"))
            c.talk(s, get(f"sib-{token}.test", "/"))
    with c.step("pipelined: second request for another host") as token:
        c.send("ok.test", 80, get("ok.test", "/") + get(f"sib-{token}.test", "/"))
    with c.step("HEAD, then a request inside its length") as token:
        c.send("ok.test", 80, b"HEAD / HTTP/1.1\r\nHost: ok.test\r\n\r\n" + get(f"sib-{token}.test", "/"))
