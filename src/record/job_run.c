/* Running a job: batches, segments, and the series in run.h5. */
#include "base/memory.h"
#include "base/signals.h"
#include "base/weights.h"
#include "io/writer.h"
#include "record/chains.h"
#include "sample/start.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double KEPT_SHARE = 0.25; /* of the time between segments */

/* The segment under way: what followed update `from`, where the last one on disk ends. */
typedef struct tail {
    uint64_t fingerprint;
    int index;
    int64_t from;
    double written; /* when the last one was */
    kad_h5 *kept;   /* the segment as it was a while ago, in memory; NULL: none */
    double made;    /* when that was */
} tail;

/* Put the segment together. */
static kad_status keep(kad_ctx *ctx, const kad_chains *chains, tail *t)
{
    kad_h5_close(t->kept);
    t->kept = NULL;
    KAD_CALL(kad_h5_create(ctx, &t->kept));
    KAD_CALL(
        kad_h5_attr_set_int(ctx, t->kept, "/", "fingerprint", (int64_t)t->fingerprint));
    KAD_CALL(kad_chains_save(ctx, chains, t->from, t->kept));
    t->made = kad_wall_seconds();
    return KAD_OK;
}

static void let_go(tail *t)
{
    kad_h5_close(t->kept);
    t->kept = NULL;
}

/* Write what is kept. */
static kad_status write(kad_ctx *ctx, const kad_run *run, const kad_chains *chains,
                        tail *t)
{
    if (t->kept == NULL) return KAD_OK;
    const kad_status status =
        kad_segment_save(ctx, run, chains->job->name, t->index, t->kept);
    let_go(t);
    if (status != KAD_OK) return status;
    t->index++;
    t->from = chains->n_done;
    t->written = kad_wall_seconds();
    return KAD_OK;
}

/* Of segments behind n draws of a chain: series of another length keep other draws. */
static uint64_t fingerprint_of(const kad_job *job, int64_t n)
{
    const int64_t numbers[] = {n, job->setup.n_draws};
    return kad_fingerprint(job->fingerprint, numbers, sizeof numbers);
}

/* One segment: KAD_ENOINPUT when there is none, KAD_EDATA when it is damaged or belongs
 * to other draws. */
static kad_status read_segment(kad_ctx *ctx, const kad_run *run, kad_chains *chains,
                               uint64_t wanted, int index)
{
    KAD_LOCAL(kad_h5, file);
    const kad_job *job = chains->job;
    int64_t fingerprint;
    KAD_CALL(kad_segment_open(ctx, run, job->name, index, &file));
    KAD_CALL(kad_h5_attr_int(ctx, file, "/", "fingerprint", &fingerprint));
    if ((uint64_t)fingerprint != wanted)
        return kad_fail(ctx, KAD_EDATA,
                        "segment %d of %s belongs to another map, action or setting",
                        index, job->name);
    return kad_chains_load(ctx, chains, file);
}

/* Take up every usable segment in order; a bad one is said and redone. *n_segments: how
 * many count. */
static kad_status take_up(kad_ctx *ctx, const kad_run *run, kad_chains *chains,
                          uint64_t fingerprint, int *n_segments)
{
    kad_status status = KAD_OK;
    int i = 0;
    for (;; i++) {
        status = read_segment(ctx, run, chains, fingerprint, i);
        if (status != KAD_OK) break;
    }
    *n_segments = i;
    if (status == KAD_EDATA)
        kad_note(ctx, "%s; redoing from there", ctx->message);
    else if (status != KAD_ENOINPUT)
        return status;
    return kad_segment_remove_from(ctx, run, chains->job->name, i);
}

static int largest_extent(const kad_lattice *lattice)
{
    int extent = 0;
    for (int mu = 0; mu < lattice->d; mu++)
        if (lattice->shape[mu] > extent) extent = lattice->shape[mu];
    return extent;
}

