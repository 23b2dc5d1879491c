# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs of others that speak VDE: Debian's vde_switch and vde_plug, vdens."""

import os
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

PATIENCE = 60.0  # seconds


def missing(*programs):
    """Why not all of them can be run here, or None."""
    for program in programs:
        if not shutil.which(program):
            return f"no {program} here: contrib/packages says what it is part of"
    return None


def wait_until(condition, what, timeout=PATIENCE):
    deadline = time.monotonic() + timeout
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come in {timeout} s")
        time.sleep(0.05)
    return found


class Process:
    """A program that runs while the object lives."""

    def __init__(self, *command, **popen):
        self.command = [str(word) for word in command]
        self.popen = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **popen}

    def __enter__(self):
        self.process = subprocess.Popen(self.command, **self.popen)
        return self

    def stop(self):
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream:
                stream.close()

    def __exit__(self, *_):
        self.stop()


class Switch(Process):
    """vde_switch, whose control directory is .path."""

    def __init__(self):
        self.directory = tempfile.TemporaryDirectory(prefix="vde-")
        self.path = Path(self.directory.name) / "switch"
        # Its console is standard input, at whose end it would end too.
        super().__init__("vde_switch", "-s", self.path, stdin=subprocess.PIPE)

    def __enter__(self):
        super().__enter__()
        wait_until(self.listens, "vde_switch's socket")
        return self

    def listens(self):
        """Also true of one that was killed and is started again, whose old socket refuses until then."""
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.path / "ctl")) == 0

    def __exit__(self, *_):
        super().__exit__()
        self.directory.cleanup()


class Cable(Process):
    """Two vde_plugs with a pipe each way between two switches' directories."""

    def __init__(self, one, other):
        super().__init__("dpipe", "vde_plug", f"vde://{one}", "=", "vde_plug", f"vde://{other}")

    def stop(self):
        """The plugs as well, which outlive dpipe: it has made itself the leader of a group, and cannot when it leads a session."""
        if self.process.poll() is None and os.getpgid(self.process.pid) == self.process.pid:
            os.killpg(self.process.pid, signal.SIGKILL)
        super().stop()


def serve(guest):
    """Lets a guest serve a file of random bytes; their checksum."""
    guest.check("mkdir -p /www; dd if=/dev/urandom of=/www/blob bs=64k count=32 2>/dev/null; httpd -h /www")
    return guest.check("sha256sum </www/blob").split()[0]


def run_in_namespace(directory, script, timeout=PATIENCE):
    """
    What @script prints in a namespace that vdens makes, whose vde0 is plugged in at @directory.  vdens itself stays now and then
    when the script has ended: nobody waits for it.
    """
    command = ["vdens", f"vde://{directory}", "sh", "-c", f"({script}) 2>&1; echo @@$?"]
    with Process(*command, stdout=subprocess.PIPE, start_new_session=True) as vdens:
        output, deadline = b"", time.monotonic() + timeout
        while not (end := re.search(rb"@@(\d+)\n", output)):
            if not select.select([vdens.process.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise AssertionError(f"{script!r} in vdens did not end in {timeout} s: {output}")
            if not (data := os.read(vdens.process.stdout.fileno(), 1 << 16)):
                raise AssertionError(f"vdens ended: {output}")
            output += data
        os.killpg(vdens.process.pid, signal.SIGKILL)
    if int(end[1]):
        raise AssertionError(f"{script!r} in vdens ended with {int(end[1])}: {output}")
    return output.decode()
