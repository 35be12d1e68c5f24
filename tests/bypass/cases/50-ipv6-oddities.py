# SPDX-License-Identifier: Apache-2.0
"""What IPv6 has and IPv4 has not."""
import struct

import packet

TITLE = "IPv6: extension headers, jumbograms, RA and ND, link-local"
THREAT = "50"
FAMILIES = "6"


def attack(c):
    def ext(following, data=b"\1\4\0\0\0\0"):
        body = bytes([following, (len(data) + 2) // 8 - 1 if (len(data) + 2) % 8 == 0 else 0]) + data
        return body.ljust(8, b"\0")

    def try_(name, make):
        with c.step(name) as token:
            link = packet.Link(6)
            link.send(make(link, token))
            link.close()

    def udp(link, token, dst=None, port=9999):
        return packet.udp(link.address, dst or c.e, 12345, port, token.encode())

    def to(link, proto, payload, dst=None, **more):
        return packet.ip(link.address, dst or c.e, proto, payload, **more)

    try_("hop-by-hop", lambda l, t: to(l, 0, ext(17) + udp(l, t)))
    try_("destination options", lambda l, t: to(l, 60, ext(17) + udp(l, t)))
    try_("payload in an option", lambda l, t: to(l, 60, bytes([17, 3]) + b"\x1e\x1c" + t.encode().ljust(28, b"\0") + udp(l, "x")))
    try_("ten headers", lambda l, t: to(l, 60, ext(60) * 9 + ext(17) + udp(l, t)))
    try_("routing header, by the allowed address",
         lambda l, t: to(l, 43, struct.pack("!BBBBI", 17, 2, 0, 1, 0) + packet.packed(c.e) + udp(l, t), dst=c.a))
    try_("atomic fragment", lambda l, t: to(l, 44, packet.fragment6(17, udp(l, t), 0, False, 7)))
    try_("jumbogram", lambda l, t: to(l, 0, b"\x11\0\xc2\4\0\1\0\0" + udp(l, t)))
    try_("no next header", lambda l, t: to(l, 59, t.encode()))
    try_("authentication header", lambda l, t: to(l, 51, bytes([17, 4, 0, 0]) + bytes(20) + udp(l, t)))
    try_("mapped destination", lambda l, t: to(l, 17, udp(l, t, "::ffff:198.51.100.20"), "::ffff:198.51.100.20"))
    try_("all-nodes", lambda l, t: to(l, 17, udp(l, t, "ff02::1"), "ff02::1"))
    try_("router advertisement",
         lambda l, t: to(l, 58, packet.icmp(l.address, "ff02::1", 134, 0, bytes(12) + b"\x1f\4" + bytes(6) + t.encode().ljust(24)),
                         "ff02::1", ttl=255))
    try_("neighbour advertisement",
         lambda l, t: to(l, 58, packet.icmp(l.address, "ff02::1", 136, 0, b"\x20\0\0\0" + packet.packed(c.a) + b"\2\3" +
                                            t.encode().ljust(22)), "ff02::1", ttl=255))
    try_("redirect", lambda l, t: to(l, 58, packet.icmp(l.address, c.e, 137, 0, bytes(36) + t.encode()), ttl=255))
    try_("length beyond the frame", lambda l, t: packet.ip(l.address, c.e, 17, udp(l, t) + bytes(8)) [:40] + udp(l, t))
