/* State of latent-metropolis to and from files, and its description. */
#include "sample/latent_metropolis.h"
#include "sample/start.h"

#include <math.h>
#include <stdio.h>

enum { W = KAD_W_DOUBLE, PATH_BYTES = 160 };

typedef struct part {
    const char *name;
    int rank;
    size_t dims[3];
    double *data;
} part;

enum { N_PARTS = 3 };
static void parts_of(const kad_latent_metropolis *m, part out[N_PARTS])
{
    const size_t n_levels = (size_t)m->bulk->n_levels;
    out[0] = (part){"z", 3, {m->n_tiles, m->n_rows, W}, m->z};
    out[1] = (part){"width", 1, {n_levels}, m->width};
    out[2] = (part){"counts", 2, {2, n_levels}, m->counts};
}

kad_status kad_latent_metropolis_save(kad_ctx *ctx, const void *self, kad_h5 *file,
                                      const char *group)
{
    kad_status status = KAD_OK;
    const kad_latent_metropolis *m = self;
    part parts[N_PARTS];
    char path[PATH_BYTES];
    parts_of(m, parts);
    for (int i = 0; i < N_PARTS; i++) {
        snprintf(path, sizeof path, "%s/%s", group, parts[i].name);
        KAD_TRY(kad_h5_write(ctx, file, path, KAD_H5_F64, parts[i].rank, parts[i].dims,
                             parts[i].data));
    }
    KAD_TRY(kad_h5_attr_set_int(ctx, file, group, "n_done", m->n_done));
    KAD_TRY(kad_h5_attr_set_int(ctx, file, group, "n_nonfinite", m->n_nonfinite));
done:
    return status;
}

kad_status kad_latent_metropolis_load(kad_ctx *ctx, void *self, kad_h5 *file,
                                      const char *group)
{
    kad_status status = KAD_OK;
    kad_latent_metropolis *m = self;
    part parts[N_PARTS];
    char path[PATH_BYTES];
    parts_of(m, parts);
    for (int i = 0; i < N_PARTS; i++) {
        snprintf(path, sizeof path, "%s/%s", group, parts[i].name);
        KAD_TRY(kad_h5_read(ctx, file, path, KAD_H5_F64, parts[i].rank, parts[i].dims,
                            parts[i].data));
    }
    KAD_TRY(kad_h5_attr_int(ctx, file, group, "n_done", &m->n_done));
    KAD_TRY(kad_h5_attr_int(ctx, file, group, "n_nonfinite", &m->n_nonfinite));
    for (int level = 0; level < m->bulk->n_levels; level++)
        if (!(m->width[level] > 0) || !isfinite(m->width[level]) || m->n_done < 0)
            return kad_fail(ctx, KAD_EDATA,
                            "%s: expected a count and widths, found %lld and %g", group,
                            (long long)m->n_done, m->width[level]);
done:
    return status;
}

static kad_status describe_levels(kad_ctx *ctx, const kad_latent_metropolis *m,
                                  kad_h5 *file, const char *group)
{
    kad_status status = KAD_OK;
    const int n_levels = m->bulk->n_levels;
    double n_accepted = 0, n_tried = 0;
    char name[PATH_BYTES];
    for (int level = 0; level < n_levels; level++) {
        const double *counts = m->counts + level;
        n_accepted += counts[0];
        n_tried += counts[n_levels];
        if (m->bulk->level_size[level] == 0) continue;
        snprintf(name, sizeof name, "width_level_%d", level);
        KAD_TRY(kad_h5_attr_set_real(ctx, file, group, name, m->width[level]));
        if (!(counts[n_levels] > 0)) continue;
        snprintf(name, sizeof name, "acceptance_level_%d", level);
        KAD_TRY(
            kad_h5_attr_set_real(ctx, file, group, name, counts[0] / counts[n_levels]));
    }
    if (n_tried > 0)
        KAD_TRY(
            kad_h5_attr_set_real(ctx, file, group, "acceptance", n_accepted / n_tried));
done:
    return status;
}

kad_status kad_latent_metropolis_describe(kad_ctx *ctx, const void *self, kad_h5 *file,
                                          const char *group)
{
    kad_status status = KAD_OK;
    const kad_latent_metropolis *m = self;
    const kad_moves *bulk = m->bulk;
    const kad_action_delta *delta = m->setup->action->ops->delta;
    KAD_TRY(describe_levels(ctx, m, file, group));
    KAD_TRY(kad_h5_attr_set_string(ctx, file, group, "start", kad_start_name(m->setup)));
    KAD_TRY(kad_h5_attr_set_int(ctx, file, group, "sweeps", m->n_sweeps));
    KAD_TRY(kad_h5_attr_set_string(ctx, file, group, "cone",
                                   bulk->cone->tail >= 0 ? "global" : "local"));
    KAD_TRY(kad_h5_attr_set_int(ctx, file, group, "block_evaluations_per_sweep",
                                bulk->n_evaluations));
    KAD_TRY(kad_h5_attr_set_int(ctx, file, group, "block_evaluations_of_generation",
                                bulk->cone->n_evaluations));
    KAD_TRY(kad_h5_attr_set_string(ctx, file, group, "action_change",
                                   delta != NULL ? delta->cost : "the whole field"));
    KAD_TRY(kad_h5_attr_set_int(ctx, file, group, "n_nonfinite", m->n_nonfinite));
done:
    return status;
}
