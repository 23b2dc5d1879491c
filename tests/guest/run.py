#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the unittest module named by its argument, TAP on standard output, inside namespaces of its own.

An ordinary user there as well, but one with every capability over a network of his own, so that a test may
give itself addresses and servers; and in a process namespace, so that nothing outlives it.  Arguments behind
the module's name choose test cases by a part of their name.
"""

import importlib
import os
import subprocess
import sys
import time
import traceback
import unittest
from pathlib import Path

NAMESPACES = [
    "unshare", "--map-user=1000", "--map-group=1000", "--keep-caps", "-n", "-m", "-p", "--fork", "--kill-child", "--mount-proc",
]
INSIDE = "LANLET_TEST_INSIDE"


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


def why_no_namespaces():
    try:
        subprocess.run([*NAMESPACES, "true"], check=True, capture_output=True, text=True)
    except FileNotFoundError:
        return "no unshare: it is in util-linux"
    except subprocess.CalledProcessError as error:
        return f"no namespaces for ordinary users here ({error.stderr.strip()}): see user_namespaces(7)"
    return None


def enter_namespaces():
    if reason := why_no_namespaces():
        print(f"1..0 # SKIP {reason}")
        sys.exit(0)
    os.environ[INSIDE] = "1"
    os.execvp(NAMESPACES[0], [*NAMESPACES, sys.executable, *sys.argv])


def main():
    if INSIDE not in os.environ:
        enter_namespaces()
    sys.path.insert(0, str(Path(__file__).parent))
    module = importlib.import_module(sys.argv[1])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    tests = [test for case in suite for test in case if all(part in test.id() for part in sys.argv[2:])]
    result = TapResult()
    unittest.TestSuite(tests).run(result)
    print(f"1..{result.number}", flush=True)
    sys.exit(0 if result.wasSuccessful() else 1)


if __name__ == "__main__":
    main()
