#include "run/attempts.h"

#include "io/writer.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    size_t offset; /* of a text in an attempt */
    const char *long_name;
} texts[] = {
    {"started", offsetof(kad_attempt, started), "UTC"},
    {"ended", offsetof(kad_attempt, ended), "UTC; empty: no end is recorded"},
    {"status", offsetof(kad_attempt, status),
     "how it ended, as the root's status; killed: no end is recorded"},
    {"host", offsetof(kad_attempt, host), "machine"},
    {"job", offsetof(kad_attempt, job), "of the batch system; empty: none"},
    {"cpu", offsetof(kad_attempt, cpu), "level and maker of the processor"},
    {"kernels", offsetof(kad_attempt, kernels), "instruction sets of the kernels"},
    {"version", offsetof(kad_attempt, version), "version and commit of the program"},
    {"command_line", offsetof(kad_attempt, command_line), "command line"},
};
enum { N_TEXTS = sizeof texts / sizeof texts[0] };

static const kad_write_column numbers[] = {
    {"threads", KAD_CELL_I64, offsetof(kad_attempt, threads), "1", "threads"},
    {"seconds", KAD_CELL_REAL, offsetof(kad_attempt, seconds), "s",
     "wall time; NaN: it was killed"},
    {"step", KAD_CELL_I64, offsetof(kad_attempt, place.step), "1",
     "steps or draws of the stage that were done at the end"},
    {"steps", KAD_CELL_I64, offsetof(kad_attempt, place.total), "1", "of so many"},
};
enum { N_NUMBERS = sizeof numbers / sizeof numbers[0] };

static const char **text_of(kad_attempt *a, int i)
{
    return (const char **)(void *)((char *)a + texts[i].offset);
}

/* The rows there are, with room for one more. */
static kad_status read_rows(kad_scope *in, kad_h5 *file, size_t *n, kad_attempt **rows)
{
    size_t dims[KAD_H5_MAX_RANK] = {0};
    int rank;
    char path[64], **column;
    int64_t *whole[3];
    double *seconds;
    *n = 0;
    if (!kad_h5_exists(file, "/attempts")) return kad_take(in, 1, rows);
    KAD_CALL(kad_h5_shape(in->ctx, file, "/attempts/started", &rank, dims));
    *n = rank == 1 ? dims[0] : 0;
    KAD_CALL(kad_take(in, *n + 1, rows));
    KAD_CALL(kad_take(in, *n + 1, &column));
    KAD_CALL(kad_take(in, *n + 1, &seconds));
    for (int i = 0; i < N_TEXTS; i++) {
        snprintf(path, sizeof path, "/attempts/%s", texts[i].name);
        KAD_CALL(kad_h5_read_strings(in, file, path, *n, column));
        for (size_t k = 0; k < *n; k++)
            *text_of(&(*rows)[k], i) = column[k];
    }
    KAD_CALL(kad_h5_read_strings(in, file, "/attempts/stage", *n, column));
    static const char *const names[] = {"threads", "step", "steps"};
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "/attempts/%s", names[i]);
        KAD_CALL(kad_take(in, *n + 1, &whole[i]));
        KAD_CALL(kad_h5_read(in->ctx, file, path, KAD_H5_I64, 1, n, whole[i]));
    }
    KAD_CALL(kad_h5_read(in->ctx, file, "/attempts/seconds", KAD_H5_F64, 1, n, seconds));
    for (size_t k = 0; k < *n; k++) {
        kad_attempt *a = &(*rows)[k];
        snprintf(a->place.stage, sizeof a->place.stage, "%s", column[k]);
        a->threads = whole[0][k];
        a->place.step = whole[1][k];
        a->place.total = whole[2][k];
        a->seconds = seconds[k];
    }
    return KAD_OK;
}

static kad_status write_rows(kad_scope *in, kad_h5 *file, size_t n, kad_attempt *rows)
{
    const char **column;
    KAD_CALL(kad_take(in, n, &column));
    kad_writer w = kad_write_anew(in->ctx, file, "/attempts");
    for (int i = 0; i < N_TEXTS; i++) {
        for (size_t k = 0; k < n; k++)
            column[k] = *text_of(&rows[k], i);
        kad_write_names(&w, texts[i].name, "attempt", texts[i].long_name, n, column);
    }
    for (size_t k = 0; k < n; k++)
        column[k] = rows[k].place.stage;
    kad_write_names(&w, "stage", "attempt", "stage at which it ended", n, column);
    kad_write_columns(&w, "attempt", N_NUMBERS, numbers, n, rows, sizeof *rows);
    return kad_write_end(&w);
}

/* Nothing but the last bits can differ, and only then are two runs not the same to the byte. */
static void compare(kad_ctx *ctx, const kad_run *run, const kad_attempt *before,
                    const kad_attempt *now)
{
    const bool cpu = strcmp(before->cpu, now->cpu) != 0;
    if (!cpu && strcmp(before->kernels, now->kernels) == 0) return;
    kad_note(
        ctx,
        "%s: was begun on %s (%s), goes on on %s (%s): results stay right, their last "
        "bits may not be those of one machine",
        kad_run_path(run), before->cpu, before->kernels, now->cpu, now->kernels);
}

kad_status kad_attempts_begin(kad_ctx *ctx, const kad_run *run, kad_h5 *file,
                              const kad_attempt *attempt)
{
    KAD_SCOPE(scope, ctx);
    size_t n;
    kad_attempt *rows;
    KAD_CALL(read_rows(&scope, file, &n, &rows));
    if (n > 0 && strcmp(rows[n - 1].status, "running") == 0) {
        rows[n - 1].status = "killed";
        KAD_CALL(kad_place_read(ctx, run, &rows[n - 1].place));
    }
    if (n > 0) compare(ctx, run, &rows[n - 1], attempt);
    rows[n] = *attempt;
    rows[n].seconds = NAN;
    return write_rows(&scope, file, n + 1, rows);
}

kad_status kad_attempts_end(kad_ctx *ctx, kad_h5 *file, const kad_attempt *attempt)
{
    KAD_SCOPE(scope, ctx);
    size_t n;
    kad_attempt *rows;
    KAD_CALL(read_rows(&scope, file, &n, &rows));
    if (n == 0) return KAD_OK;
    rows[n - 1].ended = attempt->ended;
    rows[n - 1].status = attempt->status;
    rows[n - 1].seconds = attempt->seconds;
    rows[n - 1].place = attempt->place;
    return write_rows(&scope, file, n, rows);
}
