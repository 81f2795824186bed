/* Checkpoints, results and segments of a run folder. */
#include "base/memory.h"
#include "io/file.h"
#include "io/run_impl.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char current_name[] = "checkpoint/current.h5";
static const char previous_name[] = "checkpoint/previous.h5";

/* previous = current, by a hard link where there are any, so that current exists at every
 * moment; a damaged current never replaces a good previous. */
static kad_status rotate(kad_ctx *ctx, const char *current, const char *previous)
{
    kad_status status = KAD_OK;
    char *link_name = NULL;
    if (access(current, F_OK) != 0) return KAD_OK;
    if (kad_h5_check_digest(ctx, current, 0) != KAD_OK) return KAD_OK;
    size_t n = strlen(previous) + sizeof ".tmp";
    KAD_TRY(kad_new(ctx, n, 1, &link_name));
    snprintf(link_name, n, "%s.tmp", previous);
    unlink(link_name);
    if (link(current, link_name) == 0) {
        if (rename(link_name, previous) != 0)
            status = kad_fail(ctx, KAD_EIO, "%s: cannot be replaced: %s", previous,
                              strerror(errno));
        unlink(link_name); /* left when both were the same file already */
    } else if (rename(current, previous) != 0) {
        status = kad_fail(ctx, KAD_EIO, "%s: cannot be replaced: %s", previous,
                          strerror(errno));
    }
done:
    kad_free(link_name);
    return status;
}

kad_status kad_checkpoint_save(kad_ctx *ctx, const kad_run *run, kad_h5 *file)
{
    kad_status status;
    char *current = NULL, *previous = NULL;
    KAD_TRY(kad_run_join(ctx, run, current_name, &current));
    KAD_TRY(kad_run_join(ctx, run, previous_name, &previous));
    KAD_TRY(kad_h5_save_temporary(ctx, file, current, true));
    KAD_TRY(rotate(ctx, current, previous));
    status = kad_file_commit(ctx, current);
done:
    kad_free(current);
    kad_free(previous);
    return status;
}

kad_status kad_checkpoint_load(kad_ctx *ctx, const kad_run *run, kad_h5 **out)
{
    kad_status status, first, second;
    char *current = NULL, *previous = NULL, why[KAD_MESSAGE_MAX];
    *out = NULL;
    KAD_TRY(kad_run_join(ctx, run, current_name, &current));
    KAD_TRY(kad_run_join(ctx, run, previous_name, &previous));
    first = kad_h5_open(ctx, current, true, 0, out);
    if (first == KAD_OK || first == KAD_ENOMEM) {
        status = first;
        goto done;
    }
    memcpy(why, ctx->message, sizeof why);
    second = kad_h5_open(ctx, previous, true, 0, out);
    if (second == KAD_OK)
        kad_note(ctx, "%s; continuing from the previous checkpoint", why);
    else if (first == KAD_ENOINPUT && second == KAD_ENOINPUT &&
             access(current, F_OK) != 0 && access(previous, F_OK) != 0)
        status = KAD_OK; /* none yet */
    else if (second == KAD_ENOMEM)
        status = second;
    else
        status = kad_fail(ctx, KAD_EDATA, "no usable checkpoint: %.400s; %.400s", why,
                          ctx->message);
done:
    kad_free(current);
    kad_free(previous);
    return status;
}

/* ---- results ---- */

kad_status kad_results_open(kad_ctx *ctx, const kad_run *run, kad_h5 **out)
{
    char *path;
    *out = NULL;
    kad_status status = kad_run_join(ctx, run, "run.h5", &path);
    if (status != KAD_OK) return status;
    if (access(path, F_OK) == 0)
        status = kad_h5_open(ctx, path, false, 0, out);
    else
        status = kad_h5_create(ctx, out);
    if (status == KAD_EDATA)
        status = kad_fail(ctx, status,
                          "%.500s; move it away and `kadanoff run %.200s` makes it again "
                          "from the checkpoint",
                          ctx->message, kad_run_path(run));
    kad_free(path);
    return status;
}

kad_status kad_results_save(kad_ctx *ctx, const kad_run *run, kad_h5 *file)
{
    char *path;
    kad_status status = kad_run_join(ctx, run, "run.h5", &path);
    if (status != KAD_OK) return status;
    status = kad_h5_save(ctx, file, path, false);
    kad_free(path);
    return status;
}

/* ---- segments ---- */

enum { SEGMENT_DIGITS = 6, SEGMENT_MAX = 999999, NAME_CHARS = 128 };

static kad_status segment_path(kad_ctx *ctx, const kad_run *run, const char *name,
                               int index, char **out)
{
    char file[NAME_CHARS + 40];
    *out = NULL;
    if (index < 0 || index > SEGMENT_MAX || strlen(name) > NAME_CHARS ||
        strchr(name, '/'))
        return kad_fail(ctx, KAD_EINTERNAL, "segment %d of \"%.100s\" has no name", index,
                        name);
    snprintf(file, sizeof file, "checkpoint/%s.%0*d.h5", name, SEGMENT_DIGITS, index);
    return kad_run_join(ctx, run, file, out);
}

kad_status kad_segment_save(kad_ctx *ctx, const kad_run *run, const char *name, int index,
                            kad_h5 *file)
{
    char *path;
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
    if (status == KAD_OK) status = kad_h5_open(ctx, path, true, 0, out);
    kad_free(path);
    return status;
}

/* Index of a segment file "NAME.000012.h5", also unfinished ("....h5.tmp"); -1: another
 * file. */
static int segment_index(const char *file, const char *name)
{
    size_t n = strlen(name);
    int index = 0;
    if (strncmp(file, name, n) != 0 || file[n] != '.') return -1;
    file += n + 1;
    if (strspn(file, "0123456789") != SEGMENT_DIGITS) return -1;
    for (int i = 0; i < SEGMENT_DIGITS; i++)
        index = 10 * index + (file[i] - '0');
    file += SEGMENT_DIGITS;
    return strcmp(file, ".h5") == 0 || strcmp(file, ".h5.tmp") == 0 ? index : -1;
}

kad_status kad_segment_remove_from(kad_ctx *ctx, const kad_run *run, const char *name,
                                   int first)
{
    kad_status status;
    char *folder = NULL;
    DIR *dir = NULL;
    KAD_TRY(kad_run_join(ctx, run, "checkpoint", &folder));
    dir = opendir(folder);
    if (!dir)
        KAD_TRY(
            kad_fail(ctx, KAD_EIO, "%s: cannot be listed: %s", folder, strerror(errno)));
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        int index = segment_index(entry->d_name, name);
        if (index < 0 || index < first) continue;
        if (unlinkat(dirfd(dir), entry->d_name, 0) != 0 && errno != ENOENT)
            KAD_TRY(kad_fail(ctx, KAD_EIO, "%s/%s: cannot be removed: %s", folder,
                             entry->d_name, strerror(errno)));
    }
done:
    if (dir) closedir(dir);
    kad_free(folder);
    return status;
}
