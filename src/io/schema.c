/* The schema: joined tables of keys, look-up and the nearest known key. */
#include "base/nearest.h"
#include "io/config_impl.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

/* Where the key of a generic name is, or has its place. */
static size_t slot_of(const kad_schema *schema, const char *generic)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (const char *c = generic; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 16777619u;
    size_t i = hash & (KAD_SCHEMA_SLOTS - 1);
    while (schema->slot[i] && strcmp(schema->slot[i]->key, generic) != 0)
        i = (i + 1) & (KAD_SCHEMA_SLOTS - 1);
    return i;
}

void kad_schema_add(kad_schema *schema, const kad_key *table, size_t n_keys)
{
    kad_schema_add_for(schema, table, n_keys, NULL, NULL);
}

void kad_schema_add_for(kad_schema *schema, const kad_key *table, size_t n_keys,
                        const char *key, const char *name)
{
    int own = 0; /* two samplers may share a table, or one its first rows */
    while (own < schema->n_tables && schema->table[own] != table)
        own++;
    assert(own < KAD_SCHEMA_TABLES);
    if (own >= KAD_SCHEMA_TABLES) return;
    if (own < schema->n_tables && schema->n_keys[own] >= n_keys) return;
    schema->table[own] = table;
    schema->n_keys[own] = n_keys;
    schema->owner[own] = (kad_owner){key, name};
    if (own == schema->n_tables) schema->n_tables++;
    size_t n = 0;
    for (int t = 0; t < schema->n_tables; t++)
        n += schema->n_keys[t];
    assert(2 * n < KAD_SCHEMA_SLOTS);
    if (2 * n >= KAD_SCHEMA_SLOTS) return;
    for (size_t i = 0; i < n_keys; i++) {
        const size_t at = slot_of(schema, table[i].key);
        if (!schema->slot[at]) schema->slot[at] = &table[i];
    }
}

void kad_schema_add_rules(kad_schema *schema, const kad_rule *rules, size_t n)
{
    assert(schema->n_rules < KAD_SCHEMA_RULES);
    if (schema->n_rules >= KAD_SCHEMA_RULES) return;
    schema->rules[schema->n_rules] = rules;
    schema->rules_n[schema->n_rules] = n;
    schema->n_rules++;
}

void kad_schema_add_renamed(kad_schema *schema, const kad_renamed *renamed, size_t n)
{
    assert(schema->renamed == NULL);
    schema->renamed = renamed;
    schema->n_renamed = n;
}

const char *kad_schema_current(const kad_schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->n_renamed; i++)
        if (strcmp(schema->renamed[i].was, name) == 0) return schema->renamed[i].now;
    return name;
}

bool kad_key_generic(const char *name, size_t size, char *out)
{
    size_t n = 0;
    for (const char *c = name; *c; c++) {
        if (n + 2 >= size) return false;
        out[n++] = *c;
        if (*c != '[') continue;
        while (c[1] >= '0' && c[1] <= '9')
            c++;
    }
    out[n] = 0;
    return true;
}

const kad_key *kad_schema_find(const kad_schema *schema, const char *name)
{
    char generic[KAD_CONFIG_MAX_KEY];
    if (!kad_key_generic(name, sizeof generic, generic)) return NULL;
    return schema->slot[slot_of(schema, generic)];
}

void kad_schema_each(const kad_schema *schema, kad_key_visitor *visit, void *self)
{
    for (int t = 0; t < schema->n_tables; t++)
        for (size_t i = 0; i < schema->n_keys[t]; i++) {
            const kad_key *key = &schema->table[t][i];
            if (schema->slot[slot_of(schema, key->key)] == key) visit(self, key);
        }
}

bool kad_schema_has_prefix(const kad_schema *schema, const char *path, const char *tail)
{
    char generic[KAD_CONFIG_MAX_KEY];
    if (!kad_key_generic(path, sizeof generic, generic)) return false;
    size_t n = strlen(generic), m = strlen(tail);
    for (int t = 0; t < schema->n_tables; t++)
        for (size_t i = 0; i < schema->n_keys[t]; i++) {
            const char *key = schema->table[t][i].key;
            if (strncmp(key, generic, n) == 0 && strncmp(key + n, tail, m) == 0)
                return true;
        }
    return false;
}

const char *kad_key_last_name(const char *key)
{
    const char *dot = strrchr(key, '.');
    return dot ? dot + 1 : key;
}

static bool same_section(const char *a, const char *b)
{
    const size_t n = strcspn(a, ".["), m = strcspn(b, ".[");
    return n == m && strncmp(a, b, n) == 0;
}

typedef struct nearest {
    const char *name; /* generic */
    const char *best;
    size_t distance;
} nearest;

static void consider(void *self, const kad_key *key)
{
    nearest *search = self;
    if (strlen(key->key) >= KAD_CONFIG_MAX_KEY) return;
    size_t d = kad_word_distance(search->name, key->key);
    /* the right name in the wrong section counts as near, nearer in the right section:
     * sample.draws is meant as sample[0].draws */
    if (strcmp(kad_key_last_name(search->name), kad_key_last_name(key->key)) == 0 &&
        d > 1)
        d = same_section(search->name, key->key) ? 0 : 1;
    if (d < search->distance) {
        search->distance = d;
        search->best = key->key;
    }
}

const char *kad_schema_nearest(const kad_schema *schema, const char *name)
{
    char generic[KAD_CONFIG_MAX_KEY];
    if (!kad_key_generic(name, sizeof generic, generic)) return NULL;
    nearest search = {generic, NULL, strlen(generic) / 2 + 2};
    kad_schema_each(schema, consider, &search);
    return search.best;
}
