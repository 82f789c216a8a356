// One telephone: who it is, what is heard on it, keys, and what a person can do with it.
import { act, clockText, element, isOver, phoneText, statusText } from './calls.js';

const keys = [['1', ''], ['2', 'ABC'], ['3', 'DEF'], ['4', 'GHI'], ['5', 'JKL'], ['6', 'MNO'], ['7', 'PQRS'], ['8', 'TUV'], ['9', 'WXYZ'],
	['*', ''], ['0', '+'], ['#', '']];
const keyNames = { '*': 'star', '#': 'pound' };

const hangups = {
	caller: 'The supporter hung up', callee: 'The office hung up', document: 'The call came to its end', api: 'The server ended the call',
	limit: 'The time limit ended the call', error: 'The call was ended by an error',
};

/** One entry of the story as it is heard or seen on this telephone; null where it is not. */
function line(entry, isRoot, legs) {
	const leg = legs.get(entry.leg);
	const number = phoneText(entry.number ?? leg?.to);
	switch (entry.kind) {
	case 'say': return { kind: 'said', text: entry.text, language: entry.language };
	case 'play': return { kind: 'said', text: entry.url ? `♪ Recording: ${entry.url}` : `♪ Tones ${entry.digits}` };
	case 'keys': return { kind: 'pressed', text: [...entry.keys].join(' ') };
	case 'gather-end': return entry.reason === 'timeout' && !entry.digits ? { kind: 'note', text: 'No key was pressed' } : null;
	case 'pause': return entry.seconds >= 1 ? { kind: 'note', text: `Silence, ${entry.seconds} s` } : null;
	case 'dial': return isRoot ? { kind: 'dial', text: `Dialling ${number}`, more: `as ${phoneText(entry.caller_id)}` } : null;
	case 'connected': return { kind: 'good', text: isRoot ? `Connected to ${number}` : 'Connected to the supporter' };
	case 'send-digits': return { kind: 'note', text: `Extension sent: ${entry.digits}` };
	case 'dial-end':
		if (!isRoot) return null;
		return {
			kind: entry.bridged ? 'dial' : 'bad',
			text: `${phoneText(leg?.to)}: ${statusText(entry.status).toLowerCase()}`,
			more: entry.bridged ? clockText(entry.duration) : '',
		};
	case 'error': return { kind: 'bad', text: `Error ${entry.code}: ${entry.text}` };
	case 'hangup': return { kind: 'note', text: hangups[entry.by] ?? 'Hung up' };
	default: return null;
	}
}

/** Whether the entry belongs on the telephone of this leg. */
function concerns(entry, leg, isRoot) {
	const shared = ['dial', 'connected', 'dial-end', 'send-digits'];
	if (isRoot) return !entry.leg || shared.includes(entry.kind);
	return entry.leg === leg.sid;
}

// Paths in a square of 24.
const icons = {
	answer: 'M6.6 3.5h3l1.8 4.6-2.3 1.8a11 11 0 0 0 5 5l1.8-2.3 4.6 1.8v3a2.6 2.6 0 0 1-2.6 2.6C10.2 20 4 13.8 4 6.1a2.6 2.6 0 0 1 2.6-2.6z',
	decline: 'M12 9c3.6 0 7 .9 9.3 2.7.9.7 1 2 .3 2.9l-1.2 1.5c-.5.6-1.3.8-2 .5l-2.8-1.2c-.7-.3-1.1-1-1-1.7'
		+ 'l.2-1.5a13 13 0 0 0-5.6 0l.2 1.5c.1.7-.3 1.4-1 1.7l-2.8 1.2c-.7.3-1.5.1-2-.5l-1.2-1.5'
		+ 'c-.7-.9-.6-2.2.3-2.9C5 9.9 8.4 9 12 9z',
	supporter: 'M12 12.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8zm-7.5 7.2c.6-3.2 3.5-5.2 7.5-5.2s6.9 2 7.5 5.2z',
	office: 'M3.5 9.5 12 4l8.5 5.5V11h-17zM5.5 12.5h2.2v5H5.5zm5.4 0h2.2v5h-2.2zm5.4 0h2.2v5h-2.2zM3.5 18.5h17v2h-17z',
};

