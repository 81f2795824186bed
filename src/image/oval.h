/* The oval of the MSDS images, as the Python imaging library (Pillow 9) draws it, to the
 * bit: an RGBA tile of 8 x 8 pixels, transparent white; ellipse((1, 3, 7, 5)) in one colour;
 * rotate(angle, BICUBIC) about its centre; paste with itself as the mask. */
#ifndef KAD_IMAGE_OVAL_H
#define KAD_IMAGE_OVAL_H

#include <stdint.h>

enum { KAD_OVAL_SIDE = 8 };

/* Colour and opacity of the turned tile, colours not multiplied with opacities. `angle`:
 * degrees, counter-clockwise. */
void kad_oval_tile(double angle, const uint8_t rgb[3],
                   uint8_t tile[KAD_OVAL_SIDE * KAD_OVAL_SIDE][4]);
/* Lays a tile over an image [3][side][side], its corner at column x, row y, which may be
 * outside. */
void kad_oval_paste(const uint8_t tile[KAD_OVAL_SIDE * KAD_OVAL_SIDE][4], int x, int y,
                    int side, uint8_t *pixels);

#endif
