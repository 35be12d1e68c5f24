# SPDX-License-Identifier: Apache-2.0
"""What an inspector that looks at segments believes, and what the endpoint takes."""
import time

import packet
from bypass import get

TITLE = "TCP: decoys with bad checksums, overlaps, out-of-order requests"
THREAT = "46"
OBSERVE = "a request for a name other than ok.test is put together by the server"


def attack(c):
    def request(token):
        evil = get(f"sib-{token}.test", f"/{token}")
        good = get("ok.test", "/" + "x" * len(token))
        return evil, good.replace(b"\r\n\r\n", b"\r\nX: " + b"y" * (len(evil) - len(good) - 5) + b"\r\n\r\n")

    def decoy(t, evil, good):
        t.segment(packet.PSH | packet.ACK, good, broken=True)
        time.sleep(0.1)
        t.segment(packet.PSH | packet.ACK, evil)

    def out_of_order(t, evil, good):
        t.segment(packet.PSH | packet.ACK, evil[20:], offset=20)
        time.sleep(0.1)
        t.segment(packet.PSH | packet.ACK, evil[:20])

    def first_wins(t, evil, good):
        t.segment(packet.PSH | packet.ACK, evil[10:], offset=10)
        t.segment(packet.PSH | packet.ACK, good[10:], offset=10)
        time.sleep(0.1)
        t.segment(packet.PSH | packet.ACK, evil[:10])

    def reset(t, evil, good):
        t.segment(packet.RST, broken=True)
        t.segment(packet.RST, offset=70000)
        t.segment(packet.FIN | packet.ACK, broken=True)
        time.sleep(0.1)
        t.segment(packet.PSH | packet.ACK, evil)

    def backwards(t, evil, good):
        for i in range(len(evil) - 1, -1, -8):
            lo = max(0, i - 7)
            t.segment(packet.PSH | packet.ACK, evil[lo:i + 1], offset=lo)

    def outside_window(t, evil, good):
        t.segment(packet.PSH | packet.ACK, good, offset=-1000)
        t.segment(packet.PSH | packet.ACK, evil)

    for name, shape in (("a decoy with a bad checksum", decoy), ("last part first", out_of_order),
                        ("two parts for one place", first_wins), ("false resets", reset), ("backwards", backwards),
                        ("a decoy before the window", outside_window)):
        with c.step(name) as token:
            link = packet.Link(c.family)
            t = packet.RawTcp(link, c.lookup("ok.test"), 80)
            t.connect()
            shape(t, *request(token))
            t.wait(lambda flags: flags & packet.PSH, 0.5)
            link.close()


def seen(record, token, info):
    return record["kind"] == "http" and token in record["tokens"] and \
        any(h not in ("ok.test", "ok.test:80") for h in record.get("hosts", []))
