/* Draws the segment: the gateway, and guests as boxes on a line, each with a plot of its rates. */

const STATE_WORDS = { up: 'up', busy: 'busy', blocked: 'blocked', conflict: 'conflict', away: 'away' };

class Segment {
	constructor(chosen) {
		this.chosen = chosen; /* called with the key of the selected guest; null: none */
		this.boxes = new Map();
		this.histories = new Map(); /* port id → RateHistory */
	}

	/* Takes new counters of @ports, read at @now in milliseconds. */
	count(now, ports) {
		for (const port of ports) {
			if (!this.histories.has(port.id))
				this.histories.set(port.id, new RateHistory());
			this.histories.get(port.id).add(now, port.rx_bytes, port.tx_bytes);
		}
		const there = new Set(ports.map((port) => port.id));
		for (const id of this.histories.keys())
			if (!there.has(id))
				this.histories.delete(id);
	}

	interrupt() {
		for (const history of this.histories.values())
			history.interrupt();
	}

	draw(guests, selected, gateway, network) {
		const update = (box, guest) => this.fillGuest(box, guest, guest.key === selected);
		keepChildren(byId('guests'), this.boxes, guests, (guest) => guest.key, (guest) => this.makeGuest(guest), update);
		setShown(byId('no-guests'), guests.length === 0);
		this.fillGateway(byId('gateway'), gateway, network);
	}

	makeGuest(guest) {
		const box = byId('guest').content.firstElementChild.cloneNode(true);
		const button = box.querySelector('button');
		button.addEventListener('click', () => this.chosen(button.getAttribute('aria-pressed') === 'true' ? null : guest.key));
		return box;
	}

	fillGuest(box, guest, pressed) {
		const part = (name) => box.querySelector(`[data-part=${name}]`);
		setText(part('name'), disarm(guest.name));
		setText(part('state'), STATE_WORDS[guest.state]);
		setAttribute(part('state'), 'title', disarm(guest.why));
		setText(part('address'), fewOf(guest.addresses) || 'no address seen');
		setText(part('mac'), fewOf(guest.macs) || 'silent so far');
		setAttribute(box.querySelector('button'), 'aria-pressed', String(pressed));
		setAttribute(box.firstElementChild, 'data-state', guest.state);
		this.fillTags(part('tags'), guest.port ? [guest.port.name, ...guest.tags] : guest.tags);
		setShown(box.querySelector('svg'), Boolean(guest.port));
		setShown(box.querySelector('dl'), Boolean(guest.port));
		if (guest.port)
			drawRates(box, this.histories.get(guest.port.id));
	}

	fillTags(line, tags) {
		const text = tags.map(disarm);
		if (line.dataset.tags === text.join('\n'))
			return;
		line.dataset.tags = text.join('\n');
		line.replaceChildren(...text.map((tag) => make('span', {}, tag)));
	}

	fillGateway(box, port, network) {
		setShown(box, Boolean(port));
		if (!port)
			return;
		const part = (name) => box.querySelector(`[data-part=${name}]`);
		setText(part('address'), network.gateway);
		setText(part('mac'), network.gateway_mac);
		setText(part('engine'), `${network.engine} engine`);
		drawRates(box, this.histories.get(port.id));
	}
}
