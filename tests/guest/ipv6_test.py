# SPDX-License-Identifier: GPL-2.0-or-later
"""IPv6 on the segment, with this machine's own kernel and programs as guests."""

import contextlib
import ipaddress
import json
import re
import shutil
import struct
import unittest
from pathlib import Path

from lan import capture, tap
from lan.link import StreamClient
from lan.packet import Ethernet, mac
from lan.packet6 import ETHERTYPE_IPV6, Icmp6, Ipv6, address6
from lan.process import Lanlet
from lan.programs import find, need, needs
from lan.wait import wait_until

MAC, OTHER_MAC = "52:54:00:00:00:01", "52:54:00:00:00:02"
LINK_LOCAL = "fe80::5054:ff:fe00:1"
PREFIX = ipaddress.IPv6Network("fd12:3456:789a::/64")
GATEWAY = "fd12:3456:789a::1"
OUTSIDE = "2a00:1450:4001::1"
NETWORKD = Path("/lib/systemd/systemd-networkd")

# Tries a UDP datagram and a connection; prints the errors, which come at once.
TRY = """
import errno, socket, sys, time
address, port = sys.argv[1], int(sys.argv[2])
begun = time.monotonic()
for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
    with socket.socket(socket.AF_INET6, kind) as s:
        s.settimeout(20)
        s.setsockopt(socket.IPPROTO_IPV6, 25, 1)  # IPV6_RECVERR: tell also what may pass
        try:
            s.connect((address, port))
            s.send(b"x")
            s.recv(1)
            print("answered")
        except OSError as e:
            print(errno.errorcode.get(e.errno, "timeout"))
print("at once" if time.monotonic() - begun < 10 else "late")
"""

# Called by dhclient -6; takes the address and writes down what it was told.
DHCLIENT_SCRIPT = """#!/bin/sh
case $reason in
BOUND6 | RENEW6 | REBIND6) ip -6 address replace "$new_ip6_address/128" dev "$interface" ;;
RELEASE6 | EXPIRE6 | STOP6) ip -6 address del "$old_ip6_address/128" dev "$interface" ;;
esac
echo "$reason $new_ip6_address dns=$new_dhcp6_name_servers search=$new_dhcp6_domain_search" >>"${0%/*}/events"
"""

NETWORKD_CONFIG = """[Match]
Name=eth0
[Network]
IPv6AcceptRA=yes
LinkLocalAddressing=ipv6
IPv6PrivacyExtensions=no
"""


setUpModule = tap.need_tap


class Guest(tap.TapGuest):
    def addresses6(self, *words):
        """Those that are neither tentative nor deprecated."""
        found = json.loads(self.check("ip", "-6", "-j", "address", "show", "dev", "eth0", *words) or "[]")
        return [a["local"] for i in found for a in i.get("addr_info", ()) if a and not a.get("tentative") and not a.get("deprecated")]

    def wait_for_address(self, where, *words):
        """An address within the network @where."""
        return wait_until(
            lambda: next((a for a in self.addresses6(*words) if ipaddress.IPv6Address(a) in where), None),
            lambda: f"an address of {where}: {self.run('ip', '-6', 'address').stdout}")

    def ping6(self, address, *options):
        return self.run("ping", "-6", "-n", "-c", "1", "-w", "20", *options, address)


class SegmentTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lanlet = cls.enterClassContext(Lanlet("--ipv6", str(PREFIX), "--host", f"{MAC},web"))
        cls.guest = cls.enterClassContext(Guest(cls.lanlet.stream, MAC))
        cls.address = cls.guest.wait_for_address(PREFIX)

    def assert_reached(self, done):
        self.assertEqual(done.returncode, 0, done.stdout + self.lanlet.status())

    def test_kernel_makes_an_address_of_the_prefix(self):
        self.assertEqual(self.address, str(PREFIX[int.from_bytes(bytes.fromhex("505400fffe000001"))]))

    def test_gateway_answers_pings_at_both_addresses(self):
        self.assert_reached(self.guest.ping6(GATEWAY))
        self.assert_reached(self.guest.ping6("fe80::1%eth0"))
        self.assert_reached(self.guest.ping6("ff02::2%eth0"))

    def test_long_pings_are_answered(self):
        """Both the guest and the gateway fragment them."""
        for size in 1400, 4000, 65507:
            self.assert_reached(self.guest.ping6(GATEWAY, "-s", str(size)))

    def test_guests_reach_each_other_without_knowing_that_they_share_a_link(self):
        with Guest(self.lanlet.stream, OTHER_MAC) as other:
            its = other.wait_for_address(PREFIX)
            self.assert_reached(self.guest.ping6(its))
            self.guest.check("ip", "-6", "route", "add", f"{its}/128", "via", "fe80::1", "dev", "eth0")
            self.assert_reached(self.guest.ping6(its))
            self.guest.check("ip", "-6", "route", "del", f"{its}/128")

    def test_gateways_addresses_are_found_to_be_taken(self):
        for address in "fe80::1", GATEWAY:
            self.guest.check("ip", "-6", "address", "add", f"{address}/64", "dev", "eth0")
            try:
                wait_until(lambda address=address: "dadfailed" in self.guest.check("ip", "-6", "address", "show", "to", address), address)
            finally:
                self.guest.check("ip", "-6", "address", "del", f"{address}/64", "dev", "eth0")

    def test_host_without_ipv6_is_not_announced_as_a_way_outside(self):
        self.assertNotIn("default", self.guest.check("ip", "-6", "route"))

    def test_outside_and_closed_ports_are_refused_at_once(self):
        self.guest.check("ip", "-6", "route", "add", "default", "via", "fe80::1", "dev", "eth0")
        try:
            self.assertEqual(self.guest.python(TRY, OUTSIDE, "9").split("\n")[:3], ["ENETUNREACH", "ENETUNREACH", "at once"])
        finally:
            self.guest.check("ip", "-6", "route", "del", "default")
        self.assertEqual(self.guest.python(TRY, GATEWAY, "9").split("\n")[:3], ["ECONNREFUSED", "ECONNREFUSED", "at once"])

    def test_status_and_neighbours_show_the_addresses(self):
        self.assertIn(f"IPv6 prefix {PREFIX}, gateway {GATEWAY}", self.lanlet.status())
        network = self.lanlet.api.get("/v1/network")
        self.assertEqual((network["ipv6_prefix"], network["ipv6_gateway"]), (str(PREFIX), GATEWAY))
        self.guest.ping6(GATEWAY)
        known = {n["address"] for n in self.lanlet.api.get("/v1/neighbours")["neighbours"]}
        self.assertLessEqual({self.address, LINK_LOCAL}, known)

    @needs("rdisc6", "ndisc6")
    def test_rdisc6_and_ndisc6_are_answered(self):
        text = self.guest.check("rdisc6", "-1", "-w", "5000", "eth0")
        self.assertRegex(text, r"Router lifetime\s*:\s*0 ")
        self.assertRegex(text, rf"Prefix\s*:\s*{PREFIX}")
        self.assertRegex(text, r"On-link\s*:\s*Yes")
        self.assertRegex(text, r"Autonomous address conf\.\s*:\s*Yes")
        self.assertRegex(text, rf"Recursive DNS server\s*:\s*{GATEWAY}")
        self.assertRegex(text, r"from fe80::1")
        for address in "fe80::1", GATEWAY:
            text = self.guest.check("ndisc6", "-1", "-w", "5000", address, "eth0")
            self.assertRegex(text, "Target link-layer address: ")

    @needs("dig")
    def test_names_are_answered_over_ipv6_in_both_directions(self):
        self.guest.ping6(GATEWAY)

        def dig(*words):
            return self.guest.check("dig", "-6", "+short", "+tries=2", *words).split()

        for server in f"@{GATEWAY}", "@fe80::1%eth0":
            self.assertIn(self.address, dig(server, "web.lanlet.internal", "AAAA"))
            self.assertEqual(dig(server, "gateway.lanlet.internal", "AAAA"), [GATEWAY])
            self.assertEqual(dig(server, "-x", self.address), ["web.lanlet.internal."])
            self.assertEqual(dig(server, "-x", GATEWAY), ["gateway.lanlet.internal."])


