/* Checkpoints and segments of a run folder. */
#include "base/memory.h"
#include "io/file.h"
#include "io/run_folder.h"
#include "io/run_impl.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char current_name[] = "checkpoint/current.h5";
static const char previous_name[] = "checkpoint/previous.h5";

/* previous = current, by a hard link where there are any, so that current exists at every
 * moment; a damaged current never replaces a good previous. */
static kad_status rotate(kad_ctx *ctx, const char *current, const char *previous)
{
    KAD_LOCAL(char, link_name);
    bool exists;
    int result;
    KAD_CALL(kad_file_exists(ctx, current, &exists));
    if (!exists) return KAD_OK;
    const kad_status sound = kad_h5_check_digest(ctx, current);
    if (sound != KAD_OK) return sound == KAD_EDATA ? KAD_OK : sound;
    size_t n = strlen(previous) + sizeof ".tmp";
    KAD_CALL(kad_new(ctx, n, 1, &link_name));
    snprintf(link_name, n, "%s.tmp", previous);
    unlink(link_name);
    KAD_RETRY(result, link(current, link_name));
    KAD_RETRY(result, rename(result == 0 ? link_name : current, previous));
    const int why = result != 0 ? errno : 0;
    unlink(link_name); /* left when both were the same file already */
    if (why == 0) return KAD_OK;
    return kad_fail(ctx, kad_errno_status(why, KAD_EIO), "%s: cannot be replaced: %s",
                    previous, strerror(why));
}

kad_status kad_checkpoint_save(kad_ctx *ctx, const kad_run *run, kad_h5 *file)
{
    KAD_LOCAL(char, current);
    KAD_LOCAL(char, previous);
    if (run->absent) return KAD_OK;
    KAD_CALL(kad_run_join(ctx, run, current_name, &current));
    KAD_CALL(kad_run_join(ctx, run, previous_name, &previous));
    KAD_CALL(kad_h5_save_temporary(ctx, file, current, true));
    const kad_status status = rotate(ctx, current, previous);
    if (status == KAD_OK) return kad_file_commit(ctx, current);
    kad_file_drop_temporary(current);
    return status;
}

kad_status kad_checkpoint_load(kad_ctx *ctx, const kad_run *run, kad_h5 **out)
{
    KAD_LOCAL(char, current);
    KAD_LOCAL(char, previous);
    char why[KAD_MESSAGE_MAX];
    *out = NULL;
    KAD_CALL(kad_run_join(ctx, run, current_name, &current));
    KAD_CALL(kad_run_join(ctx, run, previous_name, &previous));
    const kad_status first = kad_run_open_h5(ctx, run, current, true, out);
    if (first != KAD_EDATA && first != KAD_ENOINPUT) return first;
    memcpy(why, ctx->message, sizeof why);
    const kad_status status = kad_run_open_h5(ctx, run, previous, true, out);
    if (status == KAD_OK)
        kad_note(ctx, "%s; continuing from the previous checkpoint", why);
    else if (status == KAD_ENOINPUT && first == KAD_ENOINPUT)
        return KAD_OK; /* none yet */
    else if (status == KAD_ENOINPUT)
        return kad_fail(ctx, KAD_EDATA,
                        "%.400s; there is no previous one: move it away and `kadanoff "
                        "run %.200s` trains from the start",
                        why, kad_run_path(run));
    else if (status == KAD_EDATA)
        return kad_fail(ctx, KAD_EDATA,
                        "no usable checkpoint: %.250s; %.250s; move both away and "
                        "`kadanoff run %.200s` trains from the start",
                        why, ctx->message, kad_run_path(run));
    return status;
}

/* ---- segments ---- */

enum { SEGMENT_DIGITS = 6, SEGMENT_DIGITS_MOST = 10, NAME_CHARS = 128 };

static kad_status segment_path(kad_ctx *ctx, const kad_run *run, const char *name,
                               int index, char **out)
{
    char file[NAME_CHARS + 40];
    *out = NULL;
    if (index < 0 || strlen(name) > NAME_CHARS || strchr(name, '/'))
        return kad_fail(ctx, KAD_EINTERNAL, "segment %d of \"%.100s\" has no name", index,
                        name);
    snprintf(file, sizeof file, "checkpoint/%s.%0*d.h5", name, SEGMENT_DIGITS, index);
    return kad_run_join(ctx, run, file, out);
}

kad_status kad_segment_save(kad_ctx *ctx, const kad_run *run, const char *name, int index,
                            kad_h5 *file)
{
    char *path;
    if (run->absent) return KAD_OK;
    kad_status status = segment_path(ctx, run, name, index, &path);
    if (status == KAD_OK) status = kad_h5_save(ctx, file, path, true);
    kad_free(path);
    return status;
}

kad_status kad_segment_open(kad_ctx *ctx, const kad_run *run, const char *name, int index,
                            kad_h5 **out)
{
    char *path;
    *out = NULL;
    kad_status status = segment_path(ctx, run, name, index, &path);
    if (status == KAD_OK) status = kad_run_open_h5(ctx, run, path, true, out);
    kad_free(path);
    return status;
}

/* Index of a segment file "NAME.000012.h5", also unfinished ("....h5.tmp"); -1: another
 * file. */
static int segment_index(const char *file, const char *name)
{
    size_t n = strlen(name);
    int64_t index = 0;
    if (strncmp(file, name, n) != 0 || file[n] != '.') return -1;
    file += n + 1;
    n = strspn(file, "0123456789");
    if (n < SEGMENT_DIGITS || n > SEGMENT_DIGITS_MOST) return -1;
    for (size_t i = 0; i < n; i++)
        index = 10 * index + (file[i] - '0');
    file += n;
    if (strcmp(file, ".h5") != 0 && strcmp(file, ".h5.tmp") != 0) return -1;
    return index <= INT_MAX ? (int)index : -1;
}

static void close_folder(DIR **dir)
{
    if (*dir != NULL) closedir(*dir);
}

/* Those from `first` on but `kept`. */
static kad_status remove_segments(kad_ctx *ctx, const kad_run *run, const char *name,
                                  int first, int kept)
{
    KAD_LOCAL(char, folder);
    DIR *dir KAD_CLEARED(close_folder) = NULL;
    if (run->absent) return KAD_OK;
    KAD_CALL(kad_run_join(ctx, run, "checkpoint", &folder));
    do
        dir = opendir(folder);
    while (!dir && errno == EINTR);
    if (!dir)
        return kad_fail(ctx, kad_errno_status(errno, KAD_EIO), "%s: cannot be listed: %s",
                        folder, strerror(errno));
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry && errno == EINTR) continue;
        if (!entry) break;
        int index = segment_index(entry->d_name, name), result;
        if (index < 0 || index < first || index == kept) continue;
        KAD_RETRY(result, unlinkat(dirfd(dir), entry->d_name, 0));
        if (result != 0 && errno != ENOENT)
            return kad_fail(ctx, kad_errno_status(errno, KAD_EIO),
                            "%s/%s: cannot be removed: %s", folder, entry->d_name,
                            strerror(errno));
    }
    if (errno != 0)
        return kad_fail(ctx, kad_errno_status(errno, KAD_EIO), "%s: cannot be listed: %s",
                        folder, strerror(errno));
    return KAD_OK;
}

kad_status kad_segment_remove_from(kad_ctx *ctx, const kad_run *run, const char *name,
                                   int first)
{
    return remove_segments(ctx, run, name, first, -1);
}

kad_status kad_segment_keep(kad_ctx *ctx, const kad_run *run, const char *name, int index)
{
    return remove_segments(ctx, run, name, 0, index);
}