function icon(name) {
	const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
	const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
	svg.setAttribute('viewBox', '0 0 24 24');
	svg.setAttribute('aria-hidden', 'true');
	path.setAttribute('d', icons[name]);
	svg.append(path);
	return svg;
}

export class Phone {
	#sid = null;
	#shown = 0;
	#since = null;
	#parts = {};

	/** role: "supporter" or "office". onSaid is called with what is newly heard, for reading aloud. */
	constructor(role, onSaid, onProblem) {
		this.role = role;
		this.onSaid = onSaid;
		this.onProblem = onProblem;
		this.element = this.#build();
	}

	#do(what, body) {
		if (this.#sid) act(this.#sid, what, body).catch(this.onProblem);
	}

	#round(kind, name, text) {
		return element('button', { type: 'button', class: `round round--${kind}`, onclick: () => this.#do(name) }, icon(kind), element('span', {}, text));
	}

	#key([key, letters]) {
		const attributes = { type: 'button', class: 'pad__key', 'aria-label': keyNames[key] ?? key, onclick: () => this.#do('keys', { keys: key }) };
		return element('button', attributes, element('span', { class: 'pad__digit' }, key),
			element('span', { class: 'pad__letters', 'aria-hidden': 'true' }, letters));
	}

	#build() {
		const id = `phone-${this.role}`;
		const part = this.#parts;
		const heard = `Heard on the ${this.role}’s telephone`;
		part.title = element('h2', { id, class: 'phone__role' }, this.role === 'supporter' ? 'Supporter' : 'Office');
		part.badge = element('span', { class: 'badge' });
		part.number = element('p', { class: 'phone__number' });
		part.state = element('p', { class: 'phone__state', role: 'status' });
		part.caller = element('p', { class: 'phone__caller', hidden: true });
		part.offices = element('ol', { class: 'offices', 'aria-label': 'Offices dialled in this call', hidden: true });
		part.talk = element('ol', { class: 'talk', role: 'log', 'aria-live': 'polite', tabindex: '0', 'aria-label': heard });
		part.answer = this.#round('answer', 'answer', 'Answer');
		part.hangup = this.#round('decline', 'hangup', 'Hang up');
		const take = { type: 'button', class: 'button button--small phone__take', onclick: () => this.#do('take-over') };
		part.take = element('button', take, 'Take over from the script');
		part.hint = element('p', { class: 'phone__hint', role: 'status', hidden: true });
		part.pad = element('div', { class: 'pad', role: 'group', 'aria-label': 'Keypad' }, ...keys.map((key) => this.#key(key)));
		const phone = element('section', { class: `phone phone--${this.role}`, 'aria-labelledby': id },
			element('div', { class: 'phone__screen' },
				element('header', { class: 'phone__who' }, element('div', { class: 'phone__face' }, icon(this.role)),
					element('div', { class: 'phone__line' }, part.title, part.badge), part.number, part.state, part.caller),
				part.offices, part.talk, part.hint, part.pad, element('div', { class: 'phone__actions' }, part.answer, part.hangup), part.take));
		phone.addEventListener('keydown', (event) => {
			const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
			if (/^[0-9*#]$/.test(event.key) && plain && !part.pad.hidden) this.#do('keys', { keys: event.key });
		});
		return phone;
	}

	/** Shows a leg of a call. call: the root with its story; leg: undefined where nobody is rung. */
	show(call, leg, speed) {
		const part = this.#parts;
		const isRoot = this.role === 'supporter';
		if (leg?.sid !== this.#sid) {
			this.#sid = leg?.sid ?? null;
			this.#shown = 0;
			this.#since = null;
			part.talk.replaceChildren();
		}
		this.element.dataset.status = leg ? (isOver(leg) ? 'over' : leg.status) : 'none';
		part.number.textContent = leg ? phoneText(leg.to) : '';
		part.badge.textContent = leg ? (leg.interactive ? 'you' : 'script') : '';
		part.badge.dataset.kind = leg?.interactive ? 'you' : 'script';
		part.badge.hidden = !leg || isOver(leg);
		const ringing = leg?.status === 'ringing', talking = leg?.status === 'in-progress';
		part.answer.hidden = !ringing;
		part.hangup.hidden = !ringing && !talking;
		part.hangup.lastChild.textContent = ringing ? 'Decline' : 'Hang up';
		part.pad.hidden = !talking || !isRoot;
		part.take.hidden = !leg || isOver(leg) || leg.interactive || leg.status === 'queued';
		part.caller.hidden = !leg;
		part.caller.textContent = leg ? `Caller ID ${phoneText(leg.from)}` : '';
		this.#hint(call, leg, isRoot);
		if (!isRoot) this.#list(call, leg);
		if (leg) this.#listen(call, leg, isRoot);
		this.#tick(leg, speed);
	}

	/** Says that keys are awaited, while a Gather is open. */
	#hint(call, leg, isRoot) {
		const last = call.story.findLast(({ kind, leg: of }) => !of && ['gather', 'gather-end', 'hangup', 'end'].includes(kind));
		const open = isRoot && leg?.status === 'in-progress' && last?.kind === 'gather';
		this.#parts.hint.hidden = !open;
		if (open) this.#parts.hint.textContent = last.num_digits === 1 ? 'Waiting for a key' : 'Waiting for keys';
	}

	/** All offices of the call with what came of them. */
	#list(call, current) {
		this.#parts.offices.hidden = call.legs.length === 0;
		this.#parts.offices.replaceChildren(...call.legs.map((leg) => {
			const attributes = { 'data-status': isOver(leg) ? leg.status : 'live', 'aria-current': leg === current ? 'true' : undefined };
			const length = leg.answered && isOver(leg) ? ` · ${clockText(leg.duration)}` : '';
			return element('li', attributes, element('span', { class: 'offices__number' }, phoneText(leg.to)),
				element('span', { class: 'offices__status' }, statusText(leg.status) + length));
		}));
	}

