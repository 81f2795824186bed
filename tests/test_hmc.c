/* Hybrid Monte Carlo in the field and in the latents: integrators, forces, invariance from
 * an exact start, exact values, determinism. */
#include "models_util.h"
#include "sample/hmc.h"
#include "sample/hmc_core.h"
#include "sample/latent_hmc.h"
#include "sample_util.h"

static const char free_field[] =
    "action: {name: phi4, form: albergo, m2: 0.25, lambda: 0}";
static const char phi4_e1[] =
    "action: {name: phi4, form: albergo, m2: -4, lambda: 6.975}";
enum { W = KAD_W_DOUBLE };

/* --- a tile of chains ---------------------------------------------------------------- */

typedef struct bundle {
    kad_hmc_target target;
    size_t n; /* numbers in q */
    double *q, *p, *q0, *p0, *y;
    void *work, *g, *scratch;
} bundle;

static void bundle_make(bundle *b, const kad_hmc_target *target, double sigma)
{
    const size_t n_sub = (size_t)kad_lanes(target->prec) / W;
    const uint8_t *active = target->action->active;
    *b = (bundle){.target = *target, .n = n_sub * target->n_rows * W};
    b->q = kad_alloc(b->n, sizeof(double));
    b->p = kad_alloc(b->n, sizeof(double));
    b->q0 = kad_alloc(b->n, sizeof(double));
    b->p0 = kad_alloc(b->n, sizeof(double));
    b->y = kad_alloc(b->n, sizeof(double));
    b->work = kad_alloc(target->n_rows, KAD_ROW_BYTES);
    b->g = kad_alloc(target->n_rows, KAD_ROW_BYTES);
    b->scratch = kad_alloc(1, target->scratch_bytes + 64);
    for (size_t i = 0; i < b->n; i++) {
        const size_t site = i / W % target->n_rows / (size_t)target->action->n_comp;
        if (active != NULL && !active[site]) continue;
        b->q0[i] = sigma * random_normal(1, i, 0);
        b->p0[i] = random_normal(2, i, 0);
    }
}

static void bundle_clear(bundle *b)
{
    void *const all[] = {b->q, b->p, b->q0, b->p0, b->y, b->work, b->g, b->scratch};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        kad_free(all[i]);
}

static void bundle_run(bundle *b, const char *integrator, double eps, int n_steps)
{
    kad_trajectory(&b->target, kad_integrator_find(integrator), eps, n_steps, b->q, b->p,
                   b->work, b->g, b->scratch);
}

/* H of the first W chains. */
static void bundle_energy(bundle *b, double *H)
{
    double K[W], S[W];
    b->target.energy(&b->target, b->q, b->y, H, S, b->scratch);
    kad_kinetic(b->target.n_rows, b->p, K);
    for (int l = 0; l < W; l++)
        H[l] += K[l];
}

/* A map far from the identity. */
static kad_map *rough_map(scene *s, double sigma)
{
    kad_map *map;
    double *theta = kad_alloc(s->model->flow->n_theta, sizeof *theta);
    kad_flow_init(s->model->flow, 3, theta);
    for (size_t i = 0; i < s->model->flow->n_theta; i++)
        theta[i] += sigma * random_normal(5, i, 0);
    assert_ok(s, kad_map_create(&s->ctx, s->model->flow, theta, false, &map));
    kad_free(theta);
    return map;
}

static const char latent_scene[] =
    "lattice: {shape: [4, 4]}\n"
    "action: {name: phi4, form: albergo, m2: -4, lambda: 6.975}\n";

/* Runs `check` on fields (all sites, half of them), latents, in both precisions. */
static void on_targets(void (*check)(bundle *b))
{
    static const int shape[] = {4, 6};
    for (int prec = 0; prec < 2; prec++) {
        bundle b;
        for (int decimate = 0; decimate < 2; decimate++) {
            fixture f;
            fixture_make(&f, phi4_e1, 2, shape, decimate);
            const kad_hmc_target field = kad_hmc_target_of(f.action, (kad_prec)prec);
            bundle_make(&b, &field, 0.4);
            check(&b);
            bundle_clear(&b);
            fixture_clear(&f);
        }
        scene s;
        scene_make(&s, latent_scene, 0);
        kad_map *map = rough_map(&s, 0.04);
        const kad_hmc_target latent =
            kad_latent_hmc_target_of(s.model->action, map, (kad_prec)prec);
        bundle_make(&b, &latent, 0.7);
        check(&b);
        bundle_clear(&b);
        kad_map_destroy(map);
        scene_clear(&s);
    }
}

