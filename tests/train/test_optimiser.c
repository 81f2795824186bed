/* Optimisers: every registered one, then SOAP's own properties. */
#include "base/memory.h"
#include "base/rng.h"
#include "tests/support/claim.h"
#include "train/muon_kern.h"
#include "train/optimiser.h"
#include "train/options.h"
#include "train/schedule.h"
#include "train/soap_kern.h"

/* Shapes of every kind: blocks of many equal matrices, one-sided ones, vectors, a gap. */
enum { N_SMALL = 19, N_SHAPES = N_SMALL + 5 };

static size_t make_shapes(kad_shape *shapes)
{
    size_t at = 0;
    for (int i = 0; i < N_SMALL; i++) {
        shapes[i] = (kad_shape){5, 3, at};
        at += 15;
    }
    const int more[5][2] = {{12, 12}, {7, 1}, {1, 4}, {40, 3}, {2, 40}};
    for (int i = 0; i < 5; i++) {
        shapes[N_SMALL + i] = (kad_shape){more[i][0], more[i][1], at};
        at += (size_t)(more[i][0] * more[i][1]);
    }
    return at + 6; /* six parameters that no shape names */
}

static double normal(uint64_t step, size_t i)
{
    double pair[2];
    kad_rng_normal2(kad_rng_stream(7, KAD_RNG_TEST, 0), step, i, 0, pair);
    return pair[0];
}

static kad_optimiser *make(const kad_optimiser_ops *ops, kad_prec prec, int n_threads,
                           size_t n, const kad_shape *shapes)
{
    kad_ctx ctx;
    kad_optimiser *opt = NULL;
    kad_ctx_init(&ctx, n_threads);
    kad_optimiser_options options = kad_optimiser_defaults(ops);
    options.prec = prec;
    options.max_dim = 16;
    options.weight_decay = 0.01;
    assert_int_equal(kad_optimiser_create(&ctx, ops, &options, n, N_SHAPES, shapes, &opt),
                     KAD_OK);
    return opt;
}

/* Steps first .. last - 1 on sum c_i (theta_i - 1)^2 / 2 with noise, the rate falling
 * from 0.1 to 0 at step 600. */
static void run(kad_optimiser *opt, int n_threads, uint64_t first, uint64_t last,
                double *theta, double *gradient)
{
    for (uint64_t t = first; t < last; t++) {
        for (size_t i = 0; i < opt->n_theta; i++)
            gradient[i] =
                (1.0 + (double)(i % 5)) * (theta[i] - 1.0) + 0.01 * normal(t, i);
        kad_optimiser_step(opt, n_threads, 0.1 * (1.0 - (double)t / 600.0), gradient,
                           theta);
    }
}

static void registry_and_schema_agree(void **state)
{
    (void)state;
    const kad_key *key = NULL;
    for (size_t i = 0; i < kad_train_n_keys; i++)
        if (strcmp(kad_train_keys[i].key, "train.optimiser") == 0)
            key = &kad_train_keys[i];
    assert_non_null(key);
    for (int i = 0; kad_optimisers[i] != NULL; i++) {
        assert_int_equal(kad_key_choice_index(key, kad_optimisers[i]->name), i);
        assert_ptr_equal(kad_optimiser_find(kad_optimisers[i]->name), kad_optimisers[i]);
    }
    assert_null(kad_optimiser_find("nothing"));
}

static void every_one_reaches_the_minimum(void **state)
{
    (void)state;
    kad_shape shapes[N_SHAPES];
    const size_t n = make_shapes(shapes);
    for (int k = 0; kad_optimisers[k] != NULL; k++)
        for (int p = 0; p < 2; p++) {
            double *theta = kad_alloc(n, sizeof *theta), *g = kad_alloc(n, sizeof *g);
            kad_optimiser *opt = make(kad_optimisers[k], (kad_prec)p, 1, n, shapes);
            run(opt, 1, 0, 600, theta, g);
            /* the last steps are small; the decay, the noise and the averages' memory
             * leave a few hundredths */
            for (size_t i = 0; i < n; i++)
                if (!(fabs(theta[i] - 1.0) < 0.1))
                    fail_msg("%s: parameter %zu is %g", kad_optimisers[k]->name, i,
                             theta[i]);
            kad_optimiser_destroy(opt);
            kad_free(theta);
            kad_free(g);
        }
}

