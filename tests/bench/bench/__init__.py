# SPDX-License-Identifier: GPL-2.0-or-later
"""lanlet and what people use today, side by side on the same work."""
