#include "train/inputs.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

kad_status kad_train_map_digest(kad_ctx *ctx, kad_h5 *file, char digest[KAD_DIGEST_CHARS])
{
    KAD_SCOPE(scope, ctx);
    char *text;
    digest[0] = '\0';
    if (!kad_h5_attr_exists(file, "/flow", "sha256")) return KAD_OK;
    KAD_CALL(kad_h5_attr_string(&scope, file, "/flow", "sha256", &text));
    snprintf(digest, KAD_DIGEST_CHARS, "%s", text);
    return KAD_OK;
}
