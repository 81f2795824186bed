#include "api/study.h"

#include "base/isa.h"
#include "base/signals.h"

#include <gsl/gsl_errno.h>
#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* --- every call ------------------------------------------------------------------------ */

static pthread_mutex_t turn;
static pthread_once_t turn_made = PTHREAD_ONCE_INIT;

/* A call of one study may be made inside a callback of another. */
static void make_turn(void)
{
    pthread_mutexattr_t kind;
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&turn, &kind);
    pthread_mutexattr_destroy(&kind);
}

/* In the C locale; that of the caller's thread comes back. */
static kad_status work_in_c(kad_study *study, kad_study_work *work, void *arguments)
{
    const locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (c == (locale_t)0) return kad_fail(&study->app.ctx, KAD_ENOMEM, "out of memory");
    const locale_t before = uselocale(c);
    const kad_status status = work(study, arguments);
    uselocale(before);
    freelocale(c);
    return status;
}

kad_status kad_study_call(kad_study *study, kad_study_work *work, void *arguments)
{
    kad_ctx *ctx = &study->app.ctx;
    if (study->busy)
        return kad_fail(ctx, KAD_EUSAGE,
                        "a function of a study was called inside a callback of the same");
    ctx->message[0] = '\0';
    kad_status status = kad_isa_check(ctx);
    if (status != KAD_OK) return status;
    pthread_once(&turn_made, make_turn);
    pthread_mutex_lock(&turn);
    study->busy = true;
    atomic_store(&study->stop, false);
    const atomic_bool *outer = kad_stop_watch(&study->stop);
    gsl_error_handler_t *handler = gsl_set_error_handler_off();
    status = work_in_c(study, work, arguments);
    gsl_set_error_handler(handler);
    kad_stop_watch(outer);
    study->busy = false;
    pthread_mutex_unlock(&turn);
    if (status != KAD_OK && ctx->message[0] == '\0')
        kad_fail(ctx, status, "%s", kad_status_text(status));
    return status;
}

/* --- the handle ------------------------------------------------------------------------ */

kad_study *kad_study_create(int n_threads)
{
    static char program[] = "libkadanoff", *command_line[] = {program, NULL};
    kad_study *study = kad_alloc(1, sizeof *study);
    if (study == NULL) return NULL;
    kad_ctx_init(&study->app.ctx, n_threads);
    study->words.ctx = &study->app.ctx;
    study->app.argc = 1;
    study->app.argv = command_line;
    study->app.quiet = true;
    return study;
}

static void forget(kad_study *study)
{
    kad_map_destroy(study->map);
    kad_pipeline_release(&study->job);
    kad_scope_end(&study->words);
    study->map = NULL;
    study->has_own = false;
    study->job = (kad_pipeline){.app = &study->app};
}

void kad_study_destroy(kad_study *study)
{
    if (study == NULL) return;
    forget(study);
    kad_free(study);
}

const char *kad_study_message(const kad_study *study)
{
    return study->app.ctx.message;
}

void kad_study_on_notice(kad_study *study, kad_notice_call *call, void *self)
{
    study->app.ctx.log = call;
    study->app.ctx.sink = self;
}

void kad_study_stop(kad_study *study)
{
    atomic_store(&study->stop, true);
}

/* --- the config ------------------------------------------------------------------------ */

typedef struct binding {
    const char *text, *path, *folder; /* of text and path one is NULL */
    size_t n;
    const char *const *overrides;
} binding;

static kad_status keep_all(kad_study *study, const binding *b, const char *text)
{
    kad_scope *words = &study->words;
    const char *name = b->path != NULL ? b->path : "config";
    KAD_CALL(kad_take_text(words, text, &study->text));
    KAD_CALL(kad_take_text(words, name, &study->name));
    KAD_CALL(kad_take_text(words, b->folder, &study->app.out));
    KAD_CALL(kad_take(words, b->n, &study->app.overrides));
    for (size_t i = 0; i < b->n; i++)
        KAD_CALL(kad_take_text(words, b->overrides[i], &study->app.overrides[i]));
    study->app.n_overrides = (int)b->n;
    return KAD_OK;
}

