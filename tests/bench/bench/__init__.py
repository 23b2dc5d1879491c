# SPDX-License-Identifier: GPL-2.0-or-later
"""The benchmark: lanlet and its alternatives with the same loads."""
