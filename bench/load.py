#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bulk over TLS and HTTP for bench/pair.sh.

    load.py serve ADDRESS CERT KEY          ports 80 and 443 of ADDRESS
    load.py ROW HOST CA MEBIBYTES           one connection; prints Gb/s of payload

The TLS rows begin with a handshake as OpenSSL does it. What follows is not encrypted: ciphering costs
several times what a gateway does, and would hide it; a gateway cannot tell.
"""
import os
import signal
import socket
import ssl
import sys
import time

PIECE = 256 * 1024
CHUNK = b"10000\r\n" + bytes(65536) + b"\r\n"  # one of chunked HTTP


def handshake(sock, context, **how):
    """A whole TLS handshake over sock; records that came behind it are dropped."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, **how)
    while True:
        try:
            tls.do_handshake()
            done = True
        except ssl.SSLWantReadError:
            done = False
        if outgoing.pending:
            sock.sendall(outgoing.read())
        if done:
            return
        incoming.write(sock.recv(65536))


def send(sock, total, piece):
    view, sent = memoryview(piece), 0
    while sent < total:
        part = view[:total - sent]
        sock.sendall(part)
        sent += len(part)


def receive(sock, total):
    view, got = memoryview(bytearray(PIECE)), 0
    while got < total:
        n = sock.recv_into(view)
        if not n:
            raise SystemExit("load: the connection ended early")
        got += n
    return got


def head(sock):
    """Up to the empty line, byte by byte: nothing behind it is taken."""
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        byte = sock.recv(1)
        if not byte:
            return None
        data += byte
    return data.decode()


def bulk(sock, order):
    """The server's side of 'up BYTES' or 'down BYTES'."""
    what, total = order.split()
    if what == "up":
        receive(sock, int(total))
        sock.sendall(b"+")
    else:
        send(sock, int(total), bytes(PIECE))


def serve_http(sock):
    text = head(sock)
    if text is None:
        return
    what, total = text.split()[1].lstrip("/").split("-")
    if what == "up":
        receive(sock, int(total))
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n+")
    else:
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % int(total))
        send(sock, int(total), bytes(PIECE))


def serve_tls(sock, context):
    handshake(sock, context, server_side=True)
    sock.sendall(b"!" * 16)
    bulk(sock, receive_line(sock))


def receive_line(sock):
    line = b""
    while not line.endswith(b"\n"):
        byte = sock.recv(1)
        if not byte:
            raise OSError("ended early")
        line += byte
    return line.decode()


def serve_port(address, port, handle):
    listener = socket.create_server((address, port), backlog=64)
    while True:
        sock, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            try:
                handle(sock)
            except OSError:
                pass
            os._exit(0)
        sock.close()


def serve(address, cert, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    context.num_tickets = 0
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    if os.fork() == 0:
        serve_port(address, 80, serve_http)
    serve_port(address, 443, lambda sock: serve_tls(sock, context))


def load(row, host, ca, mebibytes):
    total = int(mebibytes) << 20
    sock = socket.create_connection((host, 443 if row.startswith("tls") else 80))
    if row.startswith("tls"):
        handshake(sock, ssl.create_default_context(cafile=ca), server_hostname=host)
        receive(sock, 16)
    start = time.monotonic()
    if row == "tls-up":
        sock.sendall(b"up %d\n" % total)
        send(sock, total, bytes(PIECE))
        receive(sock, 1)
    elif row == "tls-down":
        sock.sendall(b"down %d\n" % total)
        receive(sock, total)
    elif row == "http-up":
        sock.sendall(b"POST /up-%d HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n" %
                     (total, host.encode(), total))
        send(sock, total, bytes(PIECE))
        head(sock)
    elif row == "http-up-chunked":
        n = total // 65536
        sock.sendall(b"POST /up-%d HTTP/1.1\r\nHost: %s\r\nTransfer-Encoding: chunked\r\n\r\n" %
                     (n * len(CHUNK) + 5, host.encode()))
        send(sock, n * len(CHUNK), CHUNK * 4)
        sock.sendall(b"0\r\n\r\n")
        head(sock)
    elif row == "http-down":
        sock.sendall(b"GET /down-%d HTTP/1.1\r\nHost: %s\r\n\r\n" % (total, host.encode()))
        head(sock)
        receive(sock, total)
    else:
        raise SystemExit("load: no row " + row)
    print(total * 8 / 1e9 / (time.monotonic() - start))


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(*sys.argv[2:])
    else:
        load(*sys.argv[1:])
