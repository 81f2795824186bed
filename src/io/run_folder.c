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

/* mkdir -p. */
static kad_status make_folder(kad_ctx *ctx, const char *path)
{
    kad_status status = KAD_OK;
    struct stat info;
    char *part = kad_strdup(path);
    if (!part) return kad_fail(ctx, KAD_ENOMEM, "out of memory");
    for (char *c = part + 1; status == KAD_OK; c++) {
        if (*c && *c != '/') continue;
        bool last = *c == 0;
        *c = 0;
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            status = kad_fail(ctx, errno == ENOSPC ? KAD_EIO : KAD_ECREATE,
                              "%s: cannot be created: %s", part, strerror(errno));
        if (last) break;
        *c = '/';
    }
    kad_free(part);
    if (status == KAD_OK && (stat(path, &info) != 0 || !S_ISDIR(info.st_mode)))
        status = kad_fail(ctx, KAD_ECREATE, "%s: exists and is not a folder", path);
    return status;
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
    int n = snprintf(text, sizeof text, "%ld %s\n", (long)getpid(), host);
    if (ftruncate(fd, 0) == 0 && n > 0) {
        ssize_t written = pwrite(fd, text, (size_t)n, 0);
        (void)written; /* a full disk: the lock holds all the same */
    }
}

static kad_status take_lock(kad_ctx *ctx, kad_run *run)
{
    kad_status status;
    char *path, holder[HOLDER_CHARS];
    struct flock request = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    KAD_TRY(kad_run_join(ctx, run, "checkpoint/lock", &path));
    run->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (run->lock < 0)
        KAD_TRY(kad_fail(ctx, errno == ENOSPC ? KAD_EIO : KAD_ECREATE,
                         "%s: cannot be created: %s", path, strerror(errno)));
    if (fcntl(run->lock, F_SETLK, &request) != 0) {
        if (errno == EACCES || errno == EAGAIN) {
            describe_holder(run->lock, holder);
            KAD_TRY(
                kad_fail(ctx, KAD_EINTERRUPTED, "%s: in use by %s", run->path, holder));
        }
        kad_note(ctx,
                 "%s: the file system has no locks (%s): make sure that one process "
                 "only uses this folder",
                 run->path, strerror(errno));
    }
    sign_lock(run->lock);
done:
    kad_free(path);
    return status;
}

static kad_status open_run(kad_ctx *ctx, kad_run *run, const char *path,
                           kad_run_mode mode)
{
    kad_status status = KAD_OK;
    struct stat info;
    char *folder = NULL;
    run->path = kad_strdup(path);
    if (!run->path) return kad_fail(ctx, KAD_ENOMEM, "out of memory");
    for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
        run->path[n - 1] = 0;
    if (mode == KAD_RUN_READ) {
        if (stat(path, &info) != 0)
            return kad_fail(ctx, KAD_ENOINPUT, "%s: %s", path, strerror(errno));
        if (!S_ISDIR(info.st_mode))
            return kad_fail(ctx, KAD_ENOINPUT, "%s: not a run folder", path);
        return KAD_OK;
    }
    KAD_TRY(kad_run_join(ctx, run, "checkpoint", &folder));
    KAD_TRY(make_folder(ctx, folder));
    status = take_lock(ctx, run);
done:
    kad_free(folder);
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
    const int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;
    const bool held =
        fd >= 0 && fcntl(fd, F_GETLK, &query) == 0 && query.l_type != F_UNLCK;
    if (fd >= 0) close(fd);
    kad_free(path);
    return held;
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
    status = kad_file_read(ctx, path, max_bytes, text, &n);
    if (status == KAD_OK && strlen(*text) != n) {
        status = kad_fail(ctx, KAD_EDATA, "%s: contains a zero byte", path);
        kad_free(*text);
        *text = NULL;
    }
    kad_free(path);
    return status;
}
