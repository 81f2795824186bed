/* Finite-size scaling of a sweep (analysis/fss.h): which of its points belong together, and
 * what is said of them. Points that differ in lattice size, the tuned coupling and the seed
 * alone are one group; seeds are combined. */
#include "analysis/fss.h"
#include "analysis/results.h"
#include "io/number.h"
#include "io/progress.h"
#include "io/writer.h"
#include "run/pipeline.h"
#include "run/run_state.h"
#include "sweep/curves.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One complete point, as it is found in its folder. */
typedef struct member {
    const kad_sweep_point *point;
    double size, tune;
    const char *group; /* values of the other keys */
    bool done;         /* belongs to a group that was analysed */
} member;

typedef struct search {
    kad_scope *in;
    kad_app *app;
    const kad_sweep *sweep;
    int shape, tune, seed; /* keys; -1: no key of the sweep */
    const char *sampler;
    size_t n, n_blocks;
    member *member; /* [n] */
    char reason[2 * KAD_FSS_REASON];
} search;

static const char *const stated[] = {"T_c", "nu", "gamma/nu", "-beta/nu"};
enum { N_STATED = 4 };

/* --- which points --------------------------------------------------------------------
 */

static double size_of(const search *s, const kad_sweep_point *point)
{
    double extent, largest = 0, volume = 1, d = 0;
    const bool by_volume = strcmp(s->sweep->options.analysis.fss.scale, "N") == 0;
    char plain[64];
    if (s->shape < 0 || point->value[s->shape] == NULL) return NAN;
    kad_sweep_plain_value(point->value[s->shape], sizeof plain, plain);
    char *more = plain;
    for (char *at = strtok_r(plain, "x", &more); at != NULL;
         at = strtok_r(NULL, "x", &more)) {
        if (!kad_parse_real(at, &extent)) return NAN;
        largest = fmax(largest, extent);
        volume *= extent;
        d++;
    }
    return by_volume ? pow(volume, 1 / fmax(d, 1)) : largest;
}

/* The first sampler that made a chain: the config's first. */
static kad_status find_sampler(search *s, kad_h5 *file)
{
    size_t n;
    char **names;
    if (s->sweep->options.analysis.fss.sampler != NULL)
        s->sampler = s->sweep->options.analysis.fss.sampler;
    if (s->sampler != NULL) return KAD_OK;
    KAD_CALL(kad_members(s->in, file, "/analysis", &n, &names));
    for (size_t i = 0; i < n && s->sampler == NULL; i++)
        if (kad_is_sampler_table(names[i])) s->sampler = names[i];
    return KAD_OK;
}

/* How long its blocks must be; what is flagged is said. */
static kad_status look_at(search *s, const kad_sweep_point *point)
{
    kad_h5 *file;
    char reason[KAD_FSS_REASON], label[256];
    size_t n_blocks;
    KAD_CALL(kad_sweep_results(s->in->ctx, s->sweep, point, &file));
    KAD_CALL(find_sampler(s, file));
    if (s->sampler == NULL) {
        snprintf(s->reason, sizeof s->reason, "finite-size scaling: no sampler ran");
        return KAD_OK;
    }
    KAD_CALL(kad_fss_blocks(s->in->ctx, file, s->sampler, &n_blocks, reason));
    if (n_blocks > 0 && n_blocks < s->n_blocks) s->n_blocks = n_blocks;
    if (n_blocks == 0 && s->reason[0] == 0)
        snprintf(s->reason, sizeof s->reason, "finite-size scaling: point %d (%.80s) %s",
                 point->number, kad_sweep_label(s->sweep, point, sizeof label, label),
                 reason);
    return KAD_OK;
}

