/* The records' way from a plugin into a builder. */
#ifndef PROVIDER_SINK_H
#define PROVIDER_SINK_H

#include "geo/builder.h"
#include "internal.h"

struct cp_compile_sink {
	struct provider_sink sink;
	struct cp_host *host;
	struct cp_dataset_builder *builder;
	int error; /* the first refusal of a record; the plugin may not talk its way out of it */
	char message[1200];
};

/* sink must not move afterwards. */
void cp_compile_sink_init(struct cp_compile_sink *sink, struct cp_host *host, struct cp_dataset_builder *builder);

#endif
