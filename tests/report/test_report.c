/* The report's text buffer, plots and page. */
#include "analysis/report/frame.h"
#include "analysis/report/grid.h"
#include "analysis/report/markup.h"
#include "analysis/report/numbers.h"
#include "analysis/report/report.h"
#include "analysis/report/svg.h"
#include "analysis/results.h"
#include "base/memory.h"
#include "tests/support/claim.h"

static void test_base64(void **state)
{
    /* RFC 4648, section 10 */
    static const char *const cases[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kad_text text = {0};
        kad_text_base64(&text, (const unsigned char *)cases[i][0], strlen(cases[i][0]));
        assert_false(text.failed);
        assert_string_equal(text.data != NULL ? text.data : "", cases[i][1]);
        kad_text_clear(&text);
    }
}

static void test_text(void **state)
{
    kad_text text = {0};
    (void)state;
    kad_text_escape(&text, "<a href=\"x\"> & y");
    assert_string_equal(text.data, "&lt;a href=&quot;x&quot;&gt; &amp; y");
    kad_text_clear(&text);
    size_t length = 0;
    for (int i = 0; i < 5000; i++) {
        kad_text_add(&text, "%d,", i);
        length += (size_t)snprintf(NULL, 0, "%d,", i);
    }
    assert_int_equal(text.n, length);
    assert_int_equal(strlen(text.data), length);
    kad_text_add(&text, "%2000d", 1); /* longer than the small buffer */
    assert_int_equal(text.n, length + 2000);
    kad_text_clear(&text);
}

/* Ticks lie inside, are equidistant, are 1, 2 or 5 times a power of ten apart. */
static void test_ticks(void **state)
{
    static const double ranges[][2] = {{0, 1},      {-3.2, 7.9}, {0.00012, 0.00034},
                                       {99.9, 101}, {-2e6, 5e6}, {1e-9, 1}};
    (void)state;
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        double tick[16], lo = ranges[i][0], hi = ranges[i][1];
        int n = kad_ticks(lo, hi, 5, 16, tick);
        assert_in_range(n, 2, 12);
        double step = tick[1] - tick[0], slack = 1e-6 * step;
        double lead = step / pow(10, floor(log10(step * (1 + 1e-9))));
        assert_true(fabs(lead - 1) < 1e-6 || fabs(lead - 2) < 1e-6 ||
                    fabs(lead - 5) < 1e-6);
        for (int k = 0; k < n; k++) {
            assert_true(tick[k] >= lo - slack && tick[k] <= hi + slack);
            if (k > 0) assert_true(fabs(tick[k] - tick[k - 1] - step) < slack);
        }
    }
    double none[4];
    assert_int_equal(kad_ticks(1, 1, 5, 4, none), 0);
    assert_int_equal(kad_ticks(NAN, 1, 5, 4, none), 0);
}

/* Numbers that are not finite, or not positive on a logarithmic axis, never reach the
 * drawing. */
static void test_bad_points(void **state)
{
    double x[5] = {0, 1, 2, 3, NAN}, y[5] = {1, NAN, INFINITY, -1, 2};
    double err[5] = {0.5, 1, 1, 9, NAN};
    (void)state;
    for (int mark = KAD_MARK_LINE; mark <= KAD_MARK_LEVEL; mark++)
        for (int log = 0; log < 2; log++) {
            kad_text out = {0};
            kad_plot plot = {.y = {.log = log}};
            kad_plot_add(&plot, (kad_series){.mark = (kad_mark)mark,
                                             .n = 5,
                                             .x = x,
                                             .y = y,
                                             .err = err,
                                             .label = "s"});
            kad_plot_render(&out, &plot);
            if (out.data != NULL) {
                assert_null(strstr(out.data, "nan"));
                assert_null(strstr(out.data, "inf"));
            }
            kad_text_clear(&out);
        }
    kad_text out = {0};
    kad_plot empty = {0};
    kad_plot_render(&out, &empty);
    assert_int_equal(out.n, 0);
}

/* --- numbers ------------------------------------------------------------------------ */