/* What a draw is and takes. */
static void describe_time(const kad_chains *chains, kad_writer *w)
{
    const kad_sampler_setup *setup = &chains->job->setup;
    const char *unit = chains->sampler->ops->time_unit;
    char text[64];
    const size_t n = strlen(unit);
    snprintf(text, sizeof text, "%s", unit);
    if (chains->thin > 1 && n > 0 && unit[n - 1] == 'y')
        snprintf(text, sizeof text, "%lld %.*sies", (long long)chains->thin, (int)n - 1,
                 unit);
    else if (chains->thin > 1)
        snprintf(text, sizeof text, "%lld %ss", (long long)chains->thin, unit);
    kad_write_text(w, "time_unit", text);
    kad_write_real(w, "seconds_per_draw",
                   chains->seconds / (double)setup->n_draws / setup->n_chains);
    kad_write_real(w, "tuning_seconds", chains->tuning_seconds);
}

/* Chains that only start from the map are still local ones. */
static bool needs_map(const kad_sampler *sampler)
{
    const kad_sampler_ops *ops = sampler->ops;
    const kad_sampler_setup *setup = &sampler->setup;
    if ((ops->flags & KAD_SAMPLER_NEEDS_MAP) != 0) return true;
    return ops->needs_map != NULL && setup->options != NULL && ops->needs_map(setup->own);
}

/* Numbers and words about the series, as attributes of its group. */
static kad_status describe(kad_ctx *ctx, const kad_chains *chains, kad_h5 *file,
                           const char *group)
{
    const kad_job *job = chains->job;
    const kad_sampler_setup *setup = &job->setup;
    const kad_sampler_ops *ops = chains->sampler->ops;
    const double n_all = (double)setup->n_draws * setup->n_chains;
    const struct {
        const char *name;
        int64_t value;
    } counts[] = {{"entry", setup->entry},
                  {"tuning", setup->n_tune},
                  {"n_chains", setup->n_chains},
                  {"n_draws", setup->n_draws},
                  {"burn_in", setup->n_burn_in},
                  {"thin", chains->thin},
                  {"n_sites", setup->action->lattice->n_sites},
                  {"extent", largest_extent(setup->action->lattice)},
                  {"n_components", setup->action->n_comp},
                  {"dimension", setup->action->lattice->d},
                  {"weighted", (ops->flags & KAD_SAMPLER_WEIGHTED) != 0},
                  {"proposals", (ops->flags & KAD_SAMPLER_PROPOSALS) != 0},
                  {"work", (ops->flags & KAD_SAMPLER_WORK) != 0},
                  {"symmetric", (setup->action->flags & KAD_ACTION_SYMMETRIC) != 0},
                  {"exact", setup->exact},
                  {"needs_map", needs_map(chains->sampler)},
                  {"translation", setup->translate},
                  {"fingerprint", (int64_t)job->fingerprint}};

    kad_writer w = kad_write_into(ctx, file, group);
    kad_write_text(&w, "sampler", ops->name);
    kad_write_text(&w, "summary", ops->summary);
    kad_write_text(&w, "reference", ops->reference);
    describe_time(chains, &w);
    kad_write_text(&w, "precision", setup->prec == KAD_SINGLE ? "single" : "double");
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        kad_write_int(&w, counts[i].name, counts[i].value);
    kad_write_real(&w, "acceptance", chains->n_accepted / n_all);
    const double beta = kad_action_get(setup->action, "beta");
    if (isfinite(beta)) kad_write_real(&w, "beta", beta);
    kad_write_real(&w, "log_z_offset", setup->action->log_z_offset);
    if (ops->describe != NULL) ops->describe(chains->sampler->self, &w);
    kad_write_text(&w, "status", "complete");
    return kad_write_end(&w);
}

