/* Entries of the list `sample` and what becomes of them: defaults, thinning, the first
 * draws, runs without a map. */
#include "analysis/analyse.h"
#include "analysis/table.h"
#include "sample/sampler.h"
#include "tests/support/sample_util.h"

static const char phi4[] = "lattice: {shape: [4, 4]}\n"
                           "action: {name: phi4, form: albergo, m2: -4, lambda: 6.975}\n";

static void make(scene *s, const char *entries)
{
    char yaml[512];
    snprintf(yaml, sizeof yaml, "%ssample: [%s]\n", phi4, entries);
    scene_make(s, yaml, 0);
}

static void sample(scene *s)
{
    assert_ok(s, kad_sample(&s->ctx, s->run, &s->options.sample, s->model, NULL));
}

static void defaults_fit_the_sampler(void **state)
{
    static const struct {
        const char *entry;
        int chains;
        int64_t draws, burn_in;
        bool needs_map;
    } known[] = {
        {"{name: mis}", 1, 20000, 100, true},
        {"{name: direct}", 1, 20000, 0, true},
        {"{name: direct, burn_in: 50}", 1, 20000, 0, true},
        {"{name: hmc}", 64, 2000, 2000, false},
        {"{name: hmc, draws: 50000}", 64, 50000, 10000, false},
        {"{name: hmc, draws: 5000}", 64, 5000, 2000, false},
        {"{name: hmc, burn_in: 0, chains: 3}", 3, 2000, 0, false},
        {"{name: hmc, draws: 300}", 64, 300, 300, false},
        {"{name: hmc, draws: 30}", 64, 30, 200, false},
        {"{name: hmc, start: prior}", 64, 2000, 2000, true},
        {"{name: metropolis, store_latents: true}", 64, 2000, 2000, true},
        {"{name: latent-hmc}", 64, 2000, 2000, true},
        {"{name: cycle}", 64, 2000, 2000, true},
        {"{name: cycle, steps: 'hmc, cluster'}", 64, 2000, 2000, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        scene s;
        make(&s, known[i].entry);
        assert_int_equal(s.options.sample.n, 1);
        assert_int_equal(kad_sample_chains(&s.options.sample, 0), known[i].chains);
        assert_int_equal(kad_sample_draws(&s.options.sample, 0), known[i].draws);
        assert_int_equal(kad_sample_burn_in(&s.options.sample, 0), known[i].burn_in);
        assert_int_equal(kad_sample_needs_map(&s.options.sample, 0), known[i].needs_map);
        assert_int_equal(kad_sample_configs(&s.options.sample, 0), 64);
        scene_clear(&s);
    }
    /* beside a map: more where they are weighed by it */
    scene s;
    make(&s, "{name: mis}, {name: hmc}, {name: hmc, store_configs: 0}");
    assert_int_equal(kad_sample_configs(&s.options.sample, 0), 64);
    assert_int_equal(kad_sample_configs(&s.options.sample, 1), 1024);
    assert_int_equal(kad_sample_configs(&s.options.sample, 2), 0);
    scene_clear(&s);
}

static void no_map_is_needed(void **state)
{
    kad_h5 *file = NULL;
    (void)state;
    scene s;
    make(&s, "{name: metropolis, draws: 20}, {name: hmc, draws: 20, chains: 2}");
    assert_ok(&s, kad_results_open(&s.ctx, s.run, &file));
    assert_ok(&s, kad_h5_remove(&s.ctx, file, "/flow"));
    assert_ok(&s, kad_results_save(&s.ctx, s.run, file));
    kad_h5_close(file);
    sample(&s);
    kad_values accepted = scene_read(&s, "/samplers/hmc/accepted");
    assert_int_equal(accepted.n, 40);
    scene_clear(&s);
    /* and where one is, it is missed */
    make(&s, "{name: metropolis, draws: 20, start: prior}");
    assert_ok(&s, kad_results_open(&s.ctx, s.run, &file));
    assert_ok(&s, kad_h5_remove(&s.ctx, file, "/flow"));
    assert_ok(&s, kad_results_save(&s.ctx, s.run, file));
    kad_h5_close(file);
    assert_int_equal(kad_sample(&s.ctx, s.run, &s.options.sample, s.model, NULL),
                     KAD_ENOINPUT);
    scene_clear(&s);
}

/* A map whose draws all overflow: there is no state to record, and no zeros are. */
static void no_weight_is_no_state(void **state)
{
    (void)state;
    static const char *const entries[] = {"{name: mis, draws: 10, burn_in: 0}",
                                          "{name: mis, draws: 4, burn_in: 6, chains: 1, "
                                          "keep_first: 3}"};
    for (size_t k = 0; k < sizeof entries / sizeof *entries; k++) {
        scene s;
        kad_h5 *file = NULL;
        make(&s, entries[k]);
        double *theta = kad_alloc(s.model->flow->n_theta, sizeof *theta);
        for (size_t i = 0; i < s.model->flow->n_theta; i++)
            theta[i] = 1e4;
        assert_ok(&s, kad_results_open(&s.ctx, s.run, &file));
        assert_ok(&s, kad_params_write(&s.ctx, file, s.model->flow, s.model->prec,
                                       &s.model->family, theta));
        assert_ok(&s, kad_results_save(&s.ctx, s.run, file));
        kad_h5_close(file);
        assert_int_equal(kad_sample(&s.ctx, s.run, &s.options.sample, s.model, NULL),
                         KAD_EINTERNAL);
        print_message("# %s\n", s.ctx.message);
        assert_non_null(strstr(s.ctx.message, "finite weight"));
        assert_ok(&s, kad_results_open(&s.ctx, s.run, &file));
        assert_false(kad_h5_exists(file, "/samplers/mis"));
        kad_h5_close(file);
        kad_free(theta);
        scene_clear(&s);
    }
}

/* --- thinning ------------------------------------------------------------------------ */

static const char *const thinned[] = {"observables/phi2", "observables/action",
                                      "observables/m"};
enum { N_THINNED = 3, CHAINS = 5, THIN = 3, DRAWS = 8 };

static void read_all(const char *entries, kad_values out[N_THINNED], kad_values *rate)
{
    scene s;
    make(&s, entries);
    sample(&s);
    for (int i = 0; i < N_THINNED; i++) {
        char path[64];
        snprintf(path, sizeof path, "/samplers/metropolis/%s", thinned[i]);
        out[i] = scene_read(&s, path);
    }
    *rate = scene_read(&s, "/samplers/metropolis/acceptance");
    scene_clear(&s);
}

static void thin_skips_draws(void **state)
{
    kad_values all[N_THINNED], few[N_THINNED], p_all, p_few;
    (void)state;
    read_all("{name: metropolis, chains: 5, draws: 24, burn_in: 6, start: cold}", all,
             &p_all);
    /* batches that do not fit the draws, too */
    for (int batch = 1; batch < 40; batch += 19) {
        char text[160];
        snprintf(text, sizeof text,
                 "{name: metropolis, chains: 5, draws: 8, burn_in: 2, thin: 3, "
                 "start: cold, batch: %d}",
                 batch);
        read_all(text, few, &p_few);
        for (int i = 0; i < N_THINNED; i++) {
            assert_int_equal(few[i].n, CHAINS * DRAWS);
            for (size_t at = 0; at < CHAINS * DRAWS; at++)
                assert_true(few[i].data[at] == all[i].data[at * THIN + THIN - 1]);
        }
        for (size_t at = 0; at < CHAINS * DRAWS; at++) {
            const double *p = p_all.data + at * THIN;
            /* stored in double */
            assert_true(fabs(p_few.data[at] - (p[0] + p[1] + p[2]) / THIN) < 1e-7);
            assert_true(p_few.data[at] > 0.1 && p_few.data[at] < 0.95);
        }
    }
}

static void thin_names_its_unit(void **state)
{
    kad_h5 *file = NULL;
    char *unit = NULL;
    int64_t thin;
    double tuning, seconds;
    (void)state;
    scene s;
    make(&s, "{name: hmc, chains: 2, draws: 10, burn_in: 10, thin: 4}");
    sample(&s);
    assert_ok(&s, kad_results_open(&s.ctx, s.run, &file));
    assert_ok(&s,
              kad_h5_attr_string(&s.scope, file, "/samplers/hmc", "time_unit", &unit));
    assert_string_equal(unit, "4 trajectories");
    assert_ok(&s, kad_h5_attr_int(&s.ctx, file, "/samplers/hmc", "thin", &thin));
    assert_int_equal(thin, 4);
    assert_ok(&s,
              kad_h5_attr_real(&s.ctx, file, "/samplers/hmc", "tuning_seconds", &tuning));
    assert_ok(&s, kad_h5_attr_real(&s.ctx, file, "/samplers/hmc", "seconds_per_draw",
                                   &seconds));
    assert_true(tuning > 0 && seconds > 0);
    kad_h5_close(file);
    scene_clear(&s);
    make(&s, "{name: mis, draws: 100, thin: 2}");
    assert_int_equal(kad_sample(&s.ctx, s.run, &s.options.sample, s.model, NULL),
                     KAD_ECONFIG);
    assert_non_null(strstr(s.ctx.message, "sample[0].thin: mis keeps every proposal"));
    scene_clear(&s);
}

/* --- the first draws ----------------------------------------------------------------- */

/* 30 draws of which 12 are burn-in; the first 20 are kept. */
static void first_draws_are_kept(void **state)
{
    static const char *const names[] = {"mis", "metropolis", "hmc"};
    (void)state;
    for (int i = 0; i < 3; i++) {
        char text[160], path[96];
        scene s;
        snprintf(
            text, sizeof text,
            "{name: %s, chains: 3, draws: 18, burn_in: 12, keep_first: 20, batch: 5}",
            names[i]);
        make(&s, text);
        sample(&s);
        snprintf(path, sizeof path, "/samplers/%s/first/observables/phi2", names[i]);
        kad_values first = scene_read(&s, path);
        snprintf(path, sizeof path, "/samplers/%s/observables/phi2", names[i]);
        kad_values later = scene_read(&s, path);
        assert_int_equal(first.n, 3 * 20);
        for (size_t chain = 0; chain < 3; chain++) {
            for (size_t t = 12; t < 20; t++)
                assert_true(first.data[chain * 20 + t] ==
                            later.data[chain * 18 + t - 12]);
            assert_true(first.data[chain * 20] > 0);
        }
        scene_clear(&s);
    }
}

/* After one draw a cold chain still knows of the order, a hot one of the disorder. */
static void starts_differ(void **state)
{
    static const struct {
        const char *name, *keys;
    } entries[] = {
        /* tuned for long enough to forget any start, if they did not begin again; a
         * cluster move with the tuned width leaves little of a start */
        {"metropolis", "tuning: 50"},
        {"cluster", "tuning: 0"},
        {"hmc", "tuning: 50, trajectory: 0.2"},
        {"latent-hmc", "tuning: 50, trajectory: 0.2"},
        {"latent-metropolis", "tuning: 50"},
        {"cycle", "tuning: 50, trajectory: 0.2, steps: hmc"},
        {"tempering", "tuning: 50, trajectory: 0.2, base: hmc, replicas: 3"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        const char *name = entries[i].name;
        double first[2];
        for (int hot = 0; hot < 2; hot++) {
            char text[160], path[96];
            char *start = NULL;
            kad_h5 *file = NULL;
            scene s;
            snprintf(text, sizeof text,
                     "{name: %s, chains: 64, draws: 2, burn_in: 2, keep_first: 1, start: "
                     "%s, %s}",
                     name, hot ? "hot" : "cold", entries[i].keys);
            make(&s, text);
            sample(&s);
            snprintf(path, sizeof path, "/samplers/%s/first/observables/abs_m", name);
            kad_values m = scene_read(&s, path);
            first[hot] = 0;
            for (size_t k = 0; k < m.n; k++)
                first[hot] += m.data[k] / (double)m.n;
            snprintf(path, sizeof path, "/samplers/%s/first", name);
            assert_ok(&s, kad_results_open(&s.ctx, s.run, &file));
            assert_ok(&s, kad_h5_attr_string(&s.scope, file, path, "start", &start));
            assert_string_equal(start, hot ? "hot" : "cold");
            kad_h5_close(file);
            scene_clear(&s);
        }
        print_message("# %s: |m| after one draw: cold %.4f, hot %.4f\n", name, first[0],
                      first[1]);
        /* 64 chains of |m| below 0.5: means known to 0.03 at most */
        assert_true(first[0] > first[1] + 0.1);
    }
}

/* --- the map's weights at configurations of other samplers ---------------------------- */

static const char ising[] =
    "lattice: {shape: [4, 4]}\n"
    "action: {name: on-dual, components: 1, temperature: 4}\n"
    "sample: [{name: mis, draws: 4000}, {name: metropolis, draws: 160}]\n";

static int64_t map_of(scene *s, char **start)
{
    kad_h5 *file = NULL;
    int64_t map;
    assert_ok(s, kad_results_open(&s->ctx, s->run, &file));
    assert_false(kad_h5_exists(file, "/samplers/mis/map_log_weight"));
    assert_ok(s, kad_h5_attr_int(&s->ctx, file, "/samplers/metropolis/map_log_weight",
                                 "map", &map));
    assert_ok(
        s, kad_h5_attr_string(&s->scope, file, "/samplers/metropolis", "start", start));
    kad_h5_close(file);
    return map;
}

/* The 2 x 2 Ising model has m2 as a mean over the spins, and their energy as it was drawn:
 * the file says which is which. Of fields nothing is a mean. */
static void means_given_the_field_say_so(void **state)
{
    static const struct {
        const char *name;
        bool conditional;
    } known[] = {
        {"m2", true},     {"energy", true},        {"structure_kmin", true},
        {"abs_m", false}, {"drawn_energy", false}, {"drawn_structure_kmin", false}};
    (void)state;
    for (int spins = 0; spins < 2; spins++) {
        scene s;
        kad_h5 *file = NULL;
        if (spins)
            scene_make(&s,
                       "lattice: {shape: [2, 2]}\naction: {name: on-dual, beta: 0.3}\n"
                       "sample: [{name: metropolis, chains: 1, draws: 10, burn_in: 5}]\n",
                       0);
        else
            make(&s, "{name: metropolis, chains: 1, draws: 10, burn_in: 5}");
        sample(&s);
        assert_ok(&s, kad_results_open(&s.ctx, s.run, &file));
        for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
            char path[96];
            snprintf(path, sizeof path, "/samplers/metropolis/observables/%s",
                     known[i].name);
            if (!kad_h5_exists(file, path)) {
                assert_false(spins);
                continue;
            }
            assert_int_equal(kad_h5_attr_exists(file, path, "conditional"),
                             spins && known[i].conditional);
        }
        kad_h5_close(file);
        scene_clear(&s);
    }
}

static void change_map(scene *s)
{
    kad_h5 *file = NULL;
    double *theta = kad_alloc(s->model->flow->n_theta, sizeof *theta);
    kad_flow_init(s->model->flow, s->model->seed + 1, theta);
    assert_ok(s, kad_results_open(&s->ctx, s->run, &file));
    assert_ok(s, kad_params_write(&s->ctx, file, s->model->flow, s->model->prec,
                                  &s->model->family, theta));
    assert_ok(s, kad_results_save(&s->ctx, s->run, file));
    kad_h5_close(file);
    kad_free(theta);
}

/* ln Z is known by enumeration. Chains know nothing of the map, not even as a
 * start, and are not made again with another map; their weights are. */
static void others_are_weighed(void **state)
{
    (void)state;
    scene s;
    char *start = NULL;
    kad_h5 *file = NULL;
    kad_table table;
    scene_make(&s, ising, 50);
    sample(&s);
    kad_values m2 = scene_read(&s, "/samplers/metropolis/observables/m2");
    kad_values log_w = scene_read(&s, "/samplers/metropolis/map_log_weight");
    assert_int_equal(log_w.rank, 2);
    assert_int_equal(log_w.dims[0], 64);
    assert_int_equal(log_w.dims[1], 16);
    const int64_t map = map_of(&s, &start);
    assert_string_equal(start, "hot");
    assert_ok(&s, kad_analyse(&s.ctx, s.run));
    assert_ok(&s, kad_results_open(&s.ctx, s.run, &file));
    assert_ok(&s, kad_table_read(&s.scope, file, "/analysis/log_z_metropolis", &table));
    const size_t upper = kad_table_find(&table, "log_z_upper"),
                 both = kad_table_find(&table, "log_z");
    const double exact = kad_table_at(&table, &table.exact, both);
    const double found = kad_table_at(&table, &table.mean, both);
    const double err = kad_table_at(&table, &table.err, both);
    print_message("# ln Z %.4f(%.4f) from both, exactly %.4f, at most %.4f\n", found, err,
                  exact, kad_table_at(&table, &table.mean, upper));
    assert_true(fabs(found - exact) < 5 * err && err < 0.1);
    assert_true(kad_table_at(&table, &table.mean, upper) +
                    5 * kad_table_at(&table, &table.err, upper) >
                exact);
    kad_h5_close(file);
    change_map(&s);
    sample(&s);
    assert_true(map_of(&s, &start) != map);
    kad_values again = scene_read(&s, "/samplers/metropolis/observables/m2");
    kad_values other = scene_read(&s, "/samplers/metropolis/map_log_weight");
    assert_memory_equal(again.data, m2.data, m2.n * sizeof *m2.data);
    assert_memory_not_equal(other.data, log_w.data, log_w.n * sizeof *log_w.data);
    scene_clear(&s);
}

/* --- resumption ---------------------------------------------------------------------- */

static const char thin_first[] =
    "{name: metropolis, chains: 4, draws: 300, burn_in: 40, thin: 3, keep_first: 60, "
    "batch: 7}, {name: cycle, steps: 'hmc, metropolis', chains: 4, draws: 100, burn_in: "
    "30, thin: 2, keep_first: 50, batch: 5}";
static const char *const resumed[] = {"/samplers/metropolis/observables/m2",
                                      "/samplers/metropolis/acceptance",
                                      "/samplers/metropolis/first/observables/abs_m",
                                      "/samplers/cycle/observables/m2",
                                      "/samplers/cycle/acceptance",
                                      "/samplers/cycle/first/observables/action"};
enum { N_RESUMED = 6 };

static void stops_and_resumes(void **state)
{
    kad_values reference[N_RESUMED];
    int n_calls = 0;
    kad_status status;
    (void)state;
    scene s;
    make(&s, thin_first);
    sample(&s);
    for (int i = 0; i < N_RESUMED; i++)
        reference[i] = scene_read(&s, resumed[i]);
    scene_clear(&s);
    make(&s, thin_first);
    do {
        /* the first calls end after a batch or a few */
        kad_signals_deadline(n_calls < 12 ? 1e-3 : 0.0);
        status = kad_sample(&s.ctx, s.run, &s.options.sample, s.model, NULL);
        kad_signals_deadline(0.0);
        kad_stop_clear();
        n_calls++;
    } while (status == KAD_EINTERRUPTED);
    assert_ok(&s, status);
    print_message("# %d calls\n", n_calls);
    assert_true(n_calls > 2);
    for (int i = 0; i < N_RESUMED; i++) {
        kad_values again = scene_read(&s, resumed[i]);
        assert_int_equal(again.n, reference[i].n);
        assert_memory_equal(again.data, reference[i].data, again.n * sizeof(double));
    }
    scene_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("sample: proposals without a weight are no state, and nothing is recorded",
              no_weight_is_no_state),
        CLAIM("sample: defaults fit the sampler", defaults_fit_the_sampler),
        CLAIM("sample: boundary chains need no map", no_map_is_needed),
        CLAIM("sample: thinning keeps every third draw, bit for bit", thin_skips_draws),
        CLAIM("sample: a thinned draw says what it is", thin_names_its_unit),
        CLAIM("sample: the first draws are kept, burn-in included", first_draws_are_kept),
        CLAIM("sample: chains start cold or hot, after their tuning", starts_differ),
        CLAIM("sample: chains without the map know nothing of it and are weighed by it",
              others_are_weighed),
        CLAIM("sample: columns that are means given the field say so",
              means_given_the_field_say_so),
        CLAIM("sample: thinned chains stop and resume with the same bits",
              stops_and_resumes),
    };
    return cmocka_run_group_tests_name("chains", tests, NULL, NULL);
}
