/* The job script of a sweep for Slurm: an array with a task a point, or, where a site's arrays
 * are not long enough, a few; or one job of several workers. It comes back by itself as long as the program says "continue me" (75): after a
 * time limit, a preemption, a killed node. */
#include "io/file.h"
#include "run/pipeline.h"
#include "sweep/points.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* What may stand in a line that the batch system reads. */
static kad_status check_word(kad_ctx *ctx, const kad_sweep *s, const char *key,
                             const char *word)
{
    if (word == NULL ||
        word[strspn(word, "abcdefghijklmnopqrstuvwxyz"
                          "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:._,%@+-")] == 0)
        return KAD_OK;
    return kad_fail(ctx, KAD_ECONFIG, "%s: sweep.slurm.%s: \"%s\" is not one word",
                    s->name, key, word);
}

static void print_option(FILE *out, const char *option, const char *value)
{
    if (value != NULL) fprintf(out, "#SBATCH --%s=%s\n", option, value);
}

/* Tasks that an array may have: the site's limit where it is to be had, else Slurm's default. */
static int longest_array(void)
{
    enum { USUAL = 1001 };
    FILE *out = popen("timeout 10 scontrol show config 2>/dev/null", "r");
    char line[512];
    int limit = USUAL, n;
    while (out != NULL && fgets(line, sizeof line, out) != NULL)
        if (sscanf(line, " MaxArraySize = %d", &n) == 1) limit = n;
    if (out != NULL) pclose(out);
    return limit > 2 ? limit - 1 : 1; /* of indices below it */
}

/* 'it'\''s' */
static void print_quoted(FILE *out, const char *text)
{
    fputc('\'', out);
    for (; *text != 0; text++)
        fputs(*text == '\'' ? "'\\''" : (char[]){*text, 0}, out);
    fputc('\'', out);
}

/* Tasks of the array: one a point, or one a chain, whose points come one after the other. */
static kad_status count_tasks(kad_ctx *ctx, const kad_sweep *s, bool chains, int *n)
{
    const kad_sweep_point *before;
    *n = chains ? 0 : s->n_points;
    for (int i = 0; chains && i < s->n_points; i++) {
        if (!s->point[i].wanted) continue;
        KAD_CALL(kad_sweep_before(ctx, s, &s->point[i], &before));
        *n += before == NULL;
    }
    return KAD_OK;
}

static void print_header(FILE *out, const kad_sweep *s, const char *folder, int pack,
                         int n_tasks)
{
    fprintf(out, "#!/bin/bash\n");
    if (pack > 1)
        fprintf(out, "#SBATCH --ntasks=%d\n", pack);
    else
        fprintf(out, "#SBATCH --array=1-%d%%%d\n", n_tasks, s->options.slurm.at_once);
    fprintf(out, "#SBATCH --cpus-per-task=%d\n", s->options.slurm.cpus);
    print_option(out, "time", s->options.slurm.time);
    print_option(out, "mem-per-cpu", s->options.slurm.memory);
    print_option(out, "partition", s->options.slurm.partition);
    print_option(out, "account", s->options.slurm.account);
    fprintf(out,
            "#SBATCH --requeue\n#SBATCH --open-mode=append\n#SBATCH --signal=B:USR1@90\n"
            "#SBATCH --output=\"%s/log/%s.out\"\n\n",
            folder, pack > 1 ? "%j" : "%A_%a");
}

typedef struct script {
    const kad_sweep *sweep;
    const char *program, *file, *folder;
    int pack;    /* workers of a job; at most 1: an array */
    bool chains; /* a task is a worker, not a point */
    int n_tasks;
    int n_each; /* points of a task */
    int n_overrides;
    const char **overrides;
} script;

/* Who died with its machine holds its point for two minutes more where locks are each machine's
 * own. */
static void print_work(FILE *out, const script *job)
{
    const bool several = job->pack <= 1 && !job->chains && job->n_each > 1;
    if (several)
        fprintf(out,
                "first=$(((SLURM_ARRAY_TASK_ID - 1) * %d + 1))\n"
                "last=$((first + %d < %d ? first + %d : %d))\n",
                job->n_each, job->n_each - 1, job->sweep->n_points, job->n_each - 1,
                job->sweep->n_points);
    if (job->pack > 1) fprintf(out, "srun --ntasks=%d --exact ", job->pack);
    print_quoted(out, job->program);
    fputs(" sweep run ", out);
    print_quoted(out, job->file);
    fputs(" --out ", out);
    print_quoted(out, job->folder);
    for (int i = 0; i < job->n_overrides; i++) {
        fputc(' ', out);
        print_quoted(out, job->overrides[i]);
    }
    if (job->pack <= 1 && job->chains)
        fprintf(out, " --points 1-%d", job->sweep->n_points);
    else if (several)
        fputs(" --points \"$first-$last\"", out);
    else if (job->pack <= 1)
        fputs(" --point \"$SLURM_ARRAY_TASK_ID\"", out);
    fputs(" --wait 130 &\npid=$!\n", out);
}

