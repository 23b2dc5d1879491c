# SPDX-License-Identifier: GPL-2.0-or-later
"""lanlet doctor finds common problems: each is created, found, and removed again."""

import contextlib
import os
import re
import resource
import subprocess
import tempfile
import unittest
from pathlib import Path

from lan.outside import PING_GROUPS, run
from lan.process import WITHOUT_CAPABILITIES, Lanlet
from lan.programs import LANLET

KIB = 1 << 10


def limit(what, hard):
    """Sets a limit in the child, at most the current hard limit."""
    def apply():
        most = resource.getrlimit(what)[1]
        least = hard if most == resource.RLIM_INFINITY else min(hard, most)
        resource.setrlimit(what, (least, least))
    return apply


class Doctor(unittest.TestCase):
    def setUp(self):
        PING_GROUPS.write_text(f"{os.getgid()} {os.getgid()}")
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="lanlet-")))
        self.enterContext(self.resolv_conf("nameserver 192.0.2.1\n"))

    def examine(self, prefix=(), limits=None):
        """Exit status, and for each check (finding, text, how to repair it or None)."""
        command = [*prefix, *WITHOUT_CAPABILITIES, LANLET, "doctor", "--runtime-dir", str(self.directory)]
        done = subprocess.run(command, preexec_fn=limits,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        self.assertNotIn("\033", done.stdout)
        found = re.findall(r"(?m)^(good|hint|problem) +([a-z-]+): (.+)(?:\n {8}(.+))?$", done.stdout)
        return done.returncode, {name: (finding, text, repair or None) for finding, name, text, repair in found}

    def assert_found(self, name, finding, text, **how):
        status, findings = self.examine(**how)
        self.assertEqual(findings[name][0], finding, findings[name])
        self.assertRegex(findings[name][1], text)
        self.assertEqual(findings[name][2] is None, finding == "good", "only what is wrong can be repaired")
        self.assertEqual(status, 1 if any(found[0] == "problem" for found in findings.values()) else 0)

    @contextlib.contextmanager
    def resolv_conf(self, text, mode=0o644):
        file = self.directory / f"resolv.conf.{len(list(self.directory.iterdir()))}"
        file.write_text(text)
        file.chmod(mode)
        run("mount", "--bind", str(file), "/etc/resolv.conf")
        try:
            yield
        finally:
            run("umount", "/etc/resolv.conf")

    def test_healthy_machine_has_no_problem(self):
        status, findings = self.examine(limits=limit(resource.RLIMIT_NOFILE, 1 << 20))
        self.assertEqual([(name, found) for name, found in findings.items() if found[0] == "problem"], [])
        self.assertEqual(status, 0)
        self.assertEqual(set(findings), {"ping", "names", "descriptors", "memory-lock", "tun", "kvm", "subnet"})

    def test_ping_group_range(self):
        self.assert_found("ping", "problem", "cannot ping the outside", prefix=["unshare", "-n"])  # in a new namespace the range is empty
        self.assert_found("ping", "good", "can ping")

    def test_resolv_conf_without_a_name_server(self):
        with self.resolv_conf("# nameserver 192.0.2.1\nsearch lan\nnameservers 192.0.2.1\n"):
            self.assert_found("names", "problem", "has no name server")
        self.assert_found("names", "good", "can ask 1 name server of")

    def test_resolv_conf_that_cannot_be_read(self):
        with self.resolv_conf("nameserver 192.0.2.1\n", mode=0):
            self.assert_found("names", "problem", "Permission denied")

    def test_descriptor_limits(self):
        self.assert_found("descriptors", "problem", "limit of 1000 descriptors is low", limits=limit(resource.RLIMIT_NOFILE, 1000))
        self.assert_found("descriptors", "hint", "limit of 5000 descriptors is low", limits=limit(resource.RLIMIT_NOFILE, 5000))

    def test_memory_lock(self):
        self.assert_found("memory-lock", "hint", "only 64 KiB of memory", limits=limit(resource.RLIMIT_MEMLOCK, 64 * KIB))

    def test_subnet_that_a_route_of_the_host_overlaps(self):
        self.assert_found("subnet", "good", "192.168.122.0/24")
        run("ip", "link", "add", "office", "type", "veth", "peer", "name", "office1")
        self.addCleanup(run, "ip", "link", "delete", "office")
        run("ip", "address", "add", "192.168.100.1/16", "dev", "office")
        run("ip", "link", "set", "office", "up")
        self.assert_found("subnet", "hint", r"192\.168\.0\.0/16 on office: it overlaps their own subnet 192\.168\.122\.0/24")

    def test_network_that_runs_is_asked_for_its_subnet(self):
        with Lanlet("--subnet", "10.20.30.0/24") as network:
            run("ip", "link", "set", "lo", "up")
            said = network.run("doctor").stdout
            self.assertIn("network default is running", said)
            self.assertIn("10.20.30.0/24", said)
            self.assertIn("no other DHCP server answers", said)

    def test_network_with_ipv6_on_a_host_without_is_told(self):
        with Lanlet("--ipv6", "fd12:3456:789a::/64") as network:
            said = network.run("doctor").stdout
            self.assertRegex(said, r"hint +ipv6: guests have addresses of fd12:3456:789a::/64 .* but the host has no route")
        with Lanlet() as network:
            self.assertRegex(network.run("doctor").stdout, r"good +ipv6: off")

    def test_network_that_does_not_run_has_no_findings(self):
        self.assertNotIn("dhcp-servers", self.examine()[1])
