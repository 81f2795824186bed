/* YAML text into entries, event by event. Refused beyond what the schema refuses:
 * anchors, aliases, tags, several documents, duplicate keys, deep nesting, endless input.
 */
#include "base/memory.h"
#include "io/config_impl.h"

#include <stdio.h>
#include <string.h>
#include <yaml.h>

typedef struct parse {
    kad_ctx *ctx;
    kad_config *config;
    kad_place place; /* line: that of the current event */
    bool document;   /* a whole file, whose folder its files are relative to */
    yaml_parser_t yaml;
    yaml_event_t event; /* current; type 0 when none */
    int depth, n_nodes;
    kad_scope words; /* paths and tokens */
    size_t n_seen, seen_capacity;
    const char **seen; /* full keys so far, to find duplicates */
} parse;

static kad_status fail(parse *p, const char *key, const char *what)
{
    return kad_config_fail(p->ctx, &p->place, key, "%s", what);
}

static kad_status out_of_memory(parse *p)
{
    return kad_fail(p->ctx, KAD_ENOMEM, "%s: out of memory", p->place.name);
}

static kad_status syntax_error(parse *p)
{
    if (p->yaml.error == YAML_MEMORY_ERROR) return out_of_memory(p);
    if (p->place.line >= 0) p->place.line = (int)p->yaml.problem_mark.line + 1;
    const char *problem = p->yaml.problem ? p->yaml.problem : "unreadable";
    return kad_config_fail(p->ctx, &p->place, "", "not valid YAML: %s", problem);
}

/* What this program leaves out of YAML. */
static kad_status refuse_extras(parse *p)
{
    const yaml_event_t *e = &p->event;
    const yaml_char_t *anchor = NULL, *tag = NULL;
    switch (e->type) {
    case YAML_ALIAS_EVENT:
        return fail(p, "", "aliases (*name) are not supported");
    case YAML_SCALAR_EVENT:
        anchor = e->data.scalar.anchor;
        tag = e->data.scalar.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = e->data.sequence_start.anchor;
        tag = e->data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = e->data.mapping_start.anchor;
        tag = e->data.mapping_start.tag;
        break;
    default:
        return KAD_OK;
    }
    if (anchor) return fail(p, "", "anchors (&name) are not supported");
    if (tag) return fail(p, "", "tags (!name) are not supported");
    if (++p->n_nodes > KAD_CONFIG_MAX_NODES) return fail(p, "", "too many values");
    return KAD_OK;
}

static kad_status next(parse *p)
{
    yaml_event_delete(&p->event);
    if (!yaml_parser_parse(&p->yaml, &p->event)) return syntax_error(p);
    p->place.line = p->place.line < 0 ? -1 : (int)p->event.start_mark.line + 1;
    return refuse_extras(p);
}

static bool at(const parse *p, yaml_event_type_t type)
{
    return p->event.type == type;
}

/* A copy of the current scalar that lives as long as the parse. */
static kad_status scalar(parse *p, const char *key, kad_token *out)
{
    size_t n = p->event.data.scalar.length;
    const char *value = (const char *)p->event.data.scalar.value;
    if (memchr(value, 0, n)) return fail(p, key, "contains a zero byte");
    char *copy;
    KAD_CALL(kad_take(&p->words, n + 1, &copy));
    memcpy(copy, value, n);
    out->text = copy;
    out->plain = p->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    return KAD_OK;
}

static bool is_null(const kad_token *token)
{
    return token->plain && (*token->text == 0 || strcmp(token->text, "~") == 0 ||
                            strcmp(token->text, "null") == 0);
}

/* "null" and "~" leave a key out, whatever was said before; one without default can also be
 * given as unset: "auto", or nothing. */
static bool unsets(const kad_key *spec, const kad_token *token)
{
    if (is_null(token) && *token->text != 0) return true;
    if (spec->def || !token->plain) return false;
    return is_null(token) ||
           (spec->type != KAD_STRING && strcmp(token->text, "auto") == 0);
}

static kad_status put_value(parse *p, const char *path, const kad_key *spec,
                            bool sequence, size_t n, const kad_token *tokens)
{
    if (!sequence && unsets(spec, &tokens[0])) {
        kad_entries_remove(&p->config->set, path);
        return KAD_OK;
    }
    kad_entry entry;
    kad_status status =
        kad_entry_parse(p->ctx, &p->place, path, spec, sequence, n, tokens, &entry);
    if (status == KAD_OK && p->document)
        status = kad_entry_rebase(p->ctx, p->place.name, &entry);
    if (status != KAD_OK) {
        kad_entry_clear(&entry);
        return status;
    }
    return kad_entries_put(p->ctx, &p->config->set, path, &entry);
}

