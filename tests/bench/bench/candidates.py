# SPDX-License-Identifier: GPL-2.0-or-later
"""Who is compared: each candidate makes a guest's way to the outside and says which processes that costs."""

import os
import re
import select
import shutil
import subprocess
from pathlib import Path

from .world import BenchError, Namespace, Process, ReadyProcess, run

GUEST_MAC = "52:54:00:12:34:56"
WITHOUT_CAPABILITIES = ["setpriv", "--ambient-caps=-all", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"]


def need(program):
    path = shutil.which(program)
    if not path:
        raise BenchError(f"{program} is not installed")
    return path


class Session:
    """A candidate that runs: load() programs started with `netns` go through `helper` (None: nobody but the kernel)."""

    def __init__(self, world, candidate, mtu):
        self.world = world
        self.candidate = candidate
        self.mtu = mtu
        self.helper = None
        self.front = None
        self.closing = []  # objects with close(), last first
        self.netns = None
        try:
            candidate.start(self)
        except BaseException:
            self.close()
            raise

    def own(self, thing):
        self.closing.append(thing)
        return thing

    def process(self, name, command, **more):
        return self.own(Process(name, command, self.world.directory, **more))

    def socket_path(self, name):
        """Where a helper shall listen; nothing is there yet."""
        path = self.world.directory / f"{name}.sock"
        path.unlink(missing_ok=True)
        return path

    def add_guest(self):
        guest = self.own(Namespace())
        self.netns = guest.path
        return guest

    def relay(self, guest, other_end, kind="tap", program="tap_front"):
        """The front end between the guest's tap0 and `other_end`."""
        self.front = self.own(ReadyProcess(
            "front", [self.world.programs / program, f"{kind}:tap0@{guest.path}", other_end], self.world.directory))

    def configure(self, guest, device, address, gateway):
        guest.run("ip", "link", "set", device, "address", GUEST_MAC, "mtu", self.mtu, "up")
        guest.run("ip", "address", "add", f"{address}/24", "dev", device)
        guest.run("ip", "route", "add", "default", "via", gateway)

    def processes(self):
        return {name: process for name, process in (("helper", self.helper), ("front", self.front)) if process}

    def close(self):
        while self.closing:
            self.closing.pop().close()


class Candidate:
    name = label = ""
    mtus = (1500, 65520)
    impairable = True
    has_helper = True

    def version(self):
        """For the table; BenchError when it is not there."""
        return ""

    def start(self, session):
        raise NotImplementedError

    def under_callgrind(self, output):
        """The same candidate in valgrind's tool, or None when that is not possible."""
        return None


class Loopback(Candidate):
    """No network at all: the limit of this machine."""

    name, label = "loopback", "loopback"
    mtus = (1500,)
    impairable = has_helper = False

    def start(self, session):
        session.netns = session.world.outside.path


class Direct(Candidate):
    """A process of the host, without a helper."""

    name, label = "direct", "host's own socket"
    mtus = (1500,)
    has_helper = False

    def start(self, session):
        session.netns = f"/proc/{os.getpid()}/ns/net"


class Masquerade:
    """The kernel's own network address translation, as long as the object lives."""

    RULES = """
        table ip bench {
            chain postrouting {
                type nat hook postrouting priority srcnat
                oifname "up0" masquerade
            }
        }
    """

    def __init__(self):
        subprocess.run([need("nft"), "-f", "-"], input=self.RULES, text=True, check=True)

    def close(self):
        run("nft", "delete", "table", "ip", "bench")


class Veth(Candidate):
    """What root gives a container."""

    name, label = "veth", "kernel: veth, masquerade"
    mtus = (1500,)
    has_helper = False

    def version(self):
        return os.uname().release

    def start(self, session):
        session.own(Masquerade())
        guest = session.add_guest()
        run("ip", "link", "add", "host0", "type", "veth", "peer", "name", "eth0", "netns", guest.path)
        run("ip", "address", "add", "10.0.2.2/24", "dev", "host0")
        run("ip", "link", "set", "host0", "up")
        session.configure(guest, "eth0", "10.0.2.15", "10.0.2.2")
        session.own(LinkRemover("host0"))


class LinkRemover:
    def __init__(self, device):
        self.device = device

    def close(self):
        subprocess.run(["ip", "link", "delete", self.device], capture_output=True)


class RootVm(Candidate):
    """What root gives a virtual machine: its front end relays, with or without offloads, to a tap behind the kernel's masquerade."""

    mtus = (1500,)
    has_helper = False

    def __init__(self, name, label, kind):
        self.name, self.label, self.kind = name, label, kind

    def start(self, session):
        session.own(Masquerade())
        guest = session.add_guest()
        session.relay(guest, f"{self.kind}:vm0@/proc/{os.getpid()}/ns/net", self.kind)
        run("ip", "link", "set", "vm0", "mtu", session.mtu, "up")
        run("ip", "address", "add", "10.0.2.2/24", "dev", "vm0")
        session.configure(guest, "tap0", "10.0.2.15", "10.0.2.2")


class Passt(Candidate):
    name, label = "passt", "passt"

    def program(self):
        return os.environ.get("PASST") or need("passt")

    def version(self):
        text = subprocess.run([self.program(), "--version"], capture_output=True, text=True)
        lines = [line for line in (text.stdout + text.stderr).splitlines() if line.startswith("passt ")]
        version = lines[0].removeprefix("passt ") if lines else "unknown version"
        if "unknown" in version and "PASST" not in os.environ:
            version = debian_version("passt") or version
        return version

    def start(self, session):
        path = session.socket_path("passt")
        session.helper = session.process("passt", [
            self.program(), "-f", "-4", "-s", path, "-a", "10.0.2.15", "-n", "255.255.255.0", "-g", "10.0.2.2", "-i", "up0",
            "-m", session.mtu, "--no-map-gw", "-t", "none", "-u", "none",
        ])
        session.helper.wait_for(path.exists, "socket")
        guest = session.add_guest()
        session.relay(guest, f"unix:{path}")
        session.configure(guest, "tap0", "10.0.2.15", "10.0.2.2")


class Slirp4netns(Candidate):
    """Owns its tap itself, without a front end."""

    name, label = "slirp4netns", "slirp4netns"

    def version(self):
        text = subprocess.run([need("slirp4netns"), "--version"], capture_output=True, text=True).stdout
        return ", ".join(re.findall(r"(?:slirp4netns version |libslirp: )\S+", text)).replace("slirp4netns version ", "")

    def start(self, session):
        guest = session.add_guest()
        readable, writable = os.pipe()
        try:
            session.helper = session.process("slirp4netns", [
                "slirp4netns", "--netns-type=path", f"--mtu={session.mtu}", f"--ready-fd={writable}", "--disable-host-loopback",
                guest.path, "tap0",
            ], pass_fds=[writable])
            session.helper.wait_for(lambda: select.select([readable], [], [], 0)[0], "sign of readiness")
        finally:
            os.close(readable)
            os.close(writable)
        session.configure(guest, "tap0", "10.0.2.100", "10.0.2.2")


class QemuUser(Candidate):
    """A QEMU without a machine that joins a stream socket and its user-mode network."""

    name, label = "qemu-user", "QEMU -netdev user"
    mtus = (1500,)

    def version(self):
        return run(need("qemu-system-x86_64"), "--version").split()[3]

    def start(self, session):
        path = session.socket_path("qemu")
        session.helper = session.process("qemu", [
            "qemu-system-x86_64", "-M", "none", "-nodefaults", "-display", "none",
            "-netdev", f"stream,id=s,server=on,addr.type=unix,addr.path={path}", "-netdev", "hubport,id=hs,hubid=0,netdev=s",
            "-netdev", "user,id=u", "-netdev", "hubport,id=hu,hubid=0,netdev=u",
        ])
        session.helper.wait_for(path.exists, "socket")
        guest = session.add_guest()
        session.relay(guest, f"unix:{path}")
        session.configure(guest, "tap0", "10.0.2.15", "10.0.2.2")


class Lanlet(Candidate):
    def __init__(self, name, label, program, options=(), environment=(), wrapper=()):
        self.name, self.label = name, label
        self.path = Path(program)
        self.options = options
        self.environment = dict(environment)
        self.wrapper = wrapper

    def version(self):
        if not os.access(self.path, os.X_OK):
            raise BenchError(f"{self.path} is not built")
        return subprocess.run([self.path, "--version"], capture_output=True, text=True).stdout.strip().removeprefix("lanlet ")

    def run(self, session):
        """Starts lanlet; returns where its sockets are."""
        directory = session.world.directory / self.name
        readable, writable = os.pipe()
        try:
            session.helper = session.process(self.name, [
                *WITHOUT_CAPABILITIES, *self.wrapper, self.path, "run", "bench", "--runtime-dir", directory / "run",
                "--state-dir", directory / "state", "--ready-fd", writable, *self.options,
            ], pass_fds=[writable], env=os.environ | self.environment)
            session.helper.wait_for(lambda: select.select([readable], [], [], 0)[0], "sign of readiness")
        finally:
            os.close(readable)
            os.close(writable)
        return directory / "run"

    def plug(self, session, guest, sockets):
        session.relay(guest, f"unix:{sockets / 'stream.sock'}")

    def start(self, session):
        sockets = self.run(session)
        guest = session.add_guest()
        self.plug(session, guest, sockets)
        session.configure(guest, "tap0", "192.168.122.77", "192.168.122.1")

    def under_callgrind(self, output):
        if not shutil.which("valgrind"):
            return None
        wrapper = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={output}"]
        return type(self)(f"{self.name}-callgrind", self.label, self.path, self.options, self.environment, wrapper)


class LanletVhost(Lanlet):
    """By vhost-user: the guest's driver takes offloads."""

    mtus = (1500,)
    tap = "offload-tap"

    def plug(self, session, guest, sockets):
        session.relay(guest, f"unix:{sockets / 'vhost.sock'}", self.tap, "vhost_nic")


class LanletVhostPlain(LanletVhost):
    """By vhost-user without any offload."""

    tap = "header-tap"


def debian_version(package):
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True)
    return f"Debian {done.stdout}" if done.returncode == 0 else None


def all_candidates(lanlet, programs):
    """`programs`: where the benchmark's own are."""
    without_peek_off = {"LD_PRELOAD": str(programs / "libno_peek_off.so")}
    return [
        Loopback(), Direct(), Veth(),
        RootVm("root-vm", "root's VM path: tap, masquerade", "offload-tap"), RootVm("root-vm-plain", "the same without offloads", "tap"),
        Passt(), Slirp4netns(), QemuUser(),
        Lanlet("lanlet-libslirp", "lanlet, libslirp", lanlet, ["--engine", "libslirp"]),
        Lanlet("lanlet-no-peek-off", "lanlet, no SO_PEEK_OFF", lanlet, ["--engine", "native"], without_peek_off),
        Lanlet("lanlet", "lanlet", lanlet, ["--engine", "native"]),
        LanletVhostPlain("lanlet-vhost-plain", "lanlet, vhost-user, no offloads", lanlet, ["--engine", "native"]),
        LanletVhost("lanlet-vhost", "lanlet, vhost-user", lanlet, ["--engine", "native"]),
    ]