static kad_status find_members(search *s)
{
    const int tied[] = {s->shape, s->tune, s->seed};
    KAD_CALL(kad_take(s->in, (size_t)s->sweep->n_points, &s->member));
    for (int i = 0; i < s->sweep->n_points; i++) {
        const kad_sweep_point *point = &s->sweep->point[i];
        member *m = &s->member[s->n];
        kad_sweep_point others;
        kad_run_state state;
        KAD_CALL(kad_sweep_stand(&s->app->ctx, s->sweep, point, &state));
        if (state.stand != KAD_RUN_COMPLETE) continue;
        *m = (member){.point = point, .size = size_of(s, point), .tune = NAN};
        if (point->value[s->tune] != NULL)
            (void)kad_parse_real(point->value[s->tune], &m->tune);
        if (!isfinite(m->size) || !isfinite(m->tune)) continue;
        KAD_CALL(kad_sweep_without(s->in, s->sweep, point, 3, tied, &others));
        KAD_CALL(kad_sweep_group_name(s->in, s->sweep, &others, &m->group));
        KAD_CALL(look_at(s, point));
        s->n++;
    }
    return KAD_OK;
}

/* --- one group -----------------------------------------------------------------------
 */

static bool same(const member *a, const member *b)
{
    return strcmp(a->group, b->group) == 0 && a->size == b->size && a->tune == b->tune;
}

/* Member `first` and those that differ from it in the seed alone. */
static kad_status read_seeds(kad_scope *in, search *s, size_t first, kad_fss_point *out)
{
    kad_fss_point *seed;
    size_t n = 0;
    KAD_CALL(kad_take(in, s->n, &seed));
    for (size_t i = first; i < s->n; i++) {
        kad_h5 *file;
        if (!same(&s->member[first], &s->member[i])) continue;
        s->member[i].done = true;
        KAD_CALL(kad_sweep_results(in->ctx, s->sweep, s->member[i].point, &file));
        seed[n] = (kad_fss_point){.size = s->member[i].size, .tune = s->member[i].tune};
        KAD_CALL(kad_fss_read(in, file, s->sampler, s->n_blocks, &seed[n++]));
    }
    if (n > 1) return kad_fss_merge(in, n, seed, out);
    *out = seed[0];
    return KAD_OK;
}

/* A line a method, a column a quantity; the last: the least p-value of the fits behind it. */
static void say_method(const search *s, const kad_fss *f, const char *method)
{
    char line[256], cell[64];
    double p = INFINITY;
    int used = snprintf(line, sizeof line, "  %-22s", method);
    for (size_t c = 0; c < N_STATED; c++) {
        cell[0] = 0;
        for (size_t i = 0; i < f->n_results; i++) {
            const kad_fss_result *r = &f->result[i];
            if (strcmp(r->method, method) != 0 || strcmp(r->name, stated[c]) != 0)
                continue;
            kad_format_error(cell, sizeof cell, r->estimate.value, r->estimate.err);
            p = fmin(p, r->p_value);
        }
        used += snprintf(line + used, sizeof line - (size_t)used, " %14s", cell);
    }
    if (isfinite(p)) snprintf(line + used, sizeof line - (size_t)used, "   %.2g", p);
    kad_say(s->app, "%s", line);
}

static void say(const search *s, const char *group, const kad_fss *f)
{
    kad_app *app = s->app;
    char value[64];
    const bool alone = strcmp(group, "all") == 0;
    kad_say(app, "finite-size scaling%s%s: %zu points of %zu lattice sizes by %s",
            alone ? "" : ", ", alone ? "" : group, f->n_points, f->n_sizes, s->sampler);
    if (f->n_results > 0)
        kad_say(app, "  %-22s %14s %14s %14s %14s   p", "", stated[0], stated[1],
                stated[2], stated[3]);
    for (size_t i = 0; i < f->n_results; i++) {
        bool first = true;
        for (size_t k = 0; k < i; k++)
            first = first && strcmp(f->result[k].method, f->result[i].method) != 0;
        if (first) say_method(s, f, f->result[i].method);
    }
    for (size_t i = 0; i < f->n_jumps; i++) {
        kad_format_error(value, sizeof value, f->jump[i].at.value, f->jump[i].at.err);
        kad_say(app, "  L = %-4g beta Y = 2/pi at %s", f->jump[i].size, value);
    }
}

