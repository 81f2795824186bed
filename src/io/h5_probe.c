/* Foreign HDF5 files. Damaged metadata can make the HDF5 library crash, loop or ask for
 * endless memory, so a child process with limits goes first: it opens the image and does
 * to it all that this program may do later (list, read, repack). Only a file that the
 * child survives is opened here. */
#include "io/h5_impl.h"

#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    PROBE_SECONDS = 2, /* of CPU, and one more for each of */
    PROBE_BYTES_A_SECOND = 1 << 24,
    PROBE_SLACK_BYTES = 1 << 30 /* of address space, beyond the image a few times */
};

static void limit(int resource, rlim_t most)
{
    struct rlimit r;
    if (getrlimit(resource, &r) != 0) return;
    if (r.rlim_max != RLIM_INFINITY && r.rlim_max < most) most = r.rlim_max;
    r.rlim_cur = most;
    setrlimit(resource, &r);
}

/* Pages in use now, in bytes; 0 where unknown. */
static rlim_t address_space(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file) return 0;
    if (fscanf(file, "%lu", &pages) != 1) pages = 0;
    fclose(file);
    return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

static void confine(size_t n_bytes)
{
    rlim_t used = address_space();
    signal(SIGXCPU, SIG_DFL);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_CPU, PROBE_SECONDS + n_bytes / PROBE_BYTES_A_SECOND);
#if !defined(__SANITIZE_ADDRESS__) /* whose shadow memory knows no limits */
    if (used > 0) limit(RLIMIT_AS, used + 4 * (rlim_t)n_bytes + PROBE_SLACK_BYTES);
#else
    (void)used;
#endif
}

/* An image, and all that may be done to it. */
typedef struct image {
    const kad_h5 *file;
    const void *data;
    size_t n_bytes;
} image;

static kad_status explore(kad_ctx *ctx, void *self)
{
    const image *it = self;
    bool starved = false;
    kad_h5 trial = {
        .name = it->file->name, .image_bytes = it->n_bytes, .starved = &starved};
    trial.id = kad_h5_core_open(it->data, it->n_bytes);
    if (trial.id < 0)
        return kad_h5_fail(ctx, &trial, "/", KAD_EDATA, "not a readable HDF5 file: %s",
                           kad_h5_reason());
    if (kad_h5_collect_scales(ctx, &trial) != KAD_ENOMEM)
        kad_h5_read_through(ctx, &trial);
    H5Fclose(trial.id);
    return KAD_OK; /* what cannot be read will be reported when it is asked for */
}

/* In the child: the status, with its message in the pipe. */
static int answer(kad_h5_trial *trial, void *self, size_t n_bytes, int pipe_end)
{
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    confine(n_bytes);
    const kad_status status = trial(&ctx, self);
    if (status == KAD_OK) return 0;
    const ssize_t n = write(pipe_end, ctx.message, strlen(ctx.message));
    (void)n;
    return (int)status;
}

static kad_status verdict(kad_ctx *ctx, const char *name, int state, const char *message)
{
    if (WIFEXITED(state) && WEXITSTATUS(state) == 0) return KAD_OK;
    if (WIFEXITED(state) && WEXITSTATUS(state) == KAD_ENOMEM)
        return kad_fail(ctx, KAD_ENOMEM, "%s: out of memory while it was examined", name);
    if (WIFEXITED(state) && *message) return kad_fail(ctx, KAD_EDATA, "%s", message);
    /* our own limits end it with SIGXCPU; what kills outright is want of memory */
    if (WIFSIGNALED(state) && WTERMSIG(state) == SIGKILL)
        return kad_fail(ctx, KAD_ENOMEM,
                        "%s: the process that examined it was killed: out of memory?",
                        name);
    bool slow = WIFSIGNALED(state) && WTERMSIG(state) == SIGXCPU;
    return kad_fail(ctx, KAD_EDATA, "%s: damaged: reading it makes the HDF5 library %s",
                    name, slow ? "hang" : "crash");
}

static kad_status cannot_ask(kad_ctx *ctx, const char *name)
{
    return kad_fail(ctx, kad_errno_status(errno, KAD_ENOMEM),
                    "%s: has no digest and cannot be examined: %s", name,
                    strerror(errno));
}

kad_status kad_h5_try(kad_ctx *ctx, const char *name, kad_h5_trial *trial, void *self,
                      size_t n_bytes)
{
    int ends[2], state = 0;
    char message[KAD_MESSAGE_MAX] = "";
    if (pipe(ends) != 0) return cannot_ask(ctx, name);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        /* what libraries say of it is not for the user */
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (null >= 0) dup2(null, STDERR_FILENO);
        _exit(answer(trial, self, n_bytes, ends[1]));
    }
    close(ends[1]);
    if (child > 0) {
        size_t have = 0;
        ssize_t n;
        while ((n = read(ends[0], message + have, sizeof message - 1 - have)) > 0 ||
               (n < 0 && errno == EINTR))
            if (n > 0) have += (size_t)n;
        while (waitpid(child, &state, 0) < 0 && errno == EINTR)
            continue;
    }
    close(ends[0]);
    return child > 0 ? verdict(ctx, name, state, message) : cannot_ask(ctx, name);
}

kad_status kad_h5_probe(kad_ctx *ctx, const kad_h5 *file, const void *data,
                        size_t n_bytes)
{
    image it = {file, data, n_bytes};
    return kad_h5_try(ctx, file->name, explore, &it, n_bytes);
}
