# SPDX-License-Identifier: GPL-2.0-or-later
"""User-mode Linux by vhost-user: a front end that is not QEMU's."""

import unittest

from lan import outside, servers, uml
from lan.process import Lanlet

GATEWAY = "192.168.122.1"


def setUpModule():
    if reason := uml.why_no_uml():
        raise unittest.SkipTest(reason)


class UmlTest(unittest.TestCase):
    def setUp(self):
        self.enterContext(outside.Outside())
        self.lanlet = self.enterContext(Lanlet("--dns", outside.ROUTER))
        self.guest = self.enterContext(uml.Uml(self.lanlet.vhost, "uml"))

    def test_lease_names_ping_and_files_both_ways(self):
        lease = self.guest.lease()
        self.assertRegex(lease["ip"], r"^192\.168\.122\.\d+$")
        self.assertEqual(lease["mtu"] if "mtu" in lease else "1500", "1500")
        for target in (GATEWAY, outside.FAR, "www.example.test", "uml"):
            self.assertIn("2 packets received", self.guest.check(f"ping -c 2 -i 0.2 {target}"))
        size = 4 << 20
        out = self.guest.check(f"wget -q -O /blob http://{outside.ROUTER}/{size}; sha256sum /blob", 180)
        self.assertEqual(out.split()[0], servers.blob_sha256(size))
        request = f"PUT / HTTP/1.0\\r\\nContent-Length: {size}\\r\\n\\r\\n"
        out = self.guest.check(f"(printf '{request}'; cat /blob; sleep 5) | nc {outside.ROUTER} 80 | tail -n 1", 180)
        self.assertIn(servers.blob_sha256(size), out)

    def test_driver_is_unloaded_and_loaded_again(self):
        lease = self.guest.lease()
        self.guest.check("rmmod virtio_net && insmod /modules/*virtio_net.ko && ip link set eth0 up")
        self.assertEqual(self.guest.lease()["ip"], lease["ip"])
