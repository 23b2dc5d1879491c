# SPDX-License-Identifier: GPL-2.0-or-later
"""lanlet as a child process."""

import os
import re
import select
import shlex
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from . import openapi, programs
from .programs import LANLET
from .wait import PATIENCE, wait_until

WITHOUT_CAPABILITIES = ["setpriv", "--ambient-caps=-all", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"]


def has_capabilities():
    return int(re.search(r"CapEff:\t(\w+)", Path("/proc/self/status").read_text())[1], 16) != 0


def unprivileged():
    """What a command line begins with that lanlet is to run by: it needs no capability, where the test has some."""
    return WITHOUT_CAPABILITIES if has_capabilities() else []


class Daemon:
    """A `lanlet run` that is ready, or has been."""

    process = None
    ready = ""  # what it wrote to --ready-fd

    def __init__(self, log):
        self.log = Path(log)

    def launch(self, command, fds=(), **popen):
        """Starts the command with `--ready-fd N` at its end, and returns when lanlet is ready; the log gets what it prints."""
        readable, writable = os.pipe()
        try:
            with open(self.log, "ab") as log:
                self.process = programs.Program(
                    [*command, "--ready-fd", writable],
                    **{"stdout": log, "stderr": log, "text": True, **popen, "pass_fds": (writable, *fds)})
            os.close(writable)
            writable = -1
            self.ready = os.read(readable, 4096).decode() if select.select([readable], [], [], PATIENCE)[0] else ""
        finally:
            os.close(readable)
            if writable >= 0:
                os.close(writable)
        if not self.ready.endswith("\n"):
            self.kill()
            raise AssertionError(f"lanlet did not start:\n{self.text()}")
        return self

    @property
    def pid(self):
        return self.process.pid

    def text(self):
        """What lanlet printed."""
        return self.log.read_text(errors="replace")

    def stop(self, how=signal.SIGTERM):
        """Stops lanlet; returns its exit status."""
        self.process.send_signal(how)
        return self.process.wait()

    def kill(self):
        """kill -9."""
        self.process.end()

    def is_running(self):
        return self.process.is_running()

    def open_files(self):
        """Links to what the process has open."""
        directory = f"/proc/{self.pid}/fd"
        return [f"{directory}/{name}" for name in os.listdir(directory)]

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self):
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Lanlet(Daemon):
    """A network with directories of its own, and commands for it.  Runs without capabilities even if the test has some."""

    def __init__(self, *options, name="default", fds=()):
        self.options = options
        self.fds = fds  # that it is passed
        self.name = name
        self.directory = Path(tempfile.mkdtemp(prefix="lanlet-"))
        self.runtime = self.directory / "run"
        self.state = self.directory / "state"
        super().__init__(self.directory / "log")

    @property
    def stream(self):
        return self.runtime / "stream.sock"

    @property
    def dgram(self):
        return self.runtime / "dgram.sock"

    @property
    def seqpacket(self):
        return self.runtime / "seqpacket.sock"

    @property
    def vhost(self):
        return self.runtime / "vhost.sock"

    @property
    def vde(self):
        return self.runtime / "vde"

    @property
    def api(self):
        return openapi.Api(self.runtime / "api.sock")

    def command(self, *options):
        return [
            *unprivileged(), LANLET, "run", self.name,
            "--runtime-dir", str(self.runtime), "--state-dir", str(self.state), *self.options, *options,
        ]

    def start(self):
        """Returns when lanlet says that it is ready."""
        return self.launch(self.command(), self.fds)

    def words(self, command, *words):
        """The command line of another command of lanlet, about this network."""
        return [LANLET, command, *map(str, words), "--runtime-dir", str(self.runtime)]

    def run(self, command, *words, **more):
        """The finished `lanlet COMMAND`."""
        return subprocess.run(
            self.words(command, *words), **{"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "timeout": PATIENCE, **more})

    def ask(self, command, *words, code=0, **more):
        """What `lanlet COMMAND` prints; when it has to fail, what it says."""
        done = self.run(command, *words, **more)
        assert done.returncode == code, f"lanlet {command} {words} ended with {done.returncode}: {done.stderr}"
        return done.stdout if code == 0 else done.stderr

    def begin(self, command, *words, **popen):
        """`lanlet COMMAND` as a process that runs on."""
        return programs.Program(self.words(command, *words), **{"stdout": subprocess.PIPE, "text": True, **popen})

    def qemu_arguments(self, guest, *options):
        """What `lanlet qemu` tells to use."""
        return shlex.split(self.ask("qemu", self.name, "--guest", guest, *options))

    def status(self):
        """What `lanlet status` prints."""
        return self.ask("status", self.name)

    def ports(self):
        """Names of the ports, as `lanlet status` shows them."""
        return ports_in(self.status())

    def leases(self):
        """MAC → (expiry, address, host name, client id), from the lease file."""
        lines = [line.split() for line in (self.state / "leases").read_text().splitlines()]
        return {fields[1]: (int(fields[0]), *fields[2:]) for fields in lines}

    def wait_for_lease(self, mac, timeout=PATIENCE):
        file = self.state / "leases"
        return wait_until(lambda: file.exists() and self.leases().get(mac), f"a lease of {mac} in the lease file", timeout)

    def wait_for_no_lease(self, mac):
        wait_until(lambda: mac not in self.leases(), f"the end of the lease of {mac}")

    def close(self):
        """Stops lanlet if it runs; raises AssertionError if it died before or fails now."""
        status, died = 0, False
        if self.process:
            try:
                died = not self.process.is_running()
                status = self.process.returncode if died else self.stop()
            finally:
                self.process.end()
        log = self.text() if self.log.exists() else ""
        shutil.rmtree(self.directory, ignore_errors=True)
        if status != 0:
            raise AssertionError(f"lanlet {'died' if died else 'ended'} with status {status}:\n{log}")

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            shutil.rmtree(self.directory, ignore_errors=True)
            raise

    def __exit__(self, *_):
        self.close()


def refusal(code, *options, **more):
    """What `lanlet run` says when it has to end at once with this exit status; 0 stands for any error."""
    network = Lanlet(*options, **more)
    try:
        done = subprocess.run(network.command(), capture_output=True, text=True, timeout=PATIENCE)
    finally:
        network.close()
    assert done.returncode == code or (code == 0 != done.returncode), f"lanlet ended with {done.returncode}: {done.stderr}"
    return done.stderr


def ports_in(status):
    """Names of the ports in what `lanlet status` prints, in order."""
    return [line.split()[0] for line in re.search(r"(?ms)^PORT .*?\n(.*?)\n\n", status)[1].splitlines()]
