#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "image/bytes.h"

#include "io/file.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_ZLIB
#include <zlib.h>
#else
typedef FILE *gzFile;
#endif

struct kad_bytes {
    char *path;
    gzFile file;
};

#ifdef HAVE_ZLIB
enum { BUFFER_BYTES = 1 << 18, MOST_AT_ONCE = 1 << 28 };

static gzFile attach(int fd, const uint8_t *head)
{
    const gzFile file = gzdopen(fd, "rb");
    (void)head;
    if (file != NULL) gzbuffer(file, BUFFER_BYTES);
    return file;
}

static long read_some(kad_bytes *b, size_t n, void *out)
{
    return gzread(b->file, out, (unsigned)(n < MOST_AT_ONCE ? n : MOST_AT_ONCE));
}

static const char *reason(const kad_bytes *b)
{
    int code;
    const char *text = gzerror(b->file, &code);
    if (code == Z_OK) return "it ends early";
    return code == Z_ERRNO       ? strerror(errno)
           : code == Z_BUF_ERROR ? "it ends early"
                                 : text;
}
#else
static gzFile attach(int fd, const uint8_t *head)
{
    if (head[0] == 0x1f && head[1] == 0x8b) return NULL;
    return fdopen(fd, "rb");
}

static long read_some(kad_bytes *b, size_t n, void *out)
{
    const size_t done = fread(out, 1, n, b->file);
    return ferror(b->file) ? -1 : (long)done;
}

static const char *reason(const kad_bytes *b)
{
    return ferror(b->file) ? strerror(errno) : "it ends early";
}

static void gzclose(FILE *file)
{
    fclose(file);
}
#endif

kad_status kad_bytes_open(kad_ctx *ctx, const char *path, kad_bytes **out)
{
    KAD_LOCAL(kad_bytes, bytes);
    uint8_t head[2], tail[2];
    size_t n;
    int fd;
    *out = NULL;
    KAD_CALL(kad_file_ends(ctx, path, sizeof head, head, tail, &n));
    KAD_CALL(kad_new(ctx, 1, sizeof *bytes, &bytes));
    bytes->path = kad_strdup(path);
    if (bytes->path == NULL) return kad_fail(ctx, KAD_ENOMEM, "out of memory");
    KAD_RETRY(fd, open(path, O_RDONLY | O_CLOEXEC));
    if (fd < 0)
        return kad_fail(ctx, kad_errno_status(errno, KAD_ENOINPUT), "%s: %s", path,
                        strerror(errno));
    bytes->file = attach(fd, head);
    if (bytes->file == NULL) {
        close(fd);
        return kad_fail(ctx, KAD_EDATA,
                        "%s: compressed by gzip, but this program was built without zlib",
                        path);
    }
    *out = bytes;
    bytes = NULL;
    return KAD_OK;
}

kad_status kad_bytes_read(kad_ctx *ctx, kad_bytes *bytes, size_t n, void *out)
{
    for (size_t have = 0; have < n;) {
        const long got = read_some(bytes, n - have, (char *)out + have);
        if (got <= 0)
            return kad_fail(ctx, KAD_EDATA, "%s: damaged: %s", bytes->path,
                            reason(bytes));
        have += (size_t)got;
    }
    return KAD_OK;
}

kad_status kad_bytes_end(kad_ctx *ctx, kad_bytes *bytes)
{
    char more;
    const long got = read_some(bytes, 1, &more);
    if (got == 0) return KAD_OK;
    return kad_fail(ctx, KAD_EDATA, "%s: damaged: %s", bytes->path,
                    got < 0 ? reason(bytes) : "longer than its header says");
}

void kad_bytes_close(kad_bytes *bytes)
{
    if (bytes == NULL) return;
    if (bytes->file != NULL) gzclose(bytes->file);
    kad_free(bytes->path);
    kad_free(bytes);
}
