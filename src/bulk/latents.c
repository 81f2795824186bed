/* From boundary configurations to latents. */
#include "base/memory.h"
#include "base/signals.h"
#include "base/tile.h"
#include "base/weights.h"
#include "bulk/positions.h"
#include "flow/map.h"
#include "record/configs.h"
#include "sample/fields.h"
#include "train/data.h"
#include "train/params.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The streams of random numbers of this module, apart from the samplers'. */
static uint64_t seed_of(const kad_model *model, uint64_t salt)
{
    uint64_t h = model->seed ^ (salt * 0x9e3779b97f4a7c15u);
    h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
    h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
    return h ^ (h >> 31);
}

enum { SALT_BRANCH = 0xb1, SALT_NULL = 0xb2 };

/* --- memory ------------------------------------------------------------------------ */

static kad_status allocate(kad_scope *in, kad_bulk *bulk)
{
    const size_t n = bulk->n;
    size_t values;
    if (!kad_size_mul(n, bulk->n_rows, &values) || values > SIZE_MAX / 64)
        return kad_fail(in->ctx, KAD_ECONFIG, "bulk: %zu configurations are too many", n);
    KAD_CALL(kad_memory_require(in->ctx, values * 4 * sizeof(double),
                                "the bulk's configurations"));
    KAD_CALL(kad_take(in, values, &bulk->x));
    KAD_CALL(kad_take(in, values, &bulk->y));
    KAD_CALL(kad_take(in, values, &bulk->z));
    KAD_CALL(kad_take(in, n, &bulk->S));
    KAD_CALL(kad_take(in, n, &bulk->log_det));
    KAD_CALL(kad_take(in, n, &bulk->log_branch));
    return kad_take(in, n, &bulk->sign);
}

static void end_map(void *map)
{
    kad_map_destroy(map);
}

/* --- inference --------------------------------------------------------------------- */

enum { CHUNK = 512 }; /* configurations whose other branch is held at a time */

/* Draws the branch of configuration i, known as y; lnq_minus and z_minus: what -y has. */
static void choose_branch(kad_bulk *bulk, kad_rng rng, size_t i, double lnq_minus,
                          const double *z_minus, double *lnq)
{
    const double r = kad_log_share(*lnq, lnq_minus);
    const bool minus = kad_rng_uniform(rng, 0, i, 0) > r;
    const double gap = minus ? *lnq - lnq_minus : lnq_minus - *lnq;
    bulk->log_branch[i] = M_LN2 - kad_log_add(0, gap);
    if (!minus) return;
    double *y = bulk->y + i * bulk->n_rows;
    for (size_t row = 0; row < bulk->n_rows; row++)
        y[row] = -y[row];
    memcpy(bulk->z + i * bulk->n_rows, z_minus, bulk->n_rows * sizeof *z_minus);
    bulk->sign[i] = -1;
    *lnq = lnq_minus;
}

/* Which of y and -y a configuration is inferred as: sign, ln 2r, and y, z and lnq [n] of
 * the one drawn. */
static kad_status choose_branches(kad_ctx *ctx, kad_bulk *bulk, double *lnq)
{
    KAD_SCOPE(scope, ctx);
    const kad_rng rng =
        kad_rng_stream(seed_of(bulk->model, SALT_BRANCH), KAD_RNG_SYMMETRY, 0);
    const size_t rows = bulk->n_rows, most = bulk->n < CHUNK ? bulk->n : CHUNK;
    double *y, *z, *other;
    for (size_t i = 0; i < bulk->n; i++)
        bulk->sign[i] = 1;
    if (!bulk->model->mixture->sign) return KAD_OK;
    KAD_CALL(kad_take(&scope, most * rows, &y));
    KAD_CALL(kad_take(&scope, most * rows, &z));
    KAD_CALL(kad_take(&scope, most, &other));
    for (size_t at = 0; at < bulk->n; at += most) {
        const size_t here = bulk->n - at < most ? bulk->n - at : most;
        for (size_t k = 0; k < here * rows; k++)
            y[k] = -bulk->y[at * rows + k];
        KAD_CALL(kad_map_lnq(ctx, bulk->map, here, KAD_DOUBLE, y, other, z));
        for (size_t i = 0; i < here; i++)
            choose_branch(bulk, rng, at + i, other[i], z + i * rows, &lnq[at + i]);
    }
    return KAD_OK;
}

