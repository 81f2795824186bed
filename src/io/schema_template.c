/* Commented YAML templates of a schema, for `init`. */
#include "io/config_impl.h"
#include "io/number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct writer {
    const kad_schema *schema;
    const char *section; /* "lattice", "sample", "seed" */
    bool opened;         /* its head line stands */
    bool in_item;        /* the first line of a list item stands */
    kad_out *out;
} writer;

static void print_range(kad_out *out, const kad_key *key)
{
    char lo[KAD_NUMBER_CHARS], hi[KAD_NUMBER_CHARS];
    if (key->lo > key->hi) return;
    kad_format_real(lo, key->lo);
    kad_format_real(hi, key->hi);
    if (isinf(key->lo) && isinf(key->hi)) return;
    if (isinf(key->hi))
        kad_out_add(out, ", at least %s", lo);
    else if (isinf(key->lo))
        kad_out_add(out, ", at most %s", hi);
    else
        kad_out_add(out, ", %s to %s", lo, hi);
}

/* "# inverse temperature; real, 0 to 100 [unit]" */
static void print_comment(kad_out *out, const kad_key *key, const char *margin)
{
    static const char *const names[] = {
        [KAD_INT] = "integer",   [KAD_REAL] = "number", [KAD_BOOL] = "true or false",
        [KAD_STRING] = "text",   [KAD_ENUM] = "one of", [KAD_INTS] = "integers",
        [KAD_REALS] = "numbers", [KAD_PATH] = "a file",
    };
    kad_out_add(out, "%s# %s (%s", margin, key->help ? key->help : "", names[key->type]);
    char choices[KAD_CHOICES_CHARS];
    kad_key_choices(key, "|", sizeof choices, choices);
    if (key->type == KAD_ENUM) kad_out_add(out, " %s", choices);
    print_range(out, key);
    if (key->unit && *key->unit) kad_out_add(out, ", in %s", key->unit);
    kad_out_add(out, ")\n");
}

/* Strings of the table that YAML would read as something else are quoted. */
static void print_default(kad_out *out, const kad_key *key)
{
    bool quote = key->type == KAD_STRING && (*key->def == 0 || strpbrk(key->def, ": #"));
    kad_out_add(out, quote ? "\"%s\"" : "%s", key->def);
}

static void print_key(void *self, const kad_key *key)
{
    writer *w = self;
    size_t n = strlen(w->section);
    if (strncmp(key->key, w->section, n) != 0) return;
    const char *rest = key->key + n;
    const char *margin = "";
    bool list = strncmp(rest, "[].", 3) == 0;
    if (*rest == 0) {
        rest = key->key;
    } else if (*rest == '.' || list) {
        rest += list ? 3 : 1;
        margin = list ? "    " : "  ";
        if (!w->opened) kad_out_add(w->out, "%s:\n", w->section);
        w->opened = true;
    } else {
        return;
    }
    print_comment(w->out, key, margin);
    if (!key->def) {
        kad_out_add(w->out, "%s# %s: auto\n", margin, rest);
        return;
    }
    /* live: what says which model it is, and the name that opens a list item; the rest may
     * not apply to what is chosen here */
    const bool live = (list && !w->in_item) || strcmp(w->section, "action") == 0;
    kad_out_add(w->out, "%s%s%s: ", list && !w->in_item ? "  - " : margin,
                live ? "" : "# ", rest);
    w->in_item = true;
    print_default(w->out, key);
    kad_out_add(w->out, "\n");
}

char *kad_schema_template(const kad_schema *schema, const char *sections)
{
    kad_out out = {0};
    while (*sections) {
        sections += strspn(sections, " ");
        size_t n = strcspn(sections, " ");
        char section[KAD_CONFIG_MAX_KEY];
        if (n == 0 || n >= sizeof section) break;
        memcpy(section, sections, n);
        section[n] = 0;
        sections += n;
        writer w = {.schema = schema, .section = section, .out = &out};
        kad_schema_each(schema, print_key, &w);
    }
    return kad_out_finish(&out);
}
