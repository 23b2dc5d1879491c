#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the unittest module named by its argument, TAP on standard output, inside namespaces of its own.

The test is an ordinary user there as well, but one with every capability over a network of its own, so that it may add
addresses and servers.  It is in a process namespace too, so that nothing outlives it.  Arguments behind the module's name
choose test cases by a part of their name.
"""

import importlib
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from lan import programs, runner  # noqa: E402

NAMESPACES = [
    "unshare", "--map-user=1000", "--map-group=1000", "--keep-caps", "-n", "-m", "-p", "--fork", "--kill-child", "--mount-proc",
]
INSIDE = "LANLET_TEST_INSIDE"


def why_no_namespaces():
    if reason := programs.why_missing("unshare", "ip"):
        return reason
    tried = subprocess.run([*NAMESPACES, "true"], capture_output=True, text=True)
    if tried.returncode:
        return f"no namespaces for ordinary users here ({tried.stderr.strip()}): see user_namespaces(7)"
    return None


def run_in_namespaces():
    if reason := why_no_namespaces():
        print(f"1..0 # SKIP {reason}")
        return 0
    # Outside of the namespaces, so that the folder goes even when everything inside is killed.
    with runner.TemporaryFolder():
        os.environ[INSIDE] = "1"
        with programs.Program([*NAMESPACES, sys.executable, *sys.argv]) as inside:
            return inside.wait(None)


def main():
    runner.prepare()
    if INSIDE not in os.environ:
        return run_in_namespaces()
    programs.check("ip", "link", "set", "lo", "up")
    cases = runner.cases_of(importlib.import_module(sys.argv[1]), sys.argv[2:])
    return 0 if runner.run(cases) else 1


if __name__ == "__main__":
    sys.exit(main())
