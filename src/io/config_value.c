/* Values of keys: tokens checked against the schema, and the entries that hold them. */
#include "base/memory.h"
#include "io/config_impl.h"
#include "io/number.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

kad_status kad_config_fail(kad_ctx *ctx, const kad_place *place, const char *key,
                           const char *format, ...)
{
    char text[KAD_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    char line[16] = "";
    if (place->line > 0) snprintf(line, sizeof line, ":%d", place->line);
    return kad_fail(ctx, KAD_ECONFIG, "%s%s: %s%s%s", place->name, line, key,
                    *key ? ": " : "", text);
}

/* A value as quoted in messages, cut to a readable length. */
typedef struct quoted {
    char text[64];
} quoted;

static quoted quote(const kad_token *token)
{
    quoted q;
    int n = snprintf(q.text, sizeof q.text, "\"%s\"", token->text);
    if (n >= (int)sizeof q.text) memcpy(q.text + sizeof q.text - 5, "...\"", 5);
    return q;
}

static const char *type_name(kad_type type)
{
    static const char *const names[] = {
        [KAD_INT] = "an integer",
        [KAD_REAL] = "a finite number",
        [KAD_BOOL] = "true or false",
        [KAD_STRING] = "a text",
        [KAD_PATH] = "the name of a file",
        [KAD_ENUM] = "one of its choices",
        [KAD_INTS] = "a sequence of integers like [16, 16]",
        [KAD_REALS] = "a sequence of finite numbers like [0.5, 1]",
    };
    return names[type];
}

/* What the parse of one value needs. */
typedef struct target {
    kad_ctx *ctx;
    const kad_place *place;
    const char *key;
    const kad_key *spec;
} target;

static kad_status wrong_type(const target *to, const kad_token *token)
{
    quoted q = quote(token);
    kad_type type = to->spec->type;
    if (type == KAD_INTS) type = KAD_INT;
    if (type == KAD_REALS) type = KAD_REAL;
    return kad_config_fail(to->ctx, to->place, to->key, "expected %s, got %s%s",
                           type_name(type), token->plain ? "" : "the quoted text ",
                           q.text);
}

static kad_status check_range(const target *to, double value, const kad_token *token)
{
    const kad_key *spec = to->spec;
    if (spec->lo > spec->hi || (value >= spec->lo && value <= spec->hi)) return KAD_OK;
    char lo[KAD_NUMBER_CHARS], hi[KAD_NUMBER_CHARS];
    kad_format_real(lo, spec->lo);
    kad_format_real(hi, spec->hi);
    quoted q = quote(token);
    if (isinf(spec->hi))
        return kad_config_fail(to->ctx, to->place, to->key, "must be at least %s, got %s",
                               lo, q.text);
    if (isinf(spec->lo))
        return kad_config_fail(to->ctx, to->place, to->key, "must be at most %s, got %s",
                               hi, q.text);
    return kad_config_fail(to->ctx, to->place, to->key,
                           "must lie between %s and %s, got %s", lo, hi, q.text);
}

static kad_status parse_int(const target *to, const kad_token *token, int64_t *out)
{
    if (!token->plain || !kad_parse_int(token->text, out)) return wrong_type(to, token);
    return check_range(to, (double)*out, token);
}

static kad_status parse_real(const target *to, const kad_token *token, double *out)
{
    if (!token->plain || !kad_parse_real(token->text, out)) return wrong_type(to, token);
    return check_range(to, *out, token);
}

static kad_status parse_bool(const target *to, const kad_token *token, int64_t *out)
{
    bool yes = strcmp(token->text, "true") == 0;
    if (!token->plain || (!yes && strcmp(token->text, "false") != 0))
        return wrong_type(to, token);
    *out = yes;
    return KAD_OK;
}

static kad_status parse_text(const target *to, const kad_token *token, char **out)
{
    if (to->spec->type == KAD_ENUM && kad_key_choice_index(to->spec, token->text) < 0) {
        quoted q = quote(token);
        char choices[KAD_CHOICES_CHARS];
        kad_key_choices(to->spec, "|", sizeof choices, choices);
        return kad_config_fail(to->ctx, to->place, to->key, "expected one of %s, got %s",
                               choices, q.text);
    }
    *out = kad_strdup(token->text);
    return *out ? KAD_OK : kad_fail(to->ctx, KAD_ENOMEM, "out of memory");
}

static kad_status parse_numbers(const target *to, size_t n, const kad_token *tokens,
                                kad_entry *entry)
{
    kad_type type = to->spec->type;
    if (type == KAD_REAL || type == KAD_REALS) {
        KAD_CALL(kad_new(to->ctx, n, sizeof *entry->reals, &entry->reals));
        for (size_t i = 0; i < n; i++)
            KAD_CALL(parse_real(to, &tokens[i], &entry->reals[i]));
    } else {
        KAD_CALL(kad_new(to->ctx, n, sizeof *entry->ints, &entry->ints));
        for (size_t i = 0; i < n; i++)
            KAD_CALL(type == KAD_BOOL ? parse_bool(to, &tokens[i], &entry->ints[i])
                                      : parse_int(to, &tokens[i], &entry->ints[i]));
    }
    return KAD_OK;
}

kad_status kad_entry_parse(kad_ctx *ctx, const kad_place *place, const char *key,
                           const kad_key *spec, bool sequence, size_t n,
                           const kad_token *tokens, kad_entry *entry)
{
    target to = {ctx, place, key, spec};
    *entry = (kad_entry){.spec = spec, .n = n};
    bool want_sequence = spec->type == KAD_INTS || spec->type == KAD_REALS;
    if (sequence && !want_sequence)
        return kad_config_fail(ctx, place, key, "expected %s, got a sequence",
                               type_name(spec->type));
    if (!sequence && spec->type == KAD_INTS) {
        quoted q = quote(&tokens[0]);
        return kad_config_fail(ctx, place, key, "expected %s, got %s",
                               type_name(spec->type), q.text);
    }
    kad_status status;
    if (spec->type == KAD_STRING || spec->type == KAD_PATH || spec->type == KAD_ENUM)
        status = parse_text(&to, &tokens[0], &entry->string);
    else
        status = parse_numbers(&to, n, tokens, entry);
    if (status != KAD_OK) kad_entry_clear(entry);
    return status;
}

bool kad_entry_is_choice(const kad_entry *entry)
{
    return kad_key_choice_index(entry->spec, entry->string) >= 0;
}

kad_status kad_entry_rebase(kad_ctx *ctx, const char *name, kad_entry *entry)
{
    const char *slash = strrchr(name, '/');
    if (entry->spec->type != KAD_PATH || slash == NULL || *entry->string == '/' ||
        kad_entry_is_choice(entry))
        return KAD_OK;
    const size_t n = (size_t)(slash - name) + 1, size = n + strlen(entry->string) + 1;
    char *path = NULL;
    const kad_status status = kad_new(ctx, size, 1, &path);
    if (status != KAD_OK) return status;
    snprintf(path, size, "%.*s%s", (int)n, name, entry->string);
    kad_free(entry->string);
    entry->string = path;
    return KAD_OK;
}

void kad_entry_clear(kad_entry *entry)
{
    kad_free(entry->key);
    kad_free(entry->ints);
    kad_free(entry->reals);
    kad_free(entry->string);
    *entry = (kad_entry){0};
}

/* ---- sets of entries ---- */

kad_entry *kad_entries_find(const kad_entries *entries, const char *key)
{
    for (size_t i = 0; i < entries->n; i++)
        if (strcmp(entries->items[i].key, key) == 0) return &entries->items[i];
    return NULL;
}

static kad_status grow(kad_ctx *ctx, kad_entries *entries)
{
    if (entries->n < entries->capacity) return KAD_OK;
    size_t capacity = entries->capacity ? 2 * entries->capacity : 64;
    kad_entry *items;
    kad_status status = kad_new(ctx, capacity, sizeof *items, &items);
    if (status != KAD_OK) return status;
    if (entries->n) memcpy(items, entries->items, entries->n * sizeof *items);
    kad_free(entries->items);
    entries->items = items;
    entries->capacity = capacity;
    return KAD_OK;
}

kad_status kad_entries_put(kad_ctx *ctx, kad_entries *entries, const char *key,
                           kad_entry *entry)
{
    kad_status status = grow(ctx, entries);
    if (status == KAD_OK && (entry->key = kad_strdup(key)) == NULL)
        status = kad_fail(ctx, KAD_ENOMEM, "out of memory");
    if (status != KAD_OK) {
        kad_entry_clear(entry);
        return status;
    }
    kad_entry *slot = kad_entries_find(entries, key);
    if (slot)
        kad_entry_clear(slot);
    else
        slot = &entries->items[entries->n++];
    *slot = *entry;
    return KAD_OK;
}

static void remove_where(kad_entries *entries, const char *text, bool prefix)
{
    size_t kept = 0, n = strlen(text);
    for (size_t i = 0; i < entries->n; i++) {
        kad_entry *entry = &entries->items[i];
        if (prefix ? strncmp(entry->key, text, n) == 0 : strcmp(entry->key, text) == 0)
            kad_entry_clear(entry);
        else
            entries->items[kept++] = *entry;
    }
    entries->n = kept;
}

void kad_entries_remove(kad_entries *entries, const char *key)
{
    remove_where(entries, key, false);
}

void kad_entries_remove_prefix(kad_entries *entries, const char *prefix)
{
    remove_where(entries, prefix, true);
}

void kad_entries_clear(kad_entries *entries)
{
    for (size_t i = 0; i < entries->n; i++)
        kad_entry_clear(&entries->items[i]);
    kad_free(entries->items);
    *entries = (kad_entries){0};
}
