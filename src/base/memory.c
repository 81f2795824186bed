/* Checked, aligned, zeroed allocation and arenas. */
#include "base/memory.h"

#include <errno.h>
#include <stdatomic.h>
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

kad_status kad_new(kad_ctx *ctx, size_t n, size_t size, void *out_pointer)
{
    void *block = kad_alloc(n, size);
    memcpy(out_pointer, &block, sizeof block);
    if (block) return KAD_OK;
    return kad_fail(ctx, KAD_ENOMEM, "out of memory: %zu items of %zu bytes", n, size);
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

/* ---- arenas ---- */

enum { CHUNK_BYTES = 1 << 16 };

typedef struct chunk {
    struct chunk *next;
    size_t used, size;
    char *data;
} chunk;

struct kad_arena {
    chunk *head;
};

kad_status kad_arena_create(kad_ctx *ctx, kad_arena **out)
{
    return kad_new(ctx, 1, sizeof **out, out);
}

void kad_arena_destroy(kad_arena *arena)
{
    if (!arena) return;
    for (chunk *c = arena->head, *next; c; c = next) {
        next = c->next;
        kad_free(c->data);
        kad_free(c);
    }
    kad_free(arena);
}

static chunk *new_chunk(size_t bytes)
{
    chunk *c = kad_alloc(1, sizeof *c);
    if (!c) return NULL;
    c->size = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
    c->data = kad_alloc(c->size, 1);
    if (c->data) return c;
    kad_free(c);
    return NULL;
}

void *kad_arena_alloc(kad_arena *arena, size_t n, size_t size)
{
    size_t bytes;
    if (!kad_size_mul(n, size, &bytes) || bytes > SIZE_MAX / 2) return NULL;
    bytes = (bytes + KAD_ALIGN - 1) / KAD_ALIGN * KAD_ALIGN;
    if (bytes == 0) bytes = KAD_ALIGN;
    if (!arena->head || arena->head->size - arena->head->used < bytes) {
        chunk *c = new_chunk(bytes);
        if (!c) return NULL;
        c->next = arena->head;
        arena->head = c;
    }
    void *block = arena->head->data + arena->head->used;
    arena->head->used += bytes;
    return block;
}
