/* More draws for a finished run: whatever the sampler, and however often, what is appended
 * is what one long run would have made, to the byte. */
#include "record/job.h"
#include "tests/support/sample_util.h"

static const char ising[] = "lattice: {shape: [4, 4]}\n"
                            "action: {name: on-dual, components: 1, temperature: 2.5}\n"
                            "flow: {recipe: fourier}\n";
static const char phi4[] = "lattice: {shape: [4, 4]}\n"
                           "action: {name: phi4, form: albergo, m2: -4, lambda: 6.975}\n";

enum { TEXT = 1024 };

/* Proposals are not thinned. */
static void config_of(const char *model, const kad_sampler_ops *ops, char yaml[TEXT])
{
    const bool proposes = (ops->flags & KAD_SAMPLER_WEIGHTED) != 0;
    snprintf(
        yaml, TEXT,
        "%ssample: [{name: %s, draws: 1, chains: 3, burn_in: 5, tuning: 4, thin: %d, "
        "store_configs: 14, keep_first: 90, batch: 16}]\n",
        model, ops->name, proposes ? 1 : 2);
}

static kad_status sample(scene *s, int draws, int n_threads)
{
    KAD_LOCAL(kad_config, config);
    kad_run_options options;
    char text[64];
    const char *overrides[] = {text};
    snprintf(text, sizeof text, "sample[0].draws=%d", draws);
    s->ctx.n_threads = n_threads;
    assert_ok(s, kad_config_parse(&s->ctx, &s->schema, kad_config_text(s->config),
                                  "test.yaml", 1, overrides, &config));
    assert_ok(s, kad_run_options_read(&s->ctx, config, &options));
    const kad_status status =
        kad_sample(&s->ctx, s->run, &options.sample, s->model, NULL);
    kad_run_options_clear(&options);
    return status;
}

/* --- equal to the byte ---------------------------------------------------------------- */

/* Every data set below `path`, and how many there are. */
static int compare(scene *s, kad_h5 *a, kad_h5 *b, const char *path)
{
    KAD_SCOPE(scope, &s->ctx);
    char **names, below[256];
    size_t dims[KAD_H5_MAX_RANK], n = 0;
    int rank, n_equal = 0;
    if (kad_h5_shape(&s->ctx, a, path, &rank, dims) == KAD_OK) {
        kad_values x, y;
        assert_ok(s, kad_values_read(&scope, a, path, &x));
        assert_ok(s, kad_values_read(&scope, b, path, &y));
        if (x.n != y.n || memcmp(x.data, y.data, x.n * sizeof *x.data) != 0)
            fail_msg("%s differs", path);
        return 1;
    }
    assert_ok(s, kad_h5_list(&scope, a, path, &n, &names));
    for (size_t i = 0; i < n; i++) {
        snprintf(below, sizeof below, "%s/%s", path, names[i]);
        n_equal += compare(s, a, b, below);
    }
    return n_equal;
}

static double acceptance_of(scene *s, kad_h5 *file, const char *group)
{
    double value;
    assert_ok(s, kad_h5_attr_real(&s->ctx, file, group, "acceptance", &value));
    return value;
}

static void assert_same(scene *s, scene *reference, const char *name)
{
    KAD_LOCAL(kad_h5, a);
    KAD_LOCAL(kad_h5, b);
    char group[96];
    snprintf(group, sizeof group, "/samplers/%s", name);
    assert_ok(s, kad_results_open(&s->ctx, s->run, &a));
    assert_ok(s, kad_results_open(&s->ctx, reference->run, &b));
    const int n = compare(s, a, b, group);
    assert_int_equal(compare(s, b, a, group), n);
    assert_true(n > 20);
    assert_true(acceptance_of(s, a, group) == acceptance_of(s, b, group));
}

/* 67 draws have bins of one draw and every 8th configuration, 2100 (a chain of proposals) bins of
 * up to 16 and every 256th. */
static void appended_is_one_run(const char *model, const kad_sampler_ops *ops)
{
    enum { TIMES = 4 };
    const bool proposes = (ops->flags & KAD_SAMPLER_WEIGHTED) != 0;
    const int draws[TIMES] = {1, 67, 131, proposes ? 2100 : 300};
    scene whole, parts;
    char yaml[TEXT];
    config_of(model, ops, yaml);
    scene_make(&whole, yaml, 0);
    scene_make(&parts, yaml, 0);
    assert_ok(&whole, sample(&whole, draws[TIMES - 1], 2));
    for (int k = 0; k < TIMES; k++)
        assert_ok(&parts, sample(&parts, draws[k], 1 + k % 2));
    assert_same(&parts, &whole, ops->name);
    print_message("# %s: %d times\n", ops->name, TIMES - 1);
    scene_clear(&whole);
    scene_clear(&parts);
}

static void spins_are_one_run(void **state)
{
    (void)state;
    for (int i = 0; kad_samplers[i] != NULL; i++)
        appended_is_one_run(ising, kad_samplers[i]);
}

