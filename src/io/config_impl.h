/* Inside of the configuration: entries, and the steps shared by its files. */
#ifndef KAD_IO_CONFIG_IMPL_H
#define KAD_IO_CONFIG_IMPL_H

#include "io/config.h"

/* Limits on hostile input. */
enum {
    KAD_CONFIG_MAX_BYTES = 1 << 20,
    KAD_CONFIG_MAX_DEPTH = 8,
    KAD_CONFIG_MAX_ITEMS = 4096, /* numbers of a sequence */
    KAD_CONFIG_MAX_LIST = 256,   /* maps of a list */
    KAD_CONFIG_MAX_NODES = 20000,
    KAD_CONFIG_MAX_KEY = 128 /* characters of a full key */
};

/* One key with its value. */
typedef struct kad_entry {
    char *key;           /* "sample[3].draws" */
    const kad_key *spec; /* borrowed from the schema */
    size_t n;            /* numbers of a sequence, else 1 */
    int64_t *ints;       /* KAD_INT, KAD_INTS, KAD_BOOL */
    double *reals;       /* KAD_REAL, KAD_REALS */
    char *string;        /* KAD_STRING, KAD_PATH, KAD_ENUM */
    bool chosen;         /* by the program (kad_config_resolve), not by the user */
} kad_entry;

typedef struct kad_entries {
    size_t n, capacity;
    kad_entry *items;
} kad_entries;

/* A list of maps and its length. */
typedef struct kad_list {
    char *section;
    int length;
} kad_list;

struct kad_config {
    const kad_schema *schema; /* borrowed */
    const char *home;         /* borrowed; files below it are printed relative to it */
    char *text;               /* what the user gave, verbatim */
    kad_entries set;          /* what was given */
    kad_entries defaults;     /* one for each key of the schema that has a default */
    size_t n_lists;
    kad_list *lists;
};

/* Where a value was written, for messages. */
typedef struct kad_place {
    const char *name; /* "run.yaml", "command line" */
    int line;         /* 1-based; 0: no line */
} kad_place;

/* One scalar of the text; `plain` when it was not quoted. */
typedef struct kad_token {
    const char *text;
    bool plain;
} kad_token;

/* The value in force of a key by its name ("sample[3].draws"), NULL when it is unset
 * without a default. */
const kad_entry *kad_config_in_force(const kad_config *config, const char *key);

/* KAD_ECONFIG with the message "name:line: key: ...". */
kad_status kad_config_fail(kad_ctx *ctx, const kad_place *place, const char *key,
                           const char *format, ...) KAD_PRINTF(4, 5);

/* Build *entry (without its key) from tokens; `sequence`: they stood in brackets. */
KAD_MUST_USE kad_status kad_entry_parse(kad_ctx *ctx, const kad_place *place,
                                        const char *key, const kad_key *spec,
                                        bool sequence, size_t n, const kad_token *tokens,
                                        kad_entry *entry);
/* The value is one of the key's words, not a file. */
bool kad_entry_is_choice(const kad_entry *entry);
/* A file named in the text of `name`: relative to the folder of `name`. */
KAD_MUST_USE kad_status kad_entry_rebase(kad_ctx *ctx, const char *name,
                                         kad_entry *entry);
void kad_entry_clear(kad_entry *entry);

kad_entry *kad_entries_find(const kad_entries *entries, const char *key);
/* Takes over what entry owns (also on failure); replaces an entry of that key. */
KAD_MUST_USE kad_status kad_entries_put(kad_ctx *ctx, kad_entries *entries,
                                        const char *key, kad_entry *entry);
void kad_entries_remove(kad_entries *entries, const char *key);
/* Remove every key that begins with a prefix. */
void kad_entries_remove_prefix(kad_entries *entries, const char *prefix);
void kad_entries_clear(kad_entries *entries);

/* The list of a section; NULL when the config has none. Set its length (a new list when
 * absent). */
kad_list *kad_config_list(const kad_config *config, const char *section);
KAD_MUST_USE kad_status kad_config_set_list(kad_ctx *ctx, kad_config *config,
                                            const char *section, int length);
void kad_config_remove_list(kad_config *config, const char *section);

/* Parse YAML text into config->set: a whole document when key is NULL, else the value of
 * that key (an override). */
KAD_MUST_USE kad_status kad_config_parse_text(kad_ctx *ctx, kad_config *config,
                                              const kad_place *place, const char *text,
                                              size_t n_bytes, const char *key);

/* True when the schema has keys below "path." (a section) or "path[]." (a list). */
bool kad_schema_has_prefix(const kad_schema *schema, const char *path, const char *tail);
/* The known key or section nearest to a name (with its indices dropped); NULL when
 * nothing is near. */
/* The name that a key has now. */
const char *kad_schema_current(const kad_schema *schema, const char *name);
const char *kad_schema_nearest(const kad_schema *schema, const char *name);
/* "sample[3].draws" -> "sample[].draws"; false when it does not fit. */
bool kad_key_generic(const char *name, size_t size, char *out);

/* A growing text. */
typedef struct kad_out {
    char *data;
    size_t n, capacity;
    bool failed;
} kad_out;

void kad_out_add(kad_out *text, const char *format, ...) KAD_PRINTF(2, 3);
/* The finished text (from kad_alloc) or NULL after an allocation failure. */
char *kad_out_finish(kad_out *text);

/* Append the value of an entry as YAML text. */
void kad_entry_print(kad_out *out, const kad_entry *entry);

#endif
