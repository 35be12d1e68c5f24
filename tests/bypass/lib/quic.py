# SPDX-License-Identifier: Apache-2.0
"""QUIC Initial packets (RFC 9001, RFC 9369) with ClientHellos of our own, on the standard library alone: so
there is an AES-128-GCM here, which is slow and leaks by timing, and encrypts nothing that is secret."""
import hashlib
import hmac
import os
import struct

V1, V2 = 1, 0x6b3343cf
SALT = {V1: bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a"),
        V2: bytes.fromhex("0dede3def700a6db819381be6e269dcbf9bd2ed9")}


# ---- AES-128 -------------------------------------------------------------------------------------------

def _tables():
    sbox, p, q = [0] * 256, 1, 1
    while True:
        p = p ^ (p << 1) & 255 ^ (0x1b if p & 0x80 else 0)
        q ^= q << 1
        q ^= q << 2
        q ^= q << 4
        q &= 255
        if q & 0x80:
            q ^= 9
        x = q ^ (q << 1 | q >> 7) ^ (q << 2 | q >> 6) ^ (q << 3 | q >> 5) ^ (q << 4 | q >> 4)
        sbox[p] = (x ^ 0x63) & 255
        if p == 1:
            break
    sbox[0] = 0x63
    return sbox


SBOX = _tables()


def _double(x):
    return x << 1 & 255 ^ (0x1b if x & 0x80 else 0)


class Aes:
    def __init__(self, key):
        words, rcon = [key[i:i + 4] for i in range(0, 16, 4)], 1
        while len(words) < 44:
            w = words[-1]
            if len(words) % 4 == 0:
                w = bytes(SBOX[b] for b in w[1:] + w[:1])
                w = bytes([w[0] ^ rcon]) + w[1:]
                rcon = _double(rcon)
            words.append(bytes(a ^ b for a, b in zip(w, words[-4])))
        self.keys = [b"".join(words[i:i + 4]) for i in range(0, 44, 4)]

    def block(self, data):
        s = [a ^ b for a, b in zip(data, self.keys[0])]
        for n in range(1, 11):
            s = [SBOX[s[(i + 4 * (i % 4)) % 16]] for i in range(16)]
            if n < 10:
                t = []
                for c in range(0, 16, 4):
                    a = s[c:c + 4]
                    e = a[0] ^ a[1] ^ a[2] ^ a[3]
                    t += [a[i] ^ e ^ _double(a[i] ^ a[(i + 1) % 4]) for i in range(4)]
                s = t
            s = [a ^ b for a, b in zip(s, self.keys[n])]
        return bytes(s)


def _ghash(h, data):
    y = 0
    for i in range(0, len(data), 16):
        x, v, z = y ^ int.from_bytes(data[i:i + 16].ljust(16, b"\0"), "big"), h, 0
        for bit in range(127, -1, -1):
            if x >> bit & 1:
                z ^= v
            v = v >> 1 ^ (0xe1 << 120 if v & 1 else 0)
        y = z
    return y


def seal(key, nonce, plain, aad):
    """AES-128-GCM: ciphertext and tag."""
    aes = Aes(key)
    out = b""
    for i in range(0, len(plain), 16):
        stream = aes.block(nonce + struct.pack("!I", 2 + i // 16))
        out += bytes(a ^ b for a, b in zip(plain[i:i + 16], stream))

    def pad(x):
        return x + bytes(-len(x) % 16)
    y = _ghash(int.from_bytes(aes.block(bytes(16)), "big"), pad(aad) + pad(out) + struct.pack("!QQ", 8 * len(aad), 8 * len(out)))
    return out + bytes(a ^ b for a, b in zip(y.to_bytes(16, "big"), aes.block(nonce + b"\0\0\0\1")))


# ---- packets -------------------------------------------------------------------------------------------

def _expand(secret, label, size):
    label = b"tls13 " + label
    info = struct.pack("!HB", size, len(label)) + label + b"\0"
    return hmac.new(secret, info + b"\1", hashlib.sha256).digest()[:size]


def _keys(version, dcid):
    initial = hmac.new(SALT.get(version, SALT[V1]), dcid, hashlib.sha256).digest()
    client = _expand(initial, b"client in", 32)
    word = b"quicv2" if version == V2 else b"quic"
    return [_expand(client, word + b" " + x, n) for x, n in ((b"key", 16), (b"iv", 12), (b"hp", 16))]


def varint(n):
    if n < 64:
        return bytes([n])
    return struct.pack("!H", 0x4000 | n) if n < 16384 else struct.pack("!I", 0x80000000 | n)


def crypto(offset, data):
    return b"\6" + varint(offset) + varint(len(data)) + data


PING = b"\1"


def initial(dcid, frames, number=0, version=V1, scid=b"", token=b"", size=1200):
    """One protected Initial packet, padded to a datagram of this size."""
    key, iv, hp = _keys(version, dcid)
    kind = 1 if version == V2 else 0
    head = bytes([0xc0 | kind << 4 | 1]) + struct.pack("!I", version) + bytes([len(dcid)]) + dcid + bytes([len(scid)]) + \
        scid + varint(len(token)) + token
    plain = b"".join(frames)
    plain += bytes(max(0, size - len(head) - 2 - 2 - 16 - len(plain)))
    head += struct.pack("!H", 0x4000 | 2 + len(plain) + 16) + struct.pack("!H", number)
    nonce = bytes(a ^ b for a, b in zip(iv, bytes(8) + struct.pack("!I", number)))
    body = seal(key, nonce, plain, head)
    mask = Aes(hp).block(body[2:18])
    packet = bytearray(head + body)
    packet[0] ^= mask[0] & 15
    at = len(head) - 2
    packet[at] ^= mask[1]
    packet[at + 1] ^= mask[2]
    return bytes(packet)

