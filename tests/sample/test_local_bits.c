/* Samplers of the boundary field, "metropolis" and "cluster": what they leave as it is, and
 * that bits depend on neither threads, batches nor pieces. */
#include "base/memory.h"
#include "lattice/hartley.h"
#include "models/phi4.h"
#include "tests/sample/local_case.h"
#include "tests/support/claim.h"

/* Free field drawn exactly in Fourier space, three sweeps without burn-in: still exact.
 * No autocorrelation enters; wide proposals, so that acceptance matters. */
static void free_run(local_case *s, bool clusters, const double exact[LOCAL_CASE_VALUES])
{
    enum { CHAINS = 4096 };
    const int n = s->action->n_comp;
    const kad_sampler_setup setup = local_case_setup(s, CHAINS, 0, 1);
    const kad_rng rng = kad_rng_stream(4, KAD_RNG_TEST, 0);
    kad_hartley *plan;
    void *self;
    assert_ok(s, kad_hartley_create(&s->ctx, s->lattice, n, &plan));
    void *scratch = kad_alloc(kad_hartley_scratch_bytes(plan, KAD_DOUBLE), 1);
    assert_ok(s, kad_local_chains_create(&s->ctx, &setup, clusters, &self));
    kad_local_chains *c = self;
    for (size_t tile = 0; tile < c->shell.n_tiles; tile++) {
        double *x = c->x + tile * c->shell.n_rows * KAD_W_DOUBLE;
        for (int row = 0; row < (int)s->n_rows; row++)
            for (int lane = 0; lane < KAD_W_DOUBLE; lane++) {
                double pair[2];
                const double G = 0.5 / (0.25 + kad_lattice_khat2(s->lattice, row / n));
                kad_rng_normal2(rng, 0, tile * KAD_W_DOUBLE + (size_t)lane, (uint32_t)row,
                                pair);
                x[row * KAD_W_DOUBLE + lane] = sqrt(G) * pair[0];
            }
        kad_hartley_apply_f64(plan, x, scratch);
    }
    local_case_prepare(s, CHAINS, 1);
    local_case_advance(s, self, 1);
    assert_true(c->width == 1.5);
    assert_true(c->n_accepted / c->n_tried < 0.6);
    local_case_compare(s, clusters ? "free, cluster" : "free, metropolis",
                       local_case_field, exact, 0.05);
    kad_local_chains_destroy(self);
    kad_free(scratch);
    kad_hartley_destroy(plan);
}

static void free_field_stays(void **state)
{
    (void)state;
    for (int n = 1; n < 4; n++) {
        local_case s;
        char yaml[160];
        double g = 0, g1 = 0;
        snprintf(yaml, sizeof yaml,
                 "action: {name: phi4, components: %d, form: albergo, m2: 0.25, lambda: "
                 "0}\nsample: [{name: metropolis, width: 1.5, sweeps: 3}]\n",
                 n);
        local_case_make(&s, 2, 4, yaml, false);
        for (int k = 0; k < 16; k++) {
            const double G = 0.5 / (0.25 + kad_lattice_khat2(s.lattice, k));
            g += n * G / 16;
            g1 += n * G / 16 * cos(2 * M_PI * (k % 4) / 4);
        }
        const double exact[LOCAL_CASE_VALUES] = {g, NAN, n * 0.5 / 0.25, g1};
        free_run(&s, false, exact);
        free_run(&s, true, exact);
        local_case_clear(&s);
    }
}

/* Over-relaxation leaves S alone and moves the field, in 3 x 3 x 3 (odd extents). */
static void reflections_keep_the_action(void **state)
{
    (void)state;
    for (int n = 2; n < 4; n++) {
        enum { ROWS = 3 * 27 };
        char yaml[128];
        local_case s;
        double S[2][KAD_W_DOUBLE], *x, *y, moved = 0;
        snprintf(yaml, sizeof yaml,
                 "action: {name: phi4, components: %d, form: hopping, kappa: 0.3, "
                 "lambda: 1}\n",
                 n);
        local_case_make(&s, 3, 3, yaml, false);
        x = kad_alloc(ROWS * KAD_W_DOUBLE, sizeof *x);
        y = kad_alloc(ROWS * KAD_W_DOUBLE, sizeof *y);
        for (int i = 0; i < 27 * n * KAD_W_DOUBLE; i++)
            y[i] = x[i] = sin(1.0 + 1.7 * i);
        kad_phi4_local.value(s.action, x, S[0], NULL);
        kad_phi4_local.reflect(s.action, x);
        kad_phi4_local.value(s.action, x, S[1], NULL);
        for (int lane = 0; lane < KAD_W_DOUBLE; lane++)
            assert_true(fabs(S[1][lane] - S[0][lane]) < 1e-11);
        for (int i = 0; i < 27 * n * KAD_W_DOUBLE; i++)
            moved = fmax(moved, fabs(x[i] - y[i]));
        assert_true(moved > 0.5);
        kad_free(x);
        kad_free(y);
        local_case_clear(&s);
    }
}

