/* Data sets of a results file as curves and columns, and figures that are nothing else. */
#include "analysis/report/columns.h"
#include "analysis/report/curves.h"
#include "base/memory.h"
#include "tests/support/claim.h"

/* Columns of a group, one after the other in data [column][n]; names end with NULL. */
static void put(kad_ctx *ctx, kad_h5 *file, const char *group, size_t n,
                const char *const *names, const double *data)
{
    char path[128];
    for (size_t k = 0; names[k] != NULL; k++) {
        snprintf(path, sizeof path, "%s/%s", group, names[k]);
        if (kad_h5_write(ctx, file, path, KAD_H5_F64, 1, &n, data + k * n) != KAD_OK)
            fail_msg("%s", ctx->message);
    }
}

static void read(kad_scope *in, kad_h5 *file, const kad_layer *layer, kad_curves *out)
{
    if (kad_curves_read(in, file, layer, out) != KAD_OK) fail_msg("%s", in->ctx->message);
}

static void assert_curve(const kad_curve *c, size_t n, const double *x, const double *y)
{
    assert_int_equal(c->n, n);
    assert_memory_equal(c->x, x, n * sizeof *x);
    assert_memory_equal(c->y, y, n * sizeof *y);
}

/* One curve of columns: with their errors, of the last stage or where a flag is set; none of
 * columns that are not there or not of one length. */
static void test_columns(void **state)
{
    enum { N = 4 };
    static const char *const names[] = {"x", "y", "y_err", "stage", "used", NULL},
                             *const odd[] = {"odd", NULL};
    const double data[] = {1,   2,   3, 4, 5, 6, 7, 8, 0.1, 0.2,
                           0.3, 0.4, 0, 0, 1, 1, 1, 0, 1,   0};
    kad_ctx ctx;
    kad_h5 *file;
    kad_curves c;
    (void)state;
    kad_ctx_init(&ctx, 1);
    KAD_SCOPE(scope, &ctx);
    assert_int_equal(kad_h5_create(&ctx, &file), KAD_OK);
    put(&ctx, file, "/g", N, names, data);
    put(&ctx, file, "/g", N - 1, odd, data);
    kad_layer layer = {.group = "/g", .x = "x", .y = "y", .label = "l", .color = 3};
    read(&scope, file, &layer, &c);
    assert_int_equal(c.n, 1);
    assert_curve(&c.at[0], N, data, data + N);
    assert_memory_equal(c.at[0].err, data + 2 * N, sizeof(double[N]));
    assert_string_equal(c.at[0].label, "l");
    assert_int_equal(c.at[0].color, 3);
    layer.last = "stage";
    read(&scope, file, &layer, &c);
    assert_curve(&c.at[0], 2, data + 2, data + N + 2);
    layer.last = NULL;
    layer.flag = "used";
    read(&scope, file, &layer, &c);
    assert_curve(&c.at[0], 2, (double[]){1, 3}, (double[]){5, 7});
    assert_memory_equal(c.at[0].err, ((double[]){0.1, 0.3}), sizeof(double[2]));
    static const kad_layer bad[] = {
        {.group = "/g", .x = "odd", .y = "y"},
        {.group = "/g", .x = "none", .y = "y"},
        {.group = "/g", .x = "x", .y = "none"},
        {.group = "/none", .x = "x", .y = "y"},
        {.group = "/g", .y = "y", .split = KAD_SPLIT_ROWS},
        {.group = "/g", .y = "y", .split = KAD_SPLIT_PAIRS},
        {.group = "/n", .y = "y", .split = KAD_SPLIT_SAMPLERS}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        read(&scope, file, &bad[i], &c);
        assert_int_equal(c.n, 0);
    }
    kad_h5_close(file);
}

/* Rows of levels against their index, as many as are drawn and no more. */
static void test_rows(void **state)
{
    enum { LEVELS = KAD_CURVES + 1, N = 3 };
    const size_t dims[2] = {LEVELS, N};
    double y[LEVELS * N];
    kad_ctx ctx;
    kad_h5 *file;
    kad_curves c;
    static const kad_layer layer = {.group = "/g", .y = "y", .split = KAD_SPLIT_ROWS};
    (void)state;
    for (int i = 0; i < LEVELS * N; i++)
        y[i] = i;
    kad_ctx_init(&ctx, 1);
    KAD_SCOPE(scope, &ctx);
    assert_int_equal(kad_h5_create(&ctx, &file), KAD_OK);
    assert_int_equal(kad_h5_write(&ctx, file, "/g/y", KAD_H5_F64, 2, dims, y), KAD_OK);
    read(&scope, file, &layer, &c);
    assert_int_equal(c.n, KAD_CURVES);
    assert_int_equal(c.n_shown, KAD_CURVES);
    assert_int_equal(c.n_all, LEVELS);
    for (size_t h = 0; h < c.n; h++) {
        assert_curve(&c.at[h], N, (double[]){0, 1, 2}, y + h * N);
        assert_null(c.at[h].err);
    }
    assert_string_equal(c.at[2].label, "level 2");
    kad_h5_close(file);
}

