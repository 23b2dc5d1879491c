# SPDX-License-Identifier: GPL-2.0-or-later
"""Other programs: how to find them, and child processes that never outlive or delay their test."""

import os
import select
import shutil
import subprocess
import time
import unittest

from .wait import PATIENCE

LANLET = os.environ.get("LANLET", "lanlet")
SBIN = ("/usr/local/sbin", "/usr/sbin", "/sbin")


def search_path():
    """PATH with the directories that have nft, dhclient, perfdhcp …, which an ordinary user's PATH lacks on Debian."""
    directories = os.environ.get("PATH", os.defpath).split(":")
    return ":".join(directories + [name for name in SBIN if name not in directories])


def find(program):
    return shutil.which(program, path=search_path())


def why_missing(*programs):
    """Why not all of them can be run here, or None."""
    missing = [program for program in programs if not find(program)]
    return f"not installed: {', '.join(missing)} (contrib/test installs it)" if missing else None


def need(*programs):
    """Skips the running test, class or module unless all of them are installed."""
    if reason := why_missing(*programs):
        raise unittest.SkipTest(reason)


def needs(*programs):
    """The same as a decorator."""
    reason = why_missing(*programs)
    return unittest.skipIf(reason is not None, reason)


def check(*command, **more):
    """What a command prints that has to succeed."""
    done = subprocess.run([str(word) for word in command], **{"capture_output": True, "text": True, "timeout": PATIENCE, **more})
    if done.returncode:
        raise AssertionError(f"{command} ended with {done.returncode}: {done.stderr or done.stdout}")
    return done.stdout


class Program(subprocess.Popen):
    """
    A child process without standard input unless told otherwise.  Every wait has an end, and the end of a `with`, or end(),
    kills it: a failed assertion must not leave the test waiting for a process that is never stopped.
    """

    def __init__(self, command, **popen):
        super().__init__([str(word) for word in command], **{"stdin": subprocess.DEVNULL, **popen})

    def wait(self, timeout=PATIENCE):
        return super().wait(timeout)

    def communicate(self, input=None, timeout=PATIENCE):
        return super().communicate(input, timeout)

    def is_running(self):
        return self.poll() is None

    def read_line(self, timeout=PATIENCE):
        """The next line of standard output.  Reads no further, so that what follows can be read as usual."""
        line, deadline = b"", time.monotonic() + timeout
        while not line.endswith(b"\n"):
            if not select.select([self.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise AssertionError(f"{self.args} printed no line in {timeout:.0f} s, only {line!r}")
            if not (byte := os.read(self.stdout.fileno(), 1)):
                raise AssertionError(f"{self.args} closed its output after {line!r}")
            line += byte
        return line.decode(errors="replace")

    def expect(self, line, timeout=PATIENCE):
        """Waits for exactly this line."""
        found = self.read_line(timeout)
        if found != line + "\n":
            raise AssertionError(f"{self.args} printed {found!r} instead of {line!r}")

    def end(self):
        """kill -9, unless it has ended; its exit status."""
        self.kill()
        self.wait()
        for pipe in (self.stdin, self.stdout, self.stderr):
            if pipe:
                pipe.close()
        return self.returncode

    def __exit__(self, *_):
        self.end()


class Session:
    """A child process and what is set up around it, as long as a `with` lasts.  Subclasses have launch() and, if need be, connect()."""

    def launch(self):
        """Starts and returns the process."""
        raise NotImplementedError

    def connect(self):
        """Does what remains once the process runs."""

    def __enter__(self):
        self.process = self.launch()
        try:
            self.connect()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.end()
