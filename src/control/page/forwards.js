/* Port forwarding: the list, a form to add one, a button to remove one, and undo. */

function forwardText(forward) {
	/* A proxy has no guest: its clients name the guest. */
	return `${forward.protocol} ${forward.host}${forward.guest ? ` to ${forward.guest}` : ''}`;
}

function clientsText(forward) {
	return formatCount(forward.opened) + (forward.refused ? `, ${formatCount(forward.refused)} refused` : '');
}

class Forwards {
	constructor(changed) {
		this.changed = changed; /* called when the network's forwards have changed */
		this.rows = [];
		this.removed = null;
		this.busy = false;
		this.table = new LiveTable(byId('forwards-table'), {
			keyOf: (forward) => forward.id,
			sort: 'host',
			empty: 'No port is forwarded.',
			changed: () => this.take(this.rows),
			columns: [
				{ key: 'host', label: 'Host', value: (f) => f.host, text: (f) => `${f.protocol} ${f.host}`, mono: true },
				{ key: 'guest', label: 'Guest', value: (f) => f.guest ?? 'any', mono: true },
				{ key: 'state', label: 'State', value: (f) => f.failure || f.state },
				{ key: 'opened', label: 'Clients', value: (f) => f.opened, text: clientsText, number: true },
				{ key: 'remove', label: 'Remove', fill: (cell, f) => this.fillButton(cell, f) },
			],
		});
		byId('forward-form').addEventListener('submit', (event) => {
			event.preventDefault();
			this.add();
		});
		byId('forward-undo').addEventListener('click', () => this.putBack());
	}

	take(forwards) {
		this.rows = forwards;
		this.table.update(forwards);
		setText(byId('forwards-count'), formatCount(forwards.length));
	}

	fillButton(cell, forward) {
		if (cell.firstChild)
			return;
		const label = disarm(`Remove the forward ${forwardText(forward)}`);
		const button = make('button', { type: 'button', 'aria-label': label }, 'Remove');
		button.addEventListener('click', () => this.remove(forward));
		cell.append(button);
	}

	/* Sets the guests that the form suggests. */
	offer(names) {
		const list = byId('known-guests');
		const text = names.join('\n');
		if (list.dataset.names === text)
			return;
		list.dataset.names = text;
		list.replaceChildren(...names.map((name) => make('option', { value: name })));
	}

	say({ done = '', error = '', undo = false }) {
		setText(byId('forward-done'), disarm(done));
		setText(byId('forward-error'), disarm(error));
		setShown(byId('forward-undo'), undo);
		for (const field of ['host', 'guest', 'port'])
			byId(`forward-${field}`).removeAttribute('aria-invalid');
	}

	/* Focus moves to the first empty field. */
	missing() {
		const words = { host: 'a port of the host', guest: 'the guest', port: "the guest's port" };
		for (const [field, word] of Object.entries(words)) {
			const input = byId(`forward-${field}`);
			if (input.value.trim())
				continue;
			this.say({ error: `Missing: ${word}.` });
			input.setAttribute('aria-invalid', 'true');
			input.focus();
			return true;
		}
		return false;
	}

	async change(what, done) {
		if (this.busy)
			return false;
		this.busy = true;
		try {
			await what();
			this.say(done);
			return true;
		} catch (error) {
			this.say({ error: error instanceof ApiError ? error.message : 'The network does not answer.' });
			return false;
		} finally {
			this.busy = false;
			this.changed();
		}
	}

	async add() {
		if (this.missing())
			return;
		const value = (field) => byId(`forward-${field}`).value.trim();
		const forward = { protocol: value('protocol'), host: value('host'), guest: `${value('guest')}:${value('port')}` };
		if (!await this.change(() => ask('/v1/forwards', 'POST', forward), { done: `Added: ${forwardText(forward)}.` }))
			return;
		byId('forward-host').value = '';
		byId('forward-port').value = '';
	}

	async remove(forward) {
		this.removed = forward;
		const done = { done: `Removed: ${forwardText(forward)}. Open connections continue.`, undo: true };
		if (await this.change(() => ask(`/v1/forwards/${forward.id}`, 'DELETE'), done))
			byId('forward-undo').focus();
	}

	async putBack() {
		const { protocol, host, guest } = this.removed;
		const done = { done: `Restored: ${forwardText(this.removed)}.` };
		if (await this.change(() => ask('/v1/forwards', 'POST', { protocol, host, guest: guest ?? undefined }), done))
			byId('forward-host').focus();
	}
}