class EndTest(unittest.TestCase):
    def test_last_advertisement_withdraws_router_and_name_server(self):
        with Lanlet("--ipv6", str(PREFIX)) as lanlet, contextlib.closing(StreamClient(lanlet.stream)) as end:
            end.send(Ethernet(b"\xff" * 6, mac(1), 0x88B5, bytes(46)).emit())
            lanlet.stop()
            last = None
            with contextlib.suppress(EOFError, ConnectionError):
                while True:
                    frame = Ethernet.parse(end.receive())
                    if frame.ethertype == ETHERTYPE_IPV6 and (ip := Ipv6.parse(frame.payload)).next_header == 58 and ip.payload[0] == 134:
                        last = ip
            icmp = Icmp6.parse(last)
            self.assertEqual(last.source, address6("fe80::1"))
            self.assertEqual(struct.unpack(">H", icmp.body[2:4]), (0,))
            self.assertIn(bytes([25, 3, 0, 0, 0, 0, 0, 0]) + address6(GATEWAY), icmp.body)


def assert_one_name(test, lanlet, guest, prefix, name):
    """All addresses of the guest in the prefix lead to its name, and the name to all of them."""
    addresses = {a for a in guest.addresses6() if ipaddress.IPv6Address(a) in prefix}
    for address in addresses:
        test.assertEqual(guest.ping6(str(prefix[1]), "-I", address).returncode, 0)
    if not find("dig"):
        return
    server = f"@{prefix[1]}"
    test.assertEqual(set(guest.check("dig", "+short", server, f"{name}.lanlet.internal", "AAAA").split()), addresses)
    for address in addresses:
        test.assertEqual(guest.check("dig", "+short", server, "-x", address).split(), [f"{name}.lanlet.internal."])


class PrivacyTest(unittest.TestCase):
    def test_guest_has_temporary_addresses_too_and_is_one_guest(self):
        with Lanlet("--ipv6", "auto", "--host", f"{MAC},web") as lanlet, Guest(lanlet.stream, MAC) as guest:
            prefix = ipaddress.IPv6Network(lanlet.api.get("/v1/network")["ipv6_prefix"])
            self.assertTrue(prefix.subnet_of(ipaddress.IPv6Network("fd00::/8")))
            guest.check("sh", "-c", "ip link set eth0 down && echo 2 >/proc/sys/net/ipv6/conf/eth0/use_tempaddr && ip link set eth0 up")
            temporary = guest.wait_for_address(prefix, "temporary")
            self.assertEqual(guest.ping6(str(prefix[1])).returncode, 0)
            wait_until(
                lambda: any(n["address"] == temporary and n["mac"] == MAC for n in lanlet.api.get("/v1/neighbours")["neighbours"]),
                lambda: lanlet.api.get("/v1/neighbours"))
            assert_one_name(self, lanlet, guest, prefix, "web")


class RestartTest(unittest.TestCase):
    @needs("tshark")
    def test_prefix_survives_and_every_packet_is_well_formed(self):
        with Lanlet("--ipv6", "auto") as lanlet, Guest(lanlet.stream, MAC) as guest:
            before = lanlet.api.get("/v1/network")["ipv6_prefix"]
            with capture.Capture(lanlet) as recorded:
                address = guest.wait_for_address(ipaddress.IPv6Network(before))
                guest.ping6(str(ipaddress.IPv6Network(before)[1]))
                recorded.finish()
                self.assertEqual(capture.complaints(recorded.path), "")
                self.assertIn("134", capture.tshark(recorded.path, "-Y", "icmpv6", "-T", "fields", "-e", "icmpv6.type").split())
            lanlet.stop()
            lanlet.start()
            self.assertEqual(lanlet.api.get("/v1/network")["ipv6_prefix"], before)
            wait_until(lambda: guest.ping6(str(ipaddress.IPv6Network(before)[1])).returncode == 0, lanlet.text)
            self.assertIn(address, guest.addresses6())


