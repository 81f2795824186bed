/* Pillow's arithmetic (libImaging: Geometry.c, Convert.c, Paste.c), where a tile is one
 * colour on nothing. Colours are multiplied with opacities before the tile is turned and
 * divided after it, both in whole levels; the filter is the cubic convolution with a = -1,
 * whose values are cut down to whole levels. */
#include "image/oval.h"

#include <math.h>
#include <string.h>

/* A contracted a * b + c may fall on the other side of a whole level. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif

enum { SIDE = KAD_OVAL_SIDE, FIRST_ROW = 3, LAST_ROW = 5 };
static const double degree = 3.14159265358979323846 / 180;

/* 1 within the ellipse, 0 outside of it. */
static const uint8_t mask[LAST_ROW - FIRST_ROW + 1][SIDE] = {
    {0, 0, 1, 1, 1, 1, 1, 0},
    {0, 1, 1, 1, 1, 1, 1, 1},
    {0, 0, 1, 1, 1, 1, 1, 0},
};

/* Rounded to 15 digits behind the point, which is what the matrix of a rotation holds:
 * nearest(x 1e15) / 1e15, with the rounding error of the product in hand. */
static double fifteen_digits(double x)
{
    const double p = x * 1e15, error = fma(x, 1e15, -p);
    double r = nearbyint(p);
    const double left = (p - r) + error;
    if (left > 0.5) r += 1;
    if (left < -0.5) r -= 1;
    return r / 1e15;
}

static double cubic(double v1, double v2, double v3, double v4, double d)
{
    const double p2 = -v1 + v3;
    const double p3 = 2 * (v1 - v2) + v3 - v4;
    const double p4 = -v1 + v2 - v3 + v4;
    return v2 + d * (p2 + d * (p3 + d * p4));
}

static int clip(int i)
{
    return i < 0 ? 0 : i < SIDE ? i : SIDE - 1;
}

/* The mask between pixels along a row, from column x on. */
static double along_row(int row, const int column[4], double d)
{
    if (row < FIRST_ROW || row > LAST_ROW) return 0;
    const uint8_t *m = mask[row - FIRST_ROW];
    return cubic(m[column[0]], m[column[1]], m[column[2]], m[column[3]], d);
}

/* The mask at a point of the tile, (0, 0) its corner. Rows beyond the edge are like the
 * last one: transparent. */
static double mask_at(double x, double y)
{
    x -= 0.5;
    y -= 0.5;
    const int column = (int)(x + 1) - 1, row = (int)(y + 1) - 1; /* x, y >= -1/2 */
    if (row + 2 < FIRST_ROW || row - 1 > LAST_ROW) return 0;
    const int columns[4] = {clip(column - 1), clip(column), clip(column + 1),
                            clip(column + 2)};
    const double dx = x - column, dy = y - row;
    return cubic(along_row(clip(row - 1), columns, dx), along_row(row, columns, dx),
                 along_row(row + 1, columns, dx), along_row(row + 2, columns, dx), dy);
}

static uint8_t cut(double v)
{
    return v <= 0 ? 0 : v >= 255 ? 255 : (uint8_t)v;
}

void kad_oval_tile(double angle, const uint8_t rgb[3], uint8_t tile[SIDE * SIDE][4])
{
    /* exact multiples of a right angle are turned without a filter, to the same effect */
    const double turn = -(angle * degree), half = SIDE / 2;
    const double c = fifteen_digits(cos(turn)), s = fifteen_digits(sin(turn));
    const double x0 = c * -half + s * -half + half, y0 = -s * -half + c * -half + half;
    memset(tile, 0, sizeof(uint8_t[SIDE * SIDE][4]));
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++, tile++) {
            const double from_x = c * (x + 0.5) + s * (y + 0.5) + x0;
            const double from_y = -s * (x + 0.5) + c * (y + 0.5) + y0;
            if (from_x < 0 || from_x >= SIDE || from_y < 0 || from_y >= SIDE) continue;
            const double m = mask_at(from_x, from_y);
            const int alpha = cut(255 * m);
            (*tile)[3] = (uint8_t)alpha;
            for (int k = 0; k < 3; k++) {
                int level = cut(rgb[k] * m);
                if (alpha > 0 && alpha < 255) level = 255 * level / alpha;
                (*tile)[k] = (uint8_t)(level < 255 ? level : 255);
            }
        }
}

/* (a + 127) / 255 for products of two levels, as it is done there. */
static uint8_t by_255(int a)
{
    a += 128;
    return (uint8_t)(((a >> 8) + a) >> 8);
}

void kad_oval_paste(const uint8_t tile[SIDE * SIDE][4], int x, int y, int side,
                    uint8_t *pixels)
{
    const int area = side * side;
    for (int j = 0; j < SIDE; j++)
        for (int i = 0; i < SIDE; i++, tile++) {
            if (x + i < 0 || x + i >= side || y + j < 0 || y + j >= side) continue;
            const int alpha = (*tile)[3];
            uint8_t *p = pixels + (y + j) * side + x + i;
            for (int k = 0; k < 3; k++, p += area)
                *p = by_255(*p * (255 - alpha) + (*tile)[k] * alpha);
        }
}
