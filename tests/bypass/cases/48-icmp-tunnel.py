# SPDX-License-Identifier: Apache-2.0
"""Echo requests carry what one likes."""
import os
import socket
import struct
import time

import packet
from bypass import INET

TITLE = "ICMP tunnel: echo payloads, other types"
THREAT = "48"


def attack(c):
    def ping(address, token, size):
        # An ICMP socket that needs no privilege.
        proto = socket.IPPROTO_ICMP if c.family == 4 else socket.IPPROTO_ICMPV6
        with socket.socket(INET[c.family], socket.SOCK_DGRAM, proto) as s:
            s.settimeout(0.4)
            s.connect((address, 0))
            s.send(struct.pack("!BBHHH", 8 if c.family == 4 else 128, 0, 0, 1, 1) + token.encode() + os.urandom(size))
            try:
                s.recv(70000)
            except socket.timeout:
                pass

    with c.step("echo to a denied address") as token:
        ping(c.e, token, 40)
    with c.step("echo to the allowed address") as token:
        if not c.proxy:
            c.lookup("ok.test")
        ping(c.a, token, 40)
    with c.step("echo of 60,000 bytes") as token:
        ping(c.e, token, 60000)
    kinds = (8, 13, 15, 17, 10, 3, 5, 42, 200) if c.family == 4 else (128, 1, 3, 139, 141, 144, 160, 200)
    for kind in kinds:
        with c.step(f"raw type {kind}") as token:
            link = packet.Link(c.family)
            link.send(packet.ip(link.address, c.e, 1 if c.family == 4 else 58,
                                packet.icmp(link.address, c.e, kind, 0, b"\0\1\0\1" + token.encode())))
            link.close()
