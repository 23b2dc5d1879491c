# SPDX-License-Identifier: GPL-2.0-or-later
"""Other VDE programs: Debian's vde_switch and vde_plug, vdens."""

import os
import re
import select
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from .programs import Program, Session
from .wait import PATIENCE, wait_until

QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


class Process(Session):
    """A program that runs while the object lives."""

    def __init__(self, *command, **popen):
        self.command = command
        self.popen = {**QUIET, **popen}

    def launch(self):
        return Program(self.command, **self.popen)

    def stop(self):
        self.process.end()

    def __exit__(self, *_):
        self.stop()


class Switch(Process):
    """vde_switch, whose control directory is .path."""

    def __init__(self):
        self.directory = tempfile.TemporaryDirectory(prefix="vde-")
        self.path = Path(self.directory.name) / "switch"
        # Its console is standard input, at whose end it would end too.
        super().__init__("vde_switch", "-s", self.path, stdin=subprocess.PIPE)

    def connect(self):
        wait_until(self.listens, "vde_switch's socket")

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
        """Kills the vde_plugs too, which outlive dpipe: they are in its process group, which it leads unless it leads a session."""
        if self.process.poll() is None and os.getpgid(self.process.pid) == self.process.pid:
            os.killpg(self.process.pid, signal.SIGKILL)
        super().stop()


def serve(guest):
    """Lets a guest serve a file of random bytes; their checksum."""
    guest.check("mkdir -p /www; dd if=/dev/urandom of=/www/blob bs=64k count=32 2>/dev/null; httpd -h /www")
    return guest.check("sha256sum </www/blob").split()[0]


def run_in_namespace(directory, script, timeout=PATIENCE):
    """
    What @script prints in a namespace that vdens makes, whose vde0 is connected to the switch at @directory.  vdens itself
    sometimes stays when the script has ended, so it is killed.
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
