# SPDX-License-Identifier: GPL-2.0-or-later
"""What users of other user-mode networks ran into, asked of NAT: segments and datagrams as guests rarely send them."""

import hashlib
import struct
import unittest

from lan import outside, servers, tap
from lan.client import Host
from lan.packet import ICMP, TCP, UDP, ECHO_REPLY, TIME_EXCEEDED, UNREACHABLE, Icmp, Ipv4, Tcp, Udp, address, checksum, mac, pseudo_header
from lan.process import Lanlet
from lan.programs import check

GATEWAY = "192.168.122.1"
FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = 1, 2, 4, 8, 16, 32, 64, 128
MSS_1460 = b"\x02\x04\x05\xb4"
UNREACHABLE_NET = "192.0.2.77"  # the host has a route that says so
PROHIBITED = "192.0.2.177"
SILENT = "198.51.100.77"  # of the cable; no machine answers ARP there

DOWNLOADS = """
import hashlib, sys, threading, urllib.request
wrong = []
def load():
    body = urllib.request.urlopen(f"http://{sys.argv[1]}/{sys.argv[2]}", timeout=50).read()
    if hashlib.sha256(body).hexdigest() != sys.argv[3]:
        wrong.append(len(body))
threads = [threading.Thread(target=load) for _ in range(64)]
for t in threads: t.start()
for t in threads: t.join()
print(wrong)
"""


