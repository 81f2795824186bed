/* Files that a run starts from, by their digests. */
#include "train/inputs.h"
#include "io/run_folder.h"
#include "run/recipe.h"

#include <stdio.h>

static kad_status digest_run(kad_ctx *ctx, const char *path,
                             char digest[KAD_DIGEST_CHARS])
{
    kad_status status;
    kad_run *run = NULL;
    kad_h5 *file = NULL;
    KAD_TRY(kad_run_open(ctx, path, KAD_RUN_READ, &run));
    KAD_TRY(kad_results_open(ctx, run, &file));
    KAD_TRY(kad_train_map_digest(ctx, file, digest));
done:
    kad_h5_close(file);
    kad_run_close(run);
    return status;
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
    kad_status status;
    KAD_TRY(resolve(ctx, config, "train.data", false));
    KAD_TRY(resolve(ctx, config, "data.source", false));
    KAD_TRY(resolve(ctx, config, "train.from", true));
done:
    return status;
}
