/* Means over images, with errors over the pictures that they come from. */
#include "base/grouped.h"
#include "base/rng.h"
#include "tests/support/claim.h"

#include <math.h>

enum { N = 60 };

static double number(uint64_t i)
{
    return 3 + kad_rng_uniform(kad_rng_stream(5, KAD_RNG_TEST, 0), 0, i, 0);
}

/* Every image a picture: sqrt of the variance over n. */
static void of_pictures_apart(void **state)
{
    (void)state;
    kad_grouped_mean m = {0};
    double sum = 0, squares = 0;
    for (size_t i = 0; i < N; i++) {
        kad_grouped_mean_add(&m, i, number(i));
        sum += number(i) / N;
    }
    for (size_t i = 0; i < N; i++)
        squares += (number(i) - sum) * (number(i) - sum);
    assert_close(kad_grouped_mean_value(&m), sum, 1e-12);
    assert_close(kad_grouped_mean_error(&m), sqrt(squares / (N - 1) / N), 1e-12);
}

/* The same numbers five times each tell nothing new. */
static void of_copies(void **state)
{
    (void)state;
    kad_grouped_mean once = {0}, often = {0};
    for (size_t i = 0; i < 5 * N; i++) {
        if (i % 5 == 0) kad_grouped_mean_add(&once, i / 5, number(i / 5));
        kad_grouped_mean_add(&often, i / 5, number(i / 5));
    }
    assert_int_equal(often.n, 5 * N);
    assert_close(kad_grouped_mean_value(&often), kad_grouped_mean_value(&once), 1e-12);
    assert_close(kad_grouped_mean_error(&often), kad_grouped_mean_error(&once), 1e-12);
}

/* Pictures with 1, 2, 3, ... images, against the formula. */
static void of_pictures_of_many_sizes(void **state)
{
    (void)state;
    enum { PICTURES = 9 };
    kad_grouped_mean m = {0};
    double s[PICTURES] = {0}, all = 0, n = 0, r, squares = 0;
    uint64_t at = 0;
    for (size_t j = 0; j < PICTURES; j++)
        for (size_t i = 0; i <= j; i++, n++) {
            const double x = number(at++) + number(1000 + j);
            kad_grouped_mean_add(&m, j, x);
            s[j] += x;
            all += x;
        }
    r = all / n;
    for (size_t j = 0; j < PICTURES; j++)
        squares += pow(s[j] - r * (double)(j + 1), 2);
    assert_close(kad_grouped_mean_value(&m), r, 1e-12);
    assert_close(kad_grouped_mean_error(&m),
                 sqrt(PICTURES / (PICTURES - 1.0) * squares) / n, 1e-12);
}

static void of_one_picture_there_is_none(void **state)
{
    (void)state;
    kad_grouped_mean m = {0};
    assert_true(isnan(kad_grouped_mean_value(&m)));
    for (uint64_t i = 0; i < 3; i++)
        kad_grouped_mean_add(&m, 7, number(i));
    assert_true(isnan(kad_grouped_mean_error(&m)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("mean over images: errors of independent ones", of_pictures_apart),
        CLAIM("mean over images: copies make no error smaller", of_copies),
        CLAIM("mean over images: pictures of many sizes, a ratio",
              of_pictures_of_many_sizes),
        CLAIM("mean over images: one picture tells no error",
              of_one_picture_there_is_none),
    };
    return cmocka_run_group_tests_name("means over images", tests, NULL, NULL);
}
