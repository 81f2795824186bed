/* A configuration in force as YAML and JSON, and commented templates of a schema. */
#include "base/memory.h"
#include "io/config_impl.h"
#include "io/number.h"

#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- growing text ---- */

void kad_out_add(kad_out *text, const char *format, ...)
{
    if (text->failed) return;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0) {
        text->failed = true;
        return;
    }
    if (text->n + (size_t)n + 1 > text->capacity) {
        size_t capacity = 2 * (text->n + (size_t)n) + 1024;
        char *data = kad_alloc(capacity, 1);
        text->failed = !data;
        if (!data) return;
        if (text->n) memcpy(data, text->data, text->n);
        kad_free(text->data);
        text->data = data;
        text->capacity = capacity;
    }
    va_start(args, format);
    vsnprintf(text->data + text->n, (size_t)n + 1, format, args);
    va_end(args);
    text->n += (size_t)n;
}

char *kad_out_finish(kad_out *text)
{
    if (!text->data && !text->failed) kad_out_add(text, "%s", "");
    if (!text->failed) {
        text->data[text->n] = 0; /* an empty section may have been taken back */
        return text->data;
    }
    kad_free(text->data);
    return NULL;
}

/* ---- values ---- */

/* A text that YAML reads as itself without quotes, and that no YAML takes for a number, a
 * boolean or nothing. */
static bool is_bare(const char *s)
{
    static const char *const taken[] = {"true", "false", "null", "yes", "no",
                                        "on",   "off",   "auto", "y",   "n"};
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    if (!*s || !strchr(letters, *s)) return false;
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (strcmp(s, taken[i]) == 0) return false;
    for (; *s; s++)
        if (!strchr(letters, *s) && !strchr("0123456789_-./", *s)) return false;
    return true;
}

/* The character at s (valid UTF-8, as libyaml has seen to) and its number of bytes. */
static unsigned decode(const char *s, int *n_bytes)
{
    const unsigned char *u = (const unsigned char *)s;
    *n_bytes = u[0] < 0x80 ? 1 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
    unsigned code = *n_bytes == 1 ? u[0] : u[0] & (0xffu >> (*n_bytes + 1));
    for (int i = 1; i < *n_bytes; i++)
        code = code << 6 | (u[i] & 0x3fu);
    return code;
}

/* Characters that YAML does not print, takes for line breaks or for byte order marks. */
static bool needs_escape(unsigned code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 ||
           code == 0x2029 || code == 0xfeff || code == 0xfffe || code == 0xffff;
}

static void print_string(kad_out *out, const char *s, bool is_enum)
{
    if (is_enum || is_bare(s)) {
        kad_out_add(out, "%s", s);
        return;
    }
    kad_out_add(out, "\"");
    for (int n; *s; s += n) {
        unsigned code = decode(s, &n);
        if (code == '"' || code == '\\')
            kad_out_add(out, "\\%c", (char)code);
        else if (needs_escape(code))
            kad_out_add(out, "\\u%04x", code);
        else
            kad_out_add(out, "%.*s", n, s);
    }
    kad_out_add(out, "\"");
}

static void print_number(kad_out *out, const kad_entry *entry, size_t i)
{
    char number[KAD_NUMBER_CHARS];
    if (entry->ints)
        kad_out_add(out, "%lld", (long long)entry->ints[i]);
    else
        kad_out_add(out, "%s", kad_format_real(number, entry->reals[i]));
}

void kad_entry_print(kad_out *out, const kad_entry *entry)
{
    switch (entry->spec->type) {
    case KAD_STRING:
    case KAD_PATH:
    case KAD_ENUM:
        print_string(out, entry->string, entry->spec->type == KAD_ENUM);
        return;
    case KAD_BOOL:
        kad_out_add(out, "%s", entry->ints[0] ? "true" : "false");
        return;
    case KAD_INT:
    case KAD_REAL:
        print_number(out, entry, 0);
        return;
    case KAD_INTS:
    case KAD_REALS:
        kad_out_add(out, "[");
        for (size_t i = 0; i < entry->n; i++) {
            if (i) kad_out_add(out, ", ");
            print_number(out, entry, i);
        }
        kad_out_add(out, "]");
        return;
    }
}

