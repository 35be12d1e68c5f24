# SPDX-License-Identifier: Apache-2.0
"""What an attack has at hand inside the sandbox. Python's standard library only.

A case's attack(c) runs once per address family. Each way it tries is a step with a token of its own:

    with c.step("no server name") as token:
        c.send("ok.test", 443, tls.client_hello(random=token))

An error of the system or the far side ends the step and is told; an error of the program is one of the case.
When the environment has a proxy (BYPASS_PROXY, set by the adapter of a gateway that is one), dial() goes
through it, so that the same attack meets that gateway's filter.
"""
import base64
import contextlib
import json
import os
import re
import socket
import ssl
import struct
import sys
import time
import urllib.parse

import world

INET = {4: socket.AF_INET, 6: socket.AF_INET6}
WAIT_S = 1.2                # for an answer, and for a connection


class Refused(OSError):
    """The gateway said no."""


class Skip(Exception):
    """This machine cannot try it."""


class Proxy:
    """HTTP CONNECT and SOCKS5 of a proxy gateway."""

    def __init__(self, http, socks):
        self.http = urllib.parse.urlsplit(http) if http else None
        self.socks = urllib.parse.urlsplit(socks) if socks else None

    @staticmethod
    def open(url):
        return socket.create_connection((url.hostname, url.port), 5)

    def authorization(self):
        if not self.http.username:
            return b""
        pair = f"{urllib.parse.unquote(self.http.username)}:{urllib.parse.unquote(self.http.password or '')}"
        return b"Proxy-Authorization: Basic " + base64.b64encode(pair.encode()) + b"\r\n"

    def connect_http(self, target):
        """target: bytes as they stand in the request line."""
        s = self.open(self.http)
        s.settimeout(5)
        s.sendall(b"CONNECT " + target + b" HTTP/1.1\r\nHost: " + target + b"\r\n" + self.authorization() + b"\r\n")
        head = b""
        while b"\r\n\r\n" not in head:
            data = s.recv(4096)
            if not data:
                break
            head += data
        if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200")):
            s.close()
            raise Refused("proxy: " + head[:60].split(b"\r")[0].decode("latin1"))
        return s

    def connect_socks(self, host, port, kind=3):
        """host: bytes; kind 1, 3 or 4 as in RFC 1928."""
        if not self.socks:
            raise Refused("no SOCKS here")
        s = self.open(self.socks)
        s.settimeout(5)
        user = urllib.parse.unquote(self.socks.username or "").encode()
        word = urllib.parse.unquote(self.socks.password or "").encode()
        s.sendall(b"\5\2\0\2" if user else b"\5\1\0")
        answer = s.recv(2)
        if answer == b"\5\2":
            s.sendall(b"\1" + bytes([len(user)]) + user + bytes([len(word)]) + word)
            answer = s.recv(2)
        if len(answer) < 2 or answer[1] != 0:
            raise Refused("SOCKS: not authorised")
        name = bytes([len(host)]) + host if kind == 3 else host
        s.sendall(b"\5\1\0" + bytes([kind]) + name + struct.pack("!H", port))
        answer = s.recv(262)
        if len(answer) < 2 or answer[1] != 0:
            s.close()
            raise Refused(f"SOCKS: {answer[1] if len(answer) > 1 else 'closed'}")
        return s


