#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the unittest module named by its argument, TAP on standard output, inside namespaces of its own.

An ordinary user there as well, but one with every capability over a network of his own, so that a test may
give itself addresses and servers; and in a process namespace, so that nothing outlives it.  Arguments behind
the module's name choose test cases by a part of their name.
"""

import importlib
import os
import signal
import subprocess
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from lan.tap_runner import TapRunner  # noqa: E402

NAMESPACES = [
    "unshare", "--map-user=1000", "--map-group=1000", "--keep-caps", "-n", "-m", "-p", "--fork", "--kill-child", "--mount-proc",
]
INSIDE = "LANLET_TEST_INSIDE"


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
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever is started by nohup inherits that it is ignored
    module = importlib.import_module(sys.argv[1])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    tests = [test for case in suite for test in case if all(part in test.id() for part in sys.argv[2:])]
    sys.exit(0 if TapRunner().run(unittest.TestSuite(tests)).wasSuccessful() else 1)


if __name__ == "__main__":
    main()