static double largest_difference(size_t n, const double *a, const double *b)
{
    double most = 0;
    for (size_t i = 0; i < n; i++)
        if (!(fabs(a[i] - b[i]) <= most)) most = fabs(a[i] - b[i]);
    return most;
}

/* Out and back: rounding of some 100 drifts and kicks of doubles. */
static void check_reversible(bundle *b)
{
    static const char *const names[] = {"leapfrog", "omelyan"};
    for (int i = 0; i < 2; i++) {
        memcpy(b->q, b->q0, b->n * sizeof *b->q);
        memcpy(b->p, b->p0, b->n * sizeof *b->p);
        bundle_run(b, names[i], 0.07, 12);
        assert_true(largest_difference(b->n, b->q, b->q0) > 0.1);
        for (size_t k = 0; k < b->n; k++)
            b->p[k] = -b->p[k];
        bundle_run(b, names[i], 0.07, 12);
        assert_true(largest_difference(b->n, b->q, b->q0) < 1e-10);
        for (size_t k = 0; k < b->n; k++)
            b->p[k] = -b->p[k];
        assert_true(largest_difference(b->n, b->p, b->p0) < 1e-10);
    }
}

static void trajectories_reverse(void **state)
{
    (void)state;
    on_targets(check_reversible);
}

/* dH ~ eps^2: halving the step divides it by 4 (higher orders: 10 % at these steps). */
static void check_slope(bundle *b)
{
    static const char *const names[] = {"leapfrog", "omelyan"};
    for (int i = 0; i < 2; i++) {
        double H0[W], H1[W], rms[2];
        for (int half = 0; half < 2; half++) {
            memcpy(b->q, b->q0, b->n * sizeof *b->q);
            memcpy(b->p, b->p0, b->n * sizeof *b->p);
            bundle_energy(b, H0);
            bundle_run(b, names[i], half ? 0.01 : 0.02, half ? 60 : 30);
            bundle_energy(b, H1);
            rms[half] = 0;
            for (int l = 0; l < W; l++)
                rms[half] += (H1[l] - H0[l]) * (H1[l] - H0[l]) / W;
            rms[half] = sqrt(rms[half]);
        }
        const double slope = log(rms[0] / rms[1]) / log(2.0);
        print_message("# %s, %s: rms dH %.3g, slope %.3f\n", names[i],
                      b->target.prec == KAD_SINGLE ? "float" : "double", rms[0], slope);
        assert_close(slope, 2.0, 0.15);
    }
}

static void energy_error_is_second_order(void **state)
{
    (void)state;
    on_targets(check_slope);
}

/* The force against central differences of U: O(h^2) and rounding in double, 1e-4 of the
 * largest component in float. */
static void check_force(bundle *b)
{
    const bool narrow = b->target.prec == KAD_SINGLE;
    const size_t lanes = (size_t)kad_lanes(b->target.prec);
    const double h = 1e-5;
    double up[W], down[W], S[W], most = 0, error = 0;
    memcpy(b->q, b->q0, b->n * sizeof *b->q);
    for (size_t r = 0; r < b->target.n_rows; r++)
        for (size_t l = 0; l < lanes; l++) {
            const double q = b->q0[(l / W * b->target.n_rows + r) * W + l % W];
            if (narrow)
                ((float *)b->work)[r * lanes + l] = (float)q;
            else
                ((double *)b->work)[r * lanes + l] = q;
        }
    b->target.force(&b->target, b->work, b->g, b->scratch);
    for (size_t r = 0; r < b->target.n_rows; r++) {
        for (int side = -1; side <= 1; side += 2) {
            for (size_t l = 0; l < W; l++)
                b->q[r * W + l] = b->q0[r * W + l] + side * h;
            b->target.energy(&b->target, b->q, b->y, side > 0 ? up : down, S, b->scratch);
        }
        memcpy(b->q + r * W, b->q0 + r * W, W * sizeof *b->q);
        for (size_t l = 0; l < W; l++) {
            const double numerical = (up[l] - down[l]) / (2 * h);
            const double g = narrow ? (double)((float *)b->g)[r * lanes + l]
                                    : ((double *)b->g)[r * lanes + l];
            if (b->q0[r * W + l] == 0.0) {
                assert_true(g == 0.0);
                continue;
            }
            if (fabs(numerical) > most) most = fabs(numerical);
            if (!(fabs(g - numerical) <= error)) error = fabs(g - numerical);
        }
    }
    assert_true(error < (narrow ? 1e-4 : 1e-7) * most);
}

