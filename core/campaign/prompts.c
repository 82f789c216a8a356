#include "campaign/prompts.h"

#include "base/memory.h"

static const struct cp_prompt_info infos[CP_PROMPT_COUNT] = {
	[CP_PROMPT_INTRO] = {"msg_intro", "First words after the supporter picks up.", {"organization"}},
	[CP_PROMPT_INTRO_CONFIRM] = {"msg_intro_confirm", "Asks for a key, so that no office is dialled for a voicemail.", {"organization"}},
	[CP_PROMPT_CALL_BLOCK_INTRO] = {"msg_call_block_intro", "How many calls follow, and that the star key goes on to the next.", {"n_targets", "many"}},
	[CP_PROMPT_TARGET_INTRO] = {"msg_target_intro", "Whom the supporter is about to speak to.", {"title", "name", "location", "district", "office_type"}},
	[CP_PROMPT_TARGET_BUSY] = {"msg_target_busy", "The line of the last target was busy.", {"title", "name"}},
	[CP_PROMPT_TARGET_NO_ANSWER] = {"msg_target_no_answer", "Nobody answered at the last target, or the call failed.", {"title", "name"}},
	[CP_PROMPT_TARGET_UNREACHABLE] = {"msg_target_unreachable", "No phone number is known of this target.", {"title", "name", "district"}},
	[CP_PROMPT_BETWEEN_CALLS] = {"msg_between_calls", "Said between two calls.", {"calls_left", "many"}},
	[CP_PROMPT_FINAL_THANKS] = {"msg_final_thanks", "The last words.", {"organization"}},
	[CP_PROMPT_GOODBYE] = {"msg_goodbye", "Said where nobody pressed a key.", {"organization"}},
	[CP_PROMPT_TROUBLE] = {"msg_trouble", "Said where the call cannot go on for a reason on our side.", {"organization"}},
};

struct language {
	const char *tag; /* primary subtag, RFC 5646 */
	const char *texts[CP_PROMPT_COUNT];
};

