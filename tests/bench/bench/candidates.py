# SPDX-License-Identifier: GPL-2.0-or-later
"""What is compared: each candidate connects a guest to the outside and names the processes whose CPU counts."""

import os
import re
import select
import shutil
import socket
import subprocess
from collections import namedtuple
from itertools import combinations_with_replacement
from pathlib import Path

from .host import FIRST_PORT, PORTS, QUIET_PORT, SERVER, SERVER6, BenchError, Namespace, Process, ReadyProcess, enable_ipv6, run

GUEST_MAC, SECOND_MAC = "52:54:00:12:34:56", "52:54:00:12:34:57"
GUEST_IP, SECOND_IP, GATEWAY_IP = "192.168.122.77", "192.168.122.78", "192.168.122.1"
ACCEPTS = "00010000"  # flags of a listening socket in /proc/net/unix
GUEST_IP6, GATEWAY_IP6, PREFIX6 = "fd12:3456:789a::77", "fd12:3456:789a::1", "fd12:3456:789a::/64"
FLOODERS = ("stream", "vhost", "dgram", "vde")
WITHOUT_CAPABILITIES = ["setpriv", "--ambient-caps=-all", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"]


def need(program):
    path = shutil.which(program)
    if not path:
        raise BenchError(f"{program} is not installed")
    return path


class Session:
    """A running candidate: load programs in the namespace `netns` reach `server` through `helper` (None: through the kernel alone)."""

    def __init__(self, host, candidate, mtu):
        self.host = host
        self.candidate = candidate
        self.mtu = mtu
        self.helper = None
        self.fronts = []
        self.server = SERVER
        self.closing = []  # objects with close(), last first
        self.netns = None
        self.vde = None  # what vde_load connects to: the directory of a VDE switch
        self.flooder = None  # namespace of the guest that floods; `netns` is that of the guest beside it
        try:
            candidate.start(self)
        except BaseException:
            self.close()
            raise

    def own(self, thing):
        self.closing.append(thing)
        return thing

    def process(self, name, command, **more):
        return self.own(Process(name, command, self.host.directory, **more))

    def socket_path(self, name):
        """Returns a path for a helper's socket; nothing exists there yet."""
        path = self.host.directory / f"{name}.sock"
        path.unlink(missing_ok=True)
        return path

    def add_guest(self):
        guest = self.own(Namespace())
        self.netns = self.netns or guest.path
        return guest

    def relay(self, guest, other_end, kind="tap", program="tap_front"):
        """Starts the front end between the guest's tap0 and `other_end`."""
        self.fronts.append(self.own(ReadyProcess(
            "front", [self.host.programs / program, f"{kind}:tap0@{guest.path}", other_end], self.host.directory)))

    def configure(self, guest, device, address, gateway=None, mac=GUEST_MAC):
        guest.run("ip", "link", "set", device, "address", mac, "mtu", self.mtu, "up")
        guest.run("ip", "address", "add", f"{address}/24", "dev", device)
        if gateway:
            guest.run("ip", "route", "add", "default", "via", gateway)

    def serve_in(self, guest, address):
        """Starts the loads' server in `guest`."""
        self.server = address
        with guest.inside():
            self.own(ReadyProcess(
                "guest-server", [self.host.programs / "load", "serve", "0.0.0.0", FIRST_PORT, "--ports", PORTS], self.host.directory))

    def processes(self):
        """Returns ("helper" or "front", process) for each process."""
        helper = [("helper", self.helper)] if self.helper else []
        return helper + [("front", front) for front in self.fronts]

    def close(self):
        while self.closing:
            self.closing.pop().close()


PLAIN_GROUPS = ("mtu1500", "udp", "udp-at", "idle")
IMPAIRED_GROUPS = ("rtt20", "rtt20-loss")
PATH_GROUPS = ("rtt100", "rtt200", "delay-1", "delay-2", "delay-20", "delay-200", "slow-reader")
IPV6_GROUPS = ("mtu65520", "mtu1500", "udp", "udp-at")
OUTSIDE_GROUPS = ("mtu65520", *PLAIN_GROUPS, *IMPAIRED_GROUPS)


class Candidate:
    """`groups`: the groups of loads that it runs."""

    name = label = ""
    groups = OUTSIDE_GROUPS
    has_helper = True

    def version(self):
        """Returns the version for the report; raises BenchError when the program is missing."""
        return ""

    def start(self, session):
        raise NotImplementedError

    def under_callgrind(self, output):
        """Returns the same candidate under callgrind, or None when that is not possible."""
        return None


class Loopback(Candidate):
    """Client and server in one namespace: the limit of this machine."""

    name, label = "loopback", "loopback"
    groups = PLAIN_GROUPS
    has_helper = False

    def start(self, session):
        session.netns = session.host.outside.path


class Direct(Candidate):
    """A process on the host, without a helper."""

    name, label = "direct", "host's own socket"
    groups = PLAIN_GROUPS + IMPAIRED_GROUPS + PATH_GROUPS
    has_helper = False

    def start(self, session):
        session.netns = f"/proc/{os.getpid()}/ns/net"


class Masquerade:
    """The kernel's NAT, until close()."""

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
    """A container's network as root sets it up."""

    name, label = "veth", "kernel: veth, masquerade"
    groups = PLAIN_GROUPS + IMPAIRED_GROUPS + PATH_GROUPS
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
    """A virtual machine's network as root sets it up: the front end relays to a tap, with or without offloads; the kernel masquerades."""

    groups = PLAIN_GROUPS + IMPAIRED_GROUPS + PATH_GROUPS
    has_helper = False

    def __init__(self, name, label, kind, groups=groups):
        self.name, self.label, self.kind, self.groups = name, label, kind, groups

    def start(self, session):
        session.own(Masquerade())
        guest = session.add_guest()
        session.relay(guest, f"{self.kind}:vm0@/proc/{os.getpid()}/ns/net", self.kind)
        run("ip", "link", "set", "vm0", "mtu", session.mtu, "up")
        run("ip", "address", "add", "10.0.2.2/24", "dev", "vm0")
        session.configure(guest, "tap0", "10.0.2.15", "10.0.2.2")


class Passt(Candidate):
    name, label = "passt", "passt"
    groups = OUTSIDE_GROUPS + PATH_GROUPS

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
        session.helper.wait_for(lambda: is_listening(path), "socket")
        guest = session.add_guest()
        session.relay(guest, f"unix:{path}")
        session.configure(guest, "tap0", "10.0.2.15", "10.0.2.2")


def is_listening(path):
    """Whether a unix socket of this namespace takes connections; it exists a moment before it does."""
    lines = Path("/proc/net/unix").read_text().splitlines()
    return any(fields[-1] == str(path) and fields[3] == ACCEPTS for fields in map(str.split, lines))


class Slirp4netns(Candidate):
    """slirp4netns has the tap itself and needs no front end."""

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
    """A QEMU without a machine that connects a stream socket to its user-mode network."""

    name, label = "qemu-user", "QEMU -netdev user"
    groups = PLAIN_GROUPS + IMPAIRED_GROUPS

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


# How a guest's tap is connected to lanlet: the program between them, the kind of tap, and the endpoint in lanlet's runtime directory ({}).
Transport = namedtuple("Transport", "front tap end")
TRANSPORTS = {
    "stream": Transport("tap_front", "tap", "unix:{}/stream.sock"),
    "dgram": Transport("tap_front", "tap", "dgram:{}/dgram.sock"),
    "vde": Transport("tap_front", "tap", "vde:{}/vde"),
    "vhost": Transport("vhost_nic", "offload-tap", "unix:{}/vhost.sock"),
    "vhost-plain": Transport("vhost_nic", "header-tap", "unix:{}/vhost.sock"),
}
PAIRS = list(combinations_with_replacement(("stream", "dgram", "vde", "vhost"), 2))


class Lanlet(Candidate):
    def __init__(self, name, label, program, options=("--engine", "native"), environment=(), transport="stream",
                 groups=OUTSIDE_GROUPS, wrapper=()):
        self.name, self.label, self.groups = name, label, groups
        self.path = Path(program)
        self.options = options
        self.environment = dict(environment)
        self.transport = transport
        self.wrapper = wrapper

    def version(self):
        if not os.access(self.path, os.X_OK):
            raise BenchError(f"{self.path} is not built")
        return subprocess.run([self.path, "--version"], capture_output=True, text=True).stdout.strip().removeprefix("lanlet ")

    def run(self, session):
        """Starts lanlet; returns its runtime directory."""
        directory = session.host.directory / self.name
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

    def connect(self, session, guest, runtime, transport):
        how = TRANSPORTS[transport]
        session.relay(guest, how.end.format(runtime), how.tap, how.front)

    def start(self, session):
        runtime = self.run(session)
        guest = session.add_guest()
        self.connect(session, guest, runtime, self.transport)
        session.configure(guest, "tap0", GUEST_IP, "192.168.122.1")

    def under_callgrind(self, output):
        if not shutil.which("valgrind"):
            return None
        wrapper = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={output}"]
        return Lanlet(f"{self.name}-callgrind", self.label, self.path, self.options, self.environment, self.transport, (), wrapper)


class Lanlet6(Lanlet):
    """The guest and the server talk over IPv6."""

    def __init__(self, name, label, program, transport, groups):
        super().__init__(name, label, program, ("--engine", "native", "--ipv6", PREFIX6), transport=transport, groups=groups)

    def start(self, session):
        super().start(session)
        (guest,) = (thing for thing in session.closing if isinstance(thing, Namespace))
        with guest.inside():
            enable_ipv6("tap0")
            run("ip", "address", "add", f"{GUEST_IP6}/64", "dev", "tap0", "nodad")
            run("ip", "-6", "route", "add", "default", "via", GATEWAY_IP6)
        session.server = SERVER6


def join_pair(session, connect):
    """Starts two guests, each connected by connect(guest, number); the second one is the server."""
    guests = session.add_guest(), session.add_guest()
    for number, (guest, address, mac) in enumerate(zip(guests, (GUEST_IP, SECOND_IP), (GUEST_MAC, SECOND_MAC))):
        connect(guest, number)
        session.configure(guest, "tap0", address, mac=mac)
    send_first_frame(guests[1], GUEST_IP)
    session.serve_in(guests[1], SECOND_IP)


def send_first_frame(guest, peer):
    """A guest on a datagram socket gets a port with its first frame, which a real one sends while it boots."""
    with guest.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(b"", (peer, 9))


class LanletBetween(Lanlet):
    """Two guests on one network."""

    def __init__(self, program, first, second):
        super().__init__(f"lanlet-{first}-{second}", f"lanlet, {first} to {second}", program, groups=("between",))
        self.transports = first, second

    def start(self, session):
        runtime = self.run(session)
        join_pair(session, lambda guest, number: self.connect(session, guest, runtime, self.transports[number]))


def join_flooder(session, connect):
    """Starts two guests, each connected by connect(guest, number): the first one floods, the second one is measured."""
    guests = session.add_guest(), session.add_guest()
    for number, (guest, address, mac) in enumerate(zip(guests, (GUEST_IP, SECOND_IP), (GUEST_MAC, SECOND_MAC))):
        connect(guest, number)
        session.configure(guest, "tap0", address, GATEWAY_IP, mac)
        send_first_frame(guest, GATEWAY_IP)
    session.flooder, session.netns = guests[0].path, guests[1].path
    with session.host.outside.inside():
        session.own(ReadyProcess(
            "quiet-server", [session.host.programs / "load", "serve", "0.0.0.0", QUIET_PORT, "--ports", 1], session.host.directory))


class LanletFlooded(Lanlet):
    """A guest that floods, and one on a stream socket beside it."""

    def __init__(self, program, transport):
        super().__init__(f"lanlet-flood-{transport}", f"lanlet, flood by {transport}", program, groups=("flood",))
        self.transports = transport, "stream"

    def start(self, session):
        runtime = self.run(session)
        join_flooder(session, lambda guest, number: self.connect(session, guest, runtime, self.transports[number]))


class LanletVde(Lanlet):
    """Only its VDE switch; the load brings its own clients."""

    def __init__(self, program):
        super().__init__("lanlet-vde", "lanlet's VDE switch", program, groups=("vde",))

    def start(self, session):
        session.vde = self.run(session) / "vde"


class VdeSwitch(Candidate):
    name, label = "vde_switch", "vde_switch"
    groups = ("vde",)

    def version(self):
        need("vde_switch")
        return debian_version("vde2") or ""

    def run(self, session):
        session.vde = session.host.directory / "vde_switch"
        shutil.rmtree(session.vde, ignore_errors=True)  # of the session before, which was killed
        # Standard input is its console; it exits when that is closed.
        session.helper = session.process("vde_switch", ["vde_switch", "-s", session.vde], stdin=subprocess.PIPE)
        session.helper.wait_for((session.vde / "ctl").exists, "socket")

    def start(self, session):
        self.run(session)


class Relay(Candidate):
    """Replaces a helper or a switch: forwards bytes without reading them."""

    name, label = "relay", "plain relay"
    groups = ("vde", "relay")
    has_helper = False

    def start(self, session):
        session.vde = "--relay"
        session.netns = session.host.outside.path


class VdeSwitchBetween(VdeSwitch):
    """Two virtual machines on vde_switch."""

    name, label = "vde_switch-pair", "vde_switch, two guests"
    groups = ("between",)

    def start(self, session):
        self.run(session)
        join_pair(session, lambda guest, _: session.relay(guest, f"vde:{session.vde}"))


class Bridge(Candidate):
    """Two virtual machines on root's bridge: each front end relays to a tap that is one of its ports."""

    groups = ("between",)
    has_helper = False

    def __init__(self, name, label, kind):
        self.name, self.label, self.kind = name, label, kind

    def start(self, session):
        run("ip", "link", "add", "bridge0", "type", "bridge")
        session.own(LinkRemover("bridge0"))
        run("ip", "link", "set", "bridge0", "up")
        join_pair(session, lambda guest, number: self.connect(session, guest, f"vm{number}"))

    def connect(self, session, guest, port):
        session.relay(guest, f"{self.kind}:{port}@/proc/{os.getpid()}/ns/net", self.kind)
        run("ip", "link", "set", port, "mtu", session.mtu, "master", "bridge0", "up")


class BridgeFlooded(Bridge):
    """The same with a gateway that masquerades, and a guest that floods."""

    groups = ("flood",)

    def start(self, session):
        session.own(Masquerade())
        run("ip", "link", "add", "bridge0", "type", "bridge")
        session.own(LinkRemover("bridge0"))
        run("ip", "link", "set", "bridge0", "up")
        run("ip", "address", "add", f"{GATEWAY_IP}/24", "dev", "bridge0")
        join_flooder(session, lambda guest, number: self.connect(session, guest, f"vm{number}"))


class Floor(Candidate):
    """The least that any helper does: one copy between another process's memory and a loopback socket."""

    name, label = "floor", "one copy, memory to socket"
    groups = ("floor",)
    has_helper = False

    def start(self, session):
        session.netns = session.host.outside.path


class Iperf3(Floor):
    name, label = "iperf3", "iperf3"

    def version(self):
        return run(need("iperf3"), "--version").split()[1]


def debian_version(package):
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True)
    return f"Debian {done.stdout}" if done.returncode == 0 else None


