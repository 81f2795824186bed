/* One-point densities of the coarse fields, and the analysis of all that is made of
 * them. */
#include "bulk/coarse.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "bulk/cells.h"
#include "bulk/couplings.h"
#include "lattice/fourier.h"

#include <math.h>
#include <string.h>

enum { BINS = KAD_DENSITY_BINS };
static const double component_range = 4; /* in root mean squares */

/* Series of all levels [level][..][cell]. */
typedef struct table {
    const kad_coarse *coarse;
    kad_bulk_cells cells;
    size_t n_levels, n_comp, n_r;
    double *density, *modulus; /* [level][BINS][cell] */
    double *kurtosis;          /* [level][cell] */
    double *correlator;        /* [level][n_r][cell]; NaN beyond half the extent */
} table;

/* Scratch of a thread, of one level. */
typedef struct work {
    double *field, *P, *G, *scratch;
} work;

static kad_status table_new(kad_scope *in, const kad_coarse *coarse, table *t)
{
    const kad_lattice *lattice = coarse->bulk->model->lattice;
    *t = (table){.coarse = coarse,
                 .cells = kad_bulk_cells_of(coarse->bulk),
                 .n_levels = (size_t)coarse->n_levels,
                 .n_comp = (size_t)coarse->bulk->model->flow->n_comp};
    for (int mu = 0; mu < lattice->d; mu++)
        if ((size_t)lattice->shape[mu] / 2 + 1 > t->n_r)
            t->n_r = (size_t)lattice->shape[mu] / 2 + 1;
    const size_t n = t->n_levels * t->cells.n;
    KAD_CALL(kad_take(in, n * BINS, &t->density));
    KAD_CALL(kad_take(in, n * BINS, &t->modulus));
    KAD_CALL(kad_take(in, n, &t->kurtosis));
    KAD_CALL(kad_take(in, n * t->n_r, &t->correlator));
    for (size_t i = 0; i < n * t->n_r; i++)
        t->correlator[i] = NAN;
    return KAD_OK;
}

/* --- one cell ------------------------------------------------------------------------ */

/* Adds weight to the bin of v in lo .. hi; beyond: nowhere. */
static void count(double v, double lo, double hi, double weight, size_t stride,
                  double *bins)
{
    const double at = (v - lo) / (hi - lo) * BINS;
    if (at >= 0 && at < BINS) bins[(size_t)at * stride] += weight;
}

/* Means over the configurations of a cell: histograms, and moments of |phi/s|^2. */
static void one_point(table *t, size_t h, size_t cell, double scale, double moment[2])
{
    const kad_coarse_level *level = &t->coarse->level[h];
    const size_t n_sites = (size_t)level->n_sites, n_comp = t->n_comp, N = t->cells.n;
    const size_t n = t->cells.size * n_sites;
    const double *phi =
        level->field + kad_bulk_cell_start(&t->cells, cell) * n_sites * n_comp;
    const double wide = 2 * component_range / BINS;
    const double most = component_range * sqrt((double)n_comp);
    double *density = t->density + h * BINS * N + cell;
    double *modulus = t->modulus + h * BINS * N + cell;
    moment[0] = moment[1] = 0;
    for (size_t i = 0; i < n; i++) {
        double square = 0;
        for (size_t c = 0; c < n_comp; c++) {
            const double v = phi[i * n_comp + c] / scale;
            square += v * v;
            count(v, -component_range, component_range, 1 / (wide * (double)(n * n_comp)),
                  N, density);
        }
        count(sqrt(square), 0, most, BINS / (most * (double)n), N, modulus);
        moment[0] += square / (double)n;
        moment[1] += square * square / (double)n;
    }
}

