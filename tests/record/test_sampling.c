/* Sampling end to end with small maps: exact values, determinism, resumption. */
#include "analysis/analyse.h"
#include "analysis/table.h"
#include "record/job.h"
#include "tests/support/sample_util.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const char ising[] = "lattice: {shape: [4, 4]}\n"
                            "action: {name: on-dual, temperature: 2.269185314213022}\n"
                            "flow: {recipe: wavelet}\n"
                            "train: {ladder: false}\n"
                            "sample:\n"
                            "  - {name: mis, draws: 10000}\n"
                            "  - {name: direct, draws: 8000}\n";

/* Every row with a known exact value within 5 standard errors (some 30 rows: false alarm
 * 2e-5 a build of fixed seeds), at least `least` of them. */
static void check_exact(scene *s, const char *group, size_t least)
{
    kad_h5 *file = NULL;
    kad_table table;
    size_t n = 0;
    assert_ok(s, kad_results_open(&s->ctx, s->run, &file));
    assert_ok(s, kad_table_read(&s->scope, file, group, &table));
    for (size_t i = 0; i < table.n; i++) {
        const double pull =
            (table.mean.data[i] - table.exact.data[i]) / table.err.data[i];
        print_message("# %s %s %.6f +- %.6f exact %.6f (%+.2f)\n", group,
                      table.observable[i], table.mean.data[i], table.err.data[i],
                      table.exact.data[i], pull);
        if (!isfinite(table.exact.data[i])) continue;
        assert_true(fabs(pull) < 5.0);
        n++;
    }
    assert_true(n >= least);
    kad_h5_close(file);
}

static void ising_is_exact(void **state)
{
    (void)state;
    scene s;
    scene_make(&s, ising, 200);
    assert_ok(&s, kad_sample(&s.ctx, s.run, &s.options.sample, s.model, NULL));
    assert_ok(&s, kad_analyse(&s.ctx, s.run));
    /* energy, specific heat, m2, m4, |m|, ... */
    check_exact(&s, "/analysis/mis", 6);
    check_exact(&s, "/analysis/mis_reweighted", 6);
    check_exact(&s, "/analysis/direct_reweighted", 6);
    check_exact(&s, "/analysis/log_z", 1);
    scene_clear(&s);
}

/* PHYSICS: L = 4, lambda = 6.975, m2 = -4, exact: ln Z 3.2183289229, <phi^2>
 * 0.1673917691, <phi^4> 0.0557089904, chi 0.934972725; the odd sites integrated out. */
static void phi4_is_exact(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double exact;
    } known[] = {{"phi2", 0.1673917691}, {"phi4", 0.0557089904}, {"chi", 0.934972725}};
    scene s;
    kad_h5 *file = NULL;
    kad_table table;
    scene_make(&s,
               "lattice: {shape: [4, 4]}\n"
               "action: {name: phi4, form: albergo, m2: -4, lambda: 6.975}\n"
               "train: {ladder: false}\n",
               300);
    assert_true(s.model->decimated);
    assert_ok(&s, kad_sample(&s.ctx, s.run, &s.options.sample, s.model, NULL));
    assert_ok(&s, kad_analyse(&s.ctx, s.run));
    assert_ok(&s, kad_results_open(&s.ctx, s.run, &file));
    for (int way = 0; way < 3; way++) {
        static const char *const groups[] = {"/analysis/mis", "/analysis/mis_reweighted",
                                             "/analysis/log_z"};
        assert_ok(&s, kad_table_read(&s.scope, file, groups[way], &table));
        for (size_t i = 0; i < table.n; i++) {
            double exact = NAN;
            for (int k = 0; k < 3; k++)
                if (strcmp(known[k].name, table.observable[i]) == 0)
                    exact = known[k].exact;
            if (strcmp(table.observable[i], "log_z") == 0) exact = 3.2183289229;
            if (!isfinite(exact)) continue;
            print_message("# %s %s %+.2f\n", groups[way], table.observable[i],
                          (table.mean.data[i] - exact) / table.err.data[i]);
            assert_true(fabs(table.mean.data[i] - exact) < 5 * table.err.data[i]);
            assert_true(table.err.data[i] < 0.02 * fabs(exact));
        }
    }
    kad_h5_close(file);
    scene_clear(&s);
}

/* What must not depend on how the work was done. */
static const char *const outputs[] = {
    "/samplers/mis/accepted",          "/samplers/mis/proposals/log_weight",
    "/samplers/mis/proposals/action",  "/samplers/mis/observables/abs_m",
    "/samplers/mis/proposals/m4",      "/samplers/mis/observables/correlator_axis",
    "/samplers/mis/configs",           "/samplers/mis/observables/energy",
    "/samplers/mis/observables/action"};
enum { N_OUTPUTS = sizeof outputs / sizeof *outputs };

