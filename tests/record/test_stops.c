/* Stops while draws are made: updates that take long are given up within the grace time,
 * what was done before is kept, and the run ends with the bits of one that never stopped.
 */
#include "models/local.h"
#include "models/phi4.h"
#include "record/job.h"
#include "sample/sampler.h"
#include "tests/support/sample_util.h"

#include <time.h>

static const char phi4[] = "lattice: {shape: [4, 4]}\n"
                           "action: {name: phi4, form: albergo, m2: -4, lambda: 6.975}\n"
                           "sample: [{name: metropolis, sweeps: 3}]\n";
enum { CHAINS = 4, DRAWS = 5, SWEEPS = 3 };

/* --- an action whose sweeps take their time ------------------------------------------- */

static double nap;   /* seconds of a sweep */
static int n_sweeps; /* so far */
static int stop_in;  /* the sweep in which a stop is asked for; 0: none */

static void slow_sweep(const kad_action *action, const kad_turn *turn, double width,
                       double *x, double *accepted, void *scratch)
{
    const struct timespec time = {.tv_nsec = (long)(1e9 * nap)};
    nanosleep(&time, NULL);
    if (++n_sweeps == stop_in) kad_signals_deadline(1e-9);
    kad_phi4_local.sweep(action, turn, width, x, accepted, scratch);
}

typedef struct slow_action {
    kad_action action;
    kad_action_ops ops;
    kad_action_local local;
} slow_action;

static void slow_make(slow_action *slow, const kad_action *action)
{
    slow->action = *action;
    slow->ops = *action->ops;
    slow->local = kad_phi4_local;
    slow->local.sweep = slow_sweep;
    slow->ops.local = &slow->local;
    slow->action.ops = &slow->ops;
}

static kad_job job_of(const scene *s, const slow_action *slow)
{
    return (kad_job){.sampler = "metropolis",
                     .name = "metropolis",
                     .fingerprint = 7,
                     .segment_seconds = 2.0,
                     .setup = {.options = s->options.entries[0].own,
                               .start = s->options.entries[0].start,
                               .action = &slow->action,
                               .seed = 5,
                               .n_chains = CHAINS,
                               .n_draws = DRAWS,
                               .n_batch_max = DRAWS}};
}

static kad_values m_of(scene *s)
{
    kad_values m = scene_read(s, "/samplers/metropolis/observables/m");
    assert_int_equal(m.n, CHAINS * DRAWS);
    return m;
}

/* Five updates of three sweeps of 0.2 s each; the stop comes in the middle of the third
 * update, when the second is only in memory. */
static void slow_updates_are_given_up(void **state)
{
    scene s;
    slow_action slow;
    (void)state;
    scene_make(&s, phi4, 0);
    slow_make(&slow, s.model->action);
    kad_job job = job_of(&s, &slow);
    nap = n_sweeps = stop_in = 0;
    assert_ok(&s, kad_job_run(&s.ctx, s.run, &job, NULL));
    assert_int_equal(n_sweeps, DRAWS * SWEEPS);
    kad_values reference = m_of(&s);

    job.fingerprint++; /* to be made again */
    nap = 0.2;
    n_sweeps = 0;
    stop_in = 2 * SWEEPS + 2;
    kad_stop_grace(0.1);
    assert_int_equal(kad_job_run(&s.ctx, s.run, &job, NULL), KAD_EINTERRUPTED);
    kad_stop_clear();
    kad_stop_grace(1.0);
    print_message("# %s\n", s.ctx.message);
    assert_int_equal(n_sweeps, stop_in);

    nap = n_sweeps = stop_in = 0;
    assert_ok(&s, kad_job_run(&s.ctx, s.run, &job, NULL));
    assert_int_equal(n_sweeps, (DRAWS - 2) * SWEEPS);
    kad_values again = m_of(&s);
    assert_memory_equal(again.data, reference.data, again.n * sizeof(double));
    scene_clear(&s);
}

/* --- stops anywhere --------------------------------------------------------------------
 */

static const char all[] =
    "lattice: {shape: [4, 4]}\n"
    "action: {name: phi4, form: albergo, m2: -4, lambda: 6.975}\n"
    "sample:\n"
    "  - {name: mis, draws: 300}\n"
    "  - {name: latent-hmc, chains: 8, draws: 8, burn_in: 8, keep_first: 9}\n"
    "  - {name: latent-metropolis, chains: 8, draws: 8, burn_in: 8}\n"
    "  - {name: cluster, chains: 8, draws: 200, burn_in: 20, thin: 2}\n"
    "  - {name: cycle, steps: 'mis 2, hmc, metropolis 3', chains: 8, draws: 20, "
    "burn_in: 8, start: cold, keep_first: 9}\n";
