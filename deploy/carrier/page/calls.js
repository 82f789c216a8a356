// What is known of calls: heads and stories by sid, and how numbers, times and outcomes are put for people.

/** "(415) 555-0123" for North America, others as they are. */
export function phoneText(number) {
	const parts = /^\+1(\d{3})(\d{3})(\d{4})$/.exec(number ?? '');
	return parts ? `(${parts[1]}) ${parts[2]}-${parts[3]}` : (number ?? '');
}

export function clockText(seconds) {
	const whole = Math.max(0, Math.floor(seconds));
	return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

const outcomes = {
	queued: 'Waiting', ringing: 'Ringing', 'in-progress': 'In call', completed: 'Completed', busy: 'Busy', 'no-answer': 'No answer',
	failed: 'Failed', canceled: 'Canceled',
};

export function statusText(status) {
	return outcomes[status] ?? status;
}

export function isOver(call) {
	return !['queued', 'ringing', 'in-progress'].includes(call.status);
}

/** Calls by sid, newest first; stories grow by events. */
export class Calls {
	#calls = new Map();

	replace(list) {
		this.#calls = new Map([...list].reverse().map((call) => [call.sid, call]));
	}

	clear() {
		this.#calls.clear();
	}

	setHead(head) {
		const before = this.#calls.get(head.sid);
		this.#calls.set(head.sid, { ...head, story: before?.story ?? [], seen: before?.seen ?? {} });
		while (this.#calls.size > 200) this.#calls.delete(this.#calls.keys().next().value);
	}

	addStory(entry) {
		this.#calls.get(entry.call)?.story.push(entry);
	}

	get(sid) {
		return this.#calls.get(sid);
	}

	get list() {
		return [...this.#calls.values()].reverse();
	}

	/** The newest call that still runs, else the newest. */
	get current() {
		return this.list.find((call) => !isOver(call)) ?? this.list[0];
	}
}

/** Sends one action of a person at a telephone. */
export async function act(sid, what, body = {}) {
	const answer = await fetch(`/_sandbox/calls/${sid}/${what}`, {
		method: 'POST',
		headers: { 'Content-Type': 'application/json' },
		body: JSON.stringify(body),
	});
	if (!answer.ok) throw new Error((await answer.json()).description ?? `The sandbox answered ${answer.status}.`);
}

/** An element with attributes, classes and children; text children are set as text. */
export function element(name, attributes = {}, ...children) {
	const made = document.createElement(name);
	for (const [key, value] of Object.entries(attributes)) {
		if (value === undefined || value === null || value === false) continue;
		if (key === 'class') made.className = value;
		else if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
		else made.setAttribute(key, value === true ? '' : value);
	}
	made.append(...children.filter((child) => child !== null && child !== undefined));
	return made;
}
