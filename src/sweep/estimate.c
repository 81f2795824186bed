#include "sweep/estimate.h"

#include "base/signals.h"
#include "io/file.h"
#include "sweep/points.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A run is enlarged until that takes so many seconds of processor time more. Fewer steps would not have the
 * evaluations that a training has whatever its length. */
static const double enough = 0.4;
enum { MIN_STEPS = 40, MIN_DRAWS = 64, GROWTH = 8, MAX_ENTRIES = 32 };

typedef struct size {
    int64_t steps;
    double draws; /* as a share of all */
} size;

/* What is measured: the runs of one shape, or of the map that points share. */
typedef struct subject {
    kad_app *app;
    const kad_sweep *sweep;
    const kad_sweep_point *point;
    bool map; /* it is the training of a family: no draws */
    bool images;
    int n_more;
    const char **more; /* overrides behind the point's own */
    const char *scratch;
    int n_runs;
    int64_t steps, eval_every, configs;
    int n_entries;
    int64_t draws[MAX_ENTRIES];
} subject;

/* --- one run in a child ------------------------------------------------------------------ */

/* The blocks and inodes of a folder with all below it. */
static void add_folder(const char *path, kad_cost *cost)
{
    struct stat info;
    char below[4096];
    if (lstat(path, &info) != 0) return;
    cost->disk += 512.0 * (double)info.st_blocks;
    cost->files += 1;
    DIR *folder = S_ISDIR(info.st_mode) ? opendir(path) : NULL;
    for (struct dirent *e; folder != NULL && (e = readdir(folder)) != NULL;) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        snprintf(below, sizeof below, "%s/%s", path, e->d_name);
        add_folder(below, cost);
    }
    if (folder != NULL) closedir(folder);
}

/* The overrides that make a run of this size. */
static kad_status shorten(kad_scope *in, const subject *u, size now, int *n,
                          const char ***out)
{
    KAD_CALL(kad_take(in, (size_t)(u->n_more + MAX_ENTRIES + 3), out));
    const char **list = *out;
    for (*n = 0; *n < u->n_more; ++*n)
        list[*n] = u->more[*n];
    KAD_CALL(
        kad_take_printf(in, &list[(*n)++], "train.steps=%lld", (long long)now.steps));
    if (u->steps > 0 && now.steps > 0)
        KAD_CALL(kad_take_printf(
            in, &list[(*n)++], "train.eval_every=%.0f",
            ceil((double)now.steps * (double)u->eval_every / (double)u->steps)));
    if (u->map) return KAD_OK;
    for (int i = 0; i < u->n_entries; i++)
        KAD_CALL(kad_take_printf(in, &list[(*n)++], "sample[%d].draws=%.0f", i,
                                 ceil(now.draws * (double)u->draws[i])));
    if (u->configs > 0)
        KAD_CALL(kad_take_printf(in, &list[(*n)++], "bulk.configs=%.0f",
                                 fmax(ceil(now.draws * (double)u->configs), 64)));
    return KAD_OK;
}

static kad_status run_here(subject *u, size now, const char *folder)
{
    KAD_SCOPE(scope, &u->app->ctx);
    const char **more;
    int n;
    KAD_CALL(shorten(&scope, u, now, &n, &more));
    return kad_sweep_run(u->app, u->sweep, u->point, n, more, folder,
                         u->map ? KAD_STAGE_TRAIN : KAD_STAGE_ALL, false);
}

/* Wait for the child; a stop ends it. */
static kad_status await(kad_ctx *ctx, pid_t child, int *code, struct rusage *used)
{
    static const struct timespec slice = {.tv_nsec = 2000000};
    for (;;) {
        const pid_t ended = wait4(child, code, WNOHANG, used);
        if (ended == child) return KAD_OK;
        if (ended < 0 && errno != EINTR)
            return kad_fail(ctx, KAD_EIO, "a measurement was lost: %s", strerror(errno));
        if (kad_stop_requested()) {
            kill(child, SIGKILL);
            waitpid(child, code, 0);
            return kad_stop_check(ctx, "sweep plan");
        }
        nanosleep(&slice, NULL);
    }
}

