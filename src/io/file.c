/* Whole files, and folders. */
#define _XOPEN_SOURCE 700 /* nftw */
#include "io/file.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

kad_status kad_errno_status(int why, kad_status other)
{
    switch (why) {
    case ENOMEM:
        return KAD_ENOMEM;
    case EIO:
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
    case ESTALE:
        return KAD_EIO;
    default:
        return other;
    }
}

static bool is_absence(int why)
{
    return why == ENOENT || why == ENOTDIR;
}

kad_status kad_file_exists(kad_ctx *ctx, const char *path, bool *exists)
{
    struct stat info;
    int result;
    KAD_RETRY(result, lstat(path, &info));
    *exists = result == 0;
    if (*exists || is_absence(errno)) return KAD_OK;
    return kad_fail(ctx, kad_errno_status(errno, KAD_EIO), "%s: %s", path,
                    strerror(errno));
}

kad_status kad_file_is_folder(kad_ctx *ctx, const char *path, bool *folder)
{
    struct stat info;
    int result;
    KAD_RETRY(result, stat(path, &info));
    *folder = result == 0 && S_ISDIR(info.st_mode);
    if (result == 0 || is_absence(errno)) return KAD_OK;
    return kad_fail(ctx, kad_errno_status(errno, KAD_ENOINPUT), "%s: %s", path,
                    strerror(errno));
}

static kad_status read_all(kad_ctx *ctx, int fd, const char *path, char *data, size_t n)
{
    size_t have = 0;
    while (have < n) {
        ssize_t got;
        KAD_RETRY(got, read(fd, data + have, n - have));
        if (got < 0)
            return kad_fail(ctx, kad_errno_status(errno, KAD_EIO),
                            "%s: cannot be read: %s", path, strerror(errno));
        if (got == 0)
            return kad_fail(ctx, KAD_EIO, "%s: ended after %zu of %zu bytes", path, have,
                            n);
        have += (size_t)got;
    }
    return KAD_OK;
}

