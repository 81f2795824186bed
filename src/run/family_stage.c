/* The curve of a family: at every one of its values the map of that coupling draws, its
 * weights give ln Z and the means, and all of it ends in /family of run.h5. The draws of a
 * value are made, measured and analysed as those of a run of its own, in a folder below
 * checkpoint/ that goes when they are done; their keys are the value's, so that errors of values are
 * independent. */
#include "analysis/analyse.h"
#include "analysis/collection.h"
#include "analysis/derivatives.h"
#include "base/memory.h"
#include "base/signals.h"
#include "io/file.h"
#include "io/writer.h"
#include "record/sample.h"
#include "run/pipeline.h"
#include "train/family.h"
#include "train/params.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The estimates of all values, by name. */
typedef struct curve {
    size_t n; /* values */
    kad_family_point *value;
    double *done;
    double *beta; /* inverse temperature of spins, NaN: none */
    double n_sites;
    kad_collection all; /* of one table */
    kad_collected *table;
    double **mean, **err, **exact; /* [row][n] */
} curve;

static const char FAMILY[] = "family";

static kad_status create_table(kad_scope *in, curve *c)
{
    c->all = (kad_collection){.in = in, .n_points = c->n};
    KAD_CALL(kad_collection_table(&c->all, FAMILY, &c->table));
    c->mean = c->table->value[KAD_COLLECT_MEAN];
    c->err = c->table->value[KAD_COLLECT_ERR];
    c->exact = c->table->value[KAD_COLLECT_EXACT];
    return KAD_OK;
}

static kad_status add_row(curve *c, const char *name, size_t *row)
{
    return kad_collection_row(&c->all, c->table, name, row);
}

static kad_status add_table(curve *c, size_t i, kad_h5 *file, const char *group)
{
    KAD_SCOPE(scope, c->all.in->ctx);
    kad_table t;
    KAD_CALL(kad_table_read(&scope, file, group, &t));
    return kad_collection_add(&c->all, i, FAMILY, &t);
}

/* --- one value ------------------------------------------------------------------------ */

/* The map of one coupling as the only one of a run, with what an analysis reads of it. */
static kad_status put_map(kad_pipeline *p, const kad_run *scratch, const kad_model *at,
                          const double *theta)
{
    static const kad_family one = {.order = 1, .strata = 1};
    kad_ctx *ctx = &p->app->ctx;
    KAD_LOCAL(kad_h5, file);
    KAD_CALL(kad_results_open(ctx, scratch, &file)); /* of one that was stopped, too */
    KAD_CALL(kad_params_write(ctx, file, at->flow, at->prec, &one, theta));
    kad_writer w = kad_write_into(ctx, file, "/");
    kad_write_int(&w, "seed", (int64_t)(at->seed >> 1));
    KAD_CALL(kad_write_end(&w));
    return kad_results_save(ctx, scratch, file);
}

/* Every value has random numbers of its own. */
static uint64_t seed_of(uint64_t seed, size_t i)
{
    uint32_t word[4];
    kad_rng_u32x4(kad_rng_stream(seed, KAD_RNG_DRAW, 1), 0, i, 0, word);
    return (uint64_t)word[0] << 32 | word[1];
}

static kad_status make_draws(kad_pipeline *p, const kad_run *scratch, const kad_model *at,
                             int64_t draws)
{
    kad_ctx *ctx = &p->app->ctx;
    const kad_sample_entry entry = {.name = "mis",
                                    .draws = draws,
                                    .burn_in = -1,
                                    .tuning = -1,
                                    .thin = 1,
                                    .store_configs = 0,
                                    .exact = true};
    kad_sample_options options = p->options.sample;
    options.n = 1;
    options.entry = &entry;
    options.bulk_configs = 0;
    KAD_CALL(kad_sample(ctx, (kad_run *)scratch, &options, at, p->progress));
    return kad_analyse(ctx, scratch);
}

static kad_status put_row(curve *c, const char *name, size_t i, kad_estimate value,
                          double exact)
{
    size_t row;
    KAD_CALL(add_row(c, name, &row));
    if (row == KAD_TABLE_MAX) return KAD_OK;
    c->mean[row][i] = value.value;
    c->err[row][i] = value.err;
    c->exact[row][i] = exact;
    return KAD_OK;
}

/* ln Z less its exact value, where that is known. */
static kad_status add_difference(curve *c, size_t i)
{
    size_t log_z;
    KAD_CALL(add_row(c, "log_z", &log_z));
    if (log_z == KAD_TABLE_MAX || !isfinite(c->exact[log_z][i])) return KAD_OK;
    const double difference = c->mean[log_z][i] - c->exact[log_z][i];
    return put_row(c, "log_z_difference", i, (kad_estimate){difference, c->err[log_z][i]},
                   0);
}

