# SPDX-License-Identifier: Apache-2.0
"""Post-quantum key shares and padding push the server name behind what a parser keeps."""
import tls

TITLE = "oversized ClientHello: post-quantum, 16 KiB and 60 KiB"
THREAT = "33"


def attack(c):
    with c.step("post-quantum key share first") as token:
        c.send("ok.test", 443, tls.client_hello(f"sib-{token}.test", before=[tls.key_share(tls.KEX_MLKEM, 1216)], share=b""))
    for size in (16000, 60000):
        with c.step(f"{size} bytes of padding first") as token:
            c.send("ok.test", 443, tls.client_hello(f"sib-{token}.test", before=[tls.extension(21, bytes(size))]))
    with c.step("a thousand extensions first") as token:
        c.send("ok.test", 443, tls.client_hello(f"sib-{token}.test",
                                                before=[tls.extension(0x3a3a + i, b"") for i in range(1000)]))
    with c.step("a message length of 16 MiB") as token:
        m = bytearray(tls.hello(f"sib-{token}.test"))
        m[1:4] = b"\xff\xff\xff"
        c.send("ok.test", 443, tls.records(bytes(m)))