/* ln p(z) of the prior, for n latents stored one after the other. */
static kad_status prior_lnp(kad_ctx *ctx, const kad_flow *flow, size_t n, const double *z,
                            double *lnp)
{
    KAD_SCOPE(scope, ctx);
    enum { W = KAD_W_DOUBLE };
    const size_t n_rows = (size_t)flow->n_rows;
    double *tile, lanes[W];
    KAD_CALL(kad_scope_take(&scope, n_rows, KAD_ROW_BYTES, &tile));
    for (size_t at = 0; at < n; at += W) {
        const size_t here = n - at < W ? n - at : W;
        kad_tile_load(KAD_DOUBLE, n_rows, here, z + at * n_rows, tile);
        kad_flow_prior_lnp(flow, KAD_DOUBLE, tile, lanes);
        memcpy(lnp + at, lanes, here * sizeof *lnp);
    }
    return KAD_OK;
}

/* Series are kept in single precision, which the fourth power of larger latents leaves. */
static const double LARGEST = 1e8;

static kad_status check_latents(kad_ctx *ctx, const kad_bulk *bulk)
{
    for (size_t i = 0; i < bulk->n * bulk->n_rows; i++)
        if (!(fabs(bulk->z[i]) < LARGEST))
            return kad_fail(ctx, KAD_EINTERNAL,
                            "bulk: configuration %zu: a latent is %g: the map does not "
                            "know such configurations: train it longer",
                            i / bulk->n_rows, bulk->z[i]);
    return KAD_OK;
}

/* y, z and the parts of S_eff from x. */
static kad_status infer(kad_ctx *ctx, kad_bulk *bulk)
{
    KAD_SCOPE(scope, ctx);
    const double start = kad_wall_seconds();
    const kad_action *action = bulk->model->field;
    double *lnp;
    KAD_CALL(kad_take(&scope, bulk->n, &lnp));
    KAD_CALL(kad_action_from_boundary(ctx, action, bulk->n, bulk->x, bulk->y));
    KAD_CALL(kad_map_lnq(ctx, bulk->map, bulk->n, KAD_DOUBLE, bulk->y, bulk->log_det,
                         bulk->z));
    KAD_CALL(choose_branches(ctx, bulk, bulk->log_det));
    KAD_CALL(check_latents(ctx, bulk));
    for (size_t i = 0; i < bulk->n; i++)
        bulk->S[i] = bulk->log_branch[i] - bulk->log_det[i]; /* -ln q of the average */
    KAD_CALL(prior_lnp(ctx, bulk->model->flow, bulk->n, bulk->z, lnp));
    for (size_t i = 0; i < bulk->n; i++) {
        bulk->log_det[i] = lnp[i] - bulk->log_det[i];
        if (!isfinite(bulk->log_det[i]))
            return kad_fail(ctx, KAD_EINTERNAL,
                            "bulk: configuration %zu: ln|det dy/dz| is %g", i,
                            bulk->log_det[i]);
    }
    if (bulk->model->action != NULL)
        KAD_CALL(kad_action_values(ctx, action, bulk->n, bulk->y, bulk->S));
    KAD_CALL(kad_bulk_find_periods(ctx, bulk));
    bulk->seconds = kad_wall_seconds() - start;
    return KAD_OK;
}

/* --- creation ---------------------------------------------------------------------- */

