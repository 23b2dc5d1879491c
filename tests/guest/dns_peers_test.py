# SPDX-License-Identifier: GPL-2.0-or-later
"""The gateway's DNS beside other programs: dnsmasq as libvirt configures it, as a server outside, and validators of DNSSEC in a guest."""

import base64
import calendar
import os
import re
import socket
import struct
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from lan import dns, outside, tap
from lan.client import Host
from lan.packet import address, mac, text
from lan.process import Lanlet
from lan.programs import Program, check, need, needs
from lan.upstream import Upstream, reply
from lan.wait import wait_until

GATEWAY = "192.168.122.1"
DNSMASQ = "127.0.0.40"
KNOWN = {
    ("www.example.com", dns.A): [address("192.0.2.9")],
    ("www.example.com", dns.AAAA): [bytes.fromhex("20010db8" + 11 * "00" + "09")],
    ("example.com", dns.MX): [b"\0\x0a" + dns.emit_name("mail.example.com")],
    ("nas", dns.A): [address("10.0.0.5")],
}


def setUpModule():
    tap.need_tap()
    need("dig")
    check("ip", "link", "set", "lo", "up")


def knows(message, query, tcp):
    found = KNOWN.get((message.name.lower(), message.type))
    exists = any(name == message.name.lower() for name, _ in KNOWN)
    records = [dns.Record(message.name, message.type, data, 60) for data in found or []]
    return reply(query, *records, flags=0 if exists else dns.NXDOMAIN)


class Dnsmasq:
    """dnsmasq with the options that libvirt gives it for a network with NAT, whose domain is lanlet.internal."""

    def __init__(self, upstream, *more):
        self.directory = tempfile.TemporaryDirectory(prefix="lanlet-dnsmasq-")
        hosts = Path(self.directory.name, "addnhosts")
        hosts.write_text("192.168.122.50 web\n192.168.122.51 db\n")
        conf = Path(self.directory.name, "conf")
        conf.write_text("\n".join([
            "strict-order", "no-hosts", f"pid-file={self.directory.name}/pid", "bind-interfaces", f"listen-address={DNSMASQ}", "no-resolv",
            f"server={upstream.replace(':', '#')}", "local=/lanlet.internal/", "domain=lanlet.internal", "expand-hosts",
            f"addn-hosts={hosts}", "bogus-priv", "user=", "group=", *more]) + "\n")
        self.process = Program(["dnsmasq", "--keep-in-foreground", f"--conf-file={conf}"], stderr=subprocess.PIPE, text=True)
        question = ["dig", "+time=1", "+tries=1", f"@{DNSMASQ}", "web"]
        wait_until(lambda: subprocess.run(question, capture_output=True).returncode == 0, "dnsmasq")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.end()
        self.process.stderr.close()
        self.directory.cleanup()


def summary(output):
    """Code and answers of dig's output, without what may differ: TTLs, ids, flags."""
    section = output.partition("ANSWER SECTION:")[2].partition(";;")[0]
    answers = re.findall(r"(?m)^(\S+)\s+\d+\s+IN\s+(\S+)\s+(.*)$", section)
    return re.search(r"status: (\w+)", output)[1], sorted((name.lower(), kind, data.lower()) for name, kind, data in answers)


