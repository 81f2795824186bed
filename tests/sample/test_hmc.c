/* Hybrid Monte Carlo: integrators, forces, invariance from an exact start, trouble. */
#include "tests/support/hmc_case.h"

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
    kad_run_options o;
    kad_config *config = options(&f.ctx, &schema,
                                 "sample: [{name: hmc, step_size: 0.25, n_leapfrog: 5, "
                                 "integrator: leapfrog, start: cold}]",
                                 &o);
    const kad_sampler_setup setup = {.options = o.entries[0].own,
                                     .start = o.entries[0].start,
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
    for (size_t i_tile = 0; i_tile < hmc->shell.n_tiles; i_tile++) {
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
    const double n = (double)hmc->shell.n_tiles * W, value = sum / n;
    const mean mutant = {value, sqrt((square / n - value * value) / (n - 1))};
    assert_true(fabs(pull("S, nothing rejected", mutant, L * L / 2.0)) > 8);
    rig_clear(&r);
    kad_run_options_clear(&o);
    kad_config_destroy(config);
    fixture_clear(&f);
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
    kad_run_options o;
    kad_config *config = options(
        &f.ctx, &schema, "sample: [{name: hmc, start: cold, step_size: 0.05}]", &o);
    const kad_sampler_setup setup = {.options = o.entries[0].own,
                                     .start = o.entries[0].start,
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
    kad_run_options_clear(&o);
    kad_config_destroy(config);
    fixture_clear(&f);
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
        CLAIM("hmc: an energy that is not a number rejects and is counted",
              bad_energies_reject),
    };
    return cmocka_run_group_tests_name("hmc", tests, NULL, NULL);
}
