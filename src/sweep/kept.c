/* The config that a sweep's folder keeps: sweep.yaml, the text as it was last claimed with,
 * and behind it, as comments, the file that it came from, beside which others are looked
 * for, and what the command line changed. */
#include "io/file.h"
#include "run/pipeline.h"
#include "sweep/points.h"

#include <stdlib.h>
#include <string.h>

static const char MARK[] = "# kadanoff sweep: ";

/* The first of these comments; the end of the text where there is none. */
static const char *find_mark(const char *text)
{
    const char *at = text;
    while (*at != 0 && strncmp(at, MARK, sizeof MARK - 1) != 0) {
        at += strcspn(at, "\n");
        at += *at == '\n';
    }
    return at;
}

static void print_mark(FILE *out, const char *text)
{
    fputs(MARK, out);
    for (; *text != 0; text++)
        fputc(*text == '\n' ? ' ' : *text, out);
    fputc('\n', out);
}

void kad_kept_print(FILE *out, const void *self)
{
    const kad_kept *kept = self;
    const size_t n = (size_t)(find_mark(kept->text) - kept->text);
    char *name = realpath(kept->name, NULL);
    fwrite(kept->text, 1, n, out);
    if (n > 0 && kept->text[n - 1] != '\n') fputc('\n', out);
    print_mark(out, name != NULL ? name : kept->name);
    for (int i = 0; i < kept->n; i++)
        print_mark(out, kept->overrides[i]);
    free(name); /* of the C library, not of kad_alloc */
}

/* A line behind a mark; *at moves to the next one. */
static kad_status take_line(kad_scope *in, const char **at, const char **line)
{
    const char *begin = *at + sizeof MARK - 1;
    const size_t n = strcspn(begin, "\n");
    *at = find_mark(begin + n + (begin[n] == '\n'));
    return kad_take_printf(in, line, "%.*s", (int)n, begin);
}

static int count_marks(const char *text)
{
    int n = 0;
    for (const char *at = find_mark(text); *at != 0; n++)
        at = find_mark(at + sizeof MARK - 1);
    return n;
}

kad_status kad_kept_read(kad_scope *in, const char *folder, kad_kept *out)
{
    KAD_LOCAL(char, text);
    bool there = false;
    const char *path;
    *out = (kad_kept){0};
    KAD_CALL(kad_take_printf(in, &path, "%s/sweep.yaml", folder));
    KAD_CALL(kad_file_exists(in->ctx, path, &there));
    if (!there) return KAD_OK;
    KAD_CALL(kad_pipeline_read(in->ctx, path, &text));
    KAD_CALL(kad_take_text(in, text, &out->text));
    out->name = path;
    const int n = count_marks(out->text);
    const char *at = find_mark(out->text);
    if (n == 0) return KAD_OK;
    KAD_CALL(take_line(in, &at, &out->name));
    KAD_CALL(kad_take(in, (size_t)n, &out->overrides));
    for (; out->n < n - 1; out->n++)
        KAD_CALL(take_line(in, &at, &out->overrides[out->n]));
    return KAD_OK;
}

/* A file of the command line is one of its working directory. */
static kad_status make_lasting(kad_scope *in, const kad_sweep *s, const char *override,
                               const char **out)
{
    const int n = (int)strcspn(override, "=");
    const char *key;
    char *path = NULL;
    KAD_CALL(kad_take_printf(in, &key, "%.*s", n, override));
    const kad_key *spec = kad_schema_find(&s->schema, key);
    if (spec != NULL && spec->type == KAD_PATH) path = realpath(override + n + 1, NULL);
    *out = override;
    const kad_status status =
        path != NULL ? kad_take_printf(in, out, "%s=%s", key, path) : KAD_OK;
    free(path); /* of the C library, not of kad_alloc */
    return status;
}

kad_status kad_kept_overrides(kad_scope *in, const kad_app *app, const kad_sweep *s,
                              const char ***out)
{
    KAD_CALL(kad_take(in, (size_t)app->n_overrides, out));
    for (int i = 0; i < app->n_overrides; i++)
        KAD_CALL(make_lasting(in, s, app->overrides[i], &(*out)[i]));
    return KAD_OK;
}
