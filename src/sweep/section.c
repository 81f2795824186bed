#include "sweep/section.h"

#include "io/number.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

typedef struct reader {
    kad_ctx *ctx;
    kad_scope *scope; /* of what is read */
    const char *name;
    yaml_document_t document;
} reader;

/* --- texts ---------------------------------------------------------------------------
 */

kad_status kad_take_number(kad_scope *scope, double value, const char **out)
{
    char text[KAD_NUMBER_CHARS];
    double rounded = value;
    snprintf(text, sizeof text, "%.12g", value);
    kad_parse_real(text, &rounded);
    return kad_take_text(scope, kad_format_real(text, rounded), out);
}

static kad_status out_of_memory(const reader *r)
{
    return kad_fail(r->ctx, KAD_ENOMEM, "%s: out of memory", r->name);
}

static kad_status fail(const reader *r, const yaml_node_t *node, const char *key,
                       const char *what)
{
    return kad_fail(r->ctx, KAD_ECONFIG, "%s:%d: sweep.%s: %s", r->name,
                    (int)node->start_mark.line + 1, key, what);
}

/* --- nodes ---------------------------------------------------------------------------
 */

static yaml_node_t *node_of(reader *r, int index)
{
    return yaml_document_get_node(&r->document, index);
}

static const char *scalar(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

static int n_pairs(const yaml_node_t *map)
{
    return (int)(map->data.mapping.pairs.top - map->data.mapping.pairs.start);
}

static int n_items(const yaml_node_t *list)
{
    return (int)(list->data.sequence.items.top - list->data.sequence.items.start);
}

static yaml_node_t *item(reader *r, const yaml_node_t *list, int i)
{
    return node_of(r, list->data.sequence.items.start[i]);
}

/* Key and value of a pair; KAD_ECONFIG where the key is no name. */
static kad_status pair(reader *r, const yaml_node_t *map, int i, const char *where,
                       const char **key, yaml_node_t **value)
{
    const yaml_node_pair_t *p = &map->data.mapping.pairs.start[i];
    *key = scalar(node_of(r, p->key));
    *value = node_of(r, p->value);
    return *key != NULL && **key != 0 ? KAD_OK
                                      : fail(r, map, where, "a key must be a name");
}

/* The value of a key in a map; NULL: it has none. */
static yaml_node_t *find(reader *r, const yaml_node_t *map, const char *key)
{
    for (int i = 0; i < n_pairs(map); i++) {
        const yaml_node_pair_t *p = &map->data.mapping.pairs.start[i];
        const char *text = scalar(node_of(r, p->key));
        if (text != NULL && strcmp(text, key) == 0) return node_of(r, p->value);
    }
    return NULL;
}

/* A value as YAML text of one line: a scalar, or scalars in brackets. */
static kad_status value_text(reader *r, const yaml_node_t *node, const char *key,
                             const char **out)
{
    double number;
    const char *text = scalar(node);
    if (text != NULL) {
        if (strchr(text, '\n') != NULL || strlen(text) != node->data.scalar.length)
            return fail(r, node, key, "a value must be one line of text");
        if (kad_parse_real(text, &number) && strchr(text, '.') != NULL)
            return kad_take_number(r->scope, number, out);
        return kad_take_text(r->scope, text, out);
    }
    if (node->type != YAML_SEQUENCE_NODE)
        return fail(r, node, key, "expected a value, got a map");
    const char *list = "[";
    for (int i = 0; i < n_items(node); i++) {
        const char *word = scalar(item(r, node, i));
        if (word == NULL || strpbrk(word, ",[]\n") != NULL)
            return fail(r, node, key, "a sequence here holds numbers only");
        KAD_CALL(
            kad_take_printf(r->scope, &list, "%s%s%s", list, i > 0 ? ", " : "", word));
    }
    KAD_CALL(kad_take_printf(r->scope, out, "%s]", list));
    return KAD_OK;
}

/* --- values of a key -----------------------------------------------------------------
 */

static kad_status number_of(reader *r, const yaml_node_t *map, const char *key,
                            const char *name, double *out)
{
    yaml_node_t *node = find(r, map, name);
    char what[64];
    if (node != NULL && scalar(node) != NULL && kad_parse_real(scalar(node), out))
        return KAD_OK;
    snprintf(what, sizeof what, "expected %s with a number", name);
    return fail(r, map, key, what);
}

static kad_status count_of(reader *r, const yaml_node_t *map, const char *key,
                           const char *name, int *out)
{
    double n;
    char what[64];
    KAD_CALL(number_of(r, map, key, name, &n));
    snprintf(what, sizeof what, "%s must be an integer from 1 to %d", name,
             (int)KAD_SWEEP_MAX_VALUES);
    if (n != floor(n) || n < 1 || n > KAD_SWEEP_MAX_VALUES)
        KAD_CALL(fail(r, map, key, what));
    *out = (int)n;
    return KAD_OK;
}

static kad_status only_keys(reader *r, const yaml_node_t *map, const char *key,
                            const char *allowed)
{
    const char *name;
    yaml_node_t *value;
    char word[64], what[160];
    for (int i = 0; i < n_pairs(map); i++) {
        KAD_CALL(pair(r, map, i, key, &name, &value));
        snprintf(word, sizeof word, " %.60s ", name);
        snprintf(what, sizeof what, "unknown key \"%.40s\": expected%s", name, allowed);
        if (strstr(allowed, word) == NULL) KAD_CALL(fail(r, value, key, what));
    }
    return KAD_OK;
}

/* {from: a, to: b, points: n} */
static kad_status read_range(reader *r, const yaml_node_t *map, kad_axis *axis)
{
    double from, to;
    KAD_CALL(only_keys(r, map, axis->key, " from to points "));
    KAD_CALL(number_of(r, map, axis->key, "from", &from));
    KAD_CALL(number_of(r, map, axis->key, "to", &to));
    KAD_CALL(count_of(r, map, axis->key, "points", &axis->n));
    KAD_CALL(kad_take(r->scope, (size_t)axis->n, &axis->value));
    for (int i = 0; i < axis->n; i++) {
        const double x = axis->n > 1 ? from + (to - from) * i / (axis->n - 1) : from;
        KAD_CALL(kad_take_number(r->scope, x, &axis->value[i]));
    }
    return KAD_OK;
}

/* {centre: a, width: w, points: n, scale: 1/L}: a window that shrinks with the lattice. */
static kad_status read_window(reader *r, const yaml_node_t *map, kad_axis *axis)
{
    double width;
    const yaml_node_t *scale = find(r, map, "scale");
    KAD_CALL(only_keys(r, map, axis->key, " centre width points scale "));
    KAD_CALL(number_of(r, map, axis->key, "centre", &axis->centre));
    KAD_CALL(number_of(r, map, axis->key, "width", &width));
    KAD_CALL(count_of(r, map, axis->key, "points", &axis->n));
    if (scale == NULL || scalar(scale) == NULL || strcmp(scalar(scale), "1/L") != 0)
        KAD_CALL(fail(r, map, axis->key, "expected scale: 1/L"));
    axis->scaled = true;
    KAD_CALL(kad_take(r->scope, (size_t)axis->n, &axis->offset));
    for (int i = 0; i < axis->n; i++)
        axis->offset[i] = axis->n > 1 ? width * (i / (axis->n - 1.0) - 0.5) : 0;
    return KAD_OK;
}

/* {repeat: n}: seeds seed, seed + 1, ... of the base; as offsets. */
static kad_status read_repeat(reader *r, const yaml_node_t *map, kad_axis *axis)
{
    KAD_CALL(only_keys(r, map, axis->key, " repeat "));
    if (strcmp(axis->key, "seed") != 0)
        KAD_CALL(fail(r, map, axis->key, "only a seed can be repeated"));
    KAD_CALL(count_of(r, map, axis->key, "repeat", &axis->n));
    KAD_CALL(kad_take(r->scope, (size_t)axis->n, &axis->value));
    for (int i = 0; i < axis->n; i++)
        KAD_CALL(kad_take_printf(r->scope, &axis->value[i], "+%d", i));
    return KAD_OK;
}

static kad_status read_axis(reader *r, const yaml_node_t *node, kad_axis *axis)
{
    if (node->type == YAML_MAPPING_NODE) {
        if (find(r, node, "repeat") != NULL) return read_repeat(r, node, axis);
        if (find(r, node, "centre") != NULL) return read_window(r, node, axis);
        return read_range(r, node, axis);
    }
    axis->n = node->type == YAML_SEQUENCE_NODE ? n_items(node) : 1;
    if (axis->n < 1 || axis->n > KAD_SWEEP_MAX_VALUES)
        return fail(r, node, axis->key, "expected a list of values");
    KAD_CALL(kad_take(r->scope, (size_t)axis->n, &axis->value));
    for (int i = 0; i < axis->n; i++)
        KAD_CALL(value_text(r, node->type == YAML_SEQUENCE_NODE ? item(r, node, i) : node,
                            axis->key, &axis->value[i]));
    return KAD_OK;
}

static kad_status read_axes(reader *r, const yaml_node_t *node, const char *where, int *n,
                            kad_axis **out)
{
    yaml_node_t *value;
    if (node->type != YAML_MAPPING_NODE)
        return fail(r, node, where, "expected a map of keys with their values");
    if (n_pairs(node) > KAD_SWEEP_MAX_KEYS) return fail(r, node, where, "too many keys");
    KAD_CALL(kad_take(r->scope, (size_t)n_pairs(node), out));
    for (*n = 0; *n < n_pairs(node); ++*n) {
        kad_axis *axis = &(*out)[*n];
        KAD_CALL(pair(r, node, *n, where, &axis->key, &value));
        KAD_CALL(kad_take_text(r->scope, axis->key, &axis->key));
        for (int i = 0; i < *n; i++)
            if (strcmp((*out)[i].key, axis->key) == 0)
                KAD_CALL(fail(r, value, axis->key, "given twice"));
        KAD_CALL(read_axis(r, value, axis));
    }
    return KAD_OK;
}

/* Lists of one length that are walked together. */
static kad_status read_zip(reader *r, const yaml_node_t *node, kad_section *s)
{
    KAD_CALL(read_axes(r, node, "zip", &s->n_zip, &s->zip));
    for (int i = 0; i < s->n_zip; i++)
        if (s->zip[i].n != s->zip[0].n)
            KAD_CALL(fail(r, node, s->zip[i].key, "lists in zip must be of one length"));
    return KAD_OK;
}

static kad_status read_setting(reader *r, const yaml_node_t *node, const char *where,
                               kad_setting *out)
{
    yaml_node_t *value;
    if (node == NULL || node->type != YAML_MAPPING_NODE)
        return kad_fail(r->ctx, KAD_ECONFIG,
                        "%s: sweep.%s: expected maps of keys with values", r->name,
                        where);
    KAD_CALL(kad_take(r->scope, (size_t)n_pairs(node), &out->key));
    KAD_CALL(kad_take(r->scope, (size_t)n_pairs(node), &out->value));
    for (; out->n < n_pairs(node); out->n++) {
        const char *key;
        KAD_CALL(pair(r, node, out->n, where, &key, &value));
        KAD_CALL(kad_take_text(r->scope, key, &out->key[out->n]));
        KAD_CALL(value_text(r, value, key, &out->value[out->n]));
    }
    return KAD_OK;
}

static kad_status check_list(const reader *r, const yaml_node_t *node, const char *where)
{
    if (node->type != YAML_SEQUENCE_NODE)
        return fail(r, node, where, "expected a list of maps");
    return n_items(node) <= KAD_SWEEP_MAX_POINTS ? KAD_OK
                                                 : fail(r, node, where, "too many");
}

static kad_status read_extra(reader *r, const yaml_node_t *node, kad_section *s)
{
    KAD_CALL(check_list(r, node, "points"));
    KAD_CALL(kad_take(r->scope, (size_t)n_items(node), &s->extra));
    for (; s->n_extra < n_items(node); s->n_extra++)
        KAD_CALL(
            read_setting(r, item(r, node, s->n_extra), "points", &s->extra[s->n_extra]));
    return KAD_OK;
}

static kad_status read_rules(reader *r, const yaml_node_t *node, kad_section *s)
{
    KAD_CALL(check_list(r, node, "when"));
    KAD_CALL(kad_take(r->scope, (size_t)n_items(node), &s->rules));
    for (; s->n_rules < n_items(node); s->n_rules++) {
        const yaml_node_t *rule = item(r, node, s->n_rules);
        if (rule->type != YAML_MAPPING_NODE)
            KAD_CALL(fail(r, rule, "when", "expected {if: {...}, set: {...}}"));
        KAD_CALL(only_keys(r, rule, "when", " if set "));
        KAD_CALL(
            read_setting(r, find(r, rule, "if"), "when", &s->rules[s->n_rules].where));
        KAD_CALL(
            read_setting(r, find(r, rule, "set"), "when", &s->rules[s->n_rules].set));
    }
    return KAD_OK;
}

/* A key of one value, or a section of such: overrides for the schema to judge. */
static kad_status read_plain(reader *r, const yaml_node_t *node, const char *key,
                             kad_section *s)
{
    const char *text, *name;
    yaml_node_t *value;
    if (node->type == YAML_MAPPING_NODE) {
        for (int i = 0; i < n_pairs(node); i++) {
            KAD_CALL(pair(r, node, i, key, &name, &value));
            if (strchr(key, '.') != strrchr(key, '.'))
                KAD_CALL(fail(r, value, key, "nested too deeply"));
            KAD_CALL(kad_take_printf(r->scope, &text, "%s.%s", key, name));
            KAD_CALL(read_plain(r, value, text, s));
        }
        return KAD_OK;
    }
    if (s->n_plain == KAD_SWEEP_MAX_KEYS) return fail(r, node, key, "too many keys");
    KAD_CALL(value_text(r, node, key, &text));
    if (node->type == YAML_SCALAR_NODE &&
        node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) {
        if (strchr(text, '\'') != NULL) KAD_CALL(fail(r, node, key, "contains a quote"));
        KAD_CALL(kad_take_printf(r->scope, &text, "'%s'", text));
    }
    KAD_CALL(
        kad_take_printf(r->scope, &s->plain[s->n_plain++], "sweep.%s=%s", key, text));
    return KAD_OK;
}

static kad_status read_section(reader *r, const yaml_node_t *node, kad_section *s)
{
    const char *key;
    yaml_node_t *value;
    if (node->type != YAML_MAPPING_NODE)
        return kad_fail(r->ctx, KAD_ECONFIG, "%s:%d: sweep: expected a map", r->name,
                        (int)node->start_mark.line + 1);
    KAD_CALL(kad_take(r->scope, KAD_SWEEP_MAX_KEYS, &s->plain));
    for (int i = 0; i < n_pairs(node); i++) {
        KAD_CALL(pair(r, node, i, "", &key, &value));
        if (strcmp(key, "grid") == 0)
            KAD_CALL(read_axes(r, value, key, &s->n_grid, &s->grid));
        else if (strcmp(key, "zip") == 0)
            KAD_CALL(read_zip(r, value, s));
        else if (strcmp(key, "points") == 0)
            KAD_CALL(read_extra(r, value, s));
        else if (strcmp(key, "when") == 0)
            KAD_CALL(read_rules(r, value, s));
        else
            KAD_CALL(read_plain(r, value, key, s));
    }
    if (s->n_grid + s->n_zip + s->n_extra == 0)
        KAD_CALL(fail(r, node, "grid", "missing: nothing is swept"));
    return KAD_OK;
}

/* --- the file ------------------------------------------------------------------------
 */

/* Lines [first, end) of a text blanked, the line ends kept. */
static kad_status blank(const reader *r, const char *text, size_t first, size_t end,
                        const char **out)
{
    const size_t n = strlen(text);
    char *copy;
    KAD_CALL(kad_take(r->scope, n + 1, &copy));
    memcpy(copy, text, n);
    size_t line = 0;
    for (size_t i = 0; i < n; i++) {
        if (line >= first && line < end && copy[i] != '\n') copy[i] = ' ';
        line += text[i] == '\n';
    }
    *out = copy;
    return KAD_OK;
}

static kad_status load(reader *r, const char *text)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) return out_of_memory(r);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, strlen(text));
    const bool loaded = yaml_parser_load(&parser, &r->document);
    kad_status status = KAD_OK;
    if (!loaded && parser.error == YAML_MEMORY_ERROR)
        status = out_of_memory(r);
    else if (!loaded)
        status = kad_fail(r->ctx, KAD_ECONFIG, "%s:%d: not valid YAML: %s", r->name,
                          (int)parser.problem_mark.line + 1,
                          parser.problem != NULL ? parser.problem : "unreadable");
    yaml_parser_delete(&parser);
    return status;
}