static void threads_do_not_matter(void **state)
{
    (void)state;
    kad_shape shapes[N_SHAPES];
    const size_t n = make_shapes(shapes);
    for (int k = 0; kad_optimisers[k] != NULL; k++) {
        double *theta[3], *g = kad_alloc(n, sizeof *g);
        for (int n_threads = 1; n_threads <= 3; n_threads++) {
            theta[n_threads - 1] = kad_alloc(n, sizeof(double));
            kad_optimiser *opt =
                make(kad_optimisers[k], KAD_SINGLE, n_threads, n, shapes);
            run(opt, n_threads, 0, 60, theta[n_threads - 1], g);
            kad_optimiser_destroy(opt);
        }
        assert_memory_equal(theta[0], theta[1], n * sizeof(double));
        assert_memory_equal(theta[0], theta[2], n * sizeof(double));
        for (int i = 0; i < 3; i++)
            kad_free(theta[i]);
        kad_free(g);
    }
}

static void state_restores_to_the_bit(void **state)
{
    (void)state;
    kad_shape shapes[N_SHAPES];
    const size_t n = make_shapes(shapes);
    for (int k = 0; kad_optimisers[k] != NULL; k++)
        for (int p = 0; p < 2; p++) {
            double *whole = kad_alloc(n, sizeof(double));
            double *split = kad_alloc(n, sizeof(double)), *g = kad_alloc(n, sizeof *g);
            kad_optimiser *a = make(kad_optimisers[k], (kad_prec)p, 1, n, shapes);
            kad_optimiser *b = make(kad_optimisers[k], (kad_prec)p, 1, n, shapes);
            kad_optimiser *c = make(kad_optimisers[k], (kad_prec)p, 1, n, shapes);
            run(a, 1, 0, 47, whole, g);
            run(b, 1, 0, 23, split, g);
            c->step = b->step;
            for (int i = 0; i < c->ops->n_arrays; i++) {
                kad_state_array from, to;
                b->ops->array(b, i, &from);
                c->ops->array(c, i, &to);
                assert_int_equal(from.n, to.n);
                const size_t size =
                    from.prec == KAD_SINGLE ? sizeof(float) : sizeof(double);
                memcpy(to.data, from.data, from.n * size);
            }
            run(c, 1, 23, 47, split, g);
            assert_memory_equal(whole, split, n * sizeof(double));
            kad_optimiser_destroy(a);
            kad_optimiser_destroy(b);
            kad_optimiser_destroy(c);
            kad_free(whole);
            kad_free(split);
            kad_free(g);
        }
}

static void steps_allocate_nothing(void **state)
{
    (void)state;
    kad_shape shapes[N_SHAPES];
    const size_t n = make_shapes(shapes);
    for (int k = 0; kad_optimisers[k] != NULL; k++) {
        double *theta = kad_alloc(n, sizeof(double)), *g = kad_alloc(n, sizeof *g);
        kad_optimiser *opt = make(kad_optimisers[k], KAD_SINGLE, 2, n, shapes);
        const uint64_t before = kad_memory_n_allocations();
        run(opt, 2, 0, 30, theta, g);
        assert_true(kad_memory_n_allocations() == before);
        kad_optimiser_destroy(opt);
        kad_free(theta);
        kad_free(g);
    }
}

static void shapes_outside_are_refused(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    const kad_shape shape = {4, 4, 1};
    const kad_optimiser_options options = kad_optimiser_defaults(kad_optimisers[0]);
    kad_optimiser *opt = NULL;
    assert_int_equal(
        kad_optimiser_create(&ctx, kad_optimisers[0], &options, 16, 1, &shape, &opt),
        KAD_EINTERNAL);
    assert_null(opt);
}

/* Three steps of Adam with g = 1, -2, 0.5 from 0, rate 0.1, beta 0.9 and 0.999, worked by
 * the paper's recursion in long double. */