/* Pairs of levels: those within a level, those of neighbours, all of one distance. */
static void test_pairs(void **state)
{
    enum { N = 5 };
    static const char *const names[] = {"level_a", "level_b", "r", "y", NULL};
    const double data[] = {0, 0, 2, 2, 0, 0,  1,  2,  2,  0,
                           1, 2, 3, 4, 5, 10, 20, 30, 40, 50};
    kad_ctx ctx;
    kad_h5 *file;
    kad_curves c;
    kad_layer layer = {.group = "/g", .x = "r", .y = "y", .split = KAD_SPLIT_PAIRS};
    (void)state;
    kad_ctx_init(&ctx, 1);
    KAD_SCOPE(scope, &ctx);
    assert_int_equal(kad_h5_create(&ctx, &file), KAD_OK);
    put(&ctx, file, "/g", N, names, data);
    read(&scope, file, &layer, &c);
    assert_int_equal(c.n, 2);
    assert_int_equal(c.n_all, 3);
    assert_curve(&c.at[0], 2, (double[]){1, 5}, (double[]){10, 50});
    assert_curve(&c.at[1], 2, (double[]){3, 4}, (double[]){30, 40});
    assert_string_equal(c.at[1].label, "level 2");
    assert_int_equal(c.at[1].color, 2);
    layer.apart = 1;
    read(&scope, file, &layer, &c);
    assert_int_equal(c.n, 1);
    assert_string_equal(c.at[0].label, "levels 0, 1");
    assert_curve(&c.at[0], 1, (double[]){2}, (double[]){20});
    layer.apart = 0;
    layer.label = "all";
    read(&scope, file, &layer, &c);
    assert_int_equal(c.n, 1);
    assert_curve(&c.at[0], 4, (double[]){1, 3, 4, 5}, (double[]){10, 30, 40, 50});
    kad_h5_close(file);
}

/* A curve a sampler, side by side; reweighted ones are the same draws again. */
static void test_samplers(void **state)
{
    static const char *const names[] = {"r", "G", "G_err", NULL};
    const double data[] = {0, 1, 2, 0.5, 0.1, 0.2};
    kad_ctx ctx;
    kad_h5 *file;
    kad_curves c;
    static const kad_layer layer = {
        .group = "/g", .x = "r", .y = "G", .split = KAD_SPLIT_SAMPLERS};
    (void)state;
    kad_ctx_init(&ctx, 1);
    KAD_SCOPE(scope, &ctx);
    assert_int_equal(kad_h5_create(&ctx, &file), KAD_OK);
    put(&ctx, file, "/g/a", 2, names, data);
    put(&ctx, file, "/g/a_reweighted", 2, names, data);
    put(&ctx, file, "/g/b", 2, names, data);
    for (int i = 0; i < KAD_CURVES_SAMPLERS; i++) {
        char group[16];
        snprintf(group, sizeof group, "/g/c%d", i);
        put(&ctx, file, group, 2, names, data);
    }
    read(&scope, file, &layer, &c);
    assert_int_equal(c.n, KAD_CURVES_SAMPLERS);
    assert_int_equal(c.n_shown, KAD_CURVES_SAMPLERS);
    assert_int_equal(c.n_all, KAD_CURVES_SAMPLERS + 2);
    for (size_t i = 0; i < c.n; i++) {
        assert_curve(&c.at[i], 2, data, data + 2);
        assert_int_equal(c.at[i].color, i);
    }
    assert_string_equal(c.at[1].label, "b");
    assert_true(c.at[0].shift == -0.2 && fabs(c.at[c.n - 1].shift - 0.2) < 1e-15);
    kad_h5_close(file);
}

static size_t count(const char *text, const char *what)
{
    size_t n = 0;
    for (; (text = strstr(text, what)) != NULL; text += strlen(what))
        n++;
    return n;
}

