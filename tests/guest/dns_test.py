# SPDX-License-Identifier: GPL-2.0-or-later
"""DNS at the gateway, asked by dig and dnsperf; the host's resolvers are servers of the tests' own."""

import functools
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from lan import dns, outside, servers, tap
from lan.client import Host
from lan.packet import mac, text
from lan.process import Lanlet
from lan.programs import check, need

GATEWAY = "192.168.122.1"


def setUpModule():
    tap.need_tap()
    need("dig", "dnsperf")


def flags(answer):
    return re.search(r";; flags: ([a-z ]*);", answer)[1].split()


def status(answer):
    return re.search(r"status: ([A-Z]+)", answer)[1]


def write_resolv_conf(text):
    """Replaces the file with a new one, as resolvconf does."""
    new = Path("/etc/resolv.conf.new")
    new.write_text(text)
    new.rename("/etc/resolv.conf")


@functools.cache
def serve_stub():
    servers.serve_dns("127.0.0.53")


def own_etc():
    """A copy of /etc over /etc, in this mount namespace only."""
    copy = tempfile.mkdtemp(prefix="lanlet-etc-")
    subprocess.run(["cp", "-r", "--dereference", "/etc/.", copy], stderr=subprocess.DEVNULL)  # but for what only root reads
    check("mount", "--bind", copy, "/etc")


class DigTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.outside = cls.enterClassContext(outside.Outside())
        cls.lanlet = cls.enterClassContext(Lanlet("--dns", outside.ROUTER, "--host", "52:54:00:aa:00:01,192.168.122.40,reserved"))
        cls.web = cls.enterClassContext(Host(cls.lanlet.stream, mac(1)))
        cls.web.lease(host_name=b"web")
        cls.guest = cls.enterClassContext(tap.TapGuest(cls.lanlet.stream, "52:54:00:00:00:02"))
        cls.guest.set_address("192.168.122.250")

    def dig(self, *arguments):
        return self.guest.check("dig", "+time=5", "+tries=1", f"@{GATEWAY}", *arguments)

    def test_every_type_passes_unchanged(self):
        direct = ["dig", "+noall", "+answer", f"@{outside.ROUTER}"]
        for number in servers.WWW:
            for transport in ("+notcp", "+tcp"):
                with self.subTest(type=number, transport=transport):
                    question = [f"TYPE{number}", "www.example.test", transport]
                    expected = check(*direct, *question)
                    self.assertTrue(expected.strip())
                    self.assertEqual(self.dig("+noall", "+answer", *question), expected)

    def test_codes_of_the_upstream_server_pass(self):
        self.assertEqual(status(self.dig("missing.example.test")), "NXDOMAIN")
        self.assertEqual(status(self.dig("refused.example.test")), "REFUSED")

    def test_edns_and_do_reach_the_upstream_server(self):
        self.assertRegex(self.dig("+dnssec", "www.example.test"), r"EDNS: version: 0, flags: do; udp: \d+")
        self.assertNotIn("EDNS", self.dig("+noedns", "www.example.test"))

    def test_case_of_a_name_is_kept(self):
        self.assertIn("WwW.eXample.TEST.", self.dig("+noall", "+answer", "WwW.eXample.TEST"))

    def test_long_answer_is_truncated_then_comes_over_tcp(self):
        self.assertIn("tc", flags(self.dig("+ignore", "+noedns", "big.example.test", "TXT")))
        self.assertEqual(self.dig("+short", "big.example.test", "TXT").count('"A'), 1)
        self.assertEqual(len(self.dig("+short", "big.example.test", "TXT").splitlines()), 20)
        self.assertEqual(len(self.dig("+short", "+notcp", "+ignore", "+bufsize=8000", "big.example.test", "TXT").splitlines()), 20)

    def test_many_questions_pass_on_one_tcp_connection(self):
        out = self.dig("+tcp", "+keepopen", "+short", "www.example.test", "web.lanlet.internal", "alias.example.test")
        self.assertEqual(out.split(), [outside.FAR, text(self.web.ip), "www.example.test.", outside.FAR])

    def test_name_of_a_guest_is_its_address(self):
        for name in ("web", "web.lanlet.internal", "WEB.Lanlet.Internal"):
            for transport in ("+notcp", "+tcp"):
                with self.subTest(name=name, transport=transport):
                    answer = self.dig(transport, f"{name}.")
                    self.assertIn("aa", flags(answer))
                    self.assertRegex(answer, rf"(?i)\n{name}\.\s+\d+\s+IN\s+A\s+{text(self.web.ip)}\n")

    def test_reserved_guest_has_its_name_before_its_lease(self):
        self.assertEqual(self.dig("+short", "reserved.lanlet.internal").strip(), "192.168.122.40")
        self.assertEqual(self.dig("+short", "-x", "192.168.122.40").strip(), "reserved.lanlet.internal.")

    def test_address_of_a_guest_is_its_name(self):
        self.assertEqual(self.dig("+short", "-x", text(self.web.ip)).strip(), "web.lanlet.internal.")

    def test_name_of_the_gateway_and_back(self):
        name = self.dig("+short", "-x", GATEWAY).strip()
        self.assertTrue(name.endswith(".lanlet.internal."), name)
        self.assertEqual(self.dig("+short", name).strip(), GATEWAY)

    def test_other_types_of_a_guests_name_are_nodata(self):
        for record in ("AAAA", "MX", "TXT", "SRV"):
            with self.subTest(record=record):
                answer = self.dig("web.lanlet.internal", record)
                self.assertEqual(status(answer), "NOERROR")
                self.assertIn("ANSWER: 0", answer)

    def test_unknown_local_names_do_not_exist_and_are_not_asked_outside(self):
        for name in ("nobody.lanlet.internal", "a.b.web.lanlet.internal"):
            answer = self.dig(name)
            self.assertEqual(status(answer), "NXDOMAIN")
            self.assertIn("aa", flags(answer))
        self.assertEqual(status(self.dig("-x", "192.168.122.99")), "NXDOMAIN")

    def test_dnsperf_loses_nothing(self):
        with tempfile.NamedTemporaryFile("w", suffix=".queries") as queries:
            for question in ("www.example.test A", "www.example.test AAAA", "www.example.test TXT", "missing.example.test A", "web A"):
                queries.write(question + "\n")
            queries.flush()
            for mode in ("udp", "tcp"):
                with self.subTest(mode=mode):
                    out = self.guest.check("dnsperf", "-s", GATEWAY, "-m", mode, "-d", queries.name, "-n", 400, "-c", 5, "-q", 50, "-t", 5)
                    self.assertRegex(out, r"Queries sent:\s+2000\n")
                    self.assertRegex(out, r"Queries completed:\s+2000 \(100.00%\)")
                    self.assertRegex(out, r"Response codes:\s+NOERROR 1600 \(80.00%\), NXDOMAIN 400")


