/* The dual's conditional draws: the field given the spins is normal with mean A s and
 * covariance A, whichever way it is drawn; Ising spins given the field are independent. */
#include "models/dual.h"
#include "tests/support/models_util.h"

enum { W = KAD_W_DOUBLE, ROWS = 36, STEPS = 2048 };

/* About 3000 comparisons with normal numbers: one beyond 6.5 has probability 2.4e-7. */
static const double WORST = 6.5;

typedef struct scene {
    fixture f;
    const kad_dual *dual;
    kad_rng rng[KAD_LOCAL_STREAMS];
    double A[ROWS][ROWS]; /* over rows, components apart */
    double *s, *x;
    void *work;
} scene;

static void scene_make(scene *c, const char *yaml, int d, const int *shape)
{
    fixture_make(&c->f, yaml, d, shape, false);
    c->dual = c->f.action->self;
    const int N = c->f.lattice->n_sites, n = c->f.action->n_comp;
    assert_true(c->f.n_rows <= ROWS);
    for (uint32_t i = 0; i < KAD_LOCAL_STREAMS; i++)
        c->rng[i] = kad_rng_stream(3, KAD_RNG_TEST, i);
    memset(c->A, 0, sizeof c->A);
    for (int i = 0; i < N; i++)
        for (int a = 0; a < n; a++) {
            c->A[i * n + a][i * n + a] += c->dual->alpha;
            for (int b = 0; b < 2 * d; b++)
                c->A[i * n + a][c->f.lattice->nbr[2 * d * i + b] * n + a] +=
                    c->dual->beta;
        }
    c->s = kad_alloc(ROWS * W, sizeof(double));
    c->x = kad_alloc(ROWS * W, sizeof(double));
    c->work = kad_alloc(kad_dual_field_bytes(c->dual), 1);
}

static void scene_clear(scene *c)
{
    kad_free(c->s);
    kad_free(c->x);
    kad_free(c->work);
    fixture_clear(&c->f);
}

static void draw(scene *c, uint64_t step)
{
    const kad_turn turn = {.rng = c->rng, .step = step, .n_lanes = W};
    kad_dual_field(c->dual, &turn, c->s, c->x, c->work);
}

/* The same noise with and without spins differs by A s. */
static double worst_mean(scene *c)
{
    const size_t n = c->f.n_rows;
    double noise[ROWS * W], worst = 0;
    memset(c->s, 0, ROWS * W * sizeof *c->s);
    draw(c, 5);
    memcpy(noise, c->x, n * W * sizeof *noise);
    for (size_t i = 0; i < n * W; i++)
        c->s[i] = cos(1.0 + 2.3 * (double)i);
    draw(c, 5);
    for (size_t i = 0; i < n; i++)
        for (size_t lane = 0; lane < W; lane++) {
            double mean = 0;
            for (size_t j = 0; j < n; j++)
                mean += c->A[i][j] * c->s[j * W + lane];
            worst = fmax(worst, fabs(c->x[i * W + lane] - noise[i * W + lane] - mean));
        }
    return worst;
}

/* <x_i x_j> without spins against A, in units of its error. */
static double worst_covariance(scene *c)
{
    const size_t n = c->f.n_rows;
    double sum[ROWS][ROWS] = {{0}}, worst = 0;
    memset(c->s, 0, ROWS * W * sizeof *c->s);
    for (uint64_t step = 0; step < STEPS; step++) {
        draw(c, step);
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j <= i; j++)
                for (size_t lane = 0; lane < W; lane++)
                    sum[i][j] += c->x[i * W + lane] * c->x[j * W + lane];
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            const double A = c->A[i][j], count = (double)STEPS * W;
            const double err = sqrt((c->A[i][i] * c->A[j][j] + A * A) / count);
            worst = fmax(worst, fabs(sum[i][j] / count - A) / err);
        }
    return worst;
}

static void fields_are_normal(void **state)
{
    static const struct {
        const char *yaml;
        int d, shape[3];
    } cases[] = {
        {"action: {beta: 0.7, epsilon: 0.3}", 1, {6}},
        {"action: {beta: 0.44}", 2, {4, 4}},
        {"action: {beta: 0.4, components: 2, representation: field}", 2, {4, 3}},
        {"action: {beta: 0.4, components: 2, epsilon: 0.2}", 2, {2, 5}},
        {"action: {beta: 0.4, epsilon: 0.2}", 2, {3, 4}}, /* by the full transform */
        {"action: {beta: 0.4, components: 3, representation: field}", 3, {2, 3, 2}},
    };
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        char yaml[128];
        scene c;
        snprintf(yaml, sizeof yaml, "action: {name: on-dual, %s",
                 strchr(cases[k].yaml, '{') + 1);
        scene_make(&c, yaml, cases[k].d, cases[k].shape);
        const double mean = worst_mean(&c), covariance = worst_covariance(&c);
        print_message("# %d dimensions, %zu rows: mean %.1e, covariance %.2f sigma\n",
                      cases[k].d, c.f.n_rows, mean, covariance);
        assert_true(mean < 1e-12);
        assert_true(covariance < WORST);
        scene_clear(&c);
    }
}

/* P(s_i = 1) = 1 / (1 + exp(-2 x_i)), and neighbours do not know of each other. */
static void spins_follow_the_field(void **state)
{
    const int shape[2] = {3, 3}; /* not a multiple of four rows */
    double up[9] = {0}, pair[9] = {0};
    scene c;
    (void)state;
    scene_make(&c, "action: {name: on-dual, beta: 0.4}", 2, shape);
    for (size_t i = 0; i < 9 * W; i++)
        c.x[i] = 0.5 * ((double)(i / W) - 4);
    for (uint64_t step = 0; step < STEPS; step++) {
        const kad_turn turn = {.rng = c.rng, .step = step, .n_lanes = W};
        kad_dual_ising_spins(c.dual, &turn, c.x, c.s);
        for (size_t i = 0; i < 9; i++)
            for (size_t lane = 0; lane < W; lane++) {
                const double s = c.s[i * W + lane];
                assert_true(fabs(s) == 1);
                up[i] += s;
                pair[i] += s * c.s[(i + 1) % 9 * W + lane];
            }
    }
    for (size_t i = 0; i < 9; i++) {
        const double n = (double)STEPS * W, m = tanh(0.5 * ((double)i - 4));
        const double m2 = m * tanh(0.5 * ((double)((i + 1) % 9) - 4));
        assert_true(fabs(up[i] / n - m) < WORST * sqrt((1 - m * m) / n));
        assert_true(fabs(pair[i] / n - m2) < WORST * sqrt((1 - m2 * m2) / n));
    }
    scene_clear(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"dual: field draws have mean A s and covariance A", fields_are_normal, NULL,
         NULL, NULL},
        {"dual: Ising spins follow the field, alone", spins_follow_the_field, NULL, NULL,
         NULL},
    };
    return cmocka_run_group_tests_name("dual draws", tests, NULL, NULL);
}