static double seconds_of(struct timeval t)
{
    return (double)t.tv_sec + 1e-6 * (double)t.tv_usec;
}

/* The status and message of the child's run come through a pipe. */
static kad_status run_in_child(subject *u, size now, const char *folder, kad_cost *cost)
{
    kad_ctx *ctx = &u->app->ctx;
    struct rusage used;
    int ends[2], code = 0;
    char message[KAD_MESSAGE_MAX] = "";
    if (pipe(ends) != 0) return kad_fail(ctx, KAD_EIO, "no pipe: %s", strerror(errno));
    fflush(NULL);
    const double start = kad_wall_seconds();
    const pid_t child = fork();
    if (child == 0) {
        ctx->log = NULL;
        const kad_status status = run_here(u, now, folder);
        if (status != KAD_OK)
            (void)!write(ends[1], ctx->message, strlen(ctx->message) + 1);
        _exit((int)status);
    }
    close(ends[1]);
    const kad_status status =
        child < 0
            ? kad_fail(ctx, KAD_EIO, "no process to measure with: %s", strerror(errno))
            : await(ctx, child, &code, &used);
    if (status == KAD_OK) (void)!read(ends[0], message, sizeof message - 1);
    close(ends[0]);
    KAD_CALL(status);
    if (!WIFEXITED(code))
        return kad_fail(ctx, KAD_EINTERNAL, "a measurement of point %d died of signal %d",
                        u->point->number, WTERMSIG(code));
    if (WEXITSTATUS(code) != 0)
        return kad_fail(ctx, (kad_status)WEXITSTATUS(code), "%s", message);
    *cost =
        (kad_cost){.seconds = kad_wall_seconds() - start,
                   .cpu_seconds = seconds_of(used.ru_utime) + seconds_of(used.ru_stime),
                   .memory = 1024.0 * (double)used.ru_maxrss};
    add_folder(folder, cost);
    return KAD_OK;
}

static kad_status measure(subject *u, size now, kad_cost *cost)
{
    KAD_SCOPE(scope, &u->app->ctx);
    const char *folder;
    KAD_CALL(kad_take_printf(&scope, &folder, "%s/%d", u->scratch, u->n_runs++));
    return run_in_child(u, now, folder, cost);
}

/* --- from three runs to a whole one ------------------------------------------------------ */

/* Of one shape: the smallest run, and what one more step and the other draws add. */
typedef struct parts {
    kad_cost base, step, draws;
    double steps; /* of the base */
} parts;

/* (y - x) times so much; what is more of a thing takes nothing away. */
static kad_cost slope(const kad_cost *x, const kad_cost *y, double by)
{
    return (kad_cost){.seconds = by * fmax(y->seconds - x->seconds, 0),
                      .cpu_seconds = by * fmax(y->cpu_seconds - x->cpu_seconds, 0),
                      .memory = by * fmax(y->memory - x->memory, 0),
                      .disk = by * fmax(y->disk - x->disk, 0)};
}

static kad_cost whole(const parts *p, double steps)
{
    const double more = fmax(steps - p->steps, 0);
    return (kad_cost){.seconds =
                          p->base.seconds + more * p->step.seconds + p->draws.seconds,
                      .cpu_seconds = p->base.cpu_seconds + more * p->step.cpu_seconds +
                                     p->draws.cpu_seconds,
                      .memory = p->base.memory + more * p->step.memory + p->draws.memory,
                      .disk = p->base.disk + more * p->step.disk + p->draws.disk,
                      .files = p->base.files};
}

/* Enlarge one of the two until that is felt; draws with the map of the longest training, for
 * what a poor one draws repeats itself and takes less room. */
static kad_status measure_step(subject *u, size small, parts *p, size *now,
                               kad_cost *cost)
{
    *now = small;
    *cost = p->base;
    while (now->steps < u->steps && cost->cpu_seconds - p->base.cpu_seconds < enough) {
        now->steps = now->steps * GROWTH < u->steps ? now->steps * GROWTH : u->steps;
        KAD_CALL(measure(u, *now, cost));
    }
    if (now->steps > small.steps)
        p->step = slope(&p->base, cost, 1 / (double)(now->steps - small.steps));
    return KAD_OK;
}

