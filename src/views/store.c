#include "views/store.h"

#include <stdio.h>
#include <string.h>

enum { LEAD_MAX = KAD_H5_MAX_RANK - 3 };

/* [n][C][plane] to [n][plane][C], items of `size` bytes. */
static void interleave(size_t n, size_t channels, size_t plane, size_t size,
                       const void *from, void *to)
{
    const char *in = from;
    char *out = to;
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < channels; c++)
            for (size_t p = 0; p < plane; p++, in += size)
                memcpy(out + ((i * plane + p) * channels + c) * size, in, size);
}

static void write(kad_writer *w, const char *name, kad_h5_type type, const char *axes,
                  int n_lead, const size_t *lead, const size_t shape[3], size_t size,
                  const void *x, const char *units, const char *long_name)
{
    size_t dims[KAD_H5_MAX_RANK], n = 1;
    char words[96];
    for (int i = 0; i < n_lead && i < LEAD_MAX; i++)
        n *= dims[i] = lead[i];
    dims[n_lead] = shape[1];
    dims[n_lead + 1] = shape[2];
    dims[n_lead + 2] = shape[0];
    snprintf(words, sizeof words, "%s row column channel", axes);
    void *turned = kad_write_scratch(w, n * shape[0] * shape[1] * shape[2], size);
    if (turned == NULL) return;
    interleave(n, shape[0], shape[1] * shape[2], size, x, turned);
    kad_write(w, name, type, words, units, long_name, dims, turned);
    kad_free(turned);
}

void kad_view_write_images(kad_writer *w, const char *name, const char *axes, int n_lead,
                           const size_t *lead, int channels, int height, int width,
                           const uint8_t *x, const char *long_name)
{
    const size_t shape[3] = {(size_t)channels, (size_t)height, (size_t)width};
    write(w, name, KAD_H5_U8, axes, n_lead, lead, shape, 1, x, "levels", long_name);
}

void kad_view_write_latents(kad_writer *w, const char *name, size_t n, int channels,
                            int height, int width, const double *z, const char *long_name)
{
    const size_t shape[3] = {(size_t)channels, (size_t)height, (size_t)width};
    write(w, name, KAD_H5_F64, "image", 1, &n, shape, sizeof *z, z, "1", long_name);
}

void kad_view_latents_of(const kad_image_map *map, size_t n, const double *stored,
                         double *z)
{
    const size_t plane = (size_t)map->height * (size_t)map->width;
    /* the inverse of interleaving C by plane is interleaving plane by C */
    interleave(n, plane, (size_t)map->n_channels, sizeof *z, stored, z);
}
