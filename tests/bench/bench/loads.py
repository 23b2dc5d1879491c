# SPDX-License-Identifier: GPL-2.0-or-later
"""The loads that run over each candidate, and what is measured meanwhile.

A result is a dictionary: `rate` in the load's unit, `cpu` (the helper's seconds per gigabyte, or its milliseconds per thousand
transactions, datagrams or frames), `front_cpu` (the same of the front end), or `error`.
"""

import contextlib
import json
import signal
import subprocess
import time

from pathlib import Path

from .host import FIRST_PORT, PORTS, QUIET_PORT, SERVER, BenchError, Process, ReadyProcess, die_with_parent

DATAGRAM_BYTES = 1400
MESSAGE_BYTES = 64
LOSS_LIMIT = 0.01
PATIENCE = 30.0  # seconds beyond a load's own time
HOLD_PATIENCE = 20.0  # seconds for all idle flows


class Settings:
    """Durations and amounts; `smoke` checks that every load works and measures nothing."""

    def __init__(self, seconds=2.0, idle_flows=15000, smoke=False):
        self.smoke = smoke
        self.ms = 40 if smoke else int(seconds * 1000)
        self.attempts = 3 if smoke else 1
        self.udp_ms = 40 if smoke else 400
        self.udp_rates = 2 if smoke else 14  # the most rates that one search tries
        self.udp_first_rate = 1000 if smoke else 20000
        self.idle_flows = min(idle_flows, 40) if smoke else idle_flows


def command(session, verb, *options):
    return [
        session.host.programs / "load", verb, session.server, FIRST_PORT, "--netns", session.netns,
        *(word for option in options for word in option),
    ]


def run_load(session, verb, *options, ms):
    """Runs the load generator and returns its result."""
    return run_words(session, command(session, verb, *options)[1:], ms)


def run_words(session, words, ms):
    words = [str(word) for word in (session.host.programs / "load", *words, "--ms", ms)]
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=ms / 1000 + PATIENCE, preexec_fn=die_with_parent)
    except subprocess.TimeoutExpired:
        raise BenchError("stalled") from None
    if done.returncode:
        raise BenchError(done.stderr.strip().removeprefix("load: ") or f"{words[1]} failed")
    return json.loads(done.stdout)


@contextlib.contextmanager
def counting_cpu(session):
    """Yields a dictionary that holds the CPU seconds of helper and front ends when the block has ended."""
    processes = session.processes()
    before = [process.cpu_seconds() for _, process in processes]
    used = {}
    yield used
    for (name, process), seconds in zip(processes, before):
        if not process.is_running():
            raise BenchError(f"{process.name} died: {process.text()}")
        used[name] = used.get(name, 0) + process.cpu_seconds() - seconds


def per(amount, used, scale):
    """Returns the result's CPU members for `amount` bytes, transactions or datagrams."""
    names = {"helper": "cpu", "front": "front_cpu"}
    return {names[name]: seconds * scale / amount for name, seconds in used.items() if amount}


class Stream:
    """TCP in one direction, as fast as possible.  `times`: how many times longer than other loads.  `least_ms`: a shorter load is over
    before data has gone both ways."""

    unit, cpu_unit = "Gbit/s", "CPU s/GB"

    def __init__(self, name, verb, streams=1, times=1, least_ms=0):
        self.name, self.verb, self.streams, self.times, self.least_ms = name, verb, streams, times, least_ms

    def run(self, session, settings):
        with counting_cpu(session) as used:
            done = run_load(session, self.verb, ("--streams", self.streams), ms=max(int(settings.ms * self.times), self.least_ms))
        return {"rate": done["bytes"] * 8e-9 / done["seconds"], **per(done["bytes"], used, 1e9)}


class Ages:
    """How old data is on arrival (median and maximum, in microseconds), when the sender keeps at most 16 KiB unsent.  @rate: bytes a second
    that the guest reads."""

    unit, cpu_unit = "Mbit/s", "CPU s/GB"

    def __init__(self, name, verb, rate=0, times=4):
        self.name, self.verb, self.rate, self.times = name, verb, rate, times

    def run(self, session, settings):
        options = [("--rate", self.rate)] if self.rate else []
        with counting_cpu(session) as used:
            done = run_load(session, self.verb, *options, ms=int(settings.ms * self.times))
        return {"rate": done["bytes"] * 8e-6 / done["seconds"], "age": done["age"], "age_max": done["age_max"],
                **per(done["bytes"], used, 1e9)}


