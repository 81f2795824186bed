#include "analysis/text.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Room for `more` characters and a NUL. */
static bool reserve(kad_text *text, size_t more)
{
    if (text->failed) return false;
    size_t need = text->n + more + 1;
    if (need <= text->capacity) return true;
    size_t capacity = need + need / 2 + 4096;
    char *data = kad_alloc(capacity, 1);
    if (data == NULL) {
        text->failed = true;
        return false;
    }
    if (text->n > 0) memcpy(data, text->data, text->n);
    kad_free(text->data);
    text->data = data;
    text->capacity = capacity;
    return true;
}

void kad_text_add(kad_text *text, const char *format, ...)
{
    char small[512];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    if (length < 0 || !reserve(text, (size_t)length)) {
        text->failed = true;
        return;
    }
    if ((size_t)length < sizeof small) {
        memcpy(text->data + text->n, small, (size_t)length + 1);
    } else {
        va_start(args, format);
        vsnprintf(text->data + text->n, (size_t)length + 1, format, args);
        va_end(args);
    }
    text->n += (size_t)length;
}

void kad_text_clear(kad_text *text)
{
    kad_free(text->data);
    *text = (kad_text){0};
}