/* Everything but configurations; those are to be filled into x. */
static kad_status prepare(kad_scope *in, const kad_bulk_options *options,
                          const kad_model *model, const double *theta, size_t n_chains,
                          size_t n_per_chain, kad_bulk **out)
{
    kad_bulk *bulk;
    if (n_chains == 0 || n_per_chain == 0 || n_per_chain > SIZE_MAX / n_chains)
        return kad_fail(in->ctx, KAD_ENOINPUT, "bulk: no configurations");
    KAD_CALL(kad_take(in, 1, &bulk));
    kad_keys_copy(kad_bulk_keys, kad_bulk_n_keys, options, sizeof bulk->options,
                  &bulk->options);
    bulk->model = model;
    bulk->n_chains = n_chains;
    bulk->n_per_chain = n_per_chain;
    bulk->n = n_chains * n_per_chain;
    bulk->spacing = 1;
    bulk->n_rows = (size_t)model->flow->n_rows;
    bulk->n_levels = model->flow->n_levels;
    KAD_CALL(kad_map_create(in->ctx, model->flow, theta, NULL, &bulk->map));
    KAD_CALL(kad_defer(in, end_map, bulk->map));
    KAD_CALL(kad_bulk_positions(in, bulk));
    *out = bulk;
    return allocate(in, bulk);
}

kad_status kad_bulk_create_from(kad_scope *in, const kad_bulk_options *options,
                                const kad_model *model, const double *theta,
                                size_t n_chains, size_t n_per_chain, const double *x,
                                kad_bulk **out)
{
    kad_bulk *bulk;
    KAD_CALL(prepare(in, options, model, theta, n_chains, n_per_chain, &bulk));
    memcpy(bulk->x, x, bulk->n * bulk->n_rows * sizeof *x);
    *out = bulk;
    return infer(in->ctx, bulk);
}

kad_status kad_bulk_create_null(kad_scope *in, const kad_bulk_options *options,
                                const kad_model *model, const double *theta, size_t n,
                                kad_bulk **out)
{
    const uint64_t seed = seed_of(model, SALT_NULL);
    KAD_LOCAL(kad_mixture, sign); /* latents are those of q0, but for the sign */
    KAD_LOCAL(kad_map, mixed);
    kad_bulk *bulk;
    KAD_CALL(prepare(in, options, model, theta, 1, n, &bulk));
    KAD_CALL(kad_mixture_create(in->ctx, model->lattice, NULL, 1, model->mixture->sign,
                                &sign));
    KAD_CALL(kad_map_create(in->ctx, model->flow, theta, sign, &mixed));
    KAD_CALL(kad_map_draw(in->ctx, mixed, seed, KAD_RNG_DRAW, 0, n, KAD_DOUBLE, false,
                          bulk->y, bulk->S, NULL));
    KAD_CALL(kad_fields_of(in->ctx, model->field, seed, 0, n, false, bulk->y, bulk->x,
                           bulk->S));
    *out = bulk;
    return infer(in->ctx, bulk);
}

kad_status kad_bulk_create_data(kad_scope *in, const kad_bulk_options *options,
                                const kad_data_options *data, const kad_model *model,
                                kad_h5 *file, kad_bulk **out)
{
    KAD_SCOPE(scope, in->ctx);
    kad_data samples KAD_CLEARED(kad_data_clear) = {0};
    double *theta;
    size_t n_all;
    if (!kad_h5_exists(file, "/flow/params"))
        return kad_fail(in->ctx, KAD_ENOINPUT,
                        "bulk: run.h5 has no trained map: run `train` first");
    KAD_CALL(kad_take(&scope, model->flow->n_theta, &theta));
    KAD_CALL(kad_params_read(in->ctx, file, model->flow, NULL, theta));
    KAD_CALL(kad_data_held_out(in->ctx, data, model, (size_t)options->configs, &samples,
                               &n_all));
    KAD_CALL(
        kad_bulk_create_from(in, options, model, theta, 1, samples.n, samples.y, out));
    snprintf((*out)->sampler, sizeof(*out)->sampler, "data");
    (*out)->n_stored = n_all;
    (*out)->spacing = (double)(n_all / samples.n);
    return KAD_OK;
}

/* --- from a results file ----------------------------------------------------------- */

