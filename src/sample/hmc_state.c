/* State of hybrid Monte Carlo to and from files, and its description. */
#include "sample/hmc_core.h"
#include "sample/start.h"

#include <math.h>
#include <string.h>

enum { W = KAD_W_DOUBLE };

enum { N_STATE = 8 };

/* step: those of the tuned step. */
static void state_of(const kad_hmc *hmc, const double step[KAD_STEP_SIZE_STATE],
                     kad_state state[N_STATE])
{
    const size_t n = hmc->shell.n_tiles * hmc->n_sub, n_rows = hmc->target.n_rows;
    const kad_state all[N_STATE] = {
        {"n_done", KAD_STATE_INT, &hmc->shell.n_done, 0, {0}},
        {"n_nonfinite", KAD_STATE_INT, &hmc->n_nonfinite, 0, {0}},
        {"n_force", KAD_STATE_INT, &hmc->n_force, 0, {0}},
        {"step_size", KAD_STATE_REALS, step, 1, {KAD_STEP_SIZE_STATE}},
        {"q", KAD_STATE_REALS, hmc->q, 3, {n, n_rows, W}},
        {"y", KAD_STATE_REALS, hmc->y, 3, {n, n_rows, W}},
        {"U", KAD_STATE_REALS, hmc->U, 2, {n, W}},
        {"S", KAD_STATE_REALS, hmc->S, 2, {n, W}},
    };
    memcpy(state, all, sizeof all);
}

kad_status kad_hmc_save(kad_ctx *ctx, const void *self, kad_h5 *file, const char *group)
{
    const kad_hmc *hmc = self;
    double step[KAD_STEP_SIZE_STATE];
    kad_state state[N_STATE];
    kad_step_size_get(&hmc->step, step);
    state_of(hmc, step, state);
    return kad_state_save(ctx, N_STATE, state, file, group);
}

kad_status kad_hmc_load(kad_ctx *ctx, void *self, kad_h5 *file, const char *group)
{
    kad_hmc *hmc = self;
    double step[KAD_STEP_SIZE_STATE] = {0};
    kad_state state[N_STATE];
    state_of(hmc, step, state);
    KAD_CALL(kad_state_load(ctx, N_STATE, state, file, group));
    if (!isfinite(step[3]) || !isfinite(step[4]))
        return kad_fail(ctx, KAD_EDATA, "%s: expected a step, found ln eps %g", group,
                        step[3]);
    kad_step_size_set(&hmc->step, step);
    return KAD_OK;
}

void kad_hmc_describe(const void *self, kad_writer *w)
{
    const kad_hmc *hmc = self;
    const double n_draws = (double)(hmc->shell.n_done - hmc->shell.setup->n_burn_in);
    const double n_force =
        n_draws > 0 ? (double)hmc->n_force / n_draws / (double)hmc->shell.n_tiles : 0.0;
    kad_write_real(w, "step_size", kad_step_size_now(&hmc->step));
    kad_write_real(w, "steps_per_draw", n_force / hmc->integrator->n_kicks);
    kad_write_real(w, "trajectory", hmc->options.trajectory);
    kad_write_real(w, "target_acceptance", hmc->options.target);
    kad_write_real(w, "action_evaluations_per_draw", 1.0);
    kad_write_real(w, "force_evaluations_per_draw", n_force);
    kad_write_int(w, "n_nonfinite", hmc->n_nonfinite);
    kad_write_text(w, "integrator", hmc->integrator->name);
    kad_shell_describe(&hmc->shell, w);
}