class Transactions:
    """One at a time: a message of 64 bytes and its answer."""

    unit, cpu_unit = "/s", "CPU ms/1000"

    def __init__(self, name, verb):
        self.name, self.verb = name, verb

    def run(self, session, settings):
        with counting_cpu(session) as used:
            done = run_load(session, self.verb, ("--size", MESSAGE_BYTES), ("--ports", PORTS), ms=settings.ms)
        return {"rate": done["transactions"] / done["seconds"], **per(done["transactions"], used, 1e6)}


def offer_datagrams(session, verb, rate, ms):
    done = run_load(session, verb, ("--rate", int(rate)), ("--size", DATAGRAM_BYTES), ms=ms)
    done["loss"] = 1 - done["received"] / max(done["sent"], 1)
    return done


class DatagramSearch:
    """The highest rate that loses less than 1 %: doubles it until that fails, then halves the interval."""

    unit, cpu_unit = "datagrams/s", "CPU ms/1000"

    def __init__(self, name, verb):
        self.name, self.verb = name, verb

    def run(self, session, settings):
        good, good_rate, bad = None, 0, None
        rate = settings.udp_first_rate
        for _ in range(settings.udp_rates):
            with counting_cpu(session) as used:
                done = offer_datagrams(session, self.verb, rate, settings.udp_ms)
            if done["loss"] >= LOSS_LIMIT:  # a second try, in case another program caused the loss
                with counting_cpu(session) as used:
                    done = offer_datagrams(session, self.verb, rate, settings.udp_ms)
            if done["loss"] < LOSS_LIMIT:
                good_rate = rate
                good = {"rate": done["received"] / done["seconds"], **per(done["received"], used, 1e6)}
                if done["sent"] < 0.9 * rate * done["seconds"]:
                    return {**good, "limit": "sender"}
            else:
                bad = rate
            if bad and bad - good_rate < 0.05 * bad:
                break
            rate = rate * 2 if bad is None else (good_rate + bad) / 2
        if not good:
            raise BenchError(f"loses {done['loss']:.0%} at {rate:.0f}/s")
        return good


class DatagramsAt:
    """Datagrams at a given rate, to measure their CPU; the loss is reported."""

    unit, cpu_unit = "datagrams/s", "CPU ms/1000"

    def __init__(self, name, verb, rate):
        self.name, self.verb, self.offered = name, verb, rate

    def run(self, session, settings):
        with counting_cpu(session) as used:
            done = offer_datagrams(session, self.verb, self.offered, settings.ms)
        return {"rate": done["received"] / done["seconds"], "loss": done["loss"], "offered": self.offered,
                **per(done["received"], used, 1e6)}


class PerfCounter:
    """Counts a process's instructions with perf.  Afterwards `.count` holds them, or None when perf or the machine cannot count."""

    def __init__(self, process, directory):
        self.process = process
        self.path = directory / "perf"
        self.count = None
        self.counted_by = ""

    def __enter__(self):
        self.path.unlink(missing_ok=True)
        try:
            self.perf = subprocess.Popen(
                ["perf", "stat", "-x", ";", "-e", "instructions", "-p", str(self.process.pid), "-o", self.path],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=die_with_parent)
            time.sleep(0.1)
        except FileNotFoundError:
            self.perf = None
        return self

    def __exit__(self, *_):
        if not self.perf:
            return
        self.perf.send_signal(signal.SIGINT)
        try:
            self.perf.wait(5)
        except subprocess.TimeoutExpired:
            self.perf.kill()
            self.perf.wait()
        for line in self.path.read_text().splitlines() if self.path.exists() else ():
            fields = line.split(";")
            if len(fields) > 2 and fields[0].isdigit():
                self.count = int(fields[0])
                self.counted_by = "perf, the program alone" if fields[2].endswith(":u") else "perf, kernel included"


class CallgrindCounter:
    """Counts the instructions of a process that runs under callgrind: the program's own, without the kernel's."""

    counted_by = "callgrind, the program alone"

    def __init__(self, process, output):
        self.process = process
        self.output = output
        self.count = None

    def dump(self):
        """Returns the number of instructions since the last dump."""
        known = set(self.output.parent.glob(f"{self.output.name}*"))
        subprocess.run(["callgrind_control", "--dump", str(self.process.pid)], capture_output=True, timeout=PATIENCE)
        for path in set(self.output.parent.glob(f"{self.output.name}*")) - known:
            for line in path.read_text().splitlines():
                if line.startswith("totals:"):
                    return int(line.split()[1])
        return None

    def __enter__(self):
        self.dump()
        return self

    def __exit__(self, *_):
        self.count = self.dump()


