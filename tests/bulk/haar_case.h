/* A free field under a fixed Haar flow, for the tests of what is read from the bulk: its
 * exact draws, its latents and their exact covariances. Everything aborts the test on
 * failure. */
#ifndef KAD_TESTS_HAAR_CASE_H
#define KAD_TESTS_HAAR_CASE_H

#include "bulk/bulk.h"
#include "lattice/hartley.h"
#include "tests/support/analysis_util.h"
#include "tests/support/model_case.h"

enum { W = KAD_W_DOUBLE };

#define FREE \
    "action.name=phi4", "action.form=albergo", "action.m2=0.25", "action.lambda=0"
#define HAAR                                                                             \
    "flow.recipe=custom", "flow.hierarchy=decimator", "flow.haar=true",                  \
        "flow.couplings=1", "flow.widths=[1]", "flow.split=false", "flow.spectrum=none", \
        "flow.symmetry=none", "flow.decimation=false"

static inline kad_model *open_model(kad_ctx *ctx, const char *const *overrides)
{
    kad_model *model;
    if (test_model(ctx, overrides, &model) != KAD_OK) fail_msg("%s", ctx->message);
    return model;
}

/* Parameters of a flow whose couplings do nothing. */
static inline double *identity_theta(const kad_flow *flow)
{
    double *theta = kad_alloc(flow->n_theta + 1, sizeof *theta);
    kad_flow_init(flow, 1, theta);
    return theta;
}

/* Exact draws of the free field, [n][n_sites]: modes of variance 1/(2 (m2 + khat^2)). */
static inline double *free_field(kad_ctx *ctx, const kad_lattice *lattice, double m2,
                                 size_t n)
{
    kad_hartley *plan;
    const size_t N = (size_t)lattice->n_sites;
    assert_int_equal(kad_hartley_create(ctx, lattice, 1, &plan), KAD_OK);
    double *x = kad_alloc(n * N, sizeof *x), *tile = kad_alloc(N * W, sizeof *tile);
    void *scratch = kad_alloc(1, kad_hartley_scratch_bytes(plan, KAD_DOUBLE));
    const kad_rng rng = kad_rng_stream(99, KAD_RNG_TEST, 0);
    for (size_t first = 0; first < n; first += W) {
        for (size_t k = 0; k < N; k++)
            for (size_t l = 0; l < W; l++) {
                double g[2];
                kad_rng_normal2(rng, k, first + l, 0, g);
                tile[k * W + l] =
                    g[0] / sqrt(2 * (m2 + kad_lattice_khat2(lattice, (int)k)));
            }
        kad_hartley_apply_f64(plan, tile, scratch);
        for (size_t l = 0; l < W && first + l < n; l++)
            for (size_t i = 0; i < N; i++)
                x[(first + l) * N + i] = tile[i * W + l];
    }
    kad_hartley_destroy(plan);
    kad_free(tile);
    kad_free(scratch);
    return x;
}

/* Value of a series over cells and its error, cells independent. */
static inline void of_series(size_t n_cells, const double *a, double *mean, double *err)
{
    double sum = 0, square = 0;
    for (size_t c = 0; c < n_cells; c++)
        sum += a[c] / (double)n_cells;
    for (size_t c = 0; c < n_cells; c++)
        square += (a[c] - sum) * (a[c] - sum);
    *mean = sum;
    *err = sqrt(square / ((double)n_cells * (double)(n_cells - 1)));
}

typedef struct haar_case {
    kad_ctx ctx;
    kad_scope scope; /* of the bulk and what is made of it */
    kad_model *model;
    kad_bulk *bulk;
    double *C; /* [n_sites][n_sites] exact covariance of the latents */
    double *G; /* [n_sites] exact <phi_0 phi_r> */
} haar_case;

enum { N_FREE = 16384 };

static inline void haar_open(haar_case *t)
{
    const char *const overrides[] = {FREE, "lattice.shape=[8,8]", HAAR, NULL};
    kad_ctx_init(&t->ctx, 2);
    t->scope = (kad_scope){.ctx = &t->ctx};
    t->model = open_model(&t->ctx, overrides);
    const kad_lattice *lattice = t->model->lattice;
    const size_t N = (size_t)lattice->n_sites;
    double *theta = identity_theta(t->model->flow);
    double *x = free_field(&t->ctx, lattice, 0.25, N_FREE);
    if (kad_bulk_create_from(&t->scope, NULL, t->model, theta, 1, N_FREE, x, &t->bulk) !=
        KAD_OK)
        fail_msg("%s", t->ctx.message);
    double *unit = kad_alloc(N * N, sizeof *unit), *B = kad_alloc(N * N, sizeof *B);
    t->C = kad_alloc(N * N, sizeof *t->C);
    t->G = kad_alloc(N, sizeof *t->G);
    for (size_t r = 0; r < N; r++)
        for (size_t k = 0; k < N; k++) {
            int n[KAD_MAX_DIM], y[KAD_MAX_DIM];
            kad_lattice_coords(lattice, (int)k, n);
            kad_lattice_coords(lattice, (int)r, y);
            t->G[r] += cos(2 * M_PI * (n[0] * y[0] + n[1] * y[1]) / 8.0) /
                       (2 * (0.25 + kad_lattice_khat2(lattice, (int)k)) * (double)N);
        }
    for (size_t i = 0; i < N; i++)
        unit[i * N + i] = 1;
    /* rows of B: what a unit latent generates; orthogonal, so z = B phi */
    assert_int_equal(
        kad_map_generate(&t->ctx, t->bulk->map, N, KAD_DOUBLE, unit, B, NULL), KAD_OK);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++) {
            double sum = 0;
            for (size_t k = 0; k < N; k++)
                for (size_t l = 0; l < N; l++) {
                    int a[KAD_MAX_DIM], b[KAD_MAX_DIM];
                    if (B[i * N + k] == 0 || B[j * N + l] == 0) continue;
                    kad_lattice_coords(lattice, (int)k, a);
                    kad_lattice_coords(lattice, (int)l, b);
                    for (int mu = 0; mu < KAD_MAX_DIM; mu++)
                        b[mu] -= a[mu];
                    sum +=
                        B[i * N + k] * B[j * N + l] * t->G[kad_lattice_site(lattice, b)];
                }
            t->C[i * N + j] = sum;
        }
    kad_free(unit);
    kad_free(B);
    kad_free(theta);
    kad_free(x);
}

static inline void haar_close(haar_case *t)
{
    kad_scope_end(&t->scope);
    kad_model_destroy(t->model);
    kad_free(t->C);
    kad_free(t->G);
}

#endif