/* G(r) along the axes, means over the configurations of a cell. */
static void two_point(const table *t, size_t h, size_t cell, const kad_fourier *fourier,
                      double scale, work *w)
{
    const kad_coarse_level *level = &t->coarse->level[h];
    const size_t n_sites = (size_t)level->n_sites, n_comp = t->n_comp;
    const double *phi =
        level->field + kad_bulk_cell_start(&t->cells, cell) * n_sites * n_comp;
    memset(w->P, 0, kad_fourier_n_modes(fourier) * sizeof *w->P);
    for (size_t k = 0; k < t->cells.size; k++)
        for (size_t c = 0; c < n_comp; c++) {
            for (size_t i = 0; i < n_sites; i++)
                w->field[i] = phi[(k * n_sites + i) * n_comp + c] / scale;
            kad_fourier_power(fourier, w->field, w->P, w->scratch);
        }
    kad_fourier_correlator(fourier, w->P, w->G, w->scratch);
    for (size_t r = 0; r < t->n_r; r++) {
        double sum = 0;
        int axes = 0;
        for (int mu = 0; mu < level->lattice->d; mu++) {
            int x[KAD_MAX_DIM] = {0};
            if (2 * r > (size_t)level->lattice->shape[mu]) continue;
            x[mu] = (int)r;
            sum += w->G[kad_lattice_site(level->lattice, x)];
            axes++;
        }
        if (axes > 0)
            t->correlator[(h * t->n_r + r) * t->cells.n + cell] =
                sum / (axes * (double)t->cells.size);
    }
}

/* --- one level ----------------------------------------------------------------------- */

static double root_mean_square(const table *t, size_t h)
{
    const size_t n = (size_t)t->coarse->level[h].n_sites * t->n_comp;
    double sum = 0;
    for (size_t cell = 0; cell < t->cells.n; cell++) {
        const double *phi =
            t->coarse->level[h].field + kad_bulk_cell_start(&t->cells, cell) * n;
        for (size_t i = 0; i < t->cells.size * n; i++)
            sum += phi[i] * phi[i];
    }
    sum /= (double)(t->cells.n * t->cells.size * n);
    return sum > 0 ? sqrt(sum) : 1;
}

static double mean_of(size_t n, const double *a)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i];
    return sum / (double)n;
}

/* Ratios of means as series (bulk/cells.h). moments [cell][2] = <|phi|^2>, <|phi|^4>. */
static void make_ratios(table *t, size_t h, const double *moments)
{
    const size_t N = t->cells.n;
    const double n = (double)t->n_comp;
    double m2 = 0, m4 = 0;
    for (size_t c = 0; c < N; c++) {
        m2 += moments[2 * c] / (double)N;
        m4 += moments[2 * c + 1] / (double)N;
    }
    const double ratio = m4 / (m2 * m2);
    for (size_t c = 0; c < N; c++)
        t->kurtosis[h * N + c] = n / (n + 2) *
                                 (ratio + (moments[2 * c + 1] - m4) / (m2 * m2) -
                                  2 * ratio * (moments[2 * c] - m2) / m2);
    double *G = t->correlator + h * t->n_r * N;
    const double zero = mean_of(N, G);
    for (size_t r = t->n_r; r-- > 0;) { /* r = 0 last: the others need it */
        const double rho = mean_of(N, G + r * N) / zero;
        for (size_t c = 0; c < N; c++)
            G[r * N + c] = rho + (G[r * N + c] - rho * G[c]) / zero;
    }
}

/* A level at work, cell by cell. fourier is NULL for a single site. */
typedef struct level_job {
    table *t;
    size_t h;
    double scale;
    const kad_fourier *fourier;
    double *moments; /* [cell][2] */
} level_job;

static size_t work_bytes(const kad_fourier *fourier, size_t n_sites)
{
    if (fourier == NULL) return 0;
    return 2 * kad_cut_bytes(n_sites, sizeof(double)) +
           kad_cut_bytes(kad_fourier_n_modes(fourier), sizeof(double)) +
           kad_cut_bytes(kad_fourier_scratch(fourier), sizeof(double));
}

static work cut(const kad_fourier *fourier, size_t n_sites, void *memory)
{
    char *at = memory;
    work w;
    w.field = kad_cut(&at, n_sites, sizeof(double));
    w.G = kad_cut(&at, n_sites, sizeof(double));
    w.P = kad_cut(&at, kad_fourier_n_modes(fourier), sizeof(double));
    w.scratch = kad_cut(&at, kad_fourier_scratch(fourier), sizeof(double));
    return w;
}

