# SPDX-License-Identifier: GPL-2.0-or-later
"""A name server of a test's own, on a loopback address, whose answers the test scripts."""

import contextlib
import socket
import struct
import threading
import time

from . import dns

CLOSE, RESET = "close", "reset"  # what happens to a connection instead of an answer


def reply(query, *answers, flags=0, additional=None):
    """The answer to a query as bytes: records, and flags beside the usual ones."""
    message = dns.Message.parse(query)
    usual = dns.RESPONSE | dns.RECURSION_AVAILABLE | message.flags & dns.RECURSION_DESIRED
    more = message.additional if additional is None else additional
    answer = dns.Message(message.id, message.name, message.type, usual | flags, list(answers), more).emit()
    end = 12 + len(dns.emit_name(message.name))
    return answer[:12] + query[12:end] + answer[end:]  # in the spelling of the query


def texts(name, size):
    """TXT records of this many bytes in all, or a few more."""
    return [dns.Record(name, dns.TXT, b"\xff" + b"t" * 255, 60) for _ in range(-(-size // (len(name) + 268)))]


class Upstream:
    """
    Serves UDP and TCP at `address`.  answer(message, query, tcp) returns bytes, None for silence, a list of (delay, bytes), CLOSE or RESET.
    """

    def __init__(self, answer, ip="127.0.0.1", port=53):
        self.answer = answer
        self.queries = []  # (time, query, tcp)
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.udp.bind((ip, port))
        self.tcp = socket.socket()
        self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.port = self.udp.getsockname()[1]
        self.tcp.bind((ip, self.port))
        self.tcp.listen(128)
        self.address = f"{ip}:{self.port}"
        for target in (self.serve_udp, self.serve_tcp):
            threading.Thread(target=target, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for sock in (self.udp, self.tcp):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def names(self):
        return [dns.Message.parse(query).name for _, query, _ in self.queries]

    def respond(self, query, tcp):
        self.queries.append((time.monotonic(), query, tcp))
        answer = self.answer(dns.Message.parse(query), query, tcp)
        return [(0, answer)] if isinstance(answer, (bytes, str)) else answer or []

    def serve_udp(self):
        while True:
            try:
                query, peer = self.udp.recvfrom(65535)
            except OSError:
                return
            if not query:
                return  # shut down
            for delay, answer in self.respond(query, False):
                if answer in (CLOSE, RESET):
                    continue
                if delay:
                    threading.Timer(delay, self.send_udp, (answer, peer)).start()
                else:
                    self.send_udp(answer, peer)

    def send_udp(self, answer, peer):
        with contextlib.suppress(OSError):  # the test may be over
            self.udp.sendto(answer, peer)

    def serve_tcp(self):
        while True:
            try:
                connection, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self.serve_connection, args=(connection,), daemon=True).start()

    def serve_connection(self, connection):
        with connection, connection.makefile("rb") as stream:
            while len(head := stream.read(2)) == 2:
                for delay, answer in self.respond(stream.read(struct.unpack(">H", head)[0]), True):
                    time.sleep(delay)
                    if answer == RESET:
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    if answer in (CLOSE, RESET):
                        return
                    connection.sendall(struct.pack(">H", len(answer)) + answer)
