/* State of hybrid Monte Carlo to and from files, and its description. */
#include "sample/hmc_core.h"
#include "sample/start.h"

#include <math.h>
#include <stdio.h>

enum { W = KAD_W_DOUBLE };

typedef struct part {
    const char *name;
    int rank;
    double *data;
} part;

enum { N_PARTS = 4 };
static void parts_of(const kad_hmc *hmc, part out[N_PARTS])
{
    out[0] = (part){"q", 3, hmc->q};
    out[1] = (part){"y", 3, hmc->y};
    out[2] = (part){"U", 2, hmc->U};
    out[3] = (part){"S", 2, hmc->S};
}

/* [tile][row][lane], or [tile][lane] */
static void dims_of(const kad_hmc *hmc, int rank, size_t dims[3])
{
    dims[0] = hmc->n_tiles * hmc->n_sub;
    dims[1] = rank == 3 ? hmc->target.n_rows : W;
    dims[2] = W;
}

kad_status kad_hmc_save(kad_ctx *ctx, const void *self, kad_h5 *file, const char *group)
{
    kad_status status = KAD_OK;
    const kad_hmc *hmc = self;
    const size_t n_step = KAD_STEP_SIZE_STATE;
    double step[KAD_STEP_SIZE_STATE];
    part parts[N_PARTS];
    char path[KAD_NAME_MAX * 2];
    KAD_TRY(kad_h5_attr_set_int(ctx, file, group, "n_done", hmc->n_done));
    KAD_TRY(kad_h5_attr_set_int(ctx, file, group, "n_nonfinite", hmc->n_nonfinite));
    KAD_TRY(kad_h5_attr_set_int(ctx, file, group, "n_force", hmc->n_force));
    kad_step_size_get(&hmc->step, step);
    snprintf(path, sizeof path, "%s/step_size", group);
    KAD_TRY(kad_h5_write(ctx, file, path, KAD_H5_F64, 1, &n_step, step));
    parts_of(hmc, parts);
    for (int i = 0; i < N_PARTS; i++) {
        size_t dims[3];
        dims_of(hmc, parts[i].rank, dims);
        snprintf(path, sizeof path, "%s/%s", group, parts[i].name);
        KAD_TRY(kad_h5_write(ctx, file, path, KAD_H5_F64, parts[i].rank, dims,
                             parts[i].data));
    }
done:
    return status;
}

kad_status kad_hmc_load(kad_ctx *ctx, void *self, kad_h5 *file, const char *group)
{
    kad_status status = KAD_OK;
    kad_hmc *hmc = self;
    const size_t n_step = KAD_STEP_SIZE_STATE;
    double step[KAD_STEP_SIZE_STATE];
    part parts[N_PARTS];
    char path[KAD_NAME_MAX * 2];
    KAD_TRY(kad_h5_attr_int(ctx, file, group, "n_done", &hmc->n_done));
    KAD_TRY(kad_h5_attr_int(ctx, file, group, "n_nonfinite", &hmc->n_nonfinite));
    KAD_TRY(kad_h5_attr_int(ctx, file, group, "n_force", &hmc->n_force));
    snprintf(path, sizeof path, "%s/step_size", group);
    KAD_TRY(kad_h5_read(ctx, file, path, KAD_H5_F64, 1, &n_step, step));
    if (hmc->n_done < 0 || hmc->n_nonfinite < 0 || hmc->n_force < 0 ||
        !isfinite(step[3]) || !isfinite(step[4]))
        return kad_fail(ctx, KAD_EDATA,
                        "%s: expected counts and a step, found n_done %lld", group,
                        (long long)hmc->n_done);
    kad_step_size_set(&hmc->step, step);
    parts_of(hmc, parts);
    for (int i = 0; i < N_PARTS; i++) {
        size_t dims[3];
        dims_of(hmc, parts[i].rank, dims);
        snprintf(path, sizeof path, "%s/%s", group, parts[i].name);
        KAD_TRY(
            kad_h5_read(ctx, file, path, KAD_H5_F64, parts[i].rank, dims, parts[i].data));
    }
done:
    return status;
}

kad_status kad_hmc_describe(kad_ctx *ctx, const void *self, kad_h5 *file,
                            const char *group)
{
    kad_status status = KAD_OK;
    const kad_hmc *hmc = self;
    const double n_draws = (double)(hmc->n_done - hmc->setup->n_burn_in);
    const double n_force =
        n_draws > 0 ? (double)hmc->n_force / n_draws / (double)hmc->n_tiles : 0.0;
    const struct {
        const char *name;
        double value;
    } numbers[] = {
        {"step_size", kad_step_size_now(&hmc->step)},
        {"steps_per_draw", n_force / hmc->integrator->n_kicks},
        {"trajectory", hmc->options.trajectory},
        {"target_acceptance", hmc->options.target},
        {"action_evaluations_per_draw", 1.0},
        {"force_evaluations_per_draw", n_force},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        KAD_TRY(
            kad_h5_attr_set_real(ctx, file, group, numbers[i].name, numbers[i].value));
    KAD_TRY(kad_h5_attr_set_int(ctx, file, group, "n_nonfinite", hmc->n_nonfinite));
    KAD_TRY(kad_h5_attr_set_string(ctx, file, group, "integrator",
                                   hmc->integrator->name));
    KAD_TRY(
        kad_h5_attr_set_string(ctx, file, group, "start", kad_start_name(hmc->setup)));
done:
    return status;
}
