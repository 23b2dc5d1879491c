/* The last events, newest first. */

const EVENTS_SHOWN = 100;

const EVENT_SENTENCES = {
	'port-attached': (e) => e.kind === 'gateway' ? 'the network started' : `${e.port} connected${e.kind ? ` (${e.kind})` : ''}`,
	'port-detached': (e) => `${e.port} disconnected`,
	'guest-seen': (e) => `${e.name || e.mac} uses ${e.address}`,
	'lease-given': (e) => `${e.name || e.mac} was given ${e.address}`,
	'lease-renewed': (e) => `${e.name || e.mac} keeps ${e.address}`,
	'lease-released': (e) => `${e.name || e.mac} gave ${e.address} back`,
	'lease-declined': (e) => `${e.name || e.mac} found that another guest uses ${e.address}`,
	'lease-expired': (e) => `the lease of ${e.name || e.mac} for ${e.address} expired`,
	conflict: (e) => `${e.port} uses the ${e.address ? `address ${e.address}` : `MAC ${e.mac}`} of ${e.other_port || 'another guest'}: refused`,
	drop: (e) => `the first ${e.reason} drop${e.port ? ` at ${e.port}` : ''}`,
	reservations: () => 'the reservations were changed',
	names: () => 'the names were changed',
	reloaded: () => 'the configuration was read again',
	'log-level': (e) => `the log level is ${e.level} now`,
	lost: (e) => `${formatNumberOf(e.count, 'event')} were lost because they came too fast`,
};

function eventText(event) {
	const sentence = EVENT_SENTENCES[event.event];
	return disarm(sentence ? sentence(event) : event.event);
}

function makeLine(event) {
	const time = make('time', {}, event.time ? formatTime(event.time) : '');
	return make('li', {}, time, ' ', make('span', {}, eventText(event)));
}

class Events {
	constructor() {
		this.all = []; /* newest first */
		this.guest = null;
		this.nodes = new Map();
		this.last = 0; /* number of the newest event seen */
		this.unnumbered = 0;
	}

	take(event) {
		if (event.number <= this.last)
			return;
		this.last = event.number || this.last;
		event.key = event.number || `lost ${++this.unnumbered}`;
		this.all.unshift(event);
		this.all.length = Math.min(this.all.length, EVENTS_SHOWN);
	}

	/* The network was restarted. */
	forget() {
		this.all = [];
		this.last = 0;
	}

	choose(guest) {
		this.guest = guest;
		this.show();
	}

	concerns(event) {
		const { port, macs, addresses } = this.guest;
		return macs.includes(event.mac) || addresses.includes(event.address) || Boolean(port && event.port === port.name);
	}

	show() {
		const rows = this.guest ? this.all.filter((event) => this.concerns(event)) : this.all;
		keepChildren(byId('feed'), this.nodes, rows, (event) => event.key, makeLine, () => {});
		setShown(byId('feed').parentNode, rows.length > 0);
		setShown(byId('no-events'), rows.length === 0);
		setText(byId('events-count'), this.last ? formatCount(this.last) : '');
	}
}
