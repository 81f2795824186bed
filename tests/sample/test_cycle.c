/* Cycles of samplers: their list of steps, exact values, what they record. */
#include "sample/cycle.h"
#include "sample/fields.h"
#include "tests/support/hmc_case.h"

/* --- the list ------------------------------------------------------------------------ */

static void list_is_read(void **state)
{
    kad_cycle_step steps[KAD_CYCLE_STEPS];
    char message[KAD_CYCLE_MESSAGE];
    (void)state;
    assert_int_equal(kad_cycle_parse("mis 1, latent-hmc 2,metropolis", steps, message),
                     3);
    assert_string_equal(steps[0].ops->name, "mis");
    assert_string_equal(steps[1].ops->name, "latent-hmc");
    assert_string_equal(steps[2].ops->name, "metropolis");
    assert_int_equal(steps[0].n, 1);
    assert_int_equal(steps[1].n, 2);
    assert_int_equal(steps[2].n, 1);
}

static void list_is_refused(void **state)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"", "got \"\""},
        {"mis 1,", "got \"\""},
        {"mis 1 2", "got \"mis 1 2\""},
        {"mis 1.5", "got \"mis 1.5\""},
        {"mis 0", "expected 1 to 1000 updates of mis, got 0"},
        {"hmc -3", "got -3"},
        {"direct", "got \"direct\""},
        {"cycle", "got \"cycle\""},
        {"mcmc 2", "got \"mcmc\""},
        {"hmc,hmc,hmc,hmc,hmc,hmc,hmc,hmc,hmc,hmc,hmc,hmc,hmc,hmc,hmc,hmc,hmc",
         "at most 16 steps"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        kad_cycle_step steps[KAD_CYCLE_STEPS];
        char message[KAD_CYCLE_MESSAGE] = "";
        assert_int_equal(kad_cycle_parse(bad[i].text, steps, message), 0);
        if (strstr(message, bad[i].says) == NULL)
            fail_msg("\"%s\": %s", bad[i].text, message);
    }
}

/* --- exact values -------------------------------------------------------------------- */

static kad_config *cycle_config(scene *s, const char *steps, kad_run_options *options)
{
    char text[128], copy[128];
    const char *overrides[] = {text, copy};
    kad_config *config;
    snprintf(text, sizeof text, "sample[0].name=cycle");
    snprintf(copy, sizeof copy, "sample[0].steps=\"%s\"", steps);
    assert_ok(s, kad_config_parse(&s->ctx, &s->schema, kad_config_text(s->config),
                                  "test.yaml", 2, overrides, &config));
    assert_ok(s, kad_run_options_read(&s->ctx, config, options));
    return config;
}

/* PHYSICS, L = 4, from the map's draws; every chain independent of the others. */
static void moments_are_exact(void **state)
{
    static const char *const lists[] = {"mis 2, hmc", "metropolis, cluster, hmc 2",
                                        "latent-hmc, mis", "mis 3"};
    (void)state;
    scene s;
    scene_make(&s, latent_scene, 200);
    kad_h5 *file = NULL;
    kad_map *map;
    assert_ok(&s, kad_results_open(&s.ctx, s.run, &file));
    assert_ok(&s, kad_model_load_map(&s.ctx, s.model, file, &map));
    kad_h5_close(file);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        kad_run_options options;
        kad_config *config = cycle_config(&s, lists[i], &options);
        rig r;
        const kad_sampler_setup setup = {.options = options.entries[0].own,
                                         .action = s.model->action,
                                         .map = map,
                                         .prec = KAD_SINGLE,
                                         .seed = 21,
                                         .n_chains = 128,
                                         .n_burn_in = 20,
                                         .n_tune = 20,
                                         .n_draws = 50,
                                         .n_batch_max = 50,
                                         .exact = true,
                                         .translate = true};
        assert_ok(&s, rig_make(&r, &s.ctx, "cycle", &setup));
        rig_advance(&r, &s.ctx, 20);
        rig_advance(&r, &s.ctx, 50);
        print_message("# %s: moved %.3f\n", lists[i], over_chains(&r, of_accepted).value);
        /* eight comparisons of 128 independent chains: 5.5 sigma fail by chance at 1e-6 */
        assert_true(fabs(pull("phi^2", over_chains(&r, of_phi2), 0.1673917691)) < 5.5);
        assert_true(fabs(pull("phi^4", over_chains(&r, of_phi4), 0.0557089904)) < 5.5);
        rig_clear(&r);
        kad_run_options_clear(&options);
        kad_config_destroy(config);
    }
    kad_map_destroy(map);
    scene_clear(&s);
}

