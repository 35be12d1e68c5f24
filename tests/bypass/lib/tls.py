# SPDX-License-Identifier: Apache-2.0
"""ClientHellos, as a client would send them and as none would."""
import os
import struct

KEX_X25519, KEX_MLKEM = 0x001d, 0x11ec
HRR_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


def vector(size, data):
    return len(data).to_bytes(size, "big") + data


def extension(kind, data):
    return struct.pack("!H", kind) + vector(2, data)


def names(*entries):
    """server_name: entries are bytes, or (type, bytes)."""
    out = b""
    for x in entries:
        kind, name = x if isinstance(x, tuple) else (0, x)
        out += bytes([kind]) + vector(2, name)
    return extension(0, vector(2, out))


def key_share(group=KEX_X25519, size=32):
    return extension(51, vector(2, struct.pack("!H", group) + vector(2, os.urandom(size))))


def hello(name=None, random="", before=(), after=(), share=None, sni=None, session=b"", groups=(0x1d, 0x17)):
    """The handshake message. name: str or bytes; random: a token, placed in the client random."""
    if isinstance(name, str):
        name = name.encode("latin1")
    mark = random.encode().ljust(32, b"\x5a") if random else os.urandom(32)
    ext = b"".join(before)
    if sni is not None:
        ext += sni
    elif name is not None:
        ext += names(name)
    ext += extension(10, vector(2, b"".join(struct.pack("!H", g) for g in groups)))
    ext += extension(11, b"\1\0")
    ext += extension(13, vector(2, bytes.fromhex("0403080404010503080505010806060102010203")))
    ext += extension(16, vector(2, vector(1, b"http/1.1")))
    ext += extension(43, b"\x04\x03\x04\x03\x03")
    ext += extension(45, b"\1\1")
    ext += key_share() if share is None else share
    ext += b"".join(after)
    body = b"\3\3" + mark + vector(1, session) + \
        vector(2, bytes.fromhex("130113021303c02bc02fc02cc030cca9cca8009c009d")) + b"\1\0" + vector(2, ext)
    return b"\1" + vector(3, body)


def records(message, *cuts, kind=22, version=b"\3\1"):
    """The message in records, cut at these places and nowhere else but at 16 KiB."""
    out, at = b"", 0
    for cut in list(cuts) + [len(message)]:
        while at < cut:
            part = message[at:min(cut, at + 16384)]
            out += bytes([kind]) + version + vector(2, part)
            at += len(part)
    return out


def client_hello(name=None, **more):
    return records(hello(name, **more))


def hello_v2(random):
    """An SSLv2 ClientHello that offers TLS; the challenge is the token."""
    ciphers = bytes.fromhex("00002f000035010080")
    challenge = random.encode().ljust(32, b"\x5a")
    body = b"\1\3\1" + struct.pack("!HHH", len(ciphers), 0, len(challenge)) + ciphers + challenge
    return struct.pack("!H", 0x8000 | len(body)) + body


def ech(payload):
    """encrypted_client_hello, outer; the payload is said to be encrypted."""
    return extension(0xfe0d, b"\0" + struct.pack("!HH", 1, 1) + b"\7" + vector(2, os.urandom(32)) + vector(2, payload))


def read_records(sock, limit=8):
    """The handshake messages of the next records."""
    out = b""
    while limit:
        head = b""
        while len(head) < 5:
            data = sock.recv(5 - len(head))
            if not data:
                return out
            head += data
        n = struct.unpack_from("!H", head, 3)[0]
        body = b""
        while len(body) < n:
            data = sock.recv(n - len(body))
            if not data:
                return out
            body += data
        if head[0] == 22:
            return out + body
        if head[0] == 21:
            raise OSError(f"TLS alert {body[1]}")
        limit -= 1
    return out
