#include "image/source.h"

#include "image/generator.h"
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The first that knows a path counts. */
const kad_image_source_ops *const kad_image_sources[] = {
    &kad_image_source_generated, &kad_image_source_cifar,
    &kad_image_source_idx,       &kad_image_source_npy,
    &kad_image_source_hdf5,      &kad_image_source_picture,
    &kad_image_source_folder,    NULL,
};

/* Data sets of Debian packages. */
static const struct {
    const char *name, *path, *package;
} installed[] = {
    {"fashion", "/usr/share/datasets/fashion-mnist", "dataset-fashion-mnist"},
};

kad_status kad_image_file_state(kad_scope *in, const char *path, const char **line)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return kad_fail(in->ctx, kad_errno_status(errno, KAD_ENOINPUT), "%s: %s", path,
                        strerror(errno));
    return kad_take_printf(in, line, "%lld bytes of %lld.%09ld", (long long)info.st_size,
                           (long long)info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
}

static kad_status look_at(kad_ctx *ctx, const char *key, const char *path,
                          kad_image_path *out)
{
    kad_status status = KAD_OK;
    struct stat info;
    int fd;
    ssize_t n = 0;
    *out = (kad_image_path){.path = path};
    KAD_CALL(kad_file_is_folder(ctx, path, &out->folder));
    if (out->folder) return KAD_OK;
    KAD_RETRY(fd, open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (fd < 0)
        return kad_fail(ctx, kad_errno_status(errno, KAD_ENOINPUT), "%s: %s: %s", key,
                        path, strerror(errno));
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
        status = kad_fail(ctx, KAD_ENOINPUT, "%s: %s: not a regular file", key, path);
    else
        KAD_RETRY(n, pread(fd, out->head, sizeof out->head, 0));
    if (n < 0) status = kad_fail(ctx, KAD_EIO, "%s: %s: %s", key, path, strerror(errno));
    if (status == KAD_OK) {
        out->n_bytes = (uint64_t)info.st_size;
        out->n_head = (size_t)n;
    }
    close(fd);
    return status;
}

static kad_status path_of(kad_ctx *ctx, const char *key, const char *source,
                          const char **path)
{
    *path = source;
    for (size_t i = 0; i < sizeof installed / sizeof installed[0]; i++) {
        if (strcmp(source, installed[i].name) != 0) continue;
        *path = installed[i].path;
        if (access(*path, R_OK) != 0)
            return kad_fail(ctx, KAD_ENOINPUT,
                            "%s: %s: %s is not there: install the Debian "
                            "package %s",
                            key, source, *path, installed[i].package);
    }
    return KAD_OK;
}

kad_status kad_image_source_open(kad_scope *in, const kad_image_options *o,
                                 kad_image_source *out)
{
    kad_image_path path = {.path = o->source};
    const char *key = kad_image_source_key(o);
    *out = (kad_image_source){.path = o->source};
    KAD_CALL(path_of(in->ctx, key, o->source, &out->path));
    if (kad_image_generator_find(o->source) == NULL)
        KAD_CALL(look_at(in->ctx, key, out->path, &path));
    for (int i = 0; kad_image_sources[i] != NULL && out->ops == NULL; i++)
        if (kad_image_sources[i]->is(&path)) out->ops = kad_image_sources[i];
    if (out->ops == NULL)
        return kad_fail(
            in->ctx, KAD_EDATA, "%s: %s: %s (kadanoff list data: what can be read)", key,
            out->path, path.n_bytes == 0 ? "is empty" : "no images known here");
    KAD_CALL(out->ops->open(in, o, out));
    if (out->n == 0)
        return kad_fail(in->ctx, KAD_EDATA, "%s: %s: no images in it", key, out->path);
    return KAD_OK;
}
