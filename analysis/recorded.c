#include "analysis/recorded.h"

#include "base/memory.h"
#include "base/weights.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const kad_observed *kad_recorded_find(const kad_recorded *recorded, const char *name)
{
    for (size_t i = 0; i < recorded->n_observed; i++)
        if (strcmp(recorded->observed[i].name, name) == 0) return &recorded->observed[i];
    return NULL;
}

const double *kad_observed_draws(const kad_observed *observed)
{
    return observed->proposal.n > 0 ? observed->proposal.data : observed->state.data;
}

kad_gamma_flag kad_recorded_refusal(const kad_recorded *recorded, bool weighted)
{
    if (recorded->few_weights) return KAD_GAMMA_WEIGHTS;
    return recorded->unsettled && !weighted ? KAD_GAMMA_START : KAD_GAMMA_OK;
}

double kad_exact_read(kad_ctx *ctx, kad_h5 *file, const char *name)
{
    char path[128];
    double value = NAN;
    snprintf(path, sizeof path, "/exact/%s", name);
    if (!kad_h5_exists(file, path) ||
        kad_h5_read(ctx, file, path, KAD_H5_F64, 0, NULL, &value) != KAD_OK)
        return NAN;
    return value;
}

void kad_exact_fill(kad_ctx *ctx, kad_h5 *file, kad_row *row)
{
    char path[128];
    snprintf(path, sizeof path, "/exact/%s", row->name);
    row->exact = kad_exact_read(ctx, file, row->name);
    row->exact_err = fmax(0.0, kad_attr_real(ctx, file, path, "error"));
}

/* [chain][draw] or [chain][draw][width]; absent is fine, anything else is not. */
static kad_status check_shape(kad_ctx *ctx, const kad_recorded *recorded,
                              const char *group, const char *name,
                              const kad_values *values)
{
    if (values->n == 0) return KAD_OK;
    if (values->rank < 2 || values->rank > 3 || values->dims[0] != recorded->n_chains ||
        values->dims[1] != recorded->n_draws)
        return kad_fail(ctx, KAD_EDATA,
                        "%s/%s: expected [%zu,%zu] draws, found rank %d, [%zu,%zu]",
                        group, name, recorded->n_chains, recorded->n_draws, values->rank,
                        values->dims[0], values->rank > 1 ? values->dims[1] : 1);
    return KAD_OK;
}

static kad_status check_finite(kad_ctx *ctx, const char *group, const char *name,
                               const kad_values *values)
{
    for (size_t i = 0; i < values->n; i++)
        if (!isfinite(values->data[i]))
            return kad_fail(ctx, KAD_EDATA, "%s/%s: value %zu is not finite", group, name,
                            i);
    return KAD_OK;
}

/* Where the draws are: the states of a chain, or all that was proposed. */
static const char *draws_of(const kad_recorded *recorded)
{
    return recorded->is_chain ? "observables" : "proposals";
}

static kad_status read_observed(kad_scope *in, kad_h5 *file, const char *group,
                                const char *name, kad_recorded *recorded)
{
    kad_ctx *ctx = in->ctx;
    char states[256], proposals[256];
    kad_observed *observed = &recorded->observed[recorded->n_observed++];
    snprintf(observed->name, sizeof observed->name, "%s", name);
    snprintf(states, sizeof states, "%s/%s", group, draws_of(recorded));
    snprintf(proposals, sizeof proposals, "%s/proposals", group);
    KAD_CALL(kad_values_read_in(in, file, states, name, &observed->state));
    KAD_CALL(check_shape(ctx, recorded, states, name, &observed->state));
    KAD_CALL(check_finite(ctx, states, name, &observed->state));
    observed->is_row = observed->state.rank == 3;
    observed->width = observed->is_row ? observed->state.dims[2] : 1;
    if (!recorded->is_chain) return KAD_OK;
    KAD_CALL(kad_values_read_in(in, file, proposals, name, &observed->proposal));
    KAD_CALL(check_shape(ctx, recorded, proposals, name, &observed->proposal));
    KAD_CALL(check_finite(ctx, proposals, name, &observed->proposal));
    if (observed->proposal.n > 0 && observed->proposal.n != observed->state.n)
        return kad_fail(ctx, KAD_EDATA, "%s/%s: its shape is not the states'", proposals,
                        name);
    return KAD_OK;
}

