# SPDX-License-Identifier: GPL-2.0-or-later
"""This machine's own kernel and programs as a guest: a network namespace whose tap device is connected to stream.sock."""

import contextlib
import fcntl
import os
import select
import struct
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from .link import StreamClient
from .programs import Program, Session

TUN = "/dev/net/tun"
TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000


def why_no_tap():
    """Why no tap device can be had here, or None."""
    if os.access(TUN, os.R_OK | os.W_OK):
        return None
    return f"{TUN} is not open to ordinary users here, as distributions have it: chmod 0666 {TUN}"


def need_tap():
    """Skips the module, class or test that cannot do without."""
    if reason := why_no_tap():
        raise unittest.SkipTest(reason)


class TapGuest(Session):
    """eth0 of a namespace of its own, in which run() runs programs; root's id there unless told otherwise."""

    front = "lan.tap"  # the module that relays between tap and socket

    def __init__(self, stream, mac, mtu=1500, root=True):
        self.stream = str(stream)
        self.mac = mac
        self.mtu = mtu
        self.root = root

    def launch(self):
        self.directory = tempfile.TemporaryDirectory(prefix="lanlet-tap-")
        self.resolv_conf = Path(self.directory.name) / "resolv.conf"
        self.resolv_conf.write_text("")
        return Program(
            [
                "unshare", *(["--map-root-user"] if self.root else []), "-n", "-m",
                sys.executable, "-m", self.front, self.stream, self.mac, self.mtu, self.resolv_conf,
            ],
            cwd=Path(__file__).parents[1], stdout=subprocess.PIPE)

    def connect(self):
        self.process.expect("connected")

    def __exit__(self, *_):
        super().__exit__()
        self.directory.cleanup()

    def command(self, *arguments):
        user = ["-U", "--preserve-credentials"] if self.root else []
        return ["nsenter", "-t", str(self.process.pid), *user, "-n", "-m", *map(str, arguments)]

    def run(self, *arguments, timeout=60.0, **more):
        """The finished process, with what it printed on either stream."""
        return subprocess.run(
            self.command(*arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", timeout=timeout, **more)

    def check(self, *arguments, **more):
        """The same, but must succeed; returns the output."""
        done = self.run(*arguments, **more)
        if done.returncode:
            raise AssertionError(f"{arguments} ended with {done.returncode}: {done.stdout}")
        return done.stdout

    def start(self, *arguments, **more):
        """A process that runs on; the caller ends it."""
        return Program(self.command(*arguments), **more)

    def set_address(self, ip, gateway="192.168.122.1", prefix=24):
        """Sets the address without DHCP."""
        self.check("ip", "address", "replace", f"{ip}/{prefix}", "dev", "eth0")
        self.check("ip", "route", "replace", "default", "via", gateway)
        self.resolv_conf.write_text(f"nameserver {gateway}\n")

    def start_python(self, program, *arguments):
        """A Python program that runs on, once it has printed "ready"; the caller ends it."""
        process = self.start(sys.executable, "-c", program, *arguments, stdout=subprocess.PIPE)
        try:
            process.expect("ready")
        except BaseException:
            process.end()
            raise
        return process

    def python(self, program, *arguments, timeout=60.0):
        """Runs a Python program there; what it printed."""
        return self.check(sys.executable, "-c", program, *arguments, timeout=timeout)

    def addresses(self):
        lines = self.check("ip", "-4", "-o", "address", "show", "dev", "eth0").splitlines()
        return [line.split()[3] for line in lines]


@contextlib.contextmanager
def serving(network, mac, ip, program):
    """A guest with this address in which a Python program serves, once that has printed "ready"."""
    with TapGuest(network.stream, mac) as guest:
        guest.set_address(ip)
        with guest.start_python(program):
            yield guest


def open_tap(name, flags=0):
    tap = os.open(TUN, os.O_RDWR)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI | flags))
    return tap


def configure(mac, mtu, resolv_conf):
    """This namespace, which has a tap named eth0."""
    commands = [
        ["mount", "--bind", resolv_conf, "/etc/resolv.conf"],
        ["ip", "link", "set", "lo", "up"],
        ["ip", "link", "set", "eth0", "address", mac, "mtu", mtu, "up"],
    ]
    for command in commands:
        subprocess.run(command, check=True)


def relay(tap, client):
    """Relays frames until lanlet has ended."""
    while True:
        ready, _, _ = select.select([tap, client], [], [])
        if tap in ready:
            client.send(os.read(tap, 1 << 17))
        if client in ready:
            os.write(tap, client.receive())
            while frame := client.buffered():
                os.write(tap, frame)


def connect(stream):
    """Connects as soon as lanlet listens (again), like QEMU's reconnect option."""
    while True:
        try:
            return StreamClient(stream)
        except OSError:
            time.sleep(0.1)


def main():
    stream, mac, mtu, resolv_conf = sys.argv[1:]
    tap = open_tap("eth0")
    configure(mac, mtu, resolv_conf)
    client = connect(stream)
    print("connected", flush=True)
    while True:
        with contextlib.suppress(EOFError, ConnectionError, TimeoutError):
            relay(tap, client)
        client.close()
        client = connect(stream)


if __name__ == "__main__":
    main()