class NetworkdTest(unittest.TestCase):
    def test_networkd_takes_an_address_of_its_own_and_one_by_dhcp(self):
        if not NETWORKD.exists():
            self.skipTest("not installed: systemd-networkd (contrib/test installs it)")
        with Lanlet("--ipv6", str(PREFIX), "--host", f"{MAC},web") as lanlet, Guest(lanlet.stream, MAC, root=False) as guest:
            guest.check(
                "sh", "-c",
                "mount -t tmpfs run /run && cd /run && mkdir -p systemd/network systemd/netif/links systemd/netif/leases systemd/netif/lldp"
                f" && echo container >/run/systemd/container && printf %s '{NETWORKD_CONFIG}' >/run/systemd/network/10-eth0.network"
                " && mount -t sysfs -o ro sysfs /sys")
            path = Path(guest.directory.name) / "networkd.log"
            with open(path, "wb") as log, guest.start(
                    "env", "SYSTEMD_LOG_LEVEL=debug", "SYSTEMD_LOG_TARGET=console", NETWORKD, stdout=log, stderr=log):
                wait_until(
                    lambda: re.search(r"NDISC: Received Router Advertisement", path.read_text()), lambda: path.read_text()[-3000:])
                wait_until(
                    lambda: len({a for a in guest.addresses6() if ipaddress.IPv6Address(a) in PREFIX}) >= 2,
                    lambda: f"two addresses: {guest.addresses6()} {path.read_text()[-5000:]}")
                self.assertIn("DHCPv6 client: ", path.read_text())
                assert_one_name(self, lanlet, guest, PREFIX, "web")
                leases = lanlet.api.get("/v1/leases")["leases"]
                self.assertEqual([(lease["mac"], lease["name"]) for lease in leases], [(MAC, "web")])


class DhcpTest(unittest.TestCase):
    def setUp(self):
        self.lanlet = self.enterContext(Lanlet("--ipv6", str(PREFIX), "--host", f"{OTHER_MAC},192.168.122.63,web", "--lease-time", "40"))
        self.guest = self.enterContext(Guest(self.lanlet.stream, MAC))
        self.directory = Path(self.guest.directory.name)

    def program(self, name):
        need(name)
        copy = self.directory / name
        return copy if copy.exists() else shutil.copy(find(name), copy)

    def events(self):
        path = self.directory / "events"
        return path.read_text() if path.exists() else ""

    def leases(self):
        return {lease["address"]: lease["mac"] for lease in self.lanlet.api.get("/v1/leases")["leases"]}

    def dhclient(self, *options):
        for name, text in ("conf", "timeout 20;\n"), ("leases", None), ("script", DHCLIENT_SCRIPT):
            path = self.directory / name
            if text is not None:
                path.write_text(text)
            path.touch()
        (self.directory / "script").chmod(0o755)
        d = self.directory
        return self.guest.check(
            self.program("dhclient"), "-6", "-v", "-cf", d / "conf", "-lf", d / "leases", "-pf", d / "pid", "-sf", d / "script",
            *options, "eth0")

    def test_dhclient_gets_an_address_renews_it_and_gets_it_again(self):
        self.guest.wait_for_address(ipaddress.IPv6Network("fe80::/10"))
        self.dhclient("-1")
        event = wait_until(lambda: re.search(r"^BOUND6 (\S+) dns=(\S+) search=(\S+)$", self.events(), re.M), self.events)
        self.assertIn(ipaddress.IPv6Address(event[1]), PREFIX)
        self.assertEqual((event[2], event[3].rstrip(".")), (GATEWAY, "lanlet.internal"))
        self.guest.wait_for_address(ipaddress.IPv6Network(event[1]))
        self.assertEqual(self.guest.ping6(GATEWAY, "-I", event[1]).returncode, 0)
        self.assertEqual(self.leases(), {event[1]: MAC})
        self.lanlet.kill()
        self.lanlet.start()
        wait_until(lambda: re.search(rf"^RENEW6 {event[1]} ", self.events(), re.M), self.events, 60)
        self.dhclient("-r")
        wait_until(lambda: "RELEASE6" in self.events(), self.events)
        wait_until(lambda: not self.leases(), self.leases)

    def test_dhcpcd_gets_an_address(self):
        dhcpcd = self.program("dhcpcd")
        self.guest.check(
            "sh", "-c",
            f"grep -v dhcpcd /etc/passwd >{self.directory}/passwd; mount --bind {self.directory}/passwd /etc/passwd;"
            "mount -t tmpfs run /run && mount -t tmpfs lib /var/lib && mkdir -p /run/dhcpcd /var/lib/dhcpcd")
        config = self.directory / "dhcpcd.conf"
        config.write_text("duid\nia_na\noption dhcp6_name_servers, dhcp6_domain_search\n")
        out = self.guest.check(dhcpcd, "-6", "-d", "-1", "-B", "-t", "20", "-f", config, "-c", "/bin/true", "eth0")
        ((address, owner),) = self.leases().items()
        self.assertEqual(owner, MAC)
        self.assertRegex(out, rf"(leased|adding address) {address}")


if __name__ == "__main__":
    unittest.main()
