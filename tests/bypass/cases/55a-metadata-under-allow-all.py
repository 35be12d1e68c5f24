# SPDX-License-Identifier: Apache-2.0
"""The whole Internet is allowed; the metadata service is not the Internet."""
import world
from bypass import get

TITLE = "metadata services under allow-all"
THREAT = "55"
ALLOW = ["0.0.0.0/0:80", "[::/0]:80"]
NEEDS = ["any"]


def attack(c):
    for address in world.METADATA[c.family]:
        with c.step(address) as token:
            c.send_address(address, 80, get("metadata", f"/{token}"))
    extra = ["10.9.9.9", "192.168.1.1", "127.0.0.1", "100.64.0.1", "0.0.0.0"] if c.family == 4 else \
        ["fd00:9::9", "fe80::1%eth0", "::1", "fec0::1", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "::ffff:169.254.169.254"]
    for address in extra:
        if "%" in address or address in ("127.0.0.1", "::1", "0.0.0.0"):
            continue
        with c.step(address) as token:
            c.send_address(address, 80, get("metadata", f"/{token}"))
