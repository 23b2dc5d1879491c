# SPDX-License-Identifier: GPL-2.0-or-later
"""`lanlet capture` as a child process, and tshark's opinion of what it writes."""

import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from . import openapi, pcapng

PATIENCE = 120.0  # seconds
# What tshark has to say of a frame beside our comments and what TCP does to a narrow way.
COMPLAINT = ('_ws.malformed || _ws.expert.severity == "Error" || '
             'ip.checksum.status == "Bad" || tcp.checksum.status == "Bad" || udp.checksum.status == "Bad"')
CHECKS = ["-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE",
          "-o", "tcp.reassemble_out_of_order:TRUE"]


def command(network, *words):
    return [os.environ["LANLET"], "capture", "--network", network.name, "--runtime-dir", str(network.runtime), *words]


def running(network):
    return openapi.Api(network.runtime / "api.sock").get("/v1/captures")["captures"]


def wait_until(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.02)
    return found


class Capture:
    """Runs once the object is there; stop() ends it as Ctrl-C does."""

    def __init__(self, network, *words, write=True):
        self.network = network
        self.directory = tempfile.TemporaryDirectory(prefix="lanlet-capture-")
        self.path = Path(self.directory.name) / "capture.pcapng"
        before = {capture["id"] for capture in running(network)}
        self.process = subprocess.Popen(
            command(network, *words, *(["--write", str(self.path)] if write else [])),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        started = wait_until(lambda: self.process.poll() is not None or {c["id"] for c in running(network)} - before, "the capture")
        assert started is not True, self.process.stderr.read().decode()
        (self.id,) = started

    def records(self):
        """How many it has now, by the network's count."""
        return next(capture["records"] for capture in running(self.network) if capture["id"] == self.id)

    def wait(self, code=0):
        """Its end; what it said."""
        _, said = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == code, f"lanlet capture ended with {self.process.returncode}: {said.decode()}"
        return said.decode()

    def stop(self, code=0):
        self.process.send_signal(signal.SIGINT)
        return self.wait(code)

    def parse(self):
        return pcapng.parse(self.path.read_bytes())

    def finish(self):
        """What it has captured, when it has lost nothing."""
        said = self.stop()
        capture = self.parse()
        assert f"{len(capture.records)} records captured, 0 lost" in said, said
        assert capture.lost == 0
        return capture

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
        self.process.stdout.close()
        self.process.stderr.close()
        self.directory.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def tshark(path, *words):
    done = subprocess.run(["tshark", "-n", *CHECKS, "-r", str(path), *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return done.stdout


def complaints(path):
    """Frames that tshark finds something wrong with, and what it says when it cannot read the file."""
    return tshark(path, "-Y", COMPLAINT)