/* Whether the draws of a group follow the model: proposals alone do not. */
static bool is_chain(kad_ctx *ctx, kad_h5 *file, const char *group)
{
    int64_t weighted = 0, proposals = 0;
    if (kad_h5_attr_exists(file, group, "weighted") &&
        kad_h5_attr_int(ctx, file, group, "weighted", &weighted) != KAD_OK)
        return false;
    if (kad_h5_attr_exists(file, group, "proposals") &&
        kad_h5_attr_int(ctx, file, group, "proposals", &proposals) != KAD_OK)
        return false;
    return weighted != 1 || proposals == 1;
}

static bool has_configs(kad_ctx *ctx, kad_h5 *file, const char *name)
{
    char path[2 * KAD_BULK_NAME];
    snprintf(path, sizeof path, "/samplers/%s/configs", name);
    if (!kad_h5_exists(file, path)) return false;
    path[strlen(path) - strlen("/configs")] = '\0';
    return is_chain(ctx, file, path);
}

static kad_status find_sampler(kad_ctx *ctx, kad_h5 *file, const char *wanted,
                               char out[KAD_BULK_NAME])
{
    KAD_SCOPE(scope, ctx);
    char **names;
    size_t n = 0;
    out[0] = '\0';
    if (wanted != NULL) {
        snprintf(out, KAD_BULK_NAME, "%s", wanted);
        if (has_configs(ctx, file, out)) return KAD_OK;
        return kad_fail(ctx, KAD_ENOINPUT,
                        "bulk: /samplers/%s has no stored configurations that follow the "
                        "model",
                        wanted);
    }
    if (kad_h5_exists(file, "/samplers"))
        KAD_CALL(kad_h5_list(&scope, file, "/samplers", &n, &names));
    for (size_t i = 0; i < n && out[0] == '\0'; i++)
        if (has_configs(ctx, file, names[i]))
            snprintf(out, KAD_BULK_NAME, "%s", names[i]);
    if (out[0] == '\0')
        return kad_fail(ctx, KAD_ENOINPUT,
                        "bulk: no sampler has stored configurations that follow the "
                        "model: set bulk.configs and sample again");
    return KAD_OK;
}

static kad_status read_configs(kad_ctx *ctx, kad_h5 *file, const size_t *dims,
                               size_t step, size_t n, kad_bulk *bulk)
{
    int64_t stride;
    KAD_CALL(kad_configs_read(ctx, file, bulk->sampler, bulk->model->action, dims, step,
                              n, bulk->x));
    KAD_CALL(kad_configs_stride(ctx, file, bulk->sampler, dims[1], &stride));
    bulk->spacing = (double)step * (double)stride;
    return KAD_OK;
}

kad_status kad_bulk_create(kad_scope *in, const kad_bulk_options *options,
                           const kad_model *model, kad_h5 *file, const char *sampler,
                           size_t n_max, kad_bulk **out)
{
    KAD_SCOPE(scope, in->ctx);
    kad_bulk *bulk;
    double *theta;
    size_t dims[KAD_H5_MAX_RANK], step = 1;
    char name[KAD_BULK_NAME];
    KAD_CALL(find_sampler(in->ctx, file, sampler, name));
    KAD_CALL(kad_configs_shape(in->ctx, file, name, model->action, dims));
    if (!kad_h5_exists(file, "/flow/params"))
        return kad_fail(in->ctx, KAD_ENOINPUT,
                        "bulk: run.h5 has no trained map: run `train` first");
    KAD_CALL(kad_take(&scope, model->flow->n_theta, &theta));
    KAD_CALL(kad_params_read(in->ctx, file, model->flow, model->action, theta));
    size_t n = n_max > 0 && dims[0] > 0 ? (n_max + dims[0] - 1) / dims[0] : dims[1];
    if (n > dims[1]) n = dims[1];
    if (n > 0) step = dims[1] / n;
    KAD_CALL(prepare(in, options, model, theta, dims[0], n, &bulk));
    memcpy(bulk->sampler, name, sizeof name);
    bulk->n_stored = dims[0] * dims[1];
    KAD_CALL(read_configs(in->ctx, file, dims, step, n, bulk));
    *out = bulk;
    return infer(in->ctx, bulk);
}
