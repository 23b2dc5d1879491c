# SPDX-License-Identifier: GPL-2.0-or-later
"""Waits that end: for events of other processes that nothing announces."""

import time

PATIENCE = 60.0  # seconds; a busy machine and the sanitizers make everything slow


def wait_until(condition, what, timeout=PATIENCE):
    """The first true value of condition(); AssertionError, with @what or what it returns, when none came."""
    deadline = time.monotonic() + timeout
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout:.0f} s in vain for {what() if callable(what) else what}")
        time.sleep(0.02)
    return found
