/*
 * Requests to the API. Each carries the key as a bearer token. The key is kept for this tab only and never in a cookie: a browser
 * sends cookies to every port of 127.0.0.1, and a forwarded port of a guest is one of them.
 */

const KEY = 'lanlet-key';
/* Milliseconds to wait for a complete answer. */
const ANSWER_MAX = 15000;

class ApiError extends Error {
	constructor(status, message) {
		super(message);
		this.status = status;
	}
}

function headersWithKey(more) {
	const key = sessionStorage.getItem(KEY);
	return key ? { Authorization: `Bearer ${key}`, ...more } : { ...more };
}

async function failureOf(answer) {
	let why = answer.statusText;
	try {
		why = (await answer.json()).error || why;
	} catch {
		/* not JSON: show the status only */
	}
	return new ApiError(answer.status, why);
}

/* Returns the answer as a value. Throws ApiError when the network refuses, TypeError or DOMException when it does not answer. */
async function ask(path, method = 'GET', body = undefined) {
	const answer = await fetch(path, {
		method,
		headers: headersWithKey(body ? { 'Content-Type': 'application/json' } : {}),
		body: body && JSON.stringify(body),
		signal: AbortSignal.timeout(ANSWER_MAX),
		cache: 'no-store',
		credentials: 'omit',
	});
	if (!answer.ok)
		throw await failureOf(answer);
	return answer.status === 204 ? null : answer.json();
}

/* Calls @opened when the stream is open, then @take for each event after number @after, until the connection ends. */
async function followEvents(after, opened, take) {
	const answer = await fetch(`/v1/events?after=${after}`, { headers: headersWithKey(), cache: 'no-store', credentials: 'omit' });
	if (!answer.ok)
		throw await failureOf(answer);
	opened();
	const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
	let rest = '';
	for (;;) {
		const { value, done } = await reader.read();
		if (done)
			return;
		const lines = (rest + value).split('\n');
		rest = lines.pop();
		for (const line of lines)
			if (line)
				take(JSON.parse(line));
	}
}

/*
 * Takes the key out of the address bar, so that it stays neither in the history nor visible: #token= is a key, #once= can be
 * exchanged for a key once. Returns why there is no key, or null.
 */
async function takeKey() {
	const [name, secret] = location.hash.slice(1).split('=');
	if (secret && (name === 'token' || name === 'once'))
		history.replaceState(null, '', location.pathname);
	if (secret && name === 'token')
		sessionStorage.setItem(KEY, secret);
	if (!secret || name !== 'once')
		return null;
	const answer = await fetch('/session', { method: 'POST', headers: { Authorization: `Bearer ${secret}` }, credentials: 'omit' });
	if (!answer.ok)
		return (await failureOf(answer)).message;
	sessionStorage.setItem(KEY, (await answer.json()).session);
	return null;
}
