/* Rates from monotonic counters: one a second for the last minute. */

const HISTORY = 60;
/* Minimum scale of a plot in bytes per second, so that noise does not look like load. */
const PLOT_FLOOR = 2000;

class RateHistory {
	constructor() {
		this.points = []; /* { out, in }, newest last */
		this.last = null;
	}

	/* Takes both byte counters at @now in milliseconds. A counter that went back belongs to a new port. */
	add(now, out, into) {
		const before = this.last;
		this.last = { now, out, in: into };
		if (!before || out < before.out || into < before.in || now <= before.now)
			return;
		const seconds = (now - before.now) / 1000;
		this.points.push({ out: (out - before.out) / seconds, in: (into - before.in) / seconds });
		if (this.points.length > HISTORY)
			this.points.shift();
	}

	/* After a pause old readings are dropped. */
	interrupt() {
		this.last = null;
	}

	get latest() {
		return this.points[this.points.length - 1] || { out: 0, in: 0 };
	}
}

/* SVG path data for @values, newest at the right end, in a box of @width × @height; @closed: filled down to the base line. */
function plotPath(values, top, width, height, closed) {
	if (values.length === 0)
		return '';
	const step = width / (HISTORY - 1);
	const x = (i) => (width - (values.length - 1 - i) * step).toFixed(1);
	const y = (value) => (height - 1 - Math.min(value / top, 1) * (height - 4)).toFixed(1);
	const line = values.map((value, i) => `${x(i)} ${y(value)}`).join('L');
	return closed ? `M${x(0)} ${height}L${line}L${x(values.length - 1)} ${height}Z` : `M${line}`;
}

function drawRates(box, history) {
	const { out, in: into } = history.latest;
	const top = Math.max(PLOT_FLOOR, ...history.points.map((p) => Math.max(p.out, p.in)));
	const part = (name) => box.querySelector(`[data-part=${name}]`);
	setText(part('out'), formatRate(out));
	setText(part('in'), formatRate(into));
	setAttribute(box.querySelector('path.out'), 'd', plotPath(history.points.map((p) => p.out), top, 120, 40, false));
	setAttribute(box.querySelector('path.in'), 'd', plotPath(history.points.map((p) => p.in), top, 120, 40, true));
}
