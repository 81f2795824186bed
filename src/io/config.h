/* Configuration: YAML syntax by libyaml, meaning by a schema: one table of keys per
 * module, joined by the program. The same tables drive parsing, `section.key=value`
 * overrides, `init`, the man page and what is stored with the results. Numbers: whole
 * token, C locale, finite, in range. Unknown key: an error with the nearest known key. */
#ifndef KAD_IO_CONFIG_H
#define KAD_IO_CONFIG_H

#include "base/context.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum kad_type {
    KAD_INT, /* also accepts 1e6 when exactly integral */
    KAD_REAL,
    KAD_BOOL, /* true | false */
    KAD_STRING,
    KAD_ENUM, /* one of `choices`, separated by | */
    KAD_INTS, /* flow sequence of integers: [16, 16] */
    KAD_REALS
} kad_type;

typedef struct kad_key {
    const char *
        key; /* "section.name", top-level "seed", or "sample[].draws" in a list of maps */
    kad_type type;
    const char
        *def; /* default as YAML text; NULL: unset unless given ("auto" in the docs) */
    double lo, hi; /* inclusive range of numbers (of each element); lo > hi: no range */
    const char *unit;    /* "" when dimensionless */
    const char *choices; /* KAD_ENUM: "a|b|c" */
    const char *help;    /* one sentence for the reference */
} kad_key;

enum { KAD_SCHEMA_TABLES = 64 };
typedef struct kad_schema {
    int n_tables;
    const kad_key *table[KAD_SCHEMA_TABLES];
    size_t n_keys[KAD_SCHEMA_TABLES];
} kad_schema;

/* Tables may repeat a key (two samplers with `draws`); the first one counts. */
void kad_schema_add(kad_schema *schema, const kad_key *table, size_t n_keys);
/* The key of a name ("sample[3].draws" finds "sample[].draws"); NULL if unknown. */
const kad_key *kad_schema_find(const kad_schema *schema, const char *name);

/* Call visit for each distinct key in order. */
typedef void kad_key_visitor(void *self, const kad_key *key);
void kad_schema_each(const kad_schema *schema, kad_key_visitor *visit, void *self);

typedef struct kad_config kad_config;

/* Parse YAML text; `name` is used in messages ("run.yaml:12: action.beta: expected ...").
 * `overrides` are "section.key=value" (YAML flow values allowed), applied after the text.
 * Schema is borrowed. Errors: KAD_ECONFIG with file:line and the offending value;
 * KAD_ENOINPUT; KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_config_parse(kad_ctx *ctx, const kad_schema *schema,
                                         const char *text, const char *name,
                                         int n_overrides, const char *const *overrides,
                                         kad_config **out);
KAD_MUST_USE kad_status kad_config_load(kad_ctx *ctx, const kad_schema *schema,
                                        const char *path, int n_overrides,
                                        const char *const *overrides, kad_config **out);
void kad_config_destroy(kad_config *config);
/* A copy with further overrides applied (used by the chain over lattice sizes). */
KAD_MUST_USE kad_status kad_config_copy(kad_ctx *ctx, const kad_config *config,
                                        int n_overrides, const char *const *overrides,
                                        kad_config **out);

/* True when the key has a value of its own (from the file, an override, or
 * kad_config_resolve), or the config has a list of that name, be it empty. */
bool kad_config_is_set(const kad_config *config, const char *key);
/* True when the user gave it: in the file or an override. */
bool kad_config_is_given(const kad_config *config, const char *key);
/* Program-chosen value of a key the user left out (a recipe): ignored when the key is
 * set. */
KAD_MUST_USE kad_status kad_config_resolve(kad_ctx *ctx, kad_config *config,
                                           const char *key, const char *value);

/* Typed getters. The key must exist in the schema with that type (anything else is a
 * programming error, caught by assert). Unset without default: 0, NaN, false, NULL,
 * length 0. */
int64_t kad_config_int(const kad_config *config, const char *key);
double kad_config_real(const kad_config *config, const char *key);
bool kad_config_bool(const kad_config *config, const char *key);
const char *kad_config_string(const kad_config *config, const char *key); /* also enums */
size_t kad_config_ints(const kad_config *config, const char *key, size_t max,
                       int64_t *out);
size_t kad_config_reals(const kad_config *config, const char *key, size_t max,
                        double *out);
/* Entries of a list of maps ("sample"): 0 when empty or absent (kad_config_is_set). */
int kad_config_list_length(const kad_config *config, const char *section);

/* A key below `prefix` ("action.") that the user gave but that no getter has asked for: it
 * has no effect; NULL when there is none. */
const char *kad_config_unused(const kad_config *config, const char *prefix);
/* The names below `prefix` that getters have asked for, in the schema's order, separated
 * by commas; what does not fit ends in "...". */
void kad_config_used_names(const kad_config *config, const char *prefix, size_t size,
                           char *out);

/* The text the user gave, verbatim. */
const char *kad_config_text(const kad_config *config);

/* Which keys a print holds: every one with its value in force; those that getters have
 * asked for; those the user gave. Entries of lists are printed as they stand in all. */
typedef enum kad_config_scope {
    KAD_CONFIG_ALL,
    KAD_CONFIG_USED,
    KAD_CONFIG_GIVEN
} kad_config_scope;

/* Keys and values as YAML and JSON, in the schema's order. Strings from kad_alloc; NULL
 * on exhaustion. */
char *kad_config_yaml(const kad_config *config, kad_config_scope scope);
char *kad_config_json(const kad_config *config, kad_config_scope scope);

/* A commented YAML template of a schema: every key of `sections` ("action lattice ...")
 * with its default, unit, range and help. String from kad_alloc. */
char *kad_schema_template(const kad_schema *schema, const char *sections);

/* Parse helpers shared with the command line: whole token, C locale, finite. */
bool kad_parse_real(const char *text, double *out);
bool kad_parse_int(const char *text, int64_t *out);

#endif
