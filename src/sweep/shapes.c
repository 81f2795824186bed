#include "sweep/shapes.h"

#include "analysis/text.h"

#include <string.h>

/* Does an override leave the cost as it is? */
static bool is_free(const kad_sweep *s, const char *override)
{
    char key[128];
    const size_t n = strcspn(override, "=");
    if (n >= sizeof key) return false;
    memcpy(key, override, n);
    key[n] = 0;
    if (strcmp(key, "seed") == 0) return true;
    const kad_key *spec = kad_schema_find(&s->schema, key);
    return spec != NULL && spec->type == KAD_REAL && strncmp(key, "action.", 7) == 0;
}

/* All that decides the cost of a point, as one text. */
static kad_status describe(const kad_app *app, const kad_sweep *s,
                           const kad_sweep_point *point, kad_scope *in, kad_text *out)
{
    const char **list;
    int n;
    KAD_CALL(kad_sweep_overrides(in, app, s, point, &n, &list));
    for (int i = 0; i < n; i++)
        if (!is_free(s, list[i])) kad_text_add(out, "%s\n", list[i]);
    return out->failed ? kad_fail(in->ctx, KAD_ENOMEM, "%s: out of memory", s->name)
                       : KAD_OK;
}

kad_status kad_shapes_find(kad_scope *in, const kad_app *app, const kad_sweep *s,
                           kad_shapes *out)
{
    const char **known;
    const size_t n = (size_t)s->n_points;
    *out = (kad_shapes){0};
    KAD_CALL(kad_take(in, n, &known));
    KAD_CALL(kad_take(in, n, &out->of));
    KAD_CALL(kad_take(in, n, &out->first));
    KAD_CALL(kad_take(in, n, &out->count));
    for (int i = 0; i < s->n_points; i++) {
        KAD_SCOPE(scope, in->ctx);
        KAD_TEXT(text);
        out->of[i] = -1;
        if (!s->point[i].wanted) continue;
        KAD_CALL(describe(app, s, &s->point[i], &scope, &text));
        const char *is = text.n > 0 ? text.data : "";
        int k = 0;
        while (k < out->n && strcmp(known[k], is) != 0)
            k++;
        if (k == out->n) {
            KAD_CALL(kad_take_text(in, is, &known[k]));
            out->first[out->n++] = i;
        }
        out->of[i] = k;
        out->count[k]++;
    }
    return KAD_OK;
}