static kad_status analyse_group(search *s, kad_h5 *h5, const char *group)
{
    KAD_SCOPE(scope, s->in->ctx);
    const kad_fss_options options = {s->sweep->options.analysis.fss.omega,
                                     s->sweep->options.analysis.fss.z_max};
    kad_fss_point *point;
    kad_fss *f;
    size_t n = 0;
    char path[KAD_WRITER_PATH], reason[KAD_FSS_REASON];
    KAD_CALL(kad_take(&scope, s->n, &point));
    KAD_CALL(kad_take(&scope, 1, &f));
    for (size_t i = 0; i < s->n; i++)
        if (!s->member[i].done && strcmp(s->member[i].group, group) == 0)
            KAD_CALL(read_seeds(&scope, s, i, &point[n++]));
    KAD_CALL(kad_fss_analyse(&scope, n, point, &options, f, reason));
    if (reason[0] != 0) {
        if (s->reason[0] == 0) snprintf(s->reason, sizeof s->reason, "%s", reason);
        return KAD_OK;
    }
    snprintf(path, sizeof path, "/fss/%.120s", group);
    KAD_CALL(kad_fss_write(s->in->ctx, h5, path, f));
    kad_writer w = kad_write_into(s->in->ctx, h5, path);
    kad_write_text(&w, "tune", s->sweep->key[s->tune]);
    kad_write_text(&w, "sampler", s->sampler);
    KAD_CALL(kad_write_end(&w));
    say(s, group, f);
    return KAD_OK;
}

/* --- all -----------------------------------------------------------------------------
 */

kad_status kad_sweep_fss(kad_app *app, const kad_sweep *sweep, kad_h5 *file)
{
    KAD_SCOPE(scope, &app->ctx);
    const char *tune = sweep->options.analysis.fss.tune;
    const bool asked = tune != NULL;
    int n_couplings = 1;
    search s = {.in = &scope,
                .app = app,
                .sweep = sweep,
                .shape = kad_sweep_find_key(sweep, "lattice.shape"),
                .seed = kad_sweep_find_key(sweep, "seed"),
                .n_blocks = KAD_FSS_BLOCKS};
    if (!asked && s.shape < 0) return KAD_OK;
    if (tune == NULL) tune = kad_sweep_coupling(sweep, &n_couplings);
    if (n_couplings > 1)
        kad_say(app,
                "finite-size scaling: %d couplings vary: sweep.analysis.fss.tune names "
                "the one that is tuned",
                n_couplings);
    if (tune == NULL) return KAD_OK;
    s.tune = kad_sweep_find_key(sweep, tune);
    if (s.tune < 0)
        return kad_fail(&app->ctx, KAD_ECONFIG,
                        "%s: sweep.analysis.fss.tune: %s is no key of the sweep",
                        sweep->name, tune);
    if (s.shape < 0)
        return kad_fail(&app->ctx, KAD_EDATA,
                        "%s: finite-size scaling: one lattice size, it needs two: give "
                        "lattice.shape in sweep.grid",
                        sweep->name);
    KAD_CALL(find_members(&s));
    for (size_t i = 0; i < s.n && s.reason[0] == 0; i++)
        if (!s.member[i].done) KAD_CALL(analyse_group(&s, file, s.member[i].group));
    if (s.n == 0)
        snprintf(s.reason, sizeof s.reason, "finite-size scaling: no point is complete");
    if (s.reason[0] == 0) return KAD_OK;
    if (asked) return kad_fail(&app->ctx, KAD_EDATA, "%s: %s", sweep->name, s.reason);
    kad_say(app, "%s", s.reason);
    return KAD_OK;
}
