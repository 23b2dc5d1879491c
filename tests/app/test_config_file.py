# SPDX-License-Identifier: GPL-2.0-or-later
"""The INI file: its location and contents, and options of the command line that override it."""

import os
import pathlib
import re
import unittest

from lan import runner
from lan.case import TestCase

DOCUMENT = pathlib.Path(__file__).parents[2] / "docs/config.md"

EVERY_OPTION = """
# All of them.
[network]
subnet = 10.9.0.0/16
gateway = 10.9.0.2
gateway-mac = 52:54:00:77:00:01
ipv6 = fd12:3456:789a::/64
dhcp-range = 10.9.1.0-10.9.1.255
lease-time = 12h
mtu = 1500
domain = lab.internal
local-only = false
dns = 9.9.9.9
dns = 127.0.0.1:5353
dns = example.corp=10.0.0.53
rebind-domain-ok = example.com
host = 52:54:00:00:00:01,10.9.0.10,web
host = 52:54:00:00:00:02,10.9.0.11,db
dhcp-option = ntp-server,10.9.0.2
dhcp-tag = ipxe,user:iPXE
dhcp-host = id:01:02,10.9.0.60,by-id
dhcp-boot = tag:!ipxe,undionly.kpxe
tftp-root = /
http-root = /
fd =
connect = nowhere-else.sock
udp = 127.77.3.9:47001,127.0.0.1:47002
vhost-connect = nowhere.sock
forward = tcp 127.77.3.9:47003 web:80
name = nas,10.9.0.12
vde = vde:///nowhere/ctl
no-dhcp = true
no-gateway = true
host-loopback = true
keep-tcp-ports = true
metadata = true
link-local = true
busy-poll = 50
isolate = true
ipv6-only = false
bandwidth-in = 10M/20M/256K
bandwidth-out = 2M
guard = off
storm-limit = 500
multicast-snooping = false
engine = null
udp-filtering = address-dependent
log-level = debug
"""


class ConfigFile(TestCase):
    def refused_gateway(self, *args):
        """
        The subnet that lanlet was told, by file or command line: from its complaint about a gateway that no
        subnet has.
        """
        done = self.lanlet("run", *args, "--gateway", "1.1.1.1")
        self.assertEqual(done.returncode, 2)
        return re.search(r"the subnet (\S+)", done.stderr).group(1)

    def test_default_file_is_read(self):
        self.write("config/lanlet/lab.conf", "[network]\nsubnet = 10.1.2.0/24\n")
        self.assertEqual(self.refused_gateway("lab"), "10.1.2.0/24")
        self.assertEqual(self.refused_gateway("default"), "192.168.122.0/24")

    def test_default_file_is_below_home_without_the_variable(self):
        self.write("home/.config/lanlet/default.conf", "[network]\nsubnet = 10.1.3.0/24\n")
        del self.env["XDG_CONFIG_HOME"]
        self.assertEqual(self.refused_gateway(), "10.1.3.0/24")
        self.env["XDG_CONFIG_HOME"] = "relative"
        self.assertEqual(self.refused_gateway(), "10.1.3.0/24")

    def test_named_file_replaces_the_default_one(self):
        self.write("config/lanlet/default.conf", "[network]\nnonsense = 1\n")
        named = self.write("named.conf", "[network]\nsubnet = 10.1.4.0/24\n")
        self.assertEqual(self.refused_gateway("--config", named), "10.1.4.0/24")

    def test_command_line_overrides_the_file(self):
        self.write("config/lanlet/default.conf", "[network]\nsubnet = 10.1.2.0/24\n")
        self.assertEqual(self.refused_gateway("--subnet", "10.1.5.0/24"), "10.1.5.0/24")

    def test_command_line_adds_to_lists_and_clears_them(self):
        self.write("config/lanlet/default.conf", "[network]\nhost = 52:54:00:00:00:01,192.168.122.9\n")
        again = ("--host", "52:54:00:00:00:02,192.168.122.9")
        self.assert_fails(2, "host: the address 192.168.122.9 is reserved for both 52:54:00:00:00:01 and 52:54:00:00:00:02", "run", *again)
        self.start("--host=", *again)

    def test_every_option_can_stand_in_the_file(self):
        self.needs_libvdeplug()
        self.write("config/lanlet/default.conf", EVERY_OPTION)
        with open(self.path("config/lanlet/default.conf")) as file:
            keys = set(re.findall(r"^([a-z0-9-]+) =", file.read(), re.M))
        in_help = self.lanlet("run", "--help").stdout.split("Options of the network")[1]
        self.assertEqual(keys, set(re.findall(r"^  --([a-z0-9-]+)", in_help, re.M)))
        self.start()

    def documented(self, sentence):
        """The options that stand in docs/config.md where @sentence has (.*?)."""
        text = " ".join(DOCUMENT.read_text().split())
        return set(re.findall(r"`([a-z0-9-]+)`", re.search(sentence, text)[1]))

    def test_document_names_the_options_that_may_be_repeated(self):
        options = re.split(r"(?m)^  --", self.lanlet("run", "--help").stdout.split("Options of the network")[1])
        repeatable = {option.split()[0] for option in options if "Can be given several times." in " ".join(option.split())}
        self.assertEqual(self.documented(r"- ([^.]*?) may be repeated\."), repeatable)

    def test_document_names_the_options_that_a_reload_changes(self):
        path = self.write("config/lanlet/default.conf", "[network]\nsubnet = 10.9.0.0/16\ngateway = 10.9.0.2\n")
        self.start()
        self.needs_libvdeplug()
        with open(path, "w") as file:
            file.write(EVERY_OPTION)
        changed = re.search(r"(?m)^changed: (.*)$", self.lanlet("reload").stdout)[1]
        self.assertEqual(self.documented(r"comes on top\. (.*?) take effect at once"), set(changed.split(", ")))

    def test_gateway_has_the_mac_that_was_given(self):
        self.start("--gateway-mac", "52:54:00:77:00:01")
        self.assertIn("52:54:00:77:00:01", self.status())

    def test_errors_name_file_and_line(self):
        path = self.write("config/lanlet/default.conf", "[network]\nmtu = 1500\nmut = 1500\n")
        self.assert_fails(2, path + ":3: mut: there is no such option", "run")
        self.write("config/lanlet/default.conf", "[network]\nmtu = x\n")
        self.assert_fails(2, path + ':2: mtu "x": expected auto or a number from 576 to 65520', "run")
        self.write("config/lanlet/default.conf", "[net]\n")
        self.assert_fails(2, path + ":1: [net]: the only section is [network]", "run")

    def test_named_file_has_to_be_there(self):
        done = self.lanlet("run", "--config", self.path("nowhere.conf"))
        self.assertEqual(done.returncode, 2)
        self.assertIn(self.path("nowhere.conf"), done.stderr)

    @unittest.skipIf(os.geteuid() == 0, "root may read everything")
    def test_unreadable_default_file_is_an_error(self):
        os.chmod(self.write("config/lanlet/default.conf", ""), 0)
        self.assertEqual(self.lanlet("run").returncode, 2)


if __name__ == "__main__":
    runner.main()
