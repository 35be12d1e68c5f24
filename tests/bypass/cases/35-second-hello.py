# SPDX-License-Identifier: Apache-2.0
"""After a HelloRetryRequest the client sends another ClientHello."""
import tls

TITLE = "HelloRetryRequest: the second ClientHello names another host"
THREAT = "35"


def attack(c):
    def first(s):
        s.sendall(tls.client_hello("ok.test", share=tls.extension(51, b"\0\0"), session=b"\5" * 32))
        answer = tls.read_records(s)
        if tls.HRR_RANDOM not in answer:
            raise OSError("no HelloRetryRequest came")
        return answer

    with c.step("another name") as token:
        with c.dial("ok.test", 443) as s:
            s.settimeout(2)
            first(s)
            c.talk(s, tls.client_hello(f"sib-{token}.test", session=b"\5" * 32))
    with c.step("another name, behind a change-cipher-spec and in two records") as token:
        with c.dial("ok.test", 443) as s:
            s.settimeout(2)
            first(s)
            m = tls.hello(f"sib-{token}.test", session=b"\5" * 32)
            c.talk(s, b"\x14\3\3\0\1\1" + tls.records(m, 50))
    with c.step("no name") as token:
        with c.dial("ok.test", 443) as s:
            s.settimeout(2)
            first(s)
            c.talk(s, tls.client_hello(random=token, session=b"\5" * 32))
    with c.step("both hellos at once") as token:
        with c.dial("ok.test", 443) as s:
            s.settimeout(2)
            s.sendall(tls.client_hello("ok.test", share=tls.extension(51, b"\0\0"), session=b"\5" * 32) +
                      tls.client_hello(f"sib-{token}.test", session=b"\5" * 32))
            c.hear(s)