/* NULL on exhaustion. */
static json_t *entry_json(const kad_entry *entry)
{
    switch (entry->spec->type) {
    case KAD_STRING:
    case KAD_PATH:
    case KAD_ENUM:
        return json_string(entry->string); /* NULL too when it is not UTF-8 */
    case KAD_BOOL:
        return json_boolean((int)entry->ints[0]);
    case KAD_INT:
        return json_integer((json_int_t)entry->ints[0]);
    case KAD_REAL:
        return json_real(entry->reals[0]);
    case KAD_INTS:
    case KAD_REALS:
        break;
    }
    json_t *array = json_array();
    for (size_t i = 0; array && i < entry->n; i++) {
        json_t *number = entry->ints ? json_integer((json_int_t)entry->ints[i])
                                     : json_real(entry->reals[i]);
        if (json_array_append_new(array, number) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

/* ---- the tree of keys ----
 * A node is printed when its first key comes up; `prefix` is the generic path of the node
 * with its dot ("", "train.", "sample[]."), `actual` the same with indices. */

typedef struct node {
    const kad_config *config;
    kad_config_scope scope;
    const char *prefix, *actual;
    int depth;
    bool first_in_item; /* the next line opens a list item */
    kad_out *yaml;      /* exactly one of the two */
    json_t *json;
    bool failed;
} node;

static void print_node(node *self);

/* True when an earlier key of the schema has the same first n characters. */
typedef struct first_with {
    const char *text;
    size_t n;
    const kad_key *found;
} first_with;

static void find_first(void *self, const kad_key *key)
{
    first_with *search = self;
    if (!search->found && strncmp(key->key, search->text, search->n) == 0)
        search->found = key;
}

static bool is_first(const kad_config *config, const kad_key *key, size_t n)
{
    first_with search = {key->key, n, NULL};
    kad_schema_each(config->schema, find_first, &search);
    return search.found == key;
}

/* A file's name, as a reader elsewhere can use it: below the config's home relative to it,
 * else absolute. From kad_alloc, NULL on exhaustion. */
static char *portable_path(const kad_config *config, const kad_entry *entry)
{
    const char *path = entry->string;
    const size_t n = config->home ? strlen(config->home) : 0;
    char here[4096];
    kad_out out = {0};
    if (n > 0 && strncmp(path, config->home, n) == 0 && path[n] == '/')
        kad_out_add(&out, "%s", path + n + 1);
    else if (*path == 0 || *path == '/' || kad_entry_is_choice(entry) ||
             !getcwd(here, sizeof here))
        kad_out_add(&out, "%s", path);
    else
        kad_out_add(&out, "%s/%s", here, path);
    return kad_out_finish(&out);
}

/* A file that its digest stands for. */
static bool has_digest(const kad_config *config, const char *path)
{
    char digest[2 * KAD_CONFIG_MAX_KEY + 8];
    snprintf(digest, sizeof digest, "%s_sha256", path);
    return kad_entries_find(&config->set, digest) != NULL;
}

/* The value in force of "actual + name". In lists, where one table serves several kinds,
 * only what is set. */
static const kad_entry *value_of(const node *self, const kad_key *key, const char *name)
{
    char path[2 * KAD_CONFIG_MAX_KEY];
    snprintf(path, sizeof path, "%s%s", self->actual, name);
    const kad_entry *entry = kad_entries_find(&self->config->set, path);
    if (strchr(self->prefix, '[')) return entry;
    if (self->scope == KAD_CONFIG_GIVEN) return entry && !entry->chosen ? entry : NULL;
    if (!entry) entry = kad_entries_find(&self->config->defaults, key->key);
    if (!entry || self->scope == KAD_CONFIG_ALL) return entry;
    if (self->scope == KAD_CONFIG_CONTENT && key->type == KAD_PATH &&
        has_digest(self->config, path))
        return NULL;
    return kad_config_applies(self->config, path) ? entry : NULL;
}

static void indent(node *self)
{
    for (int i = 0; i < self->depth; i++)
        kad_out_add(self->yaml, "%s",
                    self->first_in_item && i == self->depth - 1 ? "- " : "  ");
    self->first_in_item = false;
}

static void print_leaf(node *self, const kad_key *key, const char *name)
{
    const kad_entry *found = value_of(self, key, name);
    if (!found) return;
    kad_entry entry = *found;
    char *path = key->type == KAD_PATH ? portable_path(self->config, found) : NULL;
    if (path) entry.string = path;
    if (key->type == KAD_PATH && !path) {
        self->failed = true;
        if (self->yaml) self->yaml->failed = true;
        return;
    }
    if (self->json) {
        if (json_object_set_new(self->json, name, entry_json(&entry)) != 0)
            self->failed = true;
    } else {
        indent(self);
        kad_out_add(self->yaml, "%s: ", name);
        kad_entry_print(self->yaml, &entry);
        kad_out_add(self->yaml, "\n");
    }
    kad_free(path);
}

/* One map below this node: a section, or item `index` of a list (-1: a section). */
static void print_child(node *self, const char *name, int index, json_t *into)
{
    char prefix[KAD_CONFIG_MAX_KEY + 8], actual[2 * KAD_CONFIG_MAX_KEY + 16];
    char number[16] = "";
    if (index >= 0) snprintf(number, sizeof number, "[%d]", index);
    snprintf(prefix, sizeof prefix, "%s%s%s.", self->prefix, name,
             index >= 0 ? "[]" : "");
    snprintf(actual, sizeof actual, "%s%s%s.", self->actual, name, number);
    node child = {.config = self->config,
                  .scope = self->scope,
                  .prefix = prefix,
                  .actual = actual,
                  .depth = self->depth + (index >= 0 ? 2 : 1),
                  .first_in_item = index >= 0,
                  .yaml = self->yaml,
                  .json = into};
    print_node(&child);
    if (child.failed) self->failed = true;
    if (self->yaml && child.first_in_item) {
        indent(&child); /* an item without values */
        kad_out_add(self->yaml, "{}\n");
    }
}

static void print_section(node *self, const char *name)
{
    if (self->yaml) {
        size_t before = self->yaml->n;
        indent(self);
        kad_out_add(self->yaml, "%s:\n", name);
        size_t head = self->yaml->n;
        print_child(self, name, -1, NULL);
        if (self->yaml->n == head) self->yaml->n = before; /* nothing in it */
        return;
    }
    json_t *section = json_object();
    if (section) print_child(self, name, -1, section);
    if (json_object_size(section) > 0)
        self->failed |= json_object_set_new(self->json, name, section) != 0;
    else
        json_decref(section);
}

static void print_list(node *self, const char *name)
{
    char path[2 * KAD_CONFIG_MAX_KEY];
    snprintf(path, sizeof path, "%s%s", self->actual, name);
    const kad_list *list = kad_config_list(self->config, path);
    if (!list) return;
    if (self->yaml) {
        indent(self);
        kad_out_add(self->yaml, list->length ? "%s:\n" : "%s: []\n", name);
        for (int i = 0; i < list->length; i++)
            print_child(self, name, i, NULL);
        return;
    }
    json_t *array = json_array();
    for (int i = 0; i < list->length; i++) {
        json_t *item = json_object();
        if (item) print_child(self, name, i, item);
        if (json_array_append_new(array, item) != 0) self->failed = true;
    }
    if (json_object_set_new(self->json, name, array) != 0) self->failed = true;
}

static void visit_key(void *p, const kad_key *key)
{
    node *self = p;
    size_t n = strlen(self->prefix);
    if (strncmp(key->key, self->prefix, n) != 0) return;
    const char *rest = key->key + n;
    size_t length = strcspn(rest, ".[");
    char name[KAD_CONFIG_MAX_KEY];
    snprintf(name, sizeof name, "%.*s", (int)length, rest);
    if (rest[length] == 0)
        print_leaf(self, key, name);
    else if (!is_first(self->config, key, n + length + 1))
        return;
    else if (rest[length] == '.')
        print_section(self, name);
    else
        print_list(self, name);
}

static void print_node(node *self)
{
    kad_schema_each(self->config->schema, visit_key, self);
}

char *kad_config_yaml(const kad_config *config, kad_config_scope scope)
{
    kad_out text = {0};
    node root = {
        .config = config, .scope = scope, .prefix = "", .actual = "", .yaml = &text};
    print_node(&root);
    return kad_out_finish(&text);
}

char *kad_config_json(const kad_config *config, kad_config_scope scope)
{
    node root = {.config = config,
                 .scope = scope,
                 .prefix = "",
                 .actual = "",
                 .json = json_object()};
    if (!root.json) return NULL;
    print_node(&root);
    char *text = root.failed ? NULL : kad_json_text(root.json, JSON_INDENT(2));
    json_decref(root.json);
    return text;
}
