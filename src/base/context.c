/* The context: failure messages and notices, always one printable line. */
#include "base/context.h"

#include <stdio.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

void kad_ctx_init(kad_ctx *ctx, int n_threads)
{
    memset(ctx, 0, sizeof *ctx);
#ifdef _OPENMP
    if (n_threads <= 0) n_threads = omp_get_max_threads();
#endif
    ctx->n_threads = n_threads > 0 ? n_threads : 1;
}

/* Offending values are quoted from files: control characters become '?', so that a
 * message stays one line and cannot steer a terminal. */
static void make_line(char *text)
{
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = '?';
}

/* Formats into `text`; text that does not fit ends in "...". */
static void format_line(char *text, size_t size, const char *format, va_list args)
{
    int n = vsnprintf(text, size, format, args);
    if (n < 0)
        snprintf(text, size, "unprintable message");
    else if ((size_t)n >= size)
        memcpy(text + size - 4, "...", 4);
    make_line(text);
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