static void force_is_the_gradient(void **state)
{
    (void)state;
    on_targets(check_force);
}

/* --- a sampler and its draws --------------------------------------------------------- */

typedef struct rig {
    kad_sampler_setup setup;
    kad_sampler *sampler;
    kad_draws draws;
    size_t n_rows;
} rig;

static kad_status rig_make(rig *r, kad_ctx *ctx, const char *name,
                           const kad_sampler_setup *setup)
{
    const size_t n = (size_t)setup->n_chains * setup->n_batch_max;
    memset(r, 0, sizeof *r);
    r->setup = *setup;
    r->n_rows = (size_t)setup->action->lattice->n_sites * (size_t)setup->action->n_comp;
    r->draws = (kad_draws){.number = kad_alloc(n, sizeof(uint64_t)),
                           .x = kad_alloc(n * r->n_rows, sizeof(double)),
                           .z = kad_alloc(n * r->n_rows, sizeof(double)),
                           .action = kad_alloc(n, sizeof(double)),
                           .log_weight = kad_alloc(n, sizeof(double)),
                           .delta_h = kad_alloc(n, sizeof(double)),
                           .accepted = kad_alloc(n, 1)};
    return kad_sampler_create(ctx, name, &r->setup, &r->sampler);
}

static void rig_clear(rig *r)
{
    kad_sampler_destroy(r->sampler);
    kad_free(r->draws.number);
    kad_free(r->draws.x);
    kad_free(r->draws.z);
    kad_free(r->draws.action);
    kad_free(r->draws.log_weight);
    kad_free(r->draws.delta_h);
    kad_free(r->draws.accepted);
}

static void rig_advance(rig *r, kad_ctx *ctx, size_t n)
{
    r->draws.n = n;
    const kad_status status = r->sampler->ops->advance(ctx, r->sampler->self, &r->draws);
    if (status != KAD_OK) fail_msg("%s", ctx->message);
}

/* Mean over the batch and its error from the scatter of the chains' means: chains are
 * independent, whatever the correlation along them. */
typedef struct mean {
    double value, error;
} mean;

static mean over_chains(const rig *r, double (*of)(const rig *r, size_t at))
{
    const size_t n = r->draws.n, n_chains = (size_t)r->setup.n_chains;
    double sum = 0, square = 0;
    for (size_t chain = 0; chain < n_chains; chain++) {
        double one = 0;
        for (size_t i = 0; i < n; i++)
            one += of(r, chain * n + i) / (double)n;
        sum += one;
        square += one * one;
    }
    const double m = (double)n_chains, value = sum / m;
    return (mean){value, sqrt((square / m - value * value) / (m - 1))};
}

static double of_action(const rig *r, size_t at)
{
    return r->draws.action[at];
}

static double of_exp_dh(const rig *r, size_t at)
{
    return exp(-r->draws.delta_h[at]);
}

static double of_accepted(const rig *r, size_t at)
{
    return r->draws.accepted[at];
}

static double power_of(const rig *r, size_t at, int half_power)
{
    const double *x = r->draws.x + at * r->n_rows;
    double sum = 0;
    for (size_t i = 0; i < r->n_rows; i++)
        sum += half_power == 1 ? x[i] * x[i] : x[i] * x[i] * x[i] * x[i];
    return sum / (double)r->n_rows;
}

static double of_phi2(const rig *r, size_t at)
{
    return power_of(r, at, 1);
}

static double of_phi4(const rig *r, size_t at)
{
    return power_of(r, at, 2);
}

