#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The sinkhole: owns all addresses, answers everything, and records what arrived.

    sinkhole.py inet RECORD CERT INTERFACE      the Internet (in its namespace, behind TPROXY)
    sinkhole.py host RECORD CERT SOCKET         services of the host that no sandbox may reach

The record is JSON lines, one whenever something new is known of a stream, datagram or frame:
    t           when, seconds since the epoch
    kind        tcp | tls | http | udp | dns | frame | unix
    side        inet | host
    dst, port   where it went
    tokens      the tokens seen so far in this stream, datagram or frame
    bytes       of the stream so far
and, of http, target, hosts (all Host fields and the authority of the target) and sni; of tls, sni; of dns,
name (as spelled), type and how; of frame, proto and what else the header said.
"""
import json
import os
import re
import socket
import ssl
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import world

SO_ORIGINAL = 20            # IP_RECVORIGDSTADDR
IPV6_ORIGINAL = 74          # IPV6_RECVORIGDSTADDR
IP_TRANSPARENT, IPV6_TRANSPARENT = 19, 75
STREAM_MAX = 1 << 18        # bytes of a stream that are looked at

record_lock = threading.Lock()
record_file = None
side = None
tls_context = None


def record(kind, dst, port, tokens=(), **more):
    line = {"t": time.time(), "side": side, "kind": kind, "dst": dst, "port": port, "tokens": sorted(tokens)}
    line.update(more)
    with record_lock:
        record_file.write(json.dumps(line) + "\n")
        record_file.flush()


def plain(address):
    return address[7:] if address.startswith("::ffff:") else address


# ---- names ------------------------------------------------------------------------------------------

rebinds = {}
REBIND = {4: ["127.0.0.1", world.HOST[4], "10.9.9.9", "169.254.169.254", "0.0.0.0"],
          6: ["::1", world.HOST[6], "fd00:9::9", "fe80::1", "::ffff:127.0.0.1"]}
ECH_MARK = b"ech-config-of-the-sinkhole"


def addresses(name, family):
    m = re.match(r"ip-([0-9a-f]+)-", name)
    if m:
        raw = bytes.fromhex(m.group(1))
        if len(raw) != (4 if family == 4 else 16):
            return []
        return [socket.inet_ntop(socket.AF_INET if family == 4 else socket.AF_INET6, raw)]
    if name.startswith("rb-"):
        # The first answer is harmless, the following ones are not.
        n = rebinds.get((name, family), 0)
        rebinds[name, family] = n + 1
        return [world.A[family] if n % 2 == 0 else REBIND[family][n // 2 % len(REBIND[family])]]
    if name in ("ok.test", "o.test") or re.search(r"(^|\.)(ok\.test|sib[^.]*\.test|ok-[^.]*\.test)$", name):
        return [world.A[family]]
    return [world.E[family]]


def wire_name(name):
    return b"".join(bytes([len(x)]) + x for x in name.encode("latin1").split(b".") if x) + b"\0"


def dns_answer(query, how, dst, port):
    """Parses loosely, records, answers. None for what is no question."""
    found = world.tokens(query)
    try:
        ident, flags, qd = struct.unpack_from("!HHH", query)
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]])
            at += 1 + query[at]
        qtype, qclass = struct.unpack_from("!HH", query, at + 1)
        end = at + 5
    except (struct.error, IndexError):
        record("udp" if how == "udp" else "tcp", dst, port, found, bytes=len(query))
        return None
    spelled = ".".join(x.decode("latin1") for x in labels)
    name = spelled.lower()
    # A label may have been cut in two to hide a token from whoever looks at the packet.
    found |= world.tokens(b"".join(labels))
    record("dns", dst, port, found, name=spelled, type=qtype, cls=qclass, how=how)
    if flags & 0x8000 or qd < 1:
        return None
    answers = []

    def add(kind, data, owner=b"\xc0\x0c"):
        answers.append(owner + struct.pack("!HHIH", kind, 1, 0, len(data)) + data)

    if qtype in (1, 28):
        owner = b"\xc0\x0c"
        if name.startswith("cn-"):
            add(5, wire_name("evil.test"))
            owner, name = wire_name("evil.test"), "evil.test"
        family = 4 if qtype == 1 else 6
        for a in addresses(name, family):
            add(qtype, socket.inet_pton(socket.AF_INET if family == 4 else socket.AF_INET6, a), owner)
    elif qtype in (64, 65):
        add(qtype, struct.pack("!H", 1) + b"\0" + struct.pack("!HH", 1, 3) + b"\x02h3" +
            struct.pack("!HH", 4, 4) + socket.inet_aton(world.E[4]) +
            struct.pack("!HH", 5, len(ECH_MARK)) + ECH_MARK +
            struct.pack("!HH", 6, 16) + socket.inet_pton(socket.AF_INET6, world.E[6]))
    elif qtype in (16, 255):
        add(16, b"\x04sink")
    return struct.pack("!HHHHHH", ident, 0x8580 | flags & 0x100, 1, len(answers), 0, 0) + \
        query[12:end] + b"".join(answers)


# ---- streams ----------------------------------------------------------------------------------------

def handshake_of(raw):
    """What the TLS records of a stream carry, without the record headers, until something else comes."""
    out, at = b"", 0
    while at + 5 <= len(raw) and raw[at] in (20, 21, 22):
        n = struct.unpack_from("!H", raw, at + 3)[0]
        if raw[at] == 22:
            out += raw[at + 5:at + 5 + n]
        at += 5 + n
    return out


def hello_name(handshake):
    """The server name of the first ClientHello, loosely."""
    try:
        at = 4 + 2 + 32
        at += 1 + handshake[at]
        at += 2 + struct.unpack_from("!H", handshake, at)[0]
        at += 1 + handshake[at]
        end = at + 2 + struct.unpack_from("!H", handshake, at)[0]
        at += 2
        while at + 4 <= end:
            kind, n = struct.unpack_from("!HH", handshake, at)
            if kind == 0:
                m = struct.unpack_from("!H", handshake, at + 7)[0]
                return handshake[at + 9:at + 9 + m].decode("latin1")
            at += 4 + n
    except (struct.error, IndexError):
        pass
    return None


class Stream:
    """One connection: raw bytes, below TLS where there is TLS, and the requests in it."""

    def __init__(self, sock, kind, dst, port, src):
        self.sock, self.kind, self.dst, self.port, self.src = sock, kind, dst, port, src
        self.raw, self.text, self.done = b"", b"", 0
        self.count = 0
        self.tls = self.sni = None
        self.known = set()
        self.out = b""
        self.http = None

    def note(self, kind, data, **more):
        found = world.tokens(data)
        if found - self.known or more:
            self.known |= found
            record(kind, self.dst, self.port, found, bytes=self.count, src=self.src, sni=self.sni, **more)

    def send(self, data):
        if self.tls:
            self.tls.write(data)
            data = self.bio_out.read()
        self.sock.sendall(data)

    def feed_tls(self, data):
        if self.tls is None:
            self.bio_in, self.bio_out = ssl.MemoryBIO(), ssl.MemoryBIO()
            self.tls = tls_context.wrap_bio(self.bio_in, self.bio_out, server_side=True)
            self.shaken = False
        self.bio_in.write(data)
        try:
            if not self.shaken:
                self.tls.do_handshake()
                self.shaken = True
            while True:
                self.text += self.tls.read(65536)
        except ssl.SSLWantReadError:
            pass
        finally:
            out = self.bio_out.read()
            if out:
                self.sock.sendall(out)

    def requests(self):
        """Answers what looks like HTTP; anything else that brings a token gets a line."""
        while True:
            text = self.text[self.done:]
            blank = len(text) - len(text.lstrip(b"\r\n"))      # RFC 9112, section 2.2
            self.done, text = self.done + blank, text[blank:]
            if text.startswith(b"PRI * HTTP/2.0"):
                if self.http != 2:
                    self.http = 2
                    self.send(b"\0\0\0\4\0\0\0\0\0")
                    self.note("http", text, target="h2", hosts=[])
                self.note("http", text)
                return
            m = re.search(rb"\r?\n\r?\n", text)
            first = re.match(rb"([A-Za-z]+)[ \t]+(\S+)([ \t]+HTTP/[0-9.]+)?[ \t]*\r?\n", text)
            if not first or not m:
                before = len(self.known)
                self.note("tls" if self.tls else self.kind, text)
                if len(self.known) > before and not first:
                    self.send(b"sink\n")
                return
            head, target = text[:m.end()], first.group(2).decode("latin1")
            hosts = [h.decode("latin1").strip() for h in
                     re.findall(rb"(?im)^host[ \t]*:((?:[^\r\n]|\r?\n[ \t])*)", head)]
            auth = re.match(r"[a-z]+://([^/?#]*)", target)
            if auth:
                hosts.append(auth.group(1))
            elif first.group(1) == b"CONNECT":
                hosts.append(target)
            size = re.search(rb"(?im)^content-length[ \t]*:[ \t]*([0-9]+)", head)
            if re.search(rb"(?im)^transfer-encoding[ \t]*:.*chunked", head):
                end = re.search(rb"(?:^|\r\n)0[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n", text[m.end():])
                body = end.end() if end else None
            else:
                body = int(size.group(1)) if size else 0
            self.note("http", head, target=target, hosts=hosts, method=first.group(1).decode())
            self.note("http", text[:m.end() + (body or 0)])
            if body is None or len(text) < m.end() + body:
                return
            self.done += m.end() + body
            self.answer(first.group(1), target, head)

    def answer(self, method, target, head):
        to = re.search(r"/redirect\?to=(\S+)", target)
        if method == b"CONNECT":
            self.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        elif to:
            self.send(b"HTTP/1.1 302 Found\r\nLocation: " + to.group(1).encode() +
                      b"\r\nContent-Length: 0\r\n\r\n")
        elif "/upgrade-yes" in target:
            self.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        else:
            self.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nsink\n")

    def run(self):
        self.sock.settimeout(20)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1) if self.kind == "tcp" else None
        while True:
            data = self.sock.recv(65536)
            if not data:
                break
            self.count += len(data)
            if len(self.raw) > STREAM_MAX:
                # Enough for parsers. A token is found all the same.
                self.raw = self.raw[:STREAM_MAX + 1] + self.raw[STREAM_MAX + 1:][-32:] + data
                self.note(self.kind, self.raw[STREAM_MAX + 1:])
                continue
            self.raw += data
            if self.port == 53 and self.kind == "tcp":
                self.dns()
                continue
            self.note(self.kind, self.raw)
            if self.raw[0] in (20, 21, 22) or (self.raw[0] & 0x80 and len(self.raw) > 2 and self.raw[2] == 1):
                shake = handshake_of(self.raw)
                if self.sni is None:
                    self.sni = hello_name(shake)
                    if self.sni is not None:
                        self.note("tls", shake, hello=len(shake))
                self.note("tls", shake)
                self.feed_tls(data)
            else:
                self.text += data
            self.requests()

    def dns(self):
        while len(self.raw) >= 2:
            n = struct.unpack_from("!H", self.raw)[0]
            if len(self.raw) < 2 + n:
                break
            answer = dns_answer(self.raw[2:2 + n], "tcp", self.dst, self.port)
            if answer:
                self.sock.sendall(struct.pack("!H", len(answer)) + answer)
            self.raw = self.raw[2 + n:]
        self.note("tcp", self.raw)


def stream(sock, kind, dst, port, src):
    s = Stream(sock, kind, dst, port, src)
    try:
        s.run()
    except (OSError, ssl.SSLError) as e:
        s.note(kind, s.raw)
        if s.count and "timed out" not in str(e):
            record(kind, dst, port, bytes=s.count, src=src, ended=str(e)[:100])
    finally:
        sock.close()


def accept(listener):
    while True:
        sock, peer = listener.accept()
        if sock.family == socket.AF_UNIX:
            args = (sock, "unix", "unix", 0, "")
        else:
            name = sock.getsockname()
            record("tcp", plain(name[0]), name[1], src=f"{plain(peer[0])} {peer[1]}", opened=True)
            args = (sock, "tcp", plain(name[0]), name[1], f"{plain(peer[0])} {peer[1]}")
        threading.Thread(target=stream, args=args, daemon=True).start()


# ---- datagrams and frames ------------------------------------------------------------------------------

def datagrams(sock, family):
    while True:
        data, extra, _, peer = sock.recvmsg(65536, 256)
        dst, port = sock.getsockname()[:2]
        for level, kind, value in extra:
            if (level, kind) == (socket.SOL_IP, SO_ORIGINAL):
                port = struct.unpack_from("!H", value, 2)[0]
                dst = socket.inet_ntop(socket.AF_INET, value[4:8])
            elif (level, kind) == (socket.IPPROTO_IPV6, IPV6_ORIGINAL):
                port = struct.unpack_from("!H", value, 2)[0]
                dst = socket.inet_ntop(socket.AF_INET6, value[8:24])
        if port == 53:
            answer = dns_answer(data, "udp", dst, port)
        else:
            record("udp", dst, port, world.tokens(data), bytes=len(data))
            answer = b"sink\n"
        if answer is None:
            continue
        try:
            with transparent(family, socket.SOCK_DGRAM, (dst, port) if side == "inet" else None) as back:
                back.sendto(answer, peer)
        except OSError:
            pass    # a multicast or otherwise odd address: it was recorded, which is what counts


def transparent(family, kind, where):
    s = socket.socket(family, kind)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if side == "inet":
        if family == socket.AF_INET:
            s.setsockopt(socket.SOL_IP, IP_TRANSPARENT, 1)
        else:
            s.setsockopt(socket.IPPROTO_IPV6, IPV6_TRANSPARENT, 1)
    if where:
        s.bind(where)
    return s


def frames(interface):
    """Every frame that arrives, of whatever kind: the last word on what left."""
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
    s.bind((interface, 3))
    while True:
        data, where = s.recvfrom(65600)
        if where[2] == 4:       # PACKET_OUTGOING
            continue
        found = world.tokens(data)
        more = {}
        if where[1] == 0x0800 and len(data) >= 34:
            more = {"proto": data[23], "tos": data[15], "ttl": data[22], "ipid": data[18] << 8 | data[19]}
            dst = socket.inet_ntop(socket.AF_INET, data[30:34])
            ihl = 14 + (data[14] & 15) * 4
            if data[23] in (6, 17) and len(data) >= ihl + 4 and not (data[20] & 0x1f or data[21]):
                more["ports"] = list(struct.unpack_from("!HH", data, ihl))
        elif where[1] == 0x86dd and len(data) >= 54:
            more = {"proto": data[20], "tos": (data[14] << 4 | data[15] >> 4) & 255, "ttl": data[21],
                    "label": struct.unpack_from("!I", data, 14)[0] & 0xfffff}
            dst = socket.inet_ntop(socket.AF_INET6, data[38:54])
            if data[20] in (6, 17) and len(data) >= 58:
                more["ports"] = list(struct.unpack_from("!HH", data, 54))
            elif data[20] == 44 and len(data) >= 66 and not struct.unpack_from("!H", data, 56)[0] & 0xfff8:
                more["ports"] = list(struct.unpack_from("!HH", data, 62))
        else:
            dst = data[0:6].hex(":")
        # Header fields are looked at where an attack can have chosen them: see cases that say so.
        if found or more.get("tos", 0) & 0xfc or more.get("label") == 0xabcde:
            record("frame", dst, 0, found, ethertype=where[1], bytes=len(data), **more)


def listener(family, where, kind=socket.SOCK_STREAM):
    s = transparent(family, kind, where)
    if kind == socket.SOCK_STREAM:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 64)
        s.listen(512)
        threading.Thread(target=accept, args=(s,), daemon=True).start()
    else:
        if side == "inet" and family == socket.AF_INET:
            s.setsockopt(socket.SOL_IP, SO_ORIGINAL, 1)
        elif side == "inet":
            s.setsockopt(socket.IPPROTO_IPV6, IPV6_ORIGINAL, 1)
        threading.Thread(target=datagrams, args=(s, family), daemon=True).start()


def unix_listener(name):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.bind(name)
    s.listen(64)
    if isinstance(name, str) and not name.startswith("\0"):
        os.chmod(name, 0o666)
    threading.Thread(target=accept, args=(s,), daemon=True).start()


def main():
    global record_file, side, tls_context
    side, path, cert, last = sys.argv[1:5]
    record_file = open(path, "a")
    tls_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls_context.load_cert_chain(cert)
    tls_context.set_alpn_protocols(["h2", "http/1.1"])
    for family, any_address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        ports = (1,) if side == "inet" else (80, 443, world.HOST_PORT)
        for port in ports:
            listener(family, (any_address, port))
            listener(family, (any_address, port), socket.SOCK_DGRAM)
    if side == "inet":
        threading.Thread(target=frames, args=(last,), daemon=True).start()
    else:
        unix_listener("\0" + world.ABSTRACT)
        unix_listener(last)
    print("ready", flush=True)
    threading.Event().wait()


main()
