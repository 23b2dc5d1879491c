# SPDX-License-Identifier: GPL-2.0-or-later
"""The shared library shows what lanlet.h declares and nothing else."""

import os
import re
import subprocess
import unittest

from lan import runner
from lan.programs import needs


class Library(unittest.TestCase):
    @needs("nm")
    def test_exports_are_the_functions_of_the_header(self):
        listing = subprocess.run(["nm", "--dynamic", "--defined-only", os.environ["LIBRARY"]], capture_output=True, text=True, check=True)
        exported = {line.split()[2].split("@")[0] for line in listing.stdout.splitlines()} - {"LANLET_0"}
        with open(os.environ["HEADER"]) as file:
            header = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
        declared = set(re.findall(r"^[^\s#].*?\b(lanlet_\w+)\(", header, re.M))
        self.assertGreater(len(declared), 15)
        self.assertEqual(exported, declared)


if __name__ == "__main__":
    runner.main()
