#include "flow/flow.h"

#include "base/memory.h"
#include "flow/hierarchy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* RG level of a site's latent: the largest h with every coordinate divisible by 2^h. */
static int level_of(const kad_lattice *lattice, int site)
{
    int c[KAD_MAX_DIM], h = 0;
    kad_lattice_coords(lattice, site, c);
    for (; h < lattice->n_levels; h++)
        for (int mu = 0; mu < lattice->d; mu++)
            if (c[mu] >> h & 1) return h;
    return h;
}

static size_t round_up(size_t n)
{
    return (n + KAD_ALIGN - 1) / KAD_ALIGN * KAD_ALIGN;
}

/* Offsets of every stage's slice and the sizes of the whole. */
static void lay_out(kad_flow *flow)
{
    for (int i = 0; i < flow->n_stages; i++) {
        kad_stage *s = &flow->stages[i];
        if (s->ops->solver) {
            flow->solver = s->ops->solver;
            flow->solver_given = flow->solver->is_given(s);
        }
        s->theta = flow->n_theta;
        flow->n_theta += s->n_theta;
        for (int p = 0; p < 2; p++) {
            s->packed[p] = flow->packed_bytes[p];
            flow->packed_bytes[p] += round_up(s->packed_bytes[p]);
            if (s->scratch_bytes[p] > flow->scratch_bytes[p])
                flow->scratch_bytes[p] = round_up(s->scratch_bytes[p]);
        }
    }
    if (!flow->solver || flow->solver_given) return;
    const size_t doubles = flow->packed_bytes[KAD_DOUBLE];
    for (int p = 0; p < 2; p++) { /* see settle in flow_apply.c */
        flow->settling[p] = flow->packed_bytes[p];
        flow->packed_bytes[p] += (p == KAD_SINGLE ? doubles : 0) +
                                 (size_t)flow->n_rows * KAD_ROW_BYTES +
                                 flow->scratch_bytes[KAD_DOUBLE];
    }
}

static int by_name(const void *a, const void *b)
{
    const kad_stage *s = *(const kad_stage *const *)a, *t = *(const kad_stage *const *)b;
    return s->level != t->level ? s->level - t->level : strcmp(s->name, t->name);
}

/* Tensors of one name would overwrite each other in a file. */
static kad_status require_unique_names(kad_ctx *ctx, const kad_flow *flow)
{
    KAD_SCOPE(scope, ctx);
    const kad_stage **sorted;
    KAD_CALL(kad_take(&scope, (size_t)flow->n_stages, &sorted));
    for (int i = 0; i < flow->n_stages; i++) {
        const kad_stage *s = sorted[i] = &flow->stages[i];
        for (int k = 1; k < s->n_tensors; k++)
            for (int l = 0; l < k; l++)
                if (strcmp(s->tensors[k].name, s->tensors[l].name) == 0)
                    return kad_fail(ctx, KAD_EINTERNAL,
                                    "flow: two parameters of stage %s are called %s",
                                    s->name, s->tensors[k].name);
    }
    qsort(sorted, (size_t)flow->n_stages, sizeof *sorted, by_name);
    for (int i = 1; i < flow->n_stages; i++)
        if (by_name(&sorted[i - 1], &sorted[i]) == 0)
            return kad_fail(ctx, KAD_EINTERNAL,
                            "flow: two stages of level %d are called %s",
                            sorted[i]->level, sorted[i]->name);
    return KAD_OK;
}

static kad_status make_sites(kad_ctx *ctx, const kad_flow_target *target, kad_flow *flow)
{
    const size_t n = (size_t)target->lattice->n_sites;
    KAD_CALL(kad_new(ctx, n, 1, &flow->active));
    KAD_CALL(kad_new(ctx, n, sizeof(int), &flow->level_of));
    for (int i = 0; i < target->lattice->n_sites; i++) {
        flow->active[i] = target->active ? target->active[i] : 1;
        flow->n_active += flow->active[i];
        flow->level_of[i] = flow->active[i] ? level_of(target->lattice, i) : -1;
    }
    return KAD_OK;
}

kad_status kad_flow_create(kad_ctx *ctx, const kad_flow_options *options,
                           const kad_flow_target *target, kad_flow **out)
{
    KAD_LOCAL(kad_flow, flow);
    kad_stage_list list KAD_CLEARED(kad_stage_list_clear) = {0};
    *out = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *flow, &flow));
    flow->lattice = target->lattice;
    flow->n_comp = target->n_comp;
    flow->n_rows = target->lattice->n_sites * target->n_comp;
    flow->n_levels = target->lattice->n_levels + 1;
    snprintf(flow->hierarchy, sizeof flow->hierarchy, "%s", options->hierarchy);
    flow->prior = kad_prior_find(options->prior);
    flow->temperature = options->temperature;
    KAD_CALL(make_sites(ctx, target, flow));
    KAD_CALL(kad_hierarchy_build(ctx, options, target, &list));
    flow->n_stages = list.n;
    flow->stages = list.stage;
    list = (kad_stage_list){0};
    KAD_CALL(require_unique_names(ctx, flow));
    lay_out(flow);
    *out = flow;
    flow = NULL;
    return KAD_OK;
}

