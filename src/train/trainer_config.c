/* Comparison of two configurations in what a training depends on. */
#include "train/trainer_state.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* One line of a YAML text at a time, restricted to the sections that matter. */
typedef struct reader {
    const char *at;
    char section[64];
    char line[512]; /* the present one, trimmed; "" at the end */
} reader;

static bool matters(const reader *r)
{
    static const char *const sections[] = {"seed", "lattice", "action",
                                           "data", "flow",    "train"};
    if (strncmp(r->line, "checkpoint_seconds:", 19) == 0) return false;
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++)
        if (strcmp(r->section, sections[i]) == 0) return true;
    return false;
}

static void copy_line(reader *r, const char *text, size_t length)
{
    while (length > 0 && isspace((unsigned char)text[length - 1]))
        length--;
    while (length > 0 && isspace((unsigned char)*text)) {
        text++;
        length--;
    }
    if (length >= sizeof r->line) length = sizeof r->line - 1;
    memcpy(r->line, text, length);
    r->line[length] = '\0';
}

static void advance(reader *r)
{
    while (*r->at != '\0') {
        const char *text = r->at;
        const size_t length = strcspn(text, "\n");
        r->at += length + (text[length] == '\n');
        copy_line(r, text, length);
        if (r->line[0] == '\0' || r->line[0] == '#') continue;
        if (!isspace((unsigned char)text[0]) && text[0] != '-') {
            const size_t name = strcspn(r->line, ":");
            snprintf(r->section, sizeof r->section, "%.*s", (int)(name < 63 ? name : 63),
                     r->line);
        }
        if (matters(r)) return;
    }
    r->line[0] = '\0';
}

static const char *shown(const reader *r)
{
    return r->line[0] != '\0' ? r->line : "nothing";
}

kad_status kad_trainer_compare_config(kad_ctx *ctx, const char *where, const char *then,
                                      const char *now)
{
    reader a = {.at = then}, b = {.at = now};
    do {
        advance(&a);
        advance(&b);
        if (strcmp(a.line, b.line) != 0 || strcmp(a.section, b.section) != 0)
            return kad_fail(
                ctx, KAD_ECONFIG,
                "%s: trained with %s \"%s\", but the configuration says \"%s\" "
                "(use another run folder)",
                where, a.section, shown(&a), shown(&b));
    } while (a.line[0] != '\0' || b.line[0] != '\0');
    return KAD_OK;
}