def transact(session, settings, counter=None):
    """Runs request/response, with instructions per transaction if the counter works."""
    with counting_cpu(session) as used, counter or contextlib.nullcontext():
        done = run_load(session, "rr", ("--size", MESSAGE_BYTES), ms=settings.ms)
    result = {"rate": done["transactions"] / done["seconds"], **per(done["transactions"], used, 1e6)}
    if counter and counter.count:
        result["instructions"] = counter.count / done["transactions"]
        result["counted_by"] = counter.counted_by
    return result


class HoldProcess(ReadyProcess):
    """`load hold`: its first line is not "ready" but the number of connections."""

    READY = None


def hold_flows(session, settings):
    words = command(session, "hold", ("--flows", settings.idle_flows), ("--ports", PORTS), ("--ms", int(HOLD_PATIENCE * 1000)))
    holder = HoldProcess("hold", words, session.host.directory)
    try:
        held = json.loads(holder.read_line(HOLD_PATIENCE + 5) or '{"held": 0}')["held"]
        if held < settings.idle_flows:
            raise BenchError(f"{held} of {settings.idle_flows} idle flows within {HOLD_PATIENCE:.0f} s")
    except BaseException:
        holder.close()
        raise
    return holder


class IdleFlows:
    """Request/response, alone and beside many idle connections; instructions per transaction show what those cost."""

    unit, cpu_unit = "/s", "CPU ms/1000"

    def __init__(self, name="rr-idle"):
        self.name = name
        self.by_callgrind = {}  # candidate → (alone, beside): counted once for all repeats

    def alone_and_beside(self, session, settings, make_counter):
        alone = transact(session, settings, make_counter())
        holder = hold_flows(session, settings)
        try:
            time.sleep(min(1.0, settings.ms / 1000))  # until the work after so many handshakes is done
            return alone, transact(session, settings, make_counter())
        finally:
            holder.close()
            session.host.restart_server()

    def count_with_callgrind(self, session, settings):
        """Returns both results of a second session under callgrind; empty ones, with the reason if known, when there is none."""
        output = session.host.directory / f"{session.candidate.name}-callgrind.out"
        candidate = session.candidate.under_callgrind(output)
        if not candidate:
            return {}, {}
        try:
            with contextlib.closing(type(session)(session.host, candidate, session.mtu)) as instrumented:
                return self.alone_and_beside(instrumented, settings, lambda: CallgrindCounter(instrumented.helper, output))
        except BenchError as error:
            return {"counted_by": f"not counted: {error}"}, {}

    def run(self, session, settings):
        name = session.candidate.name
        helper = session.helper
        alone, beside = self.alone_and_beside(
            session, settings, lambda: PerfCounter(helper, session.host.directory) if helper else None)
        if "instructions" not in beside:
            if name not in self.by_callgrind:
                self.by_callgrind[name] = self.count_with_callgrind(session, settings)
            for result, counted in zip((alone, beside), self.by_callgrind[name]):
                result |= {key: value for key, value in counted.items() if key in ("instructions", "counted_by")}
        return {**beside, "flows": settings.idle_flows, "alone": alone}


class Floor:
    """The CPU of a copy between another process's memory and a loopback socket.  iperf3 shows the cost of a program that only sends."""

    unit, cpu_unit = "Gbit/s", "CPU s/GB"

    def __init__(self, name, verb, *iperf3_options):
        self.name, self.verb, self.iperf3_options = name, verb, iperf3_options

    def run(self, session, settings):
        return self.run_iperf3(session, settings) if session.candidate.name == "iperf3" else self.run_floor(session, settings)

    def run_floor(self, session, settings):
        done = run_load(session, self.verb, ms=settings.ms)
        return {"rate": done["bytes"] * 8e-9 / done["seconds"], "cpu": done["cpu"] * 1e9 / done["bytes"]}

    def run_iperf3(self, session, settings):
        with session.host.outside.inside():
            server = Process("iperf3-server", ["iperf3", "-s", "-1", "-p", IPERF3_PORT], session.host.directory)
            client = ["iperf3", "-c", SERVER, "-p", IPERF3_PORT, "-t", max(1, round(settings.ms / 1000)), "-J", *self.iperf3_options]
            try:
                server.wait_for(lambda: is_listening(IPERF3_PORT), "port")
                done = subprocess.run([str(word) for word in client], capture_output=True, text=True, timeout=PATIENCE)
            finally:
                server.close()
        report = json.loads(done.stdout)
        if "error" in report:
            raise BenchError(report["error"])
        end = report["end"]
        received, cpu = end["sum_received"], end["cpu_utilization_percent"]["host_total"] / 100
        return {"rate": received["bits_per_second"] * 1e-9, "cpu": cpu * received["seconds"] * 1e9 / received["bytes"]}


