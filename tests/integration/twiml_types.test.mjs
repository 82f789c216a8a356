// The judge of our TwiML must itself be right: it allows what the SDK writes and refuses what the SDK's types refuse.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import twilio from 'twilio';
import { twimlProblems } from '../harness/twiml.mjs';

test('what the SDK itself writes is allowed', () => {
	const response = new twilio.twiml.VoiceResponse();
	const gather = response.gather({ numDigits: 1, timeout: 5, action: '/x', method: 'POST', actionOnEmptyResult: true, input: ['dtmf', 'speech'] });
	gather.say({ voice: 'Polly.Joanna', language: 'en-US' }, 'Press 1 & hold < on');
	gather.pause({ length: 1 });
	response.play({ loop: 2 }, 'https://example.org/a.mp3');
	const dial = response.dial({ callerId: '+15005550006', timeout: 20, hangupOnStar: true, record: 'do-not-record' });
	dial.number({ statusCallbackEvent: ['initiated', 'completed'], sendDigits: 'wwww1' }, '+12025550100');
	response.redirect({ method: 'POST' }, '/next');
	response.hangup();
	assert.deepEqual(twimlProblems(response.toString()), []);
});

const wrong = {
	'an unknown verb': '<Response><Sing>la</Sing></Response>',
	'an unknown attribute': '<Response><Say volume="11">a</Say></Response>',
	'a value that is no number': '<Response><Pause length="long"/></Response>',
	'a value that is no boolean': '<Response><Dial hangupOnStar="yes"><Number>+12025550100</Number></Dial></Response>',
	'an unknown voice': '<Response><Say voice="Polly.Nobody">a</Say></Response>',
	'an unknown word of a list': '<Response><Gather input="dtmf smell"/></Response>',
	'a verb where it may not stand': '<Response><Gather><Dial>+12025550100</Dial></Gather></Response>',
	'a Number outside Dial': '<Response><Number>+12025550100</Number></Response>',
	'no number in Number': '<Response><Dial><Number/></Dial></Response>',
	'text in Hangup': '<Response><Hangup>bye</Hangup></Response>',
	'text in Response': '<Response>bye</Response>',
	'another root': '<Answer/>',
};
for (const [what, document] of Object.entries(wrong)) {
	test(`refused: ${what}`, () => assert.equal(twimlProblems(document).length, 1));
}

for (const document of ['<Response>', '<Response><Say>a & b</Say></Response>', '<Response><Say>a</Response></Say>', '<!DOCTYPE a><Response/>', '<Response/>x']) {
	test(`not well-formed: ${document}`, () => assert.throws(() => twimlProblems(document), /not well-formed/));
}
