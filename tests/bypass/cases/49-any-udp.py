# SPDX-License-Identifier: Apache-2.0
"""Every well-known UDP service, and some that are not."""
TITLE = "UDP to any port: NTP, STUN, SIP, DHT, WireGuard, syslog"
THREAT = "49"


def attack(c):
    for port in (123, 3478, 5060, 6881, 51820, 514, 161, 69, 1194, 4500, 443, 80, 1):
        with c.step(f"denied address, udp {port}") as token:
            c.udp(c.e, port, token.encode(), 0.15)
    for port in (123, 3478, 80, 9999):
        with c.step(f"allowed address, udp {port}") as token:
            c.udp(c.a if c.proxy else c.lookup("ok.test"), port, token.encode(), 0.15)
