# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes medians of records, tables of them, and compares them with the bars: lanlet's performance targets."""

import statistics

RIVALS = ("passt", "slirp4netns")
FIELDS = ("rate", "cpu", "front_cpu", "instructions", "loss", "offered", "peak_rss_bytes", "memory", "wakeups",
          "ping_p50", "ping_p99", "rr_p50", "rr_p99", "age", "age_max")


class Medians:
    """Maps (group, load, candidate) to {field: median}, or to {"error": why} when no repeat worked."""

    def __init__(self, records):
        by_key = {}
        for record in records:
            by_key.setdefault((record["group"], record["load"], record["candidate"]), []).append(record)
        self.cells = {key: self.median(cell) for key, cell in by_key.items()}

    @classmethod
    def median(cls, records):
        good = [record for record in records if "error" not in record]
        if not good:
            return {"error": records[-1]["error"]}
        cell = {"n": len(good)}
        for field in FIELDS:
            values = [record[field] for record in good if record.get(field) is not None]
            if values:
                cell[field] = statistics.median(values)
        if "counted_by" in good[0]:
            cell["counted_by"] = good[0]["counted_by"]
        if "alone" in good[0]:
            cell["alone"] = cls.median([record["alone"] for record in good])
        return cell

    def get(self, group, load, candidate, field):
        return self.cells.get((group, load, candidate), {}).get(field)

    def best(self, group, load, field, candidates=RIVALS):
        """Returns the highest rate or the lowest cost of these candidates; None when none was measured."""
        values = [value for name in candidates if (value := self.get(group, load, name, field))]
        if not values:
            return None
        return max(values) if field == "rate" else min(values)

    def groups(self):
        return list(dict.fromkeys(group for group, _, _ in self.cells))

    def loads(self, group):
        return list(dict.fromkeys(load for g, load, _ in self.cells if g == group and load != "session"))

    def candidates(self, group=None):
        return list(dict.fromkeys(c for g, _, c in self.cells if group in (None, g)))


def number(value):
    if value is None:
        return "–"
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def cell_text(cell):
    if "error" in cell:
        return "failed"
    text = number(cell.get("rate"))
    if "cpu" in cell:
        text += f" ({number(cell['cpu'])})"
    return text


