/* The run folder, its lock and its text files. */
#include "io/run_folder.h"

#include "base/memory.h"
#include "io/file.h"
#include "io/run_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HOLDER_CHARS = 300 };

const char *kad_run_path(const kad_run *run)
{
    return run->path;
}

char *kad_run_file(const kad_run *run, const char *name)
{
    size_t n = strlen(run->path) + strlen(name) + 2;
    char *path = kad_alloc(n, 1);
    if (path) snprintf(path, n, "%s/%s", run->path, name);
    return path;
}

kad_status kad_run_join(kad_ctx *ctx, const kad_run *run, const char *name, char **out)
{
    *out = kad_run_file(run, name);
    return *out ? KAD_OK : kad_fail(ctx, KAD_ENOMEM, "out of memory");
}

kad_status kad_run_absent(kad_ctx *ctx, const char *path, kad_status status)
{
    bool exists;
    char why[KAD_MESSAGE_MAX];
    if (status != KAD_ENOINPUT) return status;
    memcpy(why, ctx->message, sizeof why);
    status = kad_file_exists(ctx, path, &exists);
    if (status != KAD_OK) return status;
    return kad_fail(ctx, exists ? KAD_EIO : KAD_ENOINPUT, "%s", why);
}

/* "pid 123 on host": from the lock file's text, else what the kernel says. */
static void describe_holder(int fd, char holder[HOLDER_CHARS])
{
    char text[HOLDER_CHARS] = "";
    long pid = 0;
    char host[HOLDER_CHARS] = "";
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    if (n > 0) text[n] = 0;
    if (sscanf(text, "%ld %255s", &pid, host) == 2) {
        snprintf(holder, HOLDER_CHARS, "process %ld on host %.200s", pid, host);
        return;
    }
    struct flock query = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_GETLK, &query) == 0 && query.l_type != F_UNLCK)
        snprintf(holder, HOLDER_CHARS, "process %ld", (long)query.l_pid);
    else
        snprintf(holder, HOLDER_CHARS, "another process");
}

/* The lock file says who holds it; that text is information, the fcntl lock decides. */
static void sign_lock(int fd)
{
    char host[256] = "unknown", text[HOLDER_CHARS];
    if (gethostname(host, sizeof host - 1) != 0) strcpy(host, "unknown");
    int n = snprintf(text, sizeof text, "%ld %s\n", (long)getpid(), host), result;
    KAD_RETRY(result, ftruncate(fd, 0));
    if (result == 0 && n > 0) {
        ssize_t written;
        KAD_RETRY(written, pwrite(fd, text, (size_t)n, 0));
        (void)written; /* a full disk: the lock holds all the same */
    }
}

/* The lock is written to: it must be a file of this folder alone, not a link to, or
 * another name of, one elsewhere. */
static kad_status open_lock(kad_ctx *ctx, const char *path, int *fd)
{
    struct stat info;
    int result;
    KAD_RETRY(*fd,
              open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666));
    if (*fd < 0 && errno == ELOOP)
        return kad_fail(ctx, KAD_ECREATE, "%s: is a symbolic link: remove it", path);
    if (*fd < 0)
        return kad_fail(ctx, kad_errno_status(errno, KAD_ECREATE),
                        "%s: cannot be created: %s", path, strerror(errno));
    KAD_RETRY(result, fstat(*fd, &info));
    if (result != 0)
        return kad_fail(ctx, kad_errno_status(errno, KAD_EIO), "%s: %s", path,
                        strerror(errno));
    if (!S_ISREG(info.st_mode) || info.st_nlink > 1)
        return kad_fail(ctx, KAD_ECREATE, "%s: is no file of its own: remove it", path);
    return KAD_OK;
}

static bool has_no_locks(int why)
{
    return why == ENOLCK || why == ENOSYS || why == EOPNOTSUPP || why == EINVAL;
}

static kad_status take_lock(kad_ctx *ctx, kad_run *run)
{
    kad_status status;
    char *path, holder[HOLDER_CHARS];
    int result;
    struct flock request = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    KAD_TRY(kad_run_join(ctx, run, "checkpoint/lock", &path));
    KAD_TRY(open_lock(ctx, path, &run->lock));
    KAD_RETRY(result, fcntl(run->lock, F_SETLK, &request));
    if (result != 0 && (errno == EACCES || errno == EAGAIN)) {
        describe_holder(run->lock, holder);
        KAD_TRY(kad_fail(ctx, KAD_EINUSE, "%s: in use by %s", run->path, holder));
    }
    if (result != 0 && !has_no_locks(errno))
        KAD_TRY(kad_fail(ctx, kad_errno_status(errno, KAD_EIO),
                         "%s: cannot be locked: %s", path, strerror(errno)));
    if (result != 0)
        kad_note(ctx,
                 "%s: the file system has no locks (%s): make sure that one process "
                 "only uses this folder",
                 run->path, strerror(errno));
    sign_lock(run->lock);
done:
    kad_free(path);
    return status;
}

