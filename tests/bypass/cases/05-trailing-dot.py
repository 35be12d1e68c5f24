# SPDX-License-Identifier: Apache-2.0
"""The dot at the end is not part of the name."""
from bypass import get

TITLE = "a final dot evades a denial"
THREAT = "5"
ALLOW = ["*.ok.test"]
DENY = ["bad.ok.test"]
NEEDS = ["deny", "wildcard"]


def attack(c):
    with c.step("without") as token:
        c.send("bad.ok.test", 80, get("bad.ok.test", f"/{token}"))
    with c.step("with a dot") as token:
        c.send("bad.ok.test.", 80, get("bad.ok.test.", f"/{token}"))
    with c.step("only looked up with a dot") as token:
        c.send("bad.ok.test.", 80, get("bad.ok.test", f"/{token}"))
    with c.step("upper case") as token:
        c.send("BAD.ok.TEST", 80, get("BAD.ok.TEST", f"/{token}"))