/* The first draws into a group of their own. */
static kad_status write_first(kad_ctx *ctx, const kad_chains *chains, kad_h5 *file,
                              const char *group)
{
    const unsigned proposes = KAD_SAMPLER_PROPOSALS | KAD_SAMPLER_WEIGHTED;
    const bool is_map = (chains->sampler->ops->flags & proposes) != 0;
    char path[128];
    if (chains->first == NULL) return KAD_OK;
    snprintf(path, sizeof path, "%s/first", group);
    KAD_CALL(kad_store_write(ctx, chains->first, file, path));
    kad_writer w = kad_write_into(ctx, file, path);
    kad_write_text(&w, "start", is_map ? "prior" : kad_start_name(&chains->job->setup));
    kad_write_int(&w, "n_first", chains->job->n_first);
    return kad_write_end(&w);
}

/* --- the end of the chains ------------------------------------------------------------ */

/* A segment of no draws, numbered by how many there are before it. */
static void end_name(const char *name, char out[96])
{
    snprintf(out, 96, "%s.end", name);
}

static kad_status save_end(kad_ctx *ctx, const kad_run *run, const kad_chains *chains)
{
    KAD_LOCAL(kad_h5, file);
    const kad_job *job = chains->job;
    char name[96];
    if (!kad_run_is_here(run)) return KAD_OK;
    end_name(job->name, name);
    KAD_CALL(kad_h5_create(ctx, &file));
    KAD_CALL(
        kad_h5_attr_set_int(ctx, file, "/", "fingerprint", (int64_t)job->fingerprint));
    KAD_CALL(kad_chains_save(ctx, chains, chains->n_done, file));
    return kad_segment_save(ctx, run, name, (int)job->setup.n_draws, file);
}

static kad_status open_end(kad_ctx *ctx, const kad_run *run, const char *group, int64_t n,
                           kad_h5 **out)
{
    char name[96];
    end_name(group, name);
    const kad_status status = kad_segment_open(ctx, run, name, (int)n, out);
    if (status == KAD_ENOINPUT)
        return kad_fail(ctx, KAD_EDATA,
                        "%s: of its %lld draws the end is not kept in checkpoint/ (an "
                        "older kadanoff made them, or it was removed), so that no more "
                        "can follow: more draws need another folder (--out)",
                        group, (long long)n);
    if (status == KAD_EDATA)
        return kad_fail(
            ctx, KAD_EDATA,
            "%.500s: no more draws can follow: more draws need another folder "
            "(--out)",
            ctx->message);
    return status;
}

kad_status kad_job_end_check(kad_ctx *ctx, const kad_run *run, const char *name,
                             int64_t n)
{
    KAD_LOCAL(kad_h5, end);
    return open_end(ctx, run, name, n, &end);
}

/* The draws that there are, and where they end. */
static kad_status take_over(kad_ctx *ctx, const kad_run *run, kad_chains *chains,
                            int64_t n)
{
    KAD_LOCAL(kad_h5, end);
    KAD_LOCAL(kad_h5, results);
    const kad_job *job = chains->job;
    int64_t fingerprint = 0;
    char group[96];
    snprintf(group, sizeof group, "/samplers/%s", job->name);
    KAD_CALL(open_end(ctx, run, job->name, n, &end));
    KAD_CALL(kad_h5_attr_int(ctx, end, "/", "fingerprint", &fingerprint));
    if ((uint64_t)fingerprint != job->fingerprint)
        return kad_fail(ctx, KAD_EDATA,
                        "%s: the end of its draws that is kept in checkpoint/ belongs to "
                        "another map, action or setting: more draws need another folder",
                        job->name);
    KAD_CALL(kad_results_open(ctx, run, &results));
    return kad_chains_take_over(ctx, chains, n, results, group, end);
}

/* What is left of the way there: segments, and ends of fewer draws. */
static kad_status tidy(kad_ctx *ctx, const kad_run *run, const kad_job *job)
{
    char name[96];
    end_name(job->name, name);
    KAD_CALL(kad_segment_remove_from(ctx, run, job->name, 0));
    return kad_segment_keep(ctx, run, name, (int)job->setup.n_draws);
}

