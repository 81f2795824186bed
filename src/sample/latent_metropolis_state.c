/* State of latent-metropolis to and from files, and its description. */
#include "sample/latent_metropolis.h"
#include "sample/start.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { W = KAD_W_DOUBLE, PATH_BYTES = 160 };

enum { N_STATE = 5 };
static void state_of(const kad_latent_metropolis *m, kad_state state[N_STATE])
{
    const size_t n_levels = (size_t)m->bulk->n_levels;
    const kad_state all[N_STATE] = {
        {"z", KAD_STATE_REALS, m->z, 3, {m->shell.n_tiles, m->shell.n_rows, W}},
        {"width", KAD_STATE_REALS, m->width, 1, {n_levels}},
        {"counts", KAD_STATE_REALS, m->counts, 2, {2, n_levels}},
        {"n_done", KAD_STATE_INT, &m->shell.n_done, 0, {0}},
        {"n_nonfinite", KAD_STATE_INT, &m->n_nonfinite, 0, {0}},
    };
    memcpy(state, all, sizeof all);
}

kad_status kad_latent_metropolis_save(kad_ctx *ctx, const void *self, kad_h5 *file,
                                      const char *group)
{
    kad_state state[N_STATE];
    state_of(self, state);
    return kad_state_save(ctx, N_STATE, state, file, group);
}

kad_status kad_latent_metropolis_load(kad_ctx *ctx, void *self, kad_h5 *file,
                                      const char *group)
{
    const kad_latent_metropolis *m = self;
    kad_state state[N_STATE];
    state_of(m, state);
    KAD_CALL(kad_state_load(ctx, N_STATE, state, file, group));
    for (int level = 0; level < m->bulk->n_levels; level++)
        if (!(m->width[level] > 0) || !isfinite(m->width[level]))
            return kad_fail(ctx, KAD_EDATA, "%s: expected widths, found %g", group,
                            m->width[level]);
    return KAD_OK;
}

static void describe_levels(const kad_latent_metropolis *m, kad_writer *w)
{
    const int n_levels = m->bulk->n_levels;
    double n_accepted = 0, n_tried = 0;
    char name[PATH_BYTES];
    for (int level = 0; level < n_levels; level++) {
        const double *counts = m->counts + level;
        n_accepted += counts[0];
        n_tried += counts[n_levels];
        if (m->bulk->level_size[level] == 0) continue;
        snprintf(name, sizeof name, "width_level_%d", level);
        kad_write_real(w, name, m->width[level]);
        if (!(counts[n_levels] > 0)) continue;
        snprintf(name, sizeof name, "acceptance_level_%d", level);
        kad_write_real(w, name, counts[0] / counts[n_levels]);
    }
    if (n_tried > 0) kad_write_real(w, "acceptance", n_accepted / n_tried);
}

void kad_latent_metropolis_describe(const void *self, kad_writer *w)
{
    const kad_latent_metropolis *m = self;
    const kad_moves *bulk = m->bulk;
    const kad_action_delta *delta = m->shell.setup->action->ops->delta;
    describe_levels(m, w);
    kad_shell_describe(&m->shell, w);
    kad_write_int(w, "sweeps", m->n_sweeps);
    kad_write_text(w, "cone", bulk->cone->tail >= 0 ? "global" : "local");
    kad_write_int(w, "block_evaluations_per_sweep", bulk->n_evaluations);
    kad_write_int(w, "block_evaluations_of_generation", bulk->cone->n_evaluations);
    kad_write_text(w, "action_change", delta != NULL ? delta->cost : "the whole field");
    kad_write_int(w, "n_nonfinite", m->n_nonfinite);
}