static kad_status measure_draws(subject *u, size small, const kad_cost *few, parts *p)
{
    size now = small;
    kad_cost cost = *few;
    while (!u->map && now.draws < 1 && cost.cpu_seconds - few->cpu_seconds < enough) {
        now.draws = fmin(now.draws * GROWTH, 1);
        KAD_CALL(measure(u, now, &cost));
    }
    if (now.draws > small.draws)
        p->draws = slope(few, &cost, (1 - small.draws) / (now.draws - small.draws));
    return KAD_OK;
}

static kad_status estimate(subject *u, parts *out)
{
    size longest;
    kad_cost cost;
    int64_t least = INT64_MAX;
    for (int i = 0; i < u->n_entries; i++)
        least = u->draws[i] < least ? u->draws[i] : least;
    const size small = {
        .steps = u->steps < MIN_STEPS ? u->steps : MIN_STEPS,
        .draws = u->n_entries > 0 ? fmin((double)MIN_DRAWS / (double)least, 1) : 1};
    *out = (parts){.steps = (double)small.steps};
    KAD_CALL(measure(u, small, &out->base));
    KAD_CALL(measure_step(u, small, out, &longest, &cost));
    return measure_draws(u, longest, &cost, out);
}

/* --- a sweep ----------------------------------------------------------------------------- */

/* How long the subject's whole run is, from its resolved config. */
static void take_size(void *self, const kad_run_options *o)
{
    subject *u = self;
    u->images = o->images.data.source != NULL;
    u->steps = o->train.steps;
    u->eval_every = o->train.eval_every;
    u->configs = o->bulk.configs;
    u->n_entries = o->sample.n < MAX_ENTRIES ? o->sample.n : MAX_ENTRIES;
    for (int i = 0; i < u->n_entries; i++)
        u->draws[i] = kad_sample_draws(&o->sample, i);
}

static kad_status read_size(subject *u)
{
    KAD_CALL(kad_sweep_options_of(u->app, u->sweep, u->point, u->n_more, u->more,
                                  take_size, u));
    if (!u->images) return KAD_OK;
    return kad_fail(&u->app->ctx, KAD_EUSAGE,
                    "%s: runs on images: train.seconds says how long each trains, and "
                    "nothing is estimated",
                    u->sweep->name);
}

/* Groups of points that share a map, among those of a shape: each has one first point. */
static kad_status count_groups(kad_ctx *ctx, const kad_sweep *s, const kad_shapes *shapes,
                               int shape, int *n)
{
    bool leads;
    *n = 0;
    for (int i = 0; i < s->n_points; i++) {
        if (shapes->of[i] != shape) continue;
        KAD_CALL(kad_sweep_leads(ctx, s, &s->point[i], &leads));
        *n += leads;
    }
    return KAD_OK;
}

static kad_status estimate_map(kad_scope *in, kad_app *app, const kad_sweep *s, int index,
                               int n, const char *scratch, kad_estimate *out)
{
    kad_sweep_point others;
    parts of;
    subject u = {
        .app = app, .sweep = s, .point = &others, .map = true, .scratch = scratch};
    KAD_CALL(kad_sweep_family(in, app, s, &s->point[index], &others, &u.n_more, &u.more));
    KAD_CALL(read_size(&u));
    KAD_CALL(estimate(&u, &of));
    const kad_cost cost = whole(&of, (double)u.steps);
    out->n_maps += n;
    out->map.seconds += n * cost.seconds;
    out->map.cpu_seconds += n * cost.cpu_seconds;
    out->map.disk += n * cost.disk;
    out->map.files += n * cost.files;
    out->longest_map = fmax(out->longest_map, cost.seconds);
    out->map.memory = fmax(out->map.memory, cost.memory);
    return KAD_OK;
}

