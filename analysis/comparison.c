#include "analysis/comparison.h"

#include "analysis/gamma.h"
#include "analysis/results.h"
#include "analysis/table.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *const kad_compared_observables[KAD_COMPARED_OBSERVABLES] = {
    "energy", "m2", "G_half", "helicity"};

static const kad_estimate unknown = {NAN, NAN};

/* Mean of the accepted flags with its error, where that is what the group calls its
 * acceptance (local samplers average within a sweep). */
static kad_status read_acceptance(kad_ctx *ctx, kad_h5 *file, const char *group,
                                  kad_estimate *out)
{
    KAD_SCOPE(scope, ctx);
    kad_values accepted = {0};
    kad_gamma gamma;
    *out = (kad_estimate){kad_attr_real(ctx, file, group, "acceptance"), NAN};
    KAD_CALL(kad_values_read_in(&scope, file, group, "accepted", &accepted));
    if (accepted.n == 0 || accepted.rank != 2 || accepted.dims[1] < 2) return KAD_OK;
    KAD_CALL(kad_gamma_estimate(ctx, accepted.dims[0], accepted.dims[1], accepted.data,
                                &gamma));
    if (fabs(gamma.mean - out->value) < 1e-9) out->err = gamma.err;
    return KAD_OK;
}

/* tau_int of the compared observables from one table of estimates. */
static void read_taus(const kad_table *table, kad_estimate *tau, bool *is_bound)
{
    for (int o = 0; o < KAD_COMPARED_OBSERVABLES; o++) {
        const size_t i = kad_table_find(table, kad_compared_observables[o]);
        tau[o] = unknown;
        is_bound[o] = false;
        if (i == table->n) continue;
        tau[o].value = kad_table_at(table, &table->tau, i);
        tau[o].err = kad_table_at(table, &table->tau_err, i);
        is_bound[o] = table->flag[i] != NULL && strcmp(table->flag[i], "ok") != 0;
    }
}

static int largest(const kad_estimate *tau)
{
    int slowest = -1;
    for (int o = 0; o < KAD_COMPARED_OBSERVABLES; o++)
        if (isfinite(tau[o].value) && (slowest < 0 || tau[o].value > tau[slowest].value))
            slowest = o;
    return slowest;
}

static kad_estimate scaled(kad_estimate x, double factor)
{
    return (kad_estimate){x.value * factor, x.err * fabs(factor)};
}

/* Over every observable that has them. */
static void read_worst(const kad_table *table, kad_compared *row)
{
    row->n_eff = row->rhat = NAN;
    for (size_t i = 0; i < table->n; i++) {
        row->n_eff = fmin(row->n_eff, kad_table_at(table, &table->n_eff, i));
        row->rhat = fmax(row->rhat, kad_table_at(table, &table->rhat, i));
    }
}

/* ESS of the sampler's own weights: the run's table of ln Z is one sampler's. */
static kad_status read_ess(kad_ctx *ctx, kad_h5 *file, const char *name,
                           kad_estimate *out)
{
    KAD_SCOPE(scope, ctx);
    kad_table table;
    char group[256], *main = kad_attr_string(&scope, file, "/analysis/log_z", "sampler");
    *out = unknown;
    snprintf(group, sizeof group, "/analysis/log_z_%.50s", name);
    if (main != NULL && strcmp(main, name) == 0)
        snprintf(group, sizeof group, "/analysis/log_z");
    KAD_CALL(kad_table_read(&scope, file, group, &table));
    const size_t i = kad_table_find(&table, "ess");
    if (i < table.n)
        *out = (kad_estimate){table.mean.data[i], kad_table_at(&table, &table.err, i)};
    return KAD_OK;
}

static kad_status read_times(kad_ctx *ctx, kad_h5 *file, const char *name,
                             kad_compared *row)
{
    KAD_SCOPE(scope, ctx);
    kad_table table;
    kad_estimate tau[KAD_COMPARED_OBSERVABLES];
    bool ignored[KAD_COMPARED_OBSERVABLES];
    char group[256];

    snprintf(group, sizeof group, "/analysis/%s", name);
    KAD_CALL(kad_table_read(&scope, file, group, &table));
    read_taus(&table, row->tau, row->is_bound);
    row->slowest = largest(row->tau);
    read_worst(&table, row);
    snprintf(group, sizeof group, "/analysis/%s_reshuffled", name);
    KAD_CALL(kad_table_read(&scope, file, group, &table));
    read_taus(&table, tau, ignored);
    row->tau_reshuffled = largest(tau) >= 0 ? tau[largest(tau)] : unknown;
    row->tau_max = row->cost = unknown;
    if (row->slowest < 0) return KAD_OK;
    row->tau_max = row->tau[row->slowest];
    for (int o = 0; o < KAD_COMPARED_OBSERVABLES; o++)
        row->cost_is_bound |= row->is_bound[o];
    row->cost = scaled(row->tau_max, 2.0 * row->seconds_per_draw);
    return KAD_OK;
}