/* A regular file, open for reading; not -1 only on success. */
void kad_file_close(int *fd)
{
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

static kad_status open_regular(kad_ctx *ctx, const char *path, int *fd, uintmax_t *n)
{
    struct stat info;
    int result;
    KAD_RETRY(*fd, open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (*fd < 0)
        return kad_fail(ctx, kad_errno_status(errno, KAD_ENOINPUT), "%s: %s", path,
                        strerror(errno));
    KAD_RETRY(result, fstat(*fd, &info));
    if (result == 0 && S_ISREG(info.st_mode)) {
        *n = (uintmax_t)info.st_size;
        return KAD_OK;
    }
    if (result != 0)
        return kad_fail(ctx, kad_errno_status(errno, KAD_EIO), "%s: %s", path,
                        strerror(errno));
    return kad_fail(ctx, KAD_ENOINPUT, "%s: not a regular file", path);
}

kad_status kad_file_read(kad_ctx *ctx, const char *path, size_t max_bytes, char **data,
                         size_t *n_bytes)
{
    uintmax_t size;
    int fd KAD_CLEARED(kad_file_close) = -1;
    KAD_LOCAL(char, all);
    *data = NULL;
    *n_bytes = 0;
    KAD_CALL(open_regular(ctx, path, &fd, &size));
    if (size > max_bytes)
        return kad_fail(ctx, KAD_EDATA, "%s: %ju bytes, at most %zu are allowed", path,
                        size, max_bytes);
    size_t n = (size_t)size;
    KAD_CALL(kad_new(ctx, n + 1, 1, &all));
    KAD_CALL(read_all(ctx, fd, path, all, n));
    *n_bytes = n;
    *data = all;
    all = NULL;
    return KAD_OK;
}

kad_status kad_file_read_input(kad_ctx *ctx, size_t max_bytes, char **data,
                               size_t *n_bytes)
{
    size_t have = 0;
    KAD_LOCAL(char, all);
    *data = NULL;
    *n_bytes = 0;
    KAD_CALL(kad_new(ctx, max_bytes + 1, 1, &all));
    for (ssize_t got = 1; got != 0 && have <= max_bytes;) {
        KAD_RETRY(got, read(STDIN_FILENO, all + have, max_bytes + 1 - have));
        if (got < 0)
            return kad_fail(ctx, KAD_EIO, "standard input: cannot be read: %s",
                            strerror(errno));
        have += (size_t)got;
    }
    if (have > max_bytes)
        return kad_fail(ctx, KAD_EDATA,
                        "standard input: more than the %zu bytes that are allowed",
                        max_bytes);
    all[have] = 0;
    *n_bytes = have;
    *data = all;
    all = NULL;
    return KAD_OK;
}

kad_status kad_file_ends(kad_ctx *ctx, const char *path, size_t n, void *head, void *tail,
                         size_t *n_bytes)
{
    uintmax_t size;
    int fd KAD_CLEARED(kad_file_close) = -1;
    memset(head, 0, n);
    memset(tail, 0, n);
    KAD_CALL(open_regular(ctx, path, &fd, &size));
    const size_t most = size < n ? (size_t)size : n;
    KAD_CALL(read_all(ctx, fd, path, head, most));
    if (lseek(fd, (off_t)(size - most), SEEK_SET) < 0)
        return kad_fail(ctx, KAD_EIO, "%s: cannot be read: %s", path, strerror(errno));
    KAD_CALL(read_all(ctx, fd, path, (char *)tail + (n - most), most));
    *n_bytes = size < SIZE_MAX ? (size_t)size : SIZE_MAX;
    return KAD_OK;
}

static kad_status temporary_name(kad_ctx *ctx, const char *path, char **out)
{
    size_t n = strlen(path) + sizeof ".tmp";
    kad_status status = kad_new(ctx, n, 1, out);
    if (status == KAD_OK) snprintf(*out, n, "%s.tmp", path);
    return status;
}

void kad_file_drop_temporary(const char *path)
{
    char *temporary;
    if (temporary_name(NULL, path, &temporary) == KAD_OK) unlink(temporary);
    kad_free(temporary);
}

static int write_all(int fd, const char *data, size_t n)
{
    while (n > 0) {
        ssize_t put;
        KAD_RETRY(put, write(fd, data, n));
        if (put < 0) return -1;
        data += put;
        n -= (size_t)put;
    }
    return 0;
}

static int write_pieces(int fd, size_t n_pieces, const kad_file_piece *pieces)
{
    int result;
    for (size_t i = 0; i < n_pieces; i++)
        if (write_all(fd, pieces[i].data, pieces[i].n_bytes) != 0) return -1;
    KAD_RETRY(result, fsync(fd));
    return result;
}

/* A file of our own: whatever has the name goes first, so that neither a link nor another
 * name of a file is written through. */
static int create_temporary(const char *temporary)
{
    int fd;
    KAD_RETRY(fd, unlink(temporary));
    if (fd != 0 && errno != ENOENT) return -1;
    KAD_RETRY(
        fd, open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666));
    return fd;
}

/* After fsync an interrupted close loses nothing, and the descriptor is gone. */
static int close_written(int fd)
{
    return close(fd) == 0 || errno == EINTR ? 0 : -1;
}

kad_status kad_file_write_temporary(kad_ctx *ctx, const char *path, size_t n_pieces,
                                    const kad_file_piece *pieces)
{
    KAD_LOCAL(char, temporary);
    KAD_CALL(temporary_name(ctx, path, &temporary));
    int fd = create_temporary(temporary);
    if (fd < 0)
        return kad_fail(ctx, kad_errno_status(errno, KAD_ECREATE),
                        "%s: cannot be created: %s", path, strerror(errno));
    int failed = write_pieces(fd, n_pieces, pieces) != 0 ? errno : 0;
    if (close_written(fd) != 0 && !failed) failed = errno;
    if (failed) {
        unlink(temporary);
        return kad_fail(ctx, kad_errno_status(failed, KAD_EIO),
                        "%s: cannot be written: %s", path, strerror(failed));
    }
    return KAD_OK;
}

int kad_file_lock(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int result;
    KAD_RETRY(result, fcntl(fd, F_SETLK, &lock));
    return result;
}

bool kad_file_is_held(int fd, long *pid)
{
    struct flock query = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int result;
    KAD_RETRY(result, fcntl(fd, F_GETLK, &query));
    if (pid != NULL) *pid = (long)query.l_pid;
    return result == 0 && query.l_type != F_UNLCK;
}

int kad_file_folder(const char *path)
{
    char *folder = kad_strdup(path);
    int fd = -1;
    errno = ENOMEM;
    if (folder == NULL) return fd;
    char *slash = strrchr(folder, '/');
    if (slash == folder) slash++;
    if (slash) *slash = 0;
    KAD_RETRY(fd, open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const int why = errno;
    kad_free(folder);
    errno = why;
    return fd;
}

kad_status kad_file_sync_folder(kad_ctx *ctx, const char *path)
{
    kad_status status = KAD_OK;
    int result = -1;
    const int fd = kad_file_folder(path);
    if (fd >= 0) KAD_RETRY(result, fsync(fd));
    if (result != 0 && (fd < 0 || (errno != EINVAL && errno != EROFS)))
        status = kad_fail(ctx, kad_errno_status(errno, KAD_EIO),
                          "%s: folder cannot be synced: %s", path, strerror(errno));
    if (fd >= 0) close(fd);
    return status;
}

/* Of the nearest folder above that exists. */
static int space_at(const char *path, struct statvfs *info)
{
    char *part = kad_strdup(path), *slash;
    int result = -1;
    errno = ENOMEM;
    while (part && *part) {
        KAD_RETRY(result, statvfs(part, info));
        if (result == 0 || !is_absence(errno)) break;
        slash = strrchr(part, '/');
        if (!slash && strcmp(part, ".") != 0)
            strcpy(part, ".");
        else if (slash)
            slash[slash == part] = 0;
        else
            break;
    }
    kad_free(part);
    return result;
}

kad_status kad_file_require_space(kad_ctx *ctx, const char *path, double n_bytes,
                                  const char *what)
{
    struct statvfs info;
    if (space_at(path, &info) != 0 || info.f_blocks == 0) return KAD_OK;
    const double available = (double)info.f_bavail * (double)info.f_frsize;
    if (n_bytes <= available) return KAD_OK;
    return kad_fail(
        ctx, KAD_ECONFIG,
        "%s: %s needs about %.1f MiB of disk, but only %.1f MiB are free there", path,
        what, n_bytes / 0x1p20, available / 0x1p20);
}

kad_status kad_file_commit(kad_ctx *ctx, const char *path)
{
    KAD_LOCAL(char, temporary);
    int result;
    KAD_CALL(temporary_name(ctx, path, &temporary));
    KAD_RETRY(result, rename(temporary, path));
    if (result != 0) {
        int why = errno;
        unlink(temporary);
        return kad_fail(ctx, kad_errno_status(why, KAD_ECREATE),
                        "%s: cannot be replaced: %s", path, strerror(why));
    }
    return kad_file_sync_folder(ctx, path);
}

kad_status kad_file_write(kad_ctx *ctx, const char *path, size_t n_pieces,
                          const kad_file_piece *pieces)
{
    kad_status status = kad_file_write_temporary(ctx, path, n_pieces, pieces);
    return status == KAD_OK ? kad_file_commit(ctx, path) : status;
}

/* Written where it is not what stands there. */
static kad_status update(kad_ctx *ctx, const char *path, const char *text, size_t n_bytes)
{
    bool exists = false;
    KAD_LOCAL(char, old);
    size_t n = 0;
    KAD_CALL(kad_file_exists(ctx, path, &exists));
    if (exists) {
        const kad_status status = kad_file_read(ctx, path, n_bytes, &old, &n);
        if (status != KAD_OK && status != KAD_EDATA) return status; /* longer: another */
    }
    if (old == NULL || n != n_bytes || memcmp(old, text, n) != 0)
        KAD_CALL(kad_file_write(ctx, path, 1, &(kad_file_piece){text, n_bytes}));
    return KAD_OK;
}

kad_status kad_file_print(kad_ctx *ctx, const char *path, kad_file_printer *print,
                          const void *self)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out != NULL) print(out, self);
    bool failed = out == NULL || ferror(out) != 0;
    if (out != NULL && fclose(out) != 0) failed = true;
    const kad_status status = failed
                                  ? kad_fail(ctx, KAD_ENOMEM, "%s: out of memory", path)
                                  : update(ctx, path, text, size);
    free(text);
    return status;
}

