/* SHA-256 of data and of files, as 64 hexadecimal digits: what `sha256sum` prints. */
#ifndef KAD_IO_DIGEST_H
#define KAD_IO_DIGEST_H

#include "base/context.h"

#include <stddef.h>
#include <stdint.h>

enum { KAD_DIGEST_CHARS = 65 };

void kad_digest(const void *data, size_t n_bytes, char digest[KAD_DIGEST_CHARS]);
/* Of a regular file of any size. Errors: KAD_ENOINPUT (absent, not a regular file),
 * KAD_EIO, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_digest_file(kad_ctx *ctx, const char *path, uint64_t *n_bytes,
                                        char digest[KAD_DIGEST_CHARS]);
/* Of n_bytes of an open file, from `at` on. Errors: KAD_EIO, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_digest_range(kad_ctx *ctx, int fd, const char *path,
                                         uint64_t at, uint64_t n_bytes,
                                         char digest[KAD_DIGEST_CHARS]);
/* KAD_EDATA with both digests unless `found`, that of `path`, is the one that config key
 * `key` demands (NULL: it demands none). */
KAD_MUST_USE kad_status kad_digest_require(kad_ctx *ctx, const char *path,
                                           const char *key, const char *expected,
                                           const char *found);

#endif
