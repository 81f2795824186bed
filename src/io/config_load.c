/* Life of a configuration: parse, load, copy, override, resolve. */
#include "base/memory.h"
#include "io/config_impl.h"
#include "io/file.h"
#include "io/number.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

kad_list *kad_config_list(const kad_config *config, const char *section)
{
    for (size_t i = 0; i < config->n_lists; i++)
        if (strcmp(config->lists[i].section, section) == 0) return &config->lists[i];
    return NULL;
}

kad_status kad_config_set_list(kad_ctx *ctx, kad_config *config, const char *section,
                               int length)
{
    kad_list *list = kad_config_list(config, section), *lists;
    if (list) {
        list->length = length;
        return KAD_OK;
    }
    KAD_CALL(kad_new(ctx, config->n_lists + 1, sizeof *lists, &lists));
    if (config->n_lists) memcpy(lists, config->lists, config->n_lists * sizeof *lists);
    char *name = kad_strdup(section);
    if (!name) {
        kad_free(lists);
        return kad_fail(ctx, KAD_ENOMEM, "out of memory");
    }
    lists[config->n_lists] = (kad_list){name, length};
    kad_free(config->lists);
    config->lists = lists;
    config->n_lists++;
    return KAD_OK;
}

void kad_config_remove_list(kad_config *config, const char *section)
{
    kad_list *list = kad_config_list(config, section);
    if (!list) return;
    kad_free(list->section);
    *list = config->lists[--config->n_lists];
}

/* ---- defaults ---- */

typedef struct default_visit {
    kad_ctx *ctx;
    kad_config *scratch; /* collects the defaults in its `set` */
    kad_status status;
} default_visit;

static void add_default(void *self, const kad_key *key)
{
    default_visit *visit = self;
    if (!key->def || visit->status != KAD_OK) return;
    kad_place place = {"default in the program", 0};
    kad_status status;
    if (key->type == KAD_INTS || key->type == KAD_REALS) {
        status = kad_config_parse_text(visit->ctx, visit->scratch, &place, key->def,
                                       strlen(key->def), key->key);
    } else {
        kad_entry entry;
        kad_token token = {key->def, true};
        status =
            kad_entry_parse(visit->ctx, &place, key->key, key, false, 1, &token, &entry);
        if (status == KAD_OK)
            status = kad_entries_put(visit->ctx, &visit->scratch->set, key->key, &entry);
    }
    visit->status = status;
}

static kad_status make_defaults(kad_ctx *ctx, kad_config *config)
{
    kad_config scratch = {.schema = config->schema};
    default_visit visit = {ctx, &scratch, KAD_OK};
    kad_schema_each(config->schema, add_default, &visit);
    config->defaults = scratch.set;
    return visit.status;
}

/* ---- overrides ---- */

/* In "sample[3].draws" the list must have an entry 3 or end just before it. */
static kad_status check_index(kad_ctx *ctx, kad_config *config, const kad_place *place,
                              const char *key)
{
    const char *open = strchr(key, '[');
    if (!open) return KAD_OK;
    char section[KAD_CONFIG_MAX_KEY];
    size_t n = (size_t)(open - key);
    if (n >= sizeof section) n = sizeof section - 1;
    memcpy(section, key, n);
    section[n] = 0;
    size_t n_digits = strspn(open + 1, "0123456789");
    const char *close = open + 1 + n_digits;
    bool leading_zero = n_digits > 1 && open[1] == '0';
    if (n_digits < 1 || n_digits > 3 || leading_zero || *close != ']' ||
        strchr(close, '[') || !kad_schema_has_prefix(config->schema, section, "[]."))
        return kad_config_fail(ctx, place, key, "unknown key");
    int index = 0;
    for (const char *c = open + 1; c < close; c++)
        index = 10 * index + (*c - '0');
    int length = kad_config_list_length(config, section);
    if (index > length || index >= KAD_CONFIG_MAX_LIST)
        return kad_config_fail(ctx, place, key, "%s has %d entries", section, length);
    if (index < length) return KAD_OK;
    return kad_config_set_list(ctx, config, section, length + 1);
}