static const char *const series[] = {"/samplers/mis/observables/energy",
                                     "/samplers/mis/proposals/log_weight",
                                     "/samplers/mis/weighted/log_weight",
                                     "/samplers/mis/weighted/correlator",
                                     "/samplers/latent-hmc/observables/energy",
                                     "/samplers/latent-hmc/delta_h",
                                     "/samplers/latent-hmc/first/observables/m2",
                                     "/samplers/latent-metropolis/observables/energy",
                                     "/samplers/cluster/observables/energy",
                                     "/samplers/cycle/observables/energy",
                                     "/samplers/cycle/first/observables/m2"};
enum { N_SERIES = sizeof series / sizeof *series };

/* Stopped at once, then after ever longer times until it comes through. */
static void stops_anywhere(void **state)
{
    kad_values reference[N_SERIES];
    kad_status status = KAD_EINTERRUPTED;
    int n_calls = 0;
    scene s;
    (void)state;
    scene_make(&s, all, 0);
    assert_ok(&s, kad_sample(&s.ctx, s.run, &s.options.sample, s.model, NULL));
    for (int i = 0; i < N_SERIES; i++)
        reference[i] = scene_read(&s, series[i]);
    scene_clear(&s);
    scene_make(&s, all, 0);
    kad_stop_grace(0.0);
    while (status == KAD_EINTERRUPTED) {
        kad_signals_deadline(1e-3 * (exp(0.3 * n_calls++) - 0.999));
        status = kad_sample(&s.ctx, s.run, &s.options.sample, s.model, NULL);
        kad_stop_clear();
    }
    kad_stop_grace(1.0);
    assert_ok(&s, status);
    print_message("# %d calls\n", n_calls);
    assert_true(n_calls > 2);
    for (int i = 0; i < N_SERIES; i++) {
        kad_values again = scene_read(&s, series[i]);
        assert_int_equal(again.n, reference[i].n);
        if (memcmp(again.data, reference[i].data, again.n * sizeof(double)) != 0)
            fail_msg("%s differs", series[i]);
    }
    scene_clear(&s);
}

/* --- before the first update ----------------------------------------------------------- */

/* Everything that takes a map through the lattice looks at the clock. */
static void states_are_given_up(void **state)
{
    static const char *const names[] = {"mis", "hmc", "latent-hmc", "latent-metropolis"};
    scene s;
    kad_map *map = NULL;
    (void)state;
    scene_make(&s, all, 0);
    const size_t n_rows = (size_t)s.model->flow->n_rows;
    double *theta = kad_alloc(s.model->flow->n_theta, sizeof *theta);
    double *x = kad_alloc(CHAINS * n_rows, sizeof *x); /* zero */
    kad_flow_init(s.model->flow, s.model->seed, theta);
    assert_ok(&s, kad_map_create(&s.ctx, s.model->flow, theta, s.model->mixture, &map));
    const kad_sampler_setup setup = {.action = s.model->action,
                                     .map = map,
                                     .seed = 5,
                                     .n_chains = CHAINS,
                                     .n_draws = DRAWS,
                                     .exact = true,
                                     .n_batch_max = 1};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        kad_sampler *sampler = NULL;
        assert_ok(&s, kad_sampler_create(&s.ctx, names[i], &setup, &sampler));
        assert_ok(&s, sampler->ops->set_state(&s.ctx, sampler->self, x));
        kad_stop_grace(0.0);
        kad_signals_deadline(1e-9);
        assert_int_equal(sampler->ops->set_state(&s.ctx, sampler->self, x),
                         KAD_EINTERRUPTED);
        kad_stop_clear();
        kad_stop_grace(1.0);
        assert_ok(&s, sampler->ops->set_state(&s.ctx, sampler->self, x));
        kad_sampler_destroy(sampler);
    }
    kad_map_destroy(map);
    kad_free(theta);
    kad_free(x);
    scene_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("stops: a slow update is given up, those before it are kept",
              slow_updates_are_given_up),
        CLAIM("stops: anywhere in any sampler, with the same bits in the end",
              stops_anywhere),
        CLAIM("stops: so is the taking over of a state, before any update",
              states_are_given_up),
    };
    return cmocka_run_group_tests_name("stops", tests, NULL, NULL);
}
