/* run.h5 of a run folder, and what its format was before. */
#include "io/run_folder.h"
#include "io/run_impl.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

/* --- older formats ------------------------------------------------------------------ */

static kad_status move_below(kad_ctx *ctx, kad_h5 *file, const char *group,
                             const char *from, const char *to)
{
    char old[256], new[256];
    snprintf(old, sizeof old, "%s/%s", group, from);
    snprintf(new, sizeof new, "%s/%s", group, to);
    return kad_h5_exists(file, old) ? kad_h5_move(ctx, file, old, new) : KAD_OK;
}

/* Up to version 2 the weights and actions of proposals lay beside the chain's series, and
 * draws that are proposals (`direct`) among the observables of states. */
static kad_status part_proposals(kad_ctx *ctx, kad_h5 *file, const char *sampler)
{
    char group[128], path[160];
    snprintf(group, sizeof group, "/samplers/%s", sampler);
    snprintf(path, sizeof path, "%s/log_weight", group);
    if (!kad_h5_exists(file, path)) return KAD_OK;
    snprintf(path, sizeof path, "%s/proposals", group);
    if (!kad_h5_exists(file, path)) {
        KAD_CALL(move_below(ctx, file, group, "observables", "proposals"));
        snprintf(path, sizeof path, "%s/proposals/action", group); /* the same twice */
        KAD_CALL(kad_h5_remove(ctx, file, path));
    }
    KAD_CALL(move_below(ctx, file, group, "action", "proposals/action"));
    return move_below(ctx, file, group, "log_weight", "proposals/log_weight");
}

static kad_status upgrade(kad_ctx *ctx, kad_h5 *file)
{
    KAD_SCOPE(scope, ctx);
    size_t n = 0;
    char **names;
    if (kad_h5_exists(file, "/samplers"))
        KAD_CALL(kad_h5_list(&scope, file, "/samplers", &n, &names));
    for (size_t i = 0; i < n; i++)
        KAD_CALL(part_proposals(ctx, file, names[i]));
    return kad_h5_attr_set_int(ctx, file, "/", "format_version", KAD_FORMAT_VERSION);
}

/* What is read is in the present format; a file without a version is not of a run. */
static kad_status check_format(kad_ctx *ctx, const char *path, kad_h5 *file)
{
    int64_t version = KAD_FORMAT_VERSION;
    if (kad_h5_attr_exists(file, "/", "format_version"))
        KAD_CALL(kad_h5_attr_int(ctx, file, "/", "format_version", &version));
    if (version > KAD_FORMAT_VERSION)
        return kad_fail(ctx, KAD_EDATA,
                        "%.500s: format_version %lld was written by a newer kadanoff; "
                        "this one reads up to %d",
                        path, (long long)version, KAD_FORMAT_VERSION);
    return version < KAD_FORMAT_VERSION ? upgrade(ctx, file) : KAD_OK;
}

/* --- the file ----------------------------------------------------------------------- */

kad_status kad_results_open(kad_ctx *ctx, const kad_run *run, kad_h5 **out)
{
    char *path;
    *out = NULL;
    kad_status status = kad_run_join(ctx, run, "run.h5", &path);
    if (status != KAD_OK) return status;
    status = kad_run_open_h5(ctx, run, path, false, out);
    if (status == KAD_ENOINPUT) status = kad_h5_create(ctx, out);
    if (status == KAD_EDATA)
        status = kad_fail(ctx, status,
                          "%.500s; move it away and `kadanoff run %.200s` makes it again "
                          "from the checkpoint",
                          ctx->message, kad_run_path(run));
    if (status == KAD_OK) status = check_format(ctx, path, *out);
    if (status != KAD_OK) {
        kad_h5_close(*out);
        *out = NULL;
    }
    kad_free(path);
    return status;
}

/* A complete run says so where it can be read at once, for a sweep has thousands: "=" and the
 * word of its config, or "complete" where it has none. */
static kad_status tag(kad_ctx *ctx, kad_h5 *file)
{
    KAD_SCOPE(scope, ctx);
    char *status, *word, text[KAD_H5_TAG + 1] = "";
    KAD_CALL(kad_h5_attr_text(&scope, file, "/", "status", &status));
    KAD_CALL(kad_h5_attr_text(&scope, file, "/", KAD_RESULTS_WORD, &word));
    if (strcmp(status, "complete") == 0)
        snprintf(text, sizeof text, "%s%s", *word != 0 ? "=" : status, word);
    kad_h5_set_tag(file, text);
    return KAD_OK;
}

bool kad_results_complete(kad_ctx *ctx, const kad_run *run, char word[KAD_WORD_CHARS])
{
    char *path = kad_run_file(run, "run.h5"), tag[KAD_H5_TAG + 1] = "";
    if (path != NULL) kad_h5_tag(ctx, path, tag);
    kad_free(path);
    snprintf(word, KAD_WORD_CHARS, "%s", *tag == '=' ? tag + 1 : "");
    return *tag == '=' || strcmp(tag, "complete") == 0;
}

kad_status kad_results_save(kad_ctx *ctx, const kad_run *run, kad_h5 *file)
{
    char *path;
    if (run->absent) return KAD_OK;
    kad_status status = kad_run_join(ctx, run, "run.h5", &path);
    if (status != KAD_OK) return status;
    status = tag(ctx, file);
    if (status == KAD_OK) status = kad_h5_save(ctx, file, path, false);
    kad_free(path);
    return status;
}
