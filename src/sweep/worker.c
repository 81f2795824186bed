/* A worker: one of any number of processes that share a sweep's folder and nothing else.
 * The lock of a run folder says who works on a point; whoever is late takes the next. */
#include "base/signals.h"
#include "run/pipeline.h"
#include "run/run_state.h"
#include "sweep/shapes.h"

#include <stdlib.h>
#include <string.h>

typedef struct task {
    int index;  /* of the point */
    bool done;  /* complete, or failed here */
    bool waits; /* for a map that another worker makes */
    double cost;
} task;

typedef struct tally {
    int n, complete, failed;
    kad_status first; /* failure */
    char message[KAD_MESSAGE_MAX], held_by[KAD_MESSAGE_MAX];
} tally;

/* Of a point of each shape: grows as the work does, with degrees of freedom and steps. */
static kad_status cost_of(kad_app *app, const kad_sweep *s, const kad_sweep_point *point,
                          double *cost)
{
    KAD_SCOPE(scope, &app->ctx);
    KAD_LOCAL(kad_config, config);
    const char **overrides;
    int64_t shape[3] = {0};
    int n;
    *cost = 1;
    KAD_CALL(kad_sweep_overrides(&scope, app, s, point, &n, &overrides));
    KAD_CALL(
        kad_config_parse(&app->ctx, &s->schema, s->base, s->name, n, overrides, &config));
    const size_t d = kad_config_ints(config, "lattice.shape", 3, shape);
    for (size_t i = 0; i < d && i < 3; i++)
        *cost *= (double)shape[i];
    const int64_t steps = kad_config_int(config, "train.steps");
    *cost *= steps > 0 ? (double)steps : 1;
    return KAD_OK;
}

static int by_cost(const void *a, const void *b)
{
    const task *x = a, *y = b;
    if (x->cost != y->cost) return x->cost < y->cost ? 1 : -1;
    return x->index - y->index;
}

static kad_status make_tasks(kad_scope *in, kad_app *app, const kad_sweep *s, int first,
                             int last, task **out, int *n)
{
    KAD_SCOPE(scope, &app->ctx);
    kad_shapes shapes;
    double *cost;
    *n = 0;
    KAD_CALL(kad_take(in, (size_t)s->n_points, out));
    KAD_CALL(kad_shapes_find(&scope, app, s, &shapes));
    KAD_CALL(kad_take(&scope, (size_t)s->n_points, &cost));
    for (int k = 0; k < shapes.n; k++)
        KAD_CALL(cost_of(app, s, &s->point[shapes.first[k]], &cost[k]));
    for (int i = 0; i < s->n_points; i++) {
        const kad_sweep_point *point = &s->point[i];
        if (!point->wanted) continue;
        if (first > 0 && (point->number < first || point->number > last)) continue;
        (*out)[(*n)++] = (task){.index = i, .cost = cost[shapes.of[i]]};
    }
    qsort(*out, (size_t)*n, sizeof **out, by_cost);
    return KAD_OK;
}

/* The run of a point, as `kadanoff run` would do it. */
static kad_status run_point(kad_app *app, const kad_sweep *s,
                            const kad_sweep_point *point, const char *path, bool alone,
                            bool *waits)
{
    KAD_SCOPE(scope, &app->ctx);
    kad_map_use use;
    const kad_status status = kad_sweep_map(&scope, app, s, point, &use);
    *waits = use.waits;
    if (status != KAD_OK) return status;
    return kad_sweep_run(app, s, point, use.n, use.more, path, KAD_STAGE_ALL, alone);
}

/* Failures that the next point would meet too. */
static bool ends_all(kad_status status)
{
    return status == KAD_EINTERRUPTED || status == KAD_ENOMEM || status == KAD_EIO ||
           status == KAD_ECREATE;
}

/* A point that another worker has, or whose map it still makes (*waits): KAD_EINUSE. Else it is
 * run, or complete already by this config (not *begun); what another config has completed, the
 * run itself extends, refuses, or finds the same. */
static kad_status try_point(kad_app *app, const kad_sweep *s,
                            const kad_sweep_point *point, bool alone, bool *begun,
                            bool *waits)
{
    KAD_SCOPE(scope, &app->ctx);
    kad_run_state state;
    const char *path;
    char word[KAD_WORD_CHARS];
    KAD_CALL(kad_sweep_word(app, s, point, word));
    KAD_CALL(kad_sweep_path(&scope, s, point, &path));
    KAD_CALL(kad_run_state_read(&app->ctx, path, &state));
    if (state.stand == KAD_RUN_RUNNING)
        return kad_fail(&app->ctx, KAD_EINUSE, "%s: in use by another worker (%s)", path,
                        state.words);
    *begun = state.stand != KAD_RUN_COMPLETE || alone || strcmp(state.config, word) != 0;
    return *begun ? run_point(app, s, point, path, alone, waits) : KAD_OK;
}