/* The CSV behind the first link from `html` on, decoded; *next: what follows the link. */
static char *csv_of(const char *html, const char **next)
{
    static const char head[] = "href=\"data:text/csv;charset=utf-8,";
    const char *at = strstr(html, head);
    if (at == NULL) return NULL;
    at += strlen(head);
    const size_t n = strcspn(at, "\"");
    char *out = malloc(n + 1), *to = out;
    for (size_t i = 0; i < n; i++) {
        char hex[3] = {at[i + 1], at[i] == '%' ? at[i + 2] : '\0', '\0'};
        *to++ = at[i] == '%' ? (char)strtol(hex, NULL, 16) : at[i];
        if (at[i] == '%') i += 2;
    }
    *to = '\0';
    if (next != NULL) *next = at + n;
    return out;
}

/* A figure's numbers are those it was drawn from: to ten digits, whatever is in a label;
 * points that can not be drawn are left out, and what is drawn twice stands once. */
static void test_numbers(void **state)
{
    enum { N = 4 };
    double x[N] = {1, 2, 3, 4}, y[N] = {0.1, -2.5e-7, NAN, 1.0 / 3},
           err[N] = {1e-3, 2, 3, 0};
    double level = -M_PI;
    kad_text numbers = {0}, out = {.numbers = &numbers};
    kad_plot plot = {.x = {.label = "lag, t"}, .y = {.label = "\"rho\" of |m| <50 %>"}};
    (void)state;
    kad_plot_add(&plot,
                 (kad_series){.mark = KAD_MARK_BAND, .n = N, .x = x, .y = y, .err = err});
    kad_plot_add(&plot, (kad_series){.mark = KAD_MARK_LINE,
                                     .n = N,
                                     .x = x,
                                     .y = y,
                                     .label = "a, b & \"c\"",
                                     .shift = 0.3});
    kad_plot_add(
        &plot,
        (kad_series){.mark = KAD_MARK_LEVEL, .n = 1, .y = &level, .label = "level"});
    kad_plot_render(&out, &plot);
    kad_numbers_link(&out, &numbers, "A &tau;<sub>int</sub> figure");
    assert_non_null(strstr(out.data, "<svg"));
    char *csv = csv_of(out.data, NULL), *line = csv;
    assert_non_null(csv);
    static const char head[] = "series,\"lag, t\",\"\"\"rho\"\" of |m| <50 %>\",error\n",
                      name[] = "\"a, b & \"\"c\"\"\",";
    assert_memory_equal(line, head, strlen(head));
    line += strlen(head);
    for (int i = 0; i < N; i++) {
        double got[3];
        if (isnan(y[i])) continue;
        assert_memory_equal(line, name, strlen(name));
        assert_int_equal(
            sscanf(line + strlen(name), "%lf,%lf,%lf", &got[0], &got[1], &got[2]), 3);
        assert_true(got[0] == x[i]); /* where it is, not where it was moved to */
        assert_true(fabs(got[1] - y[i]) <= 1e-9 * fabs(y[i]));
        assert_true(fabs(got[2] - err[i]) <= 1e-9 * err[i]);
        line = strchr(line, '\n') + 1;
    }
    assert_string_equal(line, "level,,-3.141592654,\n");
    free(csv);
    kad_text_clear(&out);
    kad_text_clear(&numbers);
}

/* Whole numbers have whole ticks, however few; a reference line alone is no figure, and a
 * series of which nothing can be seen is not in the legend. */
static void test_whole_axis(void **state)
{
    double x[4] = {0, 1, 2, 3}, y[4] = {1, 2, 3, 4}, none[4] = {NAN, NAN, NAN, NAN};
    const double zero = 0;
    (void)state;
    for (size_t n = 1; n <= 4; n++)
        for (int log = 0; log < 2; log++) {
            kad_text out = {0};
            kad_plot plot = {.x = {.log = log}};
            kad_plot_add(&plot, (kad_series){.mark = KAD_MARK_POINTS,
                                             .n = n,
                                             .x = x + log * (n < 4),
                                             .y = y,
                                             .shift = 0.12,
                                             .label = "seen"});
            kad_plot_add(&plot, (kad_series){.mark = KAD_MARK_POINTS,
                                             .n = n,
                                             .x = x,
                                             .y = none,
                                             .label = "unseen"});
            kad_plot_render(&out, &plot);
            assert_non_null(out.data);
            assert_null(strstr(out.data, "unseen"));
            int ticks = 0;
            for (const char *t = out.data;
                 (t = strstr(t, "text-anchor=\"middle\">")) != NULL;) {
                char *end;
                t += strlen("text-anchor=\"middle\">");
                const double tick = strtod(t, &end);
                assert_true(tick == rint(tick) && *end == '<' &&
                            memchr(t, '.', (size_t)(end - t)) == NULL);
                ticks++;
            }
            assert_in_range(ticks, 1, (int)n + 1);
            kad_text_clear(&out);
        }
    kad_text out = {0};
    kad_plot plot = {0};
    kad_plot_add(&plot, (kad_series){.mark = KAD_MARK_LEVEL, .n = 1, .y = &zero});
    kad_plot_add(&plot, (kad_series){.mark = KAD_MARK_POINTS, .n = 4, .x = x, .y = none});
    kad_plot_render(&out, &plot);
    assert_int_equal(out.n, 0);
}

