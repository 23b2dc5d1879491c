# SPDX-License-Identifier: GPL-2.0-or-later
"""A vhost-user front end with a driver of its own, which sends any frame with any virtio-net header."""

import mmap
import os
import select
import socket
import struct
import sys
import time
from dataclasses import dataclass

from .link import connect
from .wait import PATIENCE

# Requests of the protocol, and bits of its features (virtio 1.3 §5.1.3, §6).
SET_FEATURES, SET_OWNER, SET_MEM_TABLE = 2, 3, 5
SET_VRING_NUM, SET_VRING_ADDR, SET_VRING_BASE, SET_VRING_KICK, SET_VRING_CALL = 8, 9, 10, 12, 13
CSUM, HOST_TSO4, MRG_RXBUF, VERSION_1 = 1 << 0, 1 << 11, 1 << 15, 1 << 32
FEATURES = CSUM | HOST_TSO4 | MRG_RXBUF | VERSION_1
DESC_WRITE = 2
# Where the memory is in the guest, and in this process's virtual addresses as it tells them.
GUEST_AT, USER_AT = 0x1_0000_0000, 0x7F00_0000_0000
RX, TX = 0, 1
RING = 256
RING_BYTES = 0x4000
BUFFERS_AT, RX_BUFFER, TX_BUFFER = 0x10000, 2048, 66 * 1024
TX_BUFFERS = 32
MEMORY = BUFFERS_AT + RING * RX_BUFFER + TX_BUFFERS * TX_BUFFER


@dataclass
class NetHeader:
    """struct virtio_net_hdr_v1."""

    flags: int = 0
    gso_type: int = 0
    header_len: int = 0
    gso_size: int = 0
    csum_start: int = 0
    csum_offset: int = 0

    NEEDS_CSUM = 1
    GSO_TCPV4 = 1
    LEN = 12

    def emit(self):
        return struct.pack(
            "<BBHHHHH", self.flags, self.gso_type, self.header_len, self.gso_size, self.csum_start, self.csum_offset, 0)


class Ring:
    """A split virtqueue of RING descriptors (virtio 1.3 §2.7) at an offset of the memory."""

    def __init__(self, memory, at):
        self.memory = memory
        self.words = memoryview(memory).cast("H")
        self.table, self.available, self.used = at, at + 16 * RING, at + 16 * RING + 0x1000
        self.given = self.taken = 0
        self.kick, self.call = os.eventfd(0), os.eventfd(0, os.EFD_NONBLOCK)

    def used_index(self):
        """In one access, as give() writes the other index: struct takes one byte after the other, between which the device may come."""
        return int.from_bytes(self.words[(self.used + 2) // 2].to_bytes(2, sys.byteorder), "little")

    def give(self, descriptor, at, length, flags):
        """Gives the device a buffer, a chain of one descriptor."""
        struct.pack_into("<QIHH", self.memory, self.table + 16 * descriptor, GUEST_AT + at, length, flags, 0)
        struct.pack_into("<H", self.memory, self.available + 4 + 2 * (self.given % RING), descriptor)
        self.given = (self.given + 1) & 0xFFFF
        self.words[(self.available + 2) // 2] = int.from_bytes(self.given.to_bytes(2, "little"), sys.byteorder)

    def take(self):
        """The descriptor and length of the next buffer that the device has used; None."""
        if self.used_index() == self.taken:
            return None
        found = struct.unpack_from("<II", self.memory, self.used + 4 + 8 * (self.taken % RING))
        self.taken = (self.taken + 1) & 0xFFFF
        return found

    def close(self):
        self.words.release()
        os.close(self.kick)
        os.close(self.call)


class VhostClient:
    """A guest's end of vhost.sock, as link.py's.  @where: its path, or a connected socket."""

    def __init__(self, where):
        self.socket = where if isinstance(where, socket.socket) else connect(where)
        memory = os.memfd_create("guest")
        os.ftruncate(memory, MEMORY)
        self.memory = mmap.mmap(memory, MEMORY)
        self.rings = [Ring(self.memory, at) for at in (0, RING_BYTES)]
        self.free = list(range(TX_BUFFERS))
        for descriptor in range(RING):
            self.rings[RX].give(descriptor, self.buffer(RX, descriptor), RX_BUFFER, DESC_WRITE)
        self.tell(SET_OWNER)
        self.tell(SET_FEATURES, struct.pack("<Q", FEATURES))
        self.tell(SET_MEM_TABLE, struct.pack("<IIQQQQ", 1, 0, GUEST_AT, MEMORY, USER_AT, 0), memory)
        os.close(memory)
        for index, ring in enumerate(self.rings):
            self.tell(SET_VRING_NUM, struct.pack("<II", index, RING))
            self.tell(SET_VRING_BASE, struct.pack("<II", index, 0))
            table, used, available = (USER_AT + at for at in (ring.table, ring.used, ring.available))
            self.tell(SET_VRING_ADDR, struct.pack("<IIQQQQ", index, 0, table, used, available, 0))
            self.tell(SET_VRING_CALL, struct.pack("<Q", index), ring.call)
            self.tell(SET_VRING_KICK, struct.pack("<Q", index), ring.kick)

    def tell(self, request, payload=b"", *fds):
        socket.send_fds(self.socket, [struct.pack("<III", request, 1, len(payload)) + payload], fds)

    @staticmethod
    def buffer(ring, descriptor):
        return BUFFERS_AT + descriptor * RX_BUFFER if ring == RX else BUFFERS_AT + RING * RX_BUFFER + descriptor * TX_BUFFER

    def fileno(self):
        return self.rings[RX].call

    def send(self, frame, header=None):
        """@header: a NetHeader; None: no offload."""
        descriptor = self.free_transmit_buffer()
        at, data = self.buffer(TX, descriptor), (header or NetHeader()).emit() + frame
        self.memory[at : at + len(data)] = data
        self.rings[TX].give(descriptor, at, len(data), 0)
        os.eventfd_write(self.rings[TX].kick, 1)

    def free_transmit_buffer(self):
        ring, deadline = self.rings[TX], time.monotonic() + PATIENCE
        while True:
            while used := ring.take():
                self.free.append(used[0])
            if self.free:
                return self.free.pop()
            if not select.select([ring.call], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise TimeoutError("the device uses no buffer")
            os.eventfd_read(ring.call)

    def receive(self, timeout=PATIENCE):
        ring, deadline = self.rings[RX], time.monotonic() + timeout
        while not (first := self.take_received()):
            ready = select.select([ring.call, self.socket], [], [], max(0.0, deadline - time.monotonic()))[0]
            if ring.call in ready:
                os.eventfd_read(ring.call)
            elif ready and not self.socket.recv(1):
                raise EOFError("closed")
            elif not ready:
                raise TimeoutError("no frame")
        (buffers,) = struct.unpack_from("<H", first, 10)
        frame = first[NetHeader.LEN :]
        for _ in range(buffers - 1):
            frame += self.take_received()
        os.eventfd_write(ring.kick, 1)
        return frame

    def take_received(self):
        """The bytes of the next buffer, which goes back to the device; None."""
        if not (used := self.rings[RX].take()):
            return None
        descriptor, length = used
        at = self.buffer(RX, descriptor)
        data = self.memory[at : at + length]
        self.rings[RX].give(descriptor, at, RX_BUFFER, DESC_WRITE)
        return data

    def close(self):
        self.socket.close()
        for ring in self.rings:
            ring.close()
        self.memory.close()
