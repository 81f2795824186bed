/* The bottleneck of a tree: the lattice is cut in two halves A, B along its first axis.
 * Where no stage of the levels below h reaches across, undoing them is a bijection of
 * each half by itself, (y_A) <-> (a, w_A) with a the coarse field x^(h) in A, so that
 *     I(A : B) = I(a, w_A : b, w_B) >= I(a : b),
 * and equality says that the latents w decoupled: all that the halves share has to pass
 * through the few coarse variables at the cut. A network with disentanglers across the
 * cut has no such level, and there is nothing to test. */
#include "base/memory.h"
#include "bulk/cells.h"
#include "bulk/coarse.h"
#include "bulk/mutual.h"
#include "flow/parts.h"
#include "lattice/fourier.h"

#include <math.h>
#include <string.h>

static const char *const group = "/bulk/bottleneck";

enum {
    MAX_SITES = 1024, /* of the boundary: its covariance matrix is inverted */
    MAX_COARSE = 16,  /* variables at the cut */
    SAMPLES = 8,
    POINTS = 2000,
    NEIGHBOURS = 4
};

typedef struct cut {
    const kad_bulk *bulk;
    kad_bulk_cells cells;
    const kad_coarse *coarse;
    int level;              /* h */
    size_t n_a, n_b;        /* coarse variables on either side */
    size_t row[MAX_COARSE]; /* rows of the coarse field, A first */
} cut;

static bool in_first(const kad_lattice *lattice, int site)
{
    int x[KAD_MAX_DIM];
    kad_lattice_coords(lattice, site, x);
    return 2 * x[0] < lattice->shape[0];
}

/* Does a stage mix the halves? One that does not come apart may. */
static kad_status crosses(kad_ctx *ctx, const kad_flow *flow, const kad_stage *stage,
                          bool *out)
{
    kad_parts parts = {0};
    *out = true;
    if (stage->ops->parts == NULL) return KAD_OK;
    const kad_status status = stage->ops->parts(ctx, stage, &parts);
    if (status == KAD_OK) {
        const int each = parts.n_src + parts.n_tgt;
        *out = false;
        for (int k = 0; k < parts.n_parts; k++) {
            const int *rows = parts.rows + k * each;
            for (int i = 1; i < each; i++)
                *out = *out || in_first(flow->lattice, rows[i] / flow->n_comp) !=
                                   in_first(flow->lattice, rows[0] / flow->n_comp);
        }
    }
    kad_parts_clear(&parts);
    return status;
}

kad_status kad_bottleneck_level(kad_ctx *ctx, const kad_flow *flow, int *level)
{
    *level = flow->n_levels;
    for (int i = 0; i < flow->n_stages; i++) {
        bool across;
        const kad_status status = crosses(ctx, flow, &flow->stages[i], &across);
        if (status != KAD_OK) return status;
        const int own = flow->stages[i].level > 0 ? flow->stages[i].level : 0;
        if (across && own < *level) *level = own;
    }
    return KAD_OK;
}

/* --- the coarse variables ------------------------------------------------------------ */

static const double *coarse_of(const cut *t, size_t config)
{
    const kad_coarse_level *level = &t->coarse->level[t->level];
    return level->field +
           config * (size_t)level->n_sites * (size_t)t->bulk->model->flow->n_comp;
}

static bool choose_rows(cut *t)
{
    const kad_coarse_level *level = &t->coarse->level[t->level];
    const kad_flow *flow = t->bulk->model->flow;
    const size_t c = (size_t)flow->n_comp, n = (size_t)level->n_sites * c;
    size_t at = 0;
    if (n > MAX_COARSE) return false;
    for (int side = 1; side >= 0; side--)
        for (size_t r = 0; r < n; r++)
            if (in_first(flow->lattice, level->site[r / c]) == (side == 1)) {
                t->row[at++] = r;
                t->n_a += side == 1;
            }
    t->n_b = n - t->n_a;
    return t->n_a > 0 && t->n_b > 0;
}

/* Covariances of the coarse variables, [cell][m][m], about the mean of all. */
static void coarse_covariances(const cut *t, double *cov)
{
    const size_t m = t->n_a + t->n_b, size = t->cells.size;
    double mean[MAX_COARSE] = {0};
    for (size_t cell = 0; cell < t->cells.n; cell++)
        for (size_t k = 0; k < size; k++) {
            const double *u = coarse_of(t, kad_bulk_cell_start(&t->cells, cell) + k);
            for (size_t i = 0; i < m; i++)
                mean[i] += u[t->row[i]] / (double)(t->cells.n * size);
        }
    for (size_t cell = 0; cell < t->cells.n; cell++)
        for (size_t k = 0; k < size; k++) {
            const double *u = coarse_of(t, kad_bulk_cell_start(&t->cells, cell) + k);
            for (size_t i = 0; i < m; i++)
                for (size_t j = 0; j < m; j++)
                    cov[(cell * m + i) * m + j] += (u[t->row[i]] - mean[i]) *
                                                   (u[t->row[j]] - mean[j]) /
                                                   (double)size;
        }
}

