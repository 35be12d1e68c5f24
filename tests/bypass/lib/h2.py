# SPDX-License-Identifier: Apache-2.0
"""Just enough HTTP/2: a preface and HEADERS frames whose fields are literals, neither indexed nor Huffman-coded."""
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"


def literal(name, value):
    name, value = name.encode(), value.encode()
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


def headers(stream, authority, path, scheme, protocol=None):
    fields = [(":method", "CONNECT" if protocol else "GET"), (":scheme", scheme), (":authority", authority), (":path", path)]
    if protocol:
        fields.append((":protocol", protocol))
    block = b"".join(literal(n, v) for n, v in fields)
    return struct.pack("!I", len(block))[1:] + b"\1\5" + struct.pack("!I", stream) + block
