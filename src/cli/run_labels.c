#include "cli/run_labels.h"

#include <string.h>

enum { MAX_PARTS = 64 };

typedef struct parts {
    size_t n;
    char *part[MAX_PARTS];
} parts;

/* The last MAX_PARTS of a path, without those that lead nowhere. */
static kad_status split(kad_scope *in, const char *path, parts *out)
{
    char *text, *rest;
    out->n = 0;
    KAD_CALL(kad_take_text(in, path, &text));
    for (char *p = strtok_r(text, "/", &rest); p != NULL;
         p = strtok_r(NULL, "/", &rest)) {
        if (strcmp(p, ".") == 0) continue;
        if (out->n == MAX_PARTS)
            memmove(out->part, out->part + 1, (--out->n) * sizeof *out->part);
        out->part[out->n++] = p;
    }
    return KAD_OK;
}

/* Parts that stand at the same place from the end belong together. */
static const char *from_end(const parts *p, size_t i)
{
    return i < p->n ? p->part[p->n - 1 - i] : "";
}

static bool all_same(size_t n, const parts *p, size_t i)
{
    for (size_t k = 1; k < n; k++)
        if (strcmp(from_end(&p[0], i), from_end(&p[k], i)) != 0) return false;
    return true;
}

static kad_status join(kad_scope *in, size_t n, const parts *all, const parts *own,
                       const char **label)
{
    *label = "";
    for (size_t i = own->n; i-- > 0;) {
        if (all_same(n, all, i)) continue;
        KAD_CALL(kad_take_printf(in, label, "%s%s%s", *label, **label != 0 ? "/" : "",
                                 from_end(own, i)));
    }
    if (**label == 0) *label = own->n > 0 ? from_end(own, 0) : "/";
    return KAD_OK;
}

kad_status kad_run_labels(kad_scope *in, size_t n, const char *const *paths,
                          const char **labels)
{
    parts *p;
    KAD_CALL(kad_take(in, n, &p));
    for (size_t k = 0; k < n; k++)
        KAD_CALL(split(in, paths[k], &p[k]));
    for (size_t k = 0; k < n; k++)
        KAD_CALL(join(in, n, p, &p[k], &labels[k]));
    return KAD_OK;
}