static void adam_takes_the_papers_steps(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    const double g[3] = {1.0, -2.0, 0.5};
    const kad_optimiser_ops *ops = kad_optimiser_find("adam");
    const kad_optimiser_options options = kad_optimiser_defaults(ops);
    kad_optimiser *opt = NULL;
    double theta = 0.0;
    long double x = 0.0L, m = 0.0L, v = 0.0L;
    assert_int_equal(kad_optimiser_create(&ctx, ops, &options, 1, 0, NULL, &opt), KAD_OK);
    for (int t = 1; t <= 3; t++) {
        kad_optimiser_step(opt, 1, 0.1, &g[t - 1], &theta);
        m = 0.9L * m + 0.1L * (long double)g[t - 1];
        v = 0.999L * v + 0.001L * (long double)(g[t - 1] * g[t - 1]);
        const long double mh = m / (1.0L - powl(0.9L, t));
        const long double vh = v / (1.0L - powl(0.999L, t));
        x -= 0.1L * mh / (sqrtl(vh) + 1e-8L);
        /* 1 - 0.999^t loses three digits of double */
        assert_true(fabsl((long double)theta - x) < 1e-12L);
    }
    kad_optimiser_destroy(opt);
}

/* ---- SOAP -------------------------------------------------------------------------- */

enum { ROWS = 6, COLS = 4, LANES = KAD_SOAP_LANES_DOUBLE };

typedef struct block_memory {
    _Alignas(64) double m[ROWS * COLS * LANES], v[ROWS * COLS * LANES];
    _Alignas(64) double l[ROWS * ROWS * LANES], ql[ROWS * ROWS * LANES];
    _Alignas(64) double r[COLS * COLS * LANES], qr[COLS * COLS * LANES];
    _Alignas(64) double g[ROWS * COLS * LANES], scratch[ROWS * (ROWS + 1) * LANES];
} block_memory;

static kad_soap_block make_block(block_memory *b)
{
    memset(b, 0, sizeof *b);
    for (int i = 0; i < ROWS; i++)
        for (int k = 0; k < LANES; k++)
            b->ql[(i * ROWS + i) * LANES + k] = 1.0;
    for (int i = 0; i < COLS; i++)
        for (int k = 0; k < LANES; k++)
            b->qr[(i * COLS + i) * LANES + k] = 1.0;
    return (kad_soap_block){ROWS, COLS, true, true, b->m, b->v, b->l, b->ql, b->r, b->qr};
}

/* One lane's matrix out of a block. */
static void lane_of(int n, const double *block, int lane, double *out)
{
    for (int i = 0; i < n; i++)
        out[i] = block[i * LANES + lane];
}

/* out [n][m] = op(a) b op(c) with op the transpose where asked; sizes at most 6. */
static void sandwich(int n, int k, int l, int m, const double *a, bool ta,
                     const double *b, const double *c, bool tc, double *out)
{
    for (int i = 0; i < n; i++)
        for (int j = 0; j < m; j++) {
            double sum = 0.0;
            for (int p = 0; p < k; p++)
                for (int q = 0; q < l; q++)
                    sum += (ta ? a[p * n + i] : a[i * k + p]) * b[p * l + q] *
                           (tc ? c[j * l + q] : c[q * m + j]);
            out[i * m + j] = sum;
        }
}

/* The paper's Algorithm 3 on one matrix with plain loops, moments and factors in the
 * original space; the eigenbases are read from the block. */
typedef struct naive {
    double m[ROWS * COLS], v[ROWS * COLS], l[ROWS * ROWS], r[COLS * COLS];
} naive;

static void naive_step(naive *s, const kad_soap_step *c, const double *g,
                       const double *ql, const double *qr, double *direction)
{
    double rotated[ROWS * COLS], update[ROWS * COLS], moment[ROWS * COLS];
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < ROWS; j++) {
            double sum = 0.0;
            for (int k = 0; k < COLS; k++)
                sum += g[i * COLS + k] * g[j * COLS + k];
            s->l[i * ROWS + j] = c->beta2 * s->l[i * ROWS + j] + (1.0 - c->beta2) * sum;
        }
    for (int i = 0; i < COLS; i++)
        for (int j = 0; j < COLS; j++) {
            double sum = 0.0;
            for (int k = 0; k < ROWS; k++)
                sum += g[k * COLS + i] * g[k * COLS + j];
            s->r[i * COLS + j] = c->beta2 * s->r[i * COLS + j] + (1.0 - c->beta2) * sum;
        }
    sandwich(ROWS, ROWS, COLS, COLS, ql, true, g, qr, false, rotated);
    for (int i = 0; i < ROWS * COLS; i++) {
        s->m[i] = c->beta1 * s->m[i] + (1.0 - c->beta1) * g[i];
        s->v[i] = c->beta2 * s->v[i] + (1.0 - c->beta2) * rotated[i] * rotated[i];
    }
    sandwich(ROWS, ROWS, COLS, COLS, ql, true, s->m, qr, false, moment);
    for (int i = 0; i < ROWS * COLS; i++)
        update[i] = c->unbias1 * moment[i] / (sqrt(c->unbias2 * s->v[i]) + c->eps);
    sandwich(ROWS, ROWS, COLS, COLS, ql, false, update, qr, true, direction);
}