static const char short_ising[] = "lattice: {shape: [4, 4]}\n"
                                  "action: {name: on-dual, temperature: 2.5}\n"
                                  "flow: {recipe: fourier}\n"
                                  "sample: [{name: mis, draws: 700, chains: 3, batch: "
                                  "64, burn_in: 70, store_configs: 50}]\n";

static void collect(scene *s, kad_values out[N_OUTPUTS])
{
    for (int i = 0; i < N_OUTPUTS; i++)
        out[i] = scene_read(s, outputs[i]);
}

static void compare(kad_values a[N_OUTPUTS], kad_values b[N_OUTPUTS])
{
    for (int i = 0; i < N_OUTPUTS; i++) {
        assert_int_equal(a[i].n, b[i].n);
        if (memcmp(a[i].data, b[i].data, a[i].n * sizeof(double)) != 0)
            fail_msg("%s differs", outputs[i]);
    }
}

/* One run by `n_threads` threads and batches of `batch`. */
static void sample_with(int n_threads, int batch, kad_values out[N_OUTPUTS])
{
    scene s;
    kad_config *config;
    kad_run_options options;
    char text[64];
    const char *overrides[] = {text};
    scene_make(&s, short_ising, 0);
    s.ctx.n_threads = n_threads;
    snprintf(text, sizeof text, "sample[0].batch=%d", batch);
    assert_ok(&s, kad_config_parse(&s.ctx, &s.schema, kad_config_text(s.config),
                                   "test.yaml", 1, overrides, &config));
    assert_ok(&s, kad_run_options_read(&s.ctx, config, &options));
    assert_ok(&s, kad_sample(&s.ctx, s.run, &options.sample, s.model, NULL));
    collect(&s, out);
    kad_run_options_clear(&options);
    kad_config_destroy(config);
    scene_clear(&s);
}

static void same_bits_anyhow(void **state)
{
    (void)state;
    kad_values reference[N_OUTPUTS], other[N_OUTPUTS];
    sample_with(1, 64, reference);
    assert_int_equal(reference[0].rank, 2);
    assert_int_equal(reference[0].dims[0], 3);
    assert_int_equal(reference[0].dims[1], 700);
    assert_int_equal(reference[5].dims[2], 3);
    assert_int_equal(reference[6].rank, 5);
    assert_int_equal(reference[6].dims[1], 21); /* of 17 asked for */
    sample_with(2, 64, other);
    compare(reference, other);
    sample_with(2, 100, other);
    compare(reference, other);
}

/* A job that stops after every batch, again and again, ends with the same bits. */
static void stops_and_resumes(void **state)
{
    (void)state;
    kad_values reference[N_OUTPUTS], pieces[N_OUTPUTS];
    scene s;
    int n_calls = 0;
    kad_status status;
    sample_with(2, 64, reference);
    scene_make(&s, short_ising, 0);
    do {
        /* the first five calls end after a batch or a few */
        kad_signals_deadline(n_calls < 5 ? 1e-3 : 0.0);
        status = kad_sample(&s.ctx, s.run, &s.options.sample, s.model, NULL);
        kad_signals_deadline(0.0);
        kad_stop_clear();
        n_calls++;
    } while (status == KAD_EINTERRUPTED);
    assert_ok(&s, status);
    print_message("# %d calls\n", n_calls);
    assert_true(n_calls > 1);
    collect(&s, pieces);
    compare(reference, pieces);
    scene_clear(&s);
}

static bool exists(const scene *s, const char *name)
{
    char path[128];
    struct stat info;
    snprintf(path, sizeof path, "%s/%s", s->folder, name);
    return stat(path, &info) == 0;
}

/* kill -9 of a process in the middle; what is on disk is taken up. */
static void survives_kill(void **state)
{
    (void)state;
    kad_values reference[N_OUTPUTS], resumed[N_OUTPUTS];
    scene s;
    sample_with(2, 64, reference);
    scene_make(&s, short_ising, 0);
    kad_run_close(s.run);
    s.run = NULL;
    const pid_t child = fork();
    if (child == 0) {
        /* stop at once after the first segment, then hang until killed */
        kad_ctx_init(&s.ctx, 1);
        if (kad_run_open(&s.ctx, s.folder, KAD_RUN_WRITE, &s.run) != KAD_OK) _exit(1);
        for (;;) {
            kad_signals_deadline(1e-3);
            if (kad_sample(&s.ctx, s.run, &s.options.sample, s.model, NULL) == KAD_OK)
                _exit(2);
            kad_signals_deadline(0.0);
            kad_stop_clear();
            if (exists(&s, "checkpoint/mis.000001.h5")) raise(SIGKILL);
        }
    }
    int code;
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_true(WIFSIGNALED(code) && WTERMSIG(code) == SIGKILL);
    assert_ok(&s, kad_run_open(&s.ctx, s.folder, KAD_RUN_WRITE, &s.run));
    assert_true(exists(&s, "checkpoint/mis.000000.h5"));
    assert_ok(&s, kad_sample(&s.ctx, s.run, &s.options.sample, s.model, NULL));
    assert_false(exists(&s, "checkpoint/mis.000000.h5"));
    collect(&s, resumed);
    compare(reference, resumed);
    scene_clear(&s);
}

