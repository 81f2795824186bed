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

void kad_text_escape(kad_text *text, const char *raw)
{
    for (; *raw != '\0'; raw++) {
        switch (*raw) {
        case '&':
            kad_text_add(text, "&amp;");
            break;
        case '<':
            kad_text_add(text, "&lt;");
            break;
        case '>':
            kad_text_add(text, "&gt;");
            break;
        case '"':
            kad_text_add(text, "&quot;");
            break;
        default:
            if (!reserve(text, 1)) return;
            text->data[text->n++] = *raw;
            text->data[text->n] = '\0';
        }
    }
}

void kad_text_percent(kad_text *text, const char *raw)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                "0123456789-._~,:;()+=*!$@/";
    while (*raw != '\0') {
        const size_t n = strspn(raw, plain);
        if (!reserve(text, n)) return;
        memcpy(text->data + text->n, raw, n);
        text->n += n;
        text->data[text->n] = '\0';
        raw += n;
        if (*raw != '\0') kad_text_add(text, "%%%02X", (unsigned char)*raw++);
    }
}

void kad_text_base64(kad_text *text, const unsigned char *bytes, size_t n)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (!reserve(text, (n + 2) / 3 * 4)) return;
    char *out = text->data + text->n;
    for (size_t i = 0; i < n; i += 3) {
        unsigned word = (unsigned)bytes[i] << 16;
        if (i + 1 < n) word |= (unsigned)bytes[i + 1] << 8;
        if (i + 2 < n) word |= (unsigned)bytes[i + 2];
        *out++ = digits[word >> 18 & 63];
        *out++ = digits[word >> 12 & 63];
        *out++ = i + 1 < n ? digits[word >> 6 & 63] : '=';
        *out++ = i + 2 < n ? digits[word & 63] : '=';
    }
    *out = '\0';
    text->n = (size_t)(out - text->data);
}

void kad_text_clear(kad_text *text)
{
    kad_free(text->data);
    *text = (kad_text){0};
}
