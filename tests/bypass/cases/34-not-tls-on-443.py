# SPDX-License-Identifier: Apache-2.0
"""Other protocols on the port of https."""
import tls
from bypass import get

TITLE = "not TLS on 443: SSLv2 hello, http, ssh, arbitrary bytes"
THREAT = "34"


def attack(c):
    shapes = {
        "SSLv2 hello": tls.hello_v2,
        "http": lambda t: get("ok.test", f"/{t}"),
        "http for a neighbour": lambda t: get(f"sib-{t}.test", "/"),
        "ssh": lambda t: f"SSH-2.0-OpenSSH_9.2 {t}\r\n".encode(),
        "arbitrary": lambda t: b"\0\1\2\3" + t.encode(),
        "application data": lambda t: b"\x17\3\3\0\x40" + t.encode().ljust(64),
        "a ServerHello": lambda t: tls.records(b"\2" + tls.vector(3, t.encode().ljust(70))),
        "a CONNECT": lambda t: f"CONNECT {t}.evil.test:443 HTTP/1.1\r\n\r\n".encode(),
    }
    for name, shape in shapes.items():
        with c.step(name) as token:
            c.send("ok.test", 443, shape(token))
