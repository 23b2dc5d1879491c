#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes the seeds of vhost-device, whose inputs are operations of a front end and its guest (vhost-device-fuzz.c).

The seeds are kept in the tree; run this again only after changing it:  tests/fuzz/vhost-seeds.py
"""
import pathlib
import struct

CORPUS = pathlib.Path(__file__).parent / "corpus" / "vhost-device"
MESSAGE, FRAGMENT, WRITE, KICK, CHAIN, FRAME, LEND, TRUNCATE, TIME, USED = range(10)
RX, TX = 0, 1
PLAIN, LINUX, NO_PROTOCOL = 0x80, 0xff, 0x00  # features: a bit each, see features()
PAGE = 4096
PAGES = 32
SET_FEATURES, RESET_OWNER, SET_MEM_TABLE, SET_NUM, SET_ADDR, SET_BASE, GET_BASE, SET_KICK, SET_CALL = 2, 4, 5, 8, 9, 10, 11, 12, 13
SET_ENABLE, RARP, SET_MTU, BACKEND, GET_CONFIG, RESET, ADD_MEM, REM_MEM, SET_STATUS = 18, 19, 20, 21, 24, 34, 37, 38, 39
GUEST_MAC, OTHER_MAC = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")


def be16(*values):
    return struct.pack(f"!{len(values)}H", *values)


def message(request, payload=b"\0", fds=(), reply=False):
    return bytes([MESSAGE, request, len(fds) | (0x80 if reply else 0)]) + payload + bytes(fds)


def number(value):
    return b"\1" + struct.pack("!Q", value)


def state(ring, value):
    return bytes([2, ring]) + be16(value)


def regions(*rows):
    return bytes([4, len(rows)]) + b"".join(bytes(r) for r in rows)


def write(at, data):
    return bytes([WRITE]) + be16(at // 2) + bytes([len(data)]) + data


def chain(ring, *pieces, indirect=False):
    out = bytes([CHAIN, ring | (len(pieces) - 1) << 2 | (0x80 if indirect else 0)])
    return out + b"".join(be16(at // 2, length | (0x8000 if writable else 0)) for at, length, writable in pieces)


def kick(ring):
    return bytes([KICK, ring])


def frame(length, head=b"", choice=1, extra=b""):
    return bytes([FRAME, choice]) + be16(length) + bytes([len(head)]) + head + extra


def lend(choice, size):
    return bytes([LEND, choice]) + be16(size)


def guest_frame(at, length=60):
    """A net header and the beginning of a frame of the guest's at @at, and the chain for it."""
    return write(at, bytes(12) + b"\xff" * 6 + GUEST_MAC + b"\x88\xb5") + chain(TX, (at, 12 + length, False))


BUFFERS = b"".join(chain(RX, (0x10000 + i * 2048, 2048, True)) for i in range(8))
BIG_BUFFERS = b"".join(chain(RX, (0x8000 + i * 0x2000, 0x2000, True)) for i in range(10))
TCP4 = bytes.fromhex("080045000000000040004006000ac0a87a02c0a87a033039005000000001000000025010ffff00000000")
USED_UP = bytes([USED])