/* Whoever makes it: the action handed over with a draw is that of its configuration. */
static void actions_belong(void **state)
{
    static const char *const scenes[] = {latent_scene,
                                         "lattice: {shape: [4, 4]}\n"
                                         "action: {name: on-dual, temperature: 2.5}\n"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        scene s;
        scene_make(&s, scenes[i], 0);
        kad_map *map = rough_map(&s, 0.03);
        for (int k = 0; kad_samplers[k] != NULL; k++) {
            rig r;
            double S[3 * 40], most = 0;
            const kad_sampler_setup setup = {.action = s.model->action,
                                             .map = map,
                                             .seed = 4,
                                             .n_chains = 40,
                                             .n_draws = 3,
                                             .n_batch_max = 3,
                                             .exact = true,
                                             .translate = true};
            assert_ok(&s, rig_make(&r, &s.ctx, kad_samplers[k]->name, &setup));
            rig_advance(&r, &s.ctx, 3);
            assert_ok(&s,
                      kad_fields_action(&s.ctx, s.model->action, 3 * 40, r.draws.x, S));
            for (int at = 0; at < 3 * 40; at++)
                most = fmax(most, fabs(S[at] - r.draws.action[at]) / (1 + fabs(S[at])));
            print_message("# %s: %.1e\n", kad_samplers[k]->name, most);
            assert_true(most < 1e-10);
            rig_clear(&r);
        }
        kad_map_destroy(map);
        scene_clear(&s);
    }
}

/* --- from a config ------------------------------------------------------------------- */

static double attribute(scene *s, kad_h5 *file, const char *group, const char *name)
{
    double value;
    assert_ok(s, kad_h5_attr_real(&s->ctx, file, group, name, &value));
    return value;
}

static void runs_from_config(void **state)
{
    (void)state;
    scene s;
    kad_h5 *file = NULL;
    scene_make(&s,
               "lattice: {shape: [4, 4]}\n"
               "action: {name: phi4, form: albergo, m2: -4, lambda: 6.975}\n"
               "sample:\n"
               "  - {name: cycle, steps: 'hmc 2, metropolis 3', chains: 8, draws: 40,\n"
               "     burn_in: 60, store_latents: false, start: cold}\n",
               0);
    assert_false(kad_sample_any_needs_map(&s.options.sample));
    assert_ok(&s, kad_sample(&s.ctx, s.run, &s.options.sample, s.model, NULL));
    assert_ok(&s, kad_results_open(&s.ctx, s.run, &file));
    const double all = attribute(&s, file, "/samplers/cycle", "acceptance");
    const double hmc = attribute(&s, file, "/samplers/cycle/step_1", "acceptance");
    const double local = attribute(&s, file, "/samplers/cycle/step_2", "acceptance");
    const double forces =
        attribute(&s, file, "/samplers/cycle/step_1", "force_evaluations_per_draw");
    print_message("# accepted %.3f: hmc %.3f, metropolis %.3f\n", all, hmc, local);
    assert_true(fabs(all - (2 * hmc + 3 * local) / 5) < 1e-6);
    assert_true(hmc > 0.5 && hmc <= 1 && local > 0.3 && local < 0.8);
    assert_true(
        fabs(attribute(&s, file, "/samplers/cycle", "force_evaluations_per_draw") -
             2 * forces) < 1e-9);
    kad_h5_close(file);
    kad_values acceptance = scene_read(&s, "/samplers/cycle/acceptance");
    double average = 0;
    for (size_t i = 0; i < acceptance.n; i++)
        average += acceptance.data[i] / (double)acceptance.n;
    assert_true(fabs(average - all) < 1e-6);
    scene_clear(&s);
}

/* Two steps of one sampler draw numbers of their own: a step repeated is not the same
 * step twice. */
static void steps_are_independent(void **state)
{
    (void)state;
    static const int shape[] = {8, 8};
    fixture f;
    kad_schema schema = {0};
    fixture_make(&f, free_field, 2, shape, false);
    kad_schema_add(&schema, kad_sampler_cycle.keys, kad_sampler_cycle.n_keys);
    kad_run_options o;
    kad_config *config = options(&f.ctx, &schema,
                                 "sample: [{name: cycle, steps: 'hmc, hmc', start: cold, "
                                 "step_size: 0.1, n_leapfrog: 1}]",
                                 &o);
    rig r;
    const kad_sampler_setup setup = {.options = o.entries[0].own,
                                     .start = o.entries[0].start,
                                     .action = f.action,
                                     .prec = KAD_DOUBLE,
                                     .n_chains = 512,
                                     .n_draws = 1,
                                     .n_batch_max = 1};
    if (rig_make(&r, &f.ctx, "cycle", &setup) != KAD_OK) fail_msg("%s", f.ctx.message);
    kad_free(r.draws.z);
    r.draws.z = NULL;
    rig_advance(&r, &f.ctx, 1);
    /* from 0 the field after two short steps is eps (p1 + p2): 2 eps^2 for independent
     * momenta, 4 eps^2 for the same ones; jitter of 10 % and the force change it by some
     * per cent */
    double square = 0;
    for (size_t i = 0; i < 512 * r.n_rows; i++)
        square += r.draws.x[i] * r.draws.x[i] / (512.0 * (double)r.n_rows);
    print_message("# <x^2>/eps^2 %.3f\n", square / 0.01);
    assert_true(fabs(square / 0.01 - 2) < 0.2);
    rig_clear(&r);
    kad_run_options_clear(&o);
    kad_config_destroy(config);
    fixture_clear(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("cycle: reads its list of steps", list_is_read),
        CLAIM("cycle: refuses a bad list with a reason", list_is_refused),
        CLAIM("cycle: phi^4 is exact under any composition", moments_are_exact),
        CLAIM("samplers: actions belong to their configurations", actions_belong),
        CLAIM("cycle: runs from a config without a map", runs_from_config),
        CLAIM("cycle: steps of one sampler are independent", steps_are_independent),
    };
    return cmocka_run_group_tests_name("cycle", tests, NULL, NULL);
}
