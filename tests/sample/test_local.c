/* Samplers of the boundary field, "metropolis" and "cluster": exact values, invariance,
 * bits. The cluster move alone is test_clusters's. */
#include <unistd.h>

#include <gsl/gsl_sf_bessel.h>

#include "base/memory.h"
#include "lattice/hartley.h"
#include "models/phi4.h"
#include "models/spins.h"
#include "record/sample.h"
#include "run/options.h"
#include "run/schema.h"
#include "sample/local_chains.h"
#include "tests/support/claim.h"

/* --- scenes -------------------------------------------------------------------------- */

static const kad_key keys[] = {
    {"action.name", KAD_STRING, KAD_NO_MEMBER, NULL, 1, 0, "", NULL, "model"},
    {"lattice.shape", KAD_INTS, KAD_NO_MEMBER, NULL, 2, 1048576, "sites", NULL, "shape"},
    {"sample[].name", KAD_STRING, KAD_NO_MEMBER, NULL, 1, 0, "", NULL, "sampler"},
};

typedef struct scene {
    kad_ctx ctx;
    kad_schema schema;
    kad_config *config;
    kad_run_options options;
    kad_action_options action_options;
    kad_lattice *lattice;
    kad_action *action;
    size_t n_rows;
    /* of the latest run: [n_chains][n_draws] */
    int n_chains, n_draws;
    double *x, *S;
    uint64_t *number;
    uint8_t *accepted;
    double width;
} scene;

static void scene_make(scene *s, int d, int extent, const char *yaml, bool decimate)
{
    const int shape[3] = {extent, extent, extent};
    memset(s, 0, sizeof *s);
    kad_ctx_init(&s->ctx, 2);
    kad_schema_add(&s->schema, keys, sizeof keys / sizeof *keys);
    kad_action_schema(&s->schema);
    kad_schema_add(&s->schema, kad_sample_keys, kad_sample_n_keys);
    kad_schema_add(&s->schema, kad_local_keys, KAD_LOCAL_N_KEYS);
    assert_ok(
        s, kad_config_parse(&s->ctx, &s->schema, yaml, "test.yaml", 0, NULL, &s->config));
    assert_ok(s, kad_run_options_read(&s->ctx, s->config, &s->options));
    assert_ok(s, kad_lattice_create(&s->ctx, d, shape, &s->lattice));
    assert_ok(s, kad_action_options_read(&s->ctx, s->config, &s->action_options));
    assert_ok(s, kad_action_create(&s->ctx, &s->action_options, s->lattice, decimate,
                                   &s->action));
    s->n_rows = (size_t)s->lattice->n_sites * (size_t)s->action->n_comp;
}

static void scene_forget(scene *s)
{
    kad_free(s->x);
    kad_free(s->S);
    kad_free(s->number);
    kad_free(s->accepted);
    s->x = s->S = NULL;
    s->number = NULL;
    s->accepted = NULL;
}

static void scene_clear(scene *s)
{
    scene_forget(s);
    kad_action_destroy(s->action);
    kad_lattice_destroy(s->lattice);
    kad_run_options_clear(&s->options);
    kad_action_options_clear(&s->action_options);
    kad_config_destroy(s->config);
}

static kad_sampler_setup setup_of(const scene *s, int chains, int burn_in, int draws)
{
    return (kad_sampler_setup){
        .own = kad_sampler_own(kad_sampler_find("cluster"), s->options.entries[0].own),
        .start = s->options.entries[0].start,
        .action = s->action,
        .seed = 20,
        .n_chains = chains,
        .n_draws = draws,
        .n_burn_in = burn_in,
        .n_tune = burn_in,
        .n_batch_max = (size_t)(draws > burn_in ? draws : burn_in)};
}

static void prepare(scene *s, int chains, int draws)
{
    const size_t n = (size_t)chains * (size_t)draws;
    scene_forget(s);
    s->n_chains = chains;
    s->n_draws = draws;
    s->x = kad_alloc(n * s->n_rows, sizeof *s->x);
    s->S = kad_alloc(n, sizeof *s->S);
    s->number = kad_alloc(n, sizeof *s->number);
    s->accepted = kad_alloc(n, 1);
}

static void advance(scene *s, void *self, int n)
{
    kad_draws out = {.n = (size_t)n,
                     .number = s->number,
                     .x = s->x,
                     .action = s->S,
                     .accepted = s->accepted};
    assert_ok(s, kad_shell_advance(&s->ctx, self, &out));
}

