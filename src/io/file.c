/* Whole files. */
#include "io/file.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static kad_status read_all(kad_ctx *ctx, int fd, const char *path, char *data, size_t n)
{
    size_t have = 0;
    while (have < n) {
        ssize_t got = read(fd, data + have, n - have);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0)
            return kad_fail(ctx, KAD_EIO, "%s: cannot be read: %s", path,
                            strerror(errno));
        if (got == 0)
            return kad_fail(ctx, KAD_EIO, "%s: ended after %zu of %zu bytes", path, have,
                            n);
        have += (size_t)got;
    }
    return KAD_OK;
}

kad_status kad_file_read(kad_ctx *ctx, const char *path, size_t max_bytes, char **data,
                         size_t *n_bytes)
{
    kad_status status = KAD_OK;
    struct stat info;
    *data = NULL;
    *n_bytes = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return kad_fail(ctx, KAD_ENOINPUT, "%s: %s", path, strerror(errno));
    if (fstat(fd, &info) != 0)
        KAD_TRY(kad_fail(ctx, KAD_EIO, "%s: %s", path, strerror(errno)));
    if (!S_ISREG(info.st_mode))
        KAD_TRY(kad_fail(ctx, KAD_ENOINPUT, "%s: not a regular file", path));
    if ((uintmax_t)info.st_size > max_bytes)
        KAD_TRY(kad_fail(ctx, KAD_EDATA, "%s: %jd bytes, at most %zu are allowed", path,
                         (intmax_t)info.st_size, max_bytes));
    size_t n = (size_t)info.st_size;
    KAD_TRY(kad_new(ctx, n + 1, 1, data));
    KAD_TRY(read_all(ctx, fd, path, *data, n));
    *n_bytes = n;
done:
    close(fd);
    if (status != KAD_OK) {
        kad_free(*data);
        *data = NULL;
    }
    return status;
}

kad_status kad_file_read_input(kad_ctx *ctx, size_t max_bytes, char **data,
                               size_t *n_bytes)
{
    kad_status status = KAD_OK;
    size_t have = 0;
    *data = NULL;
    *n_bytes = 0;
    KAD_TRY(kad_new(ctx, max_bytes + 1, 1, data));
    for (ssize_t got = 1; got != 0 && have <= max_bytes;) {
        got = read(STDIN_FILENO, *data + have, max_bytes + 1 - have);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0)
            KAD_TRY(kad_fail(ctx, KAD_EIO, "standard input: cannot be read: %s",
                             strerror(errno)));
        have += (size_t)got;
    }
    if (have > max_bytes)
        KAD_TRY(kad_fail(ctx, KAD_EDATA,
                         "standard input: more than the %zu bytes that are allowed",
                         max_bytes));
    (*data)[have] = 0;
    *n_bytes = have;
done:
    if (status != KAD_OK) {
        kad_free(*data);
        *data = NULL;
    }
    return status;
}

static kad_status temporary_name(kad_ctx *ctx, const char *path, char **out)
{
    size_t n = strlen(path) + sizeof ".tmp";
    kad_status status = kad_new(ctx, n, 1, out);
    if (status == KAD_OK) snprintf(*out, n, "%s.tmp", path);
    return status;
}

static int write_all(int fd, const char *data, size_t n)
{
    while (n > 0) {
        ssize_t put = write(fd, data, n);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return -1;
        data += put;
        n -= (size_t)put;
    }
    return 0;
}

static int write_pieces(int fd, size_t n_pieces, const kad_piece *pieces)
{
    for (size_t i = 0; i < n_pieces; i++)
        if (write_all(fd, pieces[i].data, pieces[i].n_bytes) != 0) return -1;
    return fsync(fd);
}

kad_status kad_file_write_temporary(kad_ctx *ctx, const char *path, size_t n_pieces,
                                    const kad_piece *pieces)
{
    kad_status status;
    char *temporary;
    KAD_TRY(temporary_name(ctx, path, &temporary));
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0) {
        bool full = errno == ENOSPC || errno == EDQUOT;
        KAD_TRY(kad_fail(ctx, full ? KAD_EIO : KAD_ECREATE, "%s: cannot be created: %s",
                         path, strerror(errno)));
    }
    int failed = write_pieces(fd, n_pieces, pieces) != 0 ? errno : 0;
    if (close(fd) != 0 && !failed) failed = errno;
    if (failed) {
        unlink(temporary);
        status =
            kad_fail(ctx, KAD_EIO, "%s: cannot be written: %s", path, strerror(failed));
    }
done:
    kad_free(temporary);
    return status;
}

kad_status kad_file_sync_folder(kad_ctx *ctx, const char *path)
{
    kad_status status = KAD_OK;
    char *folder = kad_strdup(path);
    if (!folder) return kad_fail(ctx, KAD_ENOMEM, "out of memory");
    char *slash = strrchr(folder, '/');
    if (slash == folder) slash++;
    if (slash) *slash = 0;
    int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL && errno != EROFS))
        status = kad_fail(ctx, KAD_EIO, "%s: folder cannot be synced: %s", path,
                          strerror(errno));
    if (fd >= 0) close(fd);
    kad_free(folder);
    return status;
}

kad_status kad_file_commit(kad_ctx *ctx, const char *path)
{
    kad_status status;
    char *temporary;
    KAD_TRY(temporary_name(ctx, path, &temporary));
    if (rename(temporary, path) != 0) {
        int why = errno;
        unlink(temporary);
        KAD_TRY(kad_fail(ctx, why == EISDIR ? KAD_ECREATE : KAD_EIO,
                         "%s: cannot be replaced: %s", path, strerror(why)));
    }
    status = kad_file_sync_folder(ctx, path);
done:
    kad_free(temporary);
    return status;
}

kad_status kad_file_write(kad_ctx *ctx, const char *path, size_t n_pieces,
                          const kad_piece *pieces)
{
    kad_status status = kad_file_write_temporary(ctx, path, n_pieces, pieces);
    return status == KAD_OK ? kad_file_commit(ctx, path) : status;
}
