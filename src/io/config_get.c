/* Typed getters: none of them changes anything. */
#include "io/config_impl.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const kad_entry *kad_config_in_force(const kad_config *config, const char *key)
{
    const kad_entry *entry = kad_entries_find(&config->set, key);
    if (entry) return entry;
    const kad_key *spec = kad_schema_find(config->schema, key);
    return spec ? kad_entries_find(&config->defaults, spec->key) : NULL;
}

/* Asking for a key that the schema does not have with that type is a programming error.
 */
static const kad_entry *lookup(const kad_config *config, const char *key, unsigned types)
{
    const kad_key *spec = kad_schema_find(config->schema, key);
    assert(spec && (types & 1u << spec->type));
    return spec && (types & 1u << spec->type) ? kad_config_in_force(config, key) : NULL;
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
    const kad_entry *entry = lookup(config, key, 1u << KAD_INT);
    return entry ? entry->ints[0] : 0;
}

double kad_config_real(const kad_config *config, const char *key)
{
    const kad_entry *entry = lookup(config, key, 1u << KAD_REAL);
    return entry ? entry->reals[0] : (double)NAN;
}

bool kad_config_bool(const kad_config *config, const char *key)
{
    const kad_entry *entry = lookup(config, key, 1u << KAD_BOOL);
    return entry && entry->ints[0];
}

const char *kad_config_string(const kad_config *config, const char *key)
{
    const kad_entry *entry =
        lookup(config, key, 1u << KAD_STRING | 1u << KAD_ENUM | 1u << KAD_PATH);
    return entry ? entry->string : NULL;
}

size_t kad_config_ints(const kad_config *config, const char *key, size_t max,
                       int64_t *out)
{
    const kad_entry *entry = lookup(config, key, 1u << KAD_INTS);
    if (!entry) return 0;
    for (size_t i = 0; i < entry->n && i < max; i++)
        out[i] = entry->ints[i];
    return entry->n;
}

size_t kad_config_reals(const kad_config *config, const char *key, size_t max,
                        double *out)
{
    const kad_entry *entry = lookup(config, key, 1u << KAD_REALS);
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
