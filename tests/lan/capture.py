# SPDX-License-Identifier: GPL-2.0-or-later
"""`lanlet capture` as a child process, and tshark's opinion of what it writes."""

import signal
import subprocess
import tempfile
from pathlib import Path

from . import pcapng
from .wait import wait_until

PATIENCE = 120.0  # seconds; tshark is slow
# What tshark has to say of a frame beside our comments and what TCP does to a narrow way.
COMPLAINT = ('_ws.malformed || _ws.expert.severity == "Error" || '
             'ip.checksum.status == "Bad" || tcp.checksum.status == "Bad" || udp.checksum.status == "Bad" || '
             'icmpv6.checksum.status == "Bad"')
CHECKS = ["-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE",
          "-o", "tcp.reassemble_out_of_order:TRUE"]


def running(network):
    return network.api.get("/v1/captures")["captures"]


class Capture:
    """Runs once the object is there; stop() ends it as Ctrl-C does."""

    def __init__(self, network, *words, write=True):
        self.network = network
        self.directory = tempfile.TemporaryDirectory(prefix="lanlet-capture-")
        self.path = Path(self.directory.name) / "capture.pcapng"
        before = {capture["id"] for capture in running(network)}
        self.process = network.begin(
            "capture", *words, *(["--write", str(self.path)] if write else []), stderr=subprocess.PIPE, text=False)
        try:
            started = wait_until(lambda: not self.process.is_running() or {c["id"] for c in running(network)} - before, "the capture")
            assert started is not True, self.process.stderr.read().decode()
        except BaseException:
            self.close()
            raise
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
        self.process.end()
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


def complaints(path, has_beginnings=True):
    """
    Frames that tshark finds something wrong with.  In a file that begins in the middle of a connection (not @has_beginnings), it sees no
    request and guesses the protocol of random bytes, so there it is told that HTTP's payload is data.
    """
    return tshark(path, "-Y", COMPLAINT, *([] if has_beginnings else ["-d", "tcp.port==80,data"]))
