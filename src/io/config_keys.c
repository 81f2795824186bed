/* Members of structs of options by the rows of their tables: written from a configuration
 * or from the rows' own defaults, and read back. */
#include "io/keys.h"

#include "io/config_impl.h"
#include "io/number.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

size_t kad_reals_count(const kad_reals *list, double most)
{
    const double n = list->value[0];
    return list->n == 1 && n >= 2 && n <= most && n == floor(n) ? (size_t)n : 0;
}

const char *kad_key_choice(const kad_key *key, size_t i, size_t *n)
{
    const char *at = key->choices;
    if (key->member.names) {
        at = key->member.names(i);
        *n = at ? strlen(at) : 0;
        return at;
    }
    for (; at && i > 0; i--) {
        at += strcspn(at, "|");
        at = *at ? at + 1 : NULL;
    }
    *n = at ? strcspn(at, "|") : 0;
    return at;
}

int kad_key_choice_index(const kad_key *key, const char *word)
{
    const size_t length = strlen(word);
    size_t n;
    const char *at;
    for (size_t i = 0; (at = kad_key_choice(key, i, &n)) != NULL; i++)
        if (n == length && n > 0 && memcmp(at, word, n) == 0) return (int)i;
    return -1;
}

void kad_key_choices(const kad_key *key, const char *between, size_t size, char *out)
{
    size_t n, used = 0;
    const char *at;
    if (size > 0) *out = 0;
    for (size_t i = 0; (at = kad_key_choice(key, i, &n)) != NULL && used < size; i++) {
        const int more =
            snprintf(out + used, size - used, "%s%.*s", i > 0 ? between : "", (int)n, at);
        if (more < 0) return;
        used += (size_t)more;
    }
}

/* --- one member ---------------------------------------------------------------------- */

static void put(const kad_key *key, void *options, const void *value, size_t size)
{
    memcpy((char *)options + key->member.offset, value, size);
}

static void get(const kad_key *key, const void *options, void *value, size_t size)
{
    memcpy(value, (const char *)options + key->member.offset, size);
}

static void put_int(const kad_key *key, void *options, int64_t value)
{
    const int narrow = (int)value;
    if (key->member.kind == KAD_MEMBER_INT64) {
        put(key, options, &value, sizeof value);
        return;
    }
    assert(narrow == value); /* the row's range fits its member */
    put(key, options, &narrow, sizeof narrow);
}

static int64_t get_int(const kad_key *key, const void *options)
{
    int64_t wide = 0;
    int narrow = 0;
    if (key->member.kind == KAD_MEMBER_INT64)
        get(key, options, &wide, sizeof wide);
    else
        get(key, options, &narrow, sizeof narrow);
    return key->member.kind == KAD_MEMBER_INT64 ? wide : narrow;
}

static void put_text(const kad_key *key, void *options, const char *text)
{
    const int choice = text ? kad_key_choice_index(key, text) : -1;
    const unsigned number = choice < 0 ? 0 : key->member.first + (unsigned)choice;
    if (key->member.kind == KAD_MEMBER_ENUM)
        put(key, options, &number, sizeof number);
    else
        put(key, options, &text, sizeof text);
}

static void put_number(const kad_key *key, void *options, size_t i, int64_t whole,
                       double real)
{
    char *to = (char *)options + key->member.offset;
    const int narrow = (int)whole;
    if (i >= KAD_SEQUENCE_MAX) return;
    if (key->member.kind == KAD_MEMBER_INTS)
        memcpy(to + offsetof(kad_ints, value) + i * sizeof narrow, &narrow,
               sizeof narrow);
    else
        memcpy(to + offsetof(kad_reals, value) + i * sizeof real, &real, sizeof real);
}

static void put_length(const kad_key *key, void *options, size_t n)
{
    const kad_ints ints = {.n = n};
    const kad_reals reals = {.n = n};
    if (key->member.kind == KAD_MEMBER_INTS)
        put(key, options, &ints, sizeof ints);
    else
        put(key, options, &reals, sizeof reals);
}

/* --- defaults ------------------------------------------------------------------------ */

static int64_t unset_int(const kad_key *key)
{
    return key->lo > key->hi ? 0 : (int64_t)key->lo - 1;
}

static void put_unset(const kad_key *key, void *options)
{
    const double nan = (double)NAN;
    const bool no = false;
    switch (key->type) {
    case KAD_INT:
        put_int(key, options, unset_int(key));
        return;
    case KAD_REAL:
        put(key, options, &nan, sizeof nan);
        return;
    case KAD_BOOL:
        put(key, options, &no, sizeof no);
        return;
    case KAD_STRING:
    case KAD_PATH:
    case KAD_ENUM:
        put_text(key, options, NULL);
        return;
    case KAD_INTS:
    case KAD_REALS:
        put_length(key, options, 0);
        return;
    }
}