/* Energy and specific heat a site from how ln Z of independent draws changes from value to
 * value: E = -(ln Z)'/N, C = beta^2 (ln Z)''/N. Nothing of the draws' own energies is in
 * them. */
static kad_status add_derivatives(curve *c)
{
    size_t log_z, energy, heat;
    KAD_CALL(add_row(c, "log_z", &log_z));
    KAD_CALL(add_row(c, "energy", &energy));
    KAD_CALL(add_row(c, "specific_heat", &heat));
    if (heat >= KAD_TABLE_MAX || log_z == KAD_TABLE_MAX || energy == KAD_TABLE_MAX)
        return KAD_OK;
    for (size_t i = 0; i < c->n; i++) {
        kad_estimate first, second;
        const double beta = c->beta[i];
        if (!isfinite(beta)) return KAD_OK;
        kad_derivatives_at(c->n, c->beta, c->mean[log_z], c->err[log_z], i, &first,
                           &second);
        const double e = -1 / c->n_sites, h = beta * beta / c->n_sites;
        KAD_CALL(put_row(c, "energy_from_log_z", i,
                         (kad_estimate){e * first.value, -e * first.err},
                         c->exact[energy][i]));
        KAD_CALL(put_row(c, "specific_heat_from_log_z", i,
                         (kad_estimate){h * second.value, h * second.err},
                         c->exact[heat][i]));
    }
    return KAD_OK;
}

static kad_status read_draws(kad_pipeline *p, const kad_run *scratch, curve *c, size_t i)
{
    kad_ctx *ctx = &p->app->ctx;
    KAD_LOCAL(kad_h5, file);
    KAD_CALL(kad_results_open(ctx, scratch, &file));
    KAD_CALL(add_table(c, i, file, "/analysis/log_z"));
    KAD_CALL(add_difference(c, i));
    return add_table(c, i, file, "/analysis/mis_reweighted");
}

static kad_status make_action(kad_pipeline *p, kad_family_point value, kad_action **out)
{
    const kad_model *m = p->model;
    KAD_CALL(kad_action_create(&p->app->ctx, &p->options.model.action, m->lattice,
                               m->decimated, out));
    KAD_CALL(kad_family_set(&p->app->ctx, &m->family, *out, value));
    return kad_action_state(&p->app->ctx, *out);
}

static kad_status do_value(kad_pipeline *p, const kad_family_options *options,
                           const double *all, curve *c, size_t i)
{
    kad_ctx *ctx = &p->app->ctx;
    KAD_SCOPE(scope, ctx);
    KAD_LOCAL(kad_action, action);
    KAD_LOCAL(kad_run, scratch);
    kad_model at = *p->model;
    double *theta;
    const char *folder;
    KAD_CALL(kad_take_printf(&scope, &folder, "checkpoint/family-%zu", i));
    KAD_CALL(make_action(p, c->value[i], &action));
    KAD_CALL(kad_take(&scope, at.flow->n_theta, &theta));
    kad_family_contract(&at.family, at.flow->n_theta, all, c->value[i], theta);
    at.action = action;
    at.seed = seed_of(p->model->seed, i);
    at.family = (kad_family){.order = 1, .strata = 1};
    KAD_CALL(kad_run_open_within(ctx, p->run, folder, &scratch));
    KAD_CALL(put_map(p, scratch, &at, theta));
    KAD_CALL(make_draws(p, scratch, &at, options->draws));
    KAD_CALL(read_draws(p, scratch, c, i));
    c->done[i] = 1;
    kad_run_close(scratch);
    scratch = NULL;
    return kad_run_remove_within(ctx, p->run, folder);
}

/* --- /family -------------------------------------------------------------------------- */

static bool is_known(size_t n, const double *values)
{
    bool known = false;
    for (size_t i = 0; i < n; i++)
        known = known || isfinite(values[i]);
    return known;
}

/* The coupling as the axis; of two the number of the pair, and both beside it. */
static void write_values(kad_writer *w, const kad_family *f, const curve *c)
{
    double *number = kad_write_scratch(w, c->n, sizeof *number);
    if (number == NULL) return;
    for (int k = f->n == 1 ? 0 : -1; k < f->n; k++) {
        for (size_t i = 0; i < c->n; i++)
            number[i] = k < 0 ? (double)i : c->value[i].at[k];
        if (k < 0)
            kad_write(w, "value", KAD_H5_F64, "value", "1",
                      "number of a pair of couplings", &c->n, number);
        else
            kad_write(w, f->n == 1 ? "value" : f->axis[k].along, KAD_H5_F64, "value", "",
                      f->axis[k].along, &c->n, number);
    }
    kad_free(number);
}