class Attack:
    """c: one attack in one family."""

    def __init__(self, token, family):
        self.base, self.family = token, family
        self.a, self.e = world.A[family], world.E[family]
        self.n = 0
        http = os.environ.get("BYPASS_HTTP_PROXY")
        self.proxy = Proxy(http, os.environ.get("BYPASS_SOCKS_PROXY")) if http else None
        self.v = f"v{family}"
        self.control = os.environ.get("BYPASS_ADAPTER") == "none"

    @contextlib.contextmanager
    def step(self, name):
        token = f"{self.base}{self.family:x}{self.n:03x}z"
        self.n += 1
        out, skipped = "sent", False
        try:
            yield token
        except (OSError, ssl.SSLError, EOFError) as e:
            out = f"{type(e).__name__}: {e}"[:160]
        except Skip as e:
            out, skipped = str(e), True
        tell(step=f"{self.v} {name}", token=token, out=out, skipped=skipped)

    # ---- streams

    def lookup(self, name):
        """The address that the sandbox is given for a name."""
        found = socket.getaddrinfo(name, 80, INET[self.family], socket.SOCK_STREAM)
        return found[0][4][0]

    def dial(self, host, port):
        """A connection to a name or address, by the way this sandbox has."""
        if self.proxy:
            spelled = f"[{host}]" if ":" in host else host
            try:
                return self.proxy.connect_http(f"{spelled}:{port}".encode("utf-8"))
            except Refused:
                return self.proxy.connect_socks(host.encode("utf-8"), port)
        return self.dial_address(self.lookup(host), port)

    def dial_address(self, address, port):
        if self.proxy:
            return self.dial(address, port)
        s = socket.socket(INET[6 if ":" in address else 4], socket.SOCK_STREAM)
        s.settimeout(WAIT_S)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        s.connect(socket.getaddrinfo(address, port, s.family, s.type, 0, socket.AI_NUMERICHOST)[0][4])
        return s

    def talk(self, s, data, wait=WAIT_S):
        """Sends, and returns what comes until the far side closes, says something, or time is up."""
        s.settimeout(wait)
        s.sendall(data)
        return self.hear(s, wait)

    def hear(self, s, wait=WAIT_S):
        s.settimeout(wait)
        try:
            return s.recv(65536)
        except socket.timeout:
            return b""

    @staticmethod
    def hear_nothing(seconds):
        time.sleep(seconds)

    @staticmethod
    def apart(attempt):
        """In a process of its own, since a filter of system calls may kill it."""
        told, tell_ = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                attempt()
                text = ""
            except (OSError, Skip) as e:
                text = f"{type(e).__name__}: {e}"
            os.write(tell_, (text or "done").encode())
            os._exit(0)
        os.close(tell_)
        with os.fdopen(told, "rb") as f:
            text = f.read().decode()
        _, status = os.waitpid(pid, 0)
        if text.startswith("Skip: "):
            raise Skip(text[6:])
        if text != "done":
            raise OSError(text or f"killed by signal {os.WTERMSIG(status)}")

    def send(self, host, port, data):
        if not self.proxy or port != 80 or not re.match(rb"[A-Z]+ \S+ HTTP/", data):
            with self.dial(host, port) as s:
                return self.talk(s, data)
        # A proxy takes http in two ways: through a tunnel, and by itself.
        try:
            with self.dial(host, port) as s:
                answer = self.talk(s, data)
        except OSError:
            answer = b""
        if answer:
            return answer
        verb, rest = data.split(b" ", 1)
        line, fields = rest.split(b"\r\n", 1)
        with self.proxy.open(self.proxy.http) as s:
            return self.talk(s, verb + (b" " if b"://" in line else f" http://{host}".encode()) + line + b"\r\n" +
                             self.proxy.authorization() + fields)

    def send_address(self, address, port, data):
        with self.dial_address(address, port) as s:
            return self.talk(s, data)

    def tls(self, s, name, alpn=None):
        """A real TLS client over a connection; nobody's certificate matters here."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if alpn:
            context.set_alpn_protocols(alpn)
        s.settimeout(3)
        return context.wrap_socket(s, server_hostname=name)

    def curl_env(self):
        """curl finds a proxy gateway by its own variables; without one it must not look for any."""
        return dict(os.environ) if self.proxy else {"PATH": os.environ.get("PATH", "/usr/bin:/bin")}

    def tls_reshaped(self, s, name, reshape, data):
        """A real client whose first flight goes out as the pieces that reshape() makes of it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        near, far = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = context.wrap_bio(near, far, server_hostname=name)
        s.settimeout(3)
        pieces, shaken = None, False
        while not shaken:
            try:
                client.do_handshake()
                shaken = True
            except ssl.SSLWantReadError:
                pass
            out = far.read()
            if out and pieces is None:
                pieces = reshape(out)
                for piece in pieces:
                    s.sendall(piece)
                    time.sleep(0.02)
            elif out:
                s.sendall(out)
            if not shaken:
                got = s.recv(65536)
                if not got:
                    raise EOFError("closed in the handshake")
                near.write(got)
        client.write(data)
        s.sendall(far.read())
        s.settimeout(WAIT_S)
        while True:
            # Session tickets come before the answer.
            got = s.recv(65536)
            near.write(got)
            try:
                return client.read()
            except ssl.SSLWantReadError:
                if not got:
                    raise EOFError("closed without an answer") from None

    # ---- datagrams

    def udp(self, address, port, data, wait=0.4, kind=socket.SOCK_DGRAM):
        with socket.socket(INET[6 if ":" in address else 4], kind) as s:
            s.settimeout(wait)
            s.connect((address, port))
            s.send(data)
            try:
                return s.recv(65536)
            except socket.timeout:
                return b""

    def multicast(self, group, port, data):
        """To every link there is, for a sandbox may have no default route for it."""
        done, error = False, None
        for index, name in socket.if_nameindex():
            if name == "lo":
                continue
            with socket.socket(INET[self.family], socket.SOCK_DGRAM) as s:
                try:
                    if self.family == 4:
                        s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 4)
                        s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("=4s4si", bytes(4), bytes(4), index))
                        s.sendto(data, (group, port))
                    else:
                        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 4)
                        s.sendto(data, (group, port, 0, index))
                    done = True
                except OSError as e:
                    error = e
        if not done:
            raise error or OSError("no link")

    def next_hop(self):
        """The address of the default route, or None."""
        if self.family == 4:
            with open("/proc/net/route") as f:
                for line in f.readlines()[1:]:
                    x = line.split()
                    if x[1] == "00000000" and x[2] != "00000000":
                        return socket.inet_ntoa(bytes.fromhex(x[2])[::-1])
            return None
        with open("/proc/net/ipv6_route") as f:
            for line in f:
                x = line.split()
                if x[0] == "0" * 32 and x[1] == "00" and x[4] != "0" * 32:
                    return socket.inet_ntop(socket.AF_INET6, bytes.fromhex(x[4]))
        return None

    def resolver(self):
        """The resolver's address in this family, or None."""
        with open("/etc/resolv.conf") as f:
            servers = [x.split()[1] for x in f if x.startswith("nameserver")]
        return next((x for x in servers if (":" in x) == (self.family == 6)), None)


def tell(**line):
    print("@@" + json.dumps(line), flush=True)


def get(host, path, *headers, version="1.1"):
    """An HTTP request as bytes; host None writes no Host field."""
    lines = [f"GET {path} HTTP/{version}"] + ([] if host is None else [f"Host: {host}"]) + list(headers)
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin1")


def main():
    """inside: python3 bypass.py CASE ENTRY"""
    import importlib.util
    spec = importlib.util.spec_from_file_location("case", sys.argv[1])
    case = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(case)
    # A sandbox's clock starts with it; a token may be spent once only.
    for family in os.environ["BYPASS_FAMILIES"]:
        getattr(case, sys.argv[2])(Attack(os.environ["BYPASS_TOKEN"], int(family)))
    time.sleep(0.05)
    tell(done=True)


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    sys.modules["bypass"] = sys.modules["__main__"]
    main()
