/* Images and latents as data sets, [...][row][column][channel] as people's programs have
 * them. */
#ifndef KAD_VIEWS_STORE_H
#define KAD_VIEWS_STORE_H

#include "io/writer.h"
#include "train/image_map.h"

/* x, levels [lead ...][channels][height][width]; axes: the words of the leading axes ("image",
 * "pair step"), of which there are n_lead. */
void kad_view_write_images(kad_writer *w, const char *name, const char *axes, int n_lead,
                           const size_t *lead, int channels, int height, int width,
                           const uint8_t *x, const char *long_name);
/* The same of latents, as doubles. */
void kad_view_write_latents(kad_writer *w, const char *name, size_t n, int channels,
                            int height, int width, const double *z,
                            const char *long_name);
/* Latents [n][row][column][channel] of a file to [n][C][height][width]. */
void kad_view_latents_of(const kad_image_map *map, size_t n, const double *stored,
                         double *z);

#endif
