# SPDX-License-Identifier: Apache-2.0
"""IPv4 addresses inside of IPv6 ones: mapped, translated, 6to4, Teredo."""
from bypass import get

TITLE = "IPv4 in IPv6: mapped, compatible, NAT64, 6to4"
THREAT = "9"
FAMILIES = "6"
ODD = ["::ffff:198.51.100.20", "::ffff:169.254.169.254", "::ffff:127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b::c633:6414",
       "64:ff9b:1::a9fe:a9fe", "2002:a9fe:a9fe::1", "2002:c633:6414::1", "::ffff:0:169.254.169.254", "2001:0:c633:6414::1",
       "fe80::5efe:a9fe:a9fe"]


def attack(c):
    for odd in ODD:
        if odd.startswith("fe80"):
            continue
        with c.step(odd) as token:
            c.send_address(odd, 80, get(f"[{odd}]", f"/{token}"))
