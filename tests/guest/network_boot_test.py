# SPDX-License-Identifier: GPL-2.0-or-later
"""Firmware boots Linux from the network, with lanlet as its only server: DHCP, TFTP and HTTP."""

import re
import tempfile
import unittest
from pathlib import Path

from lan import firmware, vm
from lan.process import Lanlet

MAC = "52:54:00:00:00:01"
IPXE = Path("/usr/lib/ipxe")

# A system that says on its console that it runs.
SYSTEM = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
exec >/dev/ttyS0 2>&1
echo "the system has %(booted)s"
exec sleep 100000
"""
COMMAND_LINE = "console=ttyS0 quiet no_timer_check panic=-1 initrd=initramfs"


setUpModule = vm.need_vm


class PxeMachine(firmware.Ipxe):
    """The BIOS and the boot ROM of the network card, which nobody stops."""


class OvmfMachine(firmware.Ovmf):
    """UEFI that boots from its network card, by one of IPv4PXE and HTTP."""

    def __init__(self, card, protocol):
        self.protocol = protocol
        super().__init__(card)

    def boots_from(self):
        knobs = {"IPv6PXESupport": "no", "IPv4PXESupport": "yes" if self.protocol == "pxe" else "no"}
        return [
            *self.firmware(), "-boot", "strict=on",
            *(word for name, value in knobs.items() for word in ("-fw_cfg", f"name=opt/org.tianocore/{name},string={value}")),
        ]


class NetworkBootTest(unittest.TestCase):
    def setUp(self):
        self.root = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="lanlet-boot-")))
        self.root.chmod(0o755)
        (self.root / "vmlinuz").write_bytes((vm.parts() / "vmlinuz").read_bytes())
        files = vm.root_files((), init=SYSTEM % {"booted": "booted"})
        (self.root / "initramfs").write_bytes(vm.initramfs(files))

    def serve(self, *options):
        return self.enterContext(Lanlet("--tftp-root", self.root, "--http-root", self.root, *options))

    def script(self, base):
        (self.root / "boot.ipxe").write_text(
            f"#!ipxe\nkernel {base}vmlinuz {COMMAND_LINE}\ninitrd --name initramfs {base}initramfs\nboot\n")

    def assert_boots(self, machine):
        machine.wait_for(lambda: re.search("the system has booted", machine.console()), "the system", 500)

    def test_ipxe_boots_a_kernel_by_tftp(self):
        self.script("")
        lanlet = self.serve("--dhcp-boot", "boot.ipxe")
        self.assert_boots(self.enterContext(PxeMachine(vm.card(lanlet.stream, MAC))))

    def test_ipxe_boots_a_kernel_by_http(self):
        self.script("http://192.168.122.1/")
        lanlet = self.serve("--dhcp-boot", "http://192.168.122.1/boot.ipxe")
        self.assert_boots(self.enterContext(PxeMachine(vm.card(lanlet.stream, MAC))))
        self.assertIn("http: 192.168.122.", lanlet.text())

    def ovmf(self, lanlet, protocol):
        card = vm.card(lanlet.stream, MAC)
        card[-1] += ",romfile=,bootindex=1"
        return self.enterContext(OvmfMachine(card, protocol))

    def need_ovmf(self):
        for needed in (firmware.Ovmf.CODE, IPXE / "snponly.efi"):
            if not needed.exists():
                self.skipTest(f"no {needed}: contrib/test installs it")
        (self.root / "snponly.efi").write_bytes((IPXE / "snponly.efi").read_bytes())

    def test_ovmf_boots_a_kernel_by_pxe(self):
        self.need_ovmf()
        self.script("")
        lanlet = self.serve("--dhcp-tag", "ipxe,user:iPXE", "--dhcp-boot", "tag:ipxe,boot.ipxe", "--dhcp-boot", "tag:!ipxe,snponly.efi")
        self.assert_boots(self.ovmf(lanlet, "pxe"))

    def test_ovmf_boots_a_kernel_by_http(self):
        self.need_ovmf()
        self.script("http://192.168.122.1/")
        lanlet = self.serve(
            "--dhcp-tag", "ipxe,user:iPXE", "--dhcp-tag", "http,vendor:HTTPClient",
            "--dhcp-boot", "tag:ipxe,http://192.168.122.1/boot.ipxe", "--dhcp-boot", "tag:http,http://192.168.122.1/snponly.efi")
        self.assert_boots(self.ovmf(lanlet, "http"))

    def test_u_boot_loads_and_boots_a_kernel_by_tftp(self):
        if not firmware.UBoot.ROM.exists():
            self.skipTest("no U-Boot: contrib/test installs u-boot-qemu")
        lanlet = self.serve("--dhcp-boot", "vmlinuz")
        boot = self.enterContext(firmware.UBoot(vm.card(lanlet.stream, firmware.UBoot.MAC)))
        boot.interrupt()
        boot.run("virtio scan")
        size = (self.root / "vmlinuz").stat().st_size
        self.assertIn(f"Bytes transferred = {size} ", boot.run("dhcp 0x1000000", 300))
        initramfs = self.root / "initramfs"
        self.assertIn(f"Bytes transferred = {initramfs.stat().st_size} ", boot.run("tftpboot 0x7000000 initramfs", 120))
        boot.run(f"setenv bootargs {COMMAND_LINE}")
        boot.begin(f"zboot 0x1000000 {size:x} 0x7000000 {initramfs.stat().st_size:x}")
        self.assert_boots(boot)
