/*
 * The page's main loop: gets the key, polls lists while the page is visible, follows events all the time, and reports when the
 * network does not answer.
 */

const BEAT = 1000; /* milliseconds */
const RETRY_MAX = 10000;
/* A list that takes long to load is requested less often: after this many times the time it took. */
const PATIENCE = 10;

const state = { network: null, ports: [], fdb: [], neighbours: [], names: [], leases: [], reservations: [], forwards: [] };
let selected = null; /* the key of a guest */
let timer = null;
let failures = 0;
let asking = false;

const segment = new Segment(choose);
const flows = new Flows();
const leases = new Leases();
const forwards = new Forwards(() => askSoon('/v1/forwards'));
const drops = new Drops();
const events = new Events();

/* Lists to request and their intervals in milliseconds. due is a time of performance.now(). */
const QUESTIONS = [
	{ path: '/v1/network', every: 5000, take: (answer) => takeNetwork(answer) },
	{ path: '/v1/ports', every: BEAT, take: ({ ports }, now) => { state.ports = ports; segment.count(now, ports); } },
	{ path: '/v1/fdb', every: 3000, take: ({ fdb }) => { state.fdb = fdb; } },
	{ path: '/v1/neighbours', every: 3000, take: ({ neighbours }) => { state.neighbours = neighbours; } },
	{ path: '/v1/names', every: 10000, take: ({ names }) => { state.names = names; } },
	{ path: '/v1/leases', every: 5000, take: ({ leases: list }) => { state.leases = list; } },
	{ path: '/v1/reservations', every: 10000, take: ({ reservations }) => { state.reservations = reservations; } },
	{ path: '/v1/flows', every: 2000, take: ({ flows: list }, now) => flows.take(now, list) },
	{ path: '/v1/forwards', every: 3000, take: ({ forwards: list }) => { state.forwards = list; forwards.take(list); } },
	{ path: '/v1/drops', every: 3000, take: ({ drops: list }) => drops.take(list) },
].map((question) => ({ ...question, due: 0 }));

/* Lists to request at once after an event. */
const CHANGED_BY = new Map([
	['port-attached', ['/v1/ports', '/v1/fdb']],
	['port-detached', ['/v1/ports', '/v1/fdb', '/v1/neighbours']],
	['guest-seen', ['/v1/fdb', '/v1/neighbours']],
	['drop', ['/v1/drops']],
	['reservations', ['/v1/reservations', '/v1/leases']],
	['names', ['/v1/names']],
	['reloaded', ['/v1/network', '/v1/reservations', '/v1/names', '/v1/forwards']],
]);

/* --- requests --- */

function takeNetwork(network) {
	if (state.network && state.network.pid !== network.pid) {
		events.forget();
		flows.interrupt();
	}
	state.network = network;
}

async function askOne(question) {
	const began = performance.now();
	question.due = Infinity;
	try {
		const answer = await ask(question.path);
		question.take(answer, performance.now());
	} finally {
		const took = performance.now() - began;
		question.due = began + Math.max(question.every, took * PATIENCE) - BEAT / 4;
	}
}

/* Requests all lists that are due, shows the answers, and schedules the next round. */
async function beat() {
	timer = null;
	if (asking || document.hidden)
		return;
	asking = true;
	const now = performance.now();
	const results = await Promise.allSettled(QUESTIONS.filter((question) => question.due <= now).map(askOne));
	asking = false;
	const failure = results.find((result) => result.status === 'rejected');
	if (failure)
		failed(failure.reason);
	else
		succeeded();
}

function beatIn(milliseconds) {
	clearTimeout(timer);
	timer = setTimeout(beat, milliseconds);
}

function askSoon(...paths) {
	for (const question of QUESTIONS)
		if (paths.includes(question.path) && question.due !== Infinity)
			question.due = 0;
	if (!asking && failures === 0)
		beatIn(50);
}

function succeeded() {
	if (failures > 0)
		announce('The network is answering again.');
	failures = 0;
	setShown(byId('banner'), false);
	setAttribute(byId('live'), 'data-state', 'live');
	setText(byId('live'), 'live');
	document.body.classList.remove('stale');
	draw();
	beatIn(QUESTIONS.some((question) => question.due === 0) ? 50 : BEAT);
}