static kad_status write_curve(kad_pipeline *p, const curve *c,
                              const kad_family_options *options)
{
    kad_ctx *ctx = &p->app->ctx;
    KAD_LOCAL(kad_h5, file);
    KAD_CALL(kad_results_open(ctx, p->run, &file));
    kad_writer w = kad_write_anew(ctx, file, "/family");
    kad_family_write(&w, &p->model->family);
    kad_write_int(&w, "draws", options->draws);
    write_values(&w, &p->model->family, c);
    kad_write(&w, "done", KAD_H5_F64, "value", "1", "1: the draws of this value are made",
              &c->n, c->done);
    for (size_t row = 0; row < c->table->n; row++) {
        char name[96];
        kad_write(&w, c->table->observable[row], KAD_H5_F64, "value", "",
                  "by the weights of the map's own draws", &c->n, c->mean[row]);
        snprintf(name, sizeof name, "%.80s_err", c->table->observable[row]);
        kad_write(&w, name, KAD_H5_F64, "value", "", "its standard error", &c->n,
                  c->err[row]);
        snprintf(name, sizeof name, "%.80s_exact", c->table->observable[row]);
        if (is_known(c->n, c->exact[row]))
            kad_write(&w, name, KAD_H5_F64, "value", "", "exact value where one is known",
                      &c->n, c->exact[row]);
    }
    KAD_CALL(kad_write_end(&w));
    return kad_results_save(ctx, p->run, file);
}

/* What an earlier call has done. */
static kad_status read_curve(kad_pipeline *p, kad_h5 *file, curve *c)
{
    KAD_SCOPE(scope, &p->app->ctx);
    char **names;
    size_t n = 0;
    if (!kad_h5_exists(file, "/family/done")) return KAD_OK;
    KAD_CALL(kad_h5_read(scope.ctx, file, "/family/done", KAD_H5_F64, 1, &c->n, c->done));
    KAD_CALL(kad_h5_list(&scope, file, "/family", &n, &names));
    for (size_t i = 0; i < n; i++) {
        static const char *const suffix[3] = {"", "_err", "_exact"};
        char path[3][160];
        size_t row;
        for (int k = 0; k < 3; k++)
            snprintf(path[k], sizeof path[k], "/family/%.100s%s", names[i], suffix[k]);
        if (!kad_h5_exists(file, path[1])) continue;
        KAD_CALL(add_row(c, names[i], &row));
        if (row == KAD_TABLE_MAX) continue;
        double *const to[3] = {c->mean[row], c->err[row], c->exact[row]};
        for (int k = 0; k < 3; k++)
            if (kad_h5_exists(file, path[k]))
                KAD_CALL(
                    kad_h5_read(scope.ctx, file, path[k], KAD_H5_F64, 1, &c->n, to[k]));
    }
    return KAD_OK;
}

static kad_status start_curve(kad_scope *in, kad_pipeline *p,
                              const kad_family_options *options, curve *c, double **all)
{
    kad_ctx *ctx = &p->app->ctx;
    const kad_model *m = p->model;
    KAD_LOCAL(kad_h5, file);
    KAD_LOCAL(kad_action, action);
    c->n = kad_family_n_values(options);
    c->n_sites = m->lattice->n_sites;
    KAD_CALL(create_table(in, c));
    KAD_CALL(kad_take(in, c->n, &c->value));
    KAD_CALL(kad_take(in, c->n, &c->done));
    KAD_CALL(kad_take(in, c->n, &c->beta));
    KAD_CALL(kad_take(in, kad_model_n_parameters(m), all));
    for (size_t i = 0; i < c->n; i++) {
        c->value[i] = kad_family_value_at(options, i);
        if (action == NULL) KAD_CALL(make_action(p, c->value[i], &action));
        KAD_CALL(kad_family_set(ctx, &m->family, action, c->value[i]));
        c->beta[i] = m->family.n == 1 ? kad_action_get(action, "beta") : (double)NAN;
    }
    KAD_CALL(kad_results_open(ctx, p->run, &file));
    KAD_CALL(kad_params_read_family(ctx, file, m->flow, &m->family, *all));
    return read_curve(p, file, c);
}

kad_status kad_family_stage(kad_pipeline *p)
{
    kad_ctx *ctx = &p->app->ctx;
    KAD_SCOPE(scope, ctx);
    const kad_family_options *options = &p->options.model.family;
    curve c = {0};
    double *all;
    if (!kad_family_is(&p->model->family)) return KAD_OK;
    KAD_CALL(start_curve(&scope, p, options, &c, &all));
    for (size_t i = 0; i < c.n; i++) {
        if (c.done[i] != 0) continue;
        KAD_CALL(kad_stop_check(ctx, "family"));
        KAD_CALL(do_value(p, options, all, &c, i));
        KAD_CALL(add_derivatives(&c));
        KAD_CALL(write_curve(p, &c, options));
    }
    return KAD_OK;
}
