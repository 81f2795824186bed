#include "record/weigh.h"

#include "base/memory.h"
#include "base/ranks.h"
#include "base/signals.h"
#include "io/writer.h"
#include "record/configs.h"

#include <math.h>
#include <stdio.h>

enum { PATH_LENGTH = 192 };

/* Whether the group's configurations are to be weighed by this map. */
static kad_status wanted(kad_ctx *ctx, kad_h5 *file, const char *group, const char *path,
                         uint64_t hash, bool *out)
{
    char configs[PATH_LENGTH];
    int64_t needs_map = 1, before = 0;
    *out = false;
    snprintf(configs, sizeof configs, "%s/configs", group);
    if (!kad_h5_exists(file, configs) || !kad_h5_attr_exists(file, group, "needs_map"))
        return KAD_OK;
    KAD_CALL(kad_h5_attr_int(ctx, file, group, "needs_map", &needs_map));
    if (needs_map != 0) return KAD_OK;
    if (kad_h5_exists(file, path) && kad_h5_attr_exists(file, path, "map"))
        KAD_CALL(kad_h5_attr_int(ctx, file, path, "map", &before));
    *out = (uint64_t)before != hash;
    return KAD_OK;
}

static kad_status weigh(kad_ctx *ctx, const kad_action *action, const kad_map *map,
                        size_t n, const double *x, double *lnq, double *log_w)
{
    KAD_SCOPE(scope, ctx);
    const size_t n_rows = (size_t)action->lattice->n_sites * (size_t)action->n_comp;
    double *y;
    KAD_CALL(kad_scope_take(&scope, n, n_rows * sizeof *y, &y));
    KAD_CALL(kad_action_from_boundary(ctx, action, n, x, y));
    KAD_CALL(kad_action_values(ctx, action, n, y, log_w));
    KAD_CALL(kad_map_lnq(ctx, map, n, KAD_DOUBLE, y, lnq, NULL));
    for (size_t i = 0; i < n; i++) {
        log_w[i] = kad_action_log_weight(action, log_w[i], lnq[i]);
        if (!isfinite(log_w[i])) log_w[i] = INFINITY;
    }
    return KAD_OK;
}

kad_status kad_weights_of(kad_ctx *ctx, const kad_action *action, const kad_map *map,
                          size_t n, const double *x, double *lnq, double *log_w)
{
    KAD_SCOPE(scope, ctx);
    enum { UNIT = KAD_W_MAX };
    const size_t n_rows = (size_t)action->lattice->n_sites * (size_t)action->n_comp;
    double *own;
    KAD_CALL(kad_take(&scope, n, &own));
    if (lnq == NULL) lnq = own;
    const kad_rank_items mine = kad_ranks_part(ctx, n, UNIT);
    const kad_status status = weigh(ctx, action, map, mine.n, x + mine.first * n_rows,
                                    lnq + mine.first, log_w + mine.first);
    const kad_shared all[] = {{lnq, n, UNIT, sizeof *lnq},
                              {log_w, n, UNIT, sizeof *log_w}};
    return kad_ranks_join(ctx, status, 2, all);
}

static kad_status write_weights(kad_ctx *ctx, kad_h5 *file, const char *group,
                                const size_t *dims, const double *log_w, uint64_t hash,
                                double seconds)
{
    kad_writer w = kad_write_into(ctx, file, group);
    kad_write(&w, "map_log_weight", KAD_H5_F64, "chain weighed", "1",
              "ln w = log_z_offset - S - ln q of stored configurations; its mean is an "
              "upper bound of ln Z",
              dims, log_w);
    kad_write_text(&w, "map_log_weight@estimator", "inference in double");
    kad_write_int(&w, "map_log_weight@map", (int64_t)hash);
    kad_write_real(&w, "map_log_weight@seconds", seconds);
    return kad_write_end(&w);
}

kad_status kad_weigh_into(kad_ctx *ctx, kad_h5 *file, const kad_action *action,
                          const kad_map *map, uint64_t hash, const char *name, bool *done)
{
    KAD_SCOPE(scope, ctx);
    const double start = kad_wall_seconds();
    const size_t n_rows = (size_t)action->lattice->n_sites * (size_t)action->n_comp;
    char group[PATH_LENGTH / 2], path[PATH_LENGTH];
    size_t dims[KAD_H5_MAX_RANK];
    double *x, *log_w;

    snprintf(group, sizeof group, "/samplers/%s", name);
    snprintf(path, sizeof path, "%s/map_log_weight", group);
    KAD_CALL(wanted(ctx, file, group, path, hash, done));
    if (!*done) return KAD_OK;
    KAD_CALL(kad_configs_shape(ctx, file, name, action, dims));
    *done = dims[0] > 0 && dims[1] > 0;
    if (!*done) return KAD_OK;
    size_t kept[2] = {dims[0], KAD_WEIGHED_MOST / dims[0]};
    if (kept[1] < 1) kept[1] = 1;
    if (kept[1] > dims[1]) kept[1] = dims[1];
    const size_t step = dims[1] / kept[1], n = kept[0] * kept[1];
    KAD_CALL(kad_scope_take(&scope, n, n_rows * sizeof *x, &x));
    KAD_CALL(kad_take(&scope, n, &log_w));
    KAD_CALL(kad_configs_read(ctx, file, name, action, dims, step, kept[1], x));
    KAD_CALL(kad_weights_of(ctx, action, map, n, x, NULL, log_w));
    return write_weights(ctx, file, group, kept, log_w, hash, kad_wall_seconds() - start);
}

kad_status kad_weigh(kad_ctx *ctx, const kad_run *run, const kad_action *action,
                     const kad_map *map, uint64_t hash, const char *name)
{
    KAD_LOCAL(kad_h5, file);
    bool done;
    KAD_CALL(kad_results_open(ctx, run, &file));
    KAD_CALL(kad_weigh_into(ctx, file, action, map, hash, name, &done));
    return done ? kad_results_save(ctx, run, file) : KAD_OK;
}