static void copy_attr(kad_ctx *ctx, kad_h5 *file, const char *path, const char *name,
                      char *out)
{
    KAD_SCOPE(scope, ctx);
    const char *text = kad_attr_string(&scope, file, path, name);
    snprintf(out, KAD_COMPARED_NAME, "%s", text != NULL ? text : "");
}

static kad_status add_one(kad_ctx *ctx, kad_h5 *file, const char *run, const char *name,
                          kad_compared *row)
{
    char group[256], sampler[KAD_COMPARED_NAME], base[KAD_COMPARED_NAME];
    memset(row, 0, sizeof *row);
    row->slowest = row->any.against = row->local.against = -1;
    row->any.n = row->local.n = unknown;
    snprintf(group, sizeof group, "/samplers/%s", name);
    snprintf(row->run, sizeof row->run, "%s", run);
    snprintf(row->name, sizeof row->name, "%s", name);
    copy_attr(ctx, file, group, "sampler", sampler);
    copy_attr(ctx, file, group, "base", base);
    row->is_cluster = strcmp(sampler, "cluster") == 0 || strcmp(base, "cluster") == 0;
    row->needs_map = kad_attr_int(ctx, file, group, "needs_map") == 1 ||
                     kad_attr_int(ctx, file, group, "weighted") == 1;
    row->seconds_per_draw = kad_attr_real(ctx, file, group, "seconds_per_draw");
    row->tuning_seconds = kad_attr_real(ctx, file, group, "tuning_seconds");
    row->training_seconds = kad_attr_real(ctx, file, "/training", "wall_seconds");
    KAD_CALL(kad_physics_read(ctx, file, &row->model));
    KAD_CALL(read_acceptance(ctx, file, group, &row->acceptance));
    KAD_CALL(read_ess(ctx, file, name, &row->ess));
    return read_times(ctx, file, name, row);
}

kad_status kad_comparison_add(kad_ctx *ctx, kad_h5 *file, const char *run,
                              kad_comparison *comparison)
{
    KAD_SCOPE(scope, ctx);
    size_t n = 0;
    char **names = NULL;
    if (!kad_h5_exists(file, "/samplers")) return KAD_OK;
    KAD_CALL(kad_members(&scope, file, "/samplers", &n, &names));
    for (size_t i = 0; i < n; i++) {
        if (comparison->n == KAD_COMPARED_MAX) {
            comparison->n_dropped += n - i;
            break;
        }
        KAD_CALL(add_one(ctx, file, run, names[i], &comparison->row[comparison->n]));
        comparison->n++;
    }
    return KAD_OK;
}

/* The cheapest sampler of the same model without a map, the cluster sampler counted or
 * not; -1: none. */
static int cheapest(const kad_comparison *c, const kad_physics *model, bool cluster)
{
    int best = -1;
    for (size_t i = 0; i < c->n; i++) {
        const kad_compared *row = &c->row[i];
        if (row->needs_map || !(row->cost.value > 0.0)) continue;
        if (row->is_cluster && !cluster) continue;
        if (!kad_physics_same(&row->model, model)) continue;
        if (best < 0 || row->cost.value < c->row[best].cost.value) best = (int)i;
    }
    return best;
}

/* A cost that is only bounded from below bounds nothing as a baseline; as the map's own it
 * can show that the map never pays. */
static kad_break_even break_even(const kad_comparison *c, const kad_compared *row,
                                 int against)
{
    kad_break_even out = {.against = -1, .n = unknown};
    const double training = row->training_seconds;
    if (!row->needs_map || !(row->cost.value > 0.0) || !isfinite(training)) return out;
    out.against = against;
    if (against < 0 || c->row[against].cost_is_bound) return out;
    const kad_estimate other = c->row[against].cost;
    const double gain = other.value - row->cost.value;
    const double share = hypot(other.err, row->cost.err) / gain;
    if (!(gain > 0.0))
        out.n = (kad_estimate){INFINITY, NAN};
    else if (!row->cost_is_bound)
        out.n = (kad_estimate){training / gain, training / gain * share};
    return out;
}

void kad_comparison_finish(kad_comparison *c)
{
    for (size_t i = 0; i < c->n; i++) {
        kad_compared *row = &c->row[i];
        row->any = break_even(c, row, cheapest(c, &row->model, true));
        row->local = break_even(c, row, cheapest(c, &row->model, false));
    }
}
