/* The builder's tables while records come in (builder.c) and as they are laid out and written (builder_write.c). */
#ifndef GEO_BUILDER_INTERNAL_H
#define GEO_BUILDER_INTERNAL_H

#include "base/map.h"
#include "format.h"

/* Rows of one section, in order of arrival until they are sorted. */
struct table {
	char *rows;
	uint32_t count, capacity;
};

struct postal_input {
	char code[16];
	uint32_t division, weight;
	struct cp_provenance from;
};

struct cp_dataset_builder {
	struct meta_row meta;
	struct table tables[SECTION_COUNT];                                        /* STRINGS holds bytes */
	struct table postal_inputs;                                                /* struct postal_input */
	struct cp_map *interned;                                                   /* text to its place in STRINGS */
	struct cp_map *divisions, *seats, *people, *offices, *holders, *vacancies; /* id to index + 1 */
};

static inline void *cp_table_row(const struct table *table, size_t width, uint32_t index)
{
	return table->rows + (size_t)index * width;
}

/* A zeroed row at the end; NULL (with the message set) where the table is full. */
void *cp_table_add(struct table *table, size_t width);

/* Fails with "FILE:LINE: ..." of the record. */
int cp_builder_refuse(const struct cp_dataset_builder *builder, struct cp_provenance from, const char *fmt, ...) CP_PRINTF(3, 4);

static inline struct cp_str cp_builder_text(const struct cp_dataset_builder *builder, struct text_row text)
{
	return (struct cp_str){builder->tables[SECTION_STRINGS].rows + text.offset, text.length};
}

/* Sorts, links and completes the tables. */
int cp_builder_arrange(struct cp_dataset_builder *builder);

#endif
