# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the lanlet command in a directory of its own, as any user, and takes everything away afterwards."""

import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

LANLET = os.environ["LANLET"]
MANPAGE = os.environ["MANPAGE"]
TIMEOUT = 20
ROOT_WARNING = "lanlet: warning: running as root"


def wait_until(condition, what):
    """Waits for @condition() to become true: for events of other processes that nothing tells us about."""
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("waited in vain: " + what)


class Process:
    """A `lanlet run` that has said it is ready."""

    def __init__(self, test, args, env, **popen):
        ready, ready_write = os.pipe()
        self.log_path = os.path.join(test.dir, "log.%d" % len(test.processes))
        with open(self.log_path, "w") as log:
            self.popen = subprocess.Popen(
                [LANLET, "run", *args, "--ready-fd", str(ready_write)],
                env=env, pass_fds=(ready_write, *popen.pop("pass_fds", ())), stdin=subprocess.DEVNULL,
                stdout=popen.pop("stdout", subprocess.PIPE), stderr=log, text=True, **popen)
        os.close(ready_write)
        test.processes.append(self)
        with os.fdopen(ready) as file:
            readable, _, _ = select.select([file], [], [], TIMEOUT)
            self.ready = file.read() if readable else ""
        if not self.ready.endswith("\n"):
            self.popen.kill()
            self.popen.wait()
            raise AssertionError("lanlet did not start:\n" + self.log())

    @property
    def pid(self):
        return self.popen.pid

    def log(self):
        with open(self.log_path) as log:
            return log.read()

    def stop(self, how=signal.SIGTERM):
        """Its exit status."""
        self.popen.send_signal(how)
        code = self.popen.wait(TIMEOUT)
        if self.popen.stdout:
            self.popen.stdout.close()
        return code


class TestCase(unittest.TestCase):
    def setUp(self):
        # Socket paths are short: not below a build directory.
        self.dir = tempfile.mkdtemp(prefix="lanlet-", dir="/tmp")
        self.processes = []
        self.env = {"PATH": os.environ["PATH"], "HOME": self.path("home"), "LANG": "C.UTF-8"}
        for variable in ("ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"):
            if variable in os.environ:
                self.env[variable] = os.environ[variable]
        for variable, name in (("XDG_RUNTIME_DIR", "run"), ("XDG_STATE_HOME", "state"), ("XDG_CONFIG_HOME", "config")):
            self.env[variable] = self.path(name)
            os.mkdir(self.path(name), 0o700)

    def tearDown(self):
        for process in self.processes:
            if process.popen.poll() is None:
                process.stop(signal.SIGKILL)
            elif process.popen.stdout:
                process.popen.stdout.close()
        shutil.rmtree(self.dir)

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def start(self, *args, env=None, **popen):
        return Process(self, args, {**self.env, **(env or {})}, **popen)

    def lanlet(self, *args, env=None, **run):
        """Runs lanlet to its end; stderr comes without the warning for root."""
        done = subprocess.run([LANLET, *args], env={**self.env, **(env or {})}, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=TIMEOUT, **run)
        lines = done.stderr.splitlines(keepends=True)
        done.stderr = "".join(line for line in lines if not line.startswith(ROOT_WARNING))
        return done

    def needs_libvdeplug(self):
        if "built without libvdeplug" in self.lanlet("run", "--vde", "x", "--gateway", "1.1.1.1").stderr:
            self.skipTest("built with -Dvde=disabled")

    def assert_fails(self, code, message, *args, **run):
        """lanlet @args ends with @code and exactly the line @message."""
        done = self.lanlet(*args, **run)
        self.assertEqual(done.stderr, "lanlet: error: " + message + "\n")
        self.assertEqual(done.stdout, "")
        self.assertEqual(done.returncode, code)

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)
