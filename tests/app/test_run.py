# SPDX-License-Identifier: GPL-2.0-or-later
"""`lanlet run` as a process: directories, claim, readiness, signals, status."""

import os
import re
import resource
import select
import signal
import socket
import stat
import subprocess
import unittest

from lan import runner
from lan.case import TestCase
from lan.programs import LANLET, needs
from lan.wait import PATIENCE, wait_until


def mode_of(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


def has_port(test):
    """Whether a guest is connected to the default network."""
    return re.search(r"^(stream|vde)\d", test.lanlet("status").stdout, re.M) is not None


class Directories(TestCase):
    def test_everything_is_private_whatever_the_umask(self):
        os.mkdir(self.path("home"))
        for variable in ("XDG_STATE_HOME", "XDG_CONFIG_HOME"):
            del self.env[variable]
        self.start("lab", preexec_fn=lambda: os.umask(0))
        for directory in ("run/lanlet", "run/lanlet/lab", "home/.local", "home/.local/state/lanlet", "home/.local/state/lanlet/lab"):
            self.assertEqual(mode_of(self.path(directory)), 0o700, directory)
        for top in ("run", "home"):
            for directory, _, files in os.walk(self.path(top)):
                for name in files:
                    self.assertEqual(mode_of(os.path.join(directory, name)) & 0o077, 0, name)
        self.assertTrue(stat.S_ISSOCK(os.stat(self.path("run/lanlet/lab/stream.sock")).st_mode))

    def test_directories_can_be_chosen_and_made(self):
        process = self.start("--runtime-dir", "some/r", "--state-dir", "some/s", cwd=self.dir)
        self.assertEqual(process.ready, os.path.realpath(self.path("some/r/stream.sock")) + "\n")
        self.assertEqual(mode_of(self.path("some/r")), 0o700)
        self.assertEqual(mode_of(self.path("some/s")), 0o700)
        self.assertEqual(os.listdir(self.path("run")), [])
        self.assertEqual(os.listdir(self.path("state")), [])

    def test_both_directories_may_be_one(self):
        self.start("--runtime-dir", self.path("d"), "--state-dir", self.path("d"))
        self.assertEqual(self.lanlet("status", "--runtime-dir", self.path("d")).returncode, 0)

    def test_tmp_stands_in_for_the_runtime_directory(self):
        if os.path.isdir("/run/user/%d" % os.geteuid()):
            self.skipTest("this user has a /run/user directory")
        del self.env["XDG_RUNTIME_DIR"]
        process = self.start(env={"TMPDIR": self.dir})
        own = self.path("lanlet-%d" % os.geteuid())
        self.assertEqual(process.ready, own + "/default/stream.sock\n")
        self.assertEqual(mode_of(own), 0o700)

    def test_link_in_tmp_is_not_followed(self):
        if os.path.isdir("/run/user/%d" % os.geteuid()):
            self.skipTest("this user has a /run/user directory")
        del self.env["XDG_RUNTIME_DIR"]
        os.mkdir(self.path("trap"), 0o700)
        link = self.path("lanlet-%d" % os.geteuid())
        os.symlink(self.path("trap"), link)
        self.assert_fails(1, link + ": not a directory", "run", env={"TMPDIR": self.dir})

    def test_directory_that_others_may_write_to_is_refused(self):
        os.mkdir(self.path("open"))
        os.chmod(self.path("open"), 0o770)
        self.assert_fails(1, self.path("open") + " is writable by others: remove that with chmod go-w", "run", "--runtime-dir",
                          self.path("open"))
        os.mkdir(self.path("run/lanlet"))
        os.chmod(self.path("run/lanlet"), 0o777)
        self.assert_fails(1, self.path("run/lanlet") + " is writable by others: remove that with chmod go-w", "run")

    def test_directory_of_another_user_is_refused(self):
        directory = "/usr"
        if os.geteuid() == 0:
            directory = self.path("theirs")
            os.mkdir(directory)
            os.chown(directory, 1, 1)
        done = self.lanlet("run", "--runtime-dir", directory)
        self.assertRegex(done.stderr, "^lanlet: error: %s belongs to user [0-9]+, expected your own\n$" % directory)
        self.assertEqual(done.returncode, 1)

    def test_directory_that_cannot_be_made_is_named(self):
        self.write("file", "")
        directory = self.path("file/below")
        self.assert_fails(1, "cannot make the directory %s: Not a directory" % directory, "run", "--runtime-dir", directory)
        self.assert_fails(1, "the runtime directory (see --runtime-dir, XDG_RUNTIME_DIR): cannot make the directory "
                          f"{directory}/lanlet/default: Not a directory", "run", env={"XDG_RUNTIME_DIR": directory})
        done = self.lanlet("run", "--state-dir", directory)
        self.assertIn("--state-dir", done.stderr)
        self.assertEqual(done.returncode, 1)

    def test_path_too_long_for_a_socket_says_what_to_do(self):
        directory = self.path("d" * 100)
        done = self.lanlet("run", "--runtime-dir", directory)
        self.assertEqual(done.returncode, 2)
        self.assertIn("a socket's path may have 107: choose a shorter directory with --runtime-dir", done.stderr)
        self.assertFalse(os.path.exists(directory))


class Options(TestCase):
    def test_directory_of_boot_files_that_cannot_be_read_is_one_error(self):
        for option in ("tftp-root", "http-root"):
            self.assert_fails(1, option + " /nonexistent: No such file or directory", "run", f"--{option}=/nonexistent")

    def test_option_that_the_engine_does_not_have_is_a_warning(self):
        process = self.start("--engine", "null", "--keep-tcp-ports", "--udp-filtering", "endpoint-independent")
        for option in ("keep-tcp-ports", "udp-filtering"):
            self.assertEqual(process.text().count(f"warning: {option} has no effect with engine null"), 1, option)
        process = self.start("native", "--keep-tcp-ports")
        self.assertNotIn("no effect", process.text())

    def warned(self, name, *options):
        """The warnings of a network with @options."""
        return re.findall("warning: (.*)", self.start(name, *options).text())

    def test_isolated_network_warns_of_options_for_the_outside(self):
        options = ("--forward", "tcp unix:%s web:80" % self.path("s"), "--dns", "192.0.2.53", "--host-loopback")
        self.assertEqual(self.warned("a", "--engine", "null", *options),
                         ["%s has no effect with engine null" % option for option in ("forward", "dns", "host-loopback")])

    def test_option_of_a_service_that_is_off_is_a_warning(self):
        dhcp = ("--dhcp-host", "name:a,192.168.122.9", "--dhcp-option", "ntp-server,192.168.122.5", "--dhcp-tag", "a,user:b",
                "--dhcp-boot", "file")
        names = ["dhcp-host", "dhcp-option", "dhcp-tag", "dhcp-boot"]
        self.assertEqual(self.warned("a", "--no-dhcp", *dhcp), [name + " has no effect with no-dhcp" for name in names])
        others = ("--dns", "192.0.2.53", "--name", "b,192.168.122.9", "--tftp-root", self.path())
        self.assertEqual(self.warned("b", "--no-gateway", *dhcp, *others),
                         [name + " has no effect with no-gateway" for name in names + ["dns", "name", "tftp-root"]])

    def test_boot_file_that_nobody_serves_is_a_warning(self):
        message = "dhcp-boot file: the gateway serves no files by TFTP: set tftp-root, or append the address of another server"
        self.assertEqual(self.warned("a", "--dhcp-boot", "file"), [message])
        self.assertEqual(self.warned("b", "--dhcp-boot", "http://192.168.122.9/file"), [])
        self.assertEqual(self.warned("c", "--dhcp-boot", "file,192.168.122.9"), [])
        self.assertEqual(self.warned("d", "--dhcp-boot", "file", "--tftp-root", self.path()), [])

    def test_tag_that_no_guest_has_is_a_warning(self):
        rules = ("--dhcp-option", "tag:lab,ntp-server,192.168.122.5", "--dhcp-boot", "tag:!lab,http://192.168.122.9/file")
        message = ": no guest has the tag lab: give it with dhcp-tag, or with tag= in host or dhcp-host"
        self.assertEqual(self.warned("a", *rules), ["dhcp-option" + message, "dhcp-boot" + message])
        self.assertEqual(self.warned("b", *rules, "--host", "52:54:00:00:00:01,tag=lab"), [])
        self.assertEqual(self.warned("c", *rules, "--dhcp-tag", "lab,vendor:lab"), [])
        self.assertEqual(self.warned("d", "--dhcp-option", "tag:known,ntp-server,192.168.122.5"), [])


class Claim(TestCase):
    def test_second_instance_names_the_first_and_ends_with_3(self):
        first = self.start("lab")
        message = "network lab is running already, by process %d (%s)" % (first.pid, self.path("run/lanlet/lab"))
        self.assert_fails(3, message, "run", "lab")
        self.assertEqual(self.lanlet("status", "lab").returncode, 0)
        self.assertEqual(first.stop(), 0)
        self.start("lab")

    def test_networks_of_different_names_run_side_by_side(self):
        self.start("one")
        self.start("two", "--subnet", "192.168.123.0/24")
        for name, gateway in (("one", "192.168.122.1"), ("two", "192.168.123.1")):
            self.assertIn(gateway, self.status(name))

    def test_state_directory_has_one_user(self):
        first = self.start("one", "--state-dir", self.path("s"))
        message = "the state directory is in use already, by process %d (%s)" % (first.pid, self.path("s"))
        self.assert_fails(3, message, "run", "two", "--state-dir", self.path("s"))

    def test_sockets_of_a_killed_process_are_replaced(self):
        first = self.start()
        self.assertEqual(first.stop(signal.SIGKILL), -signal.SIGKILL)
        self.assertIn("stream.sock", os.listdir(self.path("run/lanlet/default")))
        second = self.start()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(second.ready.rstrip("\n"))
        self.assertEqual(self.lanlet("status").returncode, 0)


class Readiness(TestCase):
    def listen(self, address):
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        manager.settimeout(PATIENCE)
        manager.bind(address)
        self.addCleanup(manager.close)
        return manager

    def check_notifications(self, address, variable):
        manager = self.listen(address)
        process = self.start(env={"NOTIFY_SOCKET": variable})
        self.assertIn("READY=1", manager.recv(4096).decode().splitlines())
        process.process.terminate()
        self.assertEqual(manager.recv(4096), b"STOPPING=1")
        self.assertEqual(process.process.wait(), 0)

    def test_service_manager_at_a_path_is_told(self):
        self.check_notifications(self.path("notify"), self.path("notify"))

    def test_service_manager_at_an_abstract_name_is_told(self):
        name = "lanlet-test-%d" % os.getpid()
        self.check_notifications("\0" + name, "@" + name)

    def test_service_manager_that_is_gone_does_not_matter(self):
        for variable in (self.path("gone"), "nonsense", "/" + 200 * "x"):
            process = self.start(env={"NOTIFY_SOCKET": variable})
            self.assertIn("lanlet: warning: NOTIFY_SOCKET=" + variable, process.text())
            self.assertEqual(process.stop(), 0)

    def test_guests_can_connect_once_the_path_is_written(self):
        process = self.start("lab")
        self.assertEqual(process.ready, self.path("run/lanlet/lab/stream.sock") + "\n")
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(self.path("run/lanlet/lab/stream.sock"))

    def test_nothing_is_written_when_it_cannot_start(self):
        ready, ready_write = os.pipe()
        with os.fdopen(ready) as file:
            subprocess.run([LANLET, "run", "--gateway", "1.1.1.1", "--ready-fd", str(ready_write)], env=self.env,
                           pass_fds=(ready_write,), stderr=subprocess.DEVNULL, timeout=PATIENCE)
            os.close(ready_write)
            self.assertEqual(file.read(), "")

    def test_arguments_are_printed_that_lanlet_qemu_prints_too(self):
        process = self.start("lab")
        process.stop()
        output = Output(self)
        self.start("lab", stdout=output.file)
        for way in ((), ("--vhost-user",), ("--vde",)):
            expected, mac = self.lanlet("qemu", "lab", *way).stdout.rsplit(",mac=", 1)
            self.assertRegex(mac, "^52:54:00(:[0-9a-f]{2}){3}\n$")
            self.assertIn("    " + expected + ",mac=$(", output.text())

    def test_missing_standard_descriptors_do_no_harm(self):
        """Otherwise the first socket would be descriptor 2 and get the log lines."""
        env = {**self.env, "NOTIFY_SOCKET": self.path("notify")}
        manager = self.listen(self.path("notify"))
        process = self.program(LANLET, "run", "--log-level", "debug", env=env, preexec_fn=lambda: os.closerange(0, 3))
        self.assertIn(b"READY=1", manager.recv(4096))
        for fd in range(3):
            self.assertEqual(os.readlink("/proc/%d/fd/%d" % (process.pid, fd)), "/dev/null")

    def test_reader_of_standard_error_may_sleep(self):
        """A full pipe must not stop the network: here it is full from the start."""
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        os.set_blocking(writer, False)
        with self.assertRaises(BlockingIOError):
            while os.write(writer, bytes(4096)):
                pass
        os.set_blocking(writer, True)
        ready, ready_write = os.pipe()
        process = self.program(
            LANLET, "run", "--log-level", "debug", "--ready-fd", ready_write,
            env={**self.env, "NOTIFY_SOCKET": self.path("gone")}, pass_fds=(ready_write,), stdout=subprocess.DEVNULL, stderr=writer)
        os.close(writer)
        os.close(ready_write)
        with os.fdopen(ready) as file:
            self.assertTrue(select.select([file], [], [], PATIENCE)[0], "it hangs")
            self.assertNotEqual(file.read(), "")
        process.terminate()
        self.assertEqual(process.wait(), 0)

    def test_reader_of_standard_output_may_leave(self):
        reader, writer = os.pipe()
        os.close(reader)
        process = self.start(stdout=writer)
        os.close(writer)
        self.assertEqual(self.lanlet("status").returncode, 0)
        self.assertEqual(process.stop(), 0)


class Output:
    def __init__(self, test):
        self.path = test.path("output")
        self.file = open(self.path, "w")
        test.addCleanup(self.file.close)

    def text(self):
        with open(self.path) as file:
            return file.read()


class End(TestCase):
    def test_signals_end_it_cleanly(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            process = self.start()
            self.assertEqual(process.stop(number), 0)
            self.assertIn("lanlet: %s: ending\n" % number.name, process.text())
            left = [name for name in os.listdir(self.path("run/lanlet/default")) if name != "lock"]
            self.assertEqual(left, [])

    def test_signal_ends_it_with_guests_connected(self):
        process = self.start()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(process.ready.rstrip("\n"))
            wait_until(lambda: has_port(self), "a port of the switch")
            client.settimeout(PATIENCE)
            self.assertEqual(process.stop(), 0)
            self.assertEqual(client.recv(1), b"")


class Status(TestCase):
    def test_running_network_is_described(self):
        self.start("lab")
        done = self.lanlet("status", "lab")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stderr, "")
        self.assertNotEqual(done.stdout, "")

    def test_what_dhcp_and_boot_do_is_shown(self):
        self.start("lab", "--dhcp-range", "192.168.122.10-192.168.122.20,2h 192.168.122.30-192.168.122.40", "--tftp-root", self.dir,
                   "--keep-tcp-ports", "--ipv6-only")
        text = self.lanlet("status", "lab").stdout
        for line in (r"DHCP 192\.168\.122\.10 to 192\.168\.122\.20 for 2 h.*, 192\.168\.122\.30 to 192\.168\.122\.40 for 60 min",
                     r"files by TFTP from %s" % re.escape(self.dir), r"network lab, .*, TCP ports kept, up for .*",
                     r"IPv6 prefix .*, guests without IPv4"):
            self.assertRegex(text, r"(?m)^%s$" % line)
        self.start("bare", "--no-dhcp")
        self.assertRegex(self.lanlet("status", "bare").stdout, r"(?m)^no DHCP server$")

    def test_network_that_does_not_run_is_an_error(self):
        self.assert_fails(4, "network lab is not running (%s): lanlet run lab starts it" % self.path("run/lanlet/lab"), "status", "lab")
        self.start("lab").stop(signal.SIGKILL)
        self.assert_fails(4, "network lab is not running (%s): lanlet run lab starts it" % self.path("run/lanlet/lab"), "status", "lab")

    def test_clients_that_do_not_read_do_not_block_others(self):
        self.start()
        idle = []
        for _ in range(40):
            idle.append(self.connect(self.path("run/lanlet/default/api.sock")))
        self.assertEqual(self.lanlet("status").returncode, 0)

    def test_clients_are_turned_away_when_descriptors_run_out(self):
        """If they stayed in the queue, they would wake the network again and again."""
        process = self.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40)))
        path = self.path("run/lanlet/default/stream.sock")
        guests = [self.connect(path) for _ in range(30)]
        wait_until(lambda: len(os.listdir("/proc/%d/fd" % process.pid)) == 40, "the last descriptor to be taken")
        with self.connect(self.path("run/lanlet/default/api.sock")) as client:
            client.settimeout(PATIENCE)
            self.assertEqual(client.recv(12), b"HTTP/1.1 503")
        for guest in guests:
            guest.close()
        wait_until(lambda: self.status(), "an answer")

    @unittest.skipIf("ASAN_OPTIONS" in os.environ, "the address sanitizer takes terabytes of address space")
    def test_status_answers_where_address_space_is_limited(self):
        """ulimit -v: GLib's threads must fit, or it ends the process at the first request."""
        limit = 60 << 20
        self.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
        for _ in range(3):
            self.assertIn("network default", self.lanlet("status").stdout)

    def connect(self, path):
        client = socket.socket(socket.AF_UNIX)
        self.addCleanup(client.close)
        client.connect(path)
        return client

    def test_client_that_writes_and_leaves_does_no_harm(self):
        self.start()
        for _ in range(20):
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(self.path("run/lanlet/default/api.sock"))
                try:
                    client.send(b"GET / HTTP/1.0\r\n\r\n")
                except BrokenPipeError:
                    pass
        self.assertEqual(self.lanlet("status").returncode, 0)