class FloodTest(unittest.TestCase):
    def test_guest_with_many_questions_that_are_never_answered_does_not_stop_others(self):
        self.enterContext(outside.Outside())
        lanlet = self.enterContext(Lanlet("--dns", outside.ROUTER))
        flooder = self.enterContext(tap.TapGuest(lanlet.stream, "52:54:00:00:00:02"))
        flooder.set_address("192.168.122.250")
        other = self.enterContext(Host(lanlet.stream, mac(1)))
        other.lease(host_name=b"web")
        question = dns.Message(1, "silent.example.test", dns.A).emit()
        program = (
            "import socket, sys\n"
            "for port in range(20000, 23000):\n"
            "    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
            "    s.bind(('', port))\n"
            "    s.sendto(bytes.fromhex(sys.argv[1]), ('192.168.122.1', 53))\n"
            "    s.close()\n"
        )
        flooder.python(program, question.hex())
        own = flooder.check("dig", "+short", "+time=5", "+tries=4", f"@{GATEWAY}", "web.lanlet.internal")
        self.assertEqual(own.strip(), text(other.ip))
        self.assertEqual(text(other.dns("www.example.test").answers[0].data), outside.FAR)


class ResolverTest(unittest.TestCase):
    """Which servers are asked, and changes of them."""

    @classmethod
    def setUpClass(cls):
        cls.outside = cls.enterClassContext(outside.Outside())
        own_etc()

    def answer(self, host, name="www.example.test", **more):
        found = host.dns(name, **more)
        return text(found.answers[0].data) if found.answers else found.rcode

    def host(self, *options):
        lanlet = self.enterContext(Lanlet(*options))
        return self.enterContext(Host(lanlet.stream, mac(1), "192.168.122.250"))

    def wait_for_answer(self, host, expected):
        for _ in range(40):
            if (found := self.answer(host)) == expected:
                return
            host.listen(0.25)
        self.assertEqual(found, expected)

    def test_first_server_that_answers_is_asked(self):
        self.assertEqual(self.answer(self.host("--dns", "198.51.100.77", "--dns", outside.ROUTER), timeout=20), outside.FAR)
        self.assertEqual(self.answer(self.host("--dns", "127.0.0.99", "--dns", outside.ROUTER), timeout=20), outside.FAR)

    def test_no_server_means_servfail(self):
        write_resolv_conf("")
        self.assertEqual(self.answer(self.host()), dns.SERVFAIL)

    def test_missing_resolv_conf_is_followed_when_it_appears(self):
        Path("/etc/resolv.conf").unlink()
        host = self.host()
        self.assertEqual(self.answer(host), dns.SERVFAIL)
        write_resolv_conf(f"nameserver {outside.ROUTER}\n")
        self.wait_for_answer(host, outside.FAR)

    def test_resolv_conf_is_followed_as_it_changes(self):
        write_resolv_conf(f"nameserver {outside.ROUTER}\n")
        host = self.host()
        self.assertEqual(self.answer(host), outside.FAR)
        write_resolv_conf("# nothing\n")
        self.wait_for_answer(host, dns.SERVFAIL)
        Path("/etc/resolv.conf").write_text(f"search example.test\nnameserver {outside.ROUTER}\noptions edns0\n")
        self.wait_for_answer(host, outside.FAR)

    def test_resolver_on_127_0_0_53_works(self):
        serve_stub()
        write_resolv_conf("nameserver 127.0.0.53\n")
        self.assertEqual(self.answer(self.host()), outside.FAR)


