# SPDX-License-Identifier: GPL-2.0-or-later
"""A runner for Python's unittest that prints TAP, so that meson counts every test case."""

import time
import traceback
import unittest


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


class TapRunner:
    def run(self, test):
        result = TapResult()
        test.run(result)
        print(f"1..{result.number}", flush=True)
        return result
