/* The lock of a run folder: an fcntl lock on checkpoint/lock, which ends with its process
 * however that ends. The file's text says who holds it and is empty when nobody does. On
 * file systems whose locks are each machine's own that text is the second guard. */
#include "base/memory.h"
#include "io/file.h"
#include "io/run_folder.h"
#include "io/run_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { HOST_CHARS = 256, HOLDER_CHARS = 400 };

/* A run writes a line of progress a second: one elsewhere that did so since is alive. */
enum { ALIVE_SECONDS = 120 };

typedef struct holder {
    long pid;
    char host[HOST_CHARS];
} holder;

static void own_host(char host[HOST_CHARS])
{
    memset(host, 0, HOST_CHARS);
    if (gethostname(host, HOST_CHARS - 1) != 0 || *host == 0) strcpy(host, "unknown");
}

static bool read_holder(int fd, holder *out)
{
    char text[HOLDER_CHARS] = "";
    ssize_t n;
    KAD_RETRY(n, pread(fd, text, sizeof text - 1, 0));
    return n > 0 && sscanf(text, "%ld %255s", &out->pid, out->host) == 2;
}

/* Signed by another machine, and alive by its progress.jsonl. */
static bool works_elsewhere(const kad_run *run, int fd, holder *who)
{
    char own[HOST_CHARS];
    struct stat info;
    own_host(own);
    if (!read_holder(fd, who) || strcmp(who->host, own) == 0) return false;
    char *path = kad_run_file(run, "progress.jsonl");
    int result = -1;
    if (path != NULL) KAD_RETRY(result, stat(path, &info));
    kad_free(path);
    return result == 0 && fabs(difftime(time(NULL), info.st_mtime)) < ALIVE_SECONDS;
}

/* From the lock file's text, else what the kernel says. */
static kad_status fail_in_use(kad_ctx *ctx, const kad_run *run)
{
    holder who;
    long pid;
    if (read_holder(run->lock, &who))
        return kad_fail(ctx, KAD_EINUSE, "%s: in use by process %ld on host %.200s",
                        run->path, who.pid, who.host);
    if (kad_file_is_held(run->lock, &pid))
        return kad_fail(ctx, KAD_EINUSE, "%s: in use by process %ld", run->path, pid);
    return kad_fail(ctx, KAD_EINUSE, "%s: in use by another process", run->path);
}

/* The text is information for people and for other machines, the fcntl lock decides. */
static void sign(int fd)
{
    char host[HOST_CHARS], text[HOLDER_CHARS];
    own_host(host);
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

kad_status kad_run_lock(kad_ctx *ctx, kad_run *run)
{
    KAD_LOCAL(char, path);
    holder who;
    KAD_CALL(kad_run_join(ctx, run, "checkpoint/lock", &path));
    KAD_CALL(open_lock(ctx, path, &run->lock));
    const int result = kad_file_lock(run->lock);
    if (result != 0 && (errno == EACCES || errno == EAGAIN)) return fail_in_use(ctx, run);
    if (result != 0 && !has_no_locks(errno))
        return kad_fail(ctx, kad_errno_status(errno, KAD_EIO), "%s: cannot be locked: %s",
                        path, strerror(errno));
    if (result != 0)
        kad_note(ctx,
                 "%s: the file system has no locks (%s): make sure that one process "
                 "only uses this folder",
                 run->path, strerror(errno));
    if (works_elsewhere(run, run->lock, &who))
        return kad_fail(
            ctx, KAD_EINUSE,
            "%s: in use by process %ld on host %.200s, which wrote its "
            "progress less than two minutes ago (if it was killed: --wait 120)",
            run->path, who.pid, who.host);
    run->signed_by_us = true;
    sign(run->lock);
    return KAD_OK;
}

void kad_run_unlock(kad_run *run)
{
    int result = 0;
    if (run->lock < 0) return;
    if (run->signed_by_us) KAD_RETRY(result, ftruncate(run->lock, 0));
    (void)result;
    close(run->lock); /* which releases the lock */
    run->lock = -1;
}

bool kad_run_is_held(const kad_run *run)
{
    char *path = kad_run_file(run, "checkpoint/lock");
    holder who;
    bool held = false;
    int fd = -1;
    if (path) KAD_RETRY(fd, open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (fd >= 0) {
        held = kad_file_is_held(fd, NULL) || works_elsewhere(run, fd, &who);
        close(fd);
    }
    kad_free(path);
    return held;
}