static kad_soap_step coefficients(int t, int sweeps)
{
    return (kad_soap_step){.beta1 = 0.9,
                           .beta2 = 0.95,
                           .unbias1 = 1.0 / (1.0 - pow(0.9, t)),
                           .unbias2 = 1.0 / (1.0 - pow(0.95, t)),
                           .eps = 1e-8,
                           .sweeps = sweeps};
}

static void check_close(int n, const double *a, const double *b, double tolerance)
{
    for (int i = 0; i < n; i++)
        if (!(fabs(a[i] - b[i]) < tolerance))
            fail_msg("element %d: %.17g, expected %.17g", i, a[i], b[i]);
}

static void soap_equals_the_naive_algorithm(void **state)
{
    (void)state;
    static block_memory memory;
    const kad_soap_block block = make_block(&memory);
    naive reference[LANES] = {0};
    double g[LANES][ROWS * COLS], ql[ROWS * ROWS], qr[COLS * COLS];
    for (int t = 1; t <= 40; t++) {
        const kad_soap_step c = coefficients(t, t % 5 == 1 ? 2 : 0);
        for (int k = 0; k < LANES; k++)
            for (int i = 0; i < ROWS * COLS; i++) {
                g[k][i] = normal((uint64_t)t, (size_t)(k * 100 + i)) * (1 + i % COLS);
                memory.g[i * LANES + k] = g[k][i];
            }
        kad_soap_block_step_f64(&block, &c, memory.g, memory.scratch);
        for (int k = 0; k < LANES; k++) {
            double expected[ROWS * ROWS], got[ROWS * COLS], turned[ROWS * ROWS];
            lane_of(ROWS * ROWS, memory.ql, k, ql);
            lane_of(COLS * COLS, memory.qr, k, qr);
            naive_step(&reference[k], &c, g[k], ql, qr, expected);
            lane_of(ROWS * COLS, memory.g, k, got);
            /* order-one numbers, divided by roots that may be small */
            check_close(ROWS * COLS, got, expected, 1e-9);
            /* the factor it keeps is the naive one seen from the eigenbasis */
            sandwich(ROWS, ROWS, ROWS, ROWS, ql, true, reference[k].l, ql, false, turned);
            lane_of(ROWS * ROWS, memory.l, k, expected);
            check_close(ROWS * ROWS, expected, turned, 1e-11);
        }
    }
}

static void soap_bases_stay_orthonormal_and_diagonalise(void **state)
{
    (void)state;
    static block_memory memory;
    const kad_soap_block block = make_block(&memory);
    for (int t = 1; t <= 2000; t++) {
        const kad_soap_step c = coefficients(t, t == 2000               ? 8
                                                : t < 20 || t % 10 == 0 ? 2
                                                                        : 0);
        for (int i = 0; i < ROWS * COLS * LANES; i++)
            memory.g[i] = normal((uint64_t)t, (size_t)i) * (1.0 + (double)(i % 7));
        kad_soap_block_step_f64(&block, &c, memory.g, memory.scratch);
    }
    for (int k = 0; k < LANES; k++) {
        double q[ROWS * ROWS], l[ROWS * ROWS], top = 0.0;
        lane_of(ROWS * ROWS, memory.ql, k, q);
        lane_of(ROWS * ROWS, memory.l, k, l);
        for (int i = 0; i < ROWS; i++)
            top = fmax(top, l[i * ROWS + i]);
        for (int i = 0; i < ROWS; i++)
            for (int j = 0; j < ROWS; j++) {
                double dot = 0.0;
                for (int p = 0; p < ROWS; p++)
                    dot += q[p * ROWS + i] * q[p * ROWS + j];
                assert_true(fabs(dot - (i == j)) < 1e-14);
                /* the last refresh swept to convergence */
                if (i != j) assert_true(fabs(l[i * ROWS + j]) < 1e-14 * top);
            }
    }
}

