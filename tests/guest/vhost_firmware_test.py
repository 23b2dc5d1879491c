# SPDX-License-Identifier: GPL-2.0-or-later
"""Firmware on vhost-user, with drivers without offloads, and the systems that it boots."""

import re
import tempfile
import unittest

from lan import firmware, outside, servers, vm
from lan.process import Lanlet

GATEWAY = "192.168.122.1"
ONE = "52:54:00:00:00:01"

# A system that shows on its console that the network works under its own driver.
SYSTEM = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in /modules/*.ko; do insmod "$module"; done
exec >/dev/ttyS0 2>&1
udhcpc -i eth0 -s /udhcpc.script -n -q -t 5 -T 2
echo "received $(wget -q -O - http://%(router)s/%(size)d | sha256sum)"
exec sleep 100000
"""
SIZE = 1 << 20


setUpModule = vm.need_vm


class FirmwareTest(firmware.UBootTest, unittest.TestCase):
    def setUp(self):
        self.enterContext(outside.Outside())
        self.lanlet = self.enterContext(Lanlet("--dns", outside.ROUTER))

    def ipxe(self, **properties):
        ipxe = self.enterContext(firmware.Ipxe(vm.vhost_card(self.lanlet.vhost, ONE, **properties)))
        ipxe.interrupt()
        self.assertIn("ok", ipxe.run("dhcp", 120))
        return ipxe

    def test_ipxe_downloads_by_http_and_tftp(self):
        ipxe = self.ipxe()
        for url, size in ((f"http://www.example.test/{SIZE}", SIZE), (f"tftp://{outside.ROUTER}/40000", 40000)):
            self.assertIn("ok", ipxe.run(f"imgfetch --name i{size} {url}", 120))
            self.assertIn(f"{size} bytes", ipxe.run("imgstat"))

    def test_ipxe_boots_a_system_that_drives_the_same_card(self):
        with tempfile.NamedTemporaryFile(prefix="initramfs-") as file:
            system = SYSTEM % {"router": outside.ROUTER, "size": SIZE}
            file.write(vm.initramfs(vm.root_files(vm.guest_modules(), init=system)))
            file.flush()
            ipxe = self.ipxe()
            kernel = (vm.parts() / "vmlinuz").resolve()
            for command in (f"kernel http://{outside.ROUTER}/file{kernel} console=ttyS0 quiet no_timer_check initrd=i",
                            f"initrd --name i http://{outside.ROUTER}/file{file.name}"):
                self.assertIn("ok", ipxe.run(command, 300).replace("\r\n", ""))  # its console has 80 columns
            ipxe.begin("boot")
            found = ipxe.wait_for(lambda: re.search(r"received (\w{64})", ipxe.console()), "the system's checksum", 300)
        self.assertEqual(found[1], servers.blob_sha256(SIZE))

    def test_u_boot_gets_a_lease_pings_and_downloads(self):
        if not firmware.UBoot.ROM.exists():
            self.skipTest("no U-Boot: contrib/test installs u-boot-qemu")
        self.assert_u_boot_works(vm.vhost_card(self.lanlet.vhost, firmware.UBoot.MAC))

    def test_ovmf_gets_a_lease_and_pings(self):
        if not firmware.Ovmf.CODE.exists():
            self.skipTest("no OVMF: contrib/test installs ovmf")
        shell = self.enterContext(firmware.Ovmf(
            vm.vhost_card(self.lanlet.vhost, ONE, romfile=""),
            "ifconfig -s eth0 dhcp", "stall 8000000", f"ping -n 3 {GATEWAY}", f"ping -n 3 {outside.FAR}", "echo THE END"))
        shell.wait_for(lambda: "THE END" in shell.console(), "the end of the script", 400)
        self.assertTrue(self.lanlet.wait_for_lease(ONE)[1].startswith("192.168.122."))
        for target in (GATEWAY, outside.FAR):
            self.assertRegex(shell.console(), f"16 bytes from {target} : icmp_seq=3")
