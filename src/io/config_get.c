/* Typed getters. */
#include "io/config_impl.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The value in force, NULL when unset without default. Asking for a key that the schema
 * does not have with that type is a programming error. */
static const kad_entry *lookup(const kad_config *config, const char *key, kad_type type,
                               kad_type other)
{
    const kad_key *spec = kad_schema_find(config->schema, key);
    assert(spec && (spec->type == type || spec->type == other));
    if (!spec || (spec->type != type && spec->type != other)) return NULL;
    kad_entry *entry = kad_entries_find(&config->set, key);
    if (!entry) entry = kad_entries_find(&config->defaults, spec->key);
    if (entry) entry->used = true;
    return entry;
}

bool kad_config_is_set(const kad_config *config, const char *key)
{
    return kad_entries_find(&config->set, key) || kad_config_list(config, key);
}

bool kad_config_is_given(const kad_config *config, const char *key)
{
    const kad_entry *entry = kad_entries_find(&config->set, key);
    return entry ? !entry->chosen : kad_config_list(config, key) != NULL;
}

int64_t kad_config_int(const kad_config *config, const char *key)
{
    const kad_entry *entry = lookup(config, key, KAD_INT, KAD_INT);
    return entry ? entry->ints[0] : 0;
}

double kad_config_real(const kad_config *config, const char *key)
{
    const kad_entry *entry = lookup(config, key, KAD_REAL, KAD_REAL);
    return entry ? entry->reals[0] : (double)NAN;
}

bool kad_config_bool(const kad_config *config, const char *key)
{
    const kad_entry *entry = lookup(config, key, KAD_BOOL, KAD_BOOL);
    return entry && entry->ints[0];
}

const char *kad_config_string(const kad_config *config, const char *key)
{
    const kad_entry *entry = lookup(config, key, KAD_STRING, KAD_ENUM);
    return entry ? entry->string : NULL;
}

size_t kad_config_ints(const kad_config *config, const char *key, size_t max,
                       int64_t *out)
{
    const kad_entry *entry = lookup(config, key, KAD_INTS, KAD_INTS);
    if (!entry) return 0;
    for (size_t i = 0; i < entry->n && i < max; i++)
        out[i] = entry->ints[i];
    return entry->n;
}

size_t kad_config_reals(const kad_config *config, const char *key, size_t max,
                        double *out)
{
    const kad_entry *entry = lookup(config, key, KAD_REALS, KAD_REALS);
    if (!entry) return 0;
    for (size_t i = 0; i < entry->n && i < max; i++)
        out[i] = entry->reals[i];
    return entry->n;
}

int kad_config_list_length(const kad_config *config, const char *section)
{
    const kad_list *list = kad_config_list(config, section);
    return list ? list->length : 0;
}

const char *kad_config_text(const kad_config *config)
{
    return config->text;
}

const char *kad_config_unused(const kad_config *config, const char *prefix)
{
    for (size_t i = 0; i < config->set.n; i++) {
        const kad_entry *entry = &config->set.items[i];
        if (!entry->used && !entry->chosen &&
            strncmp(entry->key, prefix, strlen(prefix)) == 0)
            return entry->key;
    }
    return NULL;
}

typedef struct name_list {
    const kad_config *config;
    const char *prefix;
    size_t size, n;
    char *out;
} name_list;

static void add_used(void *self, const kad_key *key)
{
    name_list *list = self;
    const size_t length = strlen(list->prefix);
    const kad_entry *entry = kad_entries_find(&list->config->set, key->key);
    if (!entry) entry = kad_entries_find(&list->config->defaults, key->key);
    if (!entry || !entry->used || strncmp(key->key, list->prefix, length) != 0) return;
    if (list->n >= list->size) return;
    const int n = snprintf(list->out + list->n, list->size - list->n, "%s%s",
                           list->n > 0 ? ", " : "", key->key + length);
    list->n += n > 0 ? (size_t)n : 0;
    if (list->n >= list->size) memcpy(list->out + list->size - 4, "...", 4);
}

void kad_config_used_names(const kad_config *config, const char *prefix, size_t size,
                           char *out)
{
    name_list list = {config, prefix, size, 0, out};
    out[0] = '\0';
    kad_schema_each(config->schema, add_used, &list);
}
