# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs unittest modules with TAP on standard output, which meson counts case by case."""

import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
import unittest

from . import programs

MOST_SECONDS = 600  # that one test case may take, a class's or module's setup included
MORE_SECONDS = 30  # and then each of its clean-ups


def interrupt(*_):
    raise AssertionError(f"the test did not end in {MOST_SECONDS} s")


def allow_more_time():
    """From now on.  Bounds every wait that has no time limit of its own."""
    signal.setitimer(signal.ITIMER_REAL, MOST_SECONDS, MORE_SECONDS)


class TapResult(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.number = 0

    def _line(self, word, name, note=""):
        self.number += 1
        print(f"{word} {self.number} {name}{note}", flush=True)

    @staticmethod
    def _name(test):
        return getattr(test, "_testMethodName", str(test)).removeprefix("test_")

    def startTest(self, test):
        super().startTest(test)
        self.started = time.monotonic()
        allow_more_time()

    def stopTest(self, test):
        super().stopTest(test)
        allow_more_time()

    def addSuccess(self, test):
        self._line("ok", self._name(test))
        print(f"# {time.monotonic() - self.started:.1f} s", flush=True)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._line("ok", self._name(test), f" # SKIP {reason}")

    def _bad(self, test, error):
        super().addError(test, error)
        self._line("not ok", self._name(test))
        for line in "".join(traceback.format_exception(*error)).splitlines():
            print(f"# {line}", flush=True)

    addError = addFailure = _bad

    def addSubTest(self, test, subtest, error):
        if error:
            self._bad(test, error)


def run(suite):
    """Whether all of it passed."""
    signal.signal(signal.SIGALRM, interrupt)
    allow_more_time()
    result = TapResult()
    suite.run(result)
    signal.setitimer(signal.ITIMER_REAL, 0)
    print(f"1..{result.number}", flush=True)
    return result.wasSuccessful()


def cases_of(module, parts=()):
    """The module's test cases whose names have all of the parts."""
    suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    return unittest.TestSuite(test for case in suite for test in case if all(part in test.id() for part in parts))


class TemporaryFolder:
    """Where every temporary file of the tests and of their programs goes.  It is removed with all that is in it."""

    def __enter__(self):
        # Short, because the path of a socket has at most 107 bytes: not below a build directory.
        self.path = tempfile.mkdtemp(prefix="lanlet-test-", dir="/tmp")
        os.environ["TMPDIR"] = tempfile.tempdir = self.path
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, onerror=self.make_writable_and_try_again)

    @staticmethod
    def make_writable_and_try_again(function, path, _):
        os.chmod(os.path.dirname(path), 0o700)
        if not os.path.islink(path):
            os.chmod(path, 0o700)
        function(path)


def prepare():
    """What the tests expect of their surroundings and a login does not always have."""
    os.environ["PATH"] = programs.search_path()
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup has it ignored, and children inherit that
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


def main():
    """For a module that is run as a program; arguments choose test cases by parts of their names."""
    prepare()
    with TemporaryFolder():
        passed = run(cases_of(sys.modules["__main__"], sys.argv[1:]))
    sys.exit(0 if passed else 1)