static double pull(const char *name, mean m, double exact)
{
    const double p = (m.value - exact) / m.error;
    print_message("# %s %.6f +- %.6f exact %.6f (%+.2f)\n", name, m.value, m.error, exact,
                  p);
    return p;
}

/* --- exact start --------------------------------------------------------------------- */

enum { L = 8, CHAINS = 4096 };

/* phi = N^{-1/2} sum_k cas(k.x) G(k)^{1/2} xi_k, G = 1/[2(m2 + khat^2)], cas = cos + sin:
 * the free field's own distribution (lattice and action as in free_field). */
static void draw_free(uint64_t chain, double *phi)
{
    double amplitude[L * L], cas[L * L][L * L];
    for (int k = 0; k < L * L; k++) {
        const double a = M_PI * (k / L) / L, b = M_PI * (k % L) / L;
        const double khat2 = 4 * sin(a) * sin(a) + 4 * sin(b) * sin(b);
        amplitude[k] = random_normal(77, chain, (uint32_t)k) / sqrt(2 * (0.25 + khat2));
        for (int x = 0; x < L * L; x++) {
            const double angle = 2 * (a * (x / L) + b * (x % L));
            cas[k][x] = (cos(angle) + sin(angle)) / L;
        }
    }
    for (int x = 0; x < L * L; x++) {
        phi[x] = 0;
        for (int k = 0; k < L * L; k++)
            phi[x] += amplitude[k] * cas[k][x];
    }
}

/* The states of a sampler become exact draws. */
static void start_exactly(kad_hmc *hmc)
{
    static double phi[CHAINS][L * L];
    void *scratch = kad_alloc(1, hmc->target.scratch_bytes + 64);
    const size_t size = L * L * W;
    for (size_t chain = 0; chain < CHAINS; chain++) {
        draw_free(chain, phi[chain]);
        for (size_t r = 0; r < L * L; r++)
            hmc->q[chain / W * size + r * W + chain % W] = phi[chain][r];
    }
    for (size_t s = 0; s < CHAINS / W; s++)
        hmc->target.energy(&hmc->target, hmc->q + s * size, hmc->y + s * size,
                           hmc->U + s * W, hmc->S + s * W, scratch);
    kad_free(scratch);
}

static kad_config *options(kad_ctx *ctx, kad_schema *schema, const char *yaml)
{
    kad_config *config;
    kad_schema_add(schema, kad_sample_keys, kad_sample_n_keys);
    kad_schema_add(schema, kad_hmc_keys, KAD_HMC_N_KEYS);
    if (kad_config_parse(ctx, schema, yaml, "test.yaml", 0, NULL, &config) != KAD_OK)
        fail_msg("%s", ctx->message);
    return config;
}

/* <S> = N/2 and <phi^2> (PHYSICS: L = 8, m2 = 0.25) before and after three updates with a
 * step so large that many are rejected; without the rejections the same numbers are far
 * off. */
