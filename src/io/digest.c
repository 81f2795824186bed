#include "io/digest.h"

#include "base/memory.h"
#include "io/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE_BYTES = 1 << 20 };

static void end_in_hex(kad_sha256 *sha, char digest[KAD_DIGEST_CHARS])
{
    unsigned char bytes[KAD_SHA256_BYTES];
    kad_sha256_end(sha, bytes);
    for (int i = 0; i < KAD_SHA256_BYTES; i++)
        snprintf(digest + 2 * i, 3, "%02x", bytes[i]);
}

void kad_digest(const void *data, size_t n_bytes, char digest[KAD_DIGEST_CHARS])
{
    kad_sha256 sha;
    kad_sha256_begin(&sha);
    kad_sha256_add(&sha, data, n_bytes);
    end_in_hex(&sha, digest);
}

/* Of an open file, from `at` on, `most` bytes or all there are. */
static kad_status digest_part(kad_ctx *ctx, int fd, const char *path, uint64_t at,
                              uint64_t most, uint64_t *n_bytes,
                              char digest[KAD_DIGEST_CHARS])
{
    KAD_SCOPE(scope, ctx);
    unsigned char *piece;
    kad_sha256 sha;
    *n_bytes = 0;
    KAD_CALL(kad_scope_take(&scope, PIECE_BYTES, 1, &piece));
    kad_sha256_begin(&sha);
    while (*n_bytes < most) {
        const uint64_t left = most - *n_bytes;
        const ssize_t n = pread(fd, piece, left < PIECE_BYTES ? left : PIECE_BYTES,
                                (off_t)(at + *n_bytes));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0)
            return kad_fail(ctx, KAD_EIO, "%s: cannot be read: %s", path,
                            strerror(errno));
        if (n == 0) break;
        kad_sha256_add(&sha, piece, (size_t)n);
        *n_bytes += (uint64_t)n;
    }
    end_in_hex(&sha, digest);
    return KAD_OK;
}

kad_status kad_digest_file(kad_ctx *ctx, const char *path, uint64_t *n_bytes,
                           char digest[KAD_DIGEST_CHARS])
{
    kad_status status;
    struct stat info;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return kad_fail(ctx, KAD_ENOINPUT, "%s: %s", path, strerror(errno));
    if (fstat(fd, &info) != 0)
        status = kad_fail(ctx, KAD_EIO, "%s: %s", path, strerror(errno));
    else if (!S_ISREG(info.st_mode))
        status = kad_fail(ctx, KAD_ENOINPUT, "%s: not a regular file", path);
    else
        status = digest_part(ctx, fd, path, 0, UINT64_MAX, n_bytes, digest);
    close(fd);
    return status;
}

kad_status kad_digest_range(kad_ctx *ctx, int fd, const char *path, uint64_t at,
                            uint64_t n_bytes, char digest[KAD_DIGEST_CHARS])
{
    uint64_t n;
    KAD_CALL(digest_part(ctx, fd, path, at, n_bytes, &n, digest));
    if (n == n_bytes) return KAD_OK;
    return kad_fail(ctx, KAD_EIO, "%s: ended after %llu bytes", path,
                    (unsigned long long)(at + n));
}

kad_status kad_digest_require(kad_ctx *ctx, const char *path, const char *key,
                              const char *expected, const char *found)
{
    if (expected == NULL || strcmp(expected, found) == 0) return KAD_OK;
    return kad_fail(ctx, KAD_EDATA, "%s: the file has SHA-256 %s, but %s is %s", path,
                    found, key, expected);
}