SEEDS = {
    "frame-from-the-guest": (LINUX, guest_frame(0x4000), kick(TX), USED_UP),
    "frames-in-pieces": (
        LINUX, write(0x4000, bytes(12)),
        chain(TX, (0x4000, 5, False), (0x4005, 7, False), (0x5000, 1, False), (0x5001, 100, False)), kick(TX)),
    "indirect": (LINUX, chain(TX, (0x4000, 12, False), (0x5000, 1400, False), indirect=True), kick(TX)),
    "frames-to-the-guest": (LINUX, BUFFERS, frame(60), frame(1500), frame(9000), USED_UP, BUFFERS, kick(RX), frame(60)),
    "frames-to-the-guest-small": (PLAIN, BUFFERS, frame(60), frame(1500), frame(3000), USED_UP),
    "super-frame-to-the-guest": (LINUX, BIG_BUFFERS, frame(30000, TCP4, choice=1 | 1 << 1 | 8, extra=be16(1448) + bytes([34, 16])),
                                 USED_UP),
    "backlog": (LINUX, frame(1500), frame(60), bytes([TIME, 200]), frame(60), BUFFERS, kick(RX), USED_UP),
    "rooms-are-lent": (LINUX, BIG_BUFFERS, lend(3, 1500), lend(64 | 3, 1500), lend(64 | 7, 8000), USED_UP),
    "rooms-are-lent-while-a-ring-stops": (LINUX, BIG_BUFFERS, lend(64 | 1, 100), message(GET_BASE, state(RX, 0)), lend(64 | 1, 100)),
    "memory-vanishes": (LINUX, guest_frame(0x4000), bytes([TRUNCATE, 1]), kick(TX), frame(60)),
    "payload-vanishes": (LINUX, BUFFERS, chain(TX, (0x4000, 12, False), (0x1f000, 3000, False)), bytes([TRUNCATE, 8]), kick(TX), frame(60)),
    "descriptor-out-of-memory": (LINUX, write(16 * 16 + 4, b"\x09\0"), write(0, b"\xff" * 16), kick(RX), kick(TX)),
    "available-index-runs-away": (LINUX, write(0x102, b"\xff\xff"), kick(RX), kick(TX)),
    "memory-is-set-again": (LINUX, guest_frame(0x4000), message(SET_MEM_TABLE, regions((0, 16, 0, 0), (16, 16, 16, 16)), (0, 0)), kick(TX),
                            BUFFERS, frame(1500)),
    "region-added-and-removed": (LINUX, message(ADD_MEM, b"\5" + bytes([33, 4, 33, 0]), (0,), True), guest_frame(0x4000), kick(TX),
                                 message(REM_MEM, b"\5" + bytes([33, 4, 33, 0]), (), True), message(REM_MEM, b"\5" + bytes([0, 32, 0, 0])),
                                 kick(TX)),
    "ring-stops-and-starts": (LINUX, guest_frame(0x4000), message(GET_BASE, state(TX, 0)), kick(TX), message(SET_BASE, state(TX, 0)),
                              message(SET_KICK, number(TX), (7,)), message(SET_ENABLE, state(TX, 1)), kick(TX)),
    "ring-disabled": (PLAIN, BUFFERS, message(SET_ENABLE, state(RX, 0)), frame(60), message(SET_ENABLE, state(RX, 1)), frame(60)),
    "reset-and-features": (LINUX, message(RESET), message(SET_FEATURES, number(1 << 32)), message(RESET_OWNER),
                           message(SET_STATUS, number(0))),
    "rarp-and-mtu": (LINUX, message(RARP, number(0x010000000002)), message(SET_MTU, number(9000), (), True), message(SET_MTU, number(1)),
                     BUFFERS, frame(4000)),
    "config": (LINUX, message(GET_CONFIG, b"\6\x0c" + bytes(4) + b"\x0c" + bytes(7)), message(BACKEND, b"\0", (1,)),
               message(BACKEND, b"\0", (4,))),
    "kick-is-also-the-call": (LINUX, message(SET_CALL, number(TX), (7,)), guest_frame(0x4000), kick(TX),
                              message(SET_CALL, number(RX), (1,)), BUFFERS, frame(60)),
    "message-in-pieces": (LINUX, bytes([FRAGMENT, 6]) + b"\1\0\0\0\1\0", bytes([FRAGMENT, 6]) + bytes(6),
                          bytes([FRAGMENT, 3]) + b"\xff" * 3),
    "too-many-descriptors": (LINUX, message(SET_MEM_TABLE, regions((0, 32, 0, 0)), (0,) * 12)),
    "rings-overlap": (LINUX, message(SET_ADDR, b"\3" + bytes([TX]) + be16(0, 0, 0)), guest_frame(0x4000), kick(TX)),
    "without-protocol-features": (NO_PROTOCOL, guest_frame(0x4000), kick(TX), BUFFERS, frame(60)),
}


def main():
    CORPUS.mkdir(exist_ok=True)
    for name, (features, *operations) in SEEDS.items():
        (CORPUS / name).write_bytes(bytes([features]) + b"".join(operations))


main()
