# SPDX-License-Identifier: Apache-2.0
"""Packets made by hand, for an attacker who is root in his network namespace."""
import json
import random
import socket
import struct
import subprocess
import time

SYN, RST, PSH, ACK, URG, FIN = 2, 4, 8, 16, 32, 1


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    n = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while n >> 16:
        n = (n & 0xffff) + (n >> 16)
    return ~n & 0xffff


def packed(address):
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def pseudo(src, dst, proto, size):
    if ":" in src:
        return packed(src) + packed(dst) + struct.pack("!II", size, proto)
    return packed(src) + packed(dst) + struct.pack("!BBH", 0, proto, size)


def udp(src, dst, sport, dport, data, length=None):
    head = struct.pack("!HHHH", sport, dport, 8 + len(data) if length is None else length, 0)
    n = checksum(pseudo(src, dst, 17, 8 + len(data)) + head + data) or 0xffff
    return head[:6] + struct.pack("!H", n) + data


def tcp(src, dst, sport, dport, seq, ack, flags, data=b"", options=b"", window=65000, urgent=0, broken=False):
    options += bytes(-len(options) % 4)
    head = struct.pack("!HHIIBBHHH", sport, dport, seq & 0xffffffff, ack & 0xffffffff, (5 + len(options) // 4) << 4, flags,
                       window, 0, urgent) + options
    n = checksum(pseudo(src, dst, 6, len(head) + len(data)) + head + data)
    if broken:
        n = n ^ 0x5555
    return head[:16] + struct.pack("!H", n) + head[18:] + data


def icmp(src, dst, kind, code, rest):
    head = struct.pack("!BBH", kind, code, 0)
    cover = pseudo(src, dst, 58, 4 + len(rest)) if ":" in src else b""
    return head[:2] + struct.pack("!H", checksum(cover + head + rest)) + rest


def ip(src, dst, proto, payload, ttl=64, ident=0, fragment=0, more=False, options=b"", tos=0, label=0):
    """fragment: offset in bytes, IPv4 only. IPv6 extension headers are part of the payload."""
    if ":" in src:
        return struct.pack("!IHBB", 6 << 28 | tos << 20 | label, len(payload), proto, ttl) + packed(src) + packed(dst) + payload
    options += bytes(-len(options) % 4)
    head = struct.pack("!BBHHHBBH", 0x45 + len(options) // 4, tos, 20 + len(options) + len(payload), ident,
                       fragment // 8 | (0x2000 if more else 0), ttl, proto, 0) + packed(src) + packed(dst) + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def fragment6(proto, data, offset, more, ident):
    return struct.pack("!BBHI", proto, 0, offset | (1 if more else 0), ident) + data


class Link:
    """The interface with the default route of this family. Raises OSError where no packet can be made."""

    def __init__(self, family):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.family = family
        routes = self.ip(f"-{family}", "route", "show", "default")
        if not routes:
            raise OSError("no default route, no link")
        self.name, via = routes[0]["dev"], routes[0]["gateway"]
        self.socket.bind((self.name, 3))
        self.mac = self.socket.getsockname()[4]
        own = [a["local"] for x in self.ip(f"-{family}", "addr", "show", "dev", self.name) for a in x.get("addr_info", [])
               if a.get("scope") == "global"]
        self.address = own[0]
        self.peer = b"\xff" * 6
        for _ in range(20):
            with socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_DGRAM) as s:
                s.sendto(b"", (via, 9))
            found = [x["lladdr"] for x in self.ip(f"-{family}", "neigh", "show", "dev", self.name)
                     if x["dst"] == via and "lladdr" in x]
            if found:
                self.peer = bytes.fromhex(found[0].replace(":", ""))
                break
            time.sleep(0.02)

    @staticmethod
    def ip(*args):
        r = subprocess.run(["ip", "-j", *args], capture_output=True, text=True)
        if r.returncode:
            raise OSError(r.stderr.strip())
        return json.loads(r.stdout or "[]")

    def send(self, packet, kind=None, to=None):
        kind = kind or (0x0800 if self.family == 4 else 0x86dd)
        frame = (to or self.peer) + self.mac + struct.pack("!H", kind) + packet
        self.socket.send(frame.ljust(60, b"\0"))

    def close(self):
        self.socket.close()


class RawTcp:
    """A TCP client that sends what it is told. The kernel's own resets are kept back by a rule, for it
    knows nothing of this connection."""

    def __init__(self, link, dst, port):
        self.link, self.dst, self.port = link, dst, port
        self.sport = random.randrange(61000, 62000)
        self.seq, self.ack = random.getrandbits(32), 0
        subprocess.run(["nft", "-f", "-"], input="table inet rawtcp { chain out { type filter hook output priority 0; "
                       "tcp sport 61000-61999 tcp flags rst drop\n}\n}\n", text=True, capture_output=True)

    def segment(self, flags, data=b"", offset=0, **more):
        self.link.send(ip(self.link.address, self.dst, 6, tcp(self.link.address, self.dst, self.sport, self.port,
                                                              self.seq + offset, self.ack, flags, data, **more)))

    def connect(self, data=b"", options=b"\2\4\5\x50"):
        """The handshake; data rides in the SYN."""
        for _ in range(3):
            self.segment(SYN, data, options=options)
            answer = self.wait(lambda flags: flags & (SYN | RST), 0.5)
            if answer:
                break
        else:
            raise OSError("no answer to a SYN")
        flags, seq, _ = answer
        if flags & RST:
            raise OSError("refused")
        self.seq, self.ack = self.seq + 1, seq + 1
        self.segment(ACK)

    def wait(self, wanted, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.link.socket.settimeout(max(0.01, end - time.monotonic()))
            try:
                frame, where = self.link.socket.recvfrom(65600)
            except socket.timeout:
                return None
            if where[2] == 4:
                continue
            at = 14 + (40 if self.link.family == 6 else (frame[14] & 15) * 4)
            if len(frame) < at + 20 or frame[20 if self.link.family == 6 else 23] != 6:
                continue
            sport, dport, seq, ack, _, flags = struct.unpack_from("!HHIIBB", frame, at)
            if (sport, dport) == (self.port, self.sport) and wanted(flags):
                return flags, seq, ack
        return None
