# SPDX-License-Identifier: GPL-2.0-or-later
"""The harness of tests/app and tests/guest: lanlet as a process, guests, other programs, and what is outside."""
