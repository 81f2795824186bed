#include "bulk/receptive.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/signals.h"
#include "lattice/orbits.h"

#include <math.h>
#include <string.h>

enum { W = KAD_W_DOUBLE, PARTS = KAD_RECEPTIVE_PARTS };

/* --- geometry ------------------------------------------------------------------------ */

/* The translate in the first `period` sites of every axis (0: the site itself). */
static int reference(const kad_lattice *lattice, int site, int period)
{
    int x[KAD_MAX_DIM];
    if (period <= 0) return site;
    kad_lattice_coords(lattice, site, x);
    for (int mu = 0; mu < lattice->d; mu++)
        x[mu] %= period;
    return kad_lattice_site(lattice, x);
}

static kad_status make_classes(kad_scope *in, kad_receptive *r)
{
    const kad_flow *flow = r->bulk->model->flow;
    const kad_lattice *lattice = flow->lattice;
    const size_t N = (size_t)lattice->n_sites;
    KAD_CALL(kad_take(in, N, &r->class_of));
    for (int h = 0; h < r->n_levels; h++) {
        kad_receptive_level *level = &r->level[h];
        KAD_CALL(kad_take(in, N, &level->site));
        for (int i = 0; i < lattice->n_sites; i++) {
            if (flow->level_of[i] != h) continue;
            if (reference(lattice, i, r->bulk->period[h]) == i) {
                r->class_of[i] = level->n_classes;
                level->site[level->n_classes++] = i;
            } else { /* comes before i in the numbering */
                r->class_of[i] = r->class_of[reference(lattice, i, r->bulk->period[h])];
            }
        }
        const size_t n = (size_t)level->n_classes * N;
        KAD_CALL(kad_take(in, n, &level->strength));
        KAD_CALL(kad_take(in, n, &level->wavelet));
        KAD_CALL(kad_take(in, n, &level->count));
    }
    for (int i = 0; i < lattice->n_sites; i++)
        if (flow->level_of[i] < 0) r->class_of[i] = -1;
    return KAD_OK;
}

/* Length of a displacement to its nearest image, rounded. */
static size_t distance(const kad_lattice *lattice, int displacement)
{
    const double none[KAD_MAX_DIM] = {0};
    double r[KAD_MAX_DIM];
    int x[KAD_MAX_DIM];
    kad_lattice_coords(lattice, displacement, x);
    for (int mu = 0; mu < lattice->d; mu++)
        r[mu] = x[mu];
    return (size_t)(sqrt(kad_lattice_distance2(lattice, none, r)) + 0.5);
}

/* --- adjoint products ---------------------------------------------------------------- */

typedef struct job {
    kad_receptive *r;
    int n_targets, *target; /* boundary sites asked */
    const double *seed;     /* [target][n_sites] dx_target/dy of a component; NULL: y */
    size_t n_lanes;         /* products in all */
    int *shift;             /* [n_sites] displacements of one target */
    size_t *radius;         /* [n_sites] distance of a displacement */
} job;

typedef struct work {
    double *x, *g, *scratch;
} work;

/* Site, component and configuration of product q: sites run fastest, so that every
 * stretch of configurations sees them all. */
static int product_site(const job *w, size_t q)
{
    return w->target[q % (size_t)w->n_targets];
}

static int product_component(const job *w, size_t q)
{
    return (int)(q / (size_t)w->n_targets) % w->r->bulk->model->flow->n_comp;
}

static size_t product_config(const job *w, size_t q)
{
    return (size_t)((double)q / (double)w->n_lanes * (double)w->r->bulk->n);
}

static void load(const job *w, size_t first, size_t n, work *t)
{
    const kad_bulk *bulk = w->r->bulk;
    const kad_flow *flow = bulk->model->flow;
    const size_t c = (size_t)flow->n_comp;
    memset(t->x, 0, (size_t)flow->n_rows * KAD_ROW_BYTES);
    memset(t->g, 0, (size_t)flow->n_rows * KAD_ROW_BYTES);
    for (size_t l = 0; l < W; l++) {
        const size_t q = first + (l < n ? l : 0);
        const double *y = bulk->y + product_config(w, q) * bulk->n_rows;
        const size_t a = (size_t)product_component(w, q);
        for (size_t r = 0; r < bulk->n_rows; r++)
            if (flow->active[r / c]) t->x[r * W + l] = y[r];
        if (w->seed == NULL) {
            t->g[((size_t)product_site(w, q) * c + a) * W + l] = 1;
            continue;
        }
        const double *seed =
            w->seed + q % (size_t)w->n_targets * (size_t)flow->lattice->n_sites;
        for (size_t i = 0; i < (size_t)flow->lattice->n_sites; i++)
            if (flow->active[i]) t->g[(i * c + a) * W + l] = seed[i];
    }
}

