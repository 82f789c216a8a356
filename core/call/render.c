#include "call/render.h"

#include "base/memory.h"
#include "telephony/twiml.h"
#include "text/template.h"

#include <stdio.h>

enum { KEY_TIMEOUT_S = 10 };

/*
 * Asks the carrier to repeat a request that found no connection, no answer or a 5xx (Twilio, "Webhooks: connection overrides"). Steps
 * may be repeated; a fragment is neither sent nor signed.
 */
#define REPEAT "#rc=2&rp=ct,rt,5xx"

struct number_text {
	char text[12];
};

static struct cp_str number(unsigned value, struct number_text *space)
{
	int len = snprintf(space->text, sizeof(space->text), "%u", value);
	return cp_str_n(space->text, (size_t)len);
}

static void say(struct cp_twiml *twiml, const struct cp_call_scene *scene, enum cp_prompt prompt, const struct cp_template_variable *variables,
                size_t count)
{
	CP_CLEANUP(cp_buf_free) struct cp_buf text = {0};
	cp_template_render(&text, scene->settings->prompts[prompt], variables, count);
	cp_twiml_say(twiml, cp_str_trim(cp_buf_str(&text)));
}

static void say_general(struct cp_twiml *twiml, const struct cp_call_scene *scene, enum cp_prompt prompt)
{
	const struct cp_template_variable variables[] = {{"organization", scene->organization}};
	say(twiml, scene, prompt, variables, CP_COUNT(variables));
}

static void say_counted(struct cp_twiml *twiml, const struct cp_call_scene *scene, enum cp_prompt prompt, const char *name, unsigned count)
{
	struct number_text space;
	const struct cp_template_variable variables[] = {{name, number(count, &space)}, {"many", count > 1 ? CP_STR("yes") : CP_STR("")}};
	say(twiml, scene, prompt, variables, CP_COUNT(variables));
}

static void say_target(struct cp_twiml *twiml, const struct cp_call_scene *scene, enum cp_prompt prompt, const struct cp_plan_target *target)
{
	const struct cp_template_variable variables[] = {
		{"title", target->title},
		{"name", target->name},
		{"district", target->district},
		{"location", target->location},
		{"office_type", CP_STR("")},
	};
	say(twiml, scene, prompt, variables, CP_COUNT(variables));
}

static void step_url(const struct cp_call_scene *scene, struct cp_call_step step, struct cp_buf *url)
{
	char name[CP_CALL_STEP_SIZE];
	cp_call_step_write(step, name);
	cp_buf_add(url, scene->session_url);
	cp_buf_add_char(url, '/');
	cp_buf_add_cstr(url, name);
	cp_buf_add_cstr(url, REPEAT);
}

static void render_human(struct cp_twiml *twiml, const struct cp_call_scene *scene, unsigned attempt)
{
	CP_CLEANUP(cp_buf_free) struct cp_buf url = {0};
	step_url(scene, (struct cp_call_step){.kind = CP_STEP_HUMAN, .attempt = attempt}, &url);
	if (attempt == 1)
		say_general(twiml, scene, CP_PROMPT_INTRO);
	cp_twiml_gather_start(twiml, &(struct cp_twiml_gather){.action = cp_buf_str(&url), .digits = 1, .timeout_s = KEY_TIMEOUT_S});
	say_general(twiml, scene, CP_PROMPT_INTRO_CONFIRM);
	cp_twiml_gather_end(twiml);
}

/* Which message tells that the target before did not go well; false where there is nothing to tell. */
static bool outcome_prompt(struct cp_str outcome, enum cp_prompt *prompt)
{
	*prompt = cp_str_eq(outcome, CP_STR("busy")) ? CP_PROMPT_TARGET_BUSY : CP_PROMPT_TARGET_NO_ANSWER;
	return *prompt == CP_PROMPT_TARGET_BUSY || cp_str_eq(outcome, CP_STR("no-answer")) || cp_str_eq(outcome, CP_STR("failed"));
}

bool cp_call_tells_outcome(struct cp_str outcome)
{
	enum cp_prompt prompt;
	return outcome_prompt(outcome, &prompt);
}