/* The section's place among the top-level keys: its node, its lines. */
static kad_status locate(reader *r, yaml_node_t **section, size_t *first, size_t *end)
{
    const yaml_node_t *root = yaml_document_get_root_node(&r->document);
    *section = NULL;
    if (root == NULL || root->type != YAML_MAPPING_NODE) return KAD_OK;
    for (int i = 0; i < n_pairs(root); i++) {
        const yaml_node_pair_t *p = &root->data.mapping.pairs.start[i];
        const yaml_node_t *key = node_of(r, p->key);
        if (*section != NULL && *end == SIZE_MAX) *end = key->start_mark.line;
        if (scalar(key) == NULL || strcmp(scalar(key), "sweep") != 0) continue;
        if (root->data.mapping.style == YAML_FLOW_MAPPING_STYLE || *section != NULL)
            return kad_fail(r->ctx, KAD_ECONFIG,
                            "%s:%d: sweep: must be one section with lines of its own",
                            r->name, (int)key->start_mark.line + 1);
        *section = node_of(r, p->value);
        *first = key->start_mark.line;
        *end = SIZE_MAX;
    }
    return KAD_OK;
}

static void end_reader(reader *r)
{
    yaml_document_delete(&r->document);
}

kad_status kad_section_read(kad_scope *scope, const char *text, const char *name,
                            kad_section *section, const char **base)
{
    reader r KAD_CLEARED(end_reader) = {.ctx = scope->ctx, .scope = scope, .name = name};
    yaml_node_t *node;
    size_t first = 0, end = 0;
    KAD_CALL(load(&r, text));
    KAD_CALL(locate(&r, &node, &first, &end));
    if (node == NULL)
        return kad_fail(scope->ctx, KAD_ECONFIG,
                        "%s: has no section sweep: `kadanoff run` is for one run", name);
    KAD_CALL(read_section(&r, node, section));
    return blank(&r, text, first, end, base);
}

bool kad_sweep_is(const char *text)
{
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    reader r = {.ctx = &ctx, .name = ""};
    yaml_node_t *node = NULL;
    size_t first, end;
    if (load(&r, text) != KAD_OK) return false;
    const bool refused = locate(&r, &node, &first, &end) != KAD_OK;
    yaml_document_delete(&r.document);
    return refused || node != NULL;
}
