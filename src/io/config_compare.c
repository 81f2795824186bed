/* The first key in which two configurations differ, by value. */
#include "base/memory.h"
#include "io/config_impl.h"
#include "io/number.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

typedef struct comparison {
    const char *except; /* names that do not count */
    bool common;        /* only keys that both have count */
    kad_difference *out;
} comparison;

/* `name` is one of the words. */
static bool is_listed(const char *words, const char *name)
{
    const size_t n = strlen(name);
    for (const char *at = words; at && (at = strstr(at, name)) != NULL; at += n)
        if ((at == words || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
            return true;
    return false;
}

static void show(const json_t *value, char *out, size_t size)
{
    char *text =
        value != NULL ? kad_json_text(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    snprintf(out, size, "%s", text != NULL ? text : "nothing");
    kad_free(text);
}

static bool values_differ(const comparison *c, const json_t *old, const json_t *new,
                          const char *name);

static bool members_differ(const comparison *c, const json_t *old, const json_t *new,
                           const char *prefix)
{
    const char *key;
    json_t *value;
    char name[256];
    json_object_foreach((json_t *)new, key, value)
    {
        const json_t *before = json_object_get(old, key);
        snprintf(name, sizeof name, "%s%s%s", prefix, prefix[0] ? "." : "", key);
        if (c->common && before == NULL) continue;
        if (values_differ(c, before, value, name)) return true;
    }
    if (c->common) return false;
    json_object_foreach((json_t *)old, key, value)
    {
        snprintf(name, sizeof name, "%s%s%s", prefix, prefix[0] ? "." : "", key);
        if (json_object_get(new, key) == NULL && values_differ(c, value, NULL, name))
            return true;
    }
    return false;
}

static bool values_differ(const comparison *c, const json_t *old, const json_t *new,
                          const char *name)
{
    if (is_listed(c->except, name)) return false;
    if (old != NULL && new != NULL && json_equal(old, new)) return false;
    if (json_is_object(old) && json_is_object(new))
        return members_differ(c, old, new, name);
    if (json_is_array(old) && json_is_array(new) &&
        json_array_size(old) == json_array_size(new) &&
        json_is_object(json_array_get(old, 0))) {
        for (size_t i = 0; i < json_array_size(new); i++) {
            char item[300];
            snprintf(item, sizeof item, "%s[%zu]", name, i);
            if (values_differ(c, json_array_get(old, i), json_array_get(new, i), item))
                return true;
        }
        return false;
    }
    snprintf(c->out->key, sizeof c->out->key, "%s", name);
    show(old, c->out->old, sizeof c->out->old);
    show(new, c->out->now, sizeof c->out->now);
    return true;
}

static kad_status to_json(kad_ctx *ctx, const kad_config *config, json_t **out)
{
    char *text = kad_config_json(config, KAD_CONFIG_CONTENT);
    *out = text != NULL ? json_loads(text, 0, NULL) : NULL;
    kad_free(text);
    if (*out == NULL) return kad_fail(ctx, KAD_ENOMEM, "config: cannot compare");
    return KAD_OK;
}

/* What differs is in out->key, which is empty when nothing does. */
static kad_status compare(kad_ctx *ctx, const json_t *old, const kad_config *now,
                          const comparison *c)
{
    json_t *new = NULL;
    *c->out = (kad_difference){.key = ""};
    const kad_status status = to_json(ctx, now, &new);
    if (status == KAD_OK) members_differ(c, old, new, "");
    json_decref(new);
    return status;
}

kad_status kad_config_compare(kad_ctx *ctx, const kad_config *old, const kad_config *now,
                              const char *except, kad_difference *out)
{
    json_t *json = NULL;
    kad_status status = to_json(ctx, old, &json);
    if (status == KAD_OK)
        status = compare(ctx, json, now, &(comparison){.except = except, .out = out});
    json_decref(json);
    return status;
}

kad_status kad_config_compare_json(kad_ctx *ctx, const char *old, const kad_config *now,
                                   const char *except, kad_difference *out)
{
    json_error_t error;
    json_t *json = json_loads(old, 0, &error);
    kad_status status;
    if (json == NULL && json_error_code(&error) == json_error_out_of_memory)
        status = kad_fail(ctx, KAD_ENOMEM, "config: cannot compare");
    else if (json == NULL)
        status = kad_fail(ctx, KAD_EDATA, "is no JSON");
    else
        status = compare(ctx, json, now,
                         &(comparison){.except = except, .common = true, .out = out});
    json_decref(json);
    return status;
}

/* --- a configuration as text ---------------------------------------------------------- */

kad_status kad_config_settings(kad_ctx *ctx, const kad_config *config, kad_settings *out)
{
    char *text = kad_config_yaml(config, KAD_CONFIG_CONTENT);
    *out = (kad_settings){config->schema, text};
    return text != NULL ? KAD_OK : kad_fail(ctx, KAD_ENOMEM, "config: out of memory");
}

void kad_settings_clear(kad_settings *settings)
{
    kad_free(settings->text);
    *settings = (kad_settings){0};
}

kad_status kad_settings_compare(kad_ctx *ctx, const char *old, const char *name,
                                const kad_settings *now, const char *except,
                                kad_difference *out)
{
    KAD_LOCAL(kad_config, then);
    KAD_LOCAL(kad_config, present);
    *out = (kad_difference){.key = ""};
    KAD_CALL(kad_config_parse(ctx, now->schema, old, name, 0, NULL, &then));
    KAD_CALL(kad_config_parse(ctx, now->schema, now->text, "config", 0, NULL, &present));
    return kad_config_compare(ctx, then, present, except, out);
}
