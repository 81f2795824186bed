#include "cli/sweep_plan.h"

#include "run/pipeline.h"
#include "sweep/estimate.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Asked for: twice the time of the longest piece of work, in steps of ten minutes, and memory
 * with a third more, in steps of 50 MB. */
static const double time_margin = 2, time_step = 600, memory_margin = 1.33,
                    memory_step = 50e6;

typedef struct total {
    int n, longest; /* points; number of the longest one */
    double cpu_seconds, seconds, memory, disk, files;
} total;

static void add(total *t, const kad_sweep_point *point, const kad_cost *c)
{
    t->n++;
    if (t->longest == 0 || c->seconds > t->seconds) {
        t->longest = point->number;
        t->seconds = c->seconds;
    }
    t->cpu_seconds += c->cpu_seconds;
    t->memory = fmax(t->memory, c->memory);
    t->disk += c->disk;
    t->files += c->files;
}

static total total_of(const kad_sweep *s, const kad_estimate *e)
{
    total t = {0};
    for (int i = 0; i < s->n_points; i++)
        if (s->point[i].wanted) add(&t, &s->point[i], &e->point[i]);
    t.cpu_seconds += e->map.cpu_seconds;
    t.memory = fmax(t.memory, e->map.memory);
    t.disk += e->map.disk;
    t.files += e->map.files;
    return t;
}

/* "01:20:00", "350M" for a job script. */
static void propose(const kad_sweep *s, const kad_estimate *e, const total *t,
                    char time[32], char memory[32])
{
    const double most = fmax(t->seconds, e->longest_map) * time_margin;
    const long seconds = lround(fmin(ceil(most / time_step) * time_step, 3.5e6));
    const double bytes = t->memory * memory_margin / fmax(s->options.slurm.cpus, 1);
    snprintf(time, 32, "%02ld:%02ld:00", seconds / 3600, seconds / 60 % 60);
    snprintf(memory, 32, "%.0fM", ceil(bytes / memory_step) * memory_step / 1e6);
}

static void print_table(const kad_sweep *s, const kad_estimate *e)
{
    printf("%7s  %s%s\n", "point", e != NULL ? " seconds    memory  " : "", "folder");
    for (int i = 0; i < s->n_points; i++) {
        const kad_sweep_point *p = &s->point[i];
        printf("%7d  ", p->number);
        if (e != NULL)
            printf("%8.1f %6.0f MB  ", e->point[i].seconds, e->point[i].memory / 1e6);
        printf("%s/%s%s\n", s->folder, p->folder,
               p->wanted ? "" : "  (no longer in the file)");
    }
}

static void say_totals(const kad_app *app, const kad_sweep *s, const kad_estimate *e)
{
    const total t = total_of(s, e);
    char time[32], memory[32];
    propose(s, e, &t, time, memory);
    if (e->n_maps > 0)
        kad_say(app, "%d map%s that points share: %.0f s", e->n_maps,
                e->n_maps == 1 ? "" : "s", e->map.seconds);
    kad_say(
        app,
        "with %d thread%s: %.3g core-hours; point %d takes longest, %.0f s; memory up to "
        "%.0f MB; disk %.1f MB in %.0f files (measured in %.1f s)",
        app->ctx.n_threads, app->ctx.n_threads == 1 ? "" : "s", t.cpu_seconds / 3600,
        t.longest, t.seconds, t.memory / 1e6, t.disk / 1e6, t.files, e->work);
    kad_say(app, "for job.sh: slurm: {time: \"%s\", cpus: %d, memory: %s}", time,
            s->options.slurm.cpus, memory);
}

static json_t *json_of(const kad_sweep *s, int i, const kad_estimate *e)
{
    const kad_sweep_point *p = &s->point[i];
    json_t *o = json_pack("{s:i, s:s, s:b}", "point", p->number, "folder", p->folder,
                          "wanted", (int)p->wanted);
    if (e == NULL || !p->wanted) return o;
    json_t *cost =
        json_pack("{s:f, s:f, s:f, s:f, s:f}", "seconds", e->point[i].seconds,
                  "cpu_seconds", e->point[i].cpu_seconds, "memory", e->point[i].memory,
                  "disk", e->point[i].disk, "files", e->point[i].files);
    json_object_update(o, cost);
    json_decref(cost);
    return o;
}

static kad_status print_json(kad_app *app, const kad_sweep *s, const kad_estimate *e)
{
    json_t *points = json_array();
    for (int i = 0; i < s->n_points; i++)
        json_array_append_new(points, json_of(s, i, e));
    json_t *all = json_pack("{s:o}", "points", points);
    if (e != NULL)
        json_object_set_new(all, "maps",
                            json_pack("{s:i, s:f, s:f}", "n", e->n_maps, "seconds",
                                      e->map.seconds, "cpu_seconds", e->map.cpu_seconds));
    char *text = json_dumps(all, JSON_INDENT(1));
    json_decref(all);
    if (text == NULL) return kad_fail(&app->ctx, KAD_ENOMEM, "out of memory");
    puts(text);
    free(text);
    return KAD_OK;
}

kad_status kad_print_plan(kad_app *app, const kad_sweep *s)
{
    KAD_SCOPE(scope, &app->ctx);
    kad_shapes shapes;
    kad_estimate estimate;
    const kad_estimate *e = app->no_timing ? NULL : &estimate;
    int n = 0;
    KAD_CALL(kad_shapes_find(&scope, app, s, &shapes));
    if (e != NULL) KAD_CALL(kad_sweep_estimate(&scope, app, s, &shapes, &estimate));
    if (app->json) return print_json(app, s, e);
    print_table(s, e);
    for (int k = 0; k < shapes.n; k++)
        n += shapes.count[k];
    kad_say(app, "%d point%s of %d kind%s, all of them can run: kadanoff sweep run %s", n,
            n == 1 ? "" : "s", shapes.n, shapes.n == 1 ? "" : "s", app->args[1]);
    if (e != NULL) say_totals(app, s, e);
    return KAD_OK;
}
