/* Training of maps of images. */
#include "base/memory.h"
#include "pixel/map.h"
#include "pixel/recipe.h"
#include "tests/pixel/pixel_case.h"
#include "train/image_trainer.h"

enum { IMAGES = 300, SIDE = 8, CHANNELS = 2 };

typedef struct train_case {
    kad_ctx ctx;
    kad_image_map *map;
    kad_image_trainer *trainer;
    uint8_t *pixels;
    kad_images images;
} train_case;

/* Smooth pictures: a level of the image, a slope, some noise; the second channel follows. */
static void open_images(train_case *s)
{
    s->pixels = kad_alloc(IMAGES * CHANNELS * SIDE * SIDE, 1);
    for (uint64_t i = 0; i < IMAGES; i++)
        for (uint64_t k = 0; k < SIDE * SIDE; k++) {
            const double slope = 8 * pixel_uniform(i, 6) * (double)(k / SIDE);
            const double x = 160 * pixel_uniform(i, 5) + slope +
                             8 * pixel_uniform(i * SIDE * SIDE + k, 7);
            uint8_t *at = s->pixels + i * CHANNELS * SIDE * SIDE + k;
            at[0] = (uint8_t)x;
            at[SIDE * SIDE] = (uint8_t)(255 - x);
        }
    s->images = (kad_images){.n = IMAGES,
                             .n_channels = CHANNELS,
                             .height = SIDE,
                             .width = SIDE,
                             .pixels = s->pixels};
}

static kad_image_train_options few_steps(int64_t steps)
{
    kad_image_train_options o = kad_image_train_defaults();
    o.seconds = 0;
    o.steps = steps;
    o.batch = 64;
    return o;
}

static void start(train_case *s, int n_threads, const kad_image_train_options *options)
{
    kad_pixel_options o = kad_pixel_defaults();
    o.hidden = 16;
    o.components = 2;
    kad_ctx_init(&s->ctx, n_threads);
    assert_ok(s, kad_pixel_recipe_create(&s->ctx, &o, CHANNELS, SIDE, SIDE, &s->map));
    assert_ok(
        s, kad_image_trainer_create(&s->ctx, s->map, options, &s->images, &s->trainer));
}

static void stop(train_case *s)
{
    kad_image_trainer_destroy(s->trainer);
    kad_image_map_destroy(s->map);
}

static size_t bytes_of(kad_state_array a)
{
    return a.n * (a.prec == KAD_SINGLE ? sizeof(float) : sizeof(double));
}

static void copy_state(train_case *from, train_case *to)
{
    kad_state_array a, b;
    for (int i = 0; kad_image_trainer_array(from->trainer, i, &a); i++) {
        assert_true(kad_image_trainer_array(to->trainer, i, &b));
        assert_string_equal(a.name, b.name);
        memcpy(b.data, a.data, bytes_of(a));
    }
    kad_image_trainer_restored(to->trainer);
}

/* But for the clock's numbers. */
static void same_state(train_case *a, train_case *b)
{
    kad_state_array x, y;
    for (int i = 0; kad_image_trainer_array(a->trainer, i, &x); i++) {
        assert_true(kad_image_trainer_array(b->trainer, i, &y));
        if (strcmp(x.name, "numbers") != 0)
            assert_memory_equal(x.data, y.data, bytes_of(x));
    }
}

static void threads_do_not_matter(void **state)
{
    (void)state;
    const kad_image_train_options o = few_steps(60);
    train_case one = {0}, many = {0};
    open_images(&one);
    many.images = one.images;
    start(&one, 1, &o);
    kad_image_trainer_run(one.trainer, 1, INFINITY);
    for (int n_threads = 2; n_threads <= 16; n_threads *= 2) {
        start(&many, n_threads, &o);
        kad_image_trainer_run(many.trainer, 1, INFINITY);
        assert_true(kad_image_trainer_progress(many.trainer).done);
        same_state(&one, &many);
        stop(&many);
    }
    stop(&one);
    kad_free(one.pixels);
}

