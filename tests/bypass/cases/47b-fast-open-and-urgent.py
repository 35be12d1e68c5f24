# SPDX-License-Identifier: Apache-2.0
"""TCP Fast Open, and an urgent byte that one side takes out of the stream."""
import socket
import struct

from bypass import INET, get

TITLE = "TCP Fast Open and urgent data in the Host"
THREAT = "47"


def attack(c):
    def fast(address, data):
        with socket.socket(INET[c.family], socket.SOCK_STREAM) as s:
            # Blocking, or the data is not sent at once.
            for side in (socket.SO_SNDTIMEO, socket.SO_RCVTIMEO):
                s.setsockopt(socket.SOL_SOCKET, side, struct.pack("ll", 1, 200000))
            s.sendto(data, socket.MSG_FASTOPEN, (address, 80))
            c.hear(s)

    with c.step("Fast Open to a denied address") as token:
        fast(c.e, get("ok.test", f"/{token}"))
    with c.step("Fast Open for another host, twice") as token:
        address = c.a if c.proxy else c.lookup("ok.test")
        fast(address, get("ok.test", "/"))
        fast(address, get(f"sib-{token}.test", "/"))
    with c.step("urgent data: inside, ok.test; without the urgent byte, o.test") as token:
        with c.dial("ok.test", 80) as s:
            s.sendall(f"GET /{token} HTTP/1.1\r\nHost: o".encode())
            s.send(b"k", socket.MSG_OOB)
            s.sendall(b".test\r\n\r\n")
            c.hear(s)


def seen(record, token, info):
    if token not in record["tokens"]:
        return False
    return record["dst"] in ("198.51.100.20", "2001:db8:100::20") or record["kind"] == "http" and \
        any(h != "ok.test" for h in record.get("hosts", []))