/* "[0.25, 0.5]" */
static void put_default_sequence(const kad_key *key, void *options)
{
    double values[KAD_SEQUENCE_MAX];
    size_t n = 0;
    for (const char *c = key->def + strspn(key->def, "[ "); *c && *c != ']';) {
        char number[KAD_NUMBER_CHARS];
        const size_t length = strcspn(c, ",] ");
        assert(n < KAD_SEQUENCE_MAX && length < sizeof number);
        memcpy(number, c, length);
        number[length] = 0;
        const bool is_number = kad_parse_real(number, &values[n++]);
        assert(is_number);
        (void)is_number;
        c += length + strspn(c + length, ", ");
    }
    put_length(key, options, n);
    for (size_t i = 0; i < n; i++)
        put_number(key, options, i, (int64_t)values[i], values[i]);
}

static void put_default(const kad_key *key, void *options)
{
    int64_t whole = 0;
    double real = 0;
    bool good = true;
    const bool yes = key->def && strcmp(key->def, "true") == 0;
    if (!key->def) {
        put_unset(key, options);
        return;
    }
    switch (key->type) {
    case KAD_INT:
        good = kad_parse_int(key->def, &whole);
        put_int(key, options, whole);
        break;
    case KAD_REAL:
        good = kad_parse_real(key->def, &real);
        put(key, options, &real, sizeof real);
        break;
    case KAD_BOOL:
        put(key, options, &yes, sizeof yes);
        break;
    case KAD_STRING:
    case KAD_PATH:
    case KAD_ENUM:
        put_text(key, options, key->def);
        break;
    case KAD_INTS:
    case KAD_REALS:
        put_default_sequence(key, options);
        break;
    }
    assert(good); /* a row's default is of its type */
    (void)good;
}

void kad_keys_default(const kad_key *keys, size_t n, void *options)
{
    for (size_t i = 0; i < n; i++)
        if (keys[i].member.kind != KAD_MEMBER_NONE) put_default(&keys[i], options);
}

void kad_keys_copy(const kad_key *keys, size_t n, const void *options, size_t size,
                   void *out)
{
    if (options)
        memcpy(out, options, size);
    else
        kad_keys_default(keys, n, out);
}

/* --- from and to a configuration ----------------------------------------------------- */

static void put_entry(const kad_key *key, void *options, const kad_entry *entry)
{
    const bool yes = entry->ints && entry->ints[0];
    switch (key->type) {
    case KAD_INT:
        put_int(key, options, entry->ints[0]);
        return;
    case KAD_REAL:
        put(key, options, entry->reals, sizeof *entry->reals);
        return;
    case KAD_BOOL:
        put(key, options, &yes, sizeof yes);
        return;
    case KAD_STRING:
    case KAD_PATH:
    case KAD_ENUM:
        put_text(key, options, entry->string);
        return;
    case KAD_INTS:
    case KAD_REALS:
        put_length(key, options, entry->n);
        for (size_t i = 0; i < entry->n; i++)
            put_number(key, options, i, entry->ints ? entry->ints[i] : 0,
                       entry->reals ? entry->reals[i] : 0);
        return;
    }
}

/* "sample[].draws" of entry 3: "sample[3].draws". */
static void name_of(const kad_key *key, int index, char name[KAD_CONFIG_MAX_KEY])
{
    const char *open = strstr(key->key, "[]");
    const int n = open ? (int)(open - key->key) : 0;
    if (open)
        snprintf(name, KAD_CONFIG_MAX_KEY, "%.*s[%d]%s", n, key->key, index, open + 2);
    else
        snprintf(name, KAD_CONFIG_MAX_KEY, "%s", key->key);
}

void kad_config_fill(const kad_config *config, const kad_key *keys, size_t n, int index,
                     void *options)
{
    char name[KAD_CONFIG_MAX_KEY];
    kad_keys_default(keys, n, options);
    for (size_t i = 0; i < n; i++) {
        if (keys[i].member.kind == KAD_MEMBER_NONE) continue;
        name_of(&keys[i], index, name);
        const kad_entry *entry = kad_config_in_force(config, name);
        if (entry) put_entry(&keys[i], options, entry);
    }
}

