#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every test that docs/rfc-nat.md or docs/rfc6092.md names as proof exists under that name, and every requirement has its row.

A name is SUITE/TEST.  Usage: rfc_table.py SOURCE-DIRECTORY
"""

import pathlib
import re
import sys

REQUIREMENTS = {"RFC 4787": 14, "RFC 5382": 10, "RFC 5508": 11, "RFC 6092": 50}
TABLES = ("docs/rfc-nat.md", "docs/rfc6092.md")
# Where the tests of a suite are; others are tests/unit/SUITE-test.c.
FILES = {
    "engine": "tests/engine/contract_*.c",
    "native": "tests/engine/native_*.c",
    "many-flows": "tests/engine/many-flows-test.c",
    "trace": "tests/guest/trace_test.py",
    "nat": "tests/guest/nat_test.py",
    "ipv6": "tests/guest/ipv6_test.py",
    "ipv6-nat": "tests/guest/ipv6_nat_test.py",
    "forward6": "tests/guest/forward6_test.py",
}
NAME = re.compile(r"\b([a-z][a-z0-9-]*)/([a-z0-9]+(?:_[a-z0-9]+)+)\b")


def rows(text):
    """(RFC, requirement, last cell) of each row of each table."""
    rfc = None
    for line in text.splitlines():
        if heading := re.match(r"## (RFC \d+)", line):
            rfc = heading[1]
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if rfc and line.startswith("|") and cells[0].isdecimal():
            yield rfc, int(cells[0]), cells[-1]


def is_test(tree, suite, name):
    """A function of that name that is mentioned again, where it is registered; in Python the definition will do."""
    for path in sorted(tree.glob(FILES.get(suite, f"tests/unit/{suite}-test.c"))):
        text = path.read_text()
        found = re.findall(rf"\b(?:test_)?{name}\b", text)
        if len(found) > (path.suffix == ".c") and re.search(rf"\b(?:def test_|void ){name}\(", text):
            return True
    return False


def complaints(tree):
    table = [row for name in TABLES for row in rows((tree / name).read_text())]
    for rfc, count in REQUIREMENTS.items():
        there = [number for of, number, _ in table if of == rfc]
        if there != list(range(1, count + 1)):
            yield f"{rfc}: requirements {there}, not 1 to {count}"
    for rfc, number, shown in table:
        names = NAME.findall(shown)
        if not names and shown not in ("by construction", "deviation"):
            yield f"{rfc}, {number}: no test, and neither by construction nor a deviation"
        yield from (f"{rfc}, {number}: no test {suite}/{name}" for suite, name in names if not is_test(tree, suite, name))


def main():
    found = list(complaints(pathlib.Path(sys.argv[1])))
    print(*found, sep="\n")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
