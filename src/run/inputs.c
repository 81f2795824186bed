/* Files that a run starts from, by their digests. */
#include "train/inputs.h"
#include "io/run_folder.h"
#include "io/writer.h"
#include "run/recipe.h"

#include <stdio.h>

static kad_status digest_run(kad_ctx *ctx, const char *path,
                             char digest[KAD_DIGEST_CHARS])
{
    KAD_LOCAL(kad_run, run);
    KAD_LOCAL(kad_h5, file);
    KAD_CALL(kad_run_open(ctx, path, KAD_RUN_READ, &run));
    KAD_CALL(kad_results_open(ctx, run, &file));
    return kad_train_map_digest(ctx, file, digest);
}

/* The file or run folder of a key. */
static kad_status resolve(kad_ctx *ctx, kad_config *config, const char *key, bool folder)
{
    kad_status status;
    char full[64], digest[KAD_DIGEST_CHARS];
    const char *path = kad_config_string(config, key);
    uint64_t n_bytes;
    snprintf(full, sizeof full, "%s_sha256", key);
    if (path == NULL || kad_config_is_set(config, full)) return KAD_OK;
    status = folder ? digest_run(ctx, path, digest)
                    : kad_digest_file(ctx, path, &n_bytes, digest);
    if (status != KAD_OK) return kad_fail(ctx, status, "%s: %s", key, ctx->message);
    return *digest ? kad_config_resolve(ctx, config, full, digest) : KAD_OK;
}

kad_status kad_inputs_resolve(kad_ctx *ctx, kad_config *config)
{
    KAD_CALL(resolve(ctx, config, "train.data", false));
    KAD_CALL(resolve(ctx, config, "data.source", false));
    return resolve(ctx, config, "train.from", true);
}

/* The identity of a run, which digests of a map are not; "" of one that cannot be read any
 * more. */
static kad_status read_uuid(kad_scope *in, const char *path, const char **uuid)
{
    kad_ctx quiet = *in->ctx;
    KAD_LOCAL(kad_run, run);
    KAD_LOCAL(kad_h5, file);
    char *text;
    quiet.log = NULL;
    *uuid = "";
    if (kad_run_open(&quiet, path, KAD_RUN_READ, &run) != KAD_OK ||
        kad_results_open(&quiet, run, &file) != KAD_OK)
        return KAD_OK;
    KAD_CALL(kad_h5_attr_text(in, file, "/", "uuid", &text));
    *uuid = text;
    return KAD_OK;
}

kad_status kad_inputs_write(kad_ctx *ctx, const kad_config *config, kad_h5 *file)
{
    static const char *const keys[] = {"train.from", "train.data", "data.source",
                                       "action.couplings"};
    enum { N = sizeof keys / sizeof keys[0] };
    KAD_SCOPE(scope, ctx);
    const char *key[N], *path[N], *sha256[N], *uuid[N];
    char full[64];
    size_t n = 0;
    if (kad_h5_exists(file, "/inputs")) return KAD_OK;
    for (size_t i = 0; i < N; i++) {
        snprintf(full, sizeof full, "%s_sha256", keys[i]);
        if (!kad_config_is_set(config, full)) continue;
        key[n] = keys[i];
        path[n] = kad_config_string(config, keys[i]);
        if (path[n] == NULL) path[n] = "";
        sha256[n] = kad_config_string(config, full);
        uuid[n] = "";
        if (i == 0) KAD_CALL(read_uuid(&scope, path[n], &uuid[n]));
        n++;
    }
    if (n == 0) return KAD_OK;
    kad_writer w = kad_write_anew(ctx, file, "/inputs");
    kad_write_names(&w, "key", "input", "key of the config that names the file", n, key);
    kad_write_names(&w, "path", "input", "where it was", n, path);
    kad_write_names(&w, "sha256", "input",
                    "SHA-256 of the file, of a run of its map's parameters", n, sha256);
    kad_write_names(&w, "uuid", "input", "of a run its uuid", n, uuid);
    return kad_write_end(&w);
}
