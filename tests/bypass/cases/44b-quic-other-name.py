# SPDX-License-Identifier: Apache-2.0
"""HTTP/3 where udp 443 is allowed: the server name is in the protected ClientHello of the Initial packets."""
import os

import quic
import tls

TITLE = "QUIC with another name: v1, v2, cut CRYPTO, several packets, ECH"
THREAT = "44"
ALLOW = ["ok.test", "udp://ok.test:443"]
NEEDS = ["udp"]


def attack(c):
    def hello(name, **more):
        return tls.hello(name, after=[tls.extension(57, b"\x0f\0")], **more)

    def one(mark, frames, **more):
        return [quic.initial(mark.encode(), frames, **more)]

    def honest(n=0):
        return quic.initial(os.urandom(8), [quic.crypto(0, hello("ok.test"))], n)

    def sib(token):
        return hello(f"sib-{token}.test")

    def sni(token):
        name = f"sib-{token}.test".encode()
        return len(name).to_bytes(4, "little") + name + bytes(1024)

    def cut(token, **more):
        m, d = sib(token), token.encode()
        return [quic.initial(d, [quic.crypto(0, m[:90])], 0, **more), quic.initial(d, [quic.crypto(90, m[90:])], 1, **more)]

    shapes = {
        "v1": lambda t: one(t, [quic.crypto(0, sib(t))]),
        "v2": lambda t: one(t, [quic.crypto(0, sib(t))], version=quic.V2),
        "no name": lambda t: one(t, [quic.crypto(0, hello(None))]),
        "ECH": lambda t: one(t, [quic.crypto(0, tls.hello("ok.test", after=[tls.ech(bytes(100))]))]),
        "frames out of order": lambda t: one(t, [quic.crypto(100, sib(t)[100:]), quic.PING, quic.crypto(0, sib(t)[:100])]),
        "one byte each": lambda t: one(t, [quic.crypto(i, sib(t)[i:i + 1]) for i in range(len(sib(t)))][::-1]),
        "overlap that disagrees": lambda t: one(t, [quic.crypto(0, hello("ok.test")), quic.crypto(0, sib(t))]),
        "two packets": cut,
        "two packets, last first": lambda t: cut(t)[::-1],
        "two packets in one datagram": lambda t: [b"".join(cut(t, size=600))],
        "v2, two packets": lambda t: cut(t, version=quic.V2),
        "unknown version": lambda t: one(t, [quic.crypto(0, sib(t))], version=0x1a2a3a4a),
        "draft 29": lambda t: one(t, [quic.crypto(0, sib(t))], version=0xff00001d),
        "a short header first": lambda t: [b"\x40" + t.encode() + os.urandom(60)],
        "0-RTT first": lambda t: [b"\xd0\0\0\0\1\x11" + t.encode() + b"\0\x44\xb0" + os.urandom(1200)],
        "an honest connection first": lambda t: [honest(), *one(t, [quic.crypto(0, sib(t))])],
        "an honest connection first, then v2": lambda t: [honest(), *one(t, [quic.crypto(0, sib(t))], version=quic.V2)],
        "ten honest ones first": lambda t: [*(honest() for _ in range(10)), *one(t, [quic.crypto(0, sib(t))])],
        "behind an honest one in the same datagram": lambda t: [
            quic.initial(os.urandom(8), [quic.crypto(0, hello("ok.test"))], size=600) +
            quic.initial(t.encode(), [quic.crypto(0, sib(t))], size=600)],
        "the same connection id, another hello": lambda t: [
            quic.initial(t.encode()[:8], [quic.crypto(0, hello("ok.test"))]),
            quic.initial(t.encode()[:8], [quic.crypto(0, sib(t))], 1, token=t.encode())],
        "an honest one with a token field first": lambda t: [
            honest(), *one(t, [quic.crypto(0, sib(t))], token=b"x" * 16)],
        "an honest one first, then Google's": lambda t: [
            honest(), b"\x0d" + os.urandom(8) + b"Q043\1" + os.urandom(12) + b"\x80\1CHLO\1\0\0\0SNI\0" + sni(t)],
        "an honest one first, then DTLS": lambda t: [honest(), b"\x16\xfe\xff" + bytes(8) + tls.vector(2, sib(t))],
        "no ClientHello at all": lambda t: one(t, [quic.PING]),
        "a later part only": lambda t: one(t, [quic.crypto(4000, sib(t))]),
        "not QUIC": lambda t: [t.encode() * 10],
        "a name server's question": lambda t: [b"ab\1\0\0\1\0\0\0\0\0\0\x11" + t.encode() + b"\0\0\1\0\1"],
    }
    import socket
    for name, shape in shapes.items():
        with c.step(name) as token:
            address = c.lookup("ok.test")
            with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.settimeout(0.25)
                s.connect((address, 443))
                for datagram in shape(token):
                    s.send(datagram)
                try:
                    s.recv(2000)
                except socket.timeout:
                    pass
    with c.step("a denied address") as token:
        c.udp(c.e, 443, one(token, [quic.crypto(0, hello("ok.test"))])[0])