static const struct language languages[] = {
	{"en",
	 {
		 [CP_PROMPT_INTRO] = "Hello, this is {{organization}}. Thank you for making your voice heard.",
		 [CP_PROMPT_INTRO_CONFIRM] = "Press any key to start your calls.",
		 [CP_PROMPT_CALL_BLOCK_INTRO] = "We will now connect you to {{n_targets}} {{#many}}offices, one after the other. When you have "
						"finished with one, wait for the office to hang up, or press star to go on."
						"{{/many}}{{^many}}office. When you have finished, just hang up.{{/many}}",
		 [CP_PROMPT_TARGET_INTRO] = "Now calling {{title}} {{name}}{{#location}}, {{location}} office{{/location}}.",
		 [CP_PROMPT_TARGET_BUSY] = "The line of {{title}} {{name}} is busy.",
		 [CP_PROMPT_TARGET_NO_ANSWER] = "We could not get through to {{title}} {{name}}.",
		 [CP_PROMPT_TARGET_UNREACHABLE] = "We do not have a phone number for {{title}} {{name}}, so we have to leave out this call.",
		 [CP_PROMPT_BETWEEN_CALLS] = "{{#many}}On to the next: {{calls_left}} calls to go.{{/many}}{{^many}}On to the last call.{{/many}}",
		 [CP_PROMPT_FINAL_THANKS] = "That was the last call. Thank you for speaking up. Goodbye.",
		 [CP_PROMPT_GOODBYE] = "We did not hear a key, so we will end this call. Goodbye.",
		 [CP_PROMPT_TROUBLE] = "We are sorry: we cannot go on with your calls at the moment. Please try again later. Goodbye.",
	 }},
	{"es",
	 {
		 [CP_PROMPT_INTRO] = "Hola, le llama {{organization}}. Gracias por hacer oír su voz.",
		 [CP_PROMPT_INTRO_CONFIRM] = "Pulse cualquier tecla para empezar sus llamadas.",
		 [CP_PROMPT_CALL_BLOCK_INTRO] = "{{#many}}Le vamos a comunicar con {{n_targets}} oficinas, una tras otra. Cuando termine con una, espere a que "
						"cuelguen o pulse asterisco para continuar.{{/many}}{{^many}}Le vamos a comunicar con una oficina. "
						"Cuando termine, simplemente cuelgue.{{/many}}",
		 [CP_PROMPT_TARGET_INTRO] = "Llamando a {{title}} {{name}}{{#location}}, oficina de {{location}}{{/location}}.",
		 [CP_PROMPT_TARGET_BUSY] = "La línea de {{title}} {{name}} está ocupada.",
		 [CP_PROMPT_TARGET_NO_ANSWER] = "No pudimos comunicarnos con {{title}} {{name}}.",
		 [CP_PROMPT_TARGET_UNREACHABLE] = "No tenemos un número de teléfono de {{title}} {{name}}, así que debemos omitir esta llamada.",
		 [CP_PROMPT_BETWEEN_CALLS] = "{{#many}}Seguimos: quedan {{calls_left}} llamadas.{{/many}}{{^many}}Pasamos a la última llamada.{{/many}}",
		 [CP_PROMPT_FINAL_THANKS] = "Esa fue la última llamada. Gracias por alzar la voz. Adiós.",
		 [CP_PROMPT_GOODBYE] = "No hemos oído ninguna tecla, así que terminamos esta llamada. Adiós.",
		 [CP_PROMPT_TROUBLE] = "Lo sentimos: no podemos continuar con sus llamadas en este momento. Inténtelo más tarde. Adiós.",
	 }},
	{"fr",
	 {
		 [CP_PROMPT_INTRO] = "Bonjour, ici {{organization}}. Merci de faire entendre votre voix.",
		 [CP_PROMPT_INTRO_CONFIRM] = "Appuyez sur une touche pour commencer vos appels.",
		 [CP_PROMPT_CALL_BLOCK_INTRO] = "{{#many}}Nous allons vous mettre en communication avec {{n_targets}} bureaux, l'un après l'autre. Quand vous avez "
						"terminé avec l'un, attendez qu'il raccroche ou appuyez sur étoile pour continuer.{{/many}}"
						"{{^many}}Nous allons vous mettre en communication avec un bureau. Quand vous avez terminé, raccrochez.{{/many}}",
		 [CP_PROMPT_TARGET_INTRO] = "Appel de {{title}} {{name}}{{#location}}, bureau de {{location}}{{/location}}.",
		 [CP_PROMPT_TARGET_BUSY] = "La ligne de {{title}} {{name}} est occupée.",
		 [CP_PROMPT_TARGET_NO_ANSWER] = "Nous n'avons pas pu joindre {{title}} {{name}}.",
		 [CP_PROMPT_TARGET_UNREACHABLE] = "Nous n'avons pas de numéro de téléphone pour {{title}} {{name}} et devons omettre cet appel.",
		 [CP_PROMPT_BETWEEN_CALLS] = "{{#many}}Passons au suivant : il reste {{calls_left}} appels.{{/many}}{{^many}}Passons au dernier appel.{{/many}}",
		 [CP_PROMPT_FINAL_THANKS] = "C'était le dernier appel. Merci de votre engagement. Au revoir.",
		 [CP_PROMPT_GOODBYE] = "Nous n'avons entendu aucune touche et mettons fin à cet appel. Au revoir.",
		 [CP_PROMPT_TROUBLE] = "Nous sommes désolés : nous ne pouvons pas continuer vos appels pour le moment. Réessayez plus tard. Au revoir.",
	 }},
};

const struct cp_prompt_info *cp_prompt_info(enum cp_prompt prompt)
{
	return &infos[prompt];
}

int cp_prompt_by_key(struct cp_str key, enum cp_prompt *ret_prompt)
{
	for (size_t i = 0; i < CP_COUNT(infos); ++i) {
		if (cp_str_eq(key, cp_str(infos[i].key))) {
			*ret_prompt = (enum cp_prompt)i;
			return 0;
		}
	}
	return cp_fail(CP_E_NOTFOUND, "there is no message %.*s", CP_STR_ARG(key));
}

struct cp_str cp_prompt_preset(enum cp_prompt prompt, struct cp_str language)
{
	struct cp_str rest, primary = cp_str_split(language, '-', &rest);
	for (size_t i = 0; i < CP_COUNT(languages); ++i)
		if (cp_str_eq_ignore_case(primary, cp_str(languages[i].tag)))
			return cp_str(languages[i].texts[prompt]);
	return cp_str(languages[0].texts[prompt]);
}