/* What a point of the shape is run with besides its own overrides: as its worker would. */
static kad_status choose_map(kad_scope *in, kad_app *app, const kad_sweep *s,
                             const kad_shapes *shapes, int shape, const char *scratch,
                             kad_map_use *use, kad_estimate *out)
{
    const char *folder;
    int n;
    *use = (kad_map_use){0};
    if (strcmp(s->options.map, "family") != 0) return KAD_OK;
    KAD_CALL(kad_take_printf(in, &folder, "%s/map", scratch));
    KAD_CALL(kad_file_make_folder(&app->ctx, folder));
    KAD_CALL(count_groups(&app->ctx, s, shapes, shape, &n));
    KAD_CALL(estimate_map(in, app, s, shapes->first[shape], n, folder, out));
    use->n = 2;
    use->more[1] = "train.steps=0";
    return kad_take_printf(in, &use->more[0], "train.from=%s/0", folder);
}

/* Points of a chain that start from another's map take fewer steps. */
static kad_status costs_of_points(kad_app *app, const kad_sweep *s,
                                  const kad_shapes *shapes, int shape, const subject *u,
                                  const parts *of, kad_estimate *out)
{
    const bool chain = strcmp(s->options.map, "chain") == 0;
    const kad_sweep_point *before = NULL;
    for (int i = 0; i < s->n_points; i++) {
        if (shapes->of[i] != shape) continue;
        if (chain) KAD_CALL(kad_sweep_before(&app->ctx, s, &s->point[i], &before));
        const double share = before != NULL ? s->options.chain_steps : 1;
        out->point[i] = whole(of, share * (double)u->steps);
    }
    return KAD_OK;
}

static kad_status estimate_shape(kad_app *app, const kad_sweep *s,
                                 const kad_shapes *shapes, int shape, const char *scratch,
                                 kad_estimate *out)
{
    KAD_SCOPE(scope, &app->ctx);
    const char *own;
    kad_map_use use;
    parts of;
    const int first = shapes->first[shape];
    KAD_CALL(kad_take_printf(&scope, &own, "%s/%d", scratch, shape));
    KAD_CALL(kad_file_make_folder(&app->ctx, own));
    KAD_CALL(choose_map(&scope, app, s, shapes, shape, own, &use, out));
    subject u = {.app = app,
                 .sweep = s,
                 .point = &s->point[first],
                 .n_more = use.n,
                 .more = use.more,
                 .scratch = own};
    KAD_CALL(read_size(&u));
    KAD_CALL(estimate(&u, &of));
    return costs_of_points(app, s, shapes, shape, &u, &of, out);
}

kad_status kad_sweep_estimate(kad_scope *in, kad_app *app, const kad_sweep *s,
                              const kad_shapes *shapes, kad_estimate *out)
{
    KAD_SCOPE(scope, &app->ctx);
    const char *top = getenv("TMPDIR");
    const double start = kad_wall_seconds();
    const char *name;
    char *scratch;
    *out = (kad_estimate){0};
    KAD_CALL(kad_take(in, (size_t)s->n_points, &out->point));
    KAD_CALL(kad_take_printf(&scope, &name, "%s/kadanoff-plan.XXXXXX",
                             top != NULL && *top != 0 ? top : "/tmp"));
    KAD_CALL(kad_take_text(&scope, name, &scratch));
    if (mkdtemp(scratch) == NULL)
        return kad_fail(&app->ctx, kad_errno_status(errno, KAD_ECREATE), "%s: %s",
                        scratch, strerror(errno));
    kad_status status = KAD_OK;
    for (int k = 0; k < shapes->n && status == KAD_OK; k++)
        status = estimate_shape(app, s, shapes, k, scratch, out);
    char why[KAD_MESSAGE_MAX];
    memcpy(why, app->ctx.message, sizeof why);
    const kad_status removed = kad_file_remove_folder(&app->ctx, scratch);
    if (status != KAD_OK) memcpy(app->ctx.message, why, sizeof why);
    out->work = kad_wall_seconds() - start;
    return status != KAD_OK ? status : removed;
}
