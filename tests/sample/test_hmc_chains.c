/* Chains of hmc and latent-hmc: exact values, error bars, determinism, from a config. */
#include "analysis/analyse.h"
#include "analysis/table.h"
#include "tests/support/hmc_case.h"

/* --- exact values -------------------------------------------------------------------- */

/* From a cold or hot start, tuned; <exp(-dH)> = 1 and exact moments. */
static void check_moments(kad_ctx *ctx, const char *name, kad_sampler_setup setup,
                          double phi2, double phi4)
{
    rig r;
    setup.n_chains = 128;
    setup.n_burn_in = setup.n_tune = 80;
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
                  (double)hmc->n_force / (double)hmc->shell.n_tiles /
                      (double)hmc->shell.n_done);
    /* tuned to 0.8 by 40 updates */
    assert_true(accepted.value > 0.72 && accepted.value < 0.88);
    assert_true(fabs(pull("exp(-dH)", over_chains(&r, of_exp_dh), 1)) < 5);
    assert_true(fabs(pull("balance", over_chains(&r, of_balance), 0)) < 5);
    assert_true(fabs(pull("phi^2", m2, phi2)) < 5);
    assert_true(m2.error < 0.009 * phi2);
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
    kad_run_options o;
    kad_config *config =
        options(&f.ctx, &schema, "sample: [{name: hmc, start: cold, trajectory: 1}]", &o);
    const kad_sampler_setup setup = {.options = o.entries[0].own,
                                     .start = o.entries[0].start,
                                     .action = f.action,
                                     .prec = KAD_SINGLE};
    /* free: <phi^4> = 3 <phi^2>^2 */
    check_moments(&f.ctx, "hmc", setup, 0.19275059454, 3 * 0.19275059454 * 0.19275059454);
    kad_run_options_clear(&o);
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

/* --- error bars -------------------------------------------------------------------------- */

/* The zero mode of a free field, omega = 2, by trajectories of 0.75 to 2.25: q' = cos(omega
 * t) q + noise, on the average -0.65 q, so that rho(t) = rho(1)^t and tau_int = 0.11. The
 * error of m = 0 follows, and stays: 128000 draws gave 1.7e-4 (13 %) by the scatter of
 * chains, 32000 give twice that. rho(1), known to 0.006, says tau_int to 2 %, which is
 * estimated to 3 %. */
static void anticorrelated_chains(void **state)
{
    (void)state;
    enum { N = 32 * 1000 };
    scene s;
    kad_h5 *file = NULL;
    kad_table table;
    scene_make(&s,
               "lattice: {shape: [4, 4]}\n"
               "action: {name: phi4, form: albergo, components: 1, m2: 2, lambda: 0}\n"
               "sample: [{name: hmc, draws: 1000, chains: 32, step_size: 0.1,\n"
               "          trajectory: 1.5}]\n",
               0);
    assert_ok(&s, kad_sample(&s.ctx, s.run, &s.options.sample, s.model, NULL));
    assert_ok(&s, kad_analyse(&s.ctx, s.run));
    kad_values rho = scene_read(&s, "/analysis/hmc/rho");
    assert_ok(&s, kad_results_open(&s.ctx, s.run, &file));
    assert_ok(&s, kad_table_read(&s.scope, file, "/analysis/hmc", &table));
    const size_t m = kad_table_find(&table, "m");
    assert_true(m < table.n && rho.rank == 2);
    const double a = rho.data[m * rho.dims[1] + 1], err = table.err.data[m],
                 tau = table.tau.data[m], exact = (1 + a) / (2 * (1 - a));
    print_message("# rho(1) %.3f, tau_int %.4f (%.4f), m %.2g +- %.2g\n", a, tau, exact,
                  table.mean.data[m], err);
    assert_true(fabs(a + 0.658) < 5 * 0.005);
    assert_true(fabs(tau / exact - 1) < 5 * 0.035);
    /* <m^2> = 1/(2 m2 N_sites) = 1/64 */
    assert_true(fabs(err / sqrt(2 * exact / 64 / N) - 1) < 2.5 * 0.035);
    assert_true(fabs(err / 3.4e-4 - 1) < 0.13);
    assert_true(fabs(table.mean.data[m]) < 5 * err);
    assert_string_equal(table.flag[m], "ok");
    kad_h5_close(file);
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
                                     .n_tune = BURN_IN - 2,
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
    assert_ok(&s, kad_sample(&s.ctx, s.run, &s.options.sample, s.model, NULL));
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
        CLAIM("hmc: moments of the free field are exact", free_field_moments),
        CLAIM_OF_NUMBERS("hmc: phi^4 matches its exact value, decimated or not",
                         phi4_moments),
        CLAIM("latent-hmc: phi^4 is exact with a map far from it", latent_moments),
        CLAIM_OF_NUMBERS("hmc: an anticorrelated mode has its error bar",
                         anticorrelated_chains),
        CLAIM("hmc: the same bits for any threads, pieces and resumption", same_bits),
        CLAIM("hmc: both samplers run from a config", runs_from_config),
    };
    return cmocka_run_group_tests_name("hmc chains", tests, NULL, NULL);
}