/* Displacements of site i from every site, as numbers of sites: [n_sites]. */
static void displacements(const kad_lattice *lattice, int i, int *out)
{
    int x[KAD_MAX_DIM] = {0}, from[KAD_MAX_DIM] = {0};
    kad_lattice_coords(lattice, i, x);
    for (int j = 0; j < lattice->n_sites; j++) {
        int at = 0;
        for (int mu = 0; mu < lattice->d; mu++) {
            const int step = x[mu] - from[mu];
            at = at * lattice->shape[mu] + (step < 0 ? step + lattice->shape[mu] : step);
        }
        out[j] = at;
        for (int mu = lattice->d - 1; mu >= 0 && ++from[mu] == lattice->shape[mu]; mu--)
            from[mu] = 0;
    }
}

/* Adds one product's derivatives, lane l of g. */
static void add_product(const job *w, size_t q, size_t l, const double *g)
{
    kad_receptive *r = w->r;
    const kad_flow *flow = r->bulk->model->flow;
    const size_t c = (size_t)flow->n_comp, N = (size_t)flow->lattice->n_sites;
    const size_t a = (size_t)product_component(w, q), part = q * PARTS / w->n_lanes;
    displacements(flow->lattice, product_site(w, q), w->shift);
    for (int j = 0; j < flow->lattice->n_sites; j++) {
        if (r->class_of[j] < 0) continue;
        const size_t h = (size_t)flow->level_of[j];
        const int d = w->shift[j];
        kad_receptive_level *level = &r->level[h];
        const size_t at = (size_t)r->class_of[j] * N + (size_t)d;
        const double *own = g + (size_t)j * c * W + l;
        double strength = fabs(own[0]);
        if (c > 1) {
            double square = 0;
            for (size_t b = 0; b < c; b++)
                square += own[b * W] * own[b * W];
            strength = sqrt(square);
        }
        level->strength[at] += strength;
        level->wavelet[at] += own[a * W];
        level->count[at]++;
        const size_t p = (part * (size_t)r->n_levels + h) * r->n_r + w->radius[d];
        r->profile[p] += strength;
        r->profile_count[p]++;
    }
}

/* Tiles from product `first` on, each in a space of its own. */
typedef struct tiles {
    const job *w;
    size_t first;
    work *t;
} tiles;

static bool do_tile(void *self, size_t k, int thread)
{
    const tiles *r = self;
    const job *w = r->w;
    const kad_bulk *bulk = w->r->bulk;
    const size_t own = r->first + k * W, left = w->n_lanes - own;
    work *t = &r->t[k];
    (void)thread;
    load(w, own, left < W ? left : W, t);
    kad_flow_generate_adjoint(bulk->model->flow, KAD_DOUBLE,
                              kad_map_packed(bulk->map, KAD_DOUBLE), t->x, t->g, 0, NULL,
                              NULL, t->scratch);
    return true;
}

/* A round of tiles at once, one a thread; their sums are added in order. */
static void run_products(kad_ctx *ctx, const job *w, work *t)
{
    const size_t at_once = (size_t)ctx->n_threads * W;
    for (size_t first = 0; first < w->n_lanes && !kad_stop_requested();
         first += at_once) {
        const size_t left = w->n_lanes - first, n = left < at_once ? left : at_once;
        tiles r = {w, first, t};
        kad_parallel_for(ctx->n_threads, (n + W - 1) / W, do_tile, &r);
        for (size_t q = 0; q < n; q++)
            add_product(w, first + q, q % W, t[q / W].g);
    }
}

