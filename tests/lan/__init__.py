# SPDX-License-Identifier: GPL-2.0-or-later
"""A segment of lanlet's as the tests see it: lanlet itself, what is outside of it, and who plugs in."""