static void read_word(kad_ctx *ctx, kad_h5 *file, const char *group, const char *name,
                      size_t size, char *out)
{
    KAD_SCOPE(scope, ctx);
    const char *text = kad_attr_string(&scope, file, group, name);
    snprintf(out, size, "%s", text != NULL ? text : "");
}

/* Flags and sizes from the group's attributes. */
static kad_status read_header(kad_ctx *ctx, kad_h5 *file, const char *group,
                              kad_recorded *out)
{
    const int64_t n_chains = kad_attr_int(ctx, file, group, "n_chains");
    const int64_t n_draws = kad_attr_int(ctx, file, group, "n_draws");
    if (n_chains < 1 || n_draws < 1)
        return kad_fail(ctx, KAD_EDATA,
                        "%s: expected n_chains and n_draws, found %lld "
                        "and %lld",
                        group, (long long)n_chains, (long long)n_draws);
    out->n_chains = (size_t)n_chains;
    out->n_draws = (size_t)n_draws;
    out->n_sites = (double)kad_attr_int(ctx, file, group, "n_sites");
    out->extent = (double)kad_attr_int(ctx, file, group, "extent");
    const int64_t n_components = kad_attr_int(ctx, file, group, "n_components");
    out->n_components = n_components > 0 ? (double)n_components : 1.0;
    out->beta = kad_attr_real(ctx, file, group, "beta");
    out->weighted = kad_attr_int(ctx, file, group, "weighted") == 1;
    out->is_chain = !out->weighted || kad_attr_int(ctx, file, group, "proposals") == 1;
    out->symmetric = kad_attr_int(ctx, file, group, "symmetric") == 1;
    out->seconds_per_draw = kad_attr_real(ctx, file, group, "seconds_per_draw");
    out->burn_in = kad_attr_int(ctx, file, group, "burn_in");
    read_word(ctx, file, group, "sampler", sizeof out->sampler, out->sampler);
    read_word(ctx, file, group, "start", sizeof out->start, out->start);
    return KAD_OK;
}

kad_status kad_recorded_read(kad_scope *in, kad_h5 *file, const char *name,
                             kad_recorded *out)
{
    KAD_SCOPE(scope, in->ctx);
    kad_ctx *ctx = in->ctx;
    char group[128], sub[160];
    char **names = NULL;
    size_t n = 0;

    memset(out, 0, sizeof *out);
    snprintf(out->name, sizeof out->name, "%s", name);
    snprintf(group, sizeof group, "/samplers/%s", name);
    KAD_CALL(read_header(ctx, file, group, out));
    KAD_CALL(kad_values_read_in(in, file, group, "accepted", &out->accepted));
    KAD_CALL(check_shape(ctx, out, group, "accepted", &out->accepted));
    snprintf(sub, sizeof sub, "%s/proposals", group);
    KAD_CALL(kad_values_read_in(in, file, sub, "log_weight", &out->log_weight));
    KAD_CALL(check_shape(ctx, out, sub, "log_weight", &out->log_weight));
    KAD_CALL(kad_values_read_in(in, file, group, "delta_h", &out->delta_h));
    KAD_CALL(check_shape(ctx, out, group, "delta_h", &out->delta_h));
    if (out->weighted && out->log_weight.n == 0)
        return kad_fail(ctx, KAD_EDATA, "%s: log_weight is missing", sub);
    if (out->weighted)
        out->few_weights = kad_effective_draws(out->log_weight.n, out->log_weight.data) <
                           KAD_MIN_EFFECTIVE;
    snprintf(sub, sizeof sub, "%s/%s", group, draws_of(out));
    if (kad_h5_exists(file, sub)) KAD_CALL(kad_h5_list(&scope, file, sub, &n, &names));
    if (n > KAD_RECORDED_MAX)
        return kad_fail(ctx, KAD_EDATA,
                        "%s: %zu observables, of which only %d can be read", sub, n,
                        KAD_RECORDED_MAX);
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], "log_weight") != 0)
            KAD_CALL(read_observed(in, file, group, names[i], out));
    return KAD_OK;
}
