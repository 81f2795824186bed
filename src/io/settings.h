/* What a result depends on, as text: it is kept with the result, and compared when that is
 * to be continued. */
#ifndef KAD_IO_SETTINGS_H
#define KAD_IO_SETTINGS_H

#include "base/context.h"

/* YAML of every key that has an effect, with files by their digests, and the schema that
 * reads it (borrowed). */
typedef struct kad_settings {
    const struct kad_schema *schema;
    char *text; /* owned */
} kad_settings;

void kad_settings_clear(kad_settings *settings);

/* The first key whose values differ, and both as JSON ("nothing" where there is none). An
 * empty key: none does. */
typedef struct kad_difference {
    char key[256];
    char old[128], now[128];
} kad_difference;

/* Compare with the text of other settings; `name` says whose in messages. Keys and sections
 * in `except` ("title train.log_every"; NULL: none) do not count. Errors: KAD_ECONFIG (a
 * text that is no configuration), KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_settings_compare(kad_ctx *ctx, const char *old,
                                             const char *name, const kad_settings *now,
                                             const char *except, kad_difference *out);

#endif
