# SPDX-License-Identifier: GPL-2.0-or-later
"""The domains in contrib/libvirt fit libvirt's schema, and their sockets exist."""

import pathlib
import subprocess
import unittest

from lan import runner
from lan.programs import needs

EXAMPLES = pathlib.Path(__file__).parents[2] / "contrib" / "libvirt"


class Examples(unittest.TestCase):
    def test_examples_cover_stream_and_vhost_user(self):
        self.assertEqual({path.name for path in EXAMPLES.iterdir()}, {"stream.xml", "vhostuser.xml"})

    @needs("virt-xml-validate")
    def test_libvirt_s_schema_accepts_them(self):
        for path in sorted(EXAMPLES.iterdir()):
            with self.subTest(path=path.name):
                done = subprocess.run(["virt-xml-validate", path, "domain"], capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_paths_are_those_of_the_runtime_directory(self):
        for name, sock in (("stream.xml", "stream.sock"), ("vhostuser.xml", "vhost.sock")):
            self.assertIn("/run/user/1000/lanlet/default/" + sock, (EXAMPLES / name).read_text())


if __name__ == "__main__":
    runner.main()