/* Draws of independent chains after a burn-in. */
static void run(scene *s, bool clusters, int chains, int burn_in, int draws)
{
    void *self;
    const kad_sampler_setup setup = setup_of(s, chains, burn_in, draws);
    assert_ok(s, kad_local_chains_create(&s->ctx, &setup, clusters, &self));
    prepare(s, chains, burn_in > draws ? burn_in : draws);
    s->n_draws = draws;
    if (burn_in > 0) advance(s, self, burn_in);
    advance(s, self, draws);
    const kad_local_chains *c = self;
    s->width = c->width;
    if (c->local->tuned && burn_in > 0) {
        const double p = c->n_accepted / c->n_tried;
        print_message("# width %.4f, acceptance %.4f\n", c->width, p);
        assert_true(fabs(p - KAD_LOCAL_ACCEPTANCE) < 0.05);
    }
    kad_local_chains_destroy(self);
}

/* --- observables --------------------------------------------------------------------- */

enum { N_VALUES = 4 };
typedef void (*observe)(const scene *s, const double *x, double *out);

/* f: field, self: what <f_i.f_i> lacks summed over sites. Energy of all bonds a site
 * (negative), mean squared magnetisation, nearest neighbours along the last axis. */
static void pair_values(const scene *s, const double *f, double self, double out[3])
{
    const int N = s->lattice->n_sites, n = s->action->n_comp, d = s->lattice->d;
    double m[3] = {0};
    out[0] = out[2] = 0;
    for (int i = 0; i < N; i++)
        for (int a = 0; a < n; a++) {
            const double fi = f[i * n + a];
            m[a] += fi;
            for (int mu = 0; mu < d; mu++) {
                const double fj = f[s->lattice->nbr[2 * (i * d + mu)] * n + a];
                out[0] -= fi * fj / N;
                if (mu == d - 1) out[2] += fi * fj / N;
            }
        }
    out[1] = (m[0] * m[0] + m[1] * m[1] + m[2] * m[2] + self) / ((double)N * N);
}

/* E/N, <m^2>, <s s>(1,0) of the spins. */
static void spin_values(const scene *s, const double *x, double *out)
{
    double m[3 * 64];
    const double self =
        kad_spins_mean(s->action->n_comp, (size_t)s->lattice->n_sites, x, m);
    pair_values(s, m, self, out);
}

/* <|phi|^2>, <|phi|^4>, N <|mean phi|^2>, nearest neighbours. */
static void field_values(const scene *s, const double *x, double *out)
{
    const int N = s->lattice->n_sites, n = s->action->n_comp;
    double pairs[3];
    out[0] = out[1] = 0;
    for (int i = 0; i < N; i++) {
        double r2 = 0;
        for (int a = 0; a < n; a++)
            r2 += x[i * n + a] * x[i * n + a];
        out[0] += r2 / N;
        out[1] += r2 * r2 / N;
    }
    pair_values(s, x, 0, pairs);
    out[2] = N * pairs[1];
    out[3] = pairs[2];
}

/* Every given value (NAN: skip) within five standard errors, taken from independent
 * chains, and the errors small enough to mean something. About 40 comparisons of fixed
 * seeds: false alarm 2e-5. */
static void compare(const scene *s, const char *what, observe values,
                    const double exact[N_VALUES], double relative)
{
    double sum[N_VALUES] = {0}, squares[N_VALUES] = {0};
    for (int chain = 0; chain < s->n_chains; chain++) {
        double mean[N_VALUES] = {0}, one[N_VALUES] = {0};
        for (int i = 0; i < s->n_draws; i++) {
            const size_t at = (size_t)(chain * s->n_draws + i);
            values(s, s->x + at * s->n_rows, one);
            for (int k = 0; k < N_VALUES; k++)
                mean[k] += one[k] / s->n_draws;
        }
        for (int k = 0; k < N_VALUES; k++) {
            sum[k] += mean[k];
            squares[k] += mean[k] * mean[k];
        }
    }
    for (int k = 0; k < N_VALUES; k++) {
        const double mean = sum[k] / s->n_chains;
        const double var = squares[k] / s->n_chains - mean * mean;
        const double err = sqrt(var / (s->n_chains - 1));
        if (isnan(exact[k])) continue;
        print_message("# %s[%d] %.6f +- %.6f, exact %.6f (%+.2f)\n", what, k, mean, err,
                      exact[k], (mean - exact[k]) / err);
        assert_true(fabs(mean - exact[k]) < 5 * err);
        assert_true(err < relative * fabs(exact[k]));
    }
}

