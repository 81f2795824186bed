/* Values with errors: 0.82(2). */
#include "io/progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* One digit of the error, two when the first is 1: decimals to print and the digits in
 * brackets. */
static long error_digits(double err, int *decimals)
{
    int exponent = (int)floor(log10(err));
    double lead = err / pow(10, exponent);
    int digits = lead < 2 ? 2 : 1;
    *decimals = digits - 1 - exponent;
    long rounded = lround(lead * (digits == 2 ? 10 : 1));
    if (digits == 2 && rounded >= 20) { /* 0.198 -> 0.2 */
        (*decimals)--;
        rounded /= 10;
    }
    return rounded;
}

char *kad_format_error(char *text, size_t size, double value, double err)
{
    double largest = fmax(fabs(value), err);
    if (!isfinite(value) || !isfinite(err) || err <= 0 || err < 1e-290) {
        snprintf(text, size, "%.6g", value);
        return text;
    }
    int decimals;
    long digits = error_digits(err, &decimals);
    bool plain = largest >= 1e-3 && largest < 1e6;
    int exponent = plain ? 0 : (int)floor(log10(largest));
    /* rounding may carry into one digit more: 9.996e-5 is 1.000e-4 */
    if (!plain && fabs(value) + 0.5 * pow(10, -decimals) >= pow(10, exponent + 1))
        exponent++;
    decimals += exponent;
    double scaled = value / pow(10, exponent);
    long shown = digits;
    if (decimals < 0) { /* 1234 +- 56 is 1230(60) */
        double unit = pow(10, -decimals);
        scaled = round(scaled / unit) * unit;
        shown = lround((double)digits * unit);
        decimals = 0;
    }
    int n = snprintf(text, size, "%.*f(%ld)", decimals, scaled, shown);
    if (!plain && n > 0 && (size_t)n < size)
        snprintf(text + n, size - (size_t)n, "e%+03d", exponent);
    return text;
}

char *kad_format_rounded(char *text, size_t size, double value, int digits)
{
    double rounded = value;
    if (isfinite(value) && value != 0) {
        const int decimals = digits - 1 - (int)floor(log10(fabs(value)));
        if (abs(decimals) < 300) {
            const double unit = pow(10, abs(decimals));
            rounded =
                decimals < 0 ? round(value / unit) * unit : round(value * unit) / unit;
        }
    }
    snprintf(text, size, "%.10g", rounded);
    return text;
}