/* A list of names is a text as well: "kappa, lambda". */
static kad_status join_names(parse *p, size_t n, const kad_token *tokens, kad_token *out)
{
    size_t size = 1;
    char *text;
    for (size_t i = 0; i < n; i++)
        size += strlen(tokens[i].text) + 2;
    KAD_CALL(kad_take(&p->words, size, &text));
    for (size_t i = 0, at = 0; i < n; i++)
        at += (size_t)snprintf(text + at, size - at, "%s%s", i > 0 ? ", " : "",
                               tokens[i].text);
    *out = (kad_token){text, n == 1 && tokens[0].plain};
    return KAD_OK;
}

/* Of numbers, in which sequences may lie ([[0.4, 0.5], [0.8, 1.2]] is four numbers), or of
 * names. */
static kad_status parse_sequence(parse *p, const char *path, const kad_key *spec)
{
    KAD_SCOPE(scope, p->ctx);
    size_t n = 0, capacity = 8;
    int depth = 0;
    kad_token *tokens;
    kad_place start = p->place;
    KAD_CALL(kad_take(&scope, capacity, &tokens));
    for (;;) {
        KAD_CALL(next(p));
        if (at(p, YAML_SEQUENCE_END_EVENT) && depth-- == 0) break;
        if (at(p, YAML_SEQUENCE_END_EVENT)) continue;
        if (at(p, YAML_SEQUENCE_START_EVENT) && spec->type == KAD_REALS && depth++ == 0)
            continue;
        if (!at(p, YAML_SCALAR_EVENT))
            KAD_CALL(fail(p, path, "a sequence here holds numbers only"));
        if (n >= KAD_CONFIG_MAX_ITEMS) KAD_CALL(fail(p, path, "too many numbers"));
        if (n == capacity) {
            kad_token *more;
            KAD_CALL(kad_take(&scope, 2 * capacity, &more));
            memcpy(more, tokens, n * sizeof *more);
            tokens = more;
            capacity *= 2;
        }
        KAD_CALL(scalar(p, path, &tokens[n++]));
    }
    p->place = start;
    if (spec->type == KAD_STRING && n > 0) {
        kad_token whole;
        KAD_CALL(join_names(p, n, tokens, &whole));
        return put_value(p, path, spec, false, 1, &whole);
    }
    return put_value(p, path, spec, true, n, tokens);
}

static kad_status parse_leaf(parse *p, const char *path, const kad_key *spec)
{
    if (at(p, YAML_SEQUENCE_START_EVENT)) return parse_sequence(p, path, spec);
    if (!at(p, YAML_SCALAR_EVENT)) return fail(p, path, "expected a value, got a map");
    kad_token token;
    kad_status status = scalar(p, path, &token);
    return status == KAD_OK ? put_value(p, path, spec, false, 1, &token) : status;
}

/* True (and consumed) when the value of a section or a list is left empty. */
static bool is_empty(parse *p)
{
    kad_token token;
    if (!at(p, YAML_SCALAR_EVENT)) return false;
    token.text = (const char *)p->event.data.scalar.value;
    token.plain = p->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    return is_null(&token);
}

static kad_status unknown_key(parse *p, const char *path)
{
    const char *near = kad_schema_nearest(p->config->schema, path);
    if (!near) return fail(p, path, "unknown key");
    /* a list of maps: as the key of its first entry is typed */
    const char *list = strstr(near, "[]");
    const int n = list ? (int)(list - near) : (int)strlen(near);
    return kad_config_fail(p->ctx, &p->place, path,
                           "unknown key; the nearest known one is \"%.*s%s%s\"", n, near,
                           list ? "[0]" : "", list ? list + 2 : "");
}

/* "parent.key", living as long as the parse; recorded to find duplicates. */
static kad_status join(parse *p, const char *parent, const char *key, const char **out)
{
    char *full;
    size_t n = strlen(parent) + strlen(key) + 2;
    if (n > KAD_CONFIG_MAX_KEY || strpbrk(key, "[]") || *key == 0)
        return unknown_key(p, strlen(key) < KAD_CONFIG_MAX_KEY ? key : parent);
    KAD_CALL(kad_take(&p->words, n, &full));
    snprintf(full, n, "%s%s%s", parent, *parent ? "." : "", key);
    *out = kad_schema_current(p->config->schema, full);
    for (size_t i = 0; i < p->n_seen; i++)
        if (strcmp(p->seen[i], *out) == 0) return fail(p, *out, "given twice");
    if (p->n_seen == p->seen_capacity) {
        size_t capacity = p->seen_capacity ? 2 * p->seen_capacity : 64;
        const char **seen;
        KAD_CALL(kad_take(&p->words, capacity, &seen));
        if (p->n_seen) memcpy(seen, p->seen, p->n_seen * sizeof *seen);
        p->seen = seen;
        p->seen_capacity = capacity;
    }
    p->seen[p->n_seen++] = *out;
    return KAD_OK;
}

static kad_status parse_value(parse *p, const char *path);

