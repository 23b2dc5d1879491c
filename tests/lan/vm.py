# SPDX-License-Identifier: GPL-2.0-or-later
"""Real virtual machines under QEMU's TCG: Debian's kernel with busybox as the whole user land.

A guest's second serial port is a shell: a line in, its output and its exit status out.
"""

import json
import os
import re
import select
import shutil
import socket
import stat
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from .programs import Program, check
from .wait import wait_until

MEMORY_MB = 160
BOOT_PATIENCE = 240.0  # seconds; 3 on an idle machine

# tty: the serial port of the shell.
INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in /modules/*.ko; do insmod "$module"; done
ip link set lo up
stty raw -echo </dev/%(tty)s
exec sh /shell </dev/%(tty)s >/dev/%(tty)s 2>&1
"""

SHELL = """echo "@@0"
while read -r line; do
	( eval "$line" ) </dev/null
	status=$?
	printf '\\n@@%d\\n' "$status"
done
"""

# What udhcpc calls with the lease in its environment.
UDHCPC_SCRIPT = """#!/bin/sh
case $1 in
deconfig)
	ip addr flush dev "$interface"
	ip link set "$interface" up
	;;
bound|renew)
	ip addr flush dev "$interface"
	ip addr add "$ip/$mask" dev "$interface"
	[ -z "$mtu" ] || ip link set "$interface" mtu "$mtu"
	[ -z "$router" ] || ip route replace default via "${router%% *}"
	: >/etc/resolv.conf
	[ -z "$domain" ] || echo "search $domain" >>/etc/resolv.conf
	for server in $dns; do echo "nameserver $server" >>/etc/resolv.conf; done
	env >"/tmp/lease"
	;;
esac
"""


def newc(name, mode, data=b"", device=(0, 0)):
    """One member of a cpio archive in the kernel's format; needs no root, whatever it says of devices."""
    name = name.encode() + b"\0"
    numbers = [0, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name), 0]
    head = b"070701" + b"".join(b"%08X" % number for number in numbers) + name
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)


def with_libraries(program):
    """A program of this machine and the libraries that it is linked with: path → the file that is there."""
    path = shutil.which(program)
    libraries = re.findall(r"(/\S+) \(0x", check("ldd", path))
    return {f"bin/{program}": Path(path), **{library.lstrip("/"): Path(library).resolve() for library in libraries}}


def root_files(modules, programs=(), init=INIT, tty="ttyS1"):
    """What a guest's root directory has: path → mode and bytes."""
    files = {
        "bin/busybox": (0o755, (parts() / "busybox").read_bytes()),
        "init": (0o755, (init % {"tty": tty}).encode()),
        "shell": (0o644, SHELL.encode()),
        "udhcpc.script": (0o755, UDHCPC_SCRIPT.encode()),
    }
    for number, module in enumerate(modules):
        files[f"modules/{number:02d}-{module.name}"] = (0o644, module.read_bytes())
    for program in programs:
        for path, source in with_libraries(program).items():
            files[path] = (0o755, source.read_bytes())
    return files


def directories(files):
    """Those of the files and those that are mounted on, parents first."""
    found = {"dev", "etc", "proc", "sys", "tmp"}
    for path in files:
        found.update(str(parent) for parent in Path(path).parents if parent.name)
    return sorted(found)


def initramfs(files):
    members = [newc(name, stat.S_IFDIR | 0o755) for name in directories(files)]
    members.append(newc("dev/console", stat.S_IFCHR | 0o600, device=(5, 1)))
    members += [newc(path, stat.S_IFREG | mode, data) for path, (mode, data) in files.items()]
    return b"".join(members) + newc("TRAILER!!!", 0)


def guest_modules(kernel=None):
    return sorted(((kernel or parts()) / "modules").glob("*.ko"))


def why_no_vm(kernel=None):
    """Why no machine can be booted here, or None."""
    for needed in (shutil.which("qemu-system-x86_64"), parts() / "busybox", (kernel or parts()) / "vmlinuz"):
        if not needed or not os.access(needed, os.R_OK):
            return f"no {needed or 'qemu-system-x86_64'}: contrib/test fetches it"
    return None


def need_vm(kernel=None):
    """Skips the module, class or test that cannot do without."""
    if reason := why_no_vm(kernel):
        raise unittest.SkipTest(reason)


def busybox():
    """The guest's, which a test may run on this machine too; skips the test when contrib/test has not fetched it."""
    path = parts() / "busybox"
    if not os.access(path, os.X_OK):
        raise unittest.SkipTest(f"no {path}: contrib/test fetches it")
    return path


def parts():
    """The directory that contrib/common.sh's fetch_guest filled."""
    return Path(os.environ.get("LANLET_GUEST", Path(__file__).parents[2] / "build-guest"))


def all_drivers():
    """The directory of the kernel that has drivers of all QEMU's network cards."""
    return parts() / "drivers"


def card(stream, mac, hub=False):
    """With a hub between card and network, unplug() and plug() work below a running guest."""
    jacks = ["-netdev", "hubport,id=card,hubid=0", "-netdev", "hubport,id=jack,hubid=0,netdev=net0"] if hub else []
    return [
        "-netdev", f"stream,id=net0,addr.type=unix,addr.path={stream}", *jacks,
        "-device", f"virtio-net-pci,netdev={'card' if hub else 'net0'},mac={mac}",
    ]


def netdev_card(netdev, mac):
    """A card behind any of QEMU's -netdev."""
    return ["-netdev", f"{netdev},id=net0", "-device", f"virtio-net-pci,netdev=net0,mac={mac}"]


def dgram_card(local, remote, mac):
    return netdev_card(f"dgram,local.type=unix,local.path={local},remote.type=unix,remote.path={remote}", mac)


def vde_card(directory, mac):
    return netdev_card(f"vde,sock={directory}", mac)


def vhost_card(path, mac, queues=1, reconnect=False, server=False, **properties):
    """A vhost-user card.  QEMU connects to the socket (again and again with reconnect), or listens there (server).

    Without MSI-X: with it QEMU 7.2 dies when a guest under TCG starts the card, whatever the back end.
    """
    more = "".join(f",{name}={value}" for name, value in properties.items())
    pairs = ",mq=on" if queues > 1 else ""
    return [
        "-object", f"memory-backend-memfd,id=memory,share=on,size={MEMORY_MB}M", "-numa", "node,memdev=memory",
        "-chardev", f"socket,id=vhost,path={path}" + (",reconnect=1" if reconnect else "") + (",server=on" if server else ""),
        "-netdev", f"vhost-user,id=net0,chardev=vhost,queues={queues}",
        "-device", f"virtio-net-pci,netdev=net0,mac={mac},vectors=0{pairs}{more}",
    ]


class Machine:
    """A QEMU process with one network card; subclasses say what it boots."""

    def __init__(self, card, fds=()):
        """The card: QEMU's arguments, as card() or `lanlet qemu` gives them; the descriptors that they name."""
        self.directory = Path(tempfile.mkdtemp(prefix="lanlet-vm-"))
        self.mac = re.search(r"mac=([0-9a-f:]+)", " ".join(card))[1]
        self.process = Program(
            [
                "qemu-system-x86_64", "-accel", "tcg", "-nodefaults", "-display", "none", "-no-user-config", "-no-reboot",
                "-m", str(MEMORY_MB), "-qmp", f"unix:{self.directory}/qmp,server=on,wait=off",
                *self.serial_port(), *card, *self.boots_from(),
            ],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, pass_fds=fds)

    def serial_port(self):
        """The first one: the console."""
        return ["-serial", f"file:{self.directory}/console"]

    def boots_from(self):
        raise NotImplementedError

    def console(self):
        path = self.directory / "console"
        return path.read_text(errors="replace") if path.exists() else ""

    def wait_for(self, condition, what, timeout=BOOT_PATIENCE):
        """The first true value of the condition, while QEMU runs."""

        def found():
            if value := condition():
                return value
            if not self.process.is_running():
                raise AssertionError(f"QEMU ended: {self.process.stderr.read().decode()}")
            return None

        return wait_until(found, lambda: f"{what}; the console says:\n{self.console()}", timeout)

    def connect(self, name):
        """A connection to QEMU's socket @name; between bind() and listen() a socket is there and refuses."""
        sock = socket.socket(socket.AF_UNIX)

        def is_connected():
            try:
                sock.connect(f"{self.directory}/{name}")
            except (FileNotFoundError, ConnectionRefusedError):
                return False
            return True

        try:
            self.wait_for(is_connected, "QEMU's socket")
        except BaseException:
            sock.close()
            Machine.close(self)
            raise
        return sock

    def qmp(self, command, **arguments):
        """Runs a QMP command in a session of its own."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(10)
            sock.connect(f"{self.directory}/qmp")
            lines = sock.makefile("rw")
            lines.readline()
            for message in ({"execute": "qmp_capabilities"}, {"execute": command, "arguments": arguments}):
                lines.write(json.dumps(message) + "\n")
                lines.flush()
                while "event" in (answer := json.loads(lines.readline())):
                    pass
            assert "return" in answer, answer
            return answer["return"]

    # These two are for a card behind a hub.
    def unplug(self):
        """QEMU's hub stalls for good when the guest sends while nothing is connected: keep it quiet until plug()."""
        self.qmp("netdev_del", id="jack")
        self.qmp("netdev_del", id="net0")

    def plug(self, stream):
        self.qmp("netdev_add", type="stream", id="net0", addr={"type": "unix", "path": str(stream)})
        self.qmp("netdev_add", type="hubport", id="jack", hubid=0, netdev="net0")

    def close(self):
        self.process.end()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Shell:
    """A Linux system at the other end of a socket on which its shell reads lines.  The first use waits for it to boot."""

    def __init__(self, name, shell):
        self.name = name
        self.shell = shell
        self.output = bytearray()
        self.has_booted = False

    def start(self, command):
        """Begins a line of shell; finish() must follow before the next."""
        assert "\n" not in command
        if not self.has_booted:
            self.finish(BOOT_PATIENCE)
            self.has_booted = True
        self.shell.sendall(command.encode() + b"\n")

    def finish(self, timeout):
        """Waits for the running line; returns exit status and output."""
        deadline = time.monotonic() + timeout
        while not (found := re.search(rb"\n?@@(\d+)\r?\n", self.output)):
            if not select.select([self.shell], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise AssertionError(f"{self.name}: no answer in {timeout} s, only {bytes(self.output)!r}\n{self.console()}")
            if not (data := self.shell.recv(1 << 16)):
                raise AssertionError(f"{self.name}: it ended: {self.console()}")
            self.output += data
        status = int(found[1])
        text = self.output[: found.start()].decode(errors="replace").replace("\r\n", "\n")
        self.output = self.output[found.end() :]
        return status, text

    def run(self, command, timeout=60.0):
        """Runs a line of shell; its exit status and what it printed on either stream."""
        self.start(command)
        return self.finish(timeout)

    def check(self, command, timeout=60.0):
        """The same, but must succeed; returns the output."""
        status, text = self.run(command, timeout)
        if status:
            raise AssertionError(f"{self.name}: {command!r} ended with {status}: {text}")
        return text

    def lease(self, *options, interface="eth0"):
        """Gets a lease with udhcpc; its variables, as udhcpc's script sees them."""
        command = ["udhcpc -i", interface, "-s /udhcpc.script -n -q -t 5 -T 2 -x", f"hostname:{self.name}", *options]
        self.check(" ".join(command))
        lines = self.check("cat /tmp/lease").splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)


class Guest(Shell, Machine):
    """A Linux guest under QEMU, with further programs of this machine when they are named."""

    def __init__(self, card, name, programs=(), fds=(), kernel=None):
        """@kernel: the directory of a kernel and its modules, parts() unless another is given."""
        self.programs = programs
        self.kernel = kernel or parts()
        Machine.__init__(self, card, fds)
        Shell.__init__(self, name, self.connect("shell"))

    def boots_from(self):
        (self.directory / "initramfs").write_bytes(initramfs(root_files(guest_modules(self.kernel), self.programs)))
        return [
            "-kernel", str(self.kernel / "vmlinuz"), "-initrd", str(self.directory / "initramfs"),
            "-append", "console=ttyS0 quiet panic=-1 no_timer_check ipv6.disable=1",
            "-chardev", f"socket,id=shell,path={self.directory}/shell,server=on,wait=off", "-serial", "chardev:shell",
        ]

    def reboot(self):
        self.qmp("set-action", reboot="reset")
        self.start("reboot -f")
        self.finish(BOOT_PATIENCE)

    def close(self):
        self.shell.close()
        super().close()


class NetworkBoot(Machine):
    """A machine without a disk: the network card's own ROM, iPXE, boots it."""

    def boots_from(self):
        return ["-boot", "n", "-machine", "graphics=off"]  # the BIOS then writes to the serial port
