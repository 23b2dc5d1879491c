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
import time
from pathlib import Path

START_PATIENCE = 20.0  # seconds; the sanitizers and a busy machine make it slow
WITHOUT_CAPABILITIES = ["setpriv", "--ambient-caps=-all", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"]


def has_capabilities():
    return int(re.search(r"CapEff:\t(\w+)", Path("/proc/self/status").read_text())[1], 16) != 0


class Lanlet:
    """`lanlet run` with directories of its own, without a capability even where the test has some."""

    def __init__(self, *options, name="default", fds=()):
        self.options = options
        self.fds = fds  # that it is passed
        self.name = name
        self.directory = Path(tempfile.mkdtemp(prefix="lanlet-"))
        self.runtime = self.directory / "run"
        self.state = self.directory / "state"
        self.log = self.directory / "log"
        self.process = None

    @property
    def stream(self):
        return self.runtime / "stream.sock"

    @property
    def dgram(self):
        return self.runtime / "dgram.sock"

    @property
    def vde(self):
        return self.runtime / "vde"

    @property
    def vhost(self):
        return self.runtime / "vhost.sock"

    def command(self, *options):
        return [
            *(WITHOUT_CAPABILITIES if has_capabilities() else []), os.environ["LANLET"], "run", self.name,
            "--runtime-dir", str(self.runtime), "--state-dir", str(self.state), *self.options, *options,
        ]

    def start(self):
        """Returns when lanlet says that it is ready."""
        readable, writable = os.pipe()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command("--ready-fd", str(writable)), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=[writable, *self.fds])
        os.close(writable)
        try:
            ready = select.select([readable], [], [], START_PATIENCE)[0] and os.read(readable, 64)
        finally:
            os.close(readable)
        if not ready:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"lanlet did not start: {self.text()}")
        return self

    def qemu_arguments(self, guest, *options):
        """What `lanlet qemu` tells to use."""
        command = [os.environ["LANLET"], "qemu", self.name, "--runtime-dir", str(self.runtime), "--guest", guest, *options]
        return shlex.split(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    def status(self):
        """What `lanlet status` prints."""
        command = [os.environ["LANLET"], "status", self.name, "--runtime-dir", str(self.runtime)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def ports(self):
        """Names of the ports, as `lanlet status` shows them."""
        command = [os.environ["LANLET"], "status", self.name, "--runtime-dir", str(self.runtime)]
        status = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return [line.split()[0] for line in re.search(r"(?ms)^PORT .*?\n(.*?)\n\n", status)[1].splitlines()]

    def text(self):
        """What lanlet printed."""
        return self.log.read_text(errors="replace")

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        """SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(START_PATIENCE)

    def is_running(self):
        return self.process.poll() is None

    def leases(self):
        """MAC → (expiry, address, host name, client id), from the lease file."""
        lines = [line.split() for line in (self.state / "leases").read_text().splitlines()]
        return {fields[1]: (int(fields[0]), *fields[2:]) for fields in lines}

    def wait_for_lease(self, mac, timeout=10.0):
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if (self.state / "leases").exists() and mac in (leases := self.leases()):
                return leases[mac]
            time.sleep(0.05)
        raise AssertionError(f"no lease of {mac} in the lease file")

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self):
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def close(self):
        """Stops it if need be; AssertionError when it had died or ends badly."""
        died = self.process.poll()
        status = self.stop() if died is None else died
        log = self.text()
        shutil.rmtree(self.directory, ignore_errors=True)
        if status != 0:
            raise AssertionError(f"lanlet {'died' if died is not None else 'ended'} with status {status}:\n{log}")

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()