/* Tables: columns without an entry go, numbers keep their digits for the CSV, names from a
 * file are escaped. */
static void test_grid(void **state)
{
    kad_text numbers = {0}, out = {.numbers = &numbers};
    kad_grid g = {0};
    (void)state;
    kad_grid_named(&g, "<i>", KAD_GRID_NAME);
    kad_grid_column(&g, "&tau;<sub>int</sub>", KAD_GRID_ESTIMATE);
    kad_grid_column(&g, "nothing", KAD_GRID_REAL);
    kad_grid_column(&g, "n", KAD_GRID_REAL);
    kad_grid_column(&g, "R&#x302;", KAD_GRID_REAL);
    for (int i = 0; i < 2; i++) {
        kad_grid_text(&g, "<b>, 1");
        kad_grid_estimate(&g, 1.0 / 3, i == 0 ? 0.02 : (double)NAN, true);
        kad_grid_real(&g, 3, NAN);
        kad_grid_real(&g, 2, i == 0 ? 123456.75 : (double)INFINITY);
        kad_grid_fixed(&g, 4, i == 0 ? 1.01234 : 4350190211110009.5);
    }
    kad_grid_render(&g, &out);
    assert_null(strstr(out.data, "<i>"));
    assert_null(strstr(out.data, "<b>"));
    assert_null(strstr(out.data, "nothing"));
    assert_non_null(strstr(out.data, "0.33(2)"));
    assert_non_null(strstr(out.data, "0.333 (?)"));
    assert_non_null(strstr(out.data, ">120000<"));
    assert_non_null(strstr(out.data, ">1.0123<"));
    assert_non_null(strstr(out.data, ">4.35e+15<"));
    assert_string_equal(numbers.data, "<i>,tau_int,tau_int error,n,R-hat\n"
                                      "\"<b>, 1\",0.3333333333,0.02,123456.75,1.01234\n"
                                      "\"<b>, 1\",0.3333333333,,,4.350190211e+15\n");
    kad_text_clear(&out);
    kad_text_clear(&numbers);
}

static void write_series(kad_ctx *ctx, kad_h5 *file)
{
    enum { N = 500 };
    size_t dims[2] = {1, N}, n = 3, cube[5] = {1, 2, 1, 8, 8};
    double weight[N], action[N], step[N], loss[N], field[128];
    for (int i = 0; i < N; i++) {
        weight[i] = 0.3 * sin(i * 1.7);
        action[i] = 10 + cos(i * 0.9);
        step[i] = i;
        loss[i] = i == 7 ? NAN : -60 + 50 * exp(-i / 30.0);
    }
    weight[3] = -INFINITY;
    for (int i = 0; i < 128; i++)
        field[i] = sin(i);
    size_t steps = N;
    static const char *const names[3] = {"energy", "<b>", "log_z"};
    double mean[3] = {-1.4, 0.1, 60}, err[3] = {0.01, 0.2, 0},
           exact[3] = {-1.41, NAN, 61};
    assert_int_equal(
        kad_h5_write(ctx, file, "/training/step", KAD_H5_F64, 1, &steps, step), KAD_OK);
    assert_int_equal(
        kad_h5_write(ctx, file, "/training/free_energy", KAD_H5_F64, 1, &steps, loss),
        KAD_OK);
    assert_int_equal(kad_h5_attr_set_real(ctx, file, "/training", "log_z_exact", 60.1),
                     KAD_OK);
    assert_int_equal(kad_h5_write(ctx, file, "/samplers/mis/proposals/log_weight",
                                  KAD_H5_F64, 2, dims, weight),
                     KAD_OK);
    assert_int_equal(kad_h5_write(ctx, file, "/samplers/mis/proposals/action", KAD_H5_F64,
                                  2, dims, action),
                     KAD_OK);
    assert_int_equal(
        kad_h5_write(ctx, file, "/samplers/mis/configs", KAD_H5_F64, 5, cube, field),
        KAD_OK);
    assert_int_equal(
        kad_h5_write_strings(ctx, file, "/analysis/mis/observable", n, names), KAD_OK);
    assert_int_equal(
        kad_h5_write(ctx, file, "/analysis/mis/mean", KAD_H5_F64, 1, &n, mean), KAD_OK);
    assert_int_equal(kad_h5_write(ctx, file, "/analysis/mis/err", KAD_H5_F64, 1, &n, err),
                     KAD_OK);
    assert_int_equal(
        kad_h5_write(ctx, file, "/analysis/mis/exact", KAD_H5_F64, 1, &n, exact), KAD_OK);
}

