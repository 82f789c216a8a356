/* What a reader of the kit says when it refuses a document: the line and the reason; for provider_host.fail(). */
#ifndef KIT_ERROR_H
#define KIT_ERROR_H

#include "provider.h"

#define KIT_EXPORT __attribute__((visibility("default")))

struct kit_error {
	uint32_t line;  /* from 1; 0 where there is none */
	char text[252]; /* a sentence without a full stop */
};

#endif
