#include "telephony/twiml.h"

void cp_twiml_start(struct cp_twiml *twiml, struct cp_buf *out, struct cp_str language, struct cp_str voice)
{
	cp_xml_start(&twiml->xml, out);
	twiml->language = language;
	twiml->voice = voice;
	cp_xml_open(&twiml->xml, "Response");
}

void cp_twiml_say(struct cp_twiml *twiml, struct cp_str text)
{
	if (cp_xml_is_blank(text)) /* a Say without text is an error to Twilio (13520), which would end the call */
		return;
	cp_xml_open(&twiml->xml, "Say");
	if (twiml->voice.len != 0)
		cp_xml_attribute(&twiml->xml, "voice", twiml->voice);
	cp_xml_attribute(&twiml->xml, "language", twiml->language);
	cp_xml_text(&twiml->xml, text);
	cp_xml_close(&twiml->xml);
}

void cp_twiml_pause(struct cp_twiml *twiml, unsigned seconds)
{
	cp_xml_open(&twiml->xml, "Pause");
	cp_xml_attribute_number(&twiml->xml, "length", seconds);
	cp_xml_close(&twiml->xml);
}

void cp_twiml_gather_start(struct cp_twiml *twiml, const struct cp_twiml_gather *gather)
{
	cp_xml_open(&twiml->xml, "Gather");
	cp_xml_attribute(&twiml->xml, "input", CP_STR("dtmf"));
	cp_xml_attribute(&twiml->xml, "action", gather->action);
	cp_xml_attribute(&twiml->xml, "method", CP_STR("POST"));
	cp_xml_attribute_number(&twiml->xml, "numDigits", gather->digits);
	cp_xml_attribute_number(&twiml->xml, "timeout", gather->timeout_s);
	cp_xml_attribute(&twiml->xml, "finishOnKey", CP_STR("")); /* every key is an answer, # and * too */
	cp_xml_attribute(&twiml->xml, "actionOnEmptyResult", CP_STR("true"));
}

void cp_twiml_gather_end(struct cp_twiml *twiml)
{
	cp_xml_close(&twiml->xml);
}

void cp_twiml_dial(struct cp_twiml *twiml, const struct cp_twiml_dial *dial)
{
	cp_xml_open(&twiml->xml, "Dial");
	cp_xml_attribute(&twiml->xml, "action", dial->action);
	cp_xml_attribute(&twiml->xml, "method", CP_STR("POST"));
	if (dial->caller_id.len != 0)
		cp_xml_attribute(&twiml->xml, "callerId", dial->caller_id);
	cp_xml_attribute_number(&twiml->xml, "timeout", dial->timeout_s);
	cp_xml_attribute_number(&twiml->xml, "timeLimit", dial->time_limit_s);
	if (dial->hangup_on_star)
		cp_xml_attribute(&twiml->xml, "hangupOnStar", CP_STR("true"));
	cp_xml_open(&twiml->xml, "Number");
	if (dial->extension.len != 0)
		cp_xml_attribute(&twiml->xml, "sendDigits", dial->extension);
	cp_xml_text(&twiml->xml, dial->number);
	cp_xml_close(&twiml->xml);
	cp_xml_close(&twiml->xml);
}

void cp_twiml_redirect(struct cp_twiml *twiml, struct cp_str url)
{
	cp_xml_open(&twiml->xml, "Redirect");
	cp_xml_attribute(&twiml->xml, "method", CP_STR("POST"));
	cp_xml_text(&twiml->xml, url);
	cp_xml_close(&twiml->xml);
}

void cp_twiml_hangup(struct cp_twiml *twiml)
{
	cp_xml_open(&twiml->xml, "Hangup");
	cp_xml_close(&twiml->xml);
}

void cp_twiml_end(struct cp_twiml *twiml)
{
	cp_xml_close(&twiml->xml);
}
