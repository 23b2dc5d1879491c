# SPDX-License-Identifier: GPL-2.0-or-later
"""lanlet under a service manager: the units in contrib/systemd, and the watchdog."""

import os
import signal
import socket
import subprocess
from pathlib import Path

from lan import runner
from lan.case import TestCase
from lan.programs import LANLET, needs
from lan.wait import PATIENCE

UNITS = Path(__file__).parents[2] / "contrib/systemd/user"


class Units(TestCase):
    @needs("systemd-analyze")
    def test_systemd_finds_nothing_to_complain_about(self):
        lanlet = Path(self.path("lanlet"))
        lanlet.symlink_to(LANLET)
        for kind in ("service", "socket"):
            text = (UNITS / f"lanlet@.{kind}").read_text().replace("ExecStart=lanlet", f"ExecStart={lanlet}")
            Path(self.path(f"lanlet@default.{kind}")).write_text(text)
        for kind in ("service", "socket"):
            done = subprocess.run(
                ["systemd-analyze", "--user", "--man=no", "--recursive-errors=no", "verify", self.path(f"lanlet@default.{kind}")],
                capture_output=True, text=True, timeout=PATIENCE, env=self.env)
            self.assertEqual((done.returncode, done.stderr), (0, ""))


class Watchdog(TestCase):
    def listen(self):
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(manager.close)
        manager.settimeout(PATIENCE)
        manager.bind(self.path("notify"))
        return manager

    def test_watchdog_is_notified_repeatedly(self):
        manager = self.listen()
        process = self.start(env={"NOTIFY_SOCKET": self.path("notify"), "WATCHDOG_USEC": "200000"})
        self.assertIn(b"READY=1", manager.recv(4096))
        for _ in range(3):
            self.assertEqual(manager.recv(4096), b"WATCHDOG=1")
        self.assertEqual(process.stop(), 0)

    def test_watchdog_is_not_notified_by_a_hanging_network(self):
        manager = self.listen()
        process = self.start(env={"NOTIFY_SOCKET": self.path("notify"), "WATCHDOG_USEC": "200000"})
        self.assertIn(b"READY=1", manager.recv(4096))
        os.kill(process.pid, signal.SIGSTOP)
        manager.setblocking(False)
        with self.assertRaises(BlockingIOError):
            for _ in range(100):  # what was sent before
                manager.recv(4096)
        os.kill(process.pid, signal.SIGCONT)
        manager.settimeout(PATIENCE)
        self.assertEqual(manager.recv(4096), b"WATCHDOG=1")
        self.assertEqual(process.stop(), 0)

    def test_watchdog_of_another_process_is_left_alone(self):
        manager = self.listen()
        process = self.start(env={"NOTIFY_SOCKET": self.path("notify"), "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"})
        self.assertIn(b"READY=1", manager.recv(4096))
        process.process.terminate()
        self.assertEqual(manager.recv(4096), b"STOPPING=1")
        self.assertEqual(process.process.wait(), 0)


if __name__ == "__main__":
    runner.main()
