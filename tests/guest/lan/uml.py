# SPDX-License-Identifier: GPL-2.0-or-later
"""User-mode Linux: a kernel that is a process, with a vhost-user front end of its own (virtio_uml) and a VDE plug."""

import os
import re
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

from . import vm

KERNEL = "linux.uml"
MODULES = Path("/usr/lib/uml/modules")


def why_no_uml():
    """Why none can be booted here, or None.  Debian 12's dies on processors and kernels that it does not know: try it without a network."""
    if not shutil.which(KERNEL):
        return f"no {KERNEL}: contrib/test installs user-mode-linux"
    if reason := vm.why_no_vm():
        return reason
    with Uml(None, "probe") as guest:
        try:
            guest.check("true")
        except AssertionError:
            return f"{KERNEL} does not run on this machine: {guest.complaint()}"
    return None


def modules():
    return [next(MODULES.rglob(f"{name}.ko")) for name in ("failover", "net_failover", "virtio_net")]


class Uml(vm.Shell):
    """Its root is a directory of ours."""

    def __init__(self, socket_path, name, vde=None):
        """Without a network card when there is neither a vhost-user socket nor the directory of a VDE switch."""
        self.directory = Path(tempfile.mkdtemp(prefix="lanlet-uml-"))
        files = vm.root_files(modules(), tty="ttyS0")
        for path in vm.directories(files):
            (self.directory / "root" / path).mkdir(parents=True)
        for path, (mode, data) in files.items():
            (self.directory / "root" / path).write_bytes(data)
            (self.directory / "root" / path).chmod(mode)
        ours, its = socket.socketpair()
        super().__init__(name, ours)
        with open(self.directory / "console", "wb") as console:
            self.process = subprocess.Popen(
                [
                    KERNEL, "mem=128M", "root=/dev/root", "rootfstype=hostfs", f"rootflags={self.directory}/root", "rw", "init=/init",
                    "con=null", "con0=null,fd:1", f"ssl0=fd:{its.fileno()},fd:{its.fileno()}", "panic=1", "ipv6.disable=1",
                    f"uml_dir={self.directory}", *([f"virtio_uml.device={socket_path}:1"] if socket_path else []),
                    *([f"eth0=vde,{vde}"] if vde else []),
                ],
                stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT, pass_fds=[its.fileno()],
                env={"PATH": os.environ["PATH"], "HOME": str(self.directory), "TMPDIR": str(self.directory)}, start_new_session=True)
        its.close()

    def complaint(self):
        found = re.search(r"(ptrace set|Kernel mode fault|Kernel panic).*", self.console())
        return found[0] if found else "it does not boot"

    def console(self):
        return (self.directory / "console").read_text(errors="replace")

    def close(self):
        self.shell.close()
        os.killpg(self.process.pid, 9)  # it has threads that are processes
        self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