function failed(reason) {
	if (reason instanceof ApiError && reason.status === 401) {
		lock('');
		return;
	}
	if (![ApiError, TypeError, DOMException].some((kind) => reason instanceof kind))
		throw reason; /* a bug of this page: show it in the console */
	failures++;
	segment.interrupt();
	flows.interrupt();
	QUESTIONS.forEach((question) => { question.due = 0; });
	const name = state.network ? ` ${state.network.name}` : '';
	const why = reason instanceof ApiError ? `says: ${disarm(reason.message)}` : 'does not answer';
	setText(byId('banner'), `The network${name} ${why}. The page shows old data. If lanlet web has ended, run it again and open its new link.`);
	setShown(byId('banner'), true);
	setAttribute(byId('live'), 'data-state', 'lost');
	setText(byId('live'), 'no connection');
	document.body.classList.add('stale');
	beatIn(Math.min(BEAT * 2 ** (failures - 1), RETRY_MAX));
}

/* --- events --- */

function takeEvent(event, isNew) {
	events.take(event);
	if (!isNew)
		return;
	events.show();
	askSoon(...(event.event.startsWith('lease-') ? ['/v1/leases', '/v1/names', '/v1/fdb'] : CHANGED_BY.get(event.event) || []));
	if (event.event === 'lease-given' || event.event === 'port-detached')
		announce(eventText(event));
}

async function followForEver() {
	for (let wait = BEAT;; wait = Math.min(wait * 2, RETRY_MAX)) {
		try {
			const opened = Date.now() / 1000;
			const take = (event) => takeEvent(event, !event.time || event.time >= opened - 1);
			await followEvents(events.last, () => { wait = BEAT; }, take);
		} catch (error) {
			if (error instanceof ApiError && error.status === 401)
				return;
		}
		await new Promise((resolve) => { setTimeout(resolve, wait); });
	}
}

/* --- display --- */

function choose(key) {
	selected = key;
	const guest = guestsOf(state).find((g) => g.key === key) || null;
	for (const part of [flows, leases, events])
		part.choose(guest);
	setShown(byId('only'), Boolean(guest));
	if (guest)
		setText(byId('only-name'), disarm(guest.name));
	draw();
}

/* A selected guest may leave or change its address. */
function keepChoice(guests) {
	const guest = guests.find((g) => g.key === selected) || null;
	if (selected && !guest)
		choose(null);
	else if (guest && guest.addresses.join() !== flows.guest?.addresses.join())
		choose(selected);
}

function showFacts(guests) {
	const { network } = state;
	const facts = {
		subnet: network.subnet,
		guests: formatCount(guests.filter((guest) => guest.port).length),
		flows: formatCount(flows.all.length),
		drops: formatCount(drops.total),
		uptime: formatDuration(network.uptime),
	};
	for (const [name, value] of Object.entries(facts))
		setText(document.querySelector(`[data-fact=${name}]`), value);
	setText(byId('title'), network.name);
	setText(byId('footer'), `lanlet ${network.version}, process ${network.pid}`);
	if (document.title !== `${network.name} – lanlet`)
		document.title = `${network.name} – lanlet`;
	setShown(byId('facts'), true);
}

function draw() {
	if (!state.network)
		return;
	const guests = guestsOf(state);
	leases.take(state.leases, state.reservations);
	segment.draw(guests, selected, state.ports.find((port) => port.kind === 'gateway') || null, state.network);
	forwards.offer([...new Set(guests.map((guest) => guest.name))]);
	events.show();
	showFacts(guests);
	setShown(byId('network'), true);
	keepChoice(guests);
}

/* --- the key --- */

function lock(why) {
	clearTimeout(timer);
	const wrong = sessionStorage.getItem(KEY) ? 'The network refused the key of this tab.' : '';
	setText(byId('why-locked'), disarm(why || wrong));
	setAttribute(byId('live'), 'data-state', 'lost');
	setText(byId('live'), 'locked');
	setShown(byId('network'), false);
	setShown(byId('facts'), false);
	setShown(byId('locked'), true);
}

function unlock() {
	setShown(byId('locked'), false);
	failures = 0;
	beat();
	followForEver();
}

async function begin() {
	let why = null;
	try {
		why = await takeKey();
	} catch {
		why = 'The network does not answer.';
	}
	if (why)
		lock(why);
	else
		unlock();
}

byId('unlock').addEventListener('submit', (event) => {
	event.preventDefault();
	sessionStorage.setItem(KEY, byId('key').value.trim());
	byId('key').value = '';
	unlock();
});

byId('only-end').addEventListener('click', () => {
	const button = document.querySelector('#guests button[aria-pressed=true]');
	choose(null);
	button?.focus();
});

document.addEventListener('visibilitychange', () => {
	clearTimeout(timer);
	segment.interrupt();
	flows.interrupt();
	if (!document.hidden && byId('locked').hidden)
		beat();
});

window.addEventListener('hashchange', () => {
	if (location.hash.includes('='))
		begin();
});

begin();
