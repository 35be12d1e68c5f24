# SPDX-License-Identifier: Apache-2.0
"""A connection that was allowed when it began, and is not any more."""
import time

TITLE = "a live connection after its rule was taken away"
THREAT = "60"
NEEDS = ["reload"]
FAMILIES = "4"
OBSERVE = "the connection brings bytes more than two seconds after the new policy"
GRACE_S = 2


def attack(c):
    with c.step("bytes of a live upload") as token:
        s = c.tls(c.dial("ok.test", 443), "ok.test")
        s.sendall(f"POST /{token} HTTP/1.1\r\nHost: ok.test\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        end = time.time() + 6
        while time.time() < end:
            s.sendall(b"10\r\n" + b"x" * 16 + b"\r\n")
            time.sleep(0.1)
        # What arrives at the end, with the token, arrived long after the revocation.
        late = token.encode() + b"late"
        s.sendall(b"%x\r\n" % len(late) + late + b"\r\n0\r\n\r\n")
        c.hear(s)


def outside(box):
    p = box.spawn()
    box.wait_for_record()
    if box.adapter.file != "none" and not box.verb("reload", allow=["ip-c0000207-other.test"]):
        p.terminate()
        box.wait(p)
        box.finished = False
        return
    box.mark("revoked")
    box.wait(p)


def seen(record, token, info):
    return token in record["tokens"] and record["t"] > info.get("revoked", 1e18) + GRACE_S
