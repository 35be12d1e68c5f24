# SPDX-License-Identifier: Apache-2.0
"""The host's own addresses: what listens there listens for the host."""
import world
from bypass import get

TITLE = "the host's own addresses and the gateway's"
THREAT = "56"


def attack(c):
    for port in (80, world.HOST_PORT):
        with c.step(f"LAN address, port {port}") as token:
            c.send_address(world.HOST[c.family], port, get("ok.test", f"/{token}"))
        with c.step(f"loopback, port {port}") as token:
            c.send_address(world.LOOPBACK[c.family], port, get("ok.test", f"/{token}"))
    with c.step("the next hop") as token:
        if not c.next_hop():
            raise OSError("no next hop")
        c.send_address(c.next_hop() if not c.control else world.HOST[c.family], world.HOST_PORT, token.encode())
    with c.step("udp to the LAN address") as token:
        c.udp(world.HOST[c.family], world.HOST_PORT, token.encode())


def seen(record, token, info):
    return token in record["tokens"]