/* S of the draws is the action's of the configurations. */
static void actions_agree(void **state)
{
    static const char *const yaml[2] = {
        "action: {name: on-dual, components: 3, beta: 0.4, representation: field}\n",
        "action: {name: phi4, components: 3, form: hopping, kappa: 0.3, lambda: 1}\n"};
    (void)state;
    for (int model = 0; model < 2; model++) {
        local_case s;
        local_case_make(&s, 3, 2, yaml[model], false);
        for (int clusters = 0; clusters < 2; clusters++) {
            double S[45 * 3];
            local_case_run(&s, clusters, 45, 0, 3);
            assert_ok(&s, kad_action_values(&s.ctx, s.action, 45 * 3, s.x, S));
            for (int i = 0; i < 45 * 3; i++)
                assert_true(fabs(S[i] - s.S[i]) < 1e-9);
        }
        local_case_clear(&s);
    }
}

/* Draws of the last of 30 + 40, by any threads and in any batches, saved on the way. */
static void collect(local_case *s, bool clusters, int n_threads, int batch, bool reload,
                    double *x, double *width)
{
    enum { CHAINS = 45, TOTAL = 70 };
    void *self;
    const kad_sampler_setup setup = local_case_setup(s, CHAINS, 30, 40);
    s->ctx.n_threads = n_threads;
    assert_ok(s, kad_local_chains_create(&s->ctx, &setup, clusters, &self));
    local_case_prepare(s, CHAINS, batch);
    for (int done = 0; done < TOTAL;) {
        /* never across the end of the burn-in, as record/chains.c does */
        const int end = done < 30 ? 30 : TOTAL;
        const int n = end - done < batch ? end - done : batch;
        if (reload) {
            kad_h5 *file;
            assert_ok(s, kad_h5_create(&s->ctx, &file));
            assert_ok(s, kad_h5_group(&s->ctx, file, "/state"));
            assert_ok(s, kad_local_chains_save(&s->ctx, self, file, "/state"));
            kad_local_chains_destroy(self);
            assert_ok(s, kad_local_chains_create(&s->ctx, &setup, clusters, &self));
            assert_ok(s, kad_local_chains_load(&s->ctx, self, file, "/state"));
            kad_h5_close(file);
        }
        local_case_advance(s, self, n);
        done += n;
        for (int chain = 0; chain < CHAINS; chain++)
            memcpy(x + (size_t)chain * s->n_rows,
                   s->x + (size_t)(chain * n + n - 1) * s->n_rows, s->n_rows * sizeof *x);
        assert_int_equal(s->number[n], kad_draw_number(&setup, 1, done - n));
    }
    *width = ((kad_local_chains *)self)->width;
    kad_local_chains_destroy(self);
}

static void same_bits_anyhow(void **state)
{
    static const char *const yaml[3] = {
        "action: {name: on-dual, components: 2, beta: 1}\n", "action: {name: on-dual}\n",
        "action: {name: phi4, components: 2, form: hopping, kappa: 0.3, lambda: 1}\n"};
    (void)state;
    for (int model = 0; model < 3; model++)
        for (int clusters = 0; clusters < 2; clusters++) {
            local_case s;
            double a[45 * 32], b[45 * 32], width[2];
            local_case_make(&s, 2, 4, yaml[model], false);
            collect(&s, clusters, 1, 70, false, a, &width[0]);
            for (int way = 0; way < 3; way++) {
                const size_t n = 45 * s.n_rows;
                collect(&s, clusters, way == 0 ? 1 : 2, way == 0 ? 7 : 11, way == 2, b,
                        &width[1]);
                assert_memory_equal(a, b, n * sizeof *a);
                assert_true(width[0] == width[1]);
                if (model == 2) assert_true(width[0] != 1);
            }
            local_case_clear(&s);
        }
}

