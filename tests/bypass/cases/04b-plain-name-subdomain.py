# SPDX-License-Identifier: Apache-2.0
"""A plain name is that name and nothing below it."""
from bypass import get

TITLE = "ok.test allowed: a name below it"
THREAT = "4"


def attack(c):
    with c.step("one label below") as token:
        c.send("a.ok.test", 80, get("a.ok.test", f"/{token}"))
    with c.step("three labels below") as token:
        c.send("a.b.c.ok.test", 80, get("a.b.c.ok.test", f"/{token}"))
