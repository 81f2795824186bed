/* Claims about generated images: ovals are Pillow's to the bit, and the sets are what their
 * papers say. */
#include "base/memory.h"
#include "image/generator.h"
#include "image/oval.h"
#include "tests/support/claim.h"

enum { SIDE = KAD_OVAL_SIDE, AREA = SIDE * SIDE };

/* n bytes of hexadecimal digits, of a word of a line. */
static void read_hex(const char *text, size_t n, uint8_t *out)
{
    assert_int_equal(strlen(text), 2 * n);
    for (size_t i = 0; i < n; i++) {
        const char digits[3] = {text[2 * i], text[2 * i + 1], 0};
        out[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
}

static void test_pillow(void **state)
{
    (void)state;
    const char *folder = getenv("KAD_SRCDIR");
    char path[1024], line[2048];
    int n = 0;
    snprintf(path, sizeof path, "%s/tests/image/ovals.txt", folder ? folder : ".");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    for (; fgets(line, sizeof line, file); n++) {
        double angle;
        int rgb[3], x, y;
        char alpha_text[256], image_text[512];
        uint8_t alpha[AREA], wanted[3 * AREA], tile[AREA][4], image[3 * AREA];
        assert_int_equal(sscanf(line, "%lf %d %d %d %d %d %255s %511s", &angle, &rgb[0],
                                &rgb[1], &rgb[2], &x, &y, alpha_text, image_text),
                         8);
        read_hex(alpha_text, sizeof alpha, alpha);
        read_hex(image_text, sizeof wanted, wanted);
        const uint8_t colour[3] = {(uint8_t)rgb[0], (uint8_t)rgb[1], (uint8_t)rgb[2]};
        kad_oval_tile(angle, colour, tile);
        memset(image, 100, sizeof image);
        kad_oval_paste((const uint8_t(*)[4])tile, x, y, SIDE, image);
        for (int i = 0; i < AREA; i++) {
            assert_int_equal(tile[i][3], alpha[i]);
            for (int k = 0; k < 3; k++)
                assert_int_equal(image[k * AREA + i], wanted[3 * i + k]);
        }
    }
    fclose(file);
    assert_int_equal(n, 6);
}

/* Every number an image comes with draws the image again. */
static void test_labels_are_the_image(void **state)
{
    (void)state;
    const kad_image_generator *g = kad_image_generator_find("msds2");
    double labels[96];
    uint8_t made[3072], drawn[3072] = {0}, tile[AREA][4];
    g->make(7, true, 11, made, labels);
    for (const double *o = labels; o < labels + 96; o += 6) {
        const uint8_t rgb[3] = {(uint8_t)o[3], (uint8_t)o[4], (uint8_t)o[5]};
        kad_oval_tile(o[2], rgb, tile);
        kad_oval_paste((const uint8_t(*)[4])tile, (int)o[0], (int)o[1], 32, drawn);
    }
    assert_memory_equal(made, drawn, sizeof made);
}

static void test_images_have_names_of_their_own(void **state)
{
    (void)state;
    uint8_t a[3072], b[3072];
    double labels[96];
    for (int i = 0; kad_image_generators[i]; i++) {
        const kad_image_generator *g = kad_image_generators[i];
        const size_t n = (size_t)g->n_channels * (size_t)g->height * (size_t)g->width;
        const struct {
            uint64_t seed, number;
            bool held_out;
        } others[] = {{1, 1, false}, {2, 0, false}, {1, 0, true}};
        g->make(1, false, 0, a, labels);
        g->make(1, false, 0, b, labels);
        assert_memory_equal(a, b, n);
        for (int k = 0; k < 3; k++) {
            g->make(others[k].seed, others[k].held_out, others[k].number, b, labels);
            assert_memory_not_equal(a, b, n);
        }
    }
}

/* Colours of MSDS1: variance of a channel between images 192^2/12 = 3072, of an oval about
 * its image 65^2/12 = 352 (share 0.897); its angles cover [0, 180). MSDS2 the other way
 * round: angles within 45 degrees of an image's, colours over all levels. 400 images:
 * relative standard error of the first variance sqrt(2/1200) but for the short tails, 0.03;
 * five of them. */
static void test_laws(void **state)
{
    (void)state;
    enum { N = 400 };
    for (int which = 1; which <= 2; which++) {
        char name[8];
        double between = 0, within = 0, most_spread = 0, square = 0, all = 0;
        uint8_t pixels[3072];
        double labels[96];
        snprintf(name, sizeof name, "msds%d", which);
        const kad_image_generator *g = kad_image_generator_find(name);
        for (uint64_t i = 0; i < N; i++) {
            double lowest = 1e9, highest = -1e9;
            g->make(3, false, i, pixels, labels);
            for (int k = 3; k < 6; k++) {
                double mean = 0, sum = 0;
                for (int o = 0; o < 16; o++)
                    mean += labels[6 * o + k] / 16;
                for (int o = 0; o < 16; o++)
                    sum += pow(labels[6 * o + k] - mean, 2) / 15;
                within += sum / (3 * N);
                square += mean * mean / (3 * N);
                all += mean / (3 * N);
            }
            for (int o = 0; o < 16; o++) {
                lowest = fmin(lowest, labels[6 * o + 2]);
                highest = fmax(highest, labels[6 * o + 2]);
                assert_true(labels[6 * o] >= -1 && labels[6 * o] <= 25);
            }
            most_spread = fmax(most_spread, highest - lowest);
            assert_true(lowest >= 0 && highest < (which == 1 ? 180 : 225));
        }
        between = square - all * all;
        assert_close(all, which == 1 ? 127.5 : 127.5, which == 1 ? 8 : 3);
        if (which == 1) {
            assert_close(between, 3072 + 352 / 16., 500);
            assert_close(within, 352, 10);
            assert_true(most_spread > 160);
        } else {
            assert_close(within, 65535 / 12., 150);
            assert_close(between, within / 16, 120);
            assert_true(most_spread < 45 && most_spread > 40);
        }
    }
}

/* Arm k is arm 0 turned by 2 pi k/5: with the turn taken back, radius and angle have the
 * arms' means and deviations. */
static void test_pinwheel(void **state)
{
    (void)state;
    enum { N = 4000 };
    const kad_image_generator *g = kad_image_generator_find("pinwheel");
    double mean = 0, square = 0, tangent = 0, labels[3];
    uint8_t p[2];
    for (uint64_t i = 0; i < N; i++) {
        g->make(1, false, i, p, labels);
        const double x = labels[1] / 2, y = labels[2] / 2;
        assert_close(p[0], 128 + 32 * labels[1], 0.500001);
        assert_close(p[1], 128 + 32 * labels[2], 0.500001);
        /* r^2 + t^2 = x^2 + y^2, t small: mean of r^2 + t^2 is 1 + 0.09 + 0.01 */
        square += (x * x + y * y) / N;
        mean += labels[0] / N;
        tangent += x / N;
    }
    /* deviations of one: 0.62, sqrt 2, 0.74; five of them */
    assert_close(square, 1.1, 5 * 0.65 / sqrt(N));
    assert_close(mean, 2, 5 * sqrt(2) / sqrt(N));
    assert_close(tangent, 0, 5 * 0.75 / sqrt(N));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("image: ovals are Pillow's, to the bit", test_pillow),
        CLAIM("image: MSDS labels say all of an image", test_labels_are_the_image),
        CLAIM("image: seed, side and number name an image",
              test_images_have_names_of_their_own),
        CLAIM("image: MSDS1 and MSDS2 have the published laws", test_laws),
        CLAIM("image: the pinwheel has five arms of its radius", test_pinwheel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
