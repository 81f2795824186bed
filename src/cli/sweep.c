/* `kadanoff sweep`: many runs from one file. */
#include "sweep/sweep.h"

#include "cli/command.h"
#include "cli/sweep_plan.h"
#include "io/file.h"
#include "io/number.h"
#include "run/pipeline.h"
#include "run/run_state.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What the command line has changed, then or now, is not in the file. */
static void say_overrides(const kad_app *app, const kad_sweep *s)
{
    if (s->base == NULL || app->json) return;
    for (int i = 0; i < app->n_overrides; i++)
        kad_say(app, "%s: %s, with %s", s->folder, s->name, app->overrides[i]);
}

/* A sweep's folder says of which config it is. */
static kad_status open_folder(kad_scope *in, kad_app *app, bool claim, kad_sweep **out)
{
    char *folder;
    if (app->out != NULL)
        return kad_fail(&app->ctx, KAD_EUSAGE,
                        "--out %s: %s is the sweep's folder itself", app->out,
                        app->args[1]);
    KAD_CALL(kad_take_text(in, app->args[1], &folder));
    for (size_t n = strlen(folder); n > 1 && folder[n - 1] == '/'; n--)
        folder[n - 1] = 0;
    app->out = folder;
    KAD_CALL(kad_sweep_open(in, app, claim, out));
    say_overrides(app, *out);
    return KAD_OK;
}

/* The points alone do for some. */
static kad_status open_sweep(kad_scope *in, kad_app *app, bool claim, kad_sweep **out)
{
    KAD_LOCAL(char, text);
    char folder[512];
    const char *path = app->args[1];
    bool is_folder = false;
    KAD_CALL(kad_file_is_folder(&app->ctx, path, &is_folder));
    if (is_folder) return open_folder(in, app, claim, out);
    if (app->out == NULL) { /* the config's name without .yaml */
        kad_folder_of(path, folder, sizeof folder);
        KAD_CALL(kad_take_text(in, folder, &app->out));
    }
    KAD_CALL(kad_pipeline_read(&app->ctx, path, &text));
    return claim ? kad_sweep_claim(in, app, text, path, out)
                 : kad_sweep_read(in, app, text, path, out);
}

static kad_status read_sweep(kad_scope *in, kad_app *app, bool claim, kad_sweep **out)
{
    KAD_CALL(open_sweep(in, app, claim, out));
    if ((*out)->base != NULL) return KAD_OK;
    return kad_fail(&app->ctx, KAD_ENOINPUT, "%s: no config is there (sweep.yaml)",
                    app->out);
}

/* --- plan ----------------------------------------------------------------------------
 */

static kad_status plan(kad_app *app)
{
    KAD_SCOPE(scope, &app->ctx);
    kad_sweep *s;
    KAD_CALL(read_sweep(&scope, app, false, &s));
    KAD_CALL(kad_sweep_check(app, s));
    return kad_print_plan(app, s);
}

/* --- run -----------------------------------------------------------------------------
 */

/* --point K, --points A-B, or the task of an array; 0: all. */
static kad_status which(kad_app *app, int *first, int *last)
{
    const char *task = getenv("SLURM_ARRAY_TASK_ID");
    int64_t number = 0;
    int n = 0;
    *first = *last = app->point;
    if (app->points != NULL) {
        if (sscanf(app->points, "%d-%d%n", first, last, &n) != 2 || app->points[n] != 0 ||
            *first < 1 || *last < *first)
            return kad_fail(&app->ctx, KAD_EUSAGE, "--points: expected A-B, got \"%s\"",
                            app->points);
    } else if (app->point == 0 && task != NULL && kad_parse_int(task, &number) &&
               number > 0 && number < 1 << 30) {
        *first = *last = (int)number;
    }
    return KAD_OK;
}

static kad_status run(kad_app *app)
{
    KAD_SCOPE(scope, &app->ctx);
    kad_sweep *s;
    int first, last;
    KAD_CALL(which(app, &first, &last));
    KAD_CALL(read_sweep(&scope, app, true, &s));
    return kad_sweep_work(app, s, first, last);
}

/* --- slurm ---------------------------------------------------------------------------
 */

static kad_status slurm(kad_app *app)
{
    KAD_SCOPE(scope, &app->ctx);
    char program[4096] = "kadanoff";
    kad_sweep *s;
    kad_app asked = *app; /* a folder adds overrides to these */
    const ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    if (n > 0) program[n] = 0;
    asked.quiet = true;
    KAD_CALL(read_sweep(&scope, &asked, false, &s));
    KAD_CALL(kad_sweep_check(&asked, s));
    KAD_CALL(read_sweep(&scope, app, true, &s));
    return kad_sweep_slurm(app, s, program, app->pack);
}

