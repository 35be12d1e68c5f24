# SPDX-License-Identifier: Apache-2.0
"""Bits in the headers of allowed packets: DSCP, flow label, TTL."""
import socket

from bypass import INET, get

TITLE = "covert bits in allowed packets' headers: DSCP, flow label"
THREAT = "beyond 46"
OBSERVE = "a packet with the chosen DSCP or flow label arrives on the connection that carries the token"
DSCP = 0xb8
LABEL = 0xabcde


def attack(c):
    with c.step("DSCP of an allowed connection") as token:
        address = c.lookup("ok.test") if not c.proxy else None
        if not address:
            raise OSError("no packets of its own behind a proxy")
        with socket.socket(INET[c.family], socket.SOCK_STREAM) as s:
            if c.family == 4:
                s.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, DSCP)
            else:
                s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, DSCP)
            s.settimeout(1.2)
            s.connect((address, 80))
            c.talk(s, get("ok.test", f"/{token}"))


def seen(record, token, info):
    return record["kind"] == "frame" and token in record["tokens"] and record.get("tos", 0) & 0xfc == DSCP