static void print_script(FILE *out, const void *self)
{
    const script *job = self;
    const kad_sweep *s = job->sweep;
    const int pack = job->pack;
    print_header(out, s, job->folder, pack, job->n_tasks);
    if (s->options.slurm.setup != NULL) fprintf(out, "%s\n", s->options.slurm.setup);
    fprintf(
        out,
        "export OMP_WAIT_POLICY=passive OMP_NUM_THREADS=\"$SLURM_CPUS_PER_TASK\"\n"
        "# The signal before the end goes to the program, which saves and ends in 75.\n"
        "trap 'kill -USR1 \"$pid\" 2>/dev/null' USR1 TERM\n");
    print_work(out, job);
    fprintf(out,
            "while kill -0 \"$pid\" 2>/dev/null; do wait \"$pid\"; done\n"
            "wait \"$pid\"\nrc=$?\n"
            "# 75: more to do. 137: killed, perhaps for its memory: a few times.\n"
            "n=${SLURM_RESTART_COUNT:-0}\n"
            "if { [ $rc -eq 75 ] && [ \"$n\" -lt 200 ]; } ||\n"
            "    { [ $rc -eq 137 ] && [ \"$n\" -lt 5 ]; }; then\n"
            "    scontrol requeue \"%s\"\nfi\nexit $rc\n",
            pack > 1 ? "$SLURM_JOB_ID" : "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID");
}

/* No more tasks than the site's arrays have: workers that take all points may be fewer, others
 * get several points. */
static void fit_array(const kad_app *app, bool chains, int *n_tasks, int *n_each)
{
    const int n = *n_tasks, most = longest_array();
    if (n <= most) return;
    if (!chains) *n_each = (n + most - 1) / most;
    *n_tasks = chains ? most : (n + *n_each - 1) / *n_each;
    kad_say(app, "arrays here have at most %d tasks: %d of %d points each", most,
            *n_tasks, chains ? n : *n_each);
}

kad_status kad_sweep_slurm(kad_app *app, const kad_sweep *s, const char *program,
                           int pack)
{
    KAD_SCOPE(scope, &app->ctx);
    kad_ctx *ctx = &app->ctx;
    const char *log, *path, **overrides;
    char file[PATH_MAX], folder[PATH_MAX];
    const bool chains = strcmp(s->options.map, "chain") == 0;
    int n_tasks, n_each = 1;
    KAD_CALL(count_tasks(ctx, s, chains, &n_tasks));
    if (pack <= 1) fit_array(app, chains, &n_tasks, &n_each);
    KAD_CALL(check_word(ctx, s, "time", s->options.slurm.time));
    KAD_CALL(check_word(ctx, s, "memory", s->options.slurm.memory));
    KAD_CALL(check_word(ctx, s, "partition", s->options.slurm.partition));
    KAD_CALL(check_word(ctx, s, "account", s->options.slurm.account));
    if (realpath(s->folder, folder) == NULL || realpath(s->name, file) == NULL)
        return kad_fail(ctx, kad_errno_status(errno, KAD_ENOINPUT), "%s: %s", s->name,
                        strerror(errno));
    KAD_CALL(kad_kept_overrides(&scope, app, s, &overrides));
    if (strpbrk(folder, "\"\n") != NULL)
        return kad_fail(ctx, KAD_EUSAGE, "%s: a batch system cannot take this name",
                        folder);
    KAD_CALL(kad_take_printf(&scope, &log, "%s/log", folder));
    KAD_CALL(kad_file_make_folder(ctx, log));
    KAD_CALL(kad_take_printf(&scope, &path, "%s/job.sh", folder));
    KAD_CALL(kad_file_print(ctx, path, print_script,
                            &(script){s, program, file, folder, pack, chains, n_tasks,
                                      n_each, app->n_overrides, overrides}));
    if (chmod(path, 0755) != 0)
        return kad_fail(ctx, kad_errno_status(errno, KAD_EIO), "%s: %s", path,
                        strerror(errno));
    kad_say(app, "sbatch %s", path);
    return KAD_OK;
}
