/* The products of src/wide/bfloat.h. Blocks of 16 rows and 32 inputs of the left factor, and
 * of 16 pairs of inputs and 16 columns of the right one, each of 1 KiB as the tiles are:
 *
 *   a[row][input],  b[pair][column][2]
 *
 * A product takes two by two of them, so that every tile read is used twice. */
#include "wide/bfloat.h"
#include "wide/finish_kern.h"

#if KAD_PREC == 32

#include <stdatomic.h>
#include <string.h>

#if defined(__AMX_BF16__) && defined(__AVX512BF16__) && defined(__linux__)
#define HAVE_TILES 1
#include <sys/syscall.h>
#include <unistd.h>
#else
#define HAVE_TILES 0
#endif

enum {
    ROWS = KAD_BFLOAT_ROWS,
    DEPTH = KAD_BFLOAT_DEPTH,
    COLUMNS = 16,
    PAIRS = DEPTH / 2,
    BLOCK = ROWS * DEPTH,           /* numbers of a block of either factor */
    PANEL_COLUMNS = KAD_W / COLUMNS /* blocks of columns of a panel */
};

/* --- rounding --------------------------------------------------------------------------- */

static kad_bfloat round_one(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const uint32_t size = bits & 0x7fffffff;
    if (size < 0x00800000) return (kad_bfloat)(bits >> 16 & 0x8000);
    if (size > 0x7f800000) return (kad_bfloat)(bits >> 16 | 0x40);
    return (kad_bfloat)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

#if HAVE_TILES
/* to[j] = even[j], odd[j] in turn, 16 of each. */
static inline void round_pairs(const float *even, const float *odd, kad_bfloat *to)
{
    const __m512i order =
        _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23,
                         7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    const __m512bh both =
        _mm512_cvtne2ps_pbh(_mm512_loadu_ps(odd), _mm512_loadu_ps(even));
    _mm512_storeu_si512(to, _mm512_permutexvar_epi16(order, (__m512i)both));
}

/* 32 in a row. */
static inline void round_row(const float *x, kad_bfloat *to)
{
    const __m512bh both =
        _mm512_cvtne2ps_pbh(_mm512_loadu_ps(x + 16), _mm512_loadu_ps(x));
    _mm512_storeu_si512(to, (__m512i)both);
}
#else
static inline void round_pairs(const float *even, const float *odd, kad_bfloat *to)
{
    for (int j = 0; j < COLUMNS; j++) {
        to[2 * j] = round_one(even[j]);
        to[2 * j + 1] = round_one(odd[j]);
    }
}

static inline void round_row(const float *x, kad_bfloat *to)
{
    for (int j = 0; j < DEPTH; j++)
        to[j] = round_one(x[j]);
}
#endif

/* --- products of blocks ----------------------------------------------------------------- */

/* Up to two blocks of rows and of columns; the next block is step numbers on, the next inputs'
 * is deep numbers on. */
typedef struct factor {
    const kad_bfloat *at;
    size_t step, deep;
    int n;
} factor;

/* c[16 a.n][16 b.n] (add: +=) a b over n_deep blocks of inputs. */
typedef void product(int n_deep, const factor *a, const factor *b, bool add, float *c,
                     size_t stride);

static inline uint32_t pair_at(const kad_bfloat *x)
{
    uint32_t pair;
    memcpy(&pair, x, sizeof pair);
    return pair;
}

static inline vreal low(vint pair)
{
    return (vreal)(pair << 16);
}

static inline vreal high(vint pair)
{
    return (vreal)(pair & (int)0xffff0000);
}

/* Four rows of one block times all its columns. */
static void plain_rows(const kad_bfloat *a, const kad_bfloat *b, float *c, size_t stride)
{
    enum { N = COLUMNS / KAD_V, R = 4 };
    vreal even[R][N], odd[R][N];
    for (int r = 0; r < R; r++)
        for (int v = 0; v < N; v++)
            even[r][v] = odd[r][v] = (vreal){0};
    for (int k = 0; k < PAIRS; k++)
        for (int v = 0; v < N; v++) {
            vint pair;
            memcpy(&pair, b + k * 2 * COLUMNS + v * 2 * KAD_V, sizeof pair);
            const vreal x = low(pair), y = high(pair);
            for (int r = 0; r < R; r++) {
                const vint w = (int)pair_at(a + r * DEPTH + 2 * k) - (vint){0};
                even[r][v] += low(w) * x;
                odd[r][v] += high(w) * y;
            }
        }
    for (int r = 0; r < R; r++)
        for (int v = 0; v < N; v++) {
            float *to = c + (size_t)r * stride + v * KAD_V;
            vreal sum;
            memcpy(&sum, to, sizeof sum);
            sum += even[r][v] + odd[r][v];
            memcpy(to, &sum, sizeof sum);
        }
}

static void plain_product(int n_deep, const factor *a, const factor *b, bool add,
                          float *c, size_t stride)
{
    for (int i = 0; i < a->n; i++)
        for (int j = 0; j < b->n; j++) {
            float *to = c + (size_t)(i * ROWS) * stride + j * COLUMNS;
            for (int r = 0; r < ROWS && !add; r++)
                memset(to + (size_t)r * stride, 0, COLUMNS * sizeof *to);
            for (int k = 0; k < n_deep; k++)
                for (int r = 0; r < ROWS; r += 4)
                    plain_rows(a->at + (size_t)i * a->step + (size_t)k * a->deep +
                                   r * DEPTH,
                               b->at + (size_t)j * b->step + (size_t)k * b->deep,
                               to + (size_t)r * stride, stride);
        }
}

#if HAVE_TILES
/* Tiles 0 to 3 hold c, 4 and 5 a, 6 and 7 b. In memory: compilers do not see all that is read of
 * it. */
static void begin(void)
{
    static const struct {
        uint8_t palette, start_row, rest[14];
        uint16_t bytes[16];
        uint8_t rows[16];
    } config = {.palette = 1,
                .bytes = {64, 64, 64, 64, 64, 64, 64, 64},
                .rows = {16, 16, 16, 16, 16, 16, 16, 16}};
    _tile_loadconfig(&config);
}

static void tile_product(int n_deep, const factor *a, const factor *b, bool add, float *c,
                         size_t stride)
{
    const size_t line = stride * sizeof *c;
    float *down = c + ROWS * stride;
    const bool two = a->n > 1, wide = b->n > 1;
    __asm__ volatile(
        "" ::
            : "memory"); /* compilers may not know that loads of tiles read it */
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    if (add) {
        _tile_loadd(0, c, line);
        if (wide) _tile_loadd(1, c + COLUMNS, line);
        if (two) _tile_loadd(2, down, line);
        if (two && wide) _tile_loadd(3, down + COLUMNS, line);
    }
    const kad_bfloat *p = a->at, *q = b->at;
    for (int k = 0; k < n_deep; k++, p += a->deep, q += b->deep) {
        _tile_loadd(4, p, 64);
        _tile_loadd(6, q, 64);
        _tile_dpbf16ps(0, 4, 6);
        if (wide) {
            _tile_loadd(7, q + b->step, 64);
            _tile_dpbf16ps(1, 4, 7);
        }
        if (two) {
            _tile_loadd(5, p + a->step, 64);
            _tile_dpbf16ps(2, 5, 6);
            if (wide) _tile_dpbf16ps(3, 5, 7);
        }
    }
    _tile_stored(0, c, line);
    if (wide) _tile_stored(1, c + COLUMNS, line);
    if (two) _tile_stored(2, down, line);
    if (two && wide) _tile_stored(3, down + COLUMNS, line);
}

static void end(void)
{
    _tile_release();
}

/* Linux gives the tiles' state on request, once a process. */
static bool have_tiles(void)
{
    enum { ASK = 0x1023, TILE_DATA = 18 };
    static _Atomic int known; /* 0: not asked, 1: no, 2: yes */
    int answer = atomic_load_explicit(&known, memory_order_relaxed);
    if (answer == 0) {
        answer = __builtin_cpu_supports("avx512bf16") &&
                         syscall(SYS_arch_prctl, ASK, TILE_DATA) == 0
                     ? 2
                     : 1;
        atomic_store_explicit(&known, answer, memory_order_relaxed);
    }
    return answer == 2;
}
#else
static void begin(void)
{
}

static void end(void)
{
}

static bool have_tiles(void)
{
    return false;
}

#define tile_product plain_product
#endif

static bool tiles_off;

void kad_bfloat_use_tiles(bool use)
{
    tiles_off = !use;
}

bool kad_bfloat_fast(void)
{
    return have_tiles();
}

static bool use_tiles(void)
{
    return have_tiles() && !tiles_off;
}

/* --- layers ----------------------------------------------------------------------------- */

/* n numbers of a row of a block, from the i-th on. */
static void pack_row(const double *w, size_t step, int i, int n, kad_bfloat *to)
{
    float row[DEPTH] __attribute__((aligned(64))) = {0};
    for (int k = 0; k < n; k++)
        row[i + k] = (float)w[(size_t)k * step];
    if (i == 0) {
        round_row(row, to); /* what follows is zero, or packed later */
        return;
    }
    for (int k = i; k < i + n; k++)
        to[k] = round_one(row[k]);
}

void kad_bfloat_pack(int n_out, int n_in, const double *w, size_t so, size_t si,
                     int first, int n_total, kad_bfloat *packed)
{
    const int deep = kad_bfloat_deep(n_total) / DEPTH, end = first + n_in;
    for (int o = 0; o < n_out; o++)
        for (int at = first, n; at < end; at += n) {
            const int i = at % DEPTH;
            n = end - at < DEPTH - i ? end - at : DEPTH - i;
            pack_row(w + (size_t)o * so + (size_t)(at - first) * si, si, i, n,
                     packed +
                         ((size_t)(o / ROWS) * (size_t)deep + (size_t)(at / DEPTH)) *
                             BLOCK +
                         o % ROWS * DEPTH);
        }
}

static inline int blocks(int n, int size)
{
    return (n + size - 1) / size;
}

static const float zeros[KAD_W];

/* Rows of a panel as blocks [deep][PANEL_COLUMNS] of the right factor. */
static void round_panel(int n_in, const float *x, kad_bfloat *to)
{
    for (int k = 0; k < kad_bfloat_deep(n_in); k += 2) {
        const float *even = k < n_in ? x + k * KAD_W : zeros,
                    *odd = k + 1 < n_in ? x + (k + 1) * KAD_W : zeros;
        kad_bfloat *row = to + (size_t)(k / DEPTH) * PANEL_COLUMNS * BLOCK +
                          k % DEPTH / 2 * 2 * COLUMNS;
        for (int c = 0; c < PANEL_COLUMNS; c++)
            round_pairs(even + c * COLUMNS, odd + c * COLUMNS, row + c * BLOCK);
    }
}

/* Rows o .. o + n - 1 of a panel from their sums [n][KAD_W]. */
static inline __attribute__((always_inline)) void
finish_rows(const kad_wide_finish finish, int panel, int o, int n, const float *sums,
            const float *bias, const kad_wide_output_f32 *out)
{
    for (int r = 0; r < n; r++) {
        float *y = finish_row(out->y, panel, out->y_rows, o + r),
              *s = finish_row(out->s, panel, out->s_rows, o + r),
              *d = finish_row(out->d, panel, out->d_rows, o + r);
        const float *old = out->old ? finish_row(out->old, panel, out->y_rows, o + r) : y;
        const vreal add = kad_vset(bias ? bias[o + r] : 0),
                    slope = kad_vset(out->slope ? out->slope[o + r] : 1);
        for (int v = 0; v < KAD_W; v += KAD_V)
            finish_one(finish, *(const vreal *)(sums + r * KAD_W + v) + add, slope,
                       y ? y + v : NULL, old ? old + v : NULL, s ? s + v : NULL,
                       d ? d + v : NULL);
    }
}

static void finish_any(kad_wide_finish finish, int panel, int o, int n, const float *sums,
                       const float *bias, const kad_wide_output_f32 *out){
#define ROWS_OF(kind) finish_rows(kind, panel, o, n, sums, bias, out)
    FINISH_EACH(finish, ROWS_OF)
#undef ROWS_OF
}

size_t kad_bfloat_apply_bytes(int n_in)
{
    return (size_t)kad_bfloat_deep(n_in) * KAD_W * sizeof(kad_bfloat);
}

void kad_bfloat_apply(kad_wide_finish finish, int n_out, int n_in,
                      const kad_bfloat *packed, const float *bias, int n_panels,
                      const float *x, int x_rows, const kad_wide_output_f32 *out,
                      void *scratch)
{
    float sums[2 * ROWS * KAD_W] __attribute__((aligned(64)));
    const int n_deep = blocks(n_in, DEPTH);
    const size_t row = (size_t)n_deep * BLOCK;
    const bool tiles = use_tiles();
    product *multiply = tiles ? tile_product : plain_product;
    kad_bfloat *right = scratch;
    if (tiles) begin();
    for (int p = 0; p < n_panels; p++, x += (size_t)x_rows * KAD_W) {
        round_panel(n_in, x, right);
        for (int o = 0; o < n_out; o += 2 * ROWS) {
            const factor a = {packed + (size_t)(o / ROWS) * row, row, BLOCK,
                              n_out - o > ROWS ? 2 : 1};
            for (int c = 0; c < PANEL_COLUMNS; c += 2) {
                const factor b = {right + c * BLOCK, BLOCK, PANEL_COLUMNS * BLOCK, 2};
                multiply(n_deep, &a, &b, false, sums + c * COLUMNS, KAD_W);
            }
            finish_any(finish, p, o, n_out - o < 2 * ROWS ? n_out - o : 2 * ROWS, sums,
                       bias, out);
        }
    }
    if (tiles) end();
}

/* --- products of matrices ----------------------------------------------------------------- */

static size_t left_size(int n_m, int n_k)
{
    return (size_t)kad_wide_padded(n_m) * (size_t)kad_bfloat_deep(n_k);
}

size_t kad_bfloat_product_bytes(int n_m, int n_k, int n_n)
{
    return (left_size(n_m, n_k) + left_size(n_n, n_k)) * sizeof(kad_bfloat);
}

/* Rows as blocks [rows][inputs] of the left factor. */
static void round_left(int n_m, int n_k, const float *a, size_t stride, kad_bfloat *to)
{
    float rest[DEPTH] __attribute__((aligned(64))) = {0};
    const size_t deep = (size_t)kad_bfloat_deep(n_k) / DEPTH;
    for (int m = 0; m < kad_wide_padded(n_m); m++)
        for (int k = 0; k < n_k; k += DEPTH) {
            const float *from = m < n_m ? a + (size_t)m * stride + k : zeros;
            if (m < n_m && n_k - k < DEPTH)
                from = memcpy(rest, from, (size_t)(n_k - k) * sizeof *rest);
            round_row(from,
                      to + ((size_t)(m / ROWS) * deep + (size_t)(k / DEPTH)) * BLOCK +
                          m % ROWS * DEPTH);
        }
}

/* Rows as blocks [columns][inputs] of the right factor. */
static void round_right(int n_k, int n_n, const float *b, size_t stride, kad_bfloat *to)
{
    const size_t deep = (size_t)kad_bfloat_deep(n_k) / DEPTH;
    for (int k = 0; k < kad_bfloat_deep(n_k); k += 2)
        for (int n = 0; n < n_n; n += COLUMNS)
            round_pairs(k < n_k ? b + (size_t)k * stride + n : zeros,
                        k + 1 < n_k ? b + (size_t)(k + 1) * stride + n : zeros,
                        to +
                            ((size_t)(n / COLUMNS) * deep + (size_t)(k / DEPTH)) * BLOCK +
                            k % DEPTH / 2 * 2 * COLUMNS);
}

void kad_bfloat_product(int n_m, int n_k, int n_n, const float *a, size_t a_stride,
                        const float *b, size_t b_stride, bool add, float *c,
                        size_t c_stride, void *scratch)
{
    const int n_deep = kad_bfloat_deep(n_k) / DEPTH;
    const size_t row = (size_t)n_deep * BLOCK;
    kad_bfloat *left = scratch, *right = left + left_size(n_m, n_k);
    const bool tiles = use_tiles();
    product *multiply = tiles ? tile_product : plain_product;
    if (tiles) begin();
    round_left(n_m, n_k, a, a_stride, left);
    round_right(n_k, n_n, b, b_stride, right);
    for (int m = 0; m < n_m; m += 2 * ROWS)
        for (int n = 0; n < n_n; n += 2 * COLUMNS) {
            const factor of_a = {left + (size_t)(m / ROWS) * row, row, BLOCK,
                                 n_m - m > ROWS ? 2 : 1},
                         of_b = {right + (size_t)(n / COLUMNS) * row, row, BLOCK,
                                 n_n - n > COLUMNS ? 2 : 1};
            multiply(n_deep, &of_a, &of_b, add, c + (size_t)m * c_stride + n, c_stride);
        }
    if (tiles) end();
}

size_t kad_bfloat_outer_bytes(int n_out, int n_in)
{
    return kad_bfloat_product_bytes(n_out, KAD_W, n_in);
}

void kad_bfloat_outer(int n_out, int n_in, int n_panels, const float *dy, int dy_rows,
                      const float *xt, size_t xt_stride, float *dw, void *scratch)
{
    for (int p = 0; p < n_panels; p++)
        kad_bfloat_product(n_out, KAD_W, n_in, dy + (size_t)p * (size_t)dy_rows * KAD_W,
                           KAD_W, xt + (size_t)p * KAD_W * xt_stride, xt_stride, p > 0,
                           dw, (size_t)kad_wide_padded(n_in), scratch);
}

#else
typedef int kad_bfloat_is_single; /* nothing in double precision */
#endif
