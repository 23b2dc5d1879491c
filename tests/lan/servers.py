# SPDX-License-Identifier: GPL-2.0-or-later
"""What listens outside: HTTP, echo, TFTP and DNS, each in a thread of this process."""

import hashlib
import http.server
import itertools
import random
import socket
import socketserver
import struct
import threading
from pathlib import Path

from . import dns
from .packet import address

BLOB_SIZE = 20 << 20


def blob(size=BLOB_SIZE):
    """The same bytes in every process."""
    return random.Random(4).randbytes(size)


def blob_sha256(size=BLOB_SIZE):
    return hashlib.sha256(blob(size)).hexdigest()


class Http(http.server.BaseHTTPRequestHandler):
    """GET /N: N bytes of the blob.  GET /who: the client's address.  GET /file/PATH: a file.  PUT: the checksum of what came."""

    def do_GET(self):
        name = self.path.lstrip("/")
        if name.startswith("file/"):
            self.reply(Path(name.removeprefix("file")).read_bytes())
        else:
            self.reply(self.client_address[0].encode() if name == "who" else blob(int(name)))

    def do_PUT(self):
        digest, left = hashlib.sha256(), int(self.headers["Content-Length"])
        while left and (data := self.rfile.read(min(left, 1 << 16))):
            digest.update(data)
            left -= len(data)
        self.reply(digest.hexdigest().encode())

    def reply(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class UdpEcho(socketserver.BaseRequestHandler):
    """Answers with the sender as it is seen here, then what it sent."""

    def handle(self):
        data, sock = self.request
        sock.sendto("{}:{} ".format(*self.client_address).encode() + data, self.client_address)


class TcpEcho(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(1 << 16):
            self.request.sendall(data)


class Tftp(socketserver.BaseRequestHandler):
    """RFC 1350, reading only: the file N is the first N bytes of the blob."""

    def handle(self):
        request, _ = self.request
        operation, name = struct.unpack(">H", request[:2])[0], request[2:].split(b"\0")[0]
        if operation != 1:
            return
        data = blob(int(name))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect(self.client_address)
            sock.settimeout(1.0)
            for number in itertools.count(1):
                block = data[(number - 1) * 512 : number * 512]
                if not self.acknowledged(sock, number, block) or len(block) < 512:
                    return

    @staticmethod
    def acknowledged(sock, number, block):
        for _ in range(5):
            sock.send(struct.pack(">HH", 3, number) + block)
            try:
                if sock.recv(516)[:4] == struct.pack(">HH", 4, number):
                    return True
            except TimeoutError:
                pass
        return False


def soa():
    return dns.emit_name("ns.example.test") + dns.emit_name("admin.example.test") + struct.pack(">5I", 1, 3600, 600, 86400, 60)


# What is known of www.example.test: type → record data.  Types that no reader knows pass as well.
WWW = {
    dns.A: address("203.0.113.5"),
    dns.NS: dns.emit_name("ns.example.test"),
    dns.SOA: soa(),
    dns.MX: struct.pack(">H", 10) + dns.emit_name("mail.example.test"),
    dns.TXT: b"\x05hello",
    dns.AAAA: bytes.fromhex("20010db8000000000000000000000005"),
    dns.SRV: struct.pack(">HHH", 1, 2, 443) + dns.emit_name("www.example.test"),
    13: b"\x03cpu\x02os",  # HINFO
    35: struct.pack(">HH", 1, 2) + b"\x01s\x07SIP+D2U\x00" + dns.emit_name("_sip.example.test"),  # NAPTR
    43: struct.pack(">HBB", 12345, 13, 2) + bytes(32),  # DS
    44: b"\x01\x01" + bytes(20),  # SSHFP
    52: b"\x03\x01\x01" + bytes(32),  # TLSA
    65: struct.pack(">H", 1) + b"\0",  # HTTPS
    257: b"\x00\x05issueca.example.test",  # CAA
    65280: b"\xde\xad\xbe\xef",  # private use
}


def resolve(question, transport):
    """The answer to a question, or None for silence."""
    answer = dns.Message(
        question.id, question.name, question.type,
        dns.RESPONSE | dns.RECURSION_AVAILABLE | question.flags & dns.RECURSION_DESIRED)
    name = question.name.lower()
    opt = next((record for record in question.additional if record.type == dns.OPT), None)
    if opt:  # answered with the same flags, so that DO is seen to arrive here
        answer.additional = [dns.Record("", dns.OPT, b"", opt.ttl, 1232)]
    if name == "silent.example.test":
        return None
    if name == "www.example.test" and question.type in WWW:
        answer.answers = [dns.Record(question.name, question.type, WWW[question.type])]
    elif name == "alias.example.test":
        answer.answers = [
            dns.Record(question.name, dns.CNAME, dns.emit_name("www.example.test")),
            dns.Record("www.example.test", dns.A, WWW[dns.A]),
        ]
    elif name in ("four.example.test", "four-alias.example.test"):  # no AAAA
        alias = [dns.Record(question.name, dns.CNAME, dns.emit_name("four.example.test"))] if name != "four.example.test" else []
        answer.answers = alias + [dns.Record("four.example.test", dns.A, address("198.51.100.1"))] * (question.type == dns.A)
    elif name == "big.example.test":
        answer.answers = [dns.Record(question.name, dns.TXT, bytes([200]) + bytes([65 + n]) * 200) for n in range(20)]
    elif name == "refused.example.test":
        answer.flags |= dns.REFUSED
    elif name == "who.example.test":  # by which transport was it asked?
        answer.answers = [dns.Record(question.name, dns.TXT, bytes([len(transport)]) + transport.encode(), ttl=0)]
    elif name != "www.example.test":
        answer.flags |= dns.NXDOMAIN
    data = answer.emit()
    if transport == "udp" and len(data) > (opt.cls if opt else 512):
        answer.flags |= dns.TRUNCATED
        answer.answers = []
        data = answer.emit()
    return data


class DnsUdp(socketserver.BaseRequestHandler):
    def handle(self):
        data, sock = self.request
        if answer := resolve(dns.Message.parse(data), "udp"):
            sock.sendto(answer, self.client_address)


class DnsTcp(socketserver.StreamRequestHandler):
    def handle(self):
        while len(head := self.rfile.read(2)) == 2:
            data = self.rfile.read(struct.unpack(">H", head)[0])
            if answer := resolve(dns.Message.parse(data), "tcp"):
                self.wfile.write(struct.pack(">H", len(answer)) + answer)


class UdpServer(socketserver.ThreadingUDPServer):
    allow_reuse_address = True
    daemon_threads = True
    max_packet_size = 65535


class TcpServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 256


class TcpServer6(TcpServer):
    address_family = socket.AF_INET6

    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        super().server_bind()


class UdpServer6(UdpServer):
    address_family = socket.AF_INET6

    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        super().server_bind()


def serve(kind, handler, at, port):
    """Starts a server; its port."""
    server = kind((at, port), handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return server.server_address[1]


def serve_dns(at, port=53):
    serve(UdpServer, DnsUdp, at, port)
    serve(TcpServer, DnsTcp, at, port)


def serve_everything(at):
    serve(TcpServer, Http, at, 80)
    serve(UdpServer, UdpEcho, at, 7)
    serve(TcpServer, TcpEcho, at, 7)
    serve(UdpServer, Tftp, at, 69)
    serve_dns(at)


def serve_everything6(at):
    """Over IPv6."""
    serve(TcpServer6, Http, at, 80)
    serve(TcpServer6, TcpEcho, at, 7)
    serve(UdpServer6, UdpEcho, at, 7)