	#listen(call, leg, isRoot) {
		const legs = new Map(call.legs.map((each) => [each.sid, each]));
		const atEnd = this.#parts.talk.scrollHeight - this.#parts.talk.scrollTop - this.#parts.talk.clientHeight < 60;
		const fresh = call.story.slice(this.#shown);
		const isNew = this.#shown > 0 || fresh.length < 4;
		this.#shown = call.story.length;
		for (const entry of fresh) {
			const heard = concerns(entry, leg, isRoot) ? line(entry, isRoot, legs) : null;
			if (!heard) continue;
			this.#parts.talk.append(element('li', { class: `line line--${heard.kind}`, lang: heard.language || undefined },
				element('span', { class: 'line__text' }, heard.text), heard.more ? element('span', { class: 'line__more' }, heard.more) : null));
			if (isNew && heard.kind === 'said') this.onSaid(heard);
		}
		if (fresh.length > 0 && atEnd) this.#parts.talk.scrollTop = this.#parts.talk.scrollHeight;
	}

	#tick(leg, speed) {
		const part = this.#parts;
		if (!leg) {
			part.state.textContent = 'Nobody is dialled yet';
		} else if (leg.status === 'in-progress') {
			this.#since ??= performance.now() - (leg.duration * 1000) / speed;
			part.state.textContent = `In call · ${clockText(((performance.now() - this.#since) / 1000) * speed)}`;
		} else if (isOver(leg)) {
			part.state.textContent = leg.answered ? `${statusText(leg.status)} · ${clockText(leg.duration)}` : statusText(leg.status);
		} else {
			part.state.textContent = leg.status === 'ringing' ? 'Ringing…' : 'Waiting for its turn';
		}
	}

	/** Called every half second while a call runs. */
	tick(leg, speed) {
		if (leg?.status === 'in-progress' && leg.sid === this.#sid) this.#tick(leg, speed);
	}
}