/* checkpoint/ is written to: it must lie here. */
static kad_status open_to_write(kad_ctx *ctx, kad_run *run)
{
    kad_status status;
    struct stat info;
    int result;
    char *folder;
    KAD_TRY(kad_run_join(ctx, run, "checkpoint", &folder));
    KAD_TRY(kad_file_make_folder(ctx, folder));
    KAD_RETRY(result, lstat(folder, &info));
    if (result != 0)
        KAD_TRY(kad_fail(ctx, kad_errno_status(errno, KAD_EIO), "%s: %s", folder,
                         strerror(errno)));
    if (S_ISLNK(info.st_mode))
        KAD_TRY(kad_fail(ctx, KAD_ECREATE, "%s: is a symbolic link: remove it", folder));
    status = take_lock(ctx, run);
done:
    kad_free(folder);
    return status;
}

/* A folder with results in it. */
static kad_status require_results(kad_ctx *ctx, const kad_run *run, bool check)
{
    kad_status status;
    char *path;
    bool exists = false;
    KAD_TRY(kad_run_join(ctx, run, "run.h5", &path));
    KAD_TRY(kad_file_exists(ctx, path, &exists));
    if (!exists)
        status = kad_fail(ctx, KAD_ENOINPUT, "%s: not a run folder (no run.h5 in it)",
                          run->path);
    else if (check)
        status = kad_h5_check_kind(ctx, path);
done:
    kad_free(path);
    return status;
}

static kad_status open_run(kad_ctx *ctx, kad_run *run, const char *path,
                           kad_run_mode mode)
{
    kad_status status = KAD_OK;
    run->path = kad_strdup(path);
    if (!run->path) return kad_fail(ctx, KAD_ENOMEM, "out of memory");
    for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
        run->path[n - 1] = 0;
    if (mode != KAD_RUN_WRITE) status = require_results(ctx, run, mode == KAD_RUN_UPDATE);
    if (status == KAD_OK && mode != KAD_RUN_READ) status = open_to_write(ctx, run);
    return status;
}

kad_status kad_run_open(kad_ctx *ctx, const char *path, kad_run_mode mode, kad_run **out)
{
    if (*path == 0) {
        *out = NULL;
        return kad_fail(ctx, KAD_EUSAGE, "the name of the run folder is empty");
    }
    kad_status status = kad_new(ctx, 1, sizeof **out, out);
    if (status != KAD_OK) return status;
    (*out)->lock = -1;
    status = open_run(ctx, *out, path, mode);
    if (status == KAD_OK) return KAD_OK;
    kad_run_close(*out);
    *out = NULL;
    return status;
}

void kad_run_close(kad_run *run)
{
    if (!run) return;
    if (run->lock >= 0) close(run->lock); /* which releases the lock */
    kad_free(run->path);
    kad_free(run);
}

bool kad_run_is_held(const kad_run *run)
{
    struct flock query = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char *path = kad_run_file(run, "checkpoint/lock");
    int fd = -1, result = -1;
    if (path) KAD_RETRY(fd, open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (fd >= 0) KAD_RETRY(result, fcntl(fd, F_GETLK, &query));
    if (fd >= 0) close(fd);
    kad_free(path);
    return result == 0 && query.l_type != F_UNLCK;
}

kad_status kad_run_write_text(kad_ctx *ctx, const kad_run *run, const char *name,
                              const char *text)
{
    char *path;
    kad_status status = kad_run_join(ctx, run, name, &path);
    if (status != KAD_OK) return status;
    kad_piece piece = {text, strlen(text)};
    status = kad_file_write(ctx, path, 1, &piece);
    kad_free(path);
    return status;
}

kad_status kad_run_read_text(kad_ctx *ctx, const kad_run *run, const char *name,
                             size_t max_bytes, char **text)
{
    char *path;
    size_t n;
    *text = NULL;
    kad_status status = kad_run_join(ctx, run, name, &path);
    if (status != KAD_OK) return status;
    status = kad_run_absent(ctx, path, kad_file_read(ctx, path, max_bytes, text, &n));
    if (status == KAD_OK && strlen(*text) != n) {
        status = kad_fail(ctx, KAD_EDATA, "%s: contains a zero byte", path);
        kad_free(*text);
        *text = NULL;
    }
    kad_free(path);
    return status;
}