static void test_page(void **state)
{
    kad_ctx ctx;
    kad_h5 *file = NULL;
    kad_text empty = {0}, page = {0};
    (void)state;
    kad_ctx_init(&ctx, 1);
    assert_int_equal(kad_h5_create(&ctx, &file), KAD_OK);
    assert_int_equal(kad_report_html(&ctx, file, &empty), KAD_OK);
    assert_non_null(strstr(empty.data, "</html>"));
    write_series(&ctx, file);
    assert_int_equal(kad_report_html(&ctx, file, &page), KAD_OK);
    assert_non_null(strstr(page.data, "</html>"));
    assert_non_null(strstr(page.data, "exact bound"));
    assert_non_null(strstr(page.data, "level 2"));
    assert_non_null(strstr(page.data, "&lt;b&gt;")); /* names are escaped */
    assert_null(strstr(page.data, "<b>&"));
    assert_non_null(strstr(page.data, "-1.400(10)"));
    /* self-contained: nothing is fetched, nothing runs */
    assert_null(strstr(page.data, "http"));
    assert_null(strstr(page.data, "<script"));
    assert_null(strstr(page.data, "nan"));
    kad_text_clear(&empty);
    kad_text_clear(&page);
    kad_h5_close(file);
}

static void put_strings(kad_ctx *ctx, kad_h5 *file, const char *path, size_t n,
                        const char *const *names)
{
    assert_int_equal(kad_h5_write_strings(ctx, file, path, n, names), KAD_OK);
}

static void put(kad_ctx *ctx, kad_h5 *file, const char *path, int rank,
                const size_t *dims, const double *data)
{
    assert_int_equal(kad_h5_write(ctx, file, path, KAD_H5_F64, rank, dims, data), KAD_OK);
}

/* A sampler of two chains and its table, as entry `entry` of a config. */
static void put_sampler(kad_ctx *ctx, kad_h5 *file, const char *name, int entry,
                        int n_components)
{
    enum { N = 50 };
    static const char *const rows[] = {"m", "abs_m"};
    char path[128];
    double m[2 * N], mean[2] = {0.1, 0.5}, err[2] = {0.01, 0.02}, tau[2] = {2, 3},
                     rhat[2] = {1.001, 1.0175}, n_eff[2] = {25, 1234567};
    const size_t dims[2] = {2, N}, n = 2;
    const struct {
        const char *name;
        const double *data;
    } columns[] = {{"mean", mean},       {"err", err},   {"tau_int", tau},
                   {"tau_int_err", err}, {"rhat", rhat}, {"n_eff", n_eff}};
    for (int i = 0; i < 2 * N; i++)
        m[i] = sin(i + 0.1 * entry);
    snprintf(path, sizeof path, "/samplers/%s/observables/m", name);
    put(ctx, file, path, 2, dims, m);
    snprintf(path, sizeof path, "/samplers/%s", name);
    assert_int_equal(kad_h5_attr_set_int(ctx, file, path, "entry", entry), KAD_OK);
    assert_int_equal(kad_h5_attr_set_int(ctx, file, path, "n_components", n_components),
                     KAD_OK);
    snprintf(path, sizeof path, "/analysis/%s/observable", name);
    put_strings(ctx, file, path, n, rows);
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        snprintf(path, sizeof path, "/analysis/%s/%s", name, columns[i].name);
        put(ctx, file, path, 1, &n, columns[i].data);
    }
}

