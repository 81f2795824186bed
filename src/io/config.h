/* Configuration: YAML syntax by libyaml, meaning by a schema: one table of keys per
 * module, joined by the program. The same tables drive parsing, `section.key=value`
 * overrides, `init`, the man page and what is stored with the results. Numbers: whole
 * token, C locale, finite, in range. Unknown key: an error with the nearest known key.
 *
 * This folder reads and writes; the insides of its modules are NAME_impl.h.
 *   keys, config, number   the configuration, by rows of keys that the modules own;
 *   settings               as text, to be compared
 *   h5, writer             results files, and groups of them filled with described data
 *   mapped, rows           arrays too large for memory: mapped; read some rows at a time
 *   file, digest, sha256   whole files, and their SHA-256
 *   run_folder, progress   the folder of a run, and what a run tells while it goes on */
#ifndef KAD_IO_CONFIG_H
#define KAD_IO_CONFIG_H

#include "base/memory.h"
#include "io/keys.h"
#include "io/settings.h"

/* What a whole table belongs to: its keys have an effect where `key` is `name`. */
typedef struct kad_owner {
    const char *key, *name; /* NULL: always */
} kad_owner;

/* Slots: a power of two, twice the keys that there may be and more. */
enum { KAD_SCHEMA_TABLES = 64, KAD_SCHEMA_RULES = 12, KAD_SCHEMA_SLOTS = 2048 };
typedef struct kad_schema {
    int n_tables;
    const kad_key *table[KAD_SCHEMA_TABLES];
    size_t n_keys[KAD_SCHEMA_TABLES];
    kad_owner owner[KAD_SCHEMA_TABLES];
    const kad_key *slot[KAD_SCHEMA_SLOTS]; /* of all tables, by a hash of their names */
    int n_rules;
    const kad_rule *rules[KAD_SCHEMA_RULES];
    size_t rules_n[KAD_SCHEMA_RULES];
    const kad_renamed *renamed; /* of one module */
    size_t n_renamed;
} kad_schema;

/* Tables may repeat a key (two samplers with `draws`); the first one counts. */
void kad_schema_add(kad_schema *schema, const kad_key *table, size_t n_keys);
/* The same, of keys that matter only where `key` is `name`. */
void kad_schema_add_for(kad_schema *schema, const kad_key *table, size_t n_keys,
                        const char *key, const char *name);
/* Keys without a rule always have an effect; the first prefix that fits counts. */
void kad_schema_add_rules(kad_schema *schema, const kad_rule *rules, size_t n);
/* Former names of keys: known in texts and overrides, nowhere else. */
void kad_schema_add_renamed(kad_schema *schema, const kad_renamed *renamed, size_t n);
/* The key of a name ("sample[3].draws" finds "sample[].draws"); NULL if unknown. */
const kad_key *kad_schema_find(const kad_schema *schema, const char *name);

/* Call visit for each distinct key in order. */
typedef void kad_key_visitor(void *self, const kad_key *key);
void kad_schema_each(const kad_schema *schema, kad_key_visitor *visit, void *self);

typedef struct kad_config kad_config;

/* Parse YAML text; `name` is used in messages ("run.yaml:12: action.beta: expected ...").
 * Files that the text names (KAD_PATH) are relative to the folder of `name`; those that
 * overrides name to the working directory, and of such the text's digest is dropped.
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
KAD_LOCAL_OF(kad_config, kad_config_destroy)

/* True when the key has a value of its own (from the file, an override, or
 * kad_config_resolve), or the config has a list of that name, be it empty. */
bool kad_config_is_set(const kad_config *config, const char *key);
/* True when the user gave it: in the file or an override. */
bool kad_config_is_given(const kad_config *config, const char *key);
/* Program-chosen value of a key the user left out (a recipe): ignored when the key is
 * set. */
KAD_MUST_USE kad_status kad_config_resolve(kad_ctx *ctx, kad_config *config,
                                           const char *key, const char *value);
KAD_MUST_USE kad_status kad_config_resolve_real(kad_ctx *ctx, kad_config *config,
                                                const char *key, double value);

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

/* Fill a module's struct of options from its rows: the value in force of each key, its own
 * default, or unset (io/keys.h). `index`: which entry keys "list[].name" are of; no matter
 * to others. Texts are borrowed from the config, until it is destroyed or
 * kad_config_set_path changes them. */
void kad_config_fill(const kad_config *config, const kad_key *keys, size_t n, int index,
                     void *options);
/* The way back: kad_config_resolve of every row that has no value yet from its member,
 * where that is set. Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_config_resolve_from(kad_ctx *ctx, kad_config *config,
                                                const kad_key *keys, size_t n,
                                                const void *options);

/* Whether a key has an effect with the values in force: by the schema's rules alone, and
 * so the same however often and in which order values are asked for. */
bool kad_config_applies(const kad_config *config, const char *key);
/* What keeps a key from having one, with its value: "flow.hierarchy mera". */
void kad_config_decider(const kad_config *config, const char *key, size_t size,
                        char *out);
/* A key that the user gave and that has no effect; NULL when there is none. */
const char *kad_config_unused(const kad_config *config);
/* The names below `prefix` ("action.") that have a value and an effect, in the schema's
 * order, separated by commas; what does not fit ends in "...". */
void kad_config_used_names(const kad_config *config, const char *prefix, size_t size,
                           char *out);

/* The folder that the config belongs to: files in it are printed relative to it, all
 * others with their absolute paths. Borrowed; NULL: none. */
void kad_config_set_home(kad_config *config, const char *folder);
/* Another file in place of the one that a KAD_PATH key has. */
KAD_MUST_USE kad_status kad_config_set_path(kad_ctx *ctx, kad_config *config,
                                            const char *key, const char *path);

/* The value of a key as another config of the same schema has it, unset where that has none:
 * the same in other words. Texts that options borrow of it are gone. KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_config_adopt(kad_ctx *ctx, kad_config *config,
                                         const char *key, const kad_config *from);

/* The text the user gave, verbatim. */
const char *kad_config_text(const kad_config *config);

/* Which keys a print holds: every one with its value in force; those of them that have an
 * effect; what decides a result: as USED, with files by their digests ("key_sha256") alone
 * where they have one; those the user gave. Entries of lists are printed as they stand in
 * all. */
typedef enum kad_config_scope {
    KAD_CONFIG_ALL,
    KAD_CONFIG_USED,
    KAD_CONFIG_CONTENT,
    KAD_CONFIG_GIVEN
} kad_config_scope;

/* Keys and values as YAML and JSON, in the schema's order. Strings from kad_alloc; NULL
 * on exhaustion. */
char *kad_config_yaml(const kad_config *config, kad_config_scope scope);
char *kad_config_json(const kad_config *config, kad_config_scope scope);

/* The contents as text, to be kept and compared. KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_config_settings(kad_ctx *ctx, const kad_config *config,
                                            kad_settings *out);
/* The first key in which the contents of two configs differ, but for those in `except`
 * (io/settings.h). Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_config_compare(kad_ctx *ctx, const kad_config *old,
                                           const kad_config *now, const char *except,
                                           kad_difference *out);
/* The same with JSON as kad_config_json writes it; keys that only one has do not count.
 * KAD_EDATA: "is no JSON". */
KAD_MUST_USE kad_status kad_config_compare_json(kad_ctx *ctx, const char *old,
                                                const kad_config *now, const char *except,
                                                kad_difference *out);

/* A commented YAML template of a schema: every key of `sections` ("action lattice ...")
 * with its default, unit, range and help. String from kad_alloc. */
char *kad_schema_template(const kad_schema *schema, const char *sections);

#endif