class Relayed:
    """The relay's own CPU for the same work as a helper's; datagrams at RELAY_RATE a second."""

    def __init__(self, name, verb, counted, unit):
        self.name, self.verb, self.counted, self.unit = name, verb, counted, unit
        self.cpu_unit = "CPU ms/1000"

    def run(self, session, settings):
        size = MESSAGE_BYTES if self.counted == "transactions" else DATAGRAM_BYTES
        done = run_load(session, self.verb, ("--size", size), ("--rate", RELAY_RATE), ms=settings.ms)
        return {"rate": done[self.counted] / done["seconds"], "cpu": done["cpu"] * 1e6 / done[self.counted]}


RELAY_RATE = 30000
IPERF3_PORT = 5201


def is_listening(port):
    return any(line.split()[1].endswith(f":{port:04X}") for name in ("tcp", "tcp6") for line in table_of(name))


def table_of(protocol):
    path = Path("/proc/thread-self/net", protocol)
    return path.read_text().splitlines()[1:] if path.exists() else ()


SETTLE = 6.0  # seconds; a new port is probed for loops at first


class IdlePorts:
    """Idle virtual machines on vhost-user: the memory that they cost, and how often lanlet wakes up."""

    unit, cpu_unit = "ports", ""

    def __init__(self, name, ports):
        self.name, self.ports = name, ports

    def run(self, session, settings):
        runtime = session.host.directory / session.candidate.name / "run"
        before = private_bytes(session.helper)
        machines = ReadyProcess(
            "ports", [session.host.programs / "vhost_ports", self.ports, f"unix:{runtime}/vhost.sock"], session.host.directory)
        try:
            time.sleep(0.1 if settings.smoke else SETTLE)
            wakeups = session.helper.wakeups()
            time.sleep(settings.ms / 1000)
            wakeups = session.helper.wakeups() - wakeups
            return {"rate": self.ports, "memory": private_bytes(session.helper) - before, "wakeups": wakeups * 1000 / settings.ms}
        finally:
            machines.close()


def private_bytes(process):
    """Resident memory without the guests'."""
    return process.status_bytes("RssAnon") + process.status_bytes("RssFile")


class VdeFrames:
    """Frames of one size from one client of a VDE switch to another, as fast as possible; counts those that arrive."""

    unit, cpu_unit = "frames/s", "CPU ms/1000"

    def __init__(self, size):
        self.name, self.size = f"frames-{size}", size

    def run(self, session, settings):
        with counting_cpu(session) as used:
            done = subprocess.run(
                [str(word) for word in (session.host.programs / "vde_load", session.vde, self.size, settings.ms)], capture_output=True,
                text=True, stdin=subprocess.DEVNULL, timeout=settings.ms / 1000 + PATIENCE, preexec_fn=die_with_parent)
        if done.returncode:
            raise BenchError(done.stderr.strip().removeprefix("vde_load: ") or "vde_load failed")
        result = json.loads(done.stdout)
        if "cpu" in result:
            used["helper"] = result["cpu"]
        return {"rate": result["received"] / result["seconds"], **per(result["received"], used, 1e6)}


FLOOD_RATE = 100000  # frames a second
GUEST, GATEWAY = "192.168.122.77", "192.168.122.1"
FLOODS = ("udp-closed", "udp-open", "syn-closed", "syn-open", "arp", "dhcp", "dns")