void kad_flow_destroy(kad_flow *flow)
{
    if (!flow) return;
    for (int i = 0; i < flow->n_stages; i++)
        kad_stage_clear(&flow->stages[i]);
    kad_free(flow->stages);
    kad_free(flow->active);
    kad_free(flow->level_of);
    kad_free(flow);
}

void kad_flow_init(const kad_flow *flow, uint64_t seed, double *theta)
{
    for (int i = 0; i < flow->n_stages; i++) {
        const kad_stage *s = &flow->stages[i];
        const kad_rng rng = kad_rng_stream(seed, KAD_RNG_INIT, (uint32_t)i);
        if (s->ops->init && s->n_theta)
            s->ops->init(s, rng, (uint32_t)i, theta + s->theta);
    }
}

void kad_flow_tensor_name(const kad_stage *stage, const kad_tensor *tensor, char *out,
                          size_t size)
{
    if (stage->level < 0)
        snprintf(out, size, "%s/%s", stage->name, tensor->name);
    else
        snprintf(out, size, "level_%d/%s/%s", stage->level, stage->name, tensor->name);
}

/* Level of the small flow that fills level `level` of the large one (flow.h). The
 * coarsest two, the top site's own stage and the last blocks, are counted from the top.
 */
static int source_level(int level, int n_new, int n_old)
{
    const int from_top = n_new - level;
    if (level < 0) return level;
    if (from_top <= 1) return n_old - from_top;
    const int last = n_old > 2 ? n_old - 2 : 0;
    return level < last ? level : last;
}

static const kad_stage *find_stage(const kad_flow *flow, int level, const char *name)
{
    for (int i = 0; i < flow->n_stages; i++)
        if (flow->stages[i].level == level && strcmp(flow->stages[i].name, name) == 0)
            return &flow->stages[i];
    return NULL;
}

static const kad_tensor *find_tensor(const kad_stage *stage, const char *name)
{
    for (int i = 0; i < stage->n_tensors; i++)
        if (strcmp(stage->tensors[i].name, name) == 0) return &stage->tensors[i];
    return NULL;
}

/* Spectra on orbits, a column each: linear interpolation in khat^2; constant beyond the ends. */
static void interpolate(const kad_tensor *from, const double *a, const kad_tensor *to,
                        double *b)
{
    const size_t n = (size_t)to->cols;
    for (int i = 0; i < to->rows; i++) {
        const double k2 = to->modes[i];
        int lo = -1, hi = -1;
        for (int j = 0; j < from->rows; j++) {
            if (from->modes[j] <= k2 && (lo < 0 || from->modes[j] > from->modes[lo]))
                lo = j;
            if (from->modes[j] >= k2 && (hi < 0 || from->modes[j] < from->modes[hi]))
                hi = j;
        }
        if (lo < 0) lo = hi;
        if (hi < 0) hi = lo;
        const double width = from->modes[hi] - from->modes[lo];
        const double t = width > 0 ? (k2 - from->modes[lo]) / width : 0;
        for (size_t c = 0; c < n; c++)
            b[(size_t)i * n + c] =
                (1 - t) * a[(size_t)lo * n + c] + t * a[(size_t)hi * n + c];
    }
}

size_t kad_flow_transfer(const kad_flow *from, const double *theta_from,
                         const kad_flow *to, double *theta_to)
{
    size_t n = 0;
    for (int i = 0; i < to->n_stages; i++) {
        const kad_stage *s = &to->stages[i];
        const int level =
            source_level(s->level, to->lattice->n_levels, from->lattice->n_levels);
        const kad_stage *f = find_stage(from, level, s->name);
        for (int k = 0; f && k < s->n_tensors; k++) {
            const kad_tensor *t = &s->tensors[k], *g = find_tensor(f, t->name);
            const size_t size = (size_t)t->rows * (size_t)t->cols;
            if (!g) continue;
            const double *a = theta_from + f->theta + g->offset;
            double *b = theta_to + s->theta + t->offset;
            if (t->modes && g->modes && t->cols == g->cols)
                interpolate(g, a, t, b);
            else if (t->rows == g->rows && t->cols == g->cols)
                memcpy(b, a, size * sizeof(double));
            else
                continue;
            n += size;
        }
    }
    return n;
}