/* What a logarithm hides is among the numbers; with or_linear it is drawn as well. */
static void test_plotted(void **state)
{
    enum { N = 4 };
    static const char *const names[] = {"x", "y", "y_err", NULL};
    const double data[] = {1, 2, 3, 4, 5, -6, 7, 8, 1, 1, 1, 1};
    kad_ctx ctx;
    kad_h5 *file;
    (void)state;
    kad_ctx_init(&ctx, 1);
    assert_int_equal(kad_h5_create(&ctx, &file), KAD_OK);
    put(&ctx, file, "/g", N, names, data);
    for (int or_linear = 0; or_linear < 2; or_linear++) {
        kad_text numbers = {0}, out = {.numbers = &numbers};
        const kad_plotted plotted = {
            .y = {.label = "y", .log = true},
            .or_linear = or_linear,
            .layer = {{.group = "/g",
                       .x = "x",
                       .y = "y",
                       .label = "<s>",
                       .marks = KAD_DRAW_BAND | KAD_DRAW_LINE | KAD_DRAW_POINTS}}};
        assert_int_equal(kad_plotted_draw(&ctx, file, &plotted, &out), KAD_OK);
        assert_int_equal(count(out.data, "class=\"dot c0\""), N - 1 + or_linear);
        assert_int_equal(count(out.data, "class=\"band c0\""), 1);
        assert_int_equal(count(out.data, "class=\"line c0\""), 2);
        assert_int_equal(count(out.data, "&lt;s&gt;"), 1); /* one label for three marks */
        assert_non_null(strstr(numbers.data, "<s>,2,-6,1\n"));
        assert_int_equal(count(numbers.data, "<s>"), N);
        kad_text_clear(&out);
        kad_text_clear(&numbers);
    }
    kad_h5_close(file);
}

/* The legend shows what the plot shows: the key of a mark is of its class. */
static void test_keys(void **state)
{
    static const char *const names[] = {"y", NULL}, *const classes[] = {"line", "dot",
                                                                        "dots"};
    static const unsigned marks[] = {KAD_DRAW_LINE, KAD_DRAW_POINTS, KAD_DRAW_DOTS};
    const double data[] = {1, 2};
    kad_ctx ctx;
    kad_h5 *file;
    (void)state;
    kad_ctx_init(&ctx, 1);
    assert_int_equal(kad_h5_create(&ctx, &file), KAD_OK);
    put(&ctx, file, "/g", 2, names, data);
    for (int i = 0; i < 3; i++) {
        kad_text out = {0};
        char key[64];
        const kad_plotted plotted = {
            .layer = {{.group = "/g", .y = "y", .label = "s", .marks = marks[i]}}};
        assert_int_equal(kad_plotted_draw(&ctx, file, &plotted, &out), KAD_OK);
        snprintf(key, sizeof key, "aria-hidden=\"true\"><path class=\"%s c0\"",
                 classes[i]);
        if (count(out.data, key) != 1) fail_msg("%s: %s", key, out.data);
        kad_text_clear(&out);
    }
    kad_h5_close(file);
}

/* Columns of a group as a table: all digits among the numbers, errors beside their values;
 * a column of another length is left out, and nothing is made of nothing. */
static void test_tabled(void **state)
{
    static const char *const names[] = {"a", "a_err", "b", NULL}, *const odd[] = {"c",
                                                                                  NULL};
    const double data[] = {0.5, 0.25, 0.02, NAN, 1.0 / 3, 7};
    static const kad_tabled tabled = {
        .group = "/g",
        .column = {{.head = "i"},
                   {.head = "A", .name = "a", .err = "a_err"},
                   {.head = "B", .name = "b", .digits = 2},
                   {.head = "C", .name = "c"}}};
    kad_ctx ctx;
    kad_h5 *file;
    kad_text numbers = {0}, out = {.numbers = &numbers};
    (void)state;
    kad_ctx_init(&ctx, 1);
    assert_int_equal(kad_h5_create(&ctx, &file), KAD_OK);
    assert_int_equal(kad_tabled_draw(&ctx, file, &tabled, &out), KAD_OK);
    assert_int_equal(out.n, 0);
    put(&ctx, file, "/g", 2, names, data);
    put(&ctx, file, "/g", 3, odd, data);
    assert_int_equal(kad_tabled_draw(&ctx, file, &tabled, &out), KAD_OK);
    assert_non_null(strstr(out.data, "0.50(2)"));
    assert_non_null(strstr(out.data, ">0.33<"));
    assert_null(strstr(out.data, ">C<"));
    assert_string_equal(numbers.data,
                        "i,A,A error,B\n0,0.5,0.02,0.3333333333\n1,0.25,,7\n");
    kad_text_clear(&out);
    kad_text_clear(&numbers);
    kad_h5_close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"curves: columns, of the last stage or where flagged", test_columns, NULL, NULL,
         NULL},
        {"curves: rows of levels, and how many are left out", test_rows, NULL, NULL,
         NULL},
        {"curves: pairs of levels", test_pairs, NULL, NULL, NULL},
        {"curves: samplers side by side", test_samplers, NULL, NULL, NULL},
        {"curves: what a logarithm hides is among the numbers", test_plotted, NULL, NULL,
         NULL},
        {"curves: the legend shows what the plot shows", test_keys, NULL, NULL, NULL},
        {"columns: of one length, with errors and all digits", test_tabled, NULL, NULL,
         NULL},
    };
    return cmocka_run_group_tests_name("curves", tests, NULL, NULL);
}
