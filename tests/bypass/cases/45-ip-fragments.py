# SPDX-License-Identifier: Apache-2.0
"""Fragments that hide or rewrite the destination port."""
import random

import packet

TITLE = "IP fragments: tiny first, overlapping, rewriting the port"
THREAT = "45"
ALLOW = ["ok.test", "udp://ok.test:443"]
NEEDS = ["udp"]


def attack(c):
    def both(link, dst, parts):
        """parts: (offset, bytes, more)"""
        ident = random.getrandbits(16)
        for offset, data, more in parts:
            if c.family == 4:
                link.send(packet.ip(link.address, dst, 17, data, ident=ident, fragment=offset, more=more))
            else:
                link.send(packet.ip(link.address, dst, 44, packet.fragment6(17, data, offset, more, ident)))

    shapes = {
        "tiny first fragment": lambda d: [(0, d[:8], True), (8, d[8:], False)],
        "last first": lambda d: [(8, d[8:], False), (0, d[:8], True)],
        "second rewrites the ports": lambda d: [(0, b"\x30\x39\x01\xbb" + d[4:32], True), (0, d[:32], True), (32, d[32:], False)],
        "no last one": lambda d: [(0, d[:64], True)],
        "oversize": lambda d: [(0, d[:64], True), (65528, d[:64], False)],
        "the same thrice": lambda d: [(0, d[:32], True)] * 3 + [(32, d[32:], False)],
    }
    for name, shape in shapes.items():
        for where, dst, port in (("denied", c.e, 9999), ("allowed, other port", c.a, 9999)):
            with c.step(f"{name}, {where}") as token:
                link = packet.Link(c.family)
                c.lookup("ok.test")
                data = packet.udp(link.address, dst, 12345, port, token.encode().ljust(64, b"."))
                both(link, dst, shape(data))
                link.close()


def seen(record, token, info):
    """Whole, and to the port that is allowed, is what the policy says; anything else is not."""
    if token not in record["tokens"]:
        return False
    allowed = record["dst"] in ("198.51.100.10", "2001:db8:100::10")
    return not (allowed and (record["port"] == 443 or record.get("ports", [0, 0])[1] == 443))


OBSERVE = "the token arrives at a denied address, or at the allowed one otherwise than on the allowed port"
