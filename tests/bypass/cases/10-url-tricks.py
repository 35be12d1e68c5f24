# SPDX-License-Identifier: Apache-2.0
"""What curl makes of a URL with two hosts in it, and of zone ids."""
import os
import subprocess

TITLE = "URLs with userinfo, fragment, backslash and zone id (curl)"
THREAT = "10"


def attack(c):
    for shape in ("http://ok.test@evil.test/{}", "http://ok.test:80@evil.test/{}", "http://evil.test/{}#@ok.test/",
                  "http://evil.test/{}?@ok.test", "http://ok.test%40evil.test@evil.test/{}", "http://evil.test:80/{}\\@ok.test"):
        with c.step(shape) as token:
            r = subprocess.run(["curl", "-gsS", f"-{c.family}", "--max-time", "2", "-o", os.devnull, shape.format(token)],
                               capture_output=True, text=True, env=c.curl_env())
            if r.returncode:
                raise OSError(r.stderr.strip())