class Connection:
    """A TCP of few words, which says what it is told to and acknowledges what comes in order."""

    def __init__(self, host, ip, port, source, isn=1000):
        self.host, self.ip, self.port, self.source = host, address(ip), port, source
        self.next, self.expected = isn, 0
        self.received = b""
        self.end = 0  # FIN or RST, when one has come

    def send(self, flags, payload=b"", options=b"", urgent=0, reserved=0):
        bare = struct.pack(">HHIIBBHHH", self.source, self.port, self.next, self.expected, (5 + len(options) // 4) << 4 | reserved, flags,
                           65535, 0, urgent) + options + payload
        ip = Ipv4(self.host.ip, self.ip, TCP, bare)
        ip.payload = bare[:16] + struct.pack(">H", checksum(pseudo_header(ip, len(bare)) + bare)) + bare[18:]
        self.next += len(payload) + bool(flags & SYN) + bool(flags & FIN)
        self.host.send_ip(ip)

    def segment(self, timeout=20.0):
        """The next segment of this connection: its value, and its options."""
        def wanted(frame):
            ip = self.host.ip_of(frame, TCP)
            if ip and ip.source == self.ip and ip.payload[:4] == struct.pack(">HH", self.port, self.source):
                return Tcp.parse(ip), ip.payload[20:(ip.payload[12] >> 4) * 4]
            return None
        return self.host.wait_for(wanted, timeout)

    def open(self, **syn):
        """SYN and ACK; the SYN-ACK and its options."""
        self.send(SYN, **syn)
        answer, options = self.segment()
        assert answer.flags & (SYN | ACK) == SYN | ACK, f"the answer to the SYN has flags {answer.flags:#x}"
        self.next, self.expected = answer.acknowledgement, answer.sequence + 1
        self.send(ACK)
        return answer, options

    def read(self, length=None):
        """Until there are so many bytes, or until the end."""
        while not self.end and (length is None or len(self.received) < length):
            found, _ = self.segment()
            if found.flags & RST:
                self.end = RST
            elif found.sequence == self.expected:
                self.received += found.payload
                self.expected += len(found.payload) + (found.flags & FIN)
                self.end |= found.flags & FIN
                self.send(ACK)
        return self.received


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        tap.need_tap()
        cls.enterClassContext(outside.Outside())
        check("ip", "route", "add", "unreachable", "192.0.2.0/25")
        check("ip", "route", "add", "prohibit", "192.0.2.128/25")
        cls.addClassCleanup(check, "ip", "route", "delete", "unreachable", "192.0.2.0/25")
        cls.addClassCleanup(check, "ip", "route", "delete", "prohibit", "192.0.2.128/25")
        cls.lanlet = cls.enterClassContext(Lanlet())

    def setUp(self):
        self.host = self.enterContext(Host(self.lanlet.stream, mac(9), "192.168.122.59"))

    def count(self, reason):
        return next((d["count"] for d in self.lanlet.api.get("/v1/drops")["drops"] if d["reason"] == reason), 0)

    def icmp(self, timeout=20.0):
        """The next ICMP message, and the packet that has it."""
        ip = self.host.wait_for(lambda frame: self.host.ip_of(frame, ICMP), timeout)
        return Icmp.parse(ip), ip


class TcpReports(Case):
    port = 41000

    def connection(self, ip=outside.ROUTER, port=7, source=None, **more):
        TcpReports.port += 1
        return Connection(self.host, ip, port, source or TcpReports.port, **more)

    def assert_echoes(self, c, payload=b"hello"):
        c.send(PSH | ACK, payload)
        self.assertEqual(c.read(len(payload)), payload)

    def test_gateway_port_without_a_service_refuses_and_dns_serves(self):
        for port, flags in ((1, RST | ACK), (8081, RST | ACK), (53, SYN | ACK)):
            with self.subTest(port=port):
                c = self.connection(GATEWAY, port)
                c.send(SYN)
                self.assertEqual(c.segment()[0].flags, flags)

    def test_guest_hears_what_the_outside_says_before_any_syn_ack(self):
        c = self.connection(port=9)
        c.send(SYN)
        self.assertEqual(c.segment()[0].flags, RST | ACK)
        for ip, code in ((UNREACHABLE_NET, 1), (PROHIBITED, 13)):
            with self.subTest(ip=ip):
                self.connection(ip, 80).send(SYN)
                message, _ = self.icmp()
                self.assertEqual(message.type, UNREACHABLE)
                self.assertIn(message.code, (code, 0))
        c = self.connection(SILENT, 80)
        c.send(SYN)
        with self.assertRaises(TimeoutError):
            c.segment(0.5)

    def test_syn_that_offers_ecn_gets_a_plain_syn_ack(self):
        for reserved in (0, 1):  # RFC 3168, and the bit of accurate ECN (RFC 9768) with it
            with self.subTest(reserved=reserved):
                c = self.connection()
                c.send(SYN | ECE | CWR, reserved=reserved, options=MSS_1460)
                answer, _ = c.segment()
                self.assertEqual(answer.flags, SYN | ACK)
                c.next, c.expected = answer.acknowledgement, answer.sequence + 1
                c.send(ACK)
                self.assert_echoes(c)

    def test_data_in_a_syn_arrives_once(self):
        for options in (MSS_1460, MSS_1460 + b"\x22\x02\x01\x01"):  # RFC 7413: asks for a cookie
            with self.subTest(options=options):
                c = self.connection()
                c.send(SYN, b"early", options=options)
                answer, _ = c.segment()
                self.assertIn(answer.acknowledgement, (1001, 1006))
                c.next, c.expected = answer.acknowledgement, answer.sequence + 1
                c.send(PSH | ACK, b"early"[answer.acknowledgement - 1001:] + b" late")
                self.assertEqual(c.read(10), b"early late")
                c.send(FIN | ACK)
                self.assertEqual(c.read(), b"early late")

    def test_signed_syn_gets_an_unsigned_answer(self):
        for kind in (19, 29):  # RFC 2385, RFC 5925
            with self.subTest(kind=kind):
                c = self.connection()
                c.send(SYN, options=bytes([kind, 18]) + bytes(16) + b"\x01\x01")
                answer, options = c.segment()
                self.assertEqual(answer.flags, SYN | ACK)
                self.assertNotIn(bytes([kind, 18]), options)

    def test_same_ports_can_be_used_again_at_once(self):
        for isn in (1000, 500000):
            c = self.connection(source=40999, isn=isn)
            c.open(options=MSS_1460)
            self.assert_echoes(c)
            c.send(FIN | ACK)
            c.read()
            self.assertEqual(c.end, FIN)

    def test_odd_segment_sizes_work(self):
        body = servers.blob(3000)
        for mss in (1, 64, 88, None, 536, 65495):
            with self.subTest(mss=mss):
                c = self.connection(port=80)
                c.open(options=b"" if mss is None else struct.pack(">BBH", 2, 4, mss))
                c.send(PSH | ACK, b"GET /3000 HTTP/1.0\r\n\r\n")
                self.assertEqual(c.read()[-3000:], body)
        c = self.connection(port=80)
        c.open(options=b"\x02\x04\x02\x00" + MSS_1460)
        c.send(PSH | ACK, b"GET /3000 HTTP/1.0\r\n\r\n")
        self.assertEqual(c.read()[-3000:], body)

    def test_urgent_pointer_beyond_the_data_is_harmless(self):
        c = self.connection()
        c.open()
        c.send(URG | ACK, b"first ", urgent=60000)
        c.send(URG | PSH | ACK, b"second", urgent=0)
        self.assertEqual(c.read(12), b"first second")

    def test_odd_ports(self):
        equal = self.connection(source=7)
        equal.open()
        self.assert_echoes(equal)
        high = self.connection(source=65535)
        high.open()
        self.assert_echoes(high)
        for c in (self.connection(port=0), Connection(self.host, outside.ROUTER, 7, 0)):
            c.send(SYN)
            try:
                self.assertFalse(c.segment(0.5)[0].flags & SYN)
            except TimeoutError:
                pass  # dropped
        self.host.ping(outside.ROUTER)

    def test_many_downloads_at_once_are_complete(self):
        with tap.TapGuest(self.lanlet.stream, "52:54:00:00:00:01") as guest:
            guest.set_address("192.168.122.50")
            size = 300000
            wanted = hashlib.sha256(servers.blob(size)).hexdigest()
            self.assertEqual(guest.python(DOWNLOADS, outside.ROUTER, size, wanted).strip(), "[]")


class DatagramReports(Case):
    def send(self, destination, port, payload, source=40000, **ip_fields):
        ip = Udp(source, port, payload).emit(self.host.ip, address(destination))
        for name, value in ip_fields.items():
            setattr(ip, name, value)
        self.host.send_ip(ip)
        return ip

    def datagram(self, timeout=20.0):
        return self.host.wait_for(lambda frame: self.host.ip_of(frame, UDP), timeout)

    def test_fragments_in_any_order_are_one_datagram(self):
        whole = Udp(40001, 7, bytes(1400)).emit(self.host.ip, address(outside.ROUTER)).payload
        pieces = [(at, whole[at:at + 480]) for at in range(0, len(whole), 480)]
        for at, piece in reversed(pieces):
            more = Ipv4.MORE_FRAGMENTS if at + len(piece) < len(whole) else 0
            self.host.send_ip(Ipv4(self.host.ip, address(outside.ROUTER), UDP, piece, identification=7, fragment=more | at // 8))
        self.assertTrue(Udp.parse(self.datagram()).payload.endswith(bytes(1400)))

    def test_datagram_without_a_checksum_is_carried_and_answered_with_one(self):
        query = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07gateway\0\0\x01\0\x01"
        for ip, port, payload in ((outside.ROUTER, 7, b"x"), (GATEWAY, 53, query)):
            with self.subTest(ip=ip):
                packet = Udp(40002, port, payload).emit(self.host.ip, address(ip))
                packet.payload = packet.payload[:6] + b"\0\0" + packet.payload[8:]
                self.host.send_ip(packet)
                answer = self.datagram()
                self.assertNotEqual(answer.payload[6:8], b"\0\0")
                Udp.parse(answer)

    def test_empty_datagrams_are_datagrams(self):
        self.send(outside.ROUTER, 7, b"")
        self.assertRegex(Udp.parse(self.datagram()).payload, rb"^[0-9.]+:\d+ $")
        before = self.lanlet.cpu_seconds()
        for _ in range(10):
            self.send(GATEWAY, 53, b"")
        self.host.listen(1)
        self.assertLess(self.lanlet.cpu_seconds() - before, 0.5)
        self.host.dns("gateway")

    def test_ping_of_nobody_is_not_answered(self):
        for ip, told in ((UNREACHABLE_NET, True), (SILENT, False)):
            with self.subTest(ip=ip):
                self.host.send_ip(Icmp(8, 0, b"\0\1\0\1", b"x" * 8).emit(self.host.ip, address(ip)))
                try:
                    message, _ = self.icmp(20.0 if told else 0.5)
                    self.assertEqual(message.type, UNREACHABLE)
                except TimeoutError:
                    self.assertFalse(told)

    def test_errors_quote_what_the_guest_sent(self):
        for options in (b"", b"\x94\x04\0\0"):  # router alert
            with self.subTest(options=options):
                sent = self.send(outside.ROUTER, 9, b"anyone?", source=40003, identification=0x1234, tos=0x28, options=options)
                message, _ = self.icmp()
                self.assertEqual((message.type, message.code), (UNREACHABLE, 3))
                quoted = message.payload
                header_len = (quoted[0] & 15) * 4
                self.assertEqual(checksum(quoted[:header_len]), 0)
                self.assertEqual(quoted[12:20], sent.source + sent.destination)
                self.assertEqual(quoted[header_len:header_len + 6], sent.payload[:6])  # ports and length
                self.assertEqual(struct.unpack(">H", quoted[2:4])[0], header_len + len(sent.payload))

    def test_hops_are_counted_by_one(self):
        self.host.send_ip(Ipv4(self.host.ip, address(outside.ROUTER), ICMP, Icmp(8, 0, b"\0\1\0\1").emit(b"\0" * 4, b"\0" * 4).payload, ttl=1))
        message, ip = self.icmp()
        self.assertEqual((message.type, ip.source), (TIME_EXCEEDED, address(GATEWAY)))
        self.host.send_ip(Ipv4(self.host.ip, address(outside.ROUTER), ICMP, Icmp(8, 0, b"\0\1\0\1").emit(b"\0" * 4, b"\0" * 4).payload, ttl=2))
        message, ip = self.icmp()
        self.assertEqual((message.type, ip.source), (ECHO_REPLY, address(outside.ROUTER)))

    def test_broadcast_and_multicast_are_not_carried_and_not_answered(self):
        gateway = self.host.resolve(address(GATEWAY))
        before = self.count("local-multicast") + self.count("martian-destination")
        targets = ("255.255.255.255", "192.168.122.255", "192.168.122.0", "224.0.0.251", "239.1.2.3")
        for ip in targets:
            self.host.send_frame(gateway, 0x0800, Udp(40004, 9, b"all").emit(self.host.ip, address(ip)).emit())
        self.assertEqual([frame for frame in self.host.listen(0.5) if self.host.ip_of(frame, ICMP) or self.host.ip_of(frame, UDP)], [])
        self.assertEqual(self.count("local-multicast") + self.count("martian-destination") - before, len(targets))
