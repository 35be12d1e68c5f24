# SPDX-License-Identifier: Apache-2.0
"""A wildcard names what is below; the answer for the apex must be one, and documented: no."""
from bypass import get

TITLE = "*.ok.test allowed: the apex itself"
THREAT = "4"
ALLOW = ["*.ok.test"]


def attack(c):
    with c.step("http to the apex") as token:
        c.send("ok.test", 80, get("ok.test", f"/{token}"))
    with c.step("a name without a dot between") as token:
        c.send("evilok.test", 80, get("evilok.test", f"/{token}"))