/* The Gaussian estimate of [cell][m][m] covariances as a series; n_a of m variables. */
static kad_status gaussian_series(kad_ctx *ctx, size_t n_cells, size_t n_a, size_t m,
                                  const double *cov, double *series)
{
    KAD_SCOPE(scope, ctx);
    double *mean, *slope, value;
    KAD_CALL(kad_take(&scope, m * m, &mean));
    KAD_CALL(kad_take(&scope, m * m, &slope));
    for (size_t c = 0; c < n_cells; c++)
        for (size_t k = 0; k < m * m; k++)
            mean[k] += cov[c * m * m + k] / (double)n_cells;
    KAD_CALL(kad_mutual_gauss(ctx, n_a, m - n_a, mean, &value, slope));
    for (size_t c = 0; c < n_cells; c++) {
        series[c] = value;
        for (size_t k = 0; k < m * m; k++)
            series[c] += slope[k] * (cov[c * m * m + k] - mean[k]);
    }
    return KAD_OK;
}

static kad_status coarse_series(kad_ctx *ctx, const cut *t, double *series)
{
    KAD_SCOPE(scope, ctx);
    const size_t m = t->n_a + t->n_b;
    double *cov;
    KAD_CALL(kad_take(&scope, t->cells.n * m * m, &cov));
    coarse_covariances(t, cov);
    return gaussian_series(ctx, t->cells.n, t->n_a, m, cov, series);
}

static kad_status coarse_kraskov(kad_ctx *ctx, const cut *t, double *mean, double *err)
{
    KAD_SCOPE(scope, ctx);
    double *x, *y, sum = 0, square = 0;
    KAD_CALL(kad_take(&scope, POINTS * t->n_a, &x));
    KAD_CALL(kad_take(&scope, POINTS * t->n_b, &y));
    for (size_t s = 0; s < SAMPLES; s++) {
        const size_t lo = s * t->bulk->n / SAMPLES, hi = (s + 1) * t->bulk->n / SAMPLES;
        const size_t n = hi - lo < POINTS ? hi - lo : POINTS;
        double value;
        for (size_t i = 0; i < n; i++) {
            const double *u = coarse_of(t, lo + i * (hi - lo) / n);
            for (size_t k = 0; k < t->n_a; k++)
                x[i * t->n_a + k] = u[t->row[k]];
            for (size_t k = 0; k < t->n_b; k++)
                y[i * t->n_b + k] = u[t->row[t->n_a + k]];
        }
        KAD_CALL(kad_mutual_knn(ctx, n, t->n_a, x, t->n_b, y, NEIGHBOURS, &value));
        sum += value / SAMPLES;
        square += value * value / SAMPLES;
    }
    *mean = sum;
    *err = sqrt(fmax(0, square - sum * sum) / (SAMPLES - 1));
    return KAD_OK;
}

/* --- the boundary -------------------------------------------------------------------- */

/* C(r) of y in every cell [cell][n_sites], averaged over translations and components: the
 * action has both symmetries. */
static kad_status boundary_correlators(kad_ctx *ctx, const cut *t, double *C)
{
    const kad_lattice *lattice = t->bulk->model->lattice;
    const size_t N = (size_t)lattice->n_sites, c = (size_t)t->bulk->model->flow->n_comp;
    KAD_LOCAL(kad_fourier, fourier);
    double *field, *P, *scratch;
    KAD_SCOPE(scope, ctx);
    KAD_CALL(kad_fourier_create(ctx, lattice, &fourier));
    KAD_CALL(kad_take(&scope, N, &field));
    KAD_CALL(kad_take(&scope, kad_fourier_n_modes(fourier), &P));
    KAD_CALL(kad_take(&scope, kad_fourier_scratch(fourier), &scratch));
    for (size_t cell = 0; cell < t->cells.n; cell++) {
        const double *y =
            t->bulk->y + kad_bulk_cell_start(&t->cells, cell) * t->bulk->n_rows;
        memset(P, 0, kad_fourier_n_modes(fourier) * sizeof *P);
        for (size_t k = 0; k < t->cells.size; k++)
            for (size_t a = 0; a < c; a++) {
                for (size_t i = 0; i < N; i++)
                    field[i] = y[k * t->bulk->n_rows + i * c + a];
                kad_fourier_power(fourier, field, P, scratch);
            }
        kad_fourier_correlator(fourier, P, field, scratch);
        for (size_t r = 0; r < N; r++)
            C[cell * N + r] = field[r] / (double)(t->cells.size * c);
    }
    return KAD_OK;
}

/* Sites in order, the first half of the lattice first; returns its number. */
static size_t order_sites(const kad_lattice *lattice, int *site)
{
    size_t at = 0, n_a = 0;
    for (int side = 1; side >= 0; side--)
        for (int i = 0; i < lattice->n_sites; i++)
            if (in_first(lattice, i) == (side == 1)) {
                site[at++] = i;
                n_a += side == 1;
            }
    return n_a;
}

static int displacement(const kad_lattice *lattice, int i, int j)
{
    int x[KAD_MAX_DIM], y[KAD_MAX_DIM];
    kad_lattice_coords(lattice, i, x);
    kad_lattice_coords(lattice, j, y);
    for (int mu = 0; mu < KAD_MAX_DIM; mu++)
        y[mu] -= x[mu];
    return kad_lattice_site(lattice, y);
}

