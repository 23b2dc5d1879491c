# SPDX-License-Identifier: GPL-2.0-or-later
"""What users of other DNS forwarders ran into, asked of the gateway: messages, limits and servers that misbehave."""

import os
import struct
import time
import unittest

from lan import dns, outside, tap
from lan.client import Host
from lan.packet import Ipv4, Udp, address, mac, text
from lan.process import Lanlet
from lan.programs import check, need
from lan.upstream import CLOSE, RESET, Upstream, reply, texts

GATEWAY = "192.168.122.1"
ANSWER = address("192.0.2.9")
UDP_TIMEOUT = 5.0  # of resolvers: the answer has to come before


def setUpModule():
    tap.need_tap()
    need("dig")
    check("ip", "link", "set", "lo", "up")


def a(name, data=ANSWER, ttl=60):
    return dns.Record(name, dns.A, data, ttl)


def knows_everything(message, query, tcp):
    return reply(query, a(message.name)) if message.type == dns.A else reply(query)


class Case(unittest.TestCase):
    def upstream(self, answer=knows_everything, ip="127.0.0.1"):
        return self.enterContext(Upstream(answer, ip, 0))

    def start(self, *answers, options=()):
        """A network with a name server for each answer function; a guest web that has asked for a lease."""
        self.servers = [self.upstream(answer, f"127.0.0.{n + 1}") for n, answer in enumerate(answers or [knows_everything])]
        servers = [option for server in self.servers for option in ("--dns", server.address)]
        self.lanlet = self.enterContext(Lanlet(*servers, *options))
        self.guest = self.enterContext(Host(self.lanlet.stream, mac(1)))
        self.guest.lease(host_name=b"web")
        return self.guest

    def raw(self, payload, port=20000, timeout=UDP_TIMEOUT, guest=None):
        return (guest or self.guest).udp(GATEWAY, 53, payload, port, timeout)

    def tap(self, n=7):
        guest = self.enterContext(tap.TapGuest(self.lanlet.stream, f"52:54:00:00:00:{n:02}"))
        guest.set_address(f"192.168.122.{200 + n}")
        return guest

    def dig(self, guest, *arguments):
        return guest.check("dig", "+time=5", "+tries=1", f"@{GATEWAY}", *arguments)

    @staticmethod
    def status(output):
        return output.split("status: ")[1].split(",")[0]


