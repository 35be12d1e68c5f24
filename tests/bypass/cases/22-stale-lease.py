# SPDX-License-Identifier: Apache-2.0
"""What one sandbox was told is worth nothing in another one."""
from bypass import get

TITLE = "an address learned in one sandbox, used in another"
THREAT = "22"


def learn(c):
    if not c.proxy:
        c.lookup("ok.test")
    c.send("ok.test", 80, get("ok.test", "/"))
    c.hear_nothing(2)


def attack(c):
    with c.step("http to the address, never asked for here") as token:
        c.send_address(c.a, 80, get("ok.test", f"/{token}"))
    with c.step("https to the address, never asked for here") as token:
        with c.tls(c.dial_address(c.a, 443), "ok.test") as s:
            c.talk(s, get("ok.test", f"/{token}"))


def outside(box):
    first = box.spawn("learn", slot=box.slot + 1)
    box.run()
    box.wait(first)
