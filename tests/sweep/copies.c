/* copies SWEEP.yaml: every point of a sweep as if it had been run, for tests of what thousands of
 * them cost. The run of point 1 is linked into the folders of the others; run.h5 is a copy that
 * says of itself, as whole files do, that it is complete by the config of its point. The numbers
 * in it are point 1's. */
#include "base/memory.h"
#include "io/file.h"
#include "io/sha256.h"
#include "run/pipeline.h"
#include "sweep/sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRAILER = 64, SHA = 24, TAG = 56 };

static kad_status copy(kad_app *app, const kad_sweep *s, int point, char *bytes, size_t n)
{
    KAD_SCOPE(scope, &app->ctx);
    static const char *const rest[] = {"config.yaml", "report.html", "progress.jsonl"};
    const char *first, *folder, *from, *to;
    char word[KAD_WORD_CHARS], *trailer = bytes + n - TRAILER;
    kad_sha256 sha;
    KAD_CALL(kad_sweep_path(&scope, s, &s->point[0], &first));
    KAD_CALL(kad_sweep_path(&scope, s, &s->point[point], &folder));
    KAD_CALL(kad_file_make_folder(&app->ctx, folder));
    for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++) {
        KAD_CALL(kad_take_printf(&scope, &from, "%s/%s", first, rest[i]));
        KAD_CALL(kad_take_printf(&scope, &to, "%s/%s", folder, rest[i]));
        if (link(from, to) != 0) return kad_fail(&app->ctx, KAD_EIO, "%s", to);
    }
    KAD_CALL(kad_sweep_word(app, s, &s->point[point], word));
    trailer[TAG] = '=';
    memcpy(trailer + TAG + 1, word, sizeof word - 1);
    kad_sha256_begin(&sha);
    kad_sha256_add(&sha, bytes, n - TRAILER);
    kad_sha256_add(&sha, trailer + TAG, TRAILER - TAG);
    kad_sha256_end(&sha, (unsigned char *)trailer + SHA);
    KAD_CALL(kad_take_printf(&scope, &to, "%s/run.h5", folder));
    return kad_file_write(&app->ctx, to, 1, &(kad_file_piece){bytes, n});
}

static kad_status copy_all(kad_app *app, const char *name)
{
    KAD_SCOPE(scope, &app->ctx);
    KAD_LOCAL(char, text);
    KAD_LOCAL(char, bytes);
    kad_sweep *s;
    const char *first;
    size_t n;
    KAD_CALL(kad_pipeline_read(&app->ctx, name, &text));
    KAD_CALL(kad_sweep_read(&scope, app, text, name, &s));
    KAD_CALL(
        kad_take_printf(&scope, &first, "%s/%s/run.h5", app->out, s->point[0].folder));
    KAD_CALL(kad_file_read(&app->ctx, first, SIZE_MAX, &bytes, &n));
    for (int i = 1; i < s->n_points; i++)
        KAD_CALL(copy(app, s, i, bytes, n));
    return KAD_OK;
}

int main(int argc, char **argv)
{
    kad_app app = {0};
    char folder[512];
    kad_ctx_init(&app.ctx, 1);
    if (argc != 2) return 64;
    snprintf(folder, sizeof folder, "%.*s", (int)strcspn(argv[1], "."), argv[1]);
    app.out = folder;
    if (copy_all(&app, argv[1]) == KAD_OK) return 0;
    fprintf(stderr, "%s\n", app.ctx.message);
    return 1;
}
