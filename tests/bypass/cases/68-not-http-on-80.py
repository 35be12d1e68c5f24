# SPDX-License-Identifier: Apache-2.0
"""Other protocols on the port of http."""
import tls

TITLE = "not http on 80: TLS, ssh, arbitrary bytes"
THREAT = "beyond 34"


def attack(c):
    shapes = {
        "TLS for a neighbour": lambda t: tls.client_hello(f"sib-{t}.test"),
        "TLS without a name": lambda t: tls.client_hello(random=t),
        "ssh": lambda t: f"SSH-2.0-x {t}\r\n".encode(),
        "a line of text": lambda t: f"{t}\r\n\r\n".encode(),
        "binary": lambda t: b"\0\1\2" + t.encode() + b"\r\n\r\n",
        "a request line without an end": lambda t: b"GET /" + t.encode() + b"A" * 300,
        "another protocol's request": lambda t: f"OPTIONS rtsp://sib-{t}.test/ RTSP/1.0\r\n\r\n".encode(),
        "no Host at all": lambda t: f"GET /{t} HTTP/1.1\r\n\r\n".encode(),
        "an empty Host": lambda t: f"GET /{t} HTTP/1.1\r\nHost:\r\n\r\n".encode(),
        "http/1.0 without Host": lambda t: f"GET /{t} HTTP/1.0\r\n\r\n".encode(),
        "HTTP/3.0": lambda t: f"GET /{t} HTTP/3.0\r\nHost: ok.test\r\n\r\n".encode(),
    }
    for name, shape in shapes.items():
        with c.step(name) as token:
            with c.dial("ok.test", 80) as s:     # a proxy that takes the request itself would write it anew
                c.talk(s, shape(token))