static void put_log_z(kad_ctx *ctx, kad_h5 *file)
{
    static const char *const rows[] = {"log_z", "ess"};
    const double mean[2] = {61.25, 0.75}, err[2] = {0.125, 0.01};
    const size_t n = 2;
    put_strings(ctx, file, "/analysis/log_z/observable", n, rows);
    put(ctx, file, "/analysis/log_z/mean", 1, &n, mean);
    put(ctx, file, "/analysis/log_z/err", 1, &n, err);
    assert_int_equal(
        kad_h5_attr_set_string(ctx, file, "/analysis/log_z", "sampler", "zeta"), KAD_OK);
}

static void page_of(kad_text *page, void (*fill)(kad_ctx *, kad_h5 *))
{
    kad_ctx ctx;
    kad_h5 *file = NULL;
    kad_ctx_init(&ctx, 1);
    assert_int_equal(kad_h5_create(&ctx, &file), KAD_OK);
    assert_int_equal(
        kad_h5_attr_set_string(&ctx, file, "/", "model", "Ising, T = 3, 4 x 4"), KAD_OK);
    fill(&ctx, file);
    *page = (kad_text){0};
    if (kad_report_html(&ctx, file, page) != KAD_OK) fail_msg("%s", ctx.message);
    kad_h5_close(file);
}

static void fill_samplers(kad_ctx *ctx, kad_h5 *file)
{
    put_sampler(ctx, file, "alpha", 2, 1);
    put_sampler(ctx, file, "mid", 1, 1);
    put_sampler(ctx, file, "zeta", 0, 1);
    put_sampler(ctx, file, "zeta_2", 3, 1);
    put_log_z(ctx, file);
}

/* a before b */
static void assert_before(const char *text, const char *a, const char *b)
{
    const char *at = strstr(text, a);
    if (at == NULL || strstr(at, b) == NULL) fail_msg("\"%s\" before \"%s\"", a, b);
}

/* ln Z comes first, samplers as the config lists them, not by name; R-hat, n_eff and ESS
 * are columns; the physics is the title; symbols used are explained, others are not. */
static void test_order(void **state)
{
    kad_text page;
    (void)state;
    page_of(&page, fill_samplers);
    assert_non_null(strstr(page.data, "<title>Ising, T = 3, 4 x 4 - kadanoff</title>"));
    assert_non_null(strstr(page.data, "<h1>Ising, T = 3, 4 x 4</h1>"));
    assert_before(page.data, "<h2>ln Z and", "<h2>Results");
    assert_before(page.data,
                  ">zeta</th><th class=\"n\">mid</th><th class=\"n\">alpha</th>",
                  ">zeta_2</th>");
    const char *compared = strstr(page.data, "<h2>Samplers compared");
    assert_non_null(compared);
    assert_before(compared, "zeta", "mid");
    assert_non_null(strstr(compared, "0.750(10)")); /* the ESS of its weights */
    assert_non_null(strstr(compared, "1.0175"));
    assert_non_null(strstr(page.data, ">1235000<")); /* n_eff, no exponent */
    assert_non_null(strstr(page.data, "<dt>m</dt>"));
    assert_null(strstr(page.data, "<dt>binder</dt>"));
    /* both chains are in the numbers of the histories */
    char *csv = csv_of(strstr(page.data, "<h2>Histories"), NULL);
    assert_non_null(strstr(csv, "alpha chain 1,1,"));
    assert_non_null(strstr(csv, "alpha chain 2,50,"));
    free(csv);
    kad_text_clear(&page);
}

/* Every figure that draws or tabulates results has its numbers, and no drawing is empty. */
static void test_every_figure(void **state)
{
    kad_text page;
    size_t n = 0;
    (void)state;
    page_of(&page, fill_samplers);
    for (const char *at = page.data; (at = strstr(at, "<figure><h2>")) != NULL; n++) {
        const char *end = strstr(at, "</figure>"), *link = strstr(at, "text/csv"),
                   *name = at + strlen("<figure><h2>");
        if (strncmp(name, "This run", 8) != 0 && strncmp(name, "Symbols", 7) != 0 &&
            (link == NULL || link > end))
            fail_msg("no numbers: %.60s", name);
        at = end;
    }
    assert_true(n >= 7);
    assert_null(strstr(page.data, "nan"));
    assert_null(strstr(page.data, ">-<"));
    assert_null(strstr(page.data, "role=\"img\" aria-label=\"\"></svg>"));
    /* what is missing is said once, and why */
    assert_non_null(strstr(page.data, "<h2>Not drawn</h2>"));
    assert_non_null(strstr(page.data, "sample[].keep_first"));
    kad_text_clear(&page);
}