class Flood:
    """How long a guest waits beside one that floods, for pings of the gateway and answers of a server outside; then its throughput."""

    unit, cpu_unit = "Gbit/s", "CPU s/GB"

    def __init__(self, kind):
        self.name = kind

    def run(self, session, settings):
        server = (session.server, QUIET_PORT, "--netns", session.netns)
        with self.flooding(session):
            waits = run_words(session, ("latency", *server, "--gateway", GATEWAY, "--size", MESSAGE_BYTES), settings.ms)
            sent = run_words(session, ("send", *server), settings.ms // 2)
        names = ("ping_p50", "ping_p99", "rr_p50", "rr_p99")
        return {"rate": sent["bytes"] * 8e-9 / sent["seconds"], **dict(zip(names, waits["ping"] + waits["rr"]))}

    @contextlib.contextmanager
    def flooding(self, session):
        if self.name not in FLOODS:
            yield
            return
        with contextlib.closing(ReadyProcess("flood", [
                session.host.programs / "flood", self.name, f"tap0@{session.flooder}", GUEST, GATEWAY, SERVER, FIRST_PORT, FLOOD_RATE],
                session.host.directory)):
            yield


TCP_BOTH_WAYS = [
    Stream("up-1", "send"), Stream("up-4", "send", streams=4), Stream("down-1", "receive"), Stream("down-4", "receive", streams=4),
]


class Group:
    """Loads under one condition.  `fresh`: start the candidate and the cable anew for every load."""

    def __init__(self, name, title, mtu, loads, impairment=(), fresh=False):
        self.name, self.title, self.mtu, self.loads = name, title, mtu, loads
        self.impairment, self.fresh = impairment, fresh


def delay_group(rate):
    """A path of 20 ms with a queue of 100 ms."""
    path = ["--delay-ms", "10", "--rate-mbit", str(rate), "--queue-bytes", str(rate * 12500)]
    return Group(f"delay-{rate}", f"upload over {rate} Mbit/s, 20 ms", 1500, [Ages("age", "age-send")], path, fresh=True)


def all_groups():
    path = ["--delay-ms", "10", "--rate-mbit", "300"]
    both = [Stream("up-1", "send", times=2), Stream("down-1", "receive", times=2)]
    both_long = [Stream("up-1", "send", times=5, least_ms=1000), Stream("down-1", "receive", times=5, least_ms=1000)]
    transactions = [Transactions("rr", "rr"), Transactions("crr", "crr")]
    return [
        Group("mtu65520", "MTU 65520", 65520, TCP_BOTH_WAYS),
        Group("mtu1500", "MTU 1500", 1500, [*TCP_BOTH_WAYS, *transactions]),
        Group("between", "guest to guest, MTU 1500", 1500, [*TCP_BOTH_WAYS, *transactions]),
        Group("udp", "UDP, 1400 bytes, highest rate that loses less than 1 %", 1500, [
            DatagramSearch("udp-up", "udp-send"), DatagramSearch("udp-down", "udp-receive"),
        ]),
        Group("vde", "VDE client to VDE client", 1500, [VdeFrames(size) for size in (64, 1514)]),
        Group("floor", "loopback, 64 KiB at a time", 1500, [Floor("up-1", "floor-send"), Floor("down-1", "floor-receive", "-R")]),
        Group("relay", "a relay instead of a helper, on loopback", 1500, [
            Relayed("rr", "relay-rr", "transactions", "/s"), Relayed("udp-down", "relay-udp", "received", "datagrams/s"),
        ]),
        Group("ports", "idle virtual machines on vhost-user", 1500, [IdlePorts("idle-100", 100)]),
        Group("flood", "beside a guest that floods: the other guest's TCP", 1500, [Flood(kind) for kind in ("none", *FLOODS)],
              fresh=True),
        Group("idle", "request/response beside idle flows", 1500, [IdleFlows()]),
        Group("rtt20", "20 ms, 300 Mbit/s", 1500, both, path, fresh=True),
        *(Group(f"rtt{rtt}", f"{rtt} ms, 300 Mbit/s", 1500, both_long,
                ["--delay-ms", str(rtt // 2), "--rate-mbit", "300", "--queue-bytes", str(37500 * rtt // 2)], fresh=True)
          for rtt in (100, 200)),
        *(delay_group(rate) for rate in (1, 2, 20, 200)),
        Group("slow-reader", "a guest that reads 2 Mbit/s", 1500, [Ages("age", "age-receive", 250000)]),
        Group("rtt20-loss", "20 ms, 300 Mbit/s, 0.1 % loss each way", 1500, both_long, [*path, "--loss-percent", "0.1"], fresh=True),
    ]
