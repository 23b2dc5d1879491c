# SPDX-License-Identifier: GPL-2.0-or-later
"""Commands that end at once: help, manual page, usage errors, `lanlet qemu`."""

import os
import pty
import re
import select
import shlex
import subprocess
from pathlib import Path

from lan import runner
from lan.case import TestCase
from lan.programs import LANLET, needs
from lan.wait import PATIENCE


def options_in_help(text):
    return re.findall(r"^  --([a-z0-9-]+)", text, re.M)


class CommandLine(TestCase):
    def test_help_lists_the_commands(self):
        for how in (["--help"], ["-h"], ["help"]):
            done = self.lanlet(*how)
            self.assertEqual(done.returncode, 0)
            for command in ("run", "qemu", "status"):
                self.assertRegex(done.stdout, r"(?m)^  %s +\S" % command)

    def test_version(self):
        done = self.lanlet("--version")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"^lanlet \d+\.\d+\.\d+\n$")

    def test_run_help_has_the_options_that_users_were_promised(self):
        options = options_in_help(self.lanlet("run", "--help").stdout)
        for option in ("subnet gateway ipv6 dhcp-range lease-time mtu domain dns host fd connect udp vhost-connect vde no-dhcp "
                       "no-gateway host-loopback keep-tcp-ports metadata link-local isolate storm-limit engine udp-filtering log-level "
                       "config runtime-dir state-dir ready-fd").split():
            self.assertIn(option, options)

    def test_manual_page_has_every_option_and_command(self):
        with open(os.environ["MANPAGE"]) as file:
            page = file.read()
        commands = re.findall(r"^  ([a-z]+) ", self.lanlet("--help").stdout, re.M)
        self.assertGreaterEqual(len(commands), 3)
        synopsis = re.search(r"(?s)\.Sh SYNOPSIS\n(.*?)\n\.Sh", page)[1]
        for command in commands:
            self.assertRegex(page, r"(?m)^\.It Cm %s\b" % command)
            self.assertRegex(synopsis, r"\b%s\b" % command)
            options = options_in_help(self.lanlet(command, "--help").stdout)
            self.assertIn("help", options)
            for option in options:
                self.assertRegex(page, r"(?m)^\.It Fl -%s( |$)" % option)
        self.assertNotRegex(page, "(?m)^@")

    @needs("mandoc")
    def test_manual_page_is_well_formed(self):
        done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", os.environ["MANPAGE"]], capture_output=True, text=True)
        self.assertEqual(done.stdout, "")

    def complete(self, *words):
        """What bash offers behind @words, of which the last is being written."""
        script = 'source "$1"; shift; COMP_WORDS=(lanlet "$@"); COMP_CWORD=$#; _lanlet; printf "%s\\n" "${COMPREPLY[@]}"'
        done = subprocess.run(["bash", "-c", script, "bash", os.environ["COMPLETION"], *words], capture_output=True, text=True, check=True)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    @needs("bash")
    def test_shell_completes_commands_options_and_words(self):
        commands = re.findall(r"^  ([a-z0-9-]+) ", self.lanlet("--help").stdout, re.M)
        self.assertEqual(set(self.complete("")) - {"--help", "--version"}, set(commands))
        self.assertEqual(self.complete("lea"), ["leases"])
        for command in commands:
            self.assertEqual(set(self.complete(command, "--")), {"--" + o for o in options_in_help(self.lanlet(command, "--help").stdout)})
        self.assertEqual(self.complete("run", "--log-level", "w"), ["warning"])
        self.assertIn("native", self.complete("run", "--engine", ""))
        self.assertEqual(self.complete("run", "--mtu", ""), [])
        for option in ("--config", "--libvirt-network", "--state-dir", "--tftp-root", "--http-root"):
            self.assertEqual(self.complete("run", option, "/et"), ["/etc"], option)
        self.assertEqual(self.complete("import", "/et"), ["/etc"])
        self.assertEqual(self.complete("leases", "/et"), [])

    @needs("fish")
    def test_fish_completes_commands_options_and_words(self):
        def complete(line):
            script = "source $argv[1]; complete -C $argv[2]"
            done = subprocess.run(["fish", "--no-config", "-c", script, os.environ["COMPLETION"] + ".fish", line],
                                  capture_output=True, text=True, check=True, env=self.env, timeout=PATIENCE)
            self.assertEqual(done.stderr, "")
            return {offer.partition("\t")[0] for offer in done.stdout.splitlines()}
        commands = set(re.findall(r"^  ([a-z0-9-]+) ", self.lanlet("--help").stdout, re.M))
        self.assertGreaterEqual(complete("lanlet "), commands)
        self.assertEqual(complete("lanlet lea"), {"leases"})
        for command in commands:
            options = {"--" + o for o in options_in_help(self.lanlet(command, "--help").stdout)}
            self.assertEqual(options - complete(f"lanlet {command} --"), set(), command)
        self.assertEqual(complete("lanlet run --log-level w"), {"warning"})
        self.assertIn("/etc/", complete("lanlet import /et"))

    def test_completions_describe_options_in_the_words_of_the_help(self):
        fish = Path(os.environ["COMPLETION"] + ".fish").read_text().replace("'\\''", "\a")
        zsh = Path(os.environ["COMPLETION"]).with_name("_lanlet").read_text().replace("'\\''", "\a")
        descriptions = {
            "fish": re.findall(r"__fish_seen_subcommand_from ([a-z0-9-]+)' -l ([a-z0-9-]+) -d '([^']*)'", fish),
            "zsh": [(command, option, text) for command, options in re.findall(r"(?m)^\t([a-z0-9-]+)\)\n((?:\t\t.*\n)+)", zsh)
                    for option, text in re.findall(r"'\*?--([a-z0-9-]+)\[([^]]*)\]", options)],
        }
        for command in re.findall(r"^  ([a-z0-9-]+) ", self.lanlet("--help").stdout, re.M):
            text = self.lanlet(command, "--help").stdout
            helps = {o: " ".join(h.split()) for o, h in re.findall(r"(?m)^  --([a-z0-9-]+).*\n((?: {8}.*\n)+)", text)}
            for shell, all_of_shell in descriptions.items():
                own = {option: text.replace("\a", "'") for name, option, text in all_of_shell if name == command}
                self.assertEqual(own.keys(), helps.keys(), (shell, command))
                for option, described in own.items():
                    self.assertTrue(helps[option].startswith(described), (shell, command, option, described))
                    self.assertRegex(helps[option][len(described):], r"^(?:[.:]( |$)|,? such as |,? like )", (shell, command, option))

    @needs("zsh")
    def test_zsh_completes_commands_options_and_words(self):
        directory = self.path("zsh")
        os.mkdir(directory)
        os.symlink(os.path.join(os.path.dirname(os.environ["COMPLETION"]), "_lanlet"), os.path.join(directory, "_lanlet"))
        for line, completed in (("lanlet lea", "lanlet leases "), ("lanlet run --log-level war", "lanlet run --log-level warning "),
                                ("lanlet reserve --rem", "lanlet reserve --remove "), ("lanlet import /et", "lanlet import /etc/")):
            self.assertEqual(self.type_into_zsh(directory, line), completed)

    def type_into_zsh(self, directory, line):
        """The command line after a Tab in zsh's line editor."""
        terminal, other = pty.openpty()
        start = (f"fpath=({directory} $fpath); autoload -Uz compinit; compinit -u -D; show() {{ print -r -- \"<$BUFFER>\"; exit }}; "
                 "zle -N show; bindkey '^X' show; print 're''ady'")
        zsh = self.program(
            "zsh", "-f", "-i", stdin=other, stdout=other, stderr=other, start_new_session=True,
            env={**self.env, "TERM": "dumb", "PS1": "type> "})
        os.close(other)
        try:
            self.read_until(terminal, "type> ")
            os.write(terminal, start.encode() + b"\n")
            self.read_until(terminal, "ready")
            os.write(terminal, line.encode() + b"\t\x18")
            return re.search("<(.*?)>", self.read_until(terminal, ">\r?\n"))[1]
        finally:
            zsh.end()
            os.close(terminal)

    def read_until(self, terminal, pattern):
        text = ""
        while not re.search(pattern, text):
            readable, _, _ = select.select([terminal], [], [], PATIENCE)
            self.assertTrue(readable, f"no {pattern!r} in {text!r}")
            text += os.read(terminal, 4096).decode(errors="replace")
        return text

    def test_wrong_usage_ends_with_2(self):
        self.assert_fails(2, "missing command: try lanlet --help")
        self.assert_fails(2, 'unknown command "walk": try lanlet --help', "walk")
        self.assert_fails(2, "unknown option --nonsense: try lanlet run --help", "run", "--nonsense")
        self.assert_fails(2, "--subnet needs a value: --subnet PREFIX", "run", "--subnet")
        self.assert_fails(2, 'wait "": expected the name or MAC of a guest', "wait", "")  # as from an unset variable

    def test_wrong_value_names_option_value_and_what_is_accepted(self):
        self.assert_fails(2, '--mtu "9k": expected auto or a number from 576 to 65520', "run", "--mtu", "9k")
        self.assert_fails(2, '--host-loopback "perhaps": expected true or false', "run", "--host-loopback=perhaps")

    def test_every_option_with_a_value_refuses_nonsense(self):
        options = re.findall(r"^  --([a-z0-9-]+) \S", self.lanlet("run", "--help").stdout, re.M)
        own = {"config", "libvirt-network", "runtime-dir", "state-dir"}
        for option in set(options) - own:
            done = self.lanlet("run", "--" + option, "\t?")
            self.assertEqual(done.returncode, 2, option)
            self.assertRegex(done.stderr, r'^lanlet: error: --%s "\??\?": (.*: )?expected ' % option)

    def test_contradicting_options_are_refused(self):
        self.assert_fails(2, "gateway 10.0.0.1 is not a host address of the subnet 192.168.122.0/24", "run", "--gateway", "10.0.0.1")

    def test_name_cannot_leave_the_directory(self):
        for name in ("../x", "a/b", "", "."):
            self.assertEqual(self.lanlet("run", name).returncode, 2)

    def test_qemu_arguments_are_stable_for_a_guest(self):
        first, again = self.lanlet("qemu", "lab", "--guest", "web"), self.lanlet("qemu", "lab", "--guest", "web")
        self.assertEqual(first.returncode, 0)
        self.assertEqual(first.stdout, again.stdout)
        self.assertNotEqual(first.stdout, self.lanlet("qemu", "lab", "--guest", "db").stdout)
        words = first.stdout.split()
        self.assertEqual(words[0], "-netdev")
        self.assertTrue(words[1].endswith(",addr.type=unix,addr.path=" + self.path("run/lanlet/lab/guests/web/stream.sock")))
        self.assertEqual(words[2], "-device")
        self.assertRegex(words[3], r"^virtio-net-pci,netdev=lanlet0,mac=52:54:00(:[0-9a-f]{2}){3}$")

    def test_qemu_accepts_only_one_link(self):
        done = self.lanlet("qemu", "--vde", "--vhost-user")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("choose one", done.stderr)

    def test_qemu_takes_a_mac_and_a_relative_directory(self):
        done = self.lanlet("qemu", "--mac", "52:54:00:00:00:01", "--runtime-dir", "sub dir", cwd=self.dir)
        words = shlex.split(done.stdout)
        self.assertEqual(len(words), 4)
        self.assertTrue(words[1].endswith("addr.path=" + os.path.realpath(self.path("sub dir/stream.sock"))))
        self.assertTrue(words[3].endswith(",mac=52:54:00:00:00:01"))

    def test_output_that_cannot_be_written_is_an_error(self):
        with open("/dev/full", "w") as full:
            for args in (["--help"], ["--version"], ["run", "--help"], ["qemu"]):
                done = subprocess.run([LANLET, *args], env=self.env, stdout=full, stderr=subprocess.PIPE, text=True)
                self.assertEqual(done.returncode, 1, args)
                self.assertIn("standard output", done.stderr)


if __name__ == "__main__":
    runner.main()