static void exact_start_is_invariant(void **state)
{
    (void)state;
    static const int shape[] = {L, L};
    static const double phi2 = 0.19275059454;
    fixture f;
    rig r;
    kad_schema schema = {0};
    fixture_make(&f, free_field, 2, shape, false);
    f.ctx.n_threads = 2;
    kad_config *config = options(&f.ctx, &schema,
                                 "sample: [{name: hmc, step_size: 0.25, n_leapfrog: 5, "
                                 "integrator: leapfrog, start: cold}]");
    const kad_sampler_setup setup = {.config = config,
                                     .action = f.action,
                                     .prec = KAD_SINGLE,
                                     .seed = 5,
                                     .n_chains = CHAINS,
                                     .n_draws = 3,
                                     .n_batch_max = 1};
    assert_ok(&f, rig_make(&r, &f.ctx, "hmc", &setup));
    kad_hmc *hmc = r.sampler->self;
    start_exactly(hmc);
    for (int i = 0; i < 3; i++) {
        rig_advance(&r, &f.ctx, 1);
        assert_true(fabs(pull("S", over_chains(&r, of_action), L * L / 2.0)) < 5);
        assert_true(fabs(pull("phi^2", over_chains(&r, of_phi2), phi2)) < 5);
        assert_true(fabs(pull("exp(-dH)", over_chains(&r, of_exp_dh), 1)) < 5);
        const double accepted = over_chains(&r, of_accepted).value;
        print_message("# accepted %.3f\n", accepted);
        assert_true(accepted > 0.2 && accepted < 0.8);
    }
    /* the planted bug: every end of a trajectory is taken */
    start_exactly(hmc);
    bundle b;
    double sum = 0, square = 0, U[W], S[W];
    for (size_t i_tile = 0; i_tile < hmc->n_tiles; i_tile++) {
        bundle_make(&b, &hmc->target, 0);
        memcpy(b.q, hmc->q + i_tile * b.n, b.n * sizeof *b.q);
        for (size_t i = 0; i < b.n; i++)
            b.p[i] = random_normal(100 + i_tile, i, 0);
        bundle_run(&b, "leapfrog", 0.25, 5);
        b.target.energy(&b.target, b.q, b.y, U, S, b.scratch);
        for (int l = 0; l < W; l++) {
            sum += S[l];
            square += S[l] * S[l];
        }
        bundle_clear(&b);
    }
    const double n = (double)hmc->n_tiles * W, value = sum / n;
    const mean mutant = {value, sqrt((square / n - value * value) / (n - 1))};
    assert_true(fabs(pull("S, nothing rejected", mutant, L * L / 2.0)) > 8);
    rig_clear(&r);
    kad_config_destroy(config);
    fixture_clear(&f);
}

/* --- exact values -------------------------------------------------------------------- */

/* From a cold or hot start, tuned; <exp(-dH)> = 1 and exact moments. */
static void check_moments(kad_ctx *ctx, const char *name, kad_sampler_setup setup,
                          double phi2, double phi4)
{
    rig r;
    setup.n_chains = 256;
    setup.n_burn_in = 80;
    setup.n_draws = 60;
    setup.n_batch_max = 80;
    setup.seed = 11;
    if (rig_make(&r, ctx, name, &setup) != KAD_OK) fail_msg("%s", ctx->message);
    rig_advance(&r, ctx, 80);
    rig_advance(&r, ctx, 60);
    const kad_hmc *hmc = r.sampler->self;
    const mean accepted = over_chains(&r, of_accepted), m2 = over_chains(&r, of_phi2);
    print_message("# %s: step %.4f, accepted %.3f, forces a draw %.1f\n", name,
                  kad_step_size_now(&hmc->step), accepted.value,
                  (double)hmc->n_force / (double)hmc->n_tiles / (double)hmc->n_done);
    /* tuned to 0.8; a trajectory of one or two steps cannot be tuned finely */
    assert_true(accepted.value > 0.65 && accepted.value < 0.97);
    assert_true(fabs(pull("exp(-dH)", over_chains(&r, of_exp_dh), 1)) < 5);
    assert_true(fabs(pull("phi^2", m2, phi2)) < 5);
    assert_true(m2.error < 0.006 * phi2);
    if (phi4 > 0) assert_true(fabs(pull("phi^4", over_chains(&r, of_phi4), phi4)) < 5);
    rig_clear(&r);
}

static void free_field_moments(void **state)
{
    (void)state;
    static const int shape[] = {8, 8};
    fixture f;
    kad_schema schema = {0};
    fixture_make(&f, free_field, 2, shape, false);
    kad_config *config =
        options(&f.ctx, &schema, "sample: [{name: hmc, start: cold, trajectory: 1}]");
    const kad_sampler_setup setup = {
        .config = config, .action = f.action, .prec = KAD_SINGLE};
    /* free: <phi^4> = 3 <phi^2>^2 */
    check_moments(&f.ctx, "hmc", setup, 0.19275059454, 3 * 0.19275059454 * 0.19275059454);
    kad_config_destroy(config);
    fixture_clear(&f);
}

/* PHYSICS, E1: the odd sites integrated out and drawn for every draw. */
static void phi4_moments(void **state)
{
    (void)state;
    static const int shape[] = {6, 6};
    for (int decimate = 0; decimate < 2; decimate++) {
        fixture f;
        fixture_make(&f, phi4_e1, 2, shape, decimate);
        const kad_sampler_setup setup = {.action = f.action, .prec = KAD_DOUBLE};
        check_moments(&f.ctx, "hmc", setup, 0.16138658, 0);
        fixture_clear(&f);
    }
}

