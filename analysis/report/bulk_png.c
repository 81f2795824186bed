/* The bulk's pictures as PNG files. */
#include "analysis/report/bulk_paint.h"
#include "analysis/report/image.h"
#include "base/memory.h"
#include "io/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

typedef struct album {
    const char *dir;
    int pixels, n;
} album;

static void name_of(const kad_picture *p, char *out, size_t size)
{
    switch (p->kind) {
    case KAD_PICTURE_FIELD:
        snprintf(out, size, "field_%d_level_%d.png", p->row, p->column);
        break;
    case KAD_PICTURE_LATENTS:
        snprintf(out, size, "latents_%d.png", p->row);
        break;
    case KAD_PICTURE_WALK:
        snprintf(out, size, "walk_level_%d_%d.png", p->row, p->column);
        break;
    default:
        snprintf(out, size, "wavelet_level_%d_%d.png", p->row, p->column);
        break;
    }
}

static kad_status save(kad_ctx *ctx, void *self, const kad_picture *p)
{
    album *a = self;
    char path[1024], name[64];
    KAD_SCOPE(scope, ctx);
    unsigned char *bytes;
    size_t n;
    const int extent = p->w > p->h ? p->w : p->h;
    const int scale = a->pixels > extent ? a->pixels / extent : 1;
    name_of(p, name, sizeof name);
    if (snprintf(path, sizeof path, "%s/%s", a->dir, name) >= (int)sizeof path)
        return kad_fail(ctx, KAD_ECREATE, "%s: the path is too long", a->dir);
    KAD_CALL(kad_image_png(&scope, p->w, p->h, p->rgb, scale, &bytes, &n));
    KAD_CALL(kad_file_write(ctx, path, 1, &(kad_file_piece){bytes, n}));
    a->n++;
    return KAD_OK;
}

kad_status kad_bulk_write_png(kad_ctx *ctx, kad_h5 *file, const char *dir, int pixels,
                              int *n)
{
    album a = {.dir = dir, .pixels = pixels};
    int result;
    KAD_RETRY(result, mkdir(dir, 0777));
    if (result != 0 && errno != EEXIST)
        return kad_fail(ctx, kad_errno_status(errno, KAD_ECREATE), "%s: %s", dir,
                        strerror(errno));
    for (int kind = KAD_PICTURE_FIELD; kind <= KAD_PICTURE_WAVELET; kind++)
        KAD_CALL(kad_bulk_paint(ctx, file, (kad_picture_kind)kind, save, &a));
    *n = a.n;
    return KAD_OK;
}