/* A damaged segment is said and redone; a finished job is not done twice; another map
 * is. */
static int n_notes;
static void count_note(void *sink, const char *line)
{
    (void)sink;
    print_message("# note: %s\n", line);
    n_notes++;
}

static void damage(const scene *s, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", s->folder, name);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    fseek(file, 900, SEEK_SET);
    const int c = fgetc(file);
    fseek(file, 900, SEEK_SET);
    fputc(c ^ 4, file);
    fclose(file);
}

static void damaged_and_finished(void **state)
{
    (void)state;
    kad_values reference[N_OUTPUTS], redone[N_OUTPUTS];
    scene s;
    sample_with(2, 64, reference);
    scene_make(&s, short_ising, 0);
    s.ctx.log = count_note;
    do {
        kad_signals_deadline(1e-3);
        assert_int_equal(kad_sample(&s.ctx, s.run, &s.options.sample, s.model, NULL),
                         KAD_EINTERRUPTED);
        kad_signals_deadline(0.0);
        kad_stop_clear();
    } while (!exists(&s, "checkpoint/mis.000001.h5"));
    damage(&s, "checkpoint/mis.000001.h5");
    n_notes = 0;
    assert_ok(&s, kad_sample(&s.ctx, s.run, &s.options.sample, s.model, NULL));
    assert_int_equal(n_notes, 1);
    collect(&s, redone);
    compare(reference, redone);
    const double before = kad_wall_seconds();
    assert_ok(&s, kad_sample(&s.ctx, s.run, &s.options.sample, s.model, NULL));
    print_message("# a finished job took %.4f s\n", kad_wall_seconds() - before);
    assert_int_equal(n_notes, 1);
    /* other parameters of the map */
    double *theta = kad_alloc(s.model->flow->n_theta, sizeof *theta);
    kad_h5 *file = NULL;
    for (size_t i = 0; i < s.model->flow->n_theta; i++)
        theta[i] = 0.01;
    assert_ok(&s, kad_results_open(&s.ctx, s.run, &file));
    assert_ok(&s, kad_params_write(&s.ctx, file, s.model->flow, s.model->prec,
                                   &s.model->family, theta));
    assert_ok(&s, kad_results_save(&s.ctx, s.run, file));
    kad_h5_close(file);
    kad_free(theta);
    assert_ok(&s, kad_sample(&s.ctx, s.run, &s.options.sample, s.model, NULL));
    assert_int_equal(n_notes, 2);
    collect(&s, redone);
    assert_true(memcmp(redone[1].data, reference[1].data, redone[1].n * sizeof(double)) !=
                0);
    scene_clear(&s);
}

/* The chain's observables are the last accepted proposal's. */
static void chain_repeats_the_accepted(void **state)
{
    (void)state;
    scene s;
    scene_make(&s, short_ising, 0);
    assert_ok(&s, kad_sample(&s.ctx, s.run, &s.options.sample, s.model, NULL));
    kad_values accepted = scene_read(&s, "/samplers/mis/accepted");
    kad_values chain = scene_read(&s, "/samplers/mis/observables/energy");
    kad_values proposal = scene_read(&s, "/samplers/mis/proposals/energy");
    size_t n_accepted = 0;
    for (size_t i = 0; i < accepted.n; i++) {
        const bool first = i % 700 == 0;
        if (accepted.data[i] != 0.0)
            assert_true(chain.data[i] == proposal.data[i]);
        else if (!first)
            assert_true(chain.data[i] == chain.data[i - 1]);
        n_accepted += accepted.data[i] != 0.0;
    }
    print_message("# accepted %zu of %zu\n", n_accepted, accepted.n);
    assert_true(n_accepted > 10 && n_accepted < accepted.n);
    scene_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM_OF_NUMBERS(
            "sampling: 4 x 4 Ising matches enumeration, chain and reweighted",
            ising_is_exact),
        CLAIM("sampling: decimated 4 x 4 phi^4 matches its exact values", phi4_is_exact),
        CLAIM("sampling: the same bits for any threads and batches", same_bits_anyhow),
        CLAIM("sampling: stopped and resumed gives the same bits", stops_and_resumes),
        CLAIM("sampling: killed and resumed gives the same bits", survives_kill),
        CLAIM("sampling: damaged segments are redone, finished jobs are not",
              damaged_and_finished),
        CLAIM("sampling: a chain repeats its last accepted proposal",
              chain_repeats_the_accepted),
    };
    return cmocka_run_group_tests_name("sampling", tests, NULL, NULL);
}