static void fill_training(kad_ctx *ctx, kad_h5 *file)
{
    enum { N = 20 };
    double step[N], loss[N];
    const size_t n = N;
    for (int i = 0; i < N; i++) {
        step[i] = i + 1;
        loss[i] = -61 + 3.0 / (i + 1);
    }
    put(ctx, file, "/training/step", 1, &n, step);
    put(ctx, file, "/training/free_energy", 1, &n, loss);
    put_log_z(ctx, file);
}

/* Where ln Z is not known exactly the loss stands against that of the weights. */
static void test_bound_of_the_weights(void **state)
{
    kad_text page;
    (void)state;
    page_of(&page, fill_training);
    const char *loss = strstr(page.data, "<h2>Training: loss");
    assert_non_null(loss);
    assert_before(loss, "-ln Z of the weights, -61.25(13)", "class=\"band c1\"");
    char *csv = csv_of(loss, NULL);
    /* the first steps too, though they lie above the frame */
    assert_non_null(strstr(csv, "\"free energy, averaged over steps\",1,-58,\n"));
    assert_non_null(strstr(csv, "\"-ln Z of the weights, -61.25(13)\",1,-61.25,0.125\n"));
    assert_non_null(
        strstr(csv, "\"-ln Z of the weights, -61.25(13)\",20,-61.25,0.125\n"));
    free(csv);
    kad_text_clear(&page);
}

static void fill_vectors(kad_ctx *ctx, kad_h5 *file)
{
    put_sampler(ctx, file, "hmc", 0, 2);
}

/* Names of a file that somebody else made: more samplers than figures have room for, so
 * that every caption, legend, table and note speaks of them. */
static void fill_hostile(kad_ctx *ctx, kad_h5 *file)
{
    enum { MANY = 30, CHAINS = 9, N = 20 };
    static double m[CHAINS * N];
    const size_t dims[2] = {CHAINS, N};
    char name[64], path[128];
    for (int i = 0; i < CHAINS * N; i++)
        m[i] = cos(i);
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "<q onload='x'>%d\"&", i);
        put_sampler(ctx, file, name, i, 1);
        snprintf(path, sizeof path, "/samplers/%s/observables/m", name);
        put(ctx, file, path, 2, dims, m);
        snprintf(path, sizeof path, "/samplers/%s/proposals/log_weight", name);
        put(ctx, file, path, 2, dims, m);
        snprintf(path, sizeof path, "/samplers/%s/proposals/action", name);
        put(ctx, file, path, 2, dims, m);
    }
    assert_int_equal(kad_h5_attr_set_string(ctx, file, "/", "title", "<q>"), KAD_OK);
}

static void test_hostile_names(void **state)
{
    kad_text page;
    (void)state;
    page_of(&page, fill_hostile);
    assert_null(strstr(page.data, "<q"));
    assert_non_null(strstr(page.data, "&lt;q onload="));
    assert_non_null(strstr(page.data, "8 of 30 samplers are drawn"));
    assert_non_null(strstr(page.data, "4 of 9 chains of &lt;q "));
    assert_non_null(strstr(page.data, "24 of 30 tables are drawn"));
    kad_text_clear(&page);
}

/* Vectors turn; only one component has a sign to keep. */
static void test_vectors(void **state)
{
    kad_text page;
    (void)state;
    page_of(&page, fill_vectors);
    assert_non_null(strstr(page.data, "which a global rotation turns"));
    assert_null(strstr(page.data, "keeps one sign"));
    kad_text_clear(&page);
    page_of(&page, fill_samplers);
    assert_null(strstr(page.data, "which a global rotation turns"));
    assert_non_null(strstr(page.data, "keeps one sign"));
    kad_text_clear(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_ticks),
        cmocka_unit_test(test_bad_points),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_whole_axis),
        cmocka_unit_test(test_grid),
        cmocka_unit_test(test_page),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_every_figure),
        cmocka_unit_test(test_bound_of_the_weights),
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_hostile_names),
    };
    return cmocka_run_group_tests_name(
        "report: self-contained, escaped, free of numbers that are not", tests, NULL,
        NULL);
}
