/* Flows in shares: what they compute, and that it does not matter who does. */
#include "tests/support/claim.h"
#include "tests/support/model_case.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/share.h"
#include "flow/shares.h"

enum { MAX_KEYS = 8, MOST = 5, THREADS = 6 };
#define DUAL "action.name=on-dual", "action.temperature=2.4"

/* Sources of several parts (stencils) and of one (blocks), 1 to 3 components, stages that are
 * not shared (haar, spectrum, rotation). */
static const char *const cases[][MAX_KEYS] = {
    {DUAL, "lattice.shape=[8, 8]", "flow.recipe=stencil"},
    {DUAL, "lattice.shape=[6, 6]", "flow.recipe=stencil", "action.components=2"},
    {DUAL, "lattice.shape=[4, 4, 4]", "flow.recipe=stencil", "action.components=3"},
    {DUAL, "lattice.shape=[3, 6, 5]", "flow.hidden=3", "flow.refinements=1"},
    {DUAL, "lattice.shape=[8, 8]", "flow.recipe=stencil", "flow.details=wavelet"},
    {DUAL, "lattice.shape=[8, 8]", "flow.recipe=neuralrg", "flow.couplings=4"},
    {DUAL, "lattice.shape=[8, 8]", "flow.recipe=wavelet", "flow.rotation=true"},
};
enum { N_CASES = sizeof cases / sizeof cases[0] };

typedef struct fixture {
    kad_ctx ctx;
    kad_model *model;
    const kad_flow *flow;
    kad_shares *shares;
    kad_prec prec;
    void *packed, *x, *g, *dtheta, *sums, *scratch[THREADS];
    double ld[KAD_W_MAX];
    size_t tile, n_theta; /* bytes of a field, reals of dtheta */
    /* of the call */
    kad_operation operation;
    kad_board *board;
} fixture;

static void open_case(fixture *f, int i, kad_prec prec)
{
    memset(f, 0, sizeof *f);
    kad_ctx_init(&f->ctx, 1);
    assert_ok(f, test_model(&f->ctx, cases[i], &f->model));
    f->flow = f->model->flow;
    f->prec = prec;
    f->tile = (size_t)f->flow->n_rows * KAD_ROW_BYTES;
    f->n_theta = f->flow->n_theta;
    assert_ok(f, kad_shares_create(&f->ctx, f->flow, MOST, 1, &f->shares));
    double *theta = test_theta(f->flow, 3, 0.1);
    f->packed = kad_alloc(f->flow->packed_bytes[prec], 1);
    kad_flow_pack(f->flow, prec, theta, f->packed);
    kad_free(theta);
    f->x = kad_alloc(f->tile, 1);
    f->g = kad_alloc((size_t)kad_shares_rows(f->shares), KAD_ROW_BYTES);
    f->dtheta = kad_alloc(f->n_theta, 8);
    f->sums = kad_alloc(kad_shares_sums_bytes(f->shares, prec), 1);
    for (int k = 0; k < THREADS; k++)
        f->scratch[k] = kad_alloc(f->flow->scratch_bytes[prec], 1);
}

static void close_case(fixture *f)
{
    for (int k = 0; k < THREADS; k++)
        kad_free(f->scratch[k]);
    kad_free(f->sums);
    kad_free(f->dtheta);
    kad_free(f->g);
    kad_free(f->x);
    kad_free(f->packed);
    kad_shares_destroy(f->shares);
    kad_model_destroy(f->model);
}

/* Random arguments, the same every time; rows behind the tile hold anything. */
static void fill(fixture *f)
{
    const kad_rng rng = kad_rng_stream(1, KAD_RNG_TEST, 0);
    memset(f->g, 0x7f, (size_t)kad_shares_rows(f->shares) * KAD_ROW_BYTES);
    kad_flow_prior_draw(f->flow, f->prec, rng, 0, 0, f->x);
    kad_flow_prior_draw(f->flow, f->prec, rng, 1, 0, f->g);
    memset(f->dtheta, 0, f->n_theta * 8);
    for (int l = 0; l < KAD_W_MAX; l++)
        f->ld[l] = 0.1 * l;
}

static bool is_adjoint(kad_operation op)
{
    return op == KAD_GENERATE_ADJOINT || op == KAD_INFER_ADJOINT;
}

static const double gl = 0.7;

static void by_the_flow(fixture *f)
{
    const kad_prec p = f->prec;
    fill(f);
    switch (f->operation) {
    case KAD_GENERATE:
        kad_flow_generate(f->flow, p, f->packed, f->x, f->ld, f->scratch[0]);
        break;
    case KAD_INFER:
        kad_flow_infer(f->flow, p, f->packed, f->x, f->ld, f->scratch[0]);
        break;
    case KAD_GENERATE_ADJOINT:
        kad_flow_generate_adjoint(f->flow, p, f->packed, f->x, f->g, gl, f->dtheta, f->ld,
                                  f->scratch[0]);
        break;
    default:
        kad_flow_infer_adjoint(f->flow, p, f->packed, f->x, f->g, gl, f->dtheta, f->ld,
                               f->scratch[0]);
    }
}

static bool at_the_tile(void *self, size_t i, int thread)
{
    fixture *f = self;
    const bool adjoint = is_adjoint(f->operation);
    const kad_hands hands = {f->board, thread, f->scratch, f->sums};
    (void)i;
    kad_shares_apply(f->shares, &hands, f->operation, f->prec, f->packed, f->x,
                     adjoint ? f->g : NULL, gl, adjoint ? f->dtheta : NULL, f->ld);
    return true;
}

