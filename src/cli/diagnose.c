/* `kadanoff diagnose`: every warning about a run. */
#include "analysis/advice.h"
#include "analysis/diagnostics.h"
#include "analysis/warn.h"
#include "base/memory.h"
#include "cli/command.h"
#include "cli/print.h"
#include "run/pipeline.h"
#include "run/run_state.h"

#include <string.h>

kad_status kad_print_diagnostics(kad_ctx *ctx, kad_h5 *file, kad_severity *worst)
{
    KAD_SCOPE(scope, ctx);
    kad_diagnostics *d;
    KAD_CALL(kad_take(&scope, 1, &d));
    if (kad_h5_exists(file, "/diagnostics") || !kad_h5_exists(file, "/training"))
        KAD_CALL(kad_diagnostics_read(ctx, file, d));
    else /* trained, and nothing analysed yet */
        KAD_CALL(kad_warn_training(ctx, file, d));
    for (size_t i = 0; i < d->n; i++)
        printf("%s%s:%s %s\n", kad_color(d->item[i].severity),
               kad_severity_name(d->item[i].severity), kad_color_end(),
               d->item[i].message);
    if (d->n == 0 && kad_h5_exists(file, "/diagnostics")) printf("no warnings\n");
    *worst = kad_diagnostics_worst(d);
    return KAD_OK;
}

/* `text` as one word of a command for a shell. */
static void print_word(const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789_./=+-,:@%";
    if (text[strspn(text, plain)] == '\0') {
        fputs(text, stdout);
        return;
    }
    putchar('\'');
    for (; *text != '\0'; text++)
        if (*text == '\'')
            fputs("'\\''", stdout);
        else
            putchar(*text);
    putchar('\'');
}

/* What is missing, and what to type. */
static kad_status print_state(kad_ctx *ctx, const kad_run *run, kad_h5 *file,
                              const char *path)
{
    kad_run_state state;
    KAD_CALL(kad_run_state_of(ctx, run, file, &state));
    if (state.stand == KAD_RUN_COMPLETE) return KAD_OK;
    printf("warning: this run is not complete (%s)",
           state.stand == KAD_RUN_RUNNING ? "running now" : state.words);
    if (state.stand != KAD_RUN_RUNNING) {
        printf(": go on with: kadanoff run ");
        print_word(path);
    }
    printf("\n");
    if (!kad_h5_exists(file, "/diagnostics"))
        printf("warning: nothing is analysed yet: its numbers are not checked\n");
    return KAD_OK;
}

static bool known(size_t n, char list[][KAD_ADVICE], const char *advice)
{
    const size_t length = strcspn(advice, "=");
    for (size_t i = 0; i < n; i++)
        if (strncmp(list[i], advice, length + 1) == 0) return true;
    return false;
}

/* One command that follows every advice which the run's own config takes; the first one
 * about a key counts. */
static kad_status print_advice(kad_app *app, const kad_run *run, kad_h5 *file)
{
    enum { MOST = 16, MAX_CONFIG_BYTES = 1 << 20 };
    kad_ctx *ctx = &app->ctx;
    KAD_SCOPE(scope, ctx);
    kad_diagnostics *d;
    KAD_LOCAL(char, text);
    char name[512], out[512], list[MOST][KAD_ADVICE];
    size_t n = 0;
    snprintf(name, sizeof name, "%s/config.yaml", kad_run_path(run));
    snprintf(out, sizeof out, "%s-2", kad_run_path(run));
    if (kad_run_read_text(ctx, run, "config.yaml", MAX_CONFIG_BYTES, &text) != KAD_OK)
        return KAD_OK; /* results alone: nothing to run again */
    KAD_CALL(kad_take(&scope, 1, &d));
    KAD_CALL(kad_diagnostics_read(ctx, file, d));
    for (size_t i = 0; i < d->n && n < MOST; i++) {
        kad_advice_of(ctx, file, &d->item[i], list[n]);
        if (list[n][0] != '\0' && !known(n, list, list[n]) &&
            kad_pipeline_accepts(app, text, name, list[n]))
            n++;
    }
    if (n == 0) return KAD_OK;
    printf("advice: kadanoff run ");
    print_word(name);
    printf(" -o ");
    print_word(out);
    for (size_t i = 0; i < n; i++) {
        putchar(' ');
        print_word(list[i]);
    }
    putchar('\n');
    return KAD_OK;
}

kad_status kad_cmd_diagnose(kad_app *app)
{
    kad_ctx *ctx = &app->ctx;
    KAD_LOCAL(kad_run, run);
    KAD_LOCAL(kad_h5, file);
    kad_severity worst = KAD_NOTE;
    KAD_CALL(kad_run_open(ctx, app->args[0], KAD_RUN_READ, &run));
    KAD_CALL(kad_results_open(ctx, run, &file));
    KAD_CALL(print_state(ctx, run, file, app->args[0]));
    KAD_CALL(kad_print_diagnostics(ctx, file, &worst));
    KAD_CALL(print_advice(app, run, file));
    if (worst == KAD_ERROR)
        return kad_fail(ctx, KAD_EDATA, "%s: a result of this run must not be used",
                        app->args[0]);
    return KAD_OK;
}