kad_status kad_config_resolve_from(kad_ctx *ctx, kad_config *config, const kad_key *keys,
                                   size_t n, const void *options)
{
    for (size_t i = 0; i < n; i++) {
        const kad_key *key = &keys[i];
        size_t length = 0;
        if (!kad_key_is_set(key, options) || kad_config_in_force(config, key->key))
            continue;
        const char *text = kad_key_text(key, options, &length);
        char word[KAD_CONFIG_MAX_KEY];
        snprintf(word, sizeof word, "%.*s", (int)length, text ? text : "");
        if (key->type == KAD_BOOL)
            text = strcpy(word, kad_key_number(key, options) != 0 ? "true" : "false");
        if (text)
            KAD_CALL(kad_config_resolve(ctx, config, key->key, word));
        else
            KAD_CALL(kad_config_resolve_real(ctx, config, key->key,
                                             kad_key_number(key, options)));
    }
    return KAD_OK;
}

/* --- reading ------------------------------------------------------------------------- */

bool kad_key_is_set(const kad_key *key, const void *options)
{
    size_t n = 0;
    switch (key->member.kind) {
    case KAD_MEMBER_NONE:
        return false;
    case KAD_MEMBER_INT32:
    case KAD_MEMBER_INT64:
        return key->lo > key->hi || get_int(key, options) != unset_int(key);
    case KAD_MEMBER_REAL:
        return !isnan(kad_key_number(key, options));
    case KAD_MEMBER_BOOL:
        return true;
    case KAD_MEMBER_TEXT:
    case KAD_MEMBER_ENUM:
        return kad_key_text(key, options, &n) != NULL;
    case KAD_MEMBER_INTS:
    case KAD_MEMBER_REALS:
        get(key, options, &n, sizeof n);
        return n > 0;
    }
    return false;
}

double kad_key_number(const kad_key *key, const void *options)
{
    double real = (double)NAN;
    bool yes = false;
    if (key->type == KAD_INT) return (double)get_int(key, options);
    if (key->type == KAD_BOOL) get(key, options, &yes, sizeof yes);
    if (key->type == KAD_BOOL) return yes;
    if (key->type == KAD_REAL) get(key, options, &real, sizeof real);
    return real;
}

const double *kad_key_reals(const kad_key *key, const void *options, size_t *n)
{
    *n = 0;
    if (key->member.kind != KAD_MEMBER_REALS) return NULL;
    const kad_reals *reals = (const void *)((const char *)options + key->member.offset);
    *n = reals->n < KAD_SEQUENCE_MAX ? reals->n : KAD_SEQUENCE_MAX;
    return reals->value;
}

const char *kad_key_text(const kad_key *key, const void *options, size_t *n)
{
    const char *text = NULL;
    unsigned number = 0;
    *n = 0;
    if (key->member.kind == KAD_MEMBER_TEXT) {
        get(key, options, &text, sizeof text);
        *n = text ? strlen(text) : 0;
    }
    if (key->member.kind == KAD_MEMBER_ENUM) {
        get(key, options, &number, sizeof number);
        if (number >= key->member.first)
            text = kad_key_choice(key, number - key->member.first, n);
    }
    return text;
}

static bool same_numbers(const kad_key *key, const void *a, const void *b)
{
    size_t n, m;
    get(key, a, &n, sizeof n);
    get(key, b, &m, sizeof m);
    if (n != m) return false;
    for (size_t i = 0; i < n && i < KAD_SEQUENCE_MAX; i++) {
        const bool reals = key->member.kind == KAD_MEMBER_REALS;
        const void *at[2] = {(const char *)a + key->member.offset,
                             (const char *)b + key->member.offset};
        if (reals ? ((const kad_reals *)at[0])->value[i] !=
                        ((const kad_reals *)at[1])->value[i]
                  : ((const kad_ints *)at[0])->value[i] !=
                        ((const kad_ints *)at[1])->value[i])
            return false;
    }
    return true;
}

bool kad_key_same(const kad_key *key, const void *a, const void *b)
{
    size_t n, m;
    switch (key->member.kind) {
    case KAD_MEMBER_NONE:
        return false;
    case KAD_MEMBER_INT32:
    case KAD_MEMBER_INT64:
        return get_int(key, a) == get_int(key, b);
    case KAD_MEMBER_REAL:
    case KAD_MEMBER_BOOL: {
        const double x = kad_key_number(key, a), y = kad_key_number(key, b);
        return x == y || (isnan(x) && isnan(y));
    }
    case KAD_MEMBER_TEXT:
    case KAD_MEMBER_ENUM: {
        const char *x = kad_key_text(key, a, &n), *y = kad_key_text(key, b, &m);
        return x == NULL || y == NULL ? x == y : n == m && memcmp(x, y, n) == 0;
    }
    case KAD_MEMBER_INTS:
    case KAD_MEMBER_REALS:
        return same_numbers(key, a, b);
    }
    return false;
}