class MessageTest(Case):
    def test_each_answer_repeats_the_spelling_of_its_question(self):
        self.start(lambda message, query, tcp: [(0.2, reply(query, a(message.name)))])
        spellings = [b"\3wWw\7example\0", b"\3WwW\7eXample\0"]
        queries = [struct.pack(">6H", 10 + n, 0x100, 1, 0, 0, 0) + name + b"\0\1\0\1" for n, name in enumerate(spellings)]
        for n, query in enumerate(queries):
            self.guest.send_ip(Udp(20000 + n, 53, query).emit(self.guest.ip, address(GATEWAY)))
        got = {}

        def collect(frame):
            ip = self.guest.ip_of(frame, 17)
            if ip and (udp := Udp.parse(ip)).source == 53:
                got[udp.destination] = udp.payload
            return len(got) == 2

        self.guest.wait_for(collect)
        for n, query in enumerate(queries):
            self.assertEqual(got[20000 + n][:2], query[:2])
            self.assertEqual(got[20000 + n][12 : 12 + len(spellings[n])], spellings[n])
        again = self.raw(b"\0\x63" + queries[1][2:])  # from the cache
        self.assertEqual(again[12 : 12 + len(spellings[1])], spellings[1])

    def test_truncated_answer_keeps_its_records_and_is_whole_over_tcp(self):
        def answer(message, query, tcp):
            records = [a(message.name, bytes([10, 0, 0, n]), 0) for n in range(200 if tcp else 3)]
            return reply(query, *records, flags=0 if tcp else dns.TRUNCATED)

        guest = self.start(answer)
        cut = guest.dns("many.example.com")
        self.assertTrue(cut.flags & dns.TRUNCATED)
        self.assertEqual(len(cut.answers), 3)
        self.assertEqual(len(self.dig(self.tap(), "+short", "+tcp", "many.example.com").split()), 200)

    def test_sizes_of_edns_are_obeyed_and_no_frame_is_too_long(self):
        """A guest that has not shown that it takes more gets frames of 1514 bytes at most, whatever the size of the answer."""
        def answer(message, query, tcp):
            return reply(query, *texts(message.name, int(message.name[1:].split(".")[0])))

        guest = self.start(answer)
        for size in (600, 1300, 4000):
            for announced in (None, 0, 300, 512, 1232, 4096, 65535):
                with self.subTest(size=size, announced=announced):
                    opt = [] if announced is None else [dns.Record("", dns.OPT, b"", 0, announced)]
                    question = dns.Message(size, f"n{size}.example.com", dns.TXT, additional=opt)
                    self.guest.send_ip(Udp(21000 + size, 53, question.emit()).emit(guest.ip, address(GATEWAY)))
                    frames, pieces = [], {}

                    def whole(frame):
                        ip = Ipv4.parse(frame.payload) if frame.ethertype == 0x0800 else None
                        if not ip or ip.protocol != 17 or ip.source != address(GATEWAY):
                            return None
                        frames.append(frame)
                        pieces[(ip.fragment & 0x1FFF) * 8] = ip.payload, bool(ip.fragment & 0x2000)
                        at, data = 0, b""
                        while at in pieces:
                            data += pieces[at][0]
                            if not pieces[at][1]:
                                return data
                            at += len(pieces[at][0])
                        return None

                    data = self.guest.wait_for(whole)[8:]
                    self.assertLessEqual(max(len(frame.payload) for frame in frames), 1500)
                    limit = max(512, announced or 0)
                    self.assertLessEqual(len(data), limit)
                    is_long = len(answer(question, question.emit(), False)) > limit
                    self.assertEqual(bool(dns.Message.parse(data).flags & dns.TRUNCATED), is_long)

    def test_local_answers_obey_the_size_too(self):
        guest = self.start(options=[f"--name=big.example.com,TXT,{'x' * 200}{n}" for n in range(8)])
        for announced in (None, 600):
            opt = [] if announced is None else [dns.Record("", dns.OPT, b"", 0, announced)]
            answer = guest.dns("big.example.com", dns.TXT, additional=opt)
            self.assertTrue(answer.flags & dns.TRUNCATED)
            self.assertEqual(answer.answers, [])
        tap_guest = self.tap()
        for options in (("+bufsize=4096", "+ignore"), ("+tcp",)):
            self.assertEqual(len(self.dig(tap_guest, "+short", *options, "big.example.com", "TXT").splitlines()), 8)

    def test_options_of_edns_pass_both_ways_and_are_not_kept(self):
        counter = []

        def answer(message, query, tcp):
            counter.append(message.additional[0].data)
            options = b"\xfd\xe9\0\1" + bytes([len(counter)])
            return reply(query, a(message.name), additional=[dns.Record("", dns.OPT, options, 0, 1232)])

        guest = self.start(answer)
        for n, option in enumerate((b"\0\x0a\0\x08cookie01", b"\0\x08\0\x07\0\1\x18\0\xc0\0\2", b"\0\3\0\0", b"\xfd\xe9\0\1\xaa")):
            asked = [dns.Record("", dns.OPT, option, 0, 1232)]
            answered = guest.dns("www.example.com", additional=asked)
            self.assertEqual(counter[n], option)
            self.assertEqual(answered.additional[0].data[-1], n + 1)
        local = guest.dns("web", additional=[dns.Record("", dns.OPT, b"\0\x0a\0\x08cookie01", 0, 1232)])
        self.assertEqual(local.additional[0].data, b"")
        version1 = guest.dns("web", additional=[dns.Record("", dns.OPT, b"", 1 << 16, 1232)])
        self.assertEqual(version1.additional[0].ttl >> 24 << 4 | version1.rcode, 16)  # BADVERS

    def test_names_and_their_limits_are_those_of_rfc_1035(self):
        guest = self.start(options=("--host", "52:54:00:00:00:99,192.168.122.99,a"))
        head = struct.pack(">6H", 7, 0x100, 1, 0, 0, 0)
        dotted = self.raw(head + b"\3a.b\6lanlet\10internal\0\0\1\0\1")
        self.assertEqual(dotted[3] & 15, dns.NXDOMAIN)
        for label in (b"a b", b"a\0b", b"\xff", b"A\0"):
            name = bytes([len(label)]) + label + b"\6lanlet\10internal\0"
            self.assertEqual(self.raw(head + name + b"\0\1\0\1")[3] & 15, dns.NXDOMAIN)
        longest = (b"\77" + b"x" * 63) * 3 + b"\75" + b"y" * 61 + b"\0"
        self.assertEqual(self.raw(head + longest + b"\0\1\0\1")[3] & 15, dns.NOERROR)
        for bad in ((b"\77" + b"x" * 63) * 3 + b"\76" + b"y" * 62 + b"\0", b"\100" + b"x" * 64 + b"\0", b"\300\14", b"\1a"):
            self.assertEqual(self.raw(head + bad + b"\0\1\0\1")[3] & 15, dns.FORMERR)
        self.assertEqual(guest.dns("host.lanlet.internal.lanlet.internal").rcode, dns.NXDOMAIN)
        self.assertEqual(guest.dns("a.").answers[0].data, address("192.168.122.99"))
        self.assertFalse([name for name in self.servers[0].names() if name.endswith("lanlet.internal")])

    def test_unknown_types_pass_and_other_classes_and_opcodes_do_not(self):
        guest = self.start(lambda message, query, tcp: reply(query, dns.Record(message.name, message.type, b"\1\2\3")))
        for type_ in (64, 65, 99, 65400):
            self.assertEqual(guest.dns("www.example.com", type_).answers[0].data, b"\1\2\3")
        for opcode in (1, 2, 4, 5, 6):  # IQUERY, STATUS, NOTIFY, UPDATE, DSO
            self.assertEqual(guest.dns("example.com", 6, flags=opcode << 11).rcode, dns.NOTIMP)
        chaos = struct.pack(">6H", 7, 0x100, 1, 0, 0, 0) + dns.emit_name("version.bind") + b"\0\x10\0\3"
        self.assertEqual(self.raw(chaos)[3] & 15, dns.REFUSED)
        self.assertNotIn("version.bind", self.servers[0].names())

    def test_names_that_exist_have_no_nxdomain_for_other_types(self):
        guest = self.start(lambda message, query, tcp: reply(query, flags=dns.NXDOMAIN))
        types = (dns.AAAA, dns.SRV, 65, dns.TXT, dns.MX, dns.ANY, 48)
        for name in ("web.lanlet.internal", "web", "gateway.lanlet.internal", "gateway", "localhost"):
            for type_ in types:
                with self.subTest(name=name, type=type_):
                    self.assertEqual(guest.dns(name, type_).rcode, dns.NOERROR)
        self.assertEqual(guest.dns("_ssh._tcp.web.lanlet.internal", dns.SRV).rcode, dns.NXDOMAIN)


