/* Which keys have an effect, from the schema's rules and the values in force alone: what
 * the code happens to read has no part in it. */
#include "io/config_impl.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Neither absent nor empty, zero or false. */
static bool is_something(const kad_entry *entry)
{
    if (!entry) return false;
    switch (entry->spec->type) {
    case KAD_STRING:
    case KAD_ENUM:
    case KAD_PATH:
        return entry->string[0] != 0;
    case KAD_INT:
    case KAD_BOOL:
        return entry->ints[0] != 0;
    case KAD_REAL:
        return entry->reals[0] != 0;
    case KAD_INTS:
    case KAD_REALS:
        break;
    }
    return entry->n > 0;
}

enum { DIGITS = 24 };

/* The value as a word of a condition: "conditional", "true", "2". */
static const char *word_of(const kad_entry *entry, char number[DIGITS])
{
    if (!entry) return "unset";
    if (entry->string) return entry->string;
    if (entry->spec->type == KAD_BOOL) return entry->ints[0] ? "true" : "false";
    if (entry->spec->type != KAD_INT) return is_something(entry) ? "set" : "0";
    snprintf(number, DIGITS, "%lld", (long long)entry->ints[0]);
    return number;
}

/* One condition of a rule: "key=a|b" or "key". */
typedef struct condition {
    char key[KAD_CONFIG_MAX_KEY];
    const char *words; /* "a|b", n_words characters; NULL: any value but nothing */
    size_t n_words;
} condition;

static condition read_condition(const char *text, size_t n)
{
    condition c = {.words = memchr(text, '=', n)};
    const size_t n_key = c.words ? (size_t)(c.words - text) : n;
    assert(n_key < sizeof c.key);
    snprintf(c.key, sizeof c.key, "%.*s", (int)n_key, text);
    if (c.words) c.n_words = n - n_key - 1;
    if (c.words) c.words++;
    return c;
}

static bool is_one_of(const condition *c, const char *word)
{
    const size_t n = strlen(word);
    for (const char *at = c->words, *end = at + c->n_words; at < end;) {
        const char *bar = memchr(at, '|', (size_t)(end - at));
        const size_t length = (size_t)((bar ? bar : end) - at);
        if (length == n && memcmp(at, word, n) == 0) return true;
        at += length + 1;
    }
    return false;
}

/* A key that does not apply itself fulfils no condition. */
static bool is_met(const kad_config *config, const condition *c)
{
    const kad_entry *entry = kad_config_in_force(config, c->key);
    char number[DIGITS];
    if (!kad_config_applies(config, c->key)) return false;
    return c->words ? is_one_of(c, word_of(entry, number)) : is_something(entry);
}

/* The first condition of "a or b & c" that fails: of alternatives, the first. */
static bool all_met(const kad_config *config, const char *rule, condition *failed)
{
    while (*rule) {
        const char *and = strstr(rule, " & ");
        const size_t n = and? (size_t)(and-rule) : strlen(rule);
        bool met = false;
        for (size_t at = 0; at < n && !met;) {
            const char * or = strstr(rule + at, " or ");
            const size_t end = or && or < rule + n ? (size_t)(or -rule) : n;
            const condition c = read_condition(rule + at, end - at);
            met = is_met(config, &c);
            if (at == 0) *failed = c;
            at = end + strlen(" or ");
        }
        if (!met) return false;
        rule += and? n + strlen(" & ") : n;
    }
    return true;
}

/* The rule of a key; "" when it always applies. */
static const char *rule_of(const kad_schema *schema, const char *key)
{
    for (int t = 0; t < schema->n_rules; t++)
        for (size_t i = 0; i < schema->rules_n[t]; i++) {
            const kad_rule *rule = &schema->rules[t][i];
            if (strncmp(key, rule->prefix, strlen(rule->prefix)) == 0)
                return rule->only_if ? rule->only_if : "";
        }
    return "";
}

static bool has_key(const kad_schema *schema, int table, const char *key)
{
    for (size_t i = 0; i < schema->n_keys[table]; i++)
        if (strcmp(schema->table[table][i].key, key) == 0) return true;
    return false;
}

/* A key of tables that belong to a name (actions): one of them must be the name's. */
static bool owner_met(const kad_config *config, const char *key, condition *failed)
{
    const kad_schema *schema = config->schema;
    bool owned = false;
    for (int t = 0; t < schema->n_tables; t++) {
        if (!has_key(schema, t, key)) continue;
        const kad_owner *owner = &schema->owner[t];
        if (!owner->key) return true;
        const condition c = {.words = owner->name, .n_words = strlen(owner->name)};
        char number[DIGITS];
        if (is_one_of(&c, word_of(kad_config_in_force(config, owner->key), number)))
            return true;
        snprintf(failed->key, sizeof failed->key, "%s", owner->key);
        owned = true;
    }
    return !owned;
}

static bool holds(const kad_config *config, const char *key, condition *failed)
{
    char generic[KAD_CONFIG_MAX_KEY];
    if (!kad_key_generic(key, sizeof generic, generic)) return false;
    return owner_met(config, generic, failed) &&
           all_met(config, rule_of(config->schema, generic), failed);
}

bool kad_config_applies(const kad_config *config, const char *key)
{
    condition failed;
    return holds(config, key, &failed);
}

void kad_config_decider(const kad_config *config, const char *key, size_t size, char *out)
{
    condition failed = {.key = ""};
    char number[DIGITS];
    if (holds(config, key, &failed)) {
        snprintf(out, size, "%s", "");
        return;
    }
    while (!kad_config_applies(config, failed.key)) {
        const condition inner = failed;
        holds(config, inner.key, &failed);
    }
    const kad_entry *entry = kad_config_in_force(config, failed.key);
    snprintf(out, size, "%s %s", failed.key, word_of(entry, number));
}

const char *kad_config_unused(const kad_config *config)
{
    for (size_t i = 0; i < config->set.n; i++) {
        const kad_entry *entry = &config->set.items[i];
        if (!entry->chosen && !kad_config_applies(config, entry->key)) return entry->key;
    }
    return NULL;
}

typedef struct name_list {
    const kad_config *config;
    const char *prefix;
    size_t size, n;
    char *out;
} name_list;

static void add_name(void *self, const kad_key *key)
{
    name_list *list = self;
    const size_t length = strlen(list->prefix);
    if (strncmp(key->key, list->prefix, length) != 0 || list->n >= list->size) return;
    if (!kad_config_in_force(list->config, key->key) ||
        !kad_config_applies(list->config, key->key))
        return;
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
    kad_schema_each(config->schema, add_name, &list);
}