/* ---- Muon -------------------------------------------------------------------------- */

/* X^T X of a direction, whose singular values the iteration brings into [0.7, 1.2] from
 * 0.01 of the norm up; a constant matrix besides has only one that is not 0. Rounding to bfloats
 * moves them by 2^-8 an iteration, which multiplies that by up to 3.4 in the next: 0.04. */
static void muon_makes_orthogonal(void **state)
{
    (void)state;
    const int sizes[][2] = {{8, 8}, {17, 5}, {5, 40}, {64, 113}};
    for (size_t k = 0; k < 2 * sizeof sizes / sizeof sizes[0]; k++) {
        const int rows = sizes[k / 2][0], cols = sizes[k / 2][1];
        const bool bfloat = k % 2;
        const double more = sqrt(fmax(1.0, (double)rows / cols));
        const size_t n = (size_t)(rows * cols);
        double *x = kad_alloc(n, sizeof *x), *g = kad_alloc(n, sizeof *g);
        float *scratch = kad_alloc(kad_muon_scratch(rows, cols), sizeof *scratch);
        for (size_t i = 0; i < n; i++)
            x[i] = g[i] = 1e-4 * normal(k, i);
        kad_muon_orthogonal(rows, cols, bfloat, x, scratch);
        /* sum_i o_i^2, and along G = sum_i s_i u_i v_i^T it is sum_i o_i s_i >= 0.6 |G| */
        double square = 0.0, along = 0.0, norm = 0.0;
        for (size_t i = 0; i < n; i++) {
            square += x[i] * x[i] / (more * more);
            along += x[i] * g[i] / more;
            norm += g[i] * g[i];
        }
        const double least = rows < cols ? rows : cols;
        assert_true(square < 1.21 * 1.21 * least && square > 0.6 * least);
        assert_true(along > 0.6 * sqrt(norm));
        for (size_t i = 0; i < n; i++)
            x[i] = 3.0;
        kad_muon_orthogonal(rows, cols, bfloat, x, scratch);
        for (size_t i = 0; i < n; i++)
            assert_close(x[i] / more * sqrt((double)n), 0.95, bfloat ? 0.3 : 0.26);
        for (size_t i = 0; i < n; i++)
            x[i] = 0.0;
        kad_muon_orthogonal(rows, cols, bfloat, x, scratch);
        for (size_t i = 0; i < n; i++)
            assert_true(x[i] == 0.0);
        kad_free(x), kad_free(g), kad_free(scratch);
    }
}

/* Every step until 20, every 5th until 200, every 20th from then on. */
static void soap_refreshes_its_bases_for_ever(void **state)
{
    (void)state;
    kad_shape shapes[N_SHAPES];
    const size_t n = make_shapes(shapes);
    kad_optimiser *opt = make(kad_optimiser_find("soap"), KAD_DOUBLE, 1, n, shapes);
    double *theta = kad_alloc(n, sizeof *theta), *gradient = kad_alloc(n, sizeof *theta);
    kad_state_array bases = {0};
    for (int i = 0; i < opt->ops->n_arrays; i++) {
        opt->ops->array(opt, i, &bases);
        if (strcmp(bases.name, "bases") == 0) break;
    }
    assert_string_equal(bases.name, "bases");
    double *before = kad_alloc(bases.n, sizeof *before);
    for (uint64_t t = 1; t <= 500; t++) {
        memcpy(before, bases.data, bases.n * sizeof *before);
        run(opt, 1, t, t + 1, theta, gradient);
        const bool due = t <= 20 || (t <= 200 && t % 5 == 0) || t % 20 == 0;
        if ((memcmp(before, bases.data, bases.n * sizeof *before) != 0) != due)
            fail_msg("step %d: refreshed %s", (int)t, due ? "not" : "without need");
    }
    kad_free(before);
    kad_free(theta);
    kad_free(gradient);
    kad_optimiser_destroy(opt);
}

/* f = sum_ij a_i b_j (U^T (W - 1) V)_ij^2 / 2 with a, b from 1 to 1e-3 and U, V rotations
 * by 1 radian in every neighbouring plane. */