static kad_status override(kad_ctx *ctx, kad_config *config, const char *text)
{
    kad_place place = {"command line", 0};
    const char *equals = strchr(text, '=');
    size_t n = equals ? (size_t)(equals - text) : 0;
    char key[KAD_CONFIG_MAX_KEY];
    if (n == 0 || n >= sizeof key)
        return kad_config_fail(ctx, &place, "", "expected section.key=value, got \"%s\"",
                               text);
    memcpy(key, text, n);
    key[n] = 0;
    kad_status status = check_index(ctx, config, &place, key);
    if (status != KAD_OK) return status;
    const kad_key *spec = kad_schema_find(config->schema, key);
    if (spec && spec->type == KAD_PATH) { /* the text's digest is of the text's file */
        char digest[KAD_CONFIG_MAX_KEY + 8];
        snprintf(digest, sizeof digest, "%s_sha256", key);
        kad_entries_remove(&config->set, digest);
    }
    place.line = -1; /* the value has lines of its own; they say nothing */
    return kad_config_parse_text(ctx, config, &place, equals + 1, strlen(equals + 1),
                                 key);
}

static kad_status apply(kad_ctx *ctx, kad_config *config, int n, const char *const *texts)
{
    for (int i = 0; i < n; i++) {
        kad_status status = override(ctx, config, texts[i]);
        if (status != KAD_OK) return status;
    }
    return KAD_OK;
}

kad_status kad_config_resolve(kad_ctx *ctx, kad_config *config, const char *key,
                              const char *value)
{
    if (kad_config_is_set(config, key)) return KAD_OK;
    kad_place place = {"chosen by the program", -1};
    kad_status status =
        kad_config_parse_text(ctx, config, &place, value, strlen(value), key);
    kad_entry *entry = kad_entries_find(&config->set, key);
    if (entry) entry->chosen = true;
    return status;
}

kad_status kad_config_resolve_real(kad_ctx *ctx, kad_config *config, const char *key,
                                   double value)
{
    char text[KAD_NUMBER_CHARS];
    return kad_config_resolve(ctx, config, key, kad_format_real(text, value));
}

kad_status kad_config_adopt(kad_ctx *ctx, kad_config *config, const char *key,
                            const kad_config *from)
{
    const kad_entry *entry = kad_entries_find(&from->set, key);
    KAD_LOCAL(char, text);
    kad_out out = {0};
    kad_entries_remove(&config->set, key);
    if (!entry) return KAD_OK;
    kad_entry_print(&out, entry);
    text = kad_out_finish(&out);
    if (!text) return kad_fail(ctx, KAD_ENOMEM, "out of memory");
    return kad_config_resolve(ctx, config, key, text);
}

void kad_config_set_home(kad_config *config, const char *folder)
{
    config->home = folder;
}

kad_status kad_config_set_path(kad_ctx *ctx, kad_config *config, const char *key,
                               const char *path)
{
    kad_entry *entry = kad_entries_find(&config->set, key);
    assert(entry && entry->spec->type == KAD_PATH);
    char *copy = kad_strdup(path);
    if (!copy) return kad_fail(ctx, KAD_ENOMEM, "out of memory");
    kad_free(entry->string);
    entry->string = copy;
    return KAD_OK;
}

/* ---- life ---- */

kad_status kad_config_parse(kad_ctx *ctx, const kad_schema *schema, const char *text,
                            const char *name, int n_overrides,
                            const char *const *overrides, kad_config **out)
{
    KAD_LOCAL(kad_config, config);
    kad_place place = {name, 1};
    *out = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *config, &config));
    config->schema = schema;
    config->text = kad_strdup(text);
    if (!config->text) return kad_fail(ctx, KAD_ENOMEM, "out of memory");
    KAD_CALL(make_defaults(ctx, config));
    KAD_CALL(kad_config_parse_text(ctx, config, &place, text, strlen(text), NULL));
    KAD_CALL(apply(ctx, config, n_overrides, overrides));
    *out = config;
    config = NULL;
    return KAD_OK;
}

kad_status kad_config_load(kad_ctx *ctx, const kad_schema *schema, const char *path,
                           int n_overrides, const char *const *overrides,
                           kad_config **out)
{
    char *text;
    size_t n;
    *out = NULL;
    kad_status status = kad_file_read(ctx, path, KAD_CONFIG_MAX_BYTES, &text, &n);
    if (status == KAD_EDATA) return KAD_ECONFIG;
    if (status != KAD_OK) return status;
    if (strlen(text) != n)
        status = kad_fail(ctx, KAD_ECONFIG, "%s: contains a zero byte", path);
    else
        status = kad_config_parse(ctx, schema, text, path, n_overrides, overrides, out);
    kad_free(text);
    return status;
}

void kad_config_destroy(kad_config *config)
{
    if (!config) return;
    kad_entries_clear(&config->set);
    kad_entries_clear(&config->defaults);
    for (size_t i = 0; i < config->n_lists; i++)
        kad_free(config->lists[i].section);
    kad_free(config->lists);
    kad_free(config->text);
    kad_free(config);
}
