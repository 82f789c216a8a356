/* What is said in a call: the messages, the variables each may use, and the texts that stand in where a campaign has none of its own. */
#ifndef CAMPAIGN_PROMPTS_H
#define CAMPAIGN_PROMPTS_H

#include "base/str.h"

enum cp_prompt {
	CP_PROMPT_INTRO,              /* first words after the supporter picks up */
	CP_PROMPT_INTRO_CONFIRM,      /* asks for a key: screens voicemail */
	CP_PROMPT_CALL_BLOCK_INTRO,   /* how many calls follow, and what the star key does */
	CP_PROMPT_TARGET_INTRO,       /* whom the supporter is about to speak to */
	CP_PROMPT_TARGET_BUSY,
	CP_PROMPT_TARGET_NO_ANSWER,
	CP_PROMPT_TARGET_UNREACHABLE, /* no phone number is known */
	CP_PROMPT_BETWEEN_CALLS,
	CP_PROMPT_FINAL_THANKS,
	CP_PROMPT_GOODBYE,            /* nobody pressed a key */
	CP_PROMPT_TROUBLE,            /* we cannot go on: said before an early end */
	CP_PROMPT_COUNT
};

enum { CP_PROMPT_MAX_VARIABLES = 6 };

struct cp_prompt_info {
	const char *key;     /* "msg_intro": the predecessor's names, as imported campaigns have them */
	const char *meaning; /* a line for the campaigner */
	const char *variables[CP_PROMPT_MAX_VARIABLES + 1]; /* NULL-terminated */
};

const struct cp_prompt_info *cp_prompt_info(enum cp_prompt prompt);
/* CP_E_NOTFOUND where no message has this key. */
int cp_prompt_by_key(struct cp_str key, enum cp_prompt *ret_prompt);
/* The preset text in the language of a tag such as "fr-CA"; English where there is none. Static. */
struct cp_str cp_prompt_preset(enum cp_prompt prompt, struct cp_str language);

#endif
