# SPDX-License-Identifier: Apache-2.0
"""An allowed name whose owner points it at the metadata service."""
import world
from bypass import get

TITLE = "metadata services by an allowed name's address"
THREAT = "55"
NAMES = [f"ip-{h}-{{token}}.test" for h in
         ("a9fea9fe", "646464c8", "a83f8110", "c00000c0", "7f000001", "00000000",
          "fd000ec2000000000000000000000254", "fd2000ce000000000000000000000254", "fd0000c10000000000000000a9fea9fe",
          "fd000042000000000000000000000042", "00000000000000000000ffffa9fea9fe", "0064ff9b0000000000000000a9fea9fe",
          "2002a9fea9fe00000000000000000001", "00000000000000000000000000000001")]
ALLOW = ["ok.test"] + NAMES


def attack(c):
    for name in NAMES:
        raw = name.split("-")[1]
        if len(raw) != (8 if c.family == 4 else 32):
            continue
        with c.step(raw) as token:
            host = name.replace("{token}", c.base)
            c.send(host, 80, get(host, f"/{token}"))