class HostNamesTest(unittest.TestCase):
    """Guests resolve names as the host does."""

    @classmethod
    def setUpClass(cls):
        cls.outside = cls.enterClassContext(outside.Outside())
        own_etc()
        write_resolv_conf(f"nameserver {outside.ROUTER}\nsearch office.example lab.example\n")

    def start(self, *options):
        lanlet = self.enterContext(Lanlet(*options))
        guest = self.enterContext(Host(lanlet.stream, mac(1)))
        self.ack = guest.lease(host_name=b"web", parameter_list=bytes([1, 3, 6, 119]))
        return guest

    def wait_for(self, guest, name, expected, type_=dns.A):
        for _ in range(40):
            found = guest.dns(name, type_)
            got = text(found.answers[0].data) if found.answers else found.rcode
            if got == expected:
                return
            guest.listen(0.25)
        self.assertEqual(got, expected)

    def test_hosts_file_is_served_and_followed(self):
        hosts = Path("/etc/hosts")
        hosts.write_text("127.0.0.1 localhost\n10.9.8.7 printer.example printer\n")
        guest = self.start()
        self.assertEqual(text(guest.dns("printer.example").answers[0].data), "10.9.8.7")
        self.assertEqual(text(guest.dns("PRINTER").answers[0].data), "10.9.8.7")
        self.assertEqual(guest.dns("printer.example", dns.AAAA).rcode, dns.NOERROR)
        self.assertEqual(guest.dns("7.8.9.10.in-addr.arpa", dns.PTR).answers[0].data, dns.emit_name("printer.example"))
        new = Path("/etc/hosts.new")
        new.write_text("10.9.8.8 printer.example\n10.9.8.9 web\n")
        new.rename(hosts)
        self.wait_for(guest, "printer.example", "10.9.8.8")
        self.wait_for(guest, "web", text(guest.ip))

    def test_stub_of_resolved_is_asked_before_the_servers_that_it_lists(self):
        check("mount", "-t", "tmpfs", "tmpfs", "/run")
        Path("/run/systemd/resolve").mkdir(parents=True)
        Path("/run/systemd/resolve/resolv.conf").write_text("nameserver 198.51.100.77\n")  # silent
        serve_stub()
        link = Path("/etc/resolv.conf.new")
        link.symlink_to("/run/systemd/resolve/resolv.conf")
        link.rename("/etc/resolv.conf")
        self.addCleanup(write_resolv_conf, f"nameserver {outside.ROUTER}\nsearch office.example lab.example\n")
        self.assertEqual(text(self.start().dns("www.example.test", timeout=1).answers[0].data), outside.FAR)

    def test_single_labels_are_asked_outside(self):
        guest = self.start()
        self.assertEqual(guest.dns("nas").rcode, dns.NXDOMAIN)  # of the server outside, which has no such name
        self.assertEqual(text(guest.dns("www.example.test").answers[0].data), outside.FAR)

    def test_search_list_follows_the_guests_domain(self):
        self.start()
        self.assertEqual(self.ack.options[119], b"".join(map(dns.emit_name, ("lanlet.internal", "office.example", "lab.example"))))

    def test_domain_may_be_shared_with_outside(self):
        guest = self.start("--domain", "example.test", "--local-only=false")
        self.assertEqual(text(guest.dns("www.example.test").answers[0].data), outside.FAR)
        self.assertEqual(text(guest.dns("web.example.test").answers[0].data), text(guest.ip))
        own = self.start("--domain", "example.test")
        self.assertEqual(own.dns("www.example.test").rcode, dns.NXDOMAIN)

    def test_isolated_network_has_no_default_route_and_asks_no_name_outside(self):
        guest = self.start("--engine", "null")
        self.assertNotIn(3, self.ack.options)
        self.assertEqual(guest.dns("www.example.test").rcode, dns.REFUSED)
        self.assertEqual(text(guest.dns("web").answers[0].data), text(guest.ip))


class NestedTest(unittest.TestCase):
    """The host is itself a guest of an outer 192.168.122.0/24 whose resolver is 192.168.122.1."""

    def test_outer_resolver_with_the_gateways_own_address_is_an_upstream(self):
        own_etc()
        self.enterContext(outside.Outside("192.168.122.77", "192.168.122.1"))
        write_resolv_conf("nameserver 192.168.122.1\n")
        lanlet = self.enterContext(Lanlet())
        guest = self.enterContext(Host(lanlet.stream, mac(1)))
        guest.lease(host_name=b"inner")
        for type_ in (dns.A, dns.TXT):
            self.assertEqual(guest.dns("www.example.test", type_).answers[0].data, servers.WWW[type_])
        self.assertEqual(guest.dns("inner.lanlet.internal").answers[0].data, guest.ip)
        guest.ping(outside.FAR)
        self.assertRegex(lanlet.text(), "warning: subnet: this machine has 192.168.122.77/24 on uplink, the same network as the guests")