class ServerTest(Case):
    """Name servers that misbehave."""

    def ask_timed(self, name, type_=dns.A, **more):
        start = time.monotonic()
        answer = self.guest.dns(name, type_, timeout=UDP_TIMEOUT + 1, **more)
        return answer, time.monotonic() - start

    def test_slow_answers_are_delivered(self):
        self.start(lambda message, query, tcp: [(float(message.name.split(".")[0][1:]) / 10, reply(query, a(message.name)))])
        for delay in (30, 45):
            answer, seconds = self.ask_timed(f"n{delay}.example.com")
            self.assertEqual(answer.answers[0].data, ANSWER)
            self.assertLess(seconds, delay / 10 + 0.4)

    def test_malformed_answers_are_not_passed_on(self):
        def answer(message, query, tcp):
            good = reply(query, a(message.name))
            kind = message.name.split(".")[0]
            return {
                "record": good[:-3], "loop": good[:12] + b"\xc0\x0c" + good[-16:], "other": reply(query.replace(b"\5other", b"\5bther")),
                "query": query, "short": good[:11], "id": b"\0\0" + good[2:],
            }[kind]

        self.start(answer, knows_everything)
        for kind in ("record", "loop", "other", "query", "short", "id"):
            with self.subTest(kind=kind):
                answer, seconds = self.ask_timed(f"{kind}.example.com")
                self.assertLess(seconds, UDP_TIMEOUT)
                self.assertEqual(answer.answers[0].data, ANSWER)

    def test_one_guest_with_a_dead_server_does_not_hold_up_others(self):
        self.start(lambda message, query, tcp: None, knows_everything)
        other = self.enterContext(Host(self.lanlet.stream, mac(2), "192.168.122.250"))
        other.resolve(other.gateway)
        for n in range(5000):
            query = dns.Message(n, f"n{n}.example.com", dns.A).emit()
            self.guest.send_ip(Udp(10000 + n, 53, query).emit(self.guest.ip, address(GATEWAY)))
            if n % 1000 == 999:
                start = time.monotonic()
                answer = other.dns(f"other{n}.example.com")
                self.assertEqual(answer.answers[0].data, ANSWER)
                self.assertLess(time.monotonic() - start, 3)  # the silent server is asked first until it is known to be silent

    def test_servfail_for_one_type_does_not_affect_the_other(self):
        def answer(message, query, tcp):
            kind = message.name.split(".")[0]
            if message.type == dns.A:
                return reply(query, a(message.name))
            return None if kind == "silent" else reply(query, flags=dns.SERVFAIL if kind == "servfail" else dns.NXDOMAIN)

        self.start(answer)
        for kind, rcode in (("servfail", dns.SERVFAIL), ("nxdomain", dns.NXDOMAIN), ("silent", dns.SERVFAIL)):
            answer, seconds = self.ask_timed(f"{kind}.example.com", dns.AAAA)
            self.assertEqual(answer.rcode, rcode)
            self.assertLess(seconds, UDP_TIMEOUT)
            self.assertEqual(self.guest.dns(f"{kind}.example.com").answers[0].data, ANSWER)

    def test_next_server_is_asked_after_an_error(self):
        def refuses(message, query, tcp):
            return reply(query, flags=dns.REFUSED if message.name.startswith("refused") else dns.SERVFAIL)

        def knows_some(message, query, tcp):
            return reply(query, a(message.name)) if "known" in message.name else refuses(message, query, tcp)

        self.start(refuses, knows_some)
        for name, rcode in (("refused.known", 0), ("servfail.known", 0), ("refused.x", dns.REFUSED), ("servfail.x", dns.SERVFAIL)):
            self.assertEqual(self.guest.dns(f"{name}.example.com").rcode, rcode)

    def test_names_of_mdns_are_answered_in_two_seconds(self):
        self.start(lambda message, query, tcp: None)
        answer, seconds = self.ask_timed("printer.local")
        self.assertEqual(answer.rcode, dns.SERVFAIL)
        self.assertLess(seconds, 2)

    def test_sockets_of_many_source_ports_are_closed_again(self):
        far = self.enterContext(outside.Outside())
        self.assertTrue(far)
        self.start()

        def sockets():
            return len(os.listdir(f"/proc/{self.lanlet.pid}/fd"))

        before = sockets()
        for n in range(20000):
            query = dns.Message(n, "www.example.test", dns.A).emit()
            self.guest.send_ip(Udp(10000 + n, 53, query).emit(self.guest.ip, address(outside.ROUTER)))
        self.assertGreater(sockets(), before)
        deadline = time.monotonic() + 40
        while sockets() > before + 20 and time.monotonic() < deadline:
            self.guest.listen(0.5)
        self.assertLessEqual(sockets(), before + 20)
        self.assertEqual(self.guest.dns("www.example.com").answers[0].data, ANSWER)