/* PHYSICS, L = 4: exact however bad the map. */
static void latent_moments(void **state)
{
    (void)state;
    scene s;
    scene_make(&s, latent_scene, 0);
    kad_map *map = rough_map(&s, 0.04);
    const kad_sampler_setup setup = {
        .action = s.model->action, .map = map, .prec = KAD_SINGLE, .translate = true};
    assert_true(s.model->decimated);
    check_moments(&s.ctx, "latent-hmc", setup, 0.1673917691, 0.0557089904);
    kad_map_destroy(map);
    scene_clear(&s);
}

/* --- determinism --------------------------------------------------------------------- */

enum { BURN_IN = 9, DRAWS = 11, N_CHAINS = 70 };

/* Draws of `name` in pieces; the state goes through a file after `cut` of them. */
static void run_pieces(scene *s, const kad_map *map, const char *name, int n_threads,
                       size_t cut, bool reload, rig *out)
{
    kad_h5 *file = NULL;
    const kad_sampler_setup setup = {.action = s->model->action,
                                     .map = map,
                                     .prec = KAD_SINGLE,
                                     .seed = 3,
                                     .n_chains = N_CHAINS,
                                     .n_draws = DRAWS,
                                     .n_burn_in = BURN_IN,
                                     .n_batch_max = BURN_IN + DRAWS};
    s->ctx.n_threads = n_threads;
    assert_ok(s, rig_make(out, &s->ctx, name, &setup));
    rig_advance(out, &s->ctx, cut);
    if (reload) {
        assert_ok(s, kad_h5_create(&s->ctx, &file));
        assert_ok(s, kad_h5_group(&s->ctx, file, "/state"));
        assert_ok(s,
                  out->sampler->ops->save(&s->ctx, out->sampler->self, file, "/state"));
        kad_sampler_destroy(out->sampler);
        assert_ok(s, kad_sampler_create(&s->ctx, name, &out->setup, &out->sampler));
        assert_ok(s,
                  out->sampler->ops->load(&s->ctx, out->sampler->self, file, "/state"));
        kad_h5_close(file);
    }
    rig_advance(out, &s->ctx, BURN_IN - (cut < BURN_IN ? cut : 0));
    rig_advance(out, &s->ctx, DRAWS - (cut < BURN_IN ? 0 : cut - BURN_IN));
}

static void same_bits(void **state)
{
    (void)state;
    static const char *const names[] = {"hmc", "latent-hmc"};
    scene s;
    scene_make(&s, latent_scene, 0);
    kad_map *map = rough_map(&s, 0.04);
    for (int i = 0; i < 2; i++) {
        rig a, b;
        run_pieces(&s, map, names[i], 1, 3, false, &a);
        run_pieces(&s, map, names[i], 2, 5, true, &b);
        const size_t n = N_CHAINS * DRAWS;
        assert_memory_equal(a.draws.number, b.draws.number, n * sizeof(uint64_t));
        assert_memory_equal(a.draws.x, b.draws.x, n * a.n_rows * sizeof(double));
        assert_memory_equal(a.draws.z, b.draws.z, n * a.n_rows * sizeof(double));
        assert_memory_equal(a.draws.action, b.draws.action, n * sizeof(double));
        assert_memory_equal(a.draws.delta_h, b.draws.delta_h, n * sizeof(double));
        assert_memory_equal(a.draws.accepted, b.draws.accepted, n);
        rig_clear(&a);
        rig_clear(&b);
    }
    kad_map_destroy(map);
    scene_clear(&s);
}

/* --- trouble ------------------------------------------------------------------------- */

static bool broken;
static const kad_action_kern *whole_kern;
static void broken_value(const kad_action *action, const void *y, double *S,
                         void *scratch)
{
    whole_kern->value(action, y, S, scratch);
    if (broken) S[3] = NAN;
}