/* --- exact values -------------------------------------------------------------------- */

static void ising_is_exact(void **state)
{
    /* PHYSICS of the square lattice's Ising model, 4 x 4 at T_c: enumeration */
    static const double exact[N_VALUES] = {-1.565623787638, 0.761358908569,
                                           0.782811893819, NAN};
    static const char *const yaml[2] = {
        "action: {name: on-dual, temperature: 2.269185314213022, representation: field, "
        "epsilon: 0.5}\nsample: [{name: metropolis, start: cold}]\n",
        "action: {name: on-dual, temperature: 2.269185314213022}\n"};
    (void)state;
    for (int clusters = 0; clusters < 2; clusters++) {
        scene s;
        scene_make(&s, 2, 4, yaml[clusters], false);
        /* local: slow, but from a cold start the burn-in is 50 times tau */
        run(&s, clusters, 480, clusters ? 20 : 1500, clusters ? 60 : 300);
        compare(&s, clusters ? "cluster" : "local", spin_values, exact, 0.01);
        scene_clear(&s);
    }
}

static void xy_is_exact(void **state)
{
    static const double exact[N_VALUES] = {-1.411729120, 0.671849169, NAN, NAN};
    (void)state;
    for (int clusters = 0; clusters < 2; clusters++) {
        scene s;
        scene_make(&s, 2, 4, "action: {name: on-dual, components: 2, beta: 1}\n", false);
        run(&s, clusters, 160, clusters ? 30 : 300, clusters ? 60 : 100);
        compare(&s, clusters ? "cluster" : "local", spin_values, exact, 0.02);
        scene_clear(&s);
    }
}

static void phi4_is_exact(void **state)
{
    static const double exact[2][N_VALUES] = {
        {0.1956262102, 0.0711283841, 0.544209631, NAN},
        {0.1673917691, 0.0557089904, 0.934972725, NAN}};
    (void)state;
    for (int clusters = 0; clusters < 2; clusters++)
        for (int large = 0; large < 2; large++) {
            scene s;
            /* the larger one decimated for the map: the chains see the whole field */
            scene_make(&s, 2, large ? 4 : 2,
                       "action: {name: phi4, form: albergo, m2: -4, lambda: 6.975}\n",
                       large);
            run(&s, clusters, 320, 100, 400);
            compare(&s, clusters ? "cluster" : "metropolis", field_values, exact[large],
                    0.02);
            scene_clear(&s);
        }
}

static void complex_phi4_is_exact(void **state)
{
    static const char yaml[] = "action: {name: phi4, components: 2, form: hopping, "
                               "kappa: 0.3, lambda: 1}\nsample: [{name: metropolis, "
                               "overrelaxation: 2, sweeps: 2}]\n";
    static const double exact[N_VALUES] = {0.9883827574, NAN, 4 * 0.6105831750,
                                           0.5263439188};
    (void)state;
    for (int clusters = 0; clusters < 2; clusters++) {
        scene s;
        scene_make(&s, 2, 2, yaml, false);
        run(&s, clusters, 320, 100, 200);
        compare(&s, clusters ? "cluster" : "metropolis", field_values, exact, 0.01);
        scene_clear(&s);
    }
}

/* Heisenberg ring of four: Z = sum_l (2l + 1) i_l(K)^4, i_l the modified spherical Bessel
 * functions; energy -d ln Z / dK a site. */
static double heisenberg_ln_z(double K)
{
    double Z = 0;
    for (int l = 0; l < 20; l++)
        Z += (2 * l + 1) * pow(gsl_sf_bessel_il_scaled(l, K), 4);
    return log(Z) + 4 * K;
}

static void heisenberg_is_exact(void **state)
{
    const double K = 1.5, h = 1e-4;
    const double u = (heisenberg_ln_z(K + h) - heisenberg_ln_z(K - h)) / (2 * h) / 4;
    const double exact[N_VALUES] = {-u, NAN, u, NAN};
    (void)state;
    for (int clusters = 0; clusters < 2; clusters++) {
        scene s;
        scene_make(&s, 1, 4, "action: {name: on-dual, components: 3, beta: 1.5}\n",
                   false);
        run(&s, clusters, 320, clusters ? 30 : 100, 100);
        compare(&s, clusters ? "cluster" : "local", spin_values, exact, 0.01);
        scene_clear(&s);
    }
}

