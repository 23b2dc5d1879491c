# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests with another TCP/IP stack than Linux: the command lines of iPXE and U-Boot."""

import unittest

from lan import firmware, outside, vm
from lan.process import Lanlet


setUpModule = vm.need_vm


class FirmwareTest(firmware.UBootTest, unittest.TestCase):
    def setUp(self):
        self.enterContext(outside.Outside())
        self.lanlet = self.enterContext(Lanlet("--dns", outside.ROUTER))

    def test_ipxe_downloads_by_name(self):
        ipxe = self.enterContext(firmware.Ipxe(vm.card(self.lanlet.stream, "52:54:00:00:00:01")))
        ipxe.interrupt()
        self.assertIn("ok", ipxe.run("dhcp"))
        self.assertIn(self.lanlet.wait_for_lease(ipxe.mac)[1], ipxe.run("show net0/ip"))
        self.assertIn("ok", ipxe.run("imgfetch http://www.example.test/500000"))
        self.assertIn("500000 bytes", ipxe.run("imgstat"))

    def test_u_boot_gets_a_lease_pings_and_downloads(self):
        if not firmware.UBoot.ROM.exists():
            self.skipTest("no U-Boot: contrib/test installs u-boot-qemu")
        self.assert_u_boot_works(vm.card(self.lanlet.stream, firmware.UBoot.MAC))
