# SPDX-License-Identifier: GPL-2.0-or-later
"""Linux guests on one network, each on another link; every pair exchanges files."""

import unittest

from lan import outside, servers, vm
from lan.process import Lanlet
from lan.programs import check

GATEWAY = "192.168.122.1"

# Name → QEMU's arguments for a card with that MAC.
TRANSPORTS = {
    "stream": lambda lanlet, mac: vm.card(lanlet.stream, mac),
    "dgram": lambda lanlet, mac: lanlet.qemu_arguments("dgram", "--dgram", "--mac", mac),
    "vde": lambda lanlet, mac: vm.vde_card(lanlet.vde, mac),
    "vhost": lambda lanlet, mac: vm.vhost_card(lanlet.vhost, mac),
}


setUpModule = vm.need_vm


def available():
    known = check("qemu-system-x86_64", "-netdev", "help").split()
    return [name for name in TRANSPORTS if {"vhost": "vhost-user"}.get(name, name) in known]


class AllTransportsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.outside = cls.enterClassContext(outside.Outside())
        cls.lanlet = cls.enterClassContext(Lanlet("--dns", outside.ROUTER))
        cls.guests = []
        assert len(available()) > 1, "QEMU knows too few of them"
        for number, name in enumerate(available(), 1):
            card = TRANSPORTS[name](cls.lanlet, f"52:54:00:00:00:{number:02x}")
            cls.guests.append(cls.enterClassContext(vm.Guest(card, name)))
        for guest in cls.guests:
            guest.lease()
            guest.check("mkdir -p /www; dd if=/dev/urandom of=/www/blob bs=64k count=32 2>/dev/null; httpd -h /www")

    def pairs(self):
        for guest in self.guests:
            for other in self.guests:
                if guest is not other:
                    with self.subTest(guest=guest.name, other=other.name):
                        yield guest, other

    def test_each_pings_each_by_name(self):
        for guest, other in self.pairs():
            self.assertIn("2 packets received", guest.check(f"ping -c 2 -i 0.2 {other.name}"))

    def test_each_pings_each_with_fragments(self):
        for guest, other in self.pairs():
            self.assertIn("2 packets received", guest.check(f"ping -c 2 -i 0.2 -s 8000 {other.name}"))

    def test_each_downloads_whole_from_each(self):
        sums = {guest.name: guest.check("sha256sum </www/blob").split()[0] for guest in self.guests}
        for guest, other in self.pairs():
            self.assertEqual(guest.check(f"wget -q -O - http://{other.name}/blob | sha256sum", 180).split()[0], sums[other.name])

    def test_each_downloads_whole_from_outside(self):
        size = 1 << 20
        for guest in self.guests:
            with self.subTest(guest=guest.name):
                out = guest.check(f"wget -q -O - http://{outside.ROUTER}/{size} | sha256sum", 180)
                self.assertEqual(out.split()[0], servers.blob_sha256(size))

    def test_large_packets_pass_whole_where_both_ends_take_them(self):
        """A guest shows what it takes by what it sends."""
        by_name = {guest.name: guest for guest in self.guests}
        if not {"stream", "vde"} <= set(by_name):
            self.skipTest("this QEMU has no -netdev vde")
        for guest in (by_name["stream"], by_name["vde"]):
            guest.check("ip link set eth0 mtu 9000")
            self.addCleanup(guest.check, "ip link set eth0 mtu 1500")
            self.assertIn("2 packets received", guest.check(f"ping -c 2 -i 0.2 -s 8900 {GATEWAY}"))
        for guest, other in (("stream", "vde"), ("vde", "stream")):
            self.assertIn("2 packets received", by_name[guest].check(f"ping -c 2 -i 0.2 -s 8900 {other}"))