static bool measure_cell(void *self, size_t cell, void *memory)
{
    const level_job *j = self;
    one_point(j->t, j->h, cell, j->scale, j->moments + 2 * cell);
    if (j->fourier == NULL) return true;
    work w = cut(j->fourier, (size_t)j->t->coarse->level[j->h].n_sites, memory);
    two_point(j->t, j->h, cell, j->fourier, j->scale, &w);
    return true;
}

static kad_status measure_level(kad_ctx *ctx, table *t, size_t h)
{
    const kad_coarse_level *level = &t->coarse->level[h];
    level_job j = {.t = t, .h = h, .scale = root_mean_square(t, h)};
    KAD_SCOPE(scope, ctx);
    KAD_LOCAL(kad_fourier, fourier);
    KAD_CALL(kad_take(&scope, 2 * t->cells.n, &j.moments));
    if (level->lattice != NULL)
        KAD_CALL(kad_fourier_create(ctx, level->lattice, &fourier));
    j.fourier = fourier;
    KAD_CALL(kad_for_tiles(ctx, "bulk", t->cells.n,
                           work_bytes(fourier, (size_t)level->n_sites), measure_cell,
                           &j));
    if (fourier == NULL) /* a single site */
        for (size_t c = 0; c < t->cells.n; c++)
            t->correlator[h * t->n_r * t->cells.n + c] = j.moments[2 * c];
    make_ratios(t, h, j.moments);
    return KAD_OK;
}

/* --- the group ----------------------------------------------------------------------- */

static void write_axis(kad_writer *w, const char *name, double lo, double hi,
                       const char *long_name)
{
    double middle[BINS];
    const size_t n = BINS;
    for (int i = 0; i < BINS; i++)
        middle[i] = lo + (i + 0.5) * (hi - lo) / BINS;
    kad_write(w, name, KAD_H5_F64, name, "s", long_name, &n, middle);
}

static kad_status write_group(kad_ctx *ctx, kad_h5 *file, const table *t)
{
    const size_t bins[2] = {t->n_levels, BINS}, r[2] = {t->n_levels, t->n_r};
    const double most = component_range * sqrt((double)t->n_comp);
    kad_writer w = kad_write_anew(ctx, file, "/bulk/densities");
    kad_write_int(&w, "components", (int64_t)t->n_comp);
    write_axis(&w, "component", -component_range, component_range,
               "component of the coarse field, bin middles");
    kad_bulk_write_series(&w, "density", "1/s", "density of a component",
                          "level component", 2, bins, &t->cells, t->density);
    if (t->n_comp > 1) {
        write_axis(&w, "radius", 0, most, "modulus of the coarse field, bin middles");
        kad_bulk_write_series(&w, "modulus", "1/s", "density of the modulus",
                              "level radius", 2, bins, &t->cells, t->modulus);
    }
    kad_bulk_write_series(&w, "kurtosis", "1",
                          "n/(n+2) <|phi|^4>/<|phi|^2>^2, 1 for a Gaussian", "level", 1,
                          &t->n_levels, &t->cells, t->kurtosis);
    kad_bulk_write_series(&w, "correlator", "1",
                          "G(r)/G(0) of the coarse field along the axes", "level r", 2, r,
                          &t->cells, t->correlator);
    return kad_write_end(&w);
}

kad_status kad_densities_write(kad_ctx *ctx, const kad_coarse *coarse, kad_h5 *file)
{
    KAD_SCOPE(scope, ctx);
    table t = {0};
    KAD_CALL(table_new(&scope, coarse, &t));
    for (size_t h = 0; h < t.n_levels; h++)
        KAD_CALL(measure_level(ctx, &t, h));
    return write_group(ctx, file, &t);
}

kad_status kad_bulk_fields(kad_ctx *ctx, const kad_bulk *bulk, kad_h5 *file)
{
    KAD_SCOPE(scope, ctx);
    kad_coarse *coarse;
    KAD_CALL(kad_coarse_create(&scope, bulk, &coarse));
    KAD_CALL(kad_densities_write(ctx, coarse, file));
    KAD_CALL(kad_couplings_write(ctx, coarse, file));
    return kad_pictures_write(ctx, coarse, file);
}
