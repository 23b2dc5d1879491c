/* Flows: rates from successive readings, a filter by words, and a limited number of rows. */

const FLOWS_SHOWN = 200;

const FLOW_COLUMNS = [
	{ key: 'guest', label: 'Guest', value: (f) => f.guest_text, fill: fillGuest },
	{ key: 'direction', label: 'Way', value: (f) => f.direction, minor: true },
	{ key: 'remote', label: 'Peer', value: (f) => f.remote_text, mono: true },
	{ key: 'rate', label: 'Rate', value: (f) => (f.rate < 1000 ? 0 : f.rate), text: (f) => formatRate(f.rate), number: true },
	{ key: 'protocol', label: 'Protocol', value: (f) => f.protocol },
	{ key: 'state', label: 'State', value: (f) => f.state },
	{ key: 'out', label: 'Sent', value: (f) => f.bytes_out ?? -1, text: (f) => textOf(f.bytes_out, formatBytes), number: true },
	{ key: 'in', label: 'Received', value: (f) => f.bytes_in ?? -1, text: (f) => textOf(f.bytes_in, formatBytes), number: true },
	{ key: 'age', label: 'Age', value: (f) => f.age, text: (f) => formatDuration(f.age), number: true },
	{ key: 'rtt', label: 'RTT', value: (f) => f.rtt_ms ?? -1, text: rttText, number: true, minor: true },
	{ key: 'again', label: 'Retransmits', value: (f) => f.retransmits, number: true, minor: true },
];

class Flows {
	constructor() {
		this.known = new Map(); /* id → { bytes_out, bytes_in, when, rate } */
		this.all = [];
		this.guest = null;
		this.filter = byId('flows-filter');
		this.more = byId('flows-more');
		this.table = new LiveTable(byId('flows-table'), {
			keyOf: (flow) => flow.id,
			sort: 'rate',
			descending: true,
			limit: FLOWS_SHOWN,
			empty: 'No flows.',
			changed: () => this.show(),
			columns: FLOW_COLUMNS,
		});
		this.filter.addEventListener('input', () => this.show());
		this.more.addEventListener('click', () => {
			this.table.limit += FLOWS_SHOWN;
			this.show();
		});
	}

	/* Takes a new list, read at @now in milliseconds. */
	take(now, flows) {
		const known = new Map();
		for (const flow of flows) {
			const sum = (flow.bytes_out ?? 0) + (flow.bytes_in ?? 0);
			const before = this.known.get(flow.id);
			flow.rate = before && now > before.now ? Math.max(0, sum - before.sum) / ((now - before.now) / 1000) : 0;
			known.set(flow.id, { now, sum });
			const guest = formatEndpoint(flow.guest);
			flow.guest_text = flow.guest_name ? `${flow.guest_name} ${guest}` : guest;
			flow.remote_text = formatEndpoint(flow.remote) + (flow.peers > 1 ? ` and ${flow.peers - 1} more` : '');
		}
		this.known = known;
		this.all = flows;
		this.show();
	}

	interrupt() {
		this.known.clear();
	}

	/* Shows the flows of @guest only; null: all. */
	choose(guest) {
		this.guest = guest;
		this.show();
	}

	matches(flow, words) {
		if (this.guest && !this.guest.addresses.includes(flow.guest.address))
			return false;
		const text = `${flow.guest_text} ${flow.remote_text} ${flow.protocol} ${flow.state} ${flow.direction}`.toLowerCase();
		return words.every((word) => text.includes(word));
	}

	show() {
		const words = this.filter.value.toLowerCase().split(/\s+/).filter(Boolean);
		const matching = this.all.filter((flow) => this.matches(flow, words));
		const shown = this.table.update(matching);
		const rest = matching.length - shown;
		const all = formatCount(this.all.length);
		setText(byId('flows-count'), matching.length === this.all.length ? all : `${formatCount(matching.length)} of ${all}`);
		setText(this.more, `${formatCount(rest)} more`);
		setShown(this.more, rest > 0);
	}
}

/* The name before the address, or above it where space is short. */
function fillGuest(cell, flow) {
	if (!cell.firstChild)
		cell.append(make('span'), ' ', make('span', { class: 'mono faint' }));
	setText(cell.firstChild, disarm(flow.guest_name || ''));
	setText(cell.lastChild, formatEndpoint(flow.guest));
}

function rttText(flow) {
	return textOf(flow.rtt_ms, (ms) => `${ms.toFixed(1)} ms`);
}

function textOf(value, format) {
	return value === null || value === undefined ? '–' : format(value);
}