/* Rows of dx/dy of the targets, one component: the boundary field is linear in y. */
static kad_status make_seeds(kad_scope *in, const kad_model *model, double **out)
{
    KAD_SCOPE(scope, in->ctx);
    const size_t N = (size_t)model->lattice->n_sites, c = (size_t)model->field->n_comp;
    double *unit, *x;
    KAD_CALL(kad_take(&scope, N * c, &unit));
    KAD_CALL(kad_take(&scope, N * c, &x));
    KAD_CALL(kad_take(in, N * N, out));
    for (size_t j = 0; j < N; j++) {
        unit[j * c] = 1;
        KAD_CALL(kad_action_boundary(in->ctx, model->field, 1, unit, x));
        unit[j * c] = 0;
        for (size_t i = 0; i < N; i++)
            (*out)[i * N + j] = x[i * c];
    }
    return KAD_OK;
}

static kad_status measure(kad_ctx *ctx, kad_receptive *r, int repeats)
{
    const kad_flow *flow = r->bulk->model->flow;
    const int n_threads = ctx->n_threads;
    job w = {.r = r};
    KAD_SCOPE(scope, ctx);
    double *seed = NULL;
    work *t;
    KAD_CALL(kad_take(&scope, (size_t)flow->lattice->n_sites, &w.target));
    KAD_CALL(kad_take(&scope, (size_t)flow->lattice->n_sites, &w.shift));
    KAD_CALL(kad_take(&scope, (size_t)flow->lattice->n_sites, &w.radius));
    for (int i = 0; i < flow->lattice->n_sites; i++)
        w.radius[i] = distance(flow->lattice, i);
    for (int i = 0; i < flow->lattice->n_sites; i++)
        if (r->boundary || flow->active[i]) w.target[w.n_targets++] = i;
    if (r->boundary) KAD_CALL(make_seeds(&scope, r->bulk->model, &seed));
    w.seed = seed;
    w.n_lanes = r->n_products = (size_t)w.n_targets * (size_t)repeats;
    KAD_CALL(kad_take(&scope, (size_t)n_threads, &t));
    for (int k = 0; k < n_threads; k++) {
        KAD_CALL(kad_scope_take(&scope, (size_t)flow->n_rows, KAD_ROW_BYTES, &t[k].x));
        KAD_CALL(kad_scope_take(&scope, (size_t)flow->n_rows, KAD_ROW_BYTES, &t[k].g));
        KAD_CALL(
            kad_scope_take(&scope, flow->scratch_bytes[KAD_DOUBLE], 1, &t[k].scratch));
    }
    run_products(ctx, &w, t);
    return kad_stop_check(ctx, "bulk");
}

static void take_means(kad_receptive *r)
{
    const size_t N = (size_t)r->bulk->model->lattice->n_sites;
    for (int h = 0; h < r->n_levels; h++) {
        kad_receptive_level *level = &r->level[h];
        for (size_t i = 0; i < (size_t)level->n_classes * N; i++) {
            const double n = (double)level->count[i];
            level->strength[i] = n > 0 ? level->strength[i] / n : (double)NAN;
            level->wavelet[i] = n > 0 ? level->wavelet[i] / n : (double)NAN;
        }
    }
    for (size_t i = 0; i < PARTS * (size_t)r->n_levels * r->n_r; i++)
        r->profile[i] = r->profile_count[i] > 0
                            ? r->profile[i] / (double)r->profile_count[i]
                            : (double)NAN;
}

kad_status kad_receptive_create(kad_scope *in, const kad_bulk *bulk, int repeats,
                                bool boundary, kad_receptive **out)
{
    const kad_lattice *lattice = bulk->model->lattice;
    kad_receptive *r;
    KAD_CALL(kad_take(in, 1, &r));
    r->bulk = bulk;
    r->n_levels = bulk->n_levels;
    r->boundary =
        boundary && bulk->model->field->ops->kern[KAD_DOUBLE]->to_boundary != NULL;
    for (int i = 0; i < lattice->n_sites; i++)
        if (distance(lattice, i) + 1 > r->n_r) r->n_r = distance(lattice, i) + 1;
    const size_t n = PARTS * (size_t)r->n_levels * r->n_r;
    KAD_CALL(kad_take(in, n, &r->profile));
    KAD_CALL(kad_take(in, n, &r->profile_count));
    KAD_CALL(make_classes(in, r));
    KAD_CALL(measure(in->ctx, r, repeats));
    take_means(r);
    *out = r;
    return KAD_OK;
}
