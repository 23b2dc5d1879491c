# SPDX-License-Identifier: GPL-2.0-or-later
"""The units in contrib/systemd under a real `systemd --user`, in namespaces with a control group of its own."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

from lan.client import Host
from lan.packet import mac
from lan.programs import LANLET, Program, needs
from lan.wait import PATIENCE, wait_until

UNITS = Path(__file__).parents[2] / "contrib/systemd/user"
SYSTEMD = "/lib/systemd/systemd"

# systemd in a control group below ours, and nothing of that left in the end.
START = """
mount -t cgroup2 none /sys/fs/cgroup && group=$(mktemp -d /sys/fs/cgroup/lanlet-test.XXXXXX) && echo $$ >$group/cgroup.procs || exit 77
%s --user --log-target=console &
echo $$ >/sys/fs/cgroup/cgroup.procs
trap "kill $!" TERM
while kill -0 $! 2>/dev/null; do wait $!; done
find $group -depth -type d -exec rmdir {} +
""" % SYSTEMD


class Manager:
    """systemd --user with directories of its own."""

    ended_with = None  # what it had printed in the end

    def __init__(self):
        self.directory = Path(tempfile.mkdtemp(prefix="lanlet-"))
        self.runtime = self.directory / "run"
        self.units = self.directory / "config/systemd/user"
        for path in (self.runtime / "systemd", self.units, self.directory / "home"):
            path.mkdir(parents=True, mode=0o700)
        self.runtime.chmod(0o700)
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.directory / "home"), "XDG_RUNTIME_DIR": str(self.runtime),
            "XDG_CONFIG_HOME": str(self.directory / "config"), "XDG_STATE_HOME": str(self.directory / "state"),
        }
        for kind in ("service", "socket"):
            text = (UNITS / f"lanlet@.{kind}").read_text().replace("ExecStart=lanlet", f"ExecStart={LANLET}")
            (self.units / f"lanlet@.{kind}").write_text(text)

    def __enter__(self):
        self.log = open(self.directory / "log", "w+")
        self.process = Program(["unshare", "-C", "-m", "sh", "-c", START], env=self.environment, stdout=self.log, stderr=self.log)
        try:
            wait_until(self.has_started_or_ended, "systemd")
            runs = self.process.is_running()
        except AssertionError:
            runs = False
        if not runs:
            self.__exit__()
            raise unittest.SkipTest(f"systemd --user does not run here: {self.text().strip()[-300:]!r}")
        return self

    def has_started_or_ended(self):
        return self.systemctl("is-system-running").stdout.strip() in ("running", "degraded") or not self.process.is_running()

    def __exit__(self, *_):
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait()
        self.process.end()
        self.ended_with = self.text()
        self.log.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def text(self):
        return self.ended_with if self.ended_with is not None else (self.directory / "log").read_text(errors="replace")

    def systemctl(self, *words):
        return subprocess.run(["systemctl", "--user", *words], env=self.environment, capture_output=True, text=True, timeout=PATIENCE)

    def check(self, *words):
        done = self.systemctl(*words)
        assert done.returncode == 0, (f"systemctl {words}: {done.stderr}\n{self.systemctl('status', '-l', words[-1]).stdout}\n"
                                      f"{self.text()[-3000:]}")

    def show(self, unit, name):
        return self.systemctl("show", "--value", "-p", name, unit).stdout.strip()


@unittest.skipUnless(os.path.exists(SYSTEMD), "not installed: systemd (contrib/test installs it)")
@needs("systemctl")
class Units(unittest.TestCase):
    UNIT = "lanlet@default.service"

    def setUp(self):
        self.manager = self.enterContext(Manager())
        self.stream = self.manager.runtime / "lanlet/default/stream.sock"

    def wait_for(self, name, wanted):
        wait_until(lambda: self.manager.show(self.UNIT, name) == wanted, lambda: f"{name} {wanted}: {self.manager.text()[-2000:]}")

    def lease(self, number):
        with Host(self.stream, mac(number)) as guest:
            guest.lease()

    def test_service_is_ready_reloads_comes_back_and_ends(self):
        self.manager.check("start", self.UNIT)
        self.assertEqual(self.manager.show(self.UNIT, "SubState"), "running")
        self.lease(1)
        self.manager.check("reload", self.UNIT)
        first = self.manager.show(self.UNIT, "MainPID")
        os.kill(int(first), signal.SIGKILL)
        self.wait_for("NRestarts", "1")
        self.wait_for("SubState", "running")
        self.assertNotEqual(self.manager.show(self.UNIT, "MainPID"), first)
        self.lease(2)
        self.manager.check("stop", self.UNIT)
        self.assertEqual((self.manager.show(self.UNIT, "ActiveState"), self.manager.show(self.UNIT, "Result")), ("inactive", "success"))

    def test_first_guest_starts_the_network_by_its_socket(self):
        self.manager.check("start", "lanlet@default.socket")
        self.assertEqual(self.manager.show(self.UNIT, "ActiveState"), "inactive")
        self.lease(1)
        self.wait_for("SubState", "running")
        self.lease(2)

    def test_network_that_hangs_is_ended_and_started_again_by_the_watchdog(self):
        shorter = self.manager.units / "lanlet@.service.d"
        shorter.mkdir()
        (shorter / "shorter.conf").write_text("[Service]\nWatchdogSec=3s\nLimitCORE=0\n")
        self.manager.check("daemon-reload")
        self.manager.check("start", self.UNIT)
        os.kill(int(self.manager.show(self.UNIT, "MainPID")), signal.SIGSTOP)
        self.wait_for("NRestarts", "1")
        self.wait_for("SubState", "running")
        self.lease(1)