/* Many chains do not see each other: chain 3 alone of 45 equals chain 3 of 4. */
static void chains_are_their_own(void **state)
{
    (void)state;
    local_case s;
    double few[16];
    local_case_make(&s, 2, 4, "action: {name: on-dual}\n", false);
    local_case_run(&s, true, 4, 0, 9);
    memcpy(few, s.x + (size_t)(3 * 9 + 8) * s.n_rows, sizeof few);
    local_case_run(&s, true, 45, 0, 9);
    assert_memory_equal(few, s.x + (size_t)(3 * 9 + 8) * s.n_rows, sizeof few);
    local_case_clear(&s);
}

/* A key that does nothing is refused; a clock term's acceptance is that of its draws, and
 * counted where nothing is tuned. */
static void keys_without_effect(void **state)
{
    static const struct {
        const char *yaml, *message;
    } bad[] = {
        {"action: {name: on-dual, beta: 0.4}\nsample: [{name: metropolis, "
         "overrelaxation: 1}]\n",
         "overrelaxation"},
        {"action: {name: phi4, m2: -1, lambda: 1}\nsample: [{name: metropolis, "
         "overrelaxation: 2}]\n",
         "one component"},
        {"action: {name: xy, beta: 1, components: 2, clock: 0.1}\nsample: [{name: "
         "metropolis, "
         "overrelaxation: 1}]\n",
         "change"},
        {"action: {name: on-dual, beta: 0.4}\nsample: [{name: metropolis, width: 2}]\n",
         "width"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        local_case s;
        void *self;
        local_case_make(&s, 2, 4, bad[i].yaml, false);
        const kad_sampler_setup setup = local_case_setup(&s, 8, 0, 4);
        assert_int_equal(kad_local_chains_create(&s.ctx, &setup, false, &self),
                         KAD_ECONFIG);
        assert_non_null(strstr(s.ctx.message, bad[i].message));
        local_case_clear(&s);
    }
}

static void clock_terms_refuse(void **state)
{
    local_case s;
    (void)state;
    for (int clock = 0; clock < 2; clock++) {
        void *self;
        local_case_make(&s, 2, 4,
                        clock ? "action: {name: xy, components: 2, beta: 1, clock: 2}\n"
                              : "action: {name: xy, components: 2, beta: 1}\n",
                        false);
        const kad_sampler_setup setup = local_case_setup(&s, 8, 0, 50);
        assert_ok(&s, kad_local_chains_create(&s.ctx, &setup, false, &self));
        local_case_prepare(&s, 8, 50);
        double *acceptance = kad_alloc(400, sizeof *acceptance), mean = 0;
        kad_draws out = {.n = 50,
                         .number = s.number,
                         .x = s.x,
                         .action = s.S,
                         .accepted = s.accepted,
                         .acceptance = acceptance};
        assert_ok(&s, kad_shell_advance(&s.ctx, self, &out));
        const kad_local_chains *c = self;
        for (int i = 0; i < 400; i++)
            mean += acceptance[i] / 400;
        assert_int_equal(c->n_reflections, clock ? 0 : 1);
        if (clock) {
            assert_true(fabs(mean - c->n_accepted / c->n_tried) < 1e-12);
            assert_true(mean > 0.2 && mean < 0.9);
        } else {
            assert_true(fabs(mean - 1) < 1e-12);
        }
        kad_free(acceptance);
        kad_local_chains_destroy(self);
        local_case_clear(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("local, cluster: the free field drawn exactly stays exact",
              free_field_stays),
        CLAIM("over-relaxation: the action stays", reflections_keep_the_action),
        CLAIM("local, cluster: S is the action of the draw", actions_agree),
        CLAIM("local, cluster: the same bits for any threads, batches and pieces",
              same_bits_anyhow),
        CLAIM("local, cluster: keys without effect are refused", keys_without_effect),
        CLAIM("local: a clock term's acceptance is counted", clock_terms_refuse),
        CLAIM("local, cluster: chains do not see each other", chains_are_their_own),
    };
    return cmocka_run_group_tests_name("local: invariance and bits", tests, NULL, NULL);
}