static void say_outcome(struct cp_twiml *twiml, const struct cp_call_scene *scene, struct cp_str outcome)
{
	enum cp_prompt prompt;
	if (scene->done != NULL && outcome_prompt(outcome, &prompt))
		say_target(twiml, scene, prompt, scene->done);
}

static void dial(struct cp_twiml *twiml, const struct cp_call_scene *scene, const struct cp_plan_target *target, struct cp_str action)
{
	cp_twiml_dial(twiml, &(struct cp_twiml_dial){
				     .number = target->phone,
				     .caller_id = scene->caller_id,
				     .action = action,
				     .timeout_s = scene->ring_timeout_s,
				     .time_limit_s = scene->talk_limit_s,
				     .hangup_on_star = true,
			     });
}

static void render_target(struct cp_twiml *twiml, const struct cp_call_scene *scene, struct cp_call_position position)
{
	CP_CLEANUP(cp_buf_free) struct cp_buf url = {0};
	unsigned count = scene->target_count;
	const struct cp_plan_target *target = scene->next;
	bool reachable = target->phone.ptr != NULL;
	if (position.target == 1)
		say_counted(twiml, scene, CP_PROMPT_CALL_BLOCK_INTRO, "n_targets", count);
	else
		say_counted(twiml, scene, CP_PROMPT_BETWEEN_CALLS, "calls_left", count - position.target + 1);
	say_target(twiml, scene, reachable ? CP_PROMPT_TARGET_INTRO : CP_PROMPT_TARGET_UNREACHABLE, target);
	step_url(scene, (struct cp_call_step){reachable ? CP_STEP_DIAL : CP_STEP_SKIP, position.target, count, position.attempt}, &url);
	if (reachable)
		dial(twiml, scene, target, cp_buf_str(&url));
	else
		cp_twiml_redirect(twiml, cp_buf_str(&url));
}

int cp_call_render(const struct cp_call_scene *scene, struct cp_call_position position, struct cp_str outcome, struct cp_buf *out)
{
	struct cp_twiml twiml;
	if (position.state == CP_STATE_CREATED || (position.state == CP_STATE_TARGET && (scene->next == NULL || position.target > scene->target_count)))
		return cp_fail(CP_E_BUG, "a session's position does not fit its plan");
	cp_twiml_start(&twiml, out, scene->settings->language, scene->settings->voice);
	switch (position.state) {
	case CP_STATE_HUMAN:
		render_human(&twiml, scene, position.attempt);
		break;
	case CP_STATE_TARGET:
		say_outcome(&twiml, scene, outcome);
		render_target(&twiml, scene, position);
		break;
	case CP_STATE_THANKS:
		say_outcome(&twiml, scene, outcome);
		say_general(&twiml, scene, CP_PROMPT_FINAL_THANKS);
		cp_twiml_hangup(&twiml);
		break;
	default:
		say_general(&twiml, scene, CP_PROMPT_GOODBYE);
		cp_twiml_hangup(&twiml);
	}
	cp_twiml_end(&twiml);
	return 0;
}

void cp_call_render_wait(struct cp_str url, unsigned wait_s, struct cp_buf *out)
{
	struct cp_twiml twiml;
	CP_CLEANUP(cp_buf_free) struct cp_buf again = {0};
	cp_buf_add(&again, url);
	cp_buf_add_cstr(&again, REPEAT);
	cp_twiml_start(&twiml, out, CP_STR("en-US"), CP_STR(""));
	cp_twiml_pause(&twiml, wait_s);
	cp_twiml_redirect(&twiml, cp_buf_str(&again));
	cp_twiml_end(&twiml);
}

void cp_call_render_trouble(const struct cp_campaign_settings *settings, struct cp_buf *out)
{
	struct cp_twiml twiml;
	CP_CLEANUP(cp_buf_free) struct cp_buf text = {0};
	struct cp_str language = settings == NULL ? CP_STR("en-US") : settings->language;
	cp_template_render(&text, settings == NULL ? cp_prompt_preset(CP_PROMPT_TROUBLE, language) : settings->prompts[CP_PROMPT_TROUBLE], NULL, 0);
	cp_twiml_start(&twiml, out, language, settings == NULL ? CP_STR("") : settings->voice);
	cp_twiml_say(&twiml, cp_buf_str(&text));
	cp_twiml_hangup(&twiml);
	cp_twiml_end(&twiml);
}