/* A share of a plan is so many steps of every part, in one call, in calls of no time, and on
 * other threads. */
static void a_share_is_a_share(void **state)
{
    (void)state;
    const kad_image_train_options o = few_steps(90);
    train_case once = {0}, pieces = {0};
    open_images(&once);
    pieces.images = once.images;
    start(&once, 2, &o);
    start(&pieces, 1, &o);
    for (int i = 1; i <= 5; i++) {
        const double share = 0.2 * i;
        int calls = 0;
        assert_false(kad_image_trainer_reached(once.trainer, share));
        kad_image_trainer_run(once.trainer, share, INFINITY);
        for (; !kad_image_trainer_reached(pieces.trainer, share); calls++)
            kad_image_trainer_run(pieces.trainer, share, 1e-3);
        assert_true(kad_image_trainer_reached(once.trainer, share));
        same_state(&once, &pieces);
        assert_true(kad_image_trainer_progress(once.trainer).done == (i == 5));
    }
    stop(&once);
    stop(&pieces);
    kad_free(once.pixels);
}

/* With a plan by the clock: the second takes it from the first. */
static void goes_on_to_the_bit(void **state)
{
    (void)state;
    kad_image_train_options o = few_steps(0);
    o.seconds = 0.5;
    train_case whole = {0}, split = {0};
    open_images(&whole);
    split.images = whole.images;
    start(&whole, 2, &o);
    kad_image_trainer_run(whole.trainer, 0.1, INFINITY);
    start(&split, 1, &o);
    copy_state(&whole, &split);
    assert_int_equal(kad_image_trainer_planned(whole.trainer, 3),
                     kad_image_trainer_planned(split.trainer, 3));
    kad_image_trainer_run(whole.trainer, 1, INFINITY);
    kad_image_trainer_run(split.trainer, 1, INFINITY);
    same_state(&whole, &split);
    stop(&whole);
    stop(&split);
    kad_free(whole.pixels);
}

static void steps_allocate_nothing(void **state)
{
    (void)state;
    const kad_image_train_options o = few_steps(40);
    train_case s = {0};
    open_images(&s);
    start(&s, 2, &o);
    const uint64_t before = kad_memory_n_allocations();
    kad_image_trainer_run(s.trainer, 1, INFINITY);
    assert_true(kad_memory_n_allocations() == before);
    stop(&s);
    kad_free(s.pixels);
}

/* Every image four times, as squares of a picture: the same bits and the same error of them. */
static void copies_make_no_error_smaller(void **state)
{
    (void)state;
    enum { COPIES = 4, SIZE = CHANNELS * SIDE * SIDE };
    const kad_image_train_options o = few_steps(1);
    train_case s = {0};
    kad_image_score once = {0}, often = {0};
    open_images(&s);
    start(&s, 2, &o);
    uint8_t *copies = kad_alloc((size_t)IMAGES * COPIES, SIZE);
    for (size_t i = 0; i < IMAGES * COPIES; i++)
        memcpy(copies + i * SIZE, s.pixels + i / COPIES * SIZE, SIZE);
    kad_images more = s.images;
    more.n = IMAGES * COPIES;
    more.pixels = copies;
    more.of_a_picture = COPIES;
    const double *theta = kad_image_trainer_weights(s.trainer);
    const kad_image_map_ops *ops = s.map->ops;
    assert_ok(&s, ops->evaluate(&s.ctx, s.map, theta, &s.images, 0, IMAGES, &once));
    /* in pieces that end within a picture */
    assert_ok(&s, ops->evaluate(&s.ctx, s.map, theta, &more, 0, 10, &often));
    assert_ok(&s, ops->evaluate(&s.ctx, s.map, theta, &more, 10, more.n - 10, &often));
    kad_image_score_end(&once);
    kad_image_score_end(&often);
    assert_true(once.error > 0);
    assert_close(often.bpd, once.bpd, 1e-12);
    assert_close(often.error, once.error, 1e-9 * once.error);
    kad_free(copies);
    stop(&s);
    kad_free(s.pixels);
}