/* An energy that is not a number rejects and is counted; other chains go on. */
static void bad_energies_reject(void **state)
{
    (void)state;
    static const int shape[] = {4, 4};
    fixture f;
    rig r;
    kad_schema schema = {0};
    fixture_make(&f, phi4_e1, 2, shape, false);
    kad_action action = *f.action;
    kad_action_ops ops = *action.ops;
    whole_kern = ops.kern[KAD_DOUBLE];
    kad_action_kern kern = *whole_kern;
    kern.value = broken_value;
    ops.kern[KAD_DOUBLE] = &kern;
    action.ops = &ops;
    kad_config *config =
        options(&f.ctx, &schema, "sample: [{name: hmc, start: cold, step_size: 0.05}]");
    const kad_sampler_setup setup = {.config = config,
                                     .action = &action,
                                     .prec = KAD_DOUBLE,
                                     .n_chains = W,
                                     .n_draws = 8,
                                     .n_batch_max = 8};
    broken = false;
    assert_ok(&f, rig_make(&r, &f.ctx, "hmc", &setup));
    broken = true;
    const uint64_t n_allocations = kad_memory_n_allocations();
    rig_advance(&r, &f.ctx, 8);
    /* and no update allocates */
    assert_true(kad_memory_n_allocations() == n_allocations);
    int n_accepted = 0;
    for (int i = 0; i < 8 * W; i++) {
        const bool bad = i / 8 == 3;
        if (bad) assert_true(isinf(r.draws.delta_h[i]) && !r.draws.accepted[i]);
        if (!bad) assert_true(isfinite(r.draws.delta_h[i]));
        n_accepted += r.draws.accepted[i];
        assert_true(isfinite(r.draws.action[i]));
    }
    assert_true(n_accepted > 4 * W);
    assert_int_equal(((kad_hmc *)r.sampler->self)->n_nonfinite, 8);
    rig_clear(&r);
    kad_config_destroy(config);
    fixture_clear(&f);
}

/* From config to run.h5. */
static void runs_from_config(void **state)
{
    (void)state;
    static const char *const groups[] = {"/samplers/hmc", "/samplers/latent-hmc"};
    scene s;
    kad_h5 *file = NULL;
    scene_make(&s,
               "lattice: {shape: [4, 4]}\n"
               "action: {name: on-dual, temperature: 2.5}\n"
               "flow: {recipe: wavelet}\n"
               "sample:\n"
               "  - {name: hmc, chains: 8, draws: 20, burn_in: 20, start: hot}\n"
               "  - {name: latent-hmc, chains: 8, draws: 20, burn_in: 20, start: cold,\n"
               "     integrator: leapfrog, store_latents: true, n_leapfrog: 4}\n",
               0);
    assert_ok(&s, kad_sample(&s.ctx, s.run, s.config, s.model, NULL));
    assert_ok(&s, kad_results_open(&s.ctx, s.run, &file));
    for (int i = 0; i < 2; i++) {
        double acceptance, step;
        assert_ok(&s,
                  kad_h5_attr_real(&s.ctx, file, groups[i], "acceptance", &acceptance));
        assert_ok(&s, kad_h5_attr_real(&s.ctx, file, groups[i], "step_size", &step));
        print_message("# %s: step %.3f, accepted %.3f\n", groups[i], step, acceptance);
        assert_true(acceptance > 0.3 && acceptance <= 1.0 && step > 0.01 && step < 10);
    }
    kad_h5_close(file);
    scene_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("hmc: trajectories are reversible, force in float or double",
              trajectories_reverse),
        CLAIM("hmc: the energy error is of second order in the step",
              energy_error_is_second_order),
        CLAIM("hmc: the force is the gradient of the energy", force_is_the_gradient),
        CLAIM("hmc: an exact start stays exact; without rejections it does not",
              exact_start_is_invariant),
        CLAIM("hmc: moments of the free field are exact", free_field_moments),
        CLAIM("hmc: phi^4 matches its exact value, decimated or not", phi4_moments),
        CLAIM("latent-hmc: phi^4 is exact with a map far from it", latent_moments),
        CLAIM("hmc: the same bits for any threads, pieces and resumption", same_bits),
        CLAIM("hmc: an energy that is not a number rejects and is counted",
              bad_energies_reject),
        CLAIM("hmc: both samplers run from a config", runs_from_config),
    };
    return cmocka_run_group_tests_name("hmc", tests, NULL, NULL);
}
