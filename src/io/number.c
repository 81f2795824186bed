/* Locale-independent numbers: tokens are checked against a grammar of our own, and the
 * thread is in the C locale while the C library converts. */
#include "io/number.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKEN_CHARS = 400 }; /* the longest exact double has fewer digits than this */

static const char *digits(const char *s)
{
    while (*s >= '0' && *s <= '9')
        s++;
    return s;
}

/* [+-] digits [. digits] [e [+-] digits], at least one digit before the exponent. */
static bool is_number(const char *s)
{
    if (*s == '+' || *s == '-') s++;
    const char *whole = s;
    s = digits(s);
    size_t n = (size_t)(s - whole);
    if (*s == '.') {
        const char *fraction = ++s;
        s = digits(s);
        n += (size_t)(s - fraction);
    }
    if (n == 0) return false;
    if (*s == 'e' || *s == 'E') {
        s++;
        if (*s == '+' || *s == '-') s++;
        const char *exponent = s;
        s = digits(s);
        if (s == exponent) return false;
    }
    return *s == 0;
}

/* strtod in the C locale; NaN where that locale cannot be made. */
static double to_double(const char *text)
{
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (c == (locale_t)0) return NAN;
    locale_t old = uselocale(c);
    double x = strtod(text, NULL);
    uselocale(old);
    freelocale(c);
    return x;
}

bool kad_parse_real(const char *text, double *out)
{
    if (strlen(text) > TOKEN_CHARS || !is_number(text)) return false;
    double x = to_double(text);
    if (!isfinite(x)) return false;
    *out = x;
    return true;
}

bool kad_parse_int(const char *text, int64_t *out)
{
    double x;
    if (!kad_parse_real(text, &x)) return false;
    if (text[strcspn(text, ".eE")] == 0) {
        errno = 0;
        intmax_t value = strtoimax(text, NULL, 10);
        if (errno != 0 || value > INT64_MAX || value < INT64_MIN) return false;
        *out = (int64_t)value;
        return true;
    }
    /* 1e6, 2.5e3: integral and exact in double */
    if (x != floor(x) || fabs(x) > 0x1p53) return false;
    *out = (int64_t)x;
    return true;
}

static void decimal_point(char *text)
{
    for (char *c = text; *c; c++)
        if (*c == ',') *c = '.'; /* a locale's decimal comma */
}

char *kad_format_real(char text[KAD_NUMBER_CHARS], double x)
{
    enum { LEAST = -5, MOST = 15 }; /* powers of ten that are written out */
    int digit = 1;
    for (; digit <= 17; digit++) {
        snprintf(text, KAD_NUMBER_CHARS, "%.*e", digit - 1, x);
        decimal_point(text);
        if (!isfinite(x) || to_double(text) == x) break;
    }
    if (!isfinite(x)) return text;
    const int power = (int)strtol(strchr(text, 'e') + 1, NULL, 10);
    if (power < LEAST || power > MOST) return text;
    const int decimals = digit - 1 - power;
    snprintf(text, KAD_NUMBER_CHARS, "%.*f", decimals > 0 ? decimals : 0, x);
    decimal_point(text);
    return text;
}