static void fields_are_one_run(void **state)
{
    static const char *const names[] = {"mis", "hmc", "latent-metropolis"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        appended_is_one_run(phi4, kad_sampler_find(names[i]));
}

/* --- killed on the way ---------------------------------------------------------------- */

static void command(const scene *s, const char *format, const char *name)
{
    char inner[256], text[400];
    snprintf(inner, sizeof inner, format, name);
    snprintf(text, sizeof text, "cd '%s' && %s", s->folder, inner);
    if (system(text) != 0) fail_msg("%s", text);
}

static bool exists(const scene *s, const char *file)
{
    char path[160];
    snprintf(path, sizeof path, "%s/checkpoint/%s", s->folder, file);
    return access(path, F_OK) == 0;
}

static void make_pair(scene *whole, scene *parts)
{
    char yaml[TEXT];
    config_of(ising, kad_sampler_find("metropolis"), yaml);
    scene_make(whole, yaml, 0);
    scene_make(parts, yaml, 0);
    assert_ok(whole, sample(whole, 400, 2));
    assert_ok(parts, sample(parts, 100, 2));
}

/* Stopped after every batch. */
static void stops_while_appending(void **state)
{
    (void)state;
    scene whole, parts;
    kad_status status;
    int n_calls = 0;
    make_pair(&whole, &parts);
    do {
        kad_signals_deadline(n_calls < 5 ? 1e-3 : 0.0);
        status = sample(&parts, 400, 1);
        kad_signals_deadline(0.0);
        kad_stop_clear();
        n_calls++;
    } while (status == KAD_EINTERRUPTED);
    assert_ok(&parts, status);
    assert_true(n_calls > 1);
    assert_same(&parts, &whole, "metropolis");
    scene_clear(&whole);
    scene_clear(&parts);
}

/* Between the writing of the new end, of the results, and the removal of what was before. */
static void killed_while_assembling(void **state)
{
    (void)state;
    scene whole, parts;
    make_pair(&whole, &parts);
    command(&parts, "cp run.h5 old.h5 && cp checkpoint/%s.end.000100.h5 .", "metropolis");
    assert_ok(&parts, sample(&parts, 400, 2));
    command(&parts, "mv old.h5 run.h5 && cp %s.end.000100.h5 checkpoint", "metropolis");
    assert_ok(&parts, sample(&parts, 400, 2)); /* results of 100, ends of 100 and 400 */
    assert_same(&parts, &whole, "metropolis");
    assert_false(exists(&parts, "metropolis.end.000100.h5"));
    command(&parts, "mv %s.end.000100.h5 checkpoint", "metropolis");
    assert_ok(&parts, sample(&parts, 400, 2)); /* results of 400, both ends */
    assert_false(exists(&parts, "metropolis.end.000100.h5"));
    assert_true(exists(&parts, "metropolis.end.000400.h5"));
    assert_same(&parts, &whole, "metropolis");
    scene_clear(&whole);
    scene_clear(&parts);
}

/* --- refused -------------------------------------------------------------------------- */

/* Without its end nothing is appended, and nothing lost. */
static void no_end_no_more(void **state)
{
    (void)state;
    scene whole, parts;
    make_pair(&whole, &parts);
    command(&parts, "printf x >> checkpoint/%s.end.000100.h5", "metropolis");
    assert_int_equal(sample(&parts, 200, 2), KAD_EDATA);
    print_message("# %s\n", parts.ctx.message);
    command(&parts, "rm checkpoint/%s.end.000100.h5", "metropolis");
    assert_int_equal(sample(&parts, 200, 2), KAD_EDATA);
    assert_non_null(strstr(parts.ctx.message, "the end is not kept"));
    assert_ok(&parts, sample(&parts, 100, 2));
    assert_int_equal(scene_read(&parts, "/samplers/metropolis/accepted").n, 300);
    scene_clear(&whole);
    scene_clear(&parts);
}

/* What follows from the number of draws by default is kept as it was. */
static void beginning_is_kept(void **state)
{
    (void)state;
    scene s;
    kad_h5 *file;
    int64_t burn_in, tuning;
    char yaml[TEXT];
    snprintf(yaml, sizeof yaml, "%ssample: [{name: hmc, draws: 1, chains: 2}]\n", phi4);
    scene_make(&s, yaml, 0);
    assert_ok(&s, sample(&s, 250, 2));
    assert_ok(&s, sample(&s, 2500, 2));
    assert_ok(&s, kad_results_open(&s.ctx, s.run, &file));
    assert_ok(&s, kad_h5_attr_int(&s.ctx, file, "/samplers/hmc", "burn_in", &burn_in));
    assert_ok(&s, kad_h5_attr_int(&s.ctx, file, "/samplers/hmc", "tuning", &tuning));
    kad_h5_close(file);
    assert_int_equal(burn_in, 250);
    assert_int_equal(tuning, 200);
    assert_int_equal(scene_read(&s, "/samplers/hmc/accepted").n, 5000);
    scene_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("longer: spins of every sampler, appended three times, are one run's",
              spins_are_one_run),
        CLAIM("longer: fields of local, latent and map samplers, too",
              fields_are_one_run),
        CLAIM("longer: stops while appending change no bit", stops_while_appending),
        CLAIM("longer: a kill between end, results and tidying changes no bit",
              killed_while_assembling),
        CLAIM("longer: without their end draws stay, and no more follow", no_end_no_more),
        CLAIM("longer: burn-in and tuning stay those of the first draws",
              beginning_is_kept),
    };
    return cmocka_run_group_tests_name("longer", tests, NULL, NULL);
}
