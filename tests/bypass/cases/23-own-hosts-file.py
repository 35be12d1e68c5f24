# SPDX-License-Identifier: Apache-2.0
"""The program believes that ok.test is somewhere else."""
from bypass import get

TITLE = "own /etc/hosts or resolver: the allowed name at a denied address"
THREAT = "23"


def attack(c):
    if not c.proxy:
        c.lookup("ok.test")
    with c.step("http") as token:
        c.send_address(c.e, 80, get("ok.test", f"/{token}"))
    with c.step("http, after an honest connection") as token:
        c.send("ok.test", 80, get("ok.test", "/"))
        c.send_address(c.e, 80, get("ok.test", f"/{token}"))
