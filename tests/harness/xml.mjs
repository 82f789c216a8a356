// A strict reader of the XML that a voice server answers with: elements, attributes, text. No DOCTYPE, no CDATA, no comments.

const entities = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const name = /[A-Za-z_][\w.-]*/y;

class Reader {
	constructor(text) {
		this.text = text;
		this.at = 0;
	}

	fail(what) {
		throw new Error(`not well-formed XML at character ${this.at}: ${what}\n${this.text}`);
	}

	take(pattern) {
		pattern.lastIndex = this.at;
		const match = pattern.exec(this.text);
		if (match) this.at = pattern.lastIndex;
		return match?.[0];
	}

	expect(literal) {
		if (!this.text.startsWith(literal, this.at)) this.fail(`${literal} expected`);
		this.at += literal.length;
	}

	decode(raw) {
		// eslint-disable-next-line no-control-regex -- what XML 1.0 forbids
		if (/[\x00-\x08\x0b\x0c\x0e-\x1f<]/.test(raw)) this.fail('a character that may not stand there');
		return raw.replace(/&([^;]*)(;?)/g, (whole, entity, end) => {
			if (!end) this.fail('a bare &');
			if (entity.startsWith('#x')) return String.fromCodePoint(parseInt(entity.slice(2), 16));
			if (entity.startsWith('#')) return String.fromCodePoint(Number(entity.slice(1)));
			return entities[entity] ?? this.fail(`unknown entity ${whole}`);
		});
	}

	element() {
		this.expect('<');
		const tag = this.take(name) ?? this.fail('an element name');
		const element = { name: tag, attributes: {}, children: [], text: '' };
		for (;;) {
			const space = this.take(/\s+/y);
			if (this.text.startsWith('/>', this.at)) {
				this.at += 2;
				return element;
			}
			if (this.text[this.at] === '>') {
				this.at++;
				break;
			}
			if (!space) this.fail('a space before an attribute');
			const key = this.take(name) ?? this.fail('an attribute name');
			if (key in element.attributes) this.fail(`the attribute ${key} twice`);
			this.expect('=');
			const quote = this.text[this.at];
			if (quote !== '"' && quote !== "'") this.fail('a quote');
			const end = this.text.indexOf(quote, this.at + 1);
			if (end < 0) this.fail('an attribute that does not end');
			element.attributes[key] = this.decode(this.text.slice(this.at + 1, end));
			this.at = end + 1;
		}
		for (;;) {
			const raw = this.take(/[^<]+/y);
			if (raw !== undefined) element.text += this.decode(raw);
			if (this.text.startsWith('</', this.at)) break;
			if (this.at >= this.text.length) this.fail(`${tag} does not end`);
			element.children.push(this.element());
		}
		this.expect(`</${tag}`);
		this.take(/\s+/y);
		this.expect('>');
		return element;
	}
}

/** The root element as {name, attributes, children, text}; throws where the document is not well-formed. */
export function parseXml(text) {
	const reader = new Reader(text);
	reader.take(/\s*<\?xml [^?]*\?>\s*|\s*/y);
	const root = reader.element();
	reader.take(/\s+/y);
	if (reader.at !== text.length) reader.fail('text after the root element');
	return root;
}

/** Every element of a tree, in document order. */
export function* walk(element) {
	yield element;
	for (const child of element.children) yield* walk(child);
}
