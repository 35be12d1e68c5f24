# SPDX-License-Identifier: Apache-2.0
"""Questions to name servers, honest and not."""
import os
import struct

A, NS, CNAME, NULL, TXT, AAAA, OPT, SVCB, HTTPS, AXFR, ANY = 1, 2, 5, 10, 16, 28, 41, 64, 65, 252, 255


def labels(name):
    """name: str with dots, or a list of labels as bytes."""
    parts = name if isinstance(name, list) else [x.encode("utf-8") for x in name.split(".") if x]
    return b"".join(bytes([len(x)]) + x for x in parts) + b"\0"


def question(name, kind=A, cls=1):
    return labels(name) + struct.pack("!HH", kind, cls)


def query(name, kind=A, cls=1, extra=(), opcode=0, more=b"", flags=0x0100):
    """extra: additional records as bytes."""
    return os.urandom(2) + struct.pack("!HHHHH", flags | opcode << 11, 1, 0, 0, len(extra)) + \
        question(name, kind, cls) + b"".join(extra) + more


def edns(*options, size=1232):
    """options: (code, bytes)."""
    data = b"".join(struct.pack("!HH", c, len(d)) + d for c, d in options)
    return b"\0" + struct.pack("!HHIH", OPT, size, 0, len(data)) + data