/* --- status --------------------------------------------------------------------------
 */

static void print_point(const kad_sweep *s, const kad_sweep_point *point,
                        const kad_run_state *state)
{
    char label[256];
    printf("%7d  %-9s %-40s %s\n", point->number, kad_run_stand_name(state->stand),
           kad_sweep_label(s, point, sizeof label, label),
           strcmp(state->words, "complete") == 0 ? "" : state->words);
}

static kad_status add_json(kad_app *app, json_t *list, const kad_sweep *s,
                           const kad_sweep_point *point, const kad_run_state *state)
{
    json_t *values = json_object();
    for (int k = 0; k < s->n_keys; k++)
        if (point->value[k] != NULL)
            json_object_set_new(values, s->key[k], json_string(point->value[k]));
    json_t *o = json_pack("{s:i, s:s, s:s, s:s, s:o}", "point", point->number, "folder",
                          point->folder, "state", kad_run_stand_name(state->stand),
                          "detail", state->words, "values", values);
    return json_array_append_new(list, o) == 0
               ? KAD_OK
               : kad_fail(&app->ctx, KAD_ENOMEM, "%s: out of memory", s->name);
}

static kad_status print_json(kad_app *app, json_t *list)
{
    char *text = json_dumps(list, JSON_INDENT(1));
    if (text == NULL) return kad_fail(&app->ctx, KAD_ENOMEM, "out of memory");
    puts(text);
    free(text);
    return KAD_OK;
}

static kad_status verdict(kad_app *app, const kad_sweep *s,
                          const int count[KAD_RUN_STANDS])
{
    char text[256] = "";
    for (int i = 0, used = 0; i < KAD_RUN_STANDS; i++)
        if (count[i] > 0)
            used += snprintf(text + used, sizeof text - (size_t)used, "%s%d %s",
                             used > 0 ? ", " : "", count[i],
                             kad_run_stand_name((kad_run_stand)i));
    if (!app->json) printf("%s: %s\n", s->folder, text);
    if (count[KAD_RUN_UNUSABLE] > 0)
        return kad_fail(&app->ctx, KAD_EDATA, "%s: %s", s->folder, text);
    int n = 0;
    for (int i = 0; i < KAD_RUN_STANDS; i++)
        n += count[i];
    if (count[KAD_RUN_COMPLETE] < n)
        return kad_fail(&app->ctx, KAD_EINTERRUPTED, "%s: %s", s->folder, text);
    return KAD_OK;
}

static kad_status print_points(kad_app *app, const kad_sweep *s, json_t *list,
                               int count[KAD_RUN_STANDS])
{
    for (int i = 0; i < s->n_points; i++) {
        kad_run_state state;
        KAD_CALL(kad_sweep_state(app, s, &s->point[i], &state));
        if (s->point[i].wanted || state.stand == KAD_RUN_COMPLETE)
            count[state.stand]++;
        else
            snprintf(state.words, sizeof state.words, "no longer asked for");
        if (app->json)
            KAD_CALL(add_json(app, list, s, &s->point[i], &state));
        else
            print_point(s, &s->point[i], &state);
    }
    return app->json ? print_json(app, list) : KAD_OK;
}

static kad_status show_status(kad_app *app)
{
    KAD_SCOPE(scope, &app->ctx);
    kad_sweep *s;
    int count[KAD_RUN_STANDS] = {0};
    KAD_CALL(open_sweep(&scope, app, false, &s));
    json_t *list = json_array();
    kad_status status = print_points(app, s, list, count);
    json_decref(list);
    return status == KAD_OK ? verdict(app, s, count) : status;
}

static kad_status table(kad_app *app)
{
    KAD_SCOPE(scope, &app->ctx);
    kad_sweep *s;
    KAD_CALL(open_sweep(&scope, app, false, &s));
    return kad_sweep_table(app, s);
}

static kad_status analyse(kad_app *app)
{
    KAD_SCOPE(scope, &app->ctx);
    kad_sweep *s;
    KAD_CALL(read_sweep(&scope, app, false, &s));
    return kad_sweep_analyse(app, s);
}

kad_status kad_cmd_sweep(kad_app *app)
{
    static const struct {
        const char *name;
        kad_status (*run)(kad_app *app);
    } verbs[] = {{"plan", plan},          {"run", run},     {"slurm", slurm},
                 {"status", show_status}, {"table", table}, {"analyse", analyse}};
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(app->args[0], verbs[i].name) == 0) return verbs[i].run(app);
    return kad_fail(
        &app->ctx, KAD_EUSAGE,
        "sweep: expected plan, run, slurm, status, table or analyse, got \"%s\"",
        app->args[0]);
}
