# SPDX-License-Identifier: Apache-2.0
"""No policy, and one that is wrong."""
from bypass import get

TITLE = "an empty policy"
THREAT = "58"
ALLOW = []


def attack(c):
    with c.step("http") as token:
        c.send("ok.test", 80, get("ok.test", f"/{token}"))
    with c.step("by address") as token:
        c.send_address(c.a, 443, token.encode())
    with c.step("udp") as token:
        c.udp(c.a, 9999, token.encode())