class TcpTest(Case):
    def talk(self, guest, program, *arguments):
        return guest.python(
            "import socket, struct, sys, time\n"
            "s = socket.create_connection(('192.168.122.1', 53), 5)\ns.settimeout(8)\n"
            "def get():\n"
            "    h = b''\n"
            "    while len(h) < 2: h += s.recv(2 - len(h))\n"
            "    n, d = struct.unpack('>H', h)[0], b''\n"
            "    while len(d) < n: d += s.recv(n - len(d))\n"
            "    return d\n"
            "def query(name, i, t=1):\n"
            "    labels = b''.join(bytes([len(l)]) + l.encode() for l in name.split('.'))\n"
            "    m = struct.pack('>6H', i, 0x100, 1, 0, 0, 0) + labels + b'\\0' + struct.pack('>HH', t, 1)\n"
            "    return struct.pack('>H', len(m)) + m\n" + program, *arguments)

    def test_queries_on_one_connection_are_all_answered(self):
        self.start()
        guest = self.tap()
        out = self.talk(guest, (
            "s.sendall(query('n0.example.com', 0) + query('n1.example.com', 1))\n"
            "print(sorted(get()[1] for _ in range(2)))\n"
            "s.sendall(b''.join(query('m%d.example.com' % i, i) for i in range(50)))\n"
            "print(sorted(get()[1] for _ in range(50)))\n"
            "for b in query('slow.example.com', 9): s.sendall(bytes([b])); time.sleep(.01)\n"
            "print(get()[1])\n"
            "s.settimeout(30)\n"
            "print(s.recv(1))\n"))  # an idle connection is closed with FIN
        self.assertEqual(out.splitlines(), ["[0, 1]", str(list(range(50))), "9", "b''"])

    def test_largest_messages_pass_over_tcp(self):
        def answer(message, query, tcp):
            size = int(message.name[1:].split(".")[0])
            whole = reply(query, *texts(message.name, size - 400))
            self.assertLessEqual(len(whole), size)
            return whole.ljust(size, b"\0") if tcp else reply(query, flags=dns.TRUNCATED)

        self.start(answer)
        guest = self.tap()
        for size in (4000, 16000, 65535):
            self.assertEqual(self.talk(guest, f"s.sendall(query('n{size}.example.com', 1, 16))\nprint(len(get()))\n").strip(), str(size))

    def test_answers_with_many_records_pass_over_tcp(self):
        def answer(message, query, tcp):
            records = [a(message.name, bytes([10, 0, n >> 8, n & 255])) for n in range(300)]
            return reply(query, *records) if tcp else reply(query, flags=dns.TRUNCATED)

        self.start(answer)
        self.assertEqual(len(set(self.dig(self.tap(), "+short", "many.example.com").split())), 300)

    def test_connection_stays_usable_when_a_server_ends_its_own(self):
        def answer(message, query, tcp):
            kind = message.name.split(".")[0]
            if not tcp or kind == "good":
                return knows_everything(message, query, tcp)
            return {"close": CLOSE, "reset": RESET, "half": reply(query, a(message.name))[:20]}[kind]

        self.start(answer)
        guest = self.tap()
        out = self.talk(guest, (
            "for kind in ('close', 'good', 'reset', 'good', 'half', 'good'):\n"
            "    s.sendall(query(kind + '.example.com', 1)); print(get()[3] & 15)\n"))
        self.assertEqual(out.split(), ["2", "0", "2", "0", "2", "0"])


