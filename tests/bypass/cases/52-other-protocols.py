# SPDX-License-Identifier: Apache-2.0
"""Everything that is neither TCP, UDP nor ICMP."""
import socket
import struct

import packet

TITLE = "SCTP, GRE, ESP, IPIP, 6in4, raw IP, unknown EtherTypes, VLAN"
THREAT = "52"


def attack(c):
    for proto in (132, 47, 50, 51, 4, 41, 33, 136, 2, 103, 255, 99):
        with c.step(f"IP protocol {proto}") as token:
            link = packet.Link(c.family)
            inner = packet.ip(link.address, c.e, 17, packet.udp(link.address, c.e, 1, 9999, token.encode()))
            link.send(packet.ip(link.address, c.e, proto, inner if proto in (4, 41) else struct.pack("!HHI", 1, 9, 0) + token.encode()))
            link.close()
    with c.step("a raw socket") as token:
        with socket.socket(socket.AF_INET if c.family == 4 else socket.AF_INET6, socket.SOCK_RAW, 253) as s:
            s.sendto(token.encode(), (c.e, 0))
    with c.step("an SCTP socket") as token:
        try:
            with socket.socket(socket.AF_INET if c.family == 4 else socket.AF_INET6, socket.SOCK_STREAM, 132) as s:
                s.settimeout(0.5)
                s.connect((c.e, 9))
        finally:
            # The kernel may have no SCTP; the frame above is the same on the wire.
            packet.Link(c.family).send(packet.ip(packet.Link(c.family).address, c.e, 132, b"\0\1\0\x09" + bytes(8) + token.encode()))
    for kind in (0x88b5, 0x8100, 0x88a8, 0x8847, 0x8863, 0x88cc, 0x0806, 0x8035, 0x9000):
        with c.step(f"EtherType {kind:#06x}") as token:
            link = packet.Link(c.family)
            link.send(b"\0\1\x08\0" + token.encode().ljust(50, b"\0"), kind)
            link.close()
    with c.step("a broadcast frame") as token:
        link = packet.Link(c.family)
        link.send(token.encode().ljust(50, b"\0"), 0x88b5, b"\xff" * 6)
        link.close()
    with c.step("another source address") as token:
        link = packet.Link(c.family)
        src = "203.0.113.77" if c.family == 4 else "2001:db8:113::77"
        link.send(packet.ip(src, c.e, 17, packet.udp(src, c.e, 12345, 9999, token.encode())))
        link.close()
    with c.step("another source MAC") as token:
        link = packet.Link(c.family)
        link.mac = b"\2\0\0\0\0\x99"
        link.send(packet.ip(link.address, c.e, 17, packet.udp(link.address, c.e, 12345, 9999, token.encode())))
        link.close()