/* One point: run, or passed over. A failure that is the point's own is counted and said. */
static kad_status take(kad_app *app, const kad_sweep *s, task *job, tally *t,
                       bool *progress)
{
    const kad_sweep_point *point = &s->point[job->index];
    const double start = kad_wall_seconds();
    const bool alone = t->n == 1;
    bool begun = false;
    char label[256];
    kad_sweep_label(s, point, sizeof label, label);
    job->waits = false;
    const kad_status status = try_point(app, s, point, alone, &begun, &job->waits);
    if (status == KAD_EINUSE) {
        memcpy(t->held_by, app->ctx.message, sizeof t->held_by);
        return KAD_OK;
    }
    if (ends_all(status)) return status;
    job->done = true;
    *progress = true;
    t->complete += status == KAD_OK;
    if (status == KAD_OK && begun && !alone)
        kad_say(app, "point %d of %d, %s: complete, %.1f s", point->number, s->n_points,
                label, kad_wall_seconds() - start);
    if (status == KAD_OK) return status;
    char message[KAD_MESSAGE_MAX];
    memcpy(message, app->ctx.message, sizeof message);
    if (!alone) kad_note(&app->ctx, "point %d, %s: %s", point->number, label, message);
    if (t->failed++ > 0) return KAD_OK;
    t->first = status;
    memcpy(t->message, message, sizeof t->message);
    return KAD_OK;
}

static int count_waiting(const task *tasks, int n)
{
    int waiting = 0;
    for (int i = 0; i < n; i++)
        waiting += !tasks[i].done && tasks[i].waits;
    return waiting;
}

/* Who waits for others' maps says "continue me": a batch job comes back. */
static kad_status report(kad_app *app, const kad_sweep *s, const task *tasks,
                         const tally *t)
{
    const int held = t->n - t->complete - t->failed, waiting = count_waiting(tasks, t->n);
    if (t->failed > 0 && t->n == 1)
        return kad_fail(&app->ctx, t->first, "%s", t->message);
    if (t->failed > 0)
        return kad_fail(&app->ctx, t->first, "%d of %d points failed; the first: %s",
                        t->failed, t->n, t->message);
    if (waiting > 0)
        return kad_fail(&app->ctx, KAD_EINTERRUPTED,
                        "%s: %d of %d points are complete; %d wait for maps that other "
                        "workers make: go on later",
                        s->folder, t->complete, t->n, waiting);
    if (held > 0 && t->n == 1) return kad_fail(&app->ctx, KAD_EINUSE, "%s", t->held_by);
    kad_say(app, "%d of %d point%s complete%s", t->complete, t->n, t->n == 1 ? "" : "s",
            held > 0 ? "; the others are with other workers" : "");
    return KAD_OK;
}

kad_status kad_sweep_work(kad_app *app, const kad_sweep *s, int first, int last)
{
    KAD_SCOPE(scope, &app->ctx);
    task *tasks;
    tally t = {0};
    bool progress = true;
    KAD_CALL(make_tasks(&scope, app, s, first, last, &tasks, &t.n));
    if (t.n == 0 && first <= s->n_points) {
        kad_say(app, "%s: no longer asks for this: nothing to do", s->name);
        return KAD_OK;
    }
    if (t.n == 0)
        return kad_fail(&app->ctx, KAD_EUSAGE,
                        "%s: no point %d among the %d of the sweep", s->name, first,
                        s->n_points);
    const double end = kad_wall_seconds() + app->wait;
    /* Once more as long as that brings something: who held a point may have been killed. */
    for (;;) {
        progress = false;
        for (int i = 0; i < t.n; i++) {
            KAD_CALL(kad_stop_check(&app->ctx, s->folder));
            if (!tasks[i].done) KAD_CALL(take(app, s, &tasks[i], &t, &progress));
        }
        if (t.complete + t.failed == t.n) break;
        if (progress) continue;
        if (kad_wall_seconds() >= end) break;
        KAD_CALL(kad_stop_sleep(&app->ctx, s->folder, 1));
    }
    return report(app, s, tasks, &t);
}
