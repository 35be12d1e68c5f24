# SPDX-License-Identifier: Apache-2.0
"""A ClientHello that names nobody: the shared server picks its default site, or the inner bytes do."""
import tls

TITLE = "no server name, an empty one, an odd type of one"
THREAT = "28"


def attack(c):
    shapes = {
        "none": {},
        "empty list": {"sni": tls.extension(0, b"\0\0")},
        "empty extension": {"sni": tls.extension(0, b"")},
        "empty name": {"name": ""},
        "type 1": {"sni": tls.names((1, b"ok.test"))},
        "an address": {"name": c.a},
    }
    for name, shape in shapes.items():
        with c.step(name) as token:
            c.send("ok.test", 443, tls.client_hello(random=token, **shape))
