/*
 * Questions to the network.  The key goes with each as a bearer token and is kept for this tab only: a browser sends cookies to
 * every port of 127.0.0.1, and a port that is forwarded to a guest is one.
 */

const KEY = 'lanlet-key';
/* Milliseconds without the whole answer until there is none. */
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
		/* no JSON: the status has to do */
	}
	return new ApiError(answer.status, why);
}

/* The answer as a value; ApiError when the network says no, TypeError or DOMException when it does not answer. */
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

/* Calls @take for each event behind number @after, until the connection ends; it is answered once @opened was called. */
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
 * Takes the key out of the address, where it stays neither in the history nor in sight: #token= is one, #once= is good for one,
 * once.  Why there is none now, or null.
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