static void by_shares(fixture *f, int n_threads)
{
    fill(f);
    assert_ok(f, kad_board_create(&f->ctx, 1, THREADS, &f->board));
    assert_true(kad_parallel_shared(n_threads, 1, at_the_tile, f, f->board));
    kad_board_destroy(f->board);
}

static double real_of(const fixture *f, const void *x, size_t i)
{
    return f->prec == KAD_SINGLE ? (double)((const float *)x)[i] : ((const double *)x)[i];
}

/* The largest difference of n reals from those that `was` holds, in units of the largest. */
static double difference(const fixture *f, size_t n, const void *was, const void *is)
{
    double largest = 0, off = 0;
    for (size_t i = 0; i < n; i++) {
        largest = fmax(largest, fabs(real_of(f, was, i)));
        off = fmax(off, fabs(real_of(f, was, i) - real_of(f, is, i)));
        if (!isfinite(real_of(f, is, i))) return INFINITY;
    }
    return largest > 0 ? off / largest : off;
}

typedef struct result {
    void *x, *g, *dtheta;
    double ld[KAD_W_MAX];
} result;

static void keep(const fixture *f, result *r)
{
    r->x = kad_alloc(f->tile, 1);
    r->g = kad_alloc(f->tile, 1);
    r->dtheta = kad_alloc(f->n_theta, 8);
    memcpy(r->x, f->x, f->tile);
    memcpy(r->g, f->g, f->tile);
    memcpy(r->dtheta, f->dtheta, f->n_theta * 8);
    memcpy(r->ld, f->ld, sizeof r->ld);
}

static void drop(result *r)
{
    kad_free(r->x);
    kad_free(r->g);
    kad_free(r->dtheta);
}

typedef void claim(fixture *f, int i);

static void over_cases(claim *check)
{
    for (int i = 0; i < N_CASES; i++)
        for (int p = 0; p < 2; p++) {
            fixture f;
            open_case(&f, i, (kad_prec)p);
            for (int op = 0; op < KAD_N_OPERATIONS; op++) {
                f.operation = (kad_operation)op;
                check(&f, i);
            }
            close_case(&f);
        }
}

/* Fields to the bit, for a target does not know who else is one; sums within some hundreds of
 * roundings of 6e-8 or 1e-16. */
static void check_flow(fixture *f, int i)
{
    const double tolerance = f->prec == KAD_SINGLE ? 3e-5 : 3e-14;
    const size_t n = f->tile / (f->prec == KAD_SINGLE ? 4 : 8);
    result flow;
    by_the_flow(f);
    keep(f, &flow);
    by_shares(f, 1);
    assert_memory_equal(f->x, flow.x, f->tile);
    const double g = difference(f, n, flow.g, f->g);
    const double dtheta = difference(f, f->n_theta, flow.dtheta, f->dtheta);
    if (!(g < tolerance) || !(dtheta < tolerance))
        fail_msg("case %d, precision %d, operation %d: g %g, dtheta %g", i, f->prec,
                 f->operation, g, dtheta);
    for (int l = 0; l < kad_lanes(f->prec); l++)
        assert_close(f->ld[l], flow.ld[l], tolerance * (1 + fabs(flow.ld[l])));
    drop(&flow);
}

static void shares_do_what_the_flow_does(void **state)
{
    (void)state;
    over_cases(check_flow);
}

static void check_bytes(fixture *f, int i)
{
    result one;
    by_shares(f, 1);
    keep(f, &one);
    for (int n = 2; n <= THREADS; n++) {
        by_shares(f, n);
        if (memcmp(f->x, one.x, f->tile) || memcmp(f->g, one.g, f->tile) ||
            memcmp(f->dtheta, one.dtheta, f->n_theta * 8) ||
            memcmp(f->ld, one.ld, sizeof one.ld))
            fail_msg("case %d, precision %d, operation %d: %d threads differ", i, f->prec,
                     f->operation, n);
    }
    drop(&one);
}

static void bytes_do_not_depend_on_who_does_them(void **state)
{
    (void)state;
    over_cases(check_bytes);
}

/* Four threads at an 8 x 8 map with shares of one part: stages of 1, 1, ..., 32 parts. */
static void the_busiest_thread_has_its_share(void **state)
{
    (void)state;
    fixture f;
    open_case(&f, 0, KAD_SINGLE);
    kad_shares *whole;
    assert_ok(&f, kad_shares_create(&f.ctx, f.flow, 1, 1, &whole));
    assert_int_equal(kad_shares_most(whole), 1);
    assert_int_equal(kad_shares_rows(whole), f.flow->n_rows);
    assert_close(kad_shares_busiest(whole, 4), 1, 0);
    assert_int_equal(kad_shares_most(f.shares), MOST);
    assert_close(kad_shares_busiest(f.shares, 1), 1, 0);
    const double two = kad_shares_busiest(f.shares, 2);
    const double most = kad_shares_busiest(f.shares, MOST);
    assert_true(two > 0.5 && two < 1 && most > 1.0 / MOST && most < two);
    assert_close(kad_shares_busiest(f.shares, 100), most, 0);
    kad_shares_destroy(whole);
    close_case(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("shares do what the flow does, within roundings of sums",
              shares_do_what_the_flow_does),
        CLAIM("bytes do not depend on who does the shares",
              bytes_do_not_depend_on_who_does_them),
        CLAIM("the busiest thread has its share of the work",
              the_busiest_thread_has_its_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
