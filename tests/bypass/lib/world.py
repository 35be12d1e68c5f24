# SPDX-License-Identifier: Apache-2.0
"""The fixture: names and addresses that attacks and sinkhole agree on."""
import re

# ok.test is allowed and served from A. sib-*.test is denied and served from A as well, as on a shared
# content network. evil.test, and everything else, is denied and served from E.
A = {4: "198.51.100.10", 6: "2001:db8:100::10"}
E = {4: "198.51.100.20", 6: "2001:db8:100::20"}
RESOLVER = "203.0.113.53"
HOST = {4: "203.0.113.2", 6: "2001:db8:113::2"}
LOOPBACK = {4: "127.0.0.1", 6: "::1"}
METADATA = {
    4: ["169.254.169.254", "100.100.100.200", "168.63.129.16", "192.0.0.192"],
    6: ["fd00:ec2::254", "fd20:ce::254", "fd00:c1::a9fe:a9fe", "fd00:42::42"],
}
HOST_PORT = 8471            # of the host's services, beside 80 and 443
ABSTRACT = "sluice-bypass"  # the host's abstract UNIX socket

# A token is what an attack tries to get out: 17 bytes, a label of a name, a QUIC connection id, part of a
# TLS random. It means the same in any case. "tk" + 10 digits of the attack + 4 of the step + "z".
TOKEN = re.compile(rb"tk[0-9a-f]{14}z", re.IGNORECASE)


def tokens(data):
    return {m.group().decode().lower() for m in TOKEN.finditer(data)}