kad_status kad_bottleneck_boundary(kad_ctx *ctx, const kad_lattice *lattice,
                                   const double *C, double *out, double *slope)
{
    KAD_SCOPE(scope, ctx);
    const size_t N = (size_t)lattice->n_sites;
    int *site;
    double *cov, *dcov;
    KAD_CALL(kad_take(&scope, N, &site));
    KAD_CALL(kad_take(&scope, N * N, &cov));
    KAD_CALL(kad_take(&scope, N * N, &dcov));
    const size_t n_a = order_sites(lattice, site);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++)
            cov[i * N + j] = C[displacement(lattice, site[i], site[j])];
    KAD_CALL(kad_mutual_gauss(ctx, n_a, N - n_a, cov, out, dcov));
    memset(slope, 0, N * sizeof *slope);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++)
            slope[displacement(lattice, site[i], site[j])] += dcov[i * N + j];
    return KAD_OK;
}

static kad_status boundary_series(kad_ctx *ctx, const cut *t, double *series)
{
    KAD_SCOPE(scope, ctx);
    const size_t N = (size_t)t->bulk->model->lattice->n_sites;
    const double c = t->bulk->model->flow->n_comp;
    double *C, *mean, *slope, value;
    KAD_CALL(kad_take(&scope, t->cells.n * N, &C));
    KAD_CALL(kad_take(&scope, N, &mean));
    KAD_CALL(kad_take(&scope, N, &slope));
    KAD_CALL(boundary_correlators(ctx, t, C));
    for (size_t cell = 0; cell < t->cells.n; cell++)
        for (size_t r = 0; r < N; r++)
            mean[r] += C[cell * N + r] / (double)t->cells.n;
    KAD_CALL(kad_bottleneck_boundary(ctx, t->bulk->model->lattice, mean, &value, slope));
    for (size_t cell = 0; cell < t->cells.n; cell++) {
        series[cell] = c * value;
        for (size_t r = 0; r < N; r++)
            series[cell] += c * slope[r] * (C[cell * N + r] - mean[r]);
    }
    return KAD_OK;
}

/* --- the group ----------------------------------------------------------------------- */

static kad_status write_group(kad_ctx *ctx, kad_h5 *file, const cut *t,
                              const double *boundary, const double *coarse)
{
    double knn, knn_err;
    KAD_CALL(coarse_kraskov(ctx, t, &knn, &knn_err));
    kad_writer w = kad_write_into(ctx, file, group);
    kad_bulk_write_series(&w, "boundary", "nats",
                          "Gaussian information between the halves of the field", "", 0,
                          NULL, &t->cells, boundary);
    kad_bulk_write_series(&w, "cut", "nats",
                          "Gaussian information between the coarse variables on either "
                          "side of the cut",
                          "", 0, NULL, &t->cells, coarse);
    kad_write(&w, "cut_knn", KAD_H5_F64, "", "nats", "Kraskov's estimate of cut", NULL,
              &knn);
    kad_write(&w, "cut_knn_err", KAD_H5_F64, "", "nats", "its standard error", NULL,
              &knn_err);
    kad_write_int(&w, "level", t->level);
    kad_write_int(&w, "n_a", (int64_t)t->n_a);
    kad_write_int(&w, "n_b", (int64_t)t->n_b);
    return kad_write_end(&w);
}

/* Series boundary (Gaussian I(A:B) of the flow variables) and cut (Gaussian I(a:b)),
 * cut_knn, cut_knn_err; attributes level, n_a, n_b. Nothing is written where the map has no
 * bottleneck, sites are integrated out, more than 16 variables meet at the cut, or the
 * lattice has more than 1024 sites. */
kad_status kad_bulk_bottleneck(kad_ctx *ctx, const kad_bulk *bulk, kad_h5 *file)
{
    const kad_flow *flow = bulk->model->flow;
    KAD_SCOPE(scope, ctx);
    kad_coarse *coarse;
    double *boundary, *meet;
    cut t = {.bulk = bulk, .cells = kad_bulk_cells_of(bulk)};
    KAD_CALL(kad_h5_remove(ctx, file, group));
    KAD_CALL(kad_bottleneck_level(ctx, flow, &t.level));
    if (t.level < 1 || t.level >= flow->n_levels || bulk->model->decimated ||
        flow->lattice->shape[0] % 2 != 0 || flow->lattice->n_sites > MAX_SITES)
        return KAD_OK;
    KAD_CALL(kad_coarse_create(&scope, bulk, &coarse));
    t.coarse = coarse;
    if (!choose_rows(&t)) return KAD_OK;
    KAD_CALL(kad_take(&scope, t.cells.n, &boundary));
    KAD_CALL(kad_take(&scope, t.cells.n, &meet));
    KAD_CALL(boundary_series(ctx, &t, boundary));
    KAD_CALL(coarse_series(ctx, &t, meet));
    return write_group(ctx, file, &t, boundary, meet);
}