def lines_of(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        yield "  " + "  ".join(word.ljust(width) if i == 0 else word.rjust(width) for i, (word, width) in enumerate(zip(row, widths)))


def group_lines(document, medians, group):
    about = document["groups"][group]
    loads = medians.loads(group)
    yield ""
    yield f"{about['title']}: rate (the helper's CPU)"
    rows = [["", *loads, "front end's CPU", "peak RSS"],
            ["", *(about["loads"][load]["unit"] for load in loads), loads[0], "MB"],
            ["", *(f"({about['loads'][load]['cpu_unit']})" for load in loads), "", ""]]
    for candidate in medians.candidates(group):
        cells = [medians.cells.get((group, load, candidate), {}) for load in loads]
        rss = medians.get(group, "session", candidate, "peak_rss_bytes")
        rows.append([document["candidates"][candidate]["label"], *map(cell_text, cells),
                     number(cells[0].get("front_cpu")), number(rss / 1e6 if rss else None)])
    yield from lines_of(rows)
    for candidate in medians.candidates(group):
        for load in loads:
            if error := medians.get(group, load, candidate, "error"):
                yield f"  failed: {candidate} {load}: {error}"


def idle_lines(document, medians):
    rows = [["", "alone", "beside", "alone", "beside", "ratio", ""],
            ["", "/s", "/s", "instructions", "instructions", "", ""]]
    for candidate in medians.candidates("idle"):
        cell = medians.cells.get(("idle", "rr-idle", candidate), {})
        alone = cell.get("alone")
        if not alone:
            continue
        counts = alone.get("instructions"), cell.get("instructions")
        rows.append([document["candidates"][candidate]["label"], number(alone.get("rate")), number(cell.get("rate")),
                     number(counts[0]), number(counts[1]), number(counts[1] / counts[0] if all(counts) else None),
                     cell.get("counted_by", "")])
    if len(rows) > 2:
        yield ""
        yield "request/response alone and beside idle flows: the helper's instructions per transaction"
        yield from lines_of(rows)


def port_lines(document, medians):
    for candidate in medians.candidates("ports"):
        cell = medians.cells.get(("ports", "idle-100", candidate), {})
        if "memory" in cell:
            yield ""
            yield (f"{document['candidates'][candidate]['label']}: {cell['rate']:.0f} idle machines cost "
                   f"{cell['memory'] / 1e6:.1f} MB beyond their own memory and {cell['wakeups']:.1f} wake-ups a second")


def wait_lines(document, medians):
    """How long the guest beside the flood waited: p50/p99 in milliseconds."""
    loads = medians.loads("flood")
    for what, title in (("ping", "a ping of the gateway"), ("rr", "a message to a server outside and its answer")):
        rows = [["", *loads]]
        for candidate in medians.candidates("flood"):
            waits = [[medians.get("flood", load, candidate, f"{what}_p{percent}") for percent in (50, 99)] for load in loads]
            rows.append([document["candidates"][candidate]["label"],
                         *("/".join(f"{us / 1000:.2f}" if us is not None else "–" for us in wait) for wait in waits)])
        if len(rows) > 1:
            yield ""
            yield f"beside a guest that floods: {title}, p50/p99 in ms"
            yield from lines_of(rows)


def age_lines(document, medians):
    """How old data was on arrival: median and maximum in milliseconds."""
    groups = [group for group in medians.groups() if "age" in medians.loads(group)]
    rows = [["", *groups]]
    for candidate in dict.fromkeys(candidate for group in groups for candidate in medians.candidates(group)):
        ages = [[medians.get(group, "age", candidate, field) for field in ("age", "age_max")] for group in groups]
        rows.append([document["candidates"][candidate]["label"],
                     *("/".join(f"{us / 1000:.0f}" if us is not None else "–" for us in age) for age in ages)])
    if len(rows) > 1:
        yield ""
        yield "age of data on arrival, of which the sender keeps at most 16 KiB unsent, median/maximum in ms"
        yield from lines_of(rows)


# --- the bars ---

class Bar:
    """Compares `field` of `load` with the best of `references` in `reference_group`: a rate must be at least, a cost at most, `bound` times
    as much."""

    def __init__(self, group, load, field, bound, references=RIVALS, reference_group=None):
        self.group, self.load, self.field, self.bound, self.references = group, load, field, bound, references
        self.reference_group = reference_group or group

    def needs(self, candidate):
        """Returns what must be measured, as a set of (group, load, candidate)."""
        return {(self.group, self.load, candidate)} | {(self.reference_group, self.load, reference) for reference in self.references}

    def verdict(self, medians, candidate):
        """Returns (ratio, reached); None when something was not measured."""
        ours = medians.get(self.group, self.load, candidate, self.field)
        theirs = medians.best(self.reference_group, self.load, self.field, self.references)
        if not ours or not theirs:
            return None
        ratio = ours / theirs
        return ratio, ratio >= self.bound if self.field == "rate" else ratio <= self.bound

    def row(self, medians, candidate):
        verdict = self.verdict(medians, candidate)
        if not verdict:
            return None
        sign = "≥" if self.field == "rate" else "≤"
        return [f"{self.group} {self.load}", self.field, f"{verdict[0]:.2f} × {' or '.join(self.references)}", f"{sign} {self.bound}",
                "reached" if verdict[1] else "NOT REACHED"]


class Limit:
    """Limits `field` of `load` to `most`, in units of `unit` called `name`."""

    def __init__(self, group, load, field, most, unit, name):
        self.group, self.load, self.field, self.most, self.unit, self.name = group, load, field, most, unit, name

    def needs(self, candidate):
        return {(self.group, self.load, candidate)}

    def row(self, medians, candidate):
        value = medians.get(self.group, self.load, candidate, self.field)
        if value is None:
            return None
        return [f"{self.group} {self.load}", self.field, f"{value / self.unit:.1f} {self.name}", f"≤ {self.most:g}",
                "reached" if value <= self.most * self.unit else "NOT REACHED"]


class WaitBar:
    """The 99th percentile of a wait: at most 5 ms, or three times the reference's if that is more."""

    LEAST_US, TIMES, REFERENCE = 5000, 3, "bridge-flood"

    def __init__(self, load, field):
        self.load, self.field = load, field

    def needs(self, candidate):
        return {("flood", self.load, candidate), ("flood", self.load, self.REFERENCE)}

    def row(self, medians, candidate):
        ours, theirs = (medians.get("flood", self.load, name, self.field) for name in (candidate, self.REFERENCE))
        if ours is None or theirs is None:
            return None
        most = max(self.LEAST_US, self.TIMES * theirs)
        return [f"flood {self.load}", self.field.replace("_", " "), f"{ours / 1000:.1f} ms", f"≤ {most / 1000:.1f}",
                "reached" if ours <= most else "NOT REACHED"]


class ShareBar:
    """The throughput beside a flood: at least a quarter of that without one, which is half of what is fair between two."""

    LEAST = 0.25

    def __init__(self, load):
        self.load = load

    def needs(self, candidate):
        return {("flood", self.load, candidate), ("flood", "none", candidate)}

    def row(self, medians, candidate):
        beside, alone = (medians.get("flood", load, candidate, "rate") for load in (self.load, "none"))
        if not beside or not alone:
            return None
        return [f"flood {self.load}", "rate", f"{beside / alone:.2f} × without a flood", f"≥ {self.LEAST}",
                "reached" if beside >= self.LEAST * alone else "NOT REACHED"]


class AgeBar:
    """The age of data on arrival: at most twice passt's."""

    MOST = 2

    def __init__(self, group):
        self.group = group

    def needs(self, candidate):
        return {(self.group, "age", candidate), (self.group, "age", "passt")}

    def row(self, medians, candidate):
        ours, theirs = (medians.get(self.group, "age", name, "age") for name in (candidate, "passt"))
        if not ours or not theirs:
            return None
        return [f"{self.group} age", "age", f"{ours / theirs:.2f} × passt", f"≤ {self.MOST}",
                "reached" if ours <= self.MOST * theirs else "NOT REACHED"]


class IdleBar:
    """Compares the instructions of a transaction beside idle flows with those of one without."""

    MOST = 1.05

    def needs(self, candidate):
        return {("idle", "rr-idle", candidate)}

    def row(self, medians, candidate):
        cell = medians.cells.get(("idle", "rr-idle", candidate), {})
        alone = cell.get("alone", {}).get("instructions")
        if not alone or not cell.get("instructions"):
            return None
        ratio = cell["instructions"] / alone
        return ["idle rr-idle", "instructions", f"{ratio:.3f} × without flows", f"≤ {self.MOST}",
                "reached" if ratio <= self.MOST else "NOT REACHED"]


def stream_bars(group, rate, cpu):
    for load in ("up-1", "up-4", "down-1", "down-4"):
        yield Bar(group, load, "rate", rate)
        yield Bar(group, load, "cpu", cpu)


def transaction_bars():
    yield Bar("mtu1500", "rr", "rate", 1.15, ["passt"])
    yield Bar("mtu1500", "rr", "cpu", 0.5, ["passt"])
    yield Bar("mtu1500", "crr", "rate", 1.15, ["passt"])
    yield Bar("mtu1500", "crr", "rate", 0.85, ["root-vm"])
    yield Bar("mtu1500", "crr", "cpu", 0.5, ["passt"])


def datagram_bars(rate):
    for load in ("udp-up", "udp-down"):
        yield Bar("udp", load, "rate", rate, ["passt"])
        yield Bar("udp-at", load, "cpu", 0.5, ["passt"])


def vhost_stream_bars():
    for load in ("up-1", "down-1"):
        yield Bar("mtu1500", load, "rate", 1.5, ["root-vm"])
        yield Bar("mtu1500", load, "rate", 5, ["passt"])
        yield Bar("mtu1500", load, "cpu", 1.3, ["floor"], "floor")


STREAM_BARS = [*stream_bars("mtu65520", 1.3, 0.7), *stream_bars("mtu1500", 1.5, 0.6), *transaction_bars(), *datagram_bars(1.5)]
PATH_BARS = [Bar(group, load, "rate", 0.9, ["direct"]) for group in ("rtt20", "rtt20-loss") for load in ("up-1", "down-1")]
LONG_PATH_BARS = [Bar(group, load, "rate", 0.95, ["direct"]) for group in ("rtt100", "rtt200") for load in ("up-1", "down-1")]
AGE_BARS = [AgeBar(group) for group in ("delay-1", "delay-2", "delay-20", "delay-200", "slow-reader")]
VDE_BARS = [Bar("vde", load, "rate", 2, ["vde_switch"]) for load in ("frames-64", "frames-1514")]
# The relay has the same bars, because it shows what can be reached: a helper cannot do better.
RELAY_BARS = [Bar("relay", "rr", "cpu", 0.5, ["passt"], "mtu1500"), Bar("relay", "udp-down", "cpu", 0.5, ["passt"], "udp-at"), *VDE_BARS]
PORT_BARS = [Limit("ports", "idle-100", "memory", 100, 1e6, "MB"), Limit("ports", "idle-100", "wakeups", 0, 1, "a second")]

FLOOD_BARS = [bar for load in ("udp-closed", "udp-open", "syn-closed", "syn-open", "arp", "dhcp", "dns")
              for bar in (WaitBar(load, "ping_p99"), WaitBar(load, "rr_p99"), ShareBar(load))]

BARS = {
    "lanlet": [*STREAM_BARS, *PATH_BARS, *LONG_PATH_BARS, *AGE_BARS, IdleBar(), *PORT_BARS],
    "lanlet-no-peek-off": [*STREAM_BARS, *PATH_BARS, IdleBar()],
    "lanlet-vhost": [*vhost_stream_bars(), *transaction_bars(), *datagram_bars(2), *AGE_BARS],
    "lanlet-vhost-poll": [Bar("mtu1500", "rr", "rate", 1.0, ["root-vm"])],
    "lanlet-vde": VDE_BARS,
    "relay": RELAY_BARS,
    **{f"lanlet-flood-{transport}": FLOOD_BARS for transport in ("stream", "vhost", "dgram", "vde")},
    "lanlet-vhost-vhost": [Bar("between", load, "rate", 1.2, ["bridge"]) for load in ("up-1", "down-1")],
}


def needed_for_bars(candidates):
    """Returns all (group, load, candidate) that the bars of these candidates need."""
    return set().union(*(bar.needs(candidate) for candidate in candidates for bar in BARS[candidate]))


def bar_lines(medians, candidate):
    rows = [row for bar in BARS[candidate] if (row := bar.row(medians, candidate))]
    if rows:
        yield ""
        yield f"{candidate} and its bars"
        yield from lines_of(rows)


def text(document):
    """Returns the whole report."""
    medians = Medians(document["records"])
    lines = [f"{document['machine']}, {document['date']}; medians of {document['repeats']}"]
    for name, about in document["candidates"].items():
        lines.append(f"  {name}: {about['label']}{', ' + about['version'] if about['version'] else ''}"
                     if "missing" not in about else f"  {name}: skipped: {about['missing']}")
    for group in medians.groups():
        lines += group_lines(document, medians, group)
    lines += idle_lines(document, medians)
    lines += port_lines(document, medians)
    lines += wait_lines(document, medians)
    lines += age_lines(document, medians)
    for candidate in medians.candidates():
        if candidate in BARS:
            lines += bar_lines(medians, candidate)
    return "\n".join(lines)