@needs("dnsmasq")
class DnsmasqTest(unittest.TestCase):
    def setUp(self):
        self.upstream = self.enterContext(Upstream(knows, port=0))

    def start(self, *options):
        self.lanlet = self.enterContext(Lanlet(*options, "--name", "web,192.168.122.50", "--name", "db,192.168.122.51"))
        self.guest = self.enterContext(tap.TapGuest(self.lanlet.stream, mac_text(7)))
        self.guest.set_address("192.168.122.207")

    def test_answers_are_those_of_dnsmasq_under_libvirt(self):
        self.start("--dns", self.upstream.address)
        self.enterContext(Dnsmasq(self.upstream.address))
        questions = [
            "web", "web.lanlet.internal", "WEB.lanlet.internal", "db", "nobody.lanlet.internal", "a.web.lanlet.internal", "nas", "nosuch",
            "www.example.com", "www.example.com AAAA", "www.example.com TXT", "example.com MX", "missing.example.com", "web AAAA", "web MX",
            "web.lanlet.internal AAAA", "web.lanlet.internal MX", "web.lanlet.internal ANY", "localhost", "-x 192.168.122.50",
            "-x 192.168.122.51", "-x 192.168.122.99", "-x 10.9.9.9", "nobody.lanlet.internal TXT", "web TXT", "com DS", "com NS",
        ]
        # What lanlet does otherwise, and why.
        different = {
            "localhost",  # RFC 6761 §6.3; dnsmasq has it from /etc/hosts
            "-x 10.9.9.9",  # asked outside, where the host asks; bogus-priv of dnsmasq says that there is none
        }
        for question in questions:
            with self.subTest(question=question):
                words = ["dig", "+time=5", "+tries=1", *question.split()]
                own = summary(self.guest.check(*words, f"@{GATEWAY}"))
                other = summary(check(*words, f"@{DNSMASQ}"))
                if question not in different:
                    self.assertEqual(own, other)

    def test_dnsmasq_outside_is_asked(self):
        self.enterContext(Dnsmasq(self.upstream.address))
        self.start("--dns", DNSMASQ)
        for question, expected in (("www.example.com", "192.0.2.9"), ("nas", "10.0.0.5"), ("missing.example.com", "")):
            for transport in ("+notcp", "+tcp"):
                self.assertEqual(self.guest.check("dig", "+short", transport, f"@{GATEWAY}", question).strip(), expected)


def mac_text(n):
    return f"52:54:00:00:00:{n:02}"


def program(package, *paths):
    """A program of a package that is installed, or that contrib/test has unpacked (contrib/common.sh, fetch_programs); None."""
    unpacked = Path(os.environ.get("LANLET_GUEST", "build-guest"), "programs", package)
    for path in [Path(root, path) for root in ("/", unpacked) for path in paths]:
        if os.access(path, os.X_OK) and "not found" not in subprocess.run(["ldd", path], capture_output=True, text=True).stdout:
            return str(path)
    return None


RESOLVED = program("systemd-resolved", "usr/lib/systemd/systemd-resolved", "lib/systemd/systemd-resolved")
UNBOUND = program("unbound", "usr/sbin/unbound")


