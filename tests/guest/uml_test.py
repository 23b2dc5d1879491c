# SPDX-License-Identifier: GPL-2.0-or-later
"""User-mode Linux on each link that it supports, with a front end and a VDE client other than QEMU's."""

import socket
import unittest

from lan import outside, servers, uml, vm
from lan.process import Lanlet

GATEWAY = "192.168.122.1"
MAC = "52:54:00:00:00:07"


def setUpModule():
    if reason := uml.why_no_uml():
        raise unittest.SkipTest(reason)


class TestCase(unittest.TestCase):
    def setUp(self):
        self.enterContext(outside.Outside())

    def guest(self, card, fds=()):
        return self.enterContext(uml.Uml(card, "uml", fds))

    def rename(self, guest):
        """Names the card eth0, which the vector driver calls vec0."""
        guest.check("[ -e /sys/class/net/eth0 ] || ip link set vec0 name eth0")
        return guest

    def assert_works(self, guest):
        """Asserts that lease, names, ping and file transfers work; returns the lease."""
        lease = guest.lease()
        self.assertRegex(lease["ip"], r"^192\.168\.122\.\d+$")
        for target in (GATEWAY, outside.FAR, "www.example.test", "uml"):
            self.assertIn("2 packets received", guest.check(f"ping -c 2 -i 0.2 -W 20 {target}", 90))
        self.assertIn("2 packets received", guest.check(f"ping -c 2 -i 0.2 -W 20 -s 4000 {GATEWAY}", 90))
        size = 4 << 20
        out = guest.check(f"wget -q -O /blob http://{outside.ROUTER}/{size}; sha256sum /blob", 180)
        self.assertEqual(out.split()[0], servers.blob_sha256(size))
        request = f"PUT / HTTP/1.0\\r\\nContent-Length: {size}\\r\\n\\r\\n"
        out = guest.check(f"(printf '{request}'; cat /blob; sleep 5) | nc {outside.ROUTER} 80 | tail -n 1", 180)
        self.assertIn(servers.blob_sha256(size), out)
        return lease


class VhostTest(TestCase):
    """virtio_uml, the kernel's own front end."""

    def setUp(self):
        super().setUp()
        self.lanlet = self.enterContext(Lanlet("--dns", outside.ROUTER))

    def test_lease_names_ping_and_files_both_ways(self):
        guest = self.guest(uml.vhost_card(self.lanlet.vhost))
        self.assertEqual(self.assert_works(guest).get("mtu", "1500"), "1500")
        self.assertTrue(any(port.startswith("vhost") for port in self.lanlet.ports()))

    def test_driver_is_unloaded_and_loaded_again(self):
        guest = self.guest(uml.vhost_card(self.lanlet.vhost))
        guest.check(f"ip link set eth0 address {MAC}")
        lease = guest.lease()
        guest.check(f"rmmod virtio_net && insmod /modules/*virtio_net.ko && ip link set eth0 address {MAC}")
        self.assertEqual(guest.lease()["ip"], lease["ip"])

    def test_guest_reboots(self):
        guest = self.guest(uml.vhost_card(self.lanlet.vhost))
        guest.lease()
        for _ in range(2):
            guest.reboot()
            guest.lease()
            self.assertIn("2 packets received", guest.check(f"ping -c 2 -i 0.2 -W 20 {GATEWAY}", 90))
        self.assertEqual(len([port for port in self.lanlet.ports() if port.startswith("vhost")]), 1)

    def test_user_mode_linux_and_qemu_reach_each_other(self):
        guests = [self.guest(uml.vhost_card(self.lanlet.vhost)), self.enterContext(vm.Guest(vm.vhost_card(self.lanlet.vhost, MAC), "qemu"))]
        sums = {}
        for guest in guests:
            guest.lease()
            guest.check("mkdir -p /www; dd if=/dev/urandom of=/www/blob bs=64k count=32 2>/dev/null; httpd -h /www")
            sums[guest.name] = guest.check("sha256sum </www/blob").split()[0]
        for guest, other in (guests, guests[::-1]):
            out = guest.check(f"wget -q -O - http://{other.name}/blob | sha256sum", 180)
            self.assertEqual(out.split()[0], sums[other.name])


class VdeTest(TestCase):
    def setUp(self):
        super().setUp()
        self.lanlet = self.enterContext(Lanlet("--dns", outside.ROUTER))

    def test_lease_names_ping_and_files_both_ways(self):
        guest = self.rename(self.guest(uml.vde_card(self.lanlet.vde, MAC)))
        self.assert_works(guest)
        self.lanlet.wait_for_lease(MAC)
        self.assertIn('attached by "UML', self.lanlet.text())

    def test_guest_that_reboots_has_its_address_again(self):
        guest = self.rename(self.guest(uml.vde_card(self.lanlet.vde, MAC)))
        lease = guest.lease()
        guest.reboot()
        self.assertEqual(self.rename(guest).lease()["ip"], lease["ip"])
        self.assertIn("2 packets received", guest.check(f"ping -c 2 -i 0.2 -W 20 {GATEWAY}", 90))


class VectorTest(TestCase):
    """The vector driver: several packets for each system call."""

    def test_packet_socket_by_path(self):
        lanlet = self.enterContext(Lanlet("--dns", outside.ROUTER))
        path = lanlet.runtime / "seqpacket.sock"
        guest = self.rename(self.guest(uml.vector_card(f"transport=bess,dst={path},src={lanlet.directory}/uml.sock", MAC)))
        self.assert_works(guest)
        self.assertTrue(any(port.startswith("seqpacket") for port in lanlet.ports()))

    def test_datagram_socket_that_is_passed(self):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(ours.close)
        self.addCleanup(theirs.close)
        lanlet = self.enterContext(Lanlet("--dns", outside.ROUTER, "--fd", f"{ours.fileno()},name=web,mac={MAC}", fds=[ours.fileno()]))
        guest = self.rename(self.guest(uml.vector_card(f"transport=fd,fd={theirs.fileno()}", MAC), [theirs.fileno()]))
        self.assert_works(guest)
        self.assertIn("web", lanlet.ports())
