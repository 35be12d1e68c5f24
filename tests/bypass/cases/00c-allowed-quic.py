# SPDX-License-Identifier: Apache-2.0
"""No attack: Initial packets for the allowed name arrive where udp 443 is allowed."""
import socket

import quic
import tls

TITLE = "no attack: QUIC for the allowed name arrives where udp 443 is allowed"
LEGIT = True
ALLOW = ["ok.test", "udp://ok.test:443"]
NEEDS = ["udp"]


def attack(c):
    hello = tls.hello("ok.test", after=[tls.extension(57, b"\x0f\0")])
    big = tls.hello("ok.test", after=[tls.extension(57, b"\x0f\0")], share=tls.key_share(tls.KEX_MLKEM, 1216))
    shapes = {
        "v1": lambda d: [quic.initial(d, [quic.crypto(0, hello)])],
        "v2": lambda d: [quic.initial(d, [quic.crypto(0, hello)], version=quic.V2)],
        "post-quantum, two packets": lambda d: [quic.initial(d, [quic.crypto(0, big[:1000])], 0),
                                                quic.initial(d, [quic.crypto(1000, big[1000:])], 1)],
        "frames in disorder, as Chrome sends them": lambda d: [quic.initial(d, [
            quic.crypto(120, hello[120:]), quic.PING, quic.crypto(0, hello[:50]), quic.PING, quic.crypto(50, hello[50:120])])],
    }
    for name, shape in shapes.items():
        with c.step(name) as token:
            with socket.socket(socket.AF_INET if c.family == 4 else socket.AF_INET6, socket.SOCK_DGRAM) as s:
                s.settimeout(1)
                s.connect((c.lookup("ok.test"), 443))
                for datagram in shape(token.encode()):
                    s.send(datagram)
                s.recv(2000)
