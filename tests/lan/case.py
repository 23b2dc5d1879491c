# SPDX-License-Identifier: GPL-2.0-or-later
"""The lanlet command in surroundings of its own: directories, environment, and an end to whatever a test has started."""

import os
import shutil
import subprocess
import tempfile
import unittest

from . import openapi, programs
from .process import Daemon, ports_in
from .programs import LANLET
from .wait import PATIENCE

ROOT_WARNING = "lanlet: warning: running as root"
PASSED_ON = ("PATH", "TMPDIR", "ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS")


class TestCase(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="lanlet-")
        self.addCleanup(shutil.rmtree, self.dir)
        self.env = {"HOME": self.path("home"), "LANG": "C.UTF-8", **{name: os.environ[name] for name in PASSED_ON if name in os.environ}}
        for variable, name in (("XDG_RUNTIME_DIR", "run"), ("XDG_STATE_HOME", "state"), ("XDG_CONFIG_HOME", "config")):
            self.env[variable] = self.path(name)
            os.mkdir(self.path(name), 0o700)
        self.logs = 0

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    # --- processes ---

    def program(self, *command, **popen):
        """A child process that ends with the test."""
        process = programs.Program(command, **{"env": self.env, **popen})
        self.addCleanup(process.end)
        return process

    def start(self, *args, env=None, pass_fds=(), **popen):
        """A `lanlet run` that is ready, and ends with the test."""
        daemon = Daemon(self.path(f"log.{self.logs}"))
        self.logs += 1
        daemon.launch([LANLET, "run", *args], pass_fds, env={**self.env, **(env or {})}, **{"stdout": subprocess.PIPE, **popen})
        self.addCleanup(daemon.kill)
        return daemon

    def lanlet(self, *args, env=None, **run):
        """Runs lanlet to its end; stderr comes without the warning for root."""
        done = subprocess.run([LANLET, *args], env={**self.env, **(env or {})}, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=PATIENCE, **run)
        lines = done.stderr.splitlines(keepends=True)
        done.stderr = "".join(line for line in lines if not line.startswith(ROOT_WARNING))
        return done

    def assert_fails(self, code, message, *args, **run):
        """lanlet @args ends with @code and exactly the line @message."""
        done = self.lanlet(*args, **run)
        self.assertEqual(done.stderr, "lanlet: error: " + message + "\n")
        self.assertEqual(done.stdout, "")
        self.assertEqual(done.returncode, code)

    def needs_libvdeplug(self):
        if "built without libvdeplug" in self.lanlet("run", "--vde", "x", "--gateway", "1.1.1.1").stderr:
            self.skipTest("built with -Dvde=disabled")

    # --- the network that runs ---

    def socket_path(self, name, network="default"):
        return self.path("run/lanlet", network, name)

    @property
    def api(self):
        return openapi.Api(self.socket_path("api.sock"))

    def status(self, *args):
        return self.lanlet("status", *args).stdout

    def ports(self):
        """Their names, in order."""
        return ports_in(self.status())
