/* Checked sizes, aligned allocation and scopes.
 * All blocks are 64-byte aligned and zeroed. Sizes come from (count, size) and are
 * overflow-checked. kad_memory_n_allocations() counts calls, so that tests can require
 * that hot loops make none. */
#ifndef KAD_BASE_MEMORY_H
#define KAD_BASE_MEMORY_H

#include "base/context.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KAD_ALIGN = 64 };

/* *out = a * b; false on overflow. */
bool kad_size_mul(size_t a, size_t b, size_t *out);

/* Zeroed, 64-byte aligned block of n * size bytes; NULL on overflow or exhaustion. n = 0
 * is allowed and gives a valid block. Free with kad_free (NULL is fine). */
void *kad_alloc(size_t n, size_t size);
void kad_free(void *block);

/* The same with the message recorded in ctx: KAD_ENOMEM and *out = NULL on failure. */
KAD_MUST_USE kad_status kad_new(kad_ctx *ctx, size_t n, size_t size, void *out_pointer);

/* Copy of a string, from kad_alloc. */
char *kad_strdup(const char *text);

/* Number of kad_alloc calls so far in this process. */
uint64_t kad_memory_n_allocations(void);

/* For tests: the call of kad_alloc after the next `n_calls` fails, once; < 0: never. */
void kad_memory_fail_after(int64_t n_calls);

/* A scope owns what is taken in it, and gives all of it back when it ends, the last first.
 * A function that needs memory opens one and may return from anywhere:
 *
 *     KAD_SCOPE(scope, ctx);
 *     double *work;
 *     KAD_CALL(kad_take(&scope, n, &work));
 *
 * What is to outlive a function is taken in a scope that it is given (`kad_scope *in`) in
 * place of the context, which a scope carries. Not for loops that must not allocate: what
 * they need belongs to a plan. */
typedef struct kad_scope {
    kad_ctx *ctx;
    struct kad_owned *last;
} kad_scope;

/* A variable that is a scope, ended wherever its block is left. */
#define KAD_SCOPE(name, context) \
    kad_scope name __attribute__((cleanup(kad_scope_end))) = {.ctx = (context)}

/* *out: n zeroed items of its type. KAD_ENOMEM and NULL on failure. */
#define kad_take(scope, n, out) kad_scope_take((scope), (n), sizeof **(out), (out))
KAD_MUST_USE kad_status kad_scope_take(kad_scope *scope, size_t n, size_t size,
                                       void *out_pointer);
/* A copy of a text; out_pointer: to a char * or a const char *. */
KAD_MUST_USE kad_status kad_take_text(kad_scope *scope, const char *text,
                                      void *out_pointer);
/* *text: formatted, as by printf. */
KAD_MUST_USE kad_status kad_take_printf(kad_scope *scope, const char **text,
                                        const char *format, ...) KAD_PRINTF(3, 4);
/* Call end(what) when the scope ends. On failure (KAD_ENOMEM) it has been called. */
KAD_MUST_USE kad_status kad_defer(kad_scope *scope, void (*end)(void *), void *what);
/* Ends it; it can be used again. */
void kad_scope_end(kad_scope *scope);

/* A pointer (NULL at first) whose object is destroyed wherever its block is left; set it to
 * NULL to hand the object on. KAD_LOCAL_OF stands once, beside the destroy function. */
#define KAD_LOCAL(type, name) \
    type *name __attribute__((cleanup(kad_end_local_##type))) = NULL
#define KAD_LOCAL_OF(type, destroy)                       \
    static inline void kad_end_local_##type(type **local) \
    {                                                     \
        destroy(*local);                                  \
    }

KAD_LOCAL_OF(char, kad_free) /* texts from kad_alloc */
KAD_LOCAL_OF(double, kad_free)

/* A struct (zero at first) that clear(&it) empties wherever its block is left; set it to zero
 * to hand on what it owns: kad_index_list blocks KAD_CLEARED(kad_index_list_clear) = {0}; */
#define KAD_CLEARED(clear) __attribute__((cleanup(clear)))

/* Bytes this process may still use: the smallest of MemAvailable, the cgroup's limit less
 * its use (v1 and v2) and RLIMIT_AS less the current size. Never 0: SIZE_MAX where
 * nothing is known. */
size_t kad_memory_available_bytes(void);

/* The same with /proc and /sys looked up below a folder (tests); "" is the real thing. */
size_t kad_memory_available_below(const char *root);

/* KAD_ECONFIG with both numbers in the message when need_bytes exceeds what is available.
 */
KAD_MUST_USE kad_status kad_memory_require(kad_ctx *ctx, size_t need_bytes,
                                           const char *what);

#endif
