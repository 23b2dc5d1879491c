# SPDX-License-Identifier: GPL-2.0-or-later
"""Machines that run only their firmware, with its command line and TCP/IP stack."""

import re
import select
import shutil
import time
import zlib
from pathlib import Path

from . import outside, servers
from .vm import BOOT_PATIENCE, Machine


class Firmware(Machine):
    """The console goes both ways; a key stops the boot and gives the prompt."""

    KEY = PROMPT = END = b""

    def __init__(self, card):
        super().__init__(card)
        self.tty = self.connect("tty")
        self.output = b""

    def serial_port(self):
        chardev = f"socket,id=tty,path={self.directory}/tty,server=on,wait=off,logfile={self.directory}/console"
        return ["-chardev", chardev, "-serial", "chardev:tty"]

    def _until_prompt(self, seconds):
        """What was printed before the prompt, or None."""
        deadline = time.monotonic() + seconds
        while self.PROMPT not in self.output:
            if not select.select([self.tty], [], [], max(0.0, deadline - time.monotonic()))[0]:
                return None
            self.output += self.tty.recv(1 << 16)
        text, self.output = self.output.split(self.PROMPT, 1)
        return text.decode(errors="replace")

    def interrupt(self):
        """Interrupts the running command and waits for the prompt."""

        def asked():
            self.tty.sendall(self.KEY)
            return self._until_prompt(0.3) is not None

        self.wait_for(asked, "the prompt", BOOT_PATIENCE)
        while self._until_prompt(0.7) is not None:  # one for each key that came too late
            pass

    def _type(self, key):
        """Waits for the echo: firmware polls its serial port and loses keys that come while it is busy."""
        for _ in range(5):
            before = len(self.output)
            self.tty.sendall(key)
            while select.select([self.tty], [], [], 1.0)[0]:
                self.output += self.tty.recv(1 << 16)
                if key in self.output[before:]:
                    return
        raise AssertionError(f"no echo of {key!r}: {self.output!r}")

    def begin(self, command):
        """Types a command that may never come back to the prompt."""
        for key in command.encode():
            self._type(bytes([key]))
        self.tty.sendall(self.END)

    def run(self, command, timeout=60.0):
        """Runs a command; returns its output."""
        self.begin(command)
        text = self._until_prompt(timeout)
        if text is None:
            raise AssertionError(f"{command!r} did not end in {timeout} s: {self.output!r}")
        return text

    def console(self):
        """QEMU waits for us to read, and the machine for QEMU: few bytes fill a socket when they come one by one."""
        while select.select([self.tty], [], [], 0)[0] and (data := self.tty.recv(1 << 16)):
            self.output += data
        return super().console()

    def close(self):
        self.tty.close()
        super().close()


class Ipxe(Firmware):
    """iPXE, the boot ROM of the network card."""

    KEY, PROMPT, END = b"\x02", b"iPXE> ", b"\r"

    def boots_from(self):
        return ["-boot", "n", "-machine", "graphics=off"]  # the BIOS then writes to the serial port


class UBoot(Firmware):
    """It uses one MAC address, 52:52:52:52:52:52, whatever its card is given."""

    ROM = Path("/usr/lib/u-boot/qemu-x86/u-boot.rom")
    KEY, PROMPT, END = b"\x03", b"\n=> ", b"\n"
    MAC = "52:52:52:52:52:52"

    def boots_from(self):
        return ["-bios", str(self.ROM)]


class UBootTest:
    """What every network has to do for U-Boot: a part of a unittest.TestCase that has .lanlet, inside of an Outside."""

    def assert_u_boot_works(self, card):
        """Asserts that a lease, ping and a download work."""
        boot = self.enterContext(UBoot(card))
        boot.interrupt()
        for command in ("virtio scan", "setenv autoload no"):
            boot.run(command)
        ip = re.search(r"bound to address (\S+)", boot.run("dhcp"))[1]
        self.assertEqual(self.lanlet.wait_for_lease(boot.MAC)[1], ip)
        for target in ("192.168.122.1", outside.FAR):
            self.assertIn(f"host {target} is alive", boot.run(f"ping {target}"))
        self.assertIn("Bytes transferred = 40000 (9c40 hex)", boot.run(f"tftpboot 0x1000000 {outside.ROUTER}:40000", 120))
        self.assertIn(f"{zlib.crc32(servers.blob(40000)):08x}", boot.run("crc32 0x1000000 9c40"))


class Ovmf(Machine):
    """UEFI, with the network drivers of EDK2: its shell runs a script from a small disk, and the console shows what that prints."""

    CODE, VARIABLES = Path("/usr/share/OVMF/OVMF_CODE_4M.fd"), Path("/usr/share/OVMF/OVMF_VARS_4M.fd")

    def __init__(self, card, *commands):
        # Nothing is connected to the card when the boot order does not mention it; PXE there would try for minutes.
        self.script = "".join(f"{line}\r\n" for line in ("echo -off", "connect -r", *commands))
        super().__init__(card)

    def firmware(self):
        variables = self.directory / "variables"
        shutil.copy(self.VARIABLES, variables)
        # Since edk2 of May 2024 the network stack starts only where there are random numbers (fixes of CVE-2023-45237).
        return [
            "-machine", "q35", "-cpu", "qemu64,+rdrand",
            "-drive", f"if=pflash,format=raw,readonly=on,file={self.CODE}", "-drive", f"if=pflash,format=raw,file={variables}",
        ]

    def boots_from(self):
        disk = self.directory / "disk"
        disk.mkdir()
        (disk / "startup.nsh").write_text(self.script)
        return [
            *self.firmware(), "-boot", "strict=on",
            "-drive", f"if=none,id=disk,format=raw,file=fat:rw:{disk}", "-device", "virtio-blk-pci,drive=disk,bootindex=1",
        ]