class LibraryTest(Case):
    def test_resolver_of_libc_finds_names_with_search_lists(self):
        self.start(lambda message, query, tcp: reply(query, a(message.name)) if message.name == "host.example" and message.type == dns.A
                   else reply(query, flags=dns.NXDOMAIN))
        guest = self.tap()
        guest.resolv_conf.write_text(f"nameserver {GATEWAY}\nsearch lanlet.internal a b c d e.example\noptions ndots:5\n")
        for name, expected in (("web", text(self.guest.ip)), ("host.example", "192.0.2.9"), ("host.example.", "192.0.2.9")):
            self.assertIn(expected, guest.check("getent", "ahostsv4", name))
        self.assertFalse([name for name in self.servers[0].names() if name.endswith("lanlet.internal")])


class CacheTest(Case):
    def test_names_are_asked_outside_once(self):
        self.start()
        for _ in range(5):
            self.assertEqual(self.guest.dns("www.example.com").answers[0].data, ANSWER)
        self.assertEqual(self.servers[0].names(), ["www.example.com"])

    def test_expired_names_are_answered_while_the_server_is_down(self):
        down = []
        self.start(lambda message, query, tcp: None if down else reply(query, a(message.name, ttl=1)))
        self.guest.dns("www.example.com")
        down.append(True)
        self.guest.listen(1.2)
        start = time.monotonic()
        self.assertEqual(self.guest.dns("www.example.com").answers[0].ttl, 30)
        self.assertLess(time.monotonic() - start, 3)

    def test_addresses_of_the_network_do_not_come_from_outside(self):
        near = ("127.0.0.1", "169.254.169.254", "192.168.122.40")
        self.start(lambda message, query, tcp: reply(query, a(message.name, address(near[int(message.name[1])]))),
                   options=("--rebind-domain-ok", "trusted.example"))
        for n, ip in enumerate(near):
            self.assertEqual(self.guest.dns(f"n{n}.evil.example").answers, [])
            self.assertEqual(text(self.guest.dns(f"n{n}.trusted.example").answers[0].data), ip)
        self.assertRegex(self.lanlet.text(), "an answer from outside for n0.evil.example has the address 127.0.0.1")

    def test_names_of_a_domain_are_asked_of_its_servers(self):
        corp = self.upstream(lambda message, query, tcp: reply(query, a(message.name, b"\12\1\2\3")), "127.0.0.9")
        self.start(options=("--dns", f"example.corp={corp.address}"))
        self.assertEqual(self.guest.dns("www.example.corp").answers[0].data, b"\12\1\2\3")
        self.assertEqual(self.guest.dns("www.example.com").answers[0].data, ANSWER)
        self.assertEqual((corp.names(), self.servers[0].names()), (["www.example.corp"], ["www.example.com"]))