/* The finished series into run.h5; before it is there their end, after it the rest goes. */
static kad_status assemble(kad_ctx *ctx, const kad_run *run, const kad_chains *chains)
{
    KAD_LOCAL(kad_h5, file);
    char group[96];
    snprintf(group, sizeof group, "/samplers/%s", chains->job->name);
    KAD_CALL(save_end(ctx, run, chains));
    KAD_CALL(kad_results_open(ctx, run, &file));
    KAD_CALL(kad_h5_remove(ctx, file, group));
    KAD_CALL(kad_measure_write(ctx, chains->measure, file, group));
    KAD_CALL(kad_store_write(ctx, chains->store, file, group));
    KAD_CALL(write_first(ctx, chains, file, group));
    KAD_CALL(describe(ctx, chains, file, group));
    if (chains->job->add != NULL) KAD_CALL(chains->job->add(ctx, file, chains->job));
    KAD_CALL(kad_results_save(ctx, run, file));
    return tidy(ctx, run, chains->job);
}

/* How many draws of a chain the results have of this job. */
static kad_status count_done(kad_ctx *ctx, const kad_run *run, const kad_job *job,
                             int64_t *n)
{
    KAD_LOCAL(kad_h5, file);
    int64_t fingerprint = 0;
    char group[96];
    *n = 0;
    snprintf(group, sizeof group, "/samplers/%s", job->name);
    KAD_CALL(kad_results_open(ctx, run, &file));
    if (!kad_h5_exists(file, group) || !kad_h5_attr_exists(file, group, "fingerprint"))
        return KAD_OK;
    KAD_CALL(kad_h5_attr_int(ctx, file, group, "fingerprint", &fingerprint));
    KAD_CALL(kad_h5_attr_int(ctx, file, group, "n_draws", n));
    if ((uint64_t)fingerprint == job->fingerprint && *n > 0 && *n <= job->setup.n_draws)
        return KAD_OK;
    *n = 0;
    kad_note(ctx, "%s: made with another map, action or setting; redoing it", group);
    return KAD_OK;
}

/* Effective sample size a draw of the weights so far. */
static double ess_so_far(const kad_chains *chains)
{
    const size_t n = (size_t)kad_chains_recorded(chains), R = chains->store->n_chains;
    const kad_column *log_w = chains->log_weight;
    return kad_effective_rows(R, log_w->n_stored, n, log_w->data) / (double)(R * n);
}

/* What a chain does: it tunes, comes to equilibrium, records. */
typedef enum phase { TUNING, BURN_IN, RECORDING } phase;

static phase phase_of(const kad_chains *chains)
{
    if (chains->n_done < 0) return TUNING;
    return kad_chains_drawn(chains) < chains->job->setup.n_burn_in ? BURN_IN : RECORDING;
}

/* Open the stage of a phase. The recorded draws have the sampler's name alone. */
static void begin_phase(const kad_chains *chains, phase now, kad_progress *progress)
{
    static const char *const name[] = {" tuning", " burn-in", ""};
    const kad_sampler_setup *setup = &chains->job->setup;
    char stage[96];
    if (progress == NULL) return;
    snprintf(stage, sizeof stage, "%s%s", chains->job->name, name[now]);
    if (now == TUNING)
        kad_progress_begin(progress, stage, chains->n_tune + chains->n_done,
                           chains->n_tune);
    else if (now == BURN_IN)
        kad_progress_begin(progress, stage, kad_chains_drawn(chains), setup->n_burn_in);
    else
        kad_progress_begin(progress, stage, kad_chains_recorded(chains), setup->n_draws);
}

/* The last update's fields close the stage, so the last batch is always shown. */
static void show(const kad_chains *chains, phase now, kad_progress *progress)
{
    const int64_t recorded = kad_chains_recorded(chains);
    const double n = (double)recorded * (double)chains->job->setup.n_chains;
    const bool last = recorded == chains->job->setup.n_draws;
    kad_field fields[2];
    size_t n_fields = 0;
    if (progress == NULL || (!last && !kad_progress_due(progress))) return;
    if (now == TUNING)
        kad_progress_update(progress, chains->n_tune + chains->n_done, 0, NULL);
    else if (now == BURN_IN)
        kad_progress_update(progress, kad_chains_drawn(chains), 0, NULL);
    if (now != RECORDING || n <= 0) return;
    const double p = chains->n_accepted / n;
    if (chains->sampler->ops->flags & KAD_SAMPLER_PROPOSALS)
        fields[n_fields++] = (kad_field){"acceptance", p, sqrt(p * (1.0 - p) / n)};
    if (chains->log_weight != NULL)
        fields[n_fields++] = (kad_field){"ESS", ess_so_far(chains), NAN};
    kad_progress_update(progress, recorded, n_fields, fields);
}

