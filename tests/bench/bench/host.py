# SPDX-License-Identifier: GPL-2.0-or-later
"""The network of the benchmark, in namespaces of its own:

    guest ── candidate ── host ── cable ── outside

The candidates run on the host, a network namespace, and the servers outside.  The cable is a veth pair, or the
impairment relay between two tap devices.
"""

import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import time
from pathlib import Path

CLONE_NEWNET = 0x40000000
SERVER = "192.0.2.1"
UPLINK = "192.0.2.2"
SERVER6, UPLINK6 = "2a00:1450:4001:2::1", "2a00:1450:4001:2::2"  # documentation's are martians; none leaves these namespaces
FIRST_PORT, PORTS = 5001, 16
QUIET_PORT = 6001  # of a second server, which is not flooded
START_PATIENCE = 10.0  # seconds

libc = ctypes.CDLL(None, use_errno=True)


class BenchError(Exception):
    """The reason why something cannot be measured, for the report."""


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode:
        raise BenchError(f"{command[0]}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def die_with_parent():
    libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def check(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class Namespace:
    """A network namespace; children started in a block with inside() run in it."""

    def __init__(self):
        here = os.open("/proc/self/ns/net", os.O_RDONLY)
        try:
            check(libc.unshare(CLONE_NEWNET))
            self.fd = os.open("/proc/self/ns/net", os.O_RDONLY)
            prepare_namespace()
        finally:
            check(libc.setns(here, 0))
            os.close(here)

    @property
    def path(self):
        return f"/proc/{os.getpid()}/fd/{self.fd}"

    @contextlib.contextmanager
    def inside(self):
        here = os.open("/proc/self/ns/net", os.O_RDONLY)
        check(libc.setns(self.fd, 0))
        try:
            yield
        finally:
            check(libc.setns(here, 0))
            os.close(here)

    def run(self, *command):
        with self.inside():
            return run(*command)

    def close(self):
        os.close(self.fd)


def set_sysctl(key, value):
    Path("/proc/sys/net", key).write_text(value)


def congestion_control():
    return Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip()


def prepare_namespace():
    """IPv4 only, unless enable_ipv6() is called for a device, no TCP metrics kept between runs, and many ports for short connections."""
    set_sysctl("ipv6/conf/default/disable_ipv6", "1")
    set_sysctl("ipv6/conf/all/disable_ipv6", "1")
    set_sysctl("ipv4/tcp_no_metrics_save", "1")
    set_sysctl("ipv4/ip_local_port_range", "10000 65535")
    run("ip", "link", "set", "lo", "up")


def enable_ipv6(device):
    """Of this namespace; without addresses and messages of its own making."""
    set_sysctl(f"ipv6/conf/{device}/accept_ra", "0")
    set_sysctl(f"ipv6/conf/{device}/router_solicitations", "0")
    set_sysctl(f"ipv6/conf/{device}/disable_ipv6", "0")


class Process:
    """A child that writes its output to a file.  It is killed when this program ends for any reason."""

    def __init__(self, name, command, log_directory, **more):
        self.name = name
        self.log = Path(log_directory) / f"{name}.log"
        with open(self.log, "ab") as log:
            self.popen = subprocess.Popen(
                [str(word) for word in command], stdout=more.pop("stdout", log), stderr=log,
                stdin=more.pop("stdin", subprocess.DEVNULL), preexec_fn=die_with_parent, **more)

    @property
    def pid(self):
        return self.popen.pid

    def is_running(self):
        return self.popen.poll() is None

    def text(self):
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if "syslog" not in line and line.strip()]
        return " / ".join(lines[-3:])

    def wait_for(self, condition, what):
        deadline = time.monotonic() + START_PATIENCE
        while not condition():
            if not self.is_running():
                raise BenchError(f"{self.name} ended at its start: {self.text()}")
            if time.monotonic() > deadline:
                raise BenchError(f"{self.name}: no {what} after {START_PATIENCE:.0f} s: {self.text()}")
            time.sleep(0.01)

    def cpu_seconds(self):
        """User and system time of all threads: from schedstat if the kernel has it, else in ticks of 10 ms."""
        try:
            return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{self.pid}/task").glob("*/schedstat")) / 1e9
        except (OSError, IndexError, ValueError):
            fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def status_bytes(self, key):
        """The value of a line such as VmHWM in /proc/PID/status, in bytes."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(f"{key}:"):
                return int(line.split()[1]) * 1024
        return 0

    def wakeups(self):
        """How often its threads have begun to wait: their voluntary context switches."""
        return sum(int(line.split()[1]) for path in Path(f"/proc/{self.pid}/task").glob("*/status")
                   for line in path.read_text().splitlines() if line.startswith("voluntary_ctxt_switches:"))

    def close(self):
        if self.is_running():
            self.popen.kill()
        self.popen.wait()
        for pipe in (self.popen.stdin, self.popen.stdout):
            if pipe:
                pipe.close()


class ReadyProcess(Process):
    """One of the benchmark's own programs: prints "ready", and ends when its standard input is closed."""

    READY = "ready\n"

    def __init__(self, name, command, log_directory):
        super().__init__(name, command, log_directory, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.READY and self.read_line() != self.READY:
            self.popen.kill()
            self.popen.wait()
            raise BenchError(f"{name}: {self.text()}")

    def read_line(self, patience=START_PATIENCE):
        readable, _, _ = select.select([self.popen.stdout], [], [], patience)
        return self.popen.stdout.readline() if readable else ""

    def finish(self):
        """Ends the program and returns what it prints then."""
        self.popen.stdin.close()
        try:
            line = self.read_line()
        finally:
            self.popen.stdin = None
            self.close()
        return json.loads(line or "{}")


class Host:
    def __init__(self, programs, directory):
        """`programs`: the directory of load, tap_front and impair; `directory`: for sockets and logs."""
        self.programs = Path(programs)
        self.directory = Path(directory)
        self.outside = Namespace()
        self.impairment = None
        prepare_namespace()
        set_sysctl("ipv4/ip_forward", "1")
        self.server = self.server6 = None
        self.restart_server()
        self.lay_cable()

    def restart_server(self):
        """Starts the server, again if it runs: connections whose client has disappeared are closed."""
        self.close_servers()
        with self.outside.inside():
            self.server, self.server6 = (
                ReadyProcess(name, [self.programs / "load", "serve", any_address, FIRST_PORT, "--ports", PORTS], self.directory)
                for name, any_address in (("server", "0.0.0.0"), ("server6", "::")))

    def close_servers(self):
        for server in (self.server, self.server6):
            if server:
                server.close()

    def lay_cable(self, impairment=()):
        """Connects the host with the outside: by a veth pair, or by the impairment relay with these options."""
        self.remove_cable()
        if impairment:
            ends = [f"tap:up0@/proc/{os.getpid()}/ns/net", f"tap:out0@{self.outside.path}"]
            self.impairment = ReadyProcess("impair", [self.programs / "impair", *impairment, *ends], self.directory)
        else:
            run("ip", "link", "add", "up0", "type", "veth", "peer", "name", "out0", "netns", self.outside.path)
        run("ip", "address", "add", f"{UPLINK}/24", "dev", "up0")
        run("ip", "link", "set", "up0", "up")
        self.outside.run("ip", "address", "add", f"{SERVER}/24", "dev", "out0")
        self.outside.run("ip", "link", "set", "out0", "up")
        run("ip", "route", "replace", "default", "via", SERVER)
        enable_ipv6("up0")
        with self.outside.inside():
            enable_ipv6("out0")
            run("ip", "address", "add", f"{SERVER6}/64", "dev", "out0", "nodad")
        run("ip", "address", "add", f"{UPLINK6}/64", "dev", "up0", "nodad")
        run("ip", "-6", "route", "replace", "default", "via", SERVER6)

    def remove_cable(self):
        """Returns what became of the frames if the impairment relay counted them."""
        if self.impairment:
            counts, self.impairment = self.impairment.finish(), None
            return counts
        subprocess.run(["ip", "link", "delete", "up0"], capture_output=True)
        return {}

    def close(self):
        self.remove_cable()
        self.close_servers()
        self.outside.close()
