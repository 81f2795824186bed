/* What a study has measured: the tables of run.h5. */
#include "analysis/table.h"
#include "api/study.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

kad_status kad_study_results(kad_study *study, kad_h5 **file)
{
    kad_ctx *ctx = &study->app.ctx;
    KAD_LOCAL(kad_run, run);
    KAD_LOCAL(kad_h5, own);
    *file = NULL;
    KAD_CALL(kad_run_open(ctx, study->app.out, KAD_RUN_READ, &run));
    KAD_CALL(kad_results_open(ctx, run, &own));
    KAD_CALL(kad_results_agree(ctx, study->job.config, run, own));
    *file = own;
    own = NULL;
    return KAD_OK;
}

/* "a, b, c"; what does not fit is left out. */
static void join(size_t n, char *const *names, size_t size, char *out)
{
    size_t at = 0;
    out[0] = '\0';
    for (size_t i = 0; i < n && at + strlen(names[i]) + 3 < size; i++)
        at += (size_t)snprintf(out + at, size - at, "%s%s", at > 0 ? ", " : "", names[i]);
}

static kad_status no_table(kad_study *study, kad_h5 *file, const char *name)
{
    kad_ctx *ctx = &study->app.ctx;
    KAD_SCOPE(scope, ctx);
    char there[600], **names;
    size_t n = 0;
    KAD_CALL(kad_members(&scope, file, "/analysis", &n, &names));
    join(n, names, sizeof there, there);
    return kad_fail(ctx, KAD_ENOINPUT, "%s/run.h5: no estimates of \"%s\"%s%s",
                    study->app.out, name, n > 0 ? "; there are: " : ": sample first",
                    there);
}

/* Estimates of a sampler; of one whose draws mean something by their weights only, those. */
static kad_status find_table(kad_scope *in, kad_study *study, kad_h5 *file,
                             const char *name, kad_table *table)
{
    static const char *const tails[] = {"", "_reweighted"};
    char path[192];
    *table = (kad_table){0};
    for (size_t i = 0; table->n == 0 && i < sizeof tails / sizeof *tails; i++) {
        const int n = snprintf(path, sizeof path, "/analysis/%s%s", name, tails[i]);
        if (n < 0 || (size_t)n >= sizeof path || strchr(name, '/') != NULL) break;
        KAD_CALL(kad_table_read(in, file, path, table));
    }
    return table->n == 0 ? no_table(study, file, name) : KAD_OK;
}

typedef struct question {
    const char *table, *observable;
    double *mean, *error, *tau_int, *exact; /* NULL: not wanted */
} question;

static void put(double *out, double value)
{
    if (out != NULL) *out = value;
}

static kad_status answer(kad_study *study, void *arguments)
{
    const question *q = arguments;
    kad_ctx *ctx = &study->app.ctx;
    KAD_SCOPE(scope, ctx);
    KAD_LOCAL(kad_h5, file);
    kad_table t;
    KAD_CALL(kad_study_require(study));
    if (q->table == NULL || q->observable == NULL)
        return kad_fail(ctx, KAD_EUSAGE, "no sampler or no observable is named");
    KAD_CALL(kad_study_results(study, &file));
    KAD_CALL(find_table(&scope, study, file, q->table, &t));
    const size_t i = kad_table_find(&t, q->observable);
    if (i == t.n) {
        char there[600];
        join(t.n, t.observable, sizeof there, there);
        return kad_fail(ctx, KAD_ENOINPUT, "%s/run.h5: %s has no \"%s\"; it has: %s",
                        study->app.out, q->table, q->observable, there);
    }
    put(q->mean, t.mean.data[i]);
    put(q->error, kad_table_at(&t, &t.err, i));
    put(q->tau_int, kad_table_at(&t, &t.tau, i));
    put(q->exact, kad_table_at(&t, &t.exact, i));
    return KAD_OK;
}

kad_status kad_study_log_z(kad_study *study, double *value, double *error, double *exact)
{
    question q = {"log_z", "log_z", value, error, NULL, exact};
    return kad_study_call(study, answer, &q);
}

kad_status kad_study_mean(kad_study *study, const char *sampler, const char *observable,
                          double *mean, double *error, double *tau_int, double *exact)
{
    question q = {sampler, observable, mean, error, tau_int, exact};
    return kad_study_call(study, answer, &q);
}
