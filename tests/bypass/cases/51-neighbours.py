# SPDX-License-Identifier: Apache-2.0
"""Another sandbox of the same gateway."""
import socket
import time

from bypass import INET, get

TITLE = "from one sandbox to another: broadcast, multicast, its addresses"
THREAT = "51"
OBSERVE = "the other sandbox receives the token and tells so by its allowed connection"
PORT = 4711


def listen(c):
    """In the neighbour: whatever comes is told to ok.test."""
    import select
    import world
    tcp = socket.create_server(("::", PORT), family=socket.AF_INET6, dualstack_ipv6=True)
    udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    udp.bind(("::", PORT))
    end = time.time() + 4
    while time.time() < end:
        for s in select.select([tcp, udp], [], [], 0.2)[0]:
            if s is tcp:
                peer, _ = tcp.accept()
                data = c.hear(peer, 0.5)
                peer.close()
            else:
                data = udp.recv(2000)
            for t in world.tokens(data):
                c.send("ok.test", 80, get("ok.test", f"/neighbour/{t}", "Connection: close"))


def addresses():
    found = []
    for line in open("/proc/net/fib_trie"):
        if "|-- " in line:
            found.append(line.split("|-- ")[1].strip())
    return sorted({a for a in found if not a.startswith(("127.", "0."))})


def attack(c):
    # The neighbour is the sandbox of the next slot: these are the addresses that adapters give out.
    import os
    n = int(os.environ["BYPASS_SLOT"])
    near = [f"10.88.{n + 2}.2", "100.96.0.2"] if c.family == 4 else [f"fd88:{n + 2}::2", "fd73:6c75:6963:6500::2"]
    if not os.environ.get("BYPASS_BOXED"):
        near = ["127.0.0.1" if c.family == 4 else "::1"]
    with c.step("tcp and udp to where it is, broadcast, multicast") as token:
        for a in near:
            try:
                c.udp(a, PORT, token.encode())
            except OSError:
                pass
            try:
                s = socket.socket(INET[c.family], socket.SOCK_STREAM)
                s.settimeout(0.4)
                s.connect((a, PORT))
                c.talk(s, token.encode(), 0.2)
            except OSError:
                pass
        if c.family == 4:
            for a in ("255.255.255.255", f"10.88.{n + 2}.255", "100.96.0.255"):
                try:
                    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                        s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                        s.sendto(token.encode(), (a, PORT))
                except OSError:
                    pass
        try:
            c.multicast("224.0.0.1" if c.family == 4 else "ff02::1", PORT, token.encode())
        except OSError:
            pass


def outside(box):
    boxed = {} if box.adapter.file == "none" else {"BYPASS_BOXED": "1"}
    neighbour = box.spawn("listen", slot=box.slot + 1, BYPASS_FAMILIES="4")
    time.sleep(1)
    box.run(**boxed)
    box.wait(neighbour)


def seen(record, token, info):
    return record["kind"] == "http" and token in record["tokens"] and "/neighbour/" in record.get("target", "")


EXCLUSIVE = True    # without a gateway the neighbour is the host, which has one port of a number