static kad_status stopped(kad_ctx *ctx, const kad_chains *chains)
{
    return kad_fail(ctx, KAD_EINTERRUPTED, "%s: stopped by %s at draw %lld of %lld",
                    chains->job->name, kad_stop_reason(),
                    (long long)kad_chains_recorded(chains),
                    (long long)chains->job->setup.n_draws);
}

/* Segments are written now and then, and when a stop is asked for. An update may be given
 * up half done where updates are slow; then the sampler has no state to be saved, so that
 * the segment is kept in memory, too. */
static kad_status save(kad_ctx *ctx, const kad_run *run, const kad_chains *chains,
                       bool stop, tail *t)
{
    const double now = kad_wall_seconds();
    const double interval = chains->job->segment_seconds;
    if (!kad_run_is_here(run)) return KAD_OK;
    const bool due = stop || now - t->written > interval;
    if (due || (chains->slow && now - t->made > KEPT_SHARE * interval))
        KAD_CALL(keep(ctx, chains, t));
    if (due) KAD_CALL(write(ctx, run, chains, t));
    return KAD_OK;
}

/* From where the segments end to the last draw. A batch is finished, or takes a second: a
 * run that is stopped again and again still gets on. */
static kad_status make_draws(kad_ctx *ctx, const kad_run *run, kad_chains *chains,
                             uint64_t fingerprint, int n_segments, kad_progress *progress)
{
    const double now = kad_wall_seconds();
    tail t KAD_CLEARED(let_go) = {.fingerprint = fingerprint,
                                  .index = n_segments,
                                  .from = chains->n_done,
                                  .written = now,
                                  .made = now};
    phase is = phase_of(chains);
    begin_phase(chains, is, progress);
    while (kad_chains_recorded(chains) < chains->job->setup.n_draws) {
        const kad_status status = kad_chains_batch(ctx, chains);
        if (status == KAD_EINTERRUPTED) {
            KAD_CALL(write(ctx, run, chains, &t));
            return stopped(ctx, chains);
        }
        if (status != KAD_OK) return status;
        if (is != phase_of(chains)) {
            is = phase_of(chains);
            begin_phase(chains, is, progress);
        }
        show(chains, is, progress);
        const bool stop = kad_stop_requested() &&
                          kad_chains_recorded(chains) < chains->job->setup.n_draws;
        KAD_CALL(save(ctx, run, chains, stop, &t));
        if (stop) return stopped(ctx, chains);
    }
    return KAD_OK;
}

kad_status kad_job_run(kad_ctx *ctx, const kad_run *run, const kad_job *job,
                       kad_progress *progress)
{
    KAD_LOCAL(kad_chains, chains);
    int64_t n = 0;
    int n_segments = 0;

    KAD_CALL(kad_job_check(ctx, job));
    KAD_CALL(count_done(ctx, run, job, &n));
    if (n == job->setup.n_draws) return tidy(ctx, run, job);
    const uint64_t fingerprint = fingerprint_of(job, n);
    KAD_CALL(kad_chains_create(ctx, job, &chains));
    if (n > 0) KAD_CALL(take_over(ctx, run, chains, n));
    KAD_CALL(take_up(ctx, run, chains, fingerprint, &n_segments));
    KAD_CALL(make_draws(ctx, run, chains, fingerprint, n_segments, progress));
    KAD_CALL(assemble(ctx, run, chains));
    if (progress != NULL) kad_progress_end(progress);
    return KAD_OK;
}