def all_candidates(lanlet, programs):
    """`programs`: the directory of the benchmark's own programs."""
    without_peek_off = {"LD_PRELOAD": str(programs / "libno_peek_off.so")}
    vhost_groups, plain_groups = ("mtu1500", "udp", "udp-at", *PATH_GROUPS), ("mtu1500",)
    return [
        Loopback(), Direct(), Veth(),
        RootVm("root-vm", "root's VM path: tap, masquerade", "offload-tap"),
        RootVm("root-vm-plain", "the same without offloads", "tap", plain_groups),
        Passt(), Slirp4netns(), QemuUser(),
        Lanlet("lanlet-libslirp", "lanlet, libslirp", lanlet, ["--engine", "libslirp"]),
        Lanlet("lanlet-no-peek-off", "lanlet, no SO_PEEK_OFF", lanlet, environment=without_peek_off),
        Lanlet("lanlet", "lanlet", lanlet, groups=(*OUTSIDE_GROUPS, *PATH_GROUPS, "ports")),
        Lanlet("lanlet-vhost-plain", "lanlet, vhost-user, no offloads", lanlet, transport="vhost-plain", groups=plain_groups),
        Lanlet("lanlet-vhost", "lanlet, vhost-user", lanlet, transport="vhost", groups=vhost_groups),
        Lanlet("lanlet-vhost-poll", "lanlet, vhost-user, busy poll", lanlet, ["--engine", "native", "--busy-poll", "100"],
               transport="vhost", groups=plain_groups),
        *(Lanlet6(f"{name}-ipv6", f"{label}, IPv6", lanlet, transport, groups) for name, label, transport, groups in (
            ("lanlet", "lanlet", "stream", IPV6_GROUPS), ("lanlet-vhost", "lanlet, vhost-user", "vhost", vhost_groups),
            ("lanlet-vhost-plain", "lanlet, vhost-user, no offloads", "vhost-plain", plain_groups))),
        Bridge("bridge", "root's bridge and taps", "offload-tap"), Bridge("bridge-plain", "the same without offloads", "tap"),
        VdeSwitchBetween(), *(LanletBetween(lanlet, *pair) for pair in PAIRS),
        VdeSwitch(), LanletVde(lanlet),
        BridgeFlooded("bridge-flood", "root's bridge, masquerade", "tap"), *(LanletFlooded(lanlet, how) for how in FLOODERS),
        Floor(), Iperf3(), Relay(),
    ]
