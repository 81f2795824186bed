/* The bytes of a file from its beginning on, compressed by gzip or not. */
#ifndef KAD_IMAGE_BYTES_H
#define KAD_IMAGE_BYTES_H

#include "base/memory.h"

#include <stdint.h>

typedef struct kad_bytes kad_bytes;

/* Errors: KAD_ENOINPUT; KAD_EDATA (compressed, but built without zlib). */
KAD_MUST_USE kad_status kad_bytes_open(kad_ctx *ctx, const char *path, kad_bytes **out);
/* The next n bytes; all of them, or KAD_EDATA: it ends early, or is damaged. */
KAD_MUST_USE kad_status kad_bytes_read(kad_ctx *ctx, kad_bytes *bytes, size_t n,
                                       void *out);
/* KAD_EDATA where there are more. */
KAD_MUST_USE kad_status kad_bytes_end(kad_ctx *ctx, kad_bytes *bytes);
void kad_bytes_close(kad_bytes *bytes);
KAD_LOCAL_OF(kad_bytes, kad_bytes_close)

#endif