kad_status kad_file_make_folder(kad_ctx *ctx, const char *path)
{
    kad_status status = KAD_OK;
    bool is_folder = true;
    char *part = kad_strdup(path);
    if (!part) return kad_fail(ctx, KAD_ENOMEM, "out of memory");
    for (char *c = part + 1; status == KAD_OK; c++) {
        int result;
        if (*c && *c != '/') continue;
        bool last = *c == 0;
        *c = 0;
        KAD_RETRY(result, mkdir(part, 0777));
        if (result != 0 && errno != EEXIST)
            status = kad_fail(ctx, kad_errno_status(errno, KAD_ECREATE),
                              "%s: cannot be created: %s", part, strerror(errno));
        if (last) break;
        *c = '/';
    }
    kad_free(part);
    if (status == KAD_OK) status = kad_file_is_folder(ctx, path, &is_folder);
    if (status == KAD_OK && !is_folder)
        status = kad_fail(ctx, KAD_ECREATE, "%s: exists and is not a folder", path);
    return status;
}

static int remove_entry(const char *path, const struct stat *info, int kind,
                        struct FTW *where)
{
    (void)info;
    (void)where;
    return kind == FTW_DP ? rmdir(path) : unlink(path);
}

kad_status kad_file_remove_folder(kad_ctx *ctx, const char *path)
{
    enum { DESCRIPTORS = 8 };
    bool exists = false;
    KAD_CALL(kad_file_exists(ctx, path, &exists));
    if (!exists || nftw(path, remove_entry, DESCRIPTORS, FTW_DEPTH | FTW_PHYS) == 0)
        return KAD_OK;
    return kad_fail(ctx, kad_errno_status(errno, KAD_EIO), "%s: cannot be removed: %s",
                    path, strerror(errno));
}
