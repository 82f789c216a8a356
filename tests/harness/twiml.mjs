// Holds TwiML documents against the types of the carrier's own SDK (VoiceResponse.d.ts), read with the TypeScript compiler: which
// verb may stand in which, which attributes it has, which values they take. The types are Twilio's; nothing is repeated here.
import { dirname, join } from 'node:path';
import { createRequire } from 'node:module';
import ts from 'typescript';
import { parseXml } from './xml.mjs';

const require = createRequire(import.meta.url);
const types = join(dirname(require.resolve('twilio/package.json')), 'lib', 'twiml', 'VoiceResponse.d.ts');
const compiler = ts.createProgram([types], { strict: true, noLib: true, types: [] });
const checker = compiler.getTypeChecker();

function voiceResponse() {
	const source = compiler.getSourceFile(types);
	let found;
	ts.forEachChild(source, (node) => {
		if (ts.isClassDeclaration(node) && node.name?.text === 'VoiceResponse') found = node;
	});
	if (!found) throw new Error(`no class VoiceResponse in ${types}`);
	return checker.getTypeAtLocation(found);
}

/** `Say` is made by say(), `say-as` by sayAs(). */
function methodName(tag) {
	return tag.replace(/^./, (c) => c.toLowerCase()).replace(/-(.)/g, (_, c) => c.toUpperCase());
}

/** What the SDK's method for a verb takes and gives: {attributes: type or null, content: 'none' | 'optional' | 'required', element}. */
function verbOf(parent, tag) {
	const method = parent.getProperty(methodName(tag));
	if (!method) return null;
	const signatures = checker.getTypeOfSymbol(method).getCallSignatures();
	const widest = signatures.reduce((a, b) => (b.parameters.length > a.parameters.length ? b : a));
	const parameters = widest.parameters.map((parameter) => ({
		name: parameter.name,
		type: checker.getNonNullableType(checker.getTypeOfSymbol(parameter)),
		optional: checker.isOptionalParameter(parameter.valueDeclaration),
	}));
	const attributes = parameters.find((parameter) => parameter.name === 'attributes');
	const content = parameters.find((parameter) => parameter.name !== 'attributes');
	return {
		attributes: attributes && attributes.type.getProperties().length ? attributes.type : null,
		content: !content ? 'none' : content.optional ? 'optional' : 'required',
		element: widest.getReturnType(),
	};
}

function allows(type, value) {
	if (type.isUnion()) return type.types.some((member) => allows(member, value));
	if (type.isStringLiteral()) return type.value === value;
	if (type.flags & ts.TypeFlags.String) return true;
	if (type.flags & ts.TypeFlags.Number) return /^-?\d+(\.\d+)?$/.test(value);
	if (type.flags & ts.TypeFlags.BooleanLiteral) return checker.typeToString(type) === value;
	if (type.flags & ts.TypeFlags.Boolean) return value === 'true' || value === 'false';
	return false;
}

/** Lists of words stand in one attribute, parted by spaces. Without a library of its own the compiler shows them as `X[]` nodes. */
function allowsAttribute(property, value) {
	const node = property.valueDeclaration.type;
	const parts = ts.isUnionTypeNode(node) ? node.types : [node];
	return parts.some((part) =>
		ts.isArrayTypeNode(part)
			? value.split(' ').every((word) => allows(checker.getTypeFromTypeNode(part.elementType), word))
			: allows(checker.getTypeFromTypeNode(part), value),
	);
}

function check(element, type, path, problems) {
	for (const child of element.children) {
		const where = `${path}/${child.name}`;
		const verb = verbOf(type, child.name);
		if (!verb) {
			problems.push(`${where}: ${element.name} may not hold ${child.name}`);
			continue;
		}
		for (const [name, value] of Object.entries(child.attributes)) {
			const property = verb.attributes?.getProperty(name);
			if (!property) problems.push(`${where}: no attribute ${name}`);
			else if (!allowsAttribute(property, value)) {
				const expected = checker.typeToString(checker.getTypeOfSymbol(property)).slice(0, 120);
				problems.push(`${where}: ${name}="${value}" is not ${expected}`);
			}
		}
		const text = child.text.trim();
		if (verb.content === 'required' && text === '' && child.children.length === 0) problems.push(`${where}: has no content`);
		if (verb.content === 'none' && text !== '') problems.push(`${where}: may hold no text`);
		check(child, verb.element, where, problems);
	}
}

/** What the SDK's types say against a document: a list of sentences, empty where they allow it. */
export function twimlProblems(text) {
	const root = parseXml(text);
	const problems = [];
	if (root.name !== 'Response') problems.push(`the root is ${root.name}, not Response`);
	if (root.text.trim() !== '') problems.push('text stands directly in Response');
	if (Object.keys(root.attributes).length) problems.push('Response has attributes');
	if (Buffer.byteLength(text) > 65536) problems.push('the document is larger than 64 KiB');
	check(root, voiceResponse(), 'Response', problems);
	return problems;
}
