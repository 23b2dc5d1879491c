# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's network cards: each gets a lease, and exchanges 20 MB both ways with outside and with a virtio guest whose MTU is 65520.

The cards are in one machine, which uses one after the other.
"""

import re
import unittest

from lan import outside, servers, vm
from lan.process import Lanlet
from lan.programs import check

GATEWAY = "192.168.122.1"
SIZE = servers.BLOB_SIZE
CARDS = (
    "virtio-net-pci", "rtl8139", "e1000", "e1000e", "igb", "pcnet", "ne2k_pci", "vmxnet3", "usb-net", "tulip", "i82559er",
)


def setUpModule():
    vm.need_vm(vm.all_drivers())


def known_cards():
    return set(re.findall(r'name "([^"]+)"', check("qemu-system-x86_64", "-device", "help")))


def card_arguments(stream, number, name, mac):
    place = ",bus=usb.0" if name == "usb-net" else ",romfile="
    return [
        "-netdev", f"stream,id=net{number},addr.type=unix,addr.path={stream}", "-device", f"{name},netdev=net{number},mac={mac}{place}",
    ]


class CardsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.outside = cls.enterClassContext(outside.Outside())
        cls.lanlet = cls.enterClassContext(Lanlet("--dns", outside.ROUTER))
        known = known_cards()
        cls.macs = {name: f"52:54:00:00:01:{number:02x}" for number, name in enumerate(CARDS) if name in known}
        cards = ["-device", "qemu-xhci,id=usb"]
        for number, (name, mac) in enumerate(cls.macs.items()):
            cards += card_arguments(cls.lanlet.stream, number, name, mac)
        cls.guest = cls.enterClassContext(vm.Guest(cards, "cards", kernel=vm.all_drivers()))
        cls.other = cls.enterClassContext(vm.Guest(vm.card(cls.lanlet.stream, "52:54:00:00:00:02"), "other"))
        cls.other_ip = cls.other.lease("-O mtu")["ip"]
        for guest in (cls.guest, cls.other):
            guest.check(f"mkdir -p /www && dd if=/dev/urandom of=/www/blob bs=64k count={SIZE >> 16} 2>/dev/null && httpd -h /www")
        cls.sums = {guest: guest.check("sha256sum </www/blob").split()[0] for guest in (cls.guest, cls.other)}

    def interface_of(self, name):
        """The card's, which is up until the test ends."""
        files = self.guest.check(f"grep -l {self.macs[name]} /sys/class/net/*/address")
        interface = files.split("/")[4]
        self.guest.check(f"ip link set {interface} up")
        self.addCleanup(self.guest.check, f"ip addr flush dev {interface}; ip link set {interface} down")
        return interface

    def assert_pings(self, guest, target, size=56):
        """Path MTU discovery may take the first.  On a busy machine an emulated card may drop a fragment: it has three tries."""
        for _ in range(3):
            out = guest.check(f"ping -c 5 -i 0.2 -W 5 -s {size} {target}")
            if int(re.search(r"(\d+) packets received", out)[1]) >= (4 if size > 1400 else 5):
                return
        self.fail(out)

    def assert_downloads(self, guest, url, expected):
        self.assertEqual(guest.check(f"wget -q -O - {url} | sha256sum", 240).split()[0], expected)

    def assert_uploads(self):
        request = f"PUT / HTTP/1.0\\r\\nContent-Length: {SIZE}\\r\\n\\r\\n"
        answer = self.guest.check(f"(printf '{request}'; cat /www/blob; sleep 3) | nc {outside.ROUTER} 80 | tail -n 1", 240)
        self.assertEqual(answer.strip(), self.sums[self.guest])

    def set_largest_mtu(self, interface):
        """The driver refuses more than it can do.  The client then keeps 1500, or sets the largest, as systemd-networkd; this does."""
        sizes = "65520 16110 9216 9000 8192 4096 2048 1500"
        self.guest.check(
            f"for mtu in {sizes}; do ip link set {interface} mtu $mtu 2>/dev/null && break; done;"
            f"while [ $(cat /sys/class/net/{interface}/carrier) = 0 ]; do usleep 100000; done")

    def assert_works(self, name):
        if name not in self.macs:
            self.skipTest(f"this QEMU has no {name}")
        interface = self.interface_of(name)
        lease = self.guest.lease("-O mtu", interface=interface)
        ip = lease["ip"]
        self.assertEqual(lease["mtu"], "65520")  # it is the first MAC behind its port
        self.set_largest_mtu(interface)
        with self.subTest("ping"):
            for target in (GATEWAY, outside.FAR, self.other_ip):
                self.assert_pings(self.guest, target)
        with self.subTest("large packets"):
            for guest, target in ((self.guest, GATEWAY), (self.guest, self.other_ip), (self.other, ip)):
                self.assert_pings(guest, target, 8000)
        with self.subTest("from outside"):
            self.assert_downloads(self.guest, f"http://{outside.ROUTER}/{SIZE}", servers.blob_sha256())
        with self.subTest("to outside"):
            self.assert_uploads()
        with self.subTest("from a virtio guest"):
            self.assert_downloads(self.guest, f"http://{self.other_ip}/blob", self.sums[self.other])
        with self.subTest("to a virtio guest"):
            self.assert_downloads(self.other, f"http://{ip}/blob", self.sums[self.guest])


def case_for(name):
    return lambda self: self.assert_works(name)


for _name in CARDS:
    setattr(CardsTest, f"test_{_name}", case_for(_name))
