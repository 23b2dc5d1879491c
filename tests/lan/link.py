# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests' ends of lanlet's sockets.  Each has send(frame), receive(timeout), fileno() and close()."""

import os
import select
import socket
import struct
import time

from .wait import PATIENCE


def connect(path, kind=socket.SOCK_STREAM):
    """A connected unix socket whose calls take PATIENCE at most."""
    sock = socket.socket(socket.AF_UNIX, kind)
    sock.settimeout(PATIENCE)
    try:
        sock.connect(os.fspath(path))
    except BaseException:
        sock.close()
        raise
    return sock


class StreamClient:
    """A connection with QEMU's framing: four bytes of length, big-endian, then the frame.  @where: a path, or a socket."""

    def __init__(self, where):
        self.socket = where if isinstance(where, socket.socket) else connect(where)
        self.received = bytearray()

    def close(self):
        self.socket.close()

    def fileno(self):
        return self.socket.fileno()

    def send(self, frame):
        self.socket.sendall(struct.pack(">I", len(frame)) + frame)

    def buffered(self):
        """The next frame that has come already, or None."""
        if len(self.received) < 4:
            return None
        (length,) = struct.unpack(">I", self.received[:4])
        if len(self.received) < 4 + length:
            return None
        frame = bytes(self.received[4 : 4 + length])
        del self.received[: 4 + length]
        return frame

    def receive(self, timeout=PATIENCE):
        """The next frame; TimeoutError, or EOFError when the other side closed.  With timeout 0: a frame that has arrived already."""
        deadline = time.monotonic() + timeout
        while (frame := self.buffered()) is None:
            if not select.select([self.socket], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise TimeoutError("no frame")
            try:
                data = self.socket.recv(1 << 18)
            except ConnectionResetError:
                data = b""
            if not data:
                raise EOFError("closed")
            self.received += data
        return frame


class Packets:
    """A socket that keeps the boundaries of frames, connected or with the address of its peer."""

    def __init__(self, sock, peer=None):
        self.socket, self.peer = sock, peer
        sock.settimeout(PATIENCE)

    def fileno(self):
        return self.socket.fileno()

    def send(self, frame):
        self.socket.sendto(frame, self.peer) if self.peer else self.socket.send(frame)

    def receive(self, timeout=PATIENCE):
        if not select.select([self.socket], [], [], max(0.0, timeout))[0]:
            raise TimeoutError("no frame")
        return self.socket.recv(1 << 17)

    def close(self):
        self.socket.close()


def seqpacket(path):
    return Packets(connect(path, socket.SOCK_SEQPACKET))


def bound(own):
    """A datagram socket at a path of its own."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(os.fspath(own))
    return sock


def dgram(path, own):
    """An unconnected datagram socket, as QEMU's."""
    return Packets(bound(own), os.fspath(path))


class VdeClient(Packets):
    """A client of a VDE switch (protocol version 3).  @where: the switch's directory, or a socket connected to its ctl."""

    def __init__(self, where, own):
        self.control = where if isinstance(where, socket.socket) else connect(f"{where}/ctl")
        data = bound(own)
        try:
            name = struct.pack("=H108s", socket.AF_UNIX, os.fspath(own).encode())
            self.control.sendall(struct.pack("=III", 0xFEEDFACE, 3, 0) + name + b"test")
            switch = self.control.recv(110)[2:].split(b"\0")[0].decode()
        except BaseException:
            data.close()
            raise
        super().__init__(data, switch)

    def close(self):
        self.control.close()
        super().close()