/* Images of 8 x 8 smooth levels have some 3 bits of noise; the uniform density has 8. */
static void learns(void **state)
{
    (void)state;
    const kad_image_train_options o = few_steps(400);
    train_case s = {0};
    kad_image_score first = {0}, last = {0};
    open_images(&s);
    start(&s, 2, &o);
    assert_ok(&s, kad_pixel_evaluate(&s.ctx, kad_pixel_recipe_map(s.map),
                                     kad_image_trainer_weights(s.trainer), &s.images, 0,
                                     IMAGES, &first));
    kad_image_score_end(&first);
    kad_image_trainer_run(s.trainer, 1, INFINITY);
    assert_ok(&s, kad_pixel_evaluate(&s.ctx, kad_pixel_recipe_map(s.map),
                                     kad_image_trainer_weights(s.trainer), &s.images, 0,
                                     IMAGES, &last));
    kad_image_score_end(&last);
    assert_true(first.bpd > 7 && last.bpd < 4.5);
    double sum = 0;
    for (int l = 0; l < s.map->n_levels; l++)
        for (int c = 0; c < CHANNELS; c++)
            sum += last.bits[l][c];
    assert_close(sum / (CHANNELS * SIDE * SIDE), last.bpd, 1e-12);
    /* recent steps are noisy and of weights, not their average */
    assert_close(kad_image_trainer_progress(s.trainer).bits, last.bpd, 0.5);
    stop(&s);
    kad_free(s.pixels);
}

static void nonfinite_steps_are_taken_back(void **state)
{
    (void)state;
    kad_image_train_options o = few_steps(60);
    o.rate = 1e36;
    train_case s = {0};
    open_images(&s);
    start(&s, 1, &o);
    kad_image_trainer_run(s.trainer, 1, INFINITY);
    const kad_image_progress p = kad_image_trainer_progress(s.trainer);
    assert_true(p.done && p.n_nonfinite > 10);
    stop(&s);
    kad_free(s.pixels);
}

static void images_of_another_shape_are_refused(void **state)
{
    (void)state;
    const kad_image_train_options o = few_steps(1);
    train_case s = {0};
    kad_image_trainer *none = NULL;
    open_images(&s);
    start(&s, 1, &o);
    kad_images other = s.images;
    other.width = 4;
    assert_int_equal(kad_image_trainer_create(&s.ctx, s.map, &o, &other, &none),
                     KAD_ECONFIG);
    assert_null(none);
    stop(&s);
    kad_free(s.pixels);
}

/* --- a distribution that is known ------------------------------------------------------ */

enum { CLASSES = 16, TOYS = 4000, DRAWS = 20000 };

/* Four pixels: the first 100 or 120, the others 8 above or not, each by itself with a
 * probability that depends on the first. */
static void toy(int class, uint8_t *x)
{
    x[0] = class & 1 ? 120 : 100;
    for (int k = 1; k < 4; k++)
        x[k] = (uint8_t)(x[0] + (class >> k & 1 ? 8 : 0));
}

static double toy_mass(int class)
{
    double p = class & 1 ? 0.7 : 0.3;
    for (int k = 1; k < 4; k++)
        p *= (class >> k & 1) == (class & 1) ? 0.8 : 0.2;
    return p;
}

/* Trained, a picture has less than 8 of its first 32 bits (2.9 are its entropy), and the
 * frequencies of draws are the map's masses: chi^2 of at most 16 degrees stays below 60 but
 * for 1e-6. */
