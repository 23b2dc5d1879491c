# SPDX-License-Identifier: GPL-2.0-or-later
"""User-mode Linux: a kernel that is a process, with a vhost-user front end (virtio_uml) and a VDE client of its own."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

from . import programs, vm

KERNEL = "linux.uml"
MODULES = Path("/usr/lib/uml/modules")
MEMORY_MB = 96


def why_no_uml():
    """Why none can be booted here, or None."""
    if reason := programs.why_missing(KERNEL):
        return reason
    if not preloaded().exists():
        return f"no {preloaded()}: it is built for x86-64 only"
    return vm.why_no_vm()


def preloaded():
    """What Debian 12's needs on processors that it does not know, see uml_xsave.c."""
    return Path(os.environ["LANLET"]).parent / "tests/guest/libuml_xsave.so"


def modules():
    return [next(MODULES.rglob(f"{name}.ko")) for name in ("failover", "net_failover", "virtio_net")]


def vhost_card(path):
    """A card of the driver virtio_net, eth0; its MAC is another one after each boot."""
    return f"virtio_uml.device={path}:1"


def vde_card(directory, mac):
    """A card called eth0 of the driver that kernels with libvdeplug have; without it, vec0: the kernel starts
    vde_plug, and the test is skipped where that is missing.
    """
    if "CONFIG_UML_NET_VDE=y" in programs.check(KERNEL, "--showconfig").splitlines():
        return f"eth0=vde,{directory},{mac}"
    programs.need("vde_plug")
    return vector_card(f"transport=vde,vnl=vde://{directory}", mac)


def vector_card(transport, mac):
    """A card called vec0, several packets a system call."""
    return f"vec0:{transport},mac={mac},depth=64"


class Uml(vm.Shell):
    """Its root is a directory of ours; its card is an argument of its kernel, as those above."""

    def __init__(self, card, name, fds=()):
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
            self.process = programs.Program(
                [
                    KERNEL, f"mem={MEMORY_MB}M", "root=/dev/root", "rootfstype=hostfs", f"rootflags={self.directory}/root", "rw",
                    "init=/init",
                    "con=null", "con0=null,fd:1", f"ssl0=fd:{its.fileno()},fd:{its.fileno()}", "panic=1", "ipv6.disable=1",
                    f"uml_dir={self.directory}", card,
                ],
                stdout=console, stderr=subprocess.STDOUT, pass_fds=[its.fileno(), *fds], env=self.environment(),
                start_new_session=True)
        its.close()

    def environment(self):
        """Its memory is a file below TMPDIR."""
        return {
            "PATH": os.environ["PATH"], "HOME": str(self.directory), "TMPDIR": str(self.directory), "LD_PRELOAD": str(preloaded()),
        }

    def reboot(self):
        """The same process starts itself anew."""
        self.start("reboot -f")
        self.finish(vm.BOOT_PATIENCE)

    def console(self):
        return (self.directory / "console").read_text(errors="replace")

    def close(self):
        self.shell.close()
        os.killpg(self.process.pid, signal.SIGKILL)  # it has threads that are processes
        self.process.end()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
