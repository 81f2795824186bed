/* The context: failure messages and notices, always one printable line. */
#include "base/context.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#ifdef _OPENMP
/* OMP_NUM_THREADS, else the cores of the batch job's task, else those there are: a task
 * that was given two cores of a node must not start a thread on every one. */
static int default_threads(void)
{
    const char *given = getenv("OMP_NUM_THREADS"), *task = getenv("SLURM_CPUS_PER_TASK");
    char *end = NULL;
    const long n = given == NULL && task != NULL ? strtol(task, &end, 10) : 0;
    return n > 0 && *end == 0 && n < INT_MAX ? (int)n : omp_get_max_threads();
}
#endif

void kad_ctx_init(kad_ctx *ctx, int n_threads)
{
    memset(ctx, 0, sizeof *ctx);
#ifdef _OPENMP
    if (n_threads <= 0) n_threads = default_threads();
#endif
    ctx->n_threads = n_threads > 0 ? n_threads : 1;
}

/* Bytes of the UTF-8 character at s, 0 when it is none; its code in *code. */
static int decode(const unsigned char *s, unsigned *code)
{
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    int n = s[0] < 0x80 ? 1 : s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    if (s[0] >= 0xf8) n = 0;
    *code = n <= 1 ? s[0] : s[0] & (0xffu >> (n + 1));
    for (int i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) return 0;
        *code = *code << 6 | (s[i] & 0x3fu);
    }
    bool surrogate = *code >= 0xd800 && *code < 0xe000;
    return *code < least[n] || *code > 0x10ffff || surrogate ? 0 : n;
}

/* Bytes of the character at s; *shown: may it be? */
static int inspect(const char *s, bool lines, bool *shown)
{
    unsigned code;
    int n = decode((const unsigned char *)s, &code);
    bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
    if (lines && (code == '\n' || code == '\t')) control = false;
    *shown = n > 0 && !control;
    return n > 0 ? n : 1;
}

void kad_make_printable(char *text, bool lines)
{
    char *to = text;
    bool shown;
    for (int n; *text; text += n) {
        n = inspect(text, lines, &shown);
        if (shown) memmove(to, text, (size_t)n);
        if (!shown) *to = '?';
        to += shown ? n : 1;
    }
    *to = 0;
}

bool kad_is_printable(const char *text)
{
    bool shown = true;
    for (int n; *text && shown; text += n)
        n = inspect(text, false, &shown);
    return shown;
}

/* Formats into `text`; text that does not fit ends in "...". */
static void format_line(char *text, size_t size, const char *format, va_list args)
{
    int n = vsnprintf(text, size, format, args);
    if (n < 0)
        snprintf(text, size, "unprintable message");
    else if ((size_t)n >= size)
        memcpy(text + size - 4, "...", 4);
    kad_make_printable(text, false); /* values are quoted from files */
}

kad_status kad_fail(kad_ctx *ctx, kad_status code, const char *format, ...)
{
    char line[KAD_MESSAGE_MAX]; /* the arguments may include ctx->message */
    va_list args;
    va_start(args, format);
    format_line(line, sizeof line, format, args);
    va_end(args);
    if (ctx) memcpy(ctx->message, line, sizeof line);
    return code;
}

void kad_note(kad_ctx *ctx, const char *format, ...)
{
    if (!ctx || !ctx->log) return;
    char line[KAD_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    format_line(line, sizeof line, format, args);
    va_end(args);
    ctx->log(ctx->sink, line);
}
