/* Checked, aligned, zeroed allocation and scopes. */
#include "base/memory.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Process-wide by nature: a count of calls, and the test harness's fault injection. */
static atomic_uint_fast64_t n_allocations;
static atomic_int_fast64_t calls_until_failure = -1;

bool kad_size_mul(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

void kad_memory_fail_after(int64_t n_calls)
{
    atomic_store(&calls_until_failure, n_calls);
}

static bool injected_failure(void)
{
    if (atomic_load(&calls_until_failure) < 0) return false;
    if (atomic_fetch_sub(&calls_until_failure, 1) != 0) return false;
    errno = ENOMEM; /* as malloc does */
    return true;
}

/* calloc, so that large blocks are fresh zero pages that nobody has to clear; its pointer
 * stands just before the aligned block. */
void *kad_alloc(size_t n, size_t size)
{
    atomic_fetch_add(&n_allocations, 1);
    size_t bytes;
    if (!kad_size_mul(n, size, &bytes) || bytes > SIZE_MAX / 2) return NULL;
    if (injected_failure()) return NULL;
    /* whole cache lines, so that vector loads at the end stay inside */
    bytes = (bytes + KAD_ALIGN - 1) / KAD_ALIGN * KAD_ALIGN;
    char *raw = calloc(1, bytes + KAD_ALIGN + sizeof(void *));
    if (!raw) return NULL;
    uintptr_t start = (uintptr_t)raw + sizeof(void *) + KAD_ALIGN - 1;
    char *block = raw + (start / KAD_ALIGN * KAD_ALIGN - (uintptr_t)raw);
    memcpy(block - sizeof(void *), &raw, sizeof raw);
    return block;
}

void kad_free(void *block)
{
    if (!block) return;
    void *raw;
    memcpy(&raw, (char *)block - sizeof(void *), sizeof raw);
    free(raw);
}

static kad_status no_memory(kad_ctx *ctx, size_t n, size_t size)
{
    return kad_fail(ctx, KAD_ENOMEM, "out of memory: %zu items of %zu bytes", n, size);
}

kad_status kad_new(kad_ctx *ctx, size_t n, size_t size, void *out_pointer)
{
    void *block = kad_alloc(n, size);
    memcpy(out_pointer, &block, sizeof block);
    return block ? KAD_OK : no_memory(ctx, n, size);
}

char *kad_strdup(const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = kad_alloc(n, 1);
    if (copy) memcpy(copy, text, n);
    return copy;
}

uint64_t kad_memory_n_allocations(void)
{
    return atomic_load(&n_allocations);
}

/* ---- scopes ---- */

/* Stands before what was taken, or alone for what is deferred. */
typedef struct kad_owned {
    struct kad_owned *before;
    void (*end)(void *); /* NULL: a block */
    void *what;
} owned;

enum { HEAD_BYTES = KAD_ALIGN };
_Static_assert(sizeof(owned) <= HEAD_BYTES, "a block in a scope stays aligned");

/* NULL on exhaustion. */
static owned *own(kad_scope *scope, size_t n_bytes)
{
    owned *new = n_bytes < SIZE_MAX / 2 ? kad_alloc(1, HEAD_BYTES + n_bytes) : NULL;
    if (new == NULL) return NULL;
    new->before = scope->last;
    scope->last = new;
    return new;
}

kad_status kad_scope_take(kad_scope *scope, size_t n, size_t size, void *out_pointer)
{
    size_t n_bytes;
    owned *new = kad_size_mul(n, size, &n_bytes) ? own(scope, n_bytes) : NULL;
    void *block = new != NULL ? (char *)new + HEAD_BYTES : NULL;
    memcpy(out_pointer, &block, sizeof block);
    return block != NULL ? KAD_OK : no_memory(scope->ctx, n, size);
}

kad_status kad_take_text(kad_scope *scope, const char *text, void *out_pointer)
{
    const size_t n = strlen(text) + 1;
    char *copy;
    KAD_CALL(kad_take(scope, n, &copy));
    memcpy(copy, text, n);
    memcpy(out_pointer, &copy, sizeof copy);
    return KAD_OK;
}

kad_status kad_take_printf(kad_scope *scope, const char **text, const char *format, ...)
{
    va_list args, again;
    char *block = NULL;
    va_start(args, format);
    va_copy(again, args);
    const int n = vsnprintf(NULL, 0, format, args);
    const kad_status status = kad_take(scope, n < 0 ? 1 : (size_t)n + 1, &block);
    if (block != NULL && n > 0) vsnprintf(block, (size_t)n + 1, format, again);
    va_end(again);
    va_end(args);
    *text = block;
    return status;
}

kad_status kad_defer(kad_scope *scope, void (*end)(void *), void *what)
{
    owned *new = own(scope, 0);
    if (new == NULL) {
        end(what);
        return no_memory(scope->ctx, 1, HEAD_BYTES);
    }
    new->end = end;
    new->what = what;
    return KAD_OK;
}

void kad_scope_end(kad_scope *scope)
{
    while (scope->last != NULL) {
        owned *old = scope->last;
        scope->last = old->before;
        if (old->end != NULL) old->end(old->what);
        kad_free(old);
    }
}
