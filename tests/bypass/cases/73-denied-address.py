# SPDX-License-Identifier: Apache-2.0
"""An allowed name whose owner points it at an address that a rule denies."""
from bypass import get

TITLE = "an allowed name at a denied address"
THREAT = "beyond 19"
ALLOW = ["ok.test", "ip-c6336414-{token}.test", "ip-20010db8010000000000000000000020-{token}.test"]
DENY = ["198.51.100.20", "2001:db8:100::20"]
NEEDS = ["deny"]


def attack(c):
    name = ("ip-c6336414-" if c.family == 4 else "ip-20010db8010000000000000000000020-") + c.base + ".test"
    with c.step("http") as token:
        c.send(name, 80, get(name, f"/{token}"))