static kad_status check_binding(kad_ctx *ctx, const binding *b)
{
    if (b->folder == NULL || b->folder[0] == '\0')
        return kad_fail(ctx, KAD_EUSAGE, "config: no run folder is named");
    if (b->text == NULL && b->path == NULL)
        return kad_fail(ctx, KAD_EUSAGE, "config: neither a text nor a file is named");
    for (size_t i = 0; i < b->n; i++)
        if (b->overrides[i] == NULL)
            return kad_fail(ctx, KAD_EUSAGE, "config: override %zu is NULL", i);
    return KAD_OK;
}

static kad_status bind_new(kad_study *study, const void *arguments)
{
    const binding *b = arguments;
    kad_ctx *ctx = &study->app.ctx;
    KAD_LOCAL(char, read);
    KAD_CALL(check_binding(ctx, b));
    if (b->text == NULL) KAD_CALL(kad_pipeline_read(ctx, b->path, &read));
    KAD_CALL(keep_all(study, b, b->text != NULL ? b->text : read));
    return kad_pipeline_prepare(&study->job, study->text, study->name,
                                study->app.n_overrides, study->app.overrides);
}

static kad_status bind(kad_study *study, void *arguments)
{
    forget(study);
    const kad_status status = bind_new(study, arguments);
    if (status != KAD_OK) forget(study);
    return status;
}

kad_status kad_study_load(kad_study *study, const char *path, const char *folder,
                          size_t n, const char *const *overrides)
{
    binding b = {.path = path, .folder = folder, .n = n, .overrides = overrides};
    return kad_study_call(study, bind, &b);
}

kad_status kad_study_parse(kad_study *study, const char *text, const char *folder,
                           size_t n, const char *const *overrides)
{
    binding b = {.text = text, .folder = folder, .n = n, .overrides = overrides};
    return kad_study_call(study, bind, &b);
}

static kad_status open_folder(kad_study *study, void *arguments)
{
    char path[4096];
    binding b = {.path = path, .folder = arguments};
    const int n =
        snprintf(path, sizeof path, "%s/config.yaml", b.folder != NULL ? b.folder : "");
    if (n < 0 || (size_t)n >= sizeof path)
        return kad_fail(&study->app.ctx, KAD_EUSAGE, "%.80s...: the name is too long",
                        b.folder);
    return bind(study, &b);
}

kad_status kad_study_open(kad_study *study, const char *folder)
{
    return kad_study_call(study, open_folder, (void *)folder);
}

kad_status kad_study_require(kad_study *study)
{
    if (study->job.model != NULL) return KAD_OK;
    return kad_fail(&study->app.ctx, KAD_EUSAGE,
                    "the study has no config: kad_study_load, _parse or _open first");
}

typedef struct sizes {
    int *d;
    size_t *shape, *n_components, *n_values;
} sizes;

static kad_status tell_sizes(kad_study *study, void *arguments)
{
    const sizes *out = arguments;
    const kad_status status = kad_study_require(study);
    if (status != KAD_OK) return status;
    const kad_lattice *lattice = study->job.model->lattice;
    const size_t n_components = (size_t)study->job.model->flow->n_comp;
    if (out->d != NULL) *out->d = lattice->d;
    for (int i = 0; out->shape != NULL && i < KAD_MAX_DIM; i++)
        out->shape[i] = i < lattice->d ? (size_t)lattice->shape[i] : 1;
    if (out->n_components != NULL) *out->n_components = n_components;
    if (out->n_values != NULL) *out->n_values = n_components * (size_t)lattice->n_sites;
    return KAD_OK;
}

kad_status kad_study_shape(kad_study *study, int *d, size_t shape[3],
                           size_t *n_components, size_t *n_values)
{
    sizes out = {d, shape, n_components, n_values};
    return kad_study_call(study, tell_sizes, &out);
}