enum { SIDE = 8 };

static void rotate_rows(double *w, double angle, int first, int stride, int step)
{
    for (int k = 0; k < SIDE; k++) {
        double *x = &w[first * stride + k * step],
               *y = &w[(first + 1) * stride + k * step];
        const double a = *x, b = *y;
        *x = cos(angle) * a - sin(angle) * b;
        *y = sin(angle) * a + cos(angle) * b;
    }
}

static double quadratic(const double *w, double *g)
{
    double f = 0.0;
    for (int i = 0; i < SIDE * SIDE; i++)
        g[i] = w[i] - 1.0;
    for (int i = 0; i < SIDE - 1; i++) {
        rotate_rows(g, 1.0, i, SIDE, 1);
        rotate_rows(g, 1.0, i, 1, SIDE);
    }
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) {
            const double c = pow(1e-3, (double)i / (SIDE - 1) + (double)j / (SIDE - 1));
            f += 0.5 * c * g[i * SIDE + j] * g[i * SIDE + j];
            g[i * SIDE + j] *= c;
        }
    for (int i = SIDE - 2; i >= 0; i--) {
        rotate_rows(g, -1.0, i, SIDE, 1);
        rotate_rows(g, -1.0, i, 1, SIDE);
    }
    return f;
}

static double minimise(const char *name, double rate)
{
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    const kad_optimiser_ops *ops = kad_optimiser_find(name);
    kad_optimiser_options options = kad_optimiser_defaults(ops);
    options.prec = KAD_DOUBLE;
    options.beta1 = 0.95;
    options.beta2 = 0.95;
    const kad_shape shape = {SIDE, SIDE, 0};
    const kad_schedule schedule = {KAD_SCHEDULE_COSINE, rate, 0.0, 0, 500};
    kad_optimiser *opt = NULL;
    double w[SIDE * SIDE] = {0}, g[SIDE * SIDE];
    assert_int_equal(
        kad_optimiser_create(&ctx, ops, &options, SIDE * SIDE, 1, &shape, &opt), KAD_OK);
    for (int t = 0; t < 500; t++) {
        quadratic(w, g);
        kad_optimiser_step(opt, 1, kad_schedule_rate(&schedule, t, 0), g, w);
    }
    kad_optimiser_destroy(opt);
    return quadratic(w, g);
}

static void soap_beats_adam_when_ill_conditioned(void **state)
{
    (void)state;
    double best[2] = {INFINITY, INFINITY};
    const double rates[] = {0.01, 0.03, 0.1};
    for (int i = 0; i < 3; i++) {
        best[0] = fmin(best[0], minimise("soap", rates[i]));
        best[1] = fmin(best[1], minimise("adam", rates[i]));
    }
    print_message("# ill-conditioned quadratic: soap %.2e, adam %.2e\n", best[0],
                  best[1]);
    assert_true(best[0] < 0.1 * best[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("optimisers: the registry and the schema's choices agree",
              registry_and_schema_agree),
        CLAIM("optimisers: every one reaches the minimum of a noisy quadratic",
              every_one_reaches_the_minimum),
        CLAIM("optimisers: 1, 2 and 3 threads give the same bits", threads_do_not_matter),
        CLAIM("optimisers: a state copied array by array continues to the bit",
              state_restores_to_the_bit),
        CLAIM("optimisers: steps allocate nothing", steps_allocate_nothing),
        CLAIM("optimisers: a tensor outside the parameters is refused",
              shapes_outside_are_refused),
        CLAIM("adam: takes the paper's steps", adam_takes_the_papers_steps),
        CLAIM("muon: directions are orthogonal within its iteration's reach",
              muon_makes_orthogonal),
        CLAIM("soap: equals the algorithm in plain loops in the original space",
              soap_equals_the_naive_algorithm),
        CLAIM("soap: bases are refreshed at the stated steps, however long it runs",
              soap_refreshes_its_bases_for_ever),
        CLAIM("soap: bases stay orthonormal to 1e-14 and diagonalise the factors",
              soap_bases_stay_orthonormal_and_diagonalise),
        CLAIM("soap: ten times below adam's best on an ill-conditioned quadratic",
              soap_beats_adam_when_ill_conditioned),
    };
    return cmocka_run_group_tests_name("optimisers", tests, NULL, NULL);
}
