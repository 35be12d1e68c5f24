# SPDX-License-Identifier: Apache-2.0
"""A client of sluice-netd --listen that says what sluice never would: netd_client.py SOCKET CASE [NETNS].

Prints what netd answers: "created PORT", "error TEXT", "ended TEXT" or "gone"."""
import fcntl, os, socket, struct, sys

CREATE, CREATED, ENDED, ERROR = 128, 144, 145, 146
ATTACH = 8

def sealed():
    fd = os.memfd_create("policy", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(fd, b"version: 1\negress:\n  - {allow: 198.51.100.10, ports: [80]}\n")
    fcntl.fcntl(fd, 1033, 1 | 2 | 4 | 8)
    return fd

def create(port=2, flags=0, version=1, label=b"client"):
    body = struct.pack("=IIBB2xIII64s72x", version, flags, port, 0, 0, 0, 0, label)
    return struct.pack("=HHI", CREATE, 8 + len(body), 0) + body

def ask(sock, netns, message):
    report = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    fd = os.open(netns, os.O_RDONLY)
    try:
        socket.send_fds(sock, [message], [fd, sealed(), report[0].fileno()])
    except BrokenPipeError:
        pass  # refused; why is to be read
    os.close(fd)
    return report

def answer(sock):
    m = b""
    for _ in range(2):  # refused unread: first the reset, then what was said
        try:
            m = sock.recv(1024)
            break
        except ConnectionError:
            pass
    if not m:
        return "gone"
    kind = struct.unpack_from("=H", m)[0]
    text = m[16:].split(b"\0")[0].decode(errors="replace") if kind in (ENDED, ERROR) else ""
    return {CREATED: "created", ENDED: "ended " + text, ERROR: "error " + text}.get(kind, "type %d" % kind)

def connect(path):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.settimeout(20)
    s.connect(path)
    return s

def main():
    path, case = sys.argv[1:3]
    netns = sys.argv[3] if len(sys.argv) > 3 else "/proc/self/ns/net"
    s = connect(path)
    if case == "create":
        keep = ask(s, netns, create())
        print(answer(s))
    elif case == "twice":
        keep = ask(s, netns, create())
        print(answer(s))
        keep2 = ask(s, netns, create())
        print(answer(s))
    elif case == "garbage":
        s.send(b"garbage!" * 4)
        print(answer(s))
    elif case == "adopt":
        s.send(struct.pack("=HHIII", 176, 16, 0, 0, 0))
        print(answer(s))
    elif case == "many":
        socks = [s]
        for _ in range(64):
            socks.append(connect(path))
        socks[64].settimeout(20)
        print(answer(socks[64]))
    sys.stdout.flush()

main()