class Connecting(TestCase):
    def status_says(self, text):
        wait_until(lambda: text in self.status(), text)

    def test_vde_networks_are_joined_whenever_they_are_there(self):
        self.needs_libvdeplug()
        url = "vde://" + self.path("run/lanlet/other/vde")
        self.start("--vde", url, "--vde", "nosuch://x", "--no-gateway")
        self.status_says("waiting for nosuch://x: ")
        wait_until(lambda: "being opened" not in self.status(), "an end of opening")
        if "Operation not supported" in self.status():
            self.skipTest("the sanitizer does not bear how libvdeplug loads plugins")
        self.status_says("waiting for %s: nothing listens there yet" % url)
        self.status_says("waiting for nosuch://x: libvdeplug has no plugin for it")
        self.status_says("a switch only")
        for _ in range(2):
            other = self.start("other", "--no-dhcp")
            self.status_says("\nplug1 ")
            self.assertNotIn("waiting for " + url, self.status())
            self.assertIn("\nvde1 ", self.status("other"))
            other.stop()
            self.status_says("waiting for " + url)

    def test_front_ends_that_listen_are_connected_to_whenever_they_are_there(self):
        self.start("--vhost-connect", self.path("a"), "--vhost-connect", self.path("b"))
        self.status_says("waiting for %s: No such file" % self.path("a"))
        for _ in range(2):
            with socket.socket(socket.AF_UNIX) as front_end:
                front_end.bind(self.path("a"))
                front_end.listen()
                front_end.settimeout(PATIENCE)
                connection, _ = front_end.accept()
                self.status_says("\nvhost")
                self.assertNotIn("waiting for " + self.path("a"), self.status())
            connection.close()
            os.unlink(self.path("a"))
            self.status_says("waiting for %s" % self.path("a"))
        self.assertIn("waiting for %s: No such file" % self.path("b"), self.status())
        self.assertNotIn("vhost", self.status())


@needs("qemu-system-x86_64")
class Qemu(TestCase):
    def test_qemu_connects_with_the_printed_arguments(self):
        self.connect()

    def test_qemu_connects_with_the_printed_arguments_for_vde(self):
        if "vde" not in subprocess.run(["qemu-system-x86_64", "-netdev", "help"], capture_output=True, text=True).stdout.split():
            self.skipTest("this QEMU has no -netdev vde")
        self.connect("--vde")

    def connect(self, *way):
        self.start()
        self.assertFalse(has_port(self))
        arguments = self.lanlet("qemu", *way).stdout.split()
        qemu = self.program(
            "qemu-system-x86_64", "-accel", "tcg", "-nodefaults", "-display", "none", "-S", *arguments, stderr=subprocess.PIPE, text=True)
        wait_until(lambda: not qemu.is_running() or has_port(self), "a port of the switch")
        self.assertTrue(qemu.is_running(), "QEMU ended")
        qemu.kill()
        self.assertEqual(qemu.communicate()[1], "")


if __name__ == "__main__":
    runner.main()