/* The pairs of a map whose start is the current event. */
static kad_status parse_map(parse *p, const char *path)
{
    if (++p->depth > KAD_CONFIG_MAX_DEPTH) KAD_CALL(fail(p, path, "nested too deeply"));
    for (;;) {
        kad_token key;
        const char *full = NULL;
        KAD_CALL(next(p));
        if (at(p, YAML_MAPPING_END_EVENT)) break;
        if (!at(p, YAML_SCALAR_EVENT)) KAD_CALL(fail(p, path, "a key must be a name"));
        KAD_CALL(scalar(p, path, &key));
        KAD_CALL(join(p, path, key.text, &full));
        kad_place place = p->place;
        KAD_CALL(next(p));
        if (at(p, YAML_SCALAR_EVENT) && *p->event.data.scalar.value == 0)
            p->place = place; /* an empty value "starts" on a later line */
        KAD_CALL(parse_value(p, full));
    }
    p->depth--;
    return KAD_OK;
}

static kad_status parse_list(parse *p, const char *path)
{
    char prefix[KAD_CONFIG_MAX_KEY + 16];
    int length = 0;
    snprintf(prefix, sizeof prefix, "%s[", path);
    kad_entries_remove_prefix(&p->config->set, prefix);
    if (is_empty(p)) { /* as if left out; an empty list is written [] */
        kad_config_remove_list(p->config, path);
        return KAD_OK;
    }
    if (!at(p, YAML_SEQUENCE_START_EVENT))
        KAD_CALL(fail(p, path, "expected a list of maps (- {name: ...})"));
    for (;; length++) {
        KAD_CALL(next(p));
        if (at(p, YAML_SEQUENCE_END_EVENT)) break;
        if (!at(p, YAML_MAPPING_START_EVENT))
            KAD_CALL(fail(p, path, "expected a list of maps (- {name: ...})"));
        if (length >= KAD_CONFIG_MAX_LIST) KAD_CALL(fail(p, path, "list too long"));
        snprintf(prefix, sizeof prefix, "%s[%d]", path, length);
        KAD_CALL(parse_map(p, prefix));
    }
    return kad_config_set_list(p->ctx, p->config, path, length);
}

/* "null" leaves out the keys of a section, whatever was said before. */
static kad_status empty_section(parse *p, const char *path)
{
    char prefix[KAD_CONFIG_MAX_KEY + 16];
    snprintf(prefix, sizeof prefix, "%s.", path);
    kad_entries_remove_prefix(&p->config->set, prefix);
    return KAD_OK;
}

/* The value of `path`, whose first event is the current one. */
static kad_status parse_value(parse *p, const char *path)
{
    const kad_schema *schema = p->config->schema;
    const kad_key *spec = kad_schema_find(schema, path);
    if (spec) return parse_leaf(p, path, spec);
    if (kad_schema_has_prefix(schema, path, ".")) {
        if (at(p, YAML_MAPPING_START_EVENT)) return parse_map(p, path);
        return is_empty(p) ? empty_section(p, path)
                           : fail(p, path, "expected a section (a map of keys)");
    }
    if (kad_schema_has_prefix(schema, path, "[].")) return parse_list(p, path);
    return unknown_key(p, path);
}

static kad_status parse_document(parse *p, const char *key)
{
    KAD_CALL(next(p)); /* stream start */
    KAD_CALL(next(p));
    if (at(p, YAML_STREAM_END_EVENT)) {
        /* most likely a shell variable that is not set */
        return key ? fail(p, key, "no value given") : KAD_OK;
    }
    KAD_CALL(next(p));
    if (key)
        KAD_CALL(parse_value(p, kad_schema_current(p->config->schema, key)));
    else if (at(p, YAML_MAPPING_START_EVENT))
        KAD_CALL(parse_map(p, ""));
    else if (!is_empty(p))
        KAD_CALL(fail(p, "", "expected a map of sections (key: value)"));
    KAD_CALL(next(p)); /* document end */
    KAD_CALL(next(p));
    if (!at(p, YAML_STREAM_END_EVENT)) return fail(p, "", "more than one document");
    return KAD_OK;
}

static void end_parse(parse *p)
{
    yaml_event_delete(&p->event);
    yaml_parser_delete(&p->yaml);
    kad_scope_end(&p->words);
}

kad_status kad_config_parse_text(kad_ctx *ctx, kad_config *config, const kad_place *place,
                                 const char *text, size_t n_bytes, const char *key)
{
    parse p KAD_CLEARED(end_parse) = {.ctx = ctx,
                                      .config = config,
                                      .place = *place,
                                      .document = !key,
                                      .words = {.ctx = ctx}};
    if (!yaml_parser_initialize(&p.yaml)) return out_of_memory(&p);
    if (n_bytes > KAD_CONFIG_MAX_BYTES)
        return kad_config_fail(ctx, place, "", "more than %d bytes",
                               (int)KAD_CONFIG_MAX_BYTES);
    yaml_parser_set_encoding(&p.yaml, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&p.yaml, (const unsigned char *)text, n_bytes);
    return parse_document(&p, key);
}
