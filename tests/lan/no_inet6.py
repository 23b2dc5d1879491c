# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs a command as on a kernel without IPv6: its socket() fails for AF_INET6, by a seccomp filter."""

import ctypes
import errno
import os
import platform
import socket
import struct
import sys

PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, SECCOMP_MODE_FILTER = 22, 38, 2
SOCKET_CALL = {"x86_64": 41, "aarch64": 198, "riscv64": 198}.get(platform.machine())
NUMBER_AT, FAMILY_AT = 0, 16  # in struct seccomp_data: nr, args[0] of little-endian machines
LOAD, EQUALS, RETURN = 0x20, 0x15, 0x06
ALLOW, FAIL = 0x7FFF0000, 0x00050000


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def forbid():
    steps = [
        (LOAD, 0, 0, NUMBER_AT),
        (EQUALS, 0, 3, SOCKET_CALL),
        (LOAD, 0, 0, FAMILY_AT),
        (EQUALS, 0, 1, socket.AF_INET6),
        (RETURN, 0, 0, FAIL | errno.EAFNOSUPPORT),
        (RETURN, 0, 0, ALLOW),
    ]
    code = b"".join(struct.pack("=HBBI", *step) for step in steps)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(
            PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(Program(len(steps), code)), 0, 0):
        sys.exit(f"seccomp: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    forbid()
    os.execvp(sys.argv[1], sys.argv[1:])