/* Frustrated couplings from a file against enumeration of six spins: the energy is
 * compared bond by bond. */
static void couplings_are_exact(void **state)
{
    static const double J[6][3] = {{0, 1, 1},   {1, 2, -0.8}, {0, 2, 0.6},
                                   {3, 4, 1.2}, {2, 3, -0.5}, {0, 5, 0.9}};
    char path[] = "/tmp/kad-local-XXXXXX", yaml[160];
    double Z = 0, exact[6] = {0};
    scene s;
    (void)state;
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    for (int b = 0; b < 6; b++)
        fprintf(file, "%.0f %.0f %g\n", J[b][0], J[b][1], J[b][2]);
    fclose(file);
    for (int conf = 0; conf < 64; conf++) {
        double e = 0, ss[6];
        for (int b = 0; b < 6; b++) {
            ss[b] = ((conf >> (int)J[b][0] ^ conf >> (int)J[b][1]) & 1) ? -1 : 1;
            e += 0.7 * J[b][2] * ss[b];
        }
        Z += exp(e);
        for (int b = 0; b < 6; b++)
            exact[b] += exp(e) * ss[b];
    }
    snprintf(yaml, sizeof yaml, "action: {name: on-dual, beta: 0.7, couplings: %s}\n",
             path);
    scene_make(&s, 1, 6, yaml, false);
    for (int clusters = 0; clusters < 2; clusters++) {
        run(&s, clusters, 320, 100, 300);
        for (int b = 0; b < 6; b++) {
            double sum = 0, squares = 0;
            for (int chain = 0; chain < 320; chain++) {
                double mean = 0, m[6];
                for (int i = 0; i < 300; i++) {
                    kad_spins_mean(1, 6, s.x + (size_t)(chain * 300 + i) * 6, m);
                    mean += m[(int)J[b][0]] * m[(int)J[b][1]] / 300;
                }
                sum += mean / 320;
                squares += mean * mean / 320;
            }
            const double err = sqrt((squares - sum * sum) / 319);
            assert_true(fabs(sum - exact[b] / Z) < 5 * err && err < 0.02);
        }
    }
    unlink(path);
    scene_clear(&s);
}

/* --- invariance, bits ---------------------------------------------------------------- */

/* Free field drawn exactly in Fourier space, three sweeps without burn-in: still exact.
 * No autocorrelation enters; wide proposals, so that acceptance matters. */
static void free_run(scene *s, bool clusters, const double exact[N_VALUES])
{
    enum { CHAINS = 4096 };
    const int n = s->action->n_comp;
    const kad_sampler_setup setup = setup_of(s, CHAINS, 0, 1);
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
    prepare(s, CHAINS, 1);
    advance(s, self, 1);
    assert_true(c->width == 1.5);
    assert_true(c->n_accepted / c->n_tried < 0.6);
    compare(s, clusters ? "free, cluster" : "free, metropolis", field_values, exact,
            0.05);
    kad_local_chains_destroy(self);
    kad_free(scratch);
    kad_hartley_destroy(plan);
}

static void free_field_stays(void **state)
{
    (void)state;
    for (int n = 1; n < 4; n++) {
        scene s;
        char yaml[160];
        double g = 0, g1 = 0;
        snprintf(yaml, sizeof yaml,
                 "action: {name: phi4, components: %d, form: albergo, m2: 0.25, lambda: "
                 "0}\nsample: [{name: metropolis, width: 1.5, sweeps: 3}]\n",
                 n);
        scene_make(&s, 2, 4, yaml, false);
        for (int k = 0; k < 16; k++) {
            const double G = 0.5 / (0.25 + kad_lattice_khat2(s.lattice, k));
            g += n * G / 16;
            g1 += n * G / 16 * cos(2 * M_PI * (k % 4) / 4);
        }
        const double exact[N_VALUES] = {g, NAN, n * 0.5 / 0.25, g1};
        free_run(&s, false, exact);
        free_run(&s, true, exact);
        scene_clear(&s);
    }
}

