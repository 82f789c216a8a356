// The page of the carrier sandbox: listens to the switchboard and shows one call on two telephones, and the log of all.
import { Calls, clockText, element, isOver, phoneText, statusText } from './calls.js';
import { Phone } from './phone.js';

const $ = (id) => document.getElementById(id);
const calls = new Calls();
let speed = 1;
let chosen = null; // sid of the call that a person clicked; null: the newest is followed
let waiting = false;
const waitingStories = [];

/* ---- reading aloud */

let aloud = false;

function say({ text, language }) {
	if (!aloud || !('speechSynthesis' in window)) return;
	const spoken = new SpeechSynthesisUtterance(text);
	if (language) spoken.lang = language;
	spoken.rate = Math.min(2, Math.max(1, speed));
	speechSynthesis.speak(spoken);
}

$('aloud').hidden = !('speechSynthesis' in window);
$('aloud').addEventListener('click', () => {
	aloud = !aloud;
	$('aloud').setAttribute('aria-pressed', String(aloud));
	if (!aloud) speechSynthesis.cancel();
});

/* ---- what is shown */

function tell(text, state) {
	$('link-text').textContent = text;
	$('link').dataset.state = state;
}

const problem = (error) => tell(error.message, 'bad');
const phones = { supporter: new Phone('supporter', say, problem), office: new Phone('office', say, problem) };
$('phones').append(phones.supporter.element, element('div', { class: 'cord', 'aria-hidden': 'true' }, element('span')), phones.office.element);

function shownCall() {
	return calls.get(chosen) ?? calls.current;
}

/** The leg on the office's telephone: the one in use, else the last one dialled. */
function officeLeg(call) {
	return call.legs.find((leg) => !isOver(leg)) ?? call.legs.at(-1);
}

function logLine(call, isShown) {
	const button = element('button', { type: 'button', class: 'entry', 'aria-current': isShown ? 'true' : undefined, onclick: () => choose(call.sid) },
		element('span', { class: 'entry__dot', 'data-status': isOver(call) ? call.status : 'live' }),
		element('span', { class: 'entry__number' }, phoneText(call.to)),
		element('span', { class: 'entry__status' }, statusText(call.status)),
		element('span', { class: 'entry__when' }, new Date(call.created).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' })),
		element('span', { class: 'entry__more' }, [call.answered ? clockText(call.duration) : null, targetsText(call)].filter(Boolean).join(' · ')));
	return element('li', {}, button);
}

function targetsText(call) {
	if (call.legs.length === 0) return null;
	const reached = call.legs.filter((leg) => leg.status === 'completed' || leg.status === 'in-progress').length;
	return `${reached} of ${call.legs.length} reached`;
}

function choose(sid) {
	chosen = sid;
	draw();
	$('phones').focus({ preventScroll: false });
}

$('follow').addEventListener('click', () => {
	chosen = null;
	draw();
});

function wireText(entry) {
	switch (entry.kind) {
	case 'document': return ['asked', entry.step || entry.url, String(entry.status || 'no answer')];
	case 'callback': return ['told', entry.call_status, String(entry.status || 'no answer')];
	case 'error': return ['error', `${entry.code} ${entry.text}`, ''];
	default: return null;
	}
}

function drawWire(call) {
	const list = $('wire-list');
	const lines = call.story.map((entry) => [entry, wireText(entry)]).filter(([, text]) => text);
	$('wire').hidden = lines.length === 0;
	list.replaceChildren(...lines.map(([entry, [kind, what, status]]) => element('li', { 'data-kind': kind },
		element('span', { class: 'wire__at' }, `${entry.at.toFixed(1)} s`), element('span', { class: 'wire__kind' }, kind),
		element('span', { class: 'wire__what' }, what), element('span', { class: 'wire__status' }, status))));
}

function draw() {
	const call = shownCall();
	$('empty').hidden = Boolean(call);
	$('phones').hidden = !call;
	$('follow').hidden = chosen === null;
	$('log-none').hidden = Boolean(call);
	$('log').replaceChildren(...calls.list.slice(0, 50).map((each) => logLine(each, each === call)));
	if (!call) {
		$('wire').hidden = true;
		return;
	}
	const office = officeLeg(call);
	$('phones').dataset.joined = String(office?.status === 'in-progress' && call.status === 'in-progress');
	phones.supporter.show(call, call, speed);
	phones.office.show(call, office, speed);
	drawWire(call);
}

/** Many events come at once at high speed: one drawing per frame is enough. */
function drawSoon() {
	if (waiting) return;
	waiting = true;
	requestAnimationFrame(() => {
		waiting = false;
		draw();
	});
}

setInterval(() => {
	const call = shownCall();
	if (!call) return;
	phones.supporter.tick(call, speed);
	phones.office.tick(officeLeg(call), speed);
}, 500);

/* ---- listening */

let loading = false;

async function load() {
	loading = true;
	const [health, list] = await Promise.all(['health', 'calls'].map(async (what) => (await fetch(`/_sandbox/${what}`)).json()));
	speed = health.speed;
	$('speed').hidden = speed === 1;
	$('speed').textContent = `${speed}× real time`;
	$('ask').hidden = !health.can_ask;
	calls.replace(list.calls);
	loading = false;
	// what came in between is in the list already, or comes now
	for (const entry of waitingStories.splice(0)) {
		const call = calls.get(entry.call);
		if (call && !call.story.some((known) => known.at === entry.at && known.kind === entry.kind && known.leg === entry.leg)) calls.addStory(entry);
	}
	tell('Connected', 'good');
	draw();
}

const events = new EventSource('/_sandbox/events');
events.addEventListener('open', () => load().catch(problem));
events.addEventListener('error', () => tell('The sandbox is away', 'bad'));
events.addEventListener('call', (event) => {
	if (loading) return;
	calls.setHead(JSON.parse(event.data));
	drawSoon();
});
events.addEventListener('story', (event) => {
	const entry = JSON.parse(event.data);
	if (loading) waitingStories.push(entry);
	else calls.addStory(entry);
	drawSoon();
});
events.addEventListener('reset', () => {
	chosen = null;
	calls.clear();
	drawSoon();
});

/* ---- asking the server for a call */

$('ask').addEventListener('submit', async (event) => {
	event.preventDefault();
	const said = $('ask-said');
	const fields = Object.fromEntries(new FormData($('ask')));
	said.textContent = 'Asking the server…';
	said.dataset.kind = '';
	try {
		const answer = await fetch('/_sandbox/ask', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(fields) });
		const json = await answer.json();
		const text = json.answer?.description ?? json.description;
		said.textContent = answer.ok ? 'The telephone will ring in a moment.' : (text ?? `The server answered ${json.status ?? answer.status}.`);
		said.dataset.kind = answer.ok ? 'good' : 'bad';
		if (answer.ok) chosen = null;
	} catch {
		said.textContent = 'The sandbox is away.';
		said.dataset.kind = 'bad';
	}
});
