/* Precision of kernels. A file NAME_kern.c is written once in terms of `real` and
 * compiled twice, with KAD_PREC = 32 and 64; KR(name) appends _f32 or _f64 to public
 * names.
 *
 * A *tile* holds KAD_W samples: x[row][lane], row = site * n_comp + component, lanes
 * innermost and 64-byte aligned. Kernels loop over lanes with vectors `vreal` of KAD_V
 * lanes, KAD_NV a row. */
#ifndef KAD_BASE_REAL_H
#define KAD_BASE_REAL_H

typedef enum kad_prec { KAD_SINGLE = 0, KAD_DOUBLE = 1 } kad_prec;

/* Lanes of a tile and bytes of a row (the same in both precisions). */
enum { KAD_W_SINGLE = 64, KAD_W_DOUBLE = 32, KAD_ROW_BYTES = 256, KAD_W_MAX = 64 };

static inline int kad_lanes(kad_prec prec)
{
    return prec == KAD_SINGLE ? KAD_W_SINGLE : KAD_W_DOUBLE;
}

#ifdef KAD_PREC
#if KAD_PREC == 32
typedef float real;
typedef int ireal;
#define KR(name) name##_f32
#define KAD_W KAD_W_SINGLE
#define RC(x) x##f
#else
typedef double real;
typedef long ireal;
#define KR(name) name##_f64
#define KAD_W KAD_W_DOUBLE
#define RC(x) x
#endif
/* Compiler vectors as wide as the target's registers: AVX-512, AVX and SSE or NEON from
 * the same source. */
#if defined(__AVX512F__)
#define KAD_VBYTES 64
#elif defined(__AVX__)
#define KAD_VBYTES 32
#else
#define KAD_VBYTES 16
#endif
typedef real vreal __attribute__((vector_size(KAD_VBYTES), may_alias));
typedef ireal vint __attribute__((vector_size(KAD_VBYTES), may_alias));
#define KAD_V (KAD_VBYTES / (int)sizeof(real))
#define KAD_NV (KAD_W / KAD_V)

/* Before a loop whose bounds (at most n) are constants after inlining: no loop is left
 * of it, so that arrays indexed by it live in registers. */
#define KAD_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define KAD_UNROLL(n) KAD_PRAGMA(clang loop unroll(full))
#else
#define KAD_UNROLL(n) KAD_PRAGMA(GCC unroll n)
#endif
#endif

#endif
