# SPDX-License-Identifier: Apache-2.0
"""An address in decimal, octal and hexadecimal is the same address."""
import world
from bypass import get

TITLE = "odd spellings of addresses: 2130706433, 0x7f.1, 0177.0.0.1"
THREAT = "8"
FAMILIES = "4"
# 198.51.100.20, and the host's own loopback for a gateway that dials by itself.
ODD = ["3325256724", "0xc6336414", "0306.063.0144.024", "198.51.25620", "0xc6.0x33.0x64.0x14"]
LOOP = ["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "0", "017700000001", "127.0.0.1.", "127.000.000.001"]


def attack(c):
    for odd in ODD:
        with c.step(odd) as token:
            c.send(odd, 80, get(odd, f"/{token}"))
    for odd in LOOP:
        with c.step(f"the host's loopback as {odd}") as token:
            c.send(odd if c.proxy else odd.rstrip("."), world.HOST_PORT, get(odd, f"/{token}"))