/* Over-relaxation leaves S alone and moves the field, in 3 x 3 x 3 (odd extents). */
static void reflections_keep_the_action(void **state)
{
    (void)state;
    for (int n = 2; n < 4; n++) {
        enum { ROWS = 3 * 27 };
        char yaml[128];
        scene s;
        double S[2][KAD_W_DOUBLE], *x, *y, moved = 0;
        snprintf(yaml, sizeof yaml,
                 "action: {name: phi4, components: %d, form: hopping, kappa: 0.3, "
                 "lambda: 1}\n",
                 n);
        scene_make(&s, 3, 3, yaml, false);
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
        scene_clear(&s);
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
        scene s;
        scene_make(&s, 3, 2, yaml[model], false);
        for (int clusters = 0; clusters < 2; clusters++) {
            double S[45 * 3];
            run(&s, clusters, 45, 0, 3);
            assert_ok(&s, kad_action_values(&s.ctx, s.action, 45 * 3, s.x, S));
            for (int i = 0; i < 45 * 3; i++)
                assert_true(fabs(S[i] - s.S[i]) < 1e-9);
        }
        scene_clear(&s);
    }
}

/* Draws of the last of 30 + 40, by any threads and in any batches, saved on the way. */
static void collect(scene *s, bool clusters, int n_threads, int batch, bool reload,
                    double *x, double *width)
{
    enum { CHAINS = 45, TOTAL = 70 };
    void *self;
    const kad_sampler_setup setup = setup_of(s, CHAINS, 30, 40);
    s->ctx.n_threads = n_threads;
    assert_ok(s, kad_local_chains_create(&s->ctx, &setup, clusters, &self));
    prepare(s, CHAINS, batch);
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
        advance(s, self, n);
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
            scene s;
            double a[45 * 32], b[45 * 32], width[2];
            scene_make(&s, 2, 4, yaml[model], false);
            collect(&s, clusters, 1, 70, false, a, &width[0]);
            for (int way = 0; way < 3; way++) {
                const size_t n = 45 * s.n_rows;
                collect(&s, clusters, way == 0 ? 1 : 2, way == 0 ? 7 : 11, way == 2, b,
                        &width[1]);
                assert_memory_equal(a, b, n * sizeof *a);
                assert_true(width[0] == width[1]);
                if (model == 2) assert_true(width[0] != 1);
            }
            scene_clear(&s);
        }
}

/* Many chains do not see each other: chain 3 alone of 45 equals chain 3 of 4. */
static void chains_are_their_own(void **state)
{
    (void)state;
    scene s;
    double few[16];
    scene_make(&s, 2, 4, "action: {name: on-dual}\n", false);
    run(&s, true, 4, 0, 9);
    memcpy(few, s.x + (size_t)(3 * 9 + 8) * s.n_rows, sizeof few);
    run(&s, true, 45, 0, 9);
    assert_memory_equal(few, s.x + (size_t)(3 * 9 + 8) * s.n_rows, sizeof few);
    scene_clear(&s);
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
        scene s;
        void *self;
        scene_make(&s, 2, 4, bad[i].yaml, false);
        const kad_sampler_setup setup = setup_of(&s, 8, 0, 4);
        assert_int_equal(kad_local_chains_create(&s.ctx, &setup, false, &self),
                         KAD_ECONFIG);
        assert_non_null(strstr(s.ctx.message, bad[i].message));
        scene_clear(&s);
    }
}

static void clock_terms_refuse(void **state)
{
    scene s;
    (void)state;
    for (int clock = 0; clock < 2; clock++) {
        void *self;
        scene_make(&s, 2, 4,
                   clock ? "action: {name: xy, components: 2, beta: 1, clock: 2}\n"
                         : "action: {name: xy, components: 2, beta: 1}\n",
                   false);
        const kad_sampler_setup setup = setup_of(&s, 8, 0, 50);
        assert_ok(&s, kad_local_chains_create(&s.ctx, &setup, false, &self));
        prepare(&s, 8, 50);
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
        scene_clear(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("local, cluster: 4 x 4 Ising matches enumeration", ising_is_exact),
        CLAIM("local, cluster: 4 x 4 XY matches its exact values", xy_is_exact),
        CLAIM("local, cluster: the Heisenberg ring matches its transfer operator",
              heisenberg_is_exact),
        CLAIM("local, cluster: phi^4 matches its exact values", phi4_is_exact),
        CLAIM("local, cluster: complex phi^4 matches its exact values",
              complex_phi4_is_exact),
        CLAIM("local, cluster: frustrated couplings match enumeration",
              couplings_are_exact),
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
    return cmocka_run_group_tests_name("local", tests, NULL, NULL);
}