class Resolved:
    """systemd-resolved in this namespace, which asks two servers: one for the names of a link's domain, one for all others."""

    OTHERS, OF_LINK = "127.0.0.45", "127.0.0.46"
    DOMAIN = "example.corp"

    def __enter__(self):
        check("mount", "-t", "tmpfs", "tmpfs", "/run")
        self.write("systemd/resolved.conf.d/test.conf", f"[Resolve]\nDNS={self.OTHERS}\nFallbackDNS=\nDNSSEC=no\nLLMNR=no\n"
                   "MulticastDNS=no\nResolveUnicastSingleLabel=yes\n")
        # As systemd-networkd tells it.
        self.write(f"systemd/netif/links/{socket.if_nametoindex('uplink')}",
                   "ADMIN_STATE=configured\nOPER_STATE=routable\nLLMNR=no\nMDNS=no\n"
                   f"DNS={self.OF_LINK}\nROUTE_DOMAINS={self.DOMAIN}\n")
        self.write("systemd/resolve/empty", "")
        self.process = Program([RESOLVED], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        wait_until(lambda: b"192.0.2.9" in subprocess.run(["dig", "+time=1", "+tries=1", "@127.0.0.53", "www.example.com"],
                                                          capture_output=True).stdout, "systemd-resolved")
        check("mount", "--bind", self.write("resolv.conf", "nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch .\n"),
              "/etc/resolv.conf")
        return self

    @staticmethod
    def write(name, text):
        path = Path("/run", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def __exit__(self, *_):
        self.process.end()
        self.process.stderr.close()
        for path in ("/etc/resolv.conf", "/run"):
            check("umount", path)


@unittest.skipUnless(RESOLVED, "systemd-resolved is not here")
class ResolvedTest(unittest.TestCase):
    def test_split_of_systemd_resolved_is_that_of_guests(self):
        """resolv.conf has 127.0.0.53: what resolved knows, by whatever server, guests know."""
        def knows_office(message, query, tcp):
            return reply(query, dns.Record(message.name, dns.A, address("10.0.0.7"), 60))

        self.enterContext(outside.Outside())  # resolved asks nobody while the machine has no network
        others = self.enterContext(Upstream(knows, Resolved.OTHERS, 53))
        office = self.enterContext(Upstream(knows_office, Resolved.OF_LINK, 53))
        self.enterContext(Resolved())
        lanlet = self.enterContext(Lanlet())
        guest = self.enterContext(Host(lanlet.stream, mac(1)))
        guest.lease(host_name=b"web")
        for name, expected in (("www.example.com", "192.0.2.9"), ("nas", "10.0.0.5"), ("git.example.corp", "10.0.0.7")):
            self.assertEqual(text(guest.dns(name).answers[0].data), expected)
        self.assertEqual(guest.dns("missing.example.com").rcode, dns.NXDOMAIN)
        self.assertIn("git.example.corp", office.names())
        self.assertNotIn("www.example.com", office.names())
        self.assertNotIn("git.example.corp", others.names())


# --- DNSSEC ---


class SignedZone:
    """A signed root zone with com and example.com in it, from dnssec-signzone, served in wire format."""

    TYPES = {"A": 1, "NS": 2, "SOA": 6, "DS": 43, "RRSIG": 46, "NSEC": 47, "DNSKEY": 48}

    def __init__(self, directory):
        self.directory = Path(directory)
        zone = self.directory / "zone"
        zone.write_text(
            "$TTL 300\n. IN SOA ns. admin. 1 3600 600 86400 60\n. IN NS ns.\nns. IN A 127.0.0.46\n"
            "www.example.com. IN A 192.0.2.9\n")
        keygen = ["dnssec-keygen", "-q", "-K", directory, "-a", "ECDSAP256SHA256"]
        keys = [check(*keygen, *flags, ".").strip() for flags in ((), ("-f", "KSK"))]
        check("dnssec-signzone", "-S", "-K", directory, "-d", directory, "-o", ".", "-O", "full",
              "-f", self.directory / "signed", zone)
        self.anchor = next(line for line in (self.directory / f"{keys[1]}.key").read_text().splitlines() if not line.startswith(";"))
        self.records = {}
        for line in (self.directory / "signed").read_text().splitlines():
            words = line.split()
            if len(words) > 4 and words[2] == "IN" and words[3] in self.TYPES:
                self.add(words[0].rstrip("."), int(words[1]), words[3], words[4:])

    def add(self, name, ttl, kind, words):
        data = getattr(self, "data_" + kind.lower())(words)
        covered = self.TYPES.get(words[0], 0) if kind == "RRSIG" else 0
        self.records.setdefault((name.lower(), self.TYPES[kind], covered), []).append(dns.Record(name, self.TYPES[kind], data, ttl))

    @staticmethod
    def data_a(words):
        return address(words[0])

    @staticmethod
    def data_ns(words):
        return dns.emit_name(words[0])

    @staticmethod
    def data_soa(words):
        return dns.emit_name(words[0]) + dns.emit_name(words[1]) + struct.pack(">5I", *map(int, words[2:7]))

    @staticmethod
    def data_dnskey(words):
        return struct.pack(">HBB", *map(int, words[:3])) + base64.b64decode("".join(words[3:]))

    def data_rrsig(self, words):
        times = [self.seconds(word) for word in words[4:6]]
        return (struct.pack(">HBBIIIH", self.TYPES[words[0]], int(words[1]), int(words[2]), int(words[3]), *times, int(words[6])) +
                dns.emit_name(words[7]) + base64.b64decode("".join(words[8:])))

    @staticmethod
    def seconds(stamp):
        return calendar.timegm(time.strptime(stamp, "%Y%m%d%H%M%S"))

    def data_nsec(self, words):
        bits = bytearray(7)
        for kind in words[1:]:
            bits[self.TYPES[kind] // 8] |= 0x80 >> self.TYPES[kind] % 8
        bits = bits.rstrip(b"\0")  # RFC 4034 §4.1.2
        return dns.emit_name(words[0]) + b"\0" + bytes([len(bits)]) + bytes(bits)

    def find(self, name, type_):
        signatures = self.records.get((name, 46, type_), [])
        return self.records.get((name, type_, 0), []), signatures

    def answer(self, message, query, tcp):
        name = message.name.lower()
        wants = any(record.type == dns.OPT and record.ttl & 0x8000 for record in message.additional)
        records, signatures = self.find(name, message.type)
        data = reply(query, *records, *(signatures if wants else ()))
        if records:
            return data
        proofs = [found for (_, kind, covered), found in self.records.items() if {kind, covered} & {6, 47}]
        negative = [record for found in proofs for record in found]
        exists = any(key[0] == name or key[0].endswith("." + name) for key in self.records) or not name
        data = reply(query, flags=0 if exists else dns.NXDOMAIN, additional=[])
        authority = b"".join(record.emit() for record in (negative if wants else []))
        opt = dns.Record("", dns.OPT, b"", 0x8000 if wants else 0, 4096).emit()
        return data[:8] + struct.pack(">HH", len(negative) if wants else 0, 1) + data[12:] + authority + opt


@needs("delv", "dnssec-signzone", "dnssec-keygen")
class DnssecTest(unittest.TestCase):
    def setUp(self):
        directory = self.enterContext(tempfile.TemporaryDirectory(prefix="lanlet-dnssec-"))
        os.chmod(directory, 0o755)
        self.zone = SignedZone(directory)
        self.upstream = self.enterContext(Upstream(self.zone.answer, port=0))
        self.lanlet = self.enterContext(Lanlet("--dns", self.upstream.address))
        self.guest = self.enterContext(tap.TapGuest(self.lanlet.stream, mac_text(7)))
        self.guest.set_address("192.168.122.207")
        self.directory = Path(directory)

    def delv(self, name, kind="A"):
        anchor = self.zone.anchor.split()
        key = f'trust-anchors {{ . static-key {anchor[3]} {anchor[4]} {anchor[5]} "{"".join(anchor[6:])}"; }};\n'
        path = self.directory / "anchor"
        path.write_text(key)
        return self.guest.run("delv", f"@{GATEWAY}", "-a", path, "+root=.", name, kind).stdout

    def test_delv_validates_through_the_gateway(self):
        for _ in range(2):  # the second time from the cache
            self.assertIn("; fully validated", self.delv("www.example.com"))

    def test_guest_that_is_called_like_a_domain_does_not_break_validation(self):
        com = self.enterContext(Host(self.lanlet.stream, mac(1)))
        com.lease(host_name=b"com")
        self.assertEqual(self.guest.check("dig", "+short", f"@{GATEWAY}", "com").strip(), text(com.ip))
        self.assertIn("; fully validated", self.delv("www.example.com"))
        self.assertIn("; fully validated", self.delv(".", "NS"))

    @needs("unbound-host")
    def test_unbound_validates_through_the_gateway(self):
        conf = self.directory / "unbound.conf"
        conf.write_text(f'server:\n  trust-anchor: "{self.zone.anchor}"\n  do-not-query-localhost: no\n'
                        f'forward-zone:\n  name: "."\n  forward-addr: {GATEWAY}\n')
        out = self.guest.check("unbound-host", "-C", conf, "-v", "-t", "A", "www.example.com")
        self.assertIn("192.0.2.9 (secure)", out)

    @unittest.skipUnless(UNBOUND, "unbound is not here")
    def test_unbound_in_a_guest_is_a_validating_resolver(self):
        """It asks the gateway; what the zone has not signed, it does not believe."""
        forged = []
        answer = self.upstream.answer
        self.upstream.answer = lambda message, query, tcp: (
            reply(query, dns.Record(message.name, dns.A, address("192.0.2.66"))) if forged else answer(message, query, tcp))
        conf = self.directory / "unbound.conf"
        conf.write_text("server:\n  interface: 127.0.0.1\n  do-daemonize: no\n  username: \"\"\n  chroot: \"\"\n  pidfile: \"\"\n"
                        f"  use-syslog: no\n  directory: \"{self.directory}\"\n  module-config: \"validator iterator\"\n"
                        f"  trust-anchor: \"{self.zone.anchor}\"\n  do-not-query-localhost: no\n"
                        f"remote-control:\n  control-enable: no\nforward-zone:\n  name: \".\"\n  forward-addr: {GATEWAY}\n")
        self.addCleanup(self.guest.start(UNBOUND, "-c", conf, stderr=subprocess.DEVNULL).end)

        def ask(name):
            return self.guest.run("dig", "+time=5", "+tries=1", "+dnssec", "@127.0.0.1", name).stdout

        wait_until(lambda: "status: " in ask("www.example.com"), "unbound")
        for name, status in (("www.example.com", "NOERROR"), ("missing", "NXDOMAIN")):
            out = ask(name)
            self.assertIn(f"status: {status}", out)
            self.assertRegex(out, "flags: [a-z ]*\\bad\\b")
        self.assertIn("192.0.2.9", ask("www.example.com"))
        forged.append(True)
        self.assertIn("status: SERVFAIL", ask("other.example.com"))
