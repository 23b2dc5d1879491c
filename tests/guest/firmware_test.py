# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests whose TCP/IP is not Linux: iPXE and U-Boot, at their command lines."""

import re
import unittest
import zlib

from lan import firmware, outside, servers, vm
from lan.process import Lanlet

GATEWAY = "192.168.122.1"


def setUpModule():
    if reason := vm.why_no_vm():
        raise unittest.SkipTest(reason)


class FirmwareTest(unittest.TestCase):
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
        boot = self.enterContext(firmware.UBoot(vm.card(self.lanlet.stream, firmware.UBoot.MAC)))
        boot.interrupt()
        for command in ("virtio scan", "setenv autoload no"):
            boot.run(command)
        ip = re.search(r"bound to address (\S+)", boot.run("dhcp"))[1]
        self.assertEqual(self.lanlet.wait_for_lease(boot.MAC)[1], ip)
        for target in (GATEWAY, outside.FAR):
            self.assertIn(f"host {target} is alive", boot.run(f"ping {target}"))
        self.assertIn("Bytes transferred = 40000 (9c40 hex)", boot.run(f"tftpboot 0x1000000 {outside.ROUTER}:40000"))
        self.assertIn(f"{zlib.crc32(servers.blob(40000)):08x}", boot.run("crc32 0x1000000 9c40"))