static void a_toy_is_learned_and_drawn(void **state)
{
    (void)state;
    train_case s = {0};
    kad_image_train_options o = few_steps(1500);
    kad_pixel_options net = kad_pixel_defaults();
    s.pixels = kad_alloc(TOYS * 4, 1);
    for (int i = 0; i < TOYS; i++) {
        double t = pixel_uniform((uint64_t)i, 8);
        int class = 0;
        while (class < CLASSES - 1 && t > toy_mass(class))
            t -= toy_mass(class ++);
        toy(class, s.pixels + 4 * i);
    }
    s.images = (kad_images){
        .n = TOYS, .n_channels = 1, .height = 2, .width = 2, .pixels = s.pixels};
    net.hidden = 32;
    kad_ctx_init(&s.ctx, 2);
    assert_ok(&s, kad_pixel_recipe_create(&s.ctx, &net, 1, 2, 2, &s.map));
    assert_ok(&s, kad_image_trainer_create(&s.ctx, s.map, &o, &s.images, &s.trainer));
    kad_image_trainer_run(s.trainer, 1, INFINITY);
    kad_pixel_plan *plan = NULL;
    uint8_t every[CLASSES * 4], *x = kad_alloc(DRAWS * 4, 1);
    double bits[CLASSES * 2], *z = kad_alloc(DRAWS * 4, sizeof *z), count[CLASSES] = {0};
    assert_ok(&s, kad_pixel_plan_create(&s.ctx, kad_pixel_recipe_map(s.map),
                                        kad_image_trainer_weights(s.trainer),
                                        KAD_PIXEL_NORMAL, &plan));
    for (int k = 0; k < CLASSES; k++)
        toy(k, every + 4 * k);
    assert_ok(&s, kad_pixel_bits(&s.ctx, plan, CLASSES, every, bits));
    assert_ok(&s, kad_pixel_sample(&s.ctx, plan, 3, 0, DRAWS, NULL, z, x));
    for (int i = 0; i < DRAWS; i++)
        for (int k = 0; k < CLASSES; k++)
            count[k] += memcmp(x + 4 * i, every + 4 * k, 4) == 0;
    double chi2 = 0, others = DRAWS, other_mass = 1, mean_bits = 0;
    for (int k = 0; k < CLASSES; k++) {
        const double p = exp2(-bits[2 * k] - bits[2 * k + 1]);
        mean_bits += toy_mass(k) * (bits[2 * k] + bits[2 * k + 1]);
        chi2 += (count[k] - DRAWS * p) * (count[k] - DRAWS * p) / (DRAWS * p);
        others -= count[k];
        other_mass -= p;
    }
    assert_true(mean_bits < 8);
    if (DRAWS * other_mass > 10)
        chi2 += (others - DRAWS * other_mass) * (others - DRAWS * other_mass) /
                (DRAWS * other_mass);
    assert_true(chi2 < 60);
    kad_pixel_plan_destroy(plan);
    kad_free(x), kad_free(z), kad_free(s.pixels);
    stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("training of images: 1 to 16 threads give the same bytes",
              threads_do_not_matter),
        CLAIM("training of images: goes on to the bit, by the plan that was made",
              goes_on_to_the_bit),
        CLAIM("training of images: a share of the plan is the same however it is reached",
              a_share_is_a_share),
        CLAIM("training of images: steps allocate nothing", steps_allocate_nothing),
        CLAIM("training of images: copies of pictures make no error of bits smaller",
              copies_make_no_error_smaller),
        CLAIM_OF_NUMBERS("training of images: smooth pictures are learned", learns),
        CLAIM("training of images: steps that are not finite are taken back",
              nonfinite_steps_are_taken_back),
        CLAIM("training of images: images of another shape are refused",
              images_of_another_shape_are_refused),
        CLAIM_OF_NUMBERS(
            "training of images: draws of a trained map follow its masses (chi^2)",
            a_toy_is_learned_and_drawn),
    };
    return cmocka_run_group_tests_name("training of images", tests, NULL, NULL);
}
