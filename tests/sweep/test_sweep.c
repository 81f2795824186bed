/* Claims about the points of a sweep: which there are, their numbers, what they set. */
#include "sweep/sweep.h"
#include "tests/support/claim.h"
#include "tests/support/scratch.h"

#define BASE \
    "lattice: {shape: [4, 4]}\naction: {name: on-dual, temperature: 2}\nseed: 7\n"

typedef struct fixture {
    scratch folder;
    kad_app app;
    kad_scope scope;
    kad_sweep *sweep;
} fixture;

static int setup(void **state)
{
    static fixture f;
    f = (fixture){0};
    scratch_make(&f.folder);
    kad_ctx_init(&f.app.ctx, 1);
    f.app.out = f.folder.path;
    f.scope.ctx = &f.app.ctx;
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    kad_scope_end(&f->scope);
    scratch_remove(&f->folder);
    return 0;
}

static kad_status claim(fixture *f, const char *text)
{
    return kad_sweep_claim(&f->scope, &f->app, text, "a/s.yaml", &f->sweep);
}

/* The label of point `number`. */
static const char *label(const fixture *f, int number)
{
    static char text[256];
    return kad_sweep_label(f->sweep, &f->sweep->point[number - 1], sizeof text, text);
}

static void test_product(void **state)
{
    fixture *f = *state;
    assert_int_equal(claim(f,
                           BASE "sweep:\n  grid:\n    seed: {repeat: 2}\n"
                                "    action.temperature: {from: 2, to: 2.6, points: 7}\n"
                                "  zip: {train.steps: [10, 20], train.batch: [64, 128]}\n"
                                "  points: [{seed: 99}]\n"),
                     KAD_OK);
    assert_int_equal(f->sweep->n_points, 2 * 7 * 2 + 1);
    assert_string_equal(label(f, 1), "seed=7 temperature=2 steps=10 batch=64");
    assert_string_equal(label(f, 2), "seed=7 temperature=2 steps=20 batch=128");
    assert_string_equal(label(f, 7), "seed=7 temperature=2.3 steps=10 batch=64");
    assert_string_equal(label(f, 15), "seed=8 temperature=2 steps=10 batch=64");
    assert_string_equal(label(f, 29), "seed=99");
}

static void test_window_shrinks_with_the_lattice(void **state)
{
    fixture *f = *state;
    assert_int_equal(claim(f, BASE
                           "sweep:\n  grid:\n"
                           "    action.temperature: {centre: 2.25, width: 4, points: 3, "
                           "scale: 1/L}\n    lattice.shape: [[8, 8], [16, 16]]\n"),
                     KAD_OK);
    assert_string_equal(label(f, 1), "temperature=2 shape=8x8");
    assert_string_equal(label(f, 2), "temperature=2.125 shape=16x16");
    assert_string_equal(label(f, 6), "temperature=2.375 shape=16x16");
}

/* Whatever is added or taken away, a point keeps its number and its folder. */
static void test_numbers_never_change(void **state)
{
    fixture *f = *state;
    static const char *const lists[] = {"[2, 2.5]",       "[1.5, 2, 2.5]", "[2.5]",
                                        "[3, 2.5, 2, 1]", "[1, 2, 3]",     "[2.25]"};
    static const char *const seeds[] = {"[1]", "[1, 2]", "[2, 3]"};
    char known[64][64];
    int n_known = 0;
    for (int round = 0; round < 18; round++) {
        char text[512];
        snprintf(text, sizeof text,
                 BASE "sweep:\n  grid: {action.temperature: %s, seed: %s}\n",
                 lists[round % 6], seeds[round / 6]);
        assert_int_equal(claim(f, text), KAD_OK);
        assert_true(f->sweep->n_points >= n_known && f->sweep->n_points <= 64);
        for (int i = 0; i < n_known; i++)
            assert_string_equal(f->sweep->point[i].folder, known[i]);
        n_known = f->sweep->n_points;
        for (int i = 0; i < n_known; i++) {
            assert_int_equal(f->sweep->point[i].number, i + 1);
            strcpy(known[i], f->sweep->point[i].folder);
        }
    }
    assert_int_equal(n_known, 6 * 3);
    int wanted = 0;
    for (int i = 0; i < n_known; i++)
        wanted += f->sweep->point[i].wanted;
    assert_int_equal(wanted, 1 * 2);
}

static void test_a_key_more_makes_points_of_its_own(void **state)
{
    fixture *f = *state;
    assert_int_equal(claim(f, BASE "sweep:\n  grid: {seed: [1, 2]}\n"), KAD_OK);
    assert_int_equal(claim(f, BASE "sweep:\n  grid: {seed: [1, 2], train.steps: [5]}\n"),
                     KAD_OK);
    assert_int_equal(f->sweep->n_points, 4);
    assert_false(f->sweep->point[0].wanted);
    assert_string_equal(label(f, 3), "seed=1 steps=5");
}

static void test_overrides(void **state)
{
    fixture *f = *state;
    const char **set, *mine[] = {"train.batch=32"};
    int n;
    f->app.overrides = mine;
    f->app.n_overrides = 1;
    assert_int_equal(
        claim(f, BASE "sweep:\n"
                      "  grid: {lattice.shape: [[4, 4], [8, 8]], train.from: [m, /m]}\n"
                      "  when: [{if: {lattice.shape: [8, 8]}, set: {train.steps: 9}}]\n"),
        KAD_OK);
    assert_int_equal(
        kad_sweep_overrides(&f->scope, &f->app, f->sweep, &f->sweep->point[3], &n, &set),
        KAD_OK);
    assert_int_equal(n, 4);
    assert_string_equal(set[0], "lattice.shape=[8, 8]");
    assert_string_equal(set[1], "train.from=/m");
    assert_string_equal(set[2], "train.steps=9");
    assert_string_equal(set[3], "train.batch=32");
    assert_int_equal(
        kad_sweep_overrides(&f->scope, &f->app, f->sweep, &f->sweep->point[0], &n, &set),
        KAD_OK);
    assert_int_equal(n, 3);
    assert_string_equal(set[1], "train.from=a/m"); /* beside the file */
}

/* The word of point `number` of a sweep of that text, which another folder may have too. */
static const char *word(fixture *f, const char *text, int number)
{
    static char words[2][KAD_WORD_CHARS];
    static int turn;
    char *out = words[turn++ % 2];
    assert_int_equal(kad_sweep_read(&f->scope, &f->app, text, "a/s.yaml", &f->sweep),
                     KAD_OK);
    assert_int_equal(kad_sweep_word(&f->app, f->sweep, &f->sweep->point[number - 1], out),
                     KAD_OK);
    assert_int_equal(strlen(out), KAD_WORD_CHARS - 1);
    return out;
}

/* Everything that is asked of a point changes its word, and nothing else does. */
static void test_words(void **state)
{
    fixture *f = *state;
    static const char base[] = BASE "sweep:\n  grid: {seed: [1, 2]}\n";
    static const char *mine[] = {"sample=[{draws: 30}]"};
    assert_string_equal(word(f, base, 1), word(f, base, 1));
    assert_string_equal(
        word(f, "# a comment\n" BASE "sweep: {grid: {seed: [1, 2, 3]}}\n", 2),
        word(f, base, 2));
    assert_string_equal(word(f, BASE "sweep: {grid: {seed: [2, 1]}}\n", 2),
                        word(f, base, 1));
    assert_string_not_equal(word(f, base, 1), word(f, base, 2));
    assert_string_not_equal(
        word(f, BASE "train: {steps: 5}\nsweep: {grid: {seed: [1]}}\n", 1),
        word(f, base, 1));
    assert_string_not_equal(word(f,
                                 BASE
                                 "sweep:\n  grid: {seed: [1]}\n"
                                 "  when: [{if: {seed: 1}, set: {train.steps: 5}}]\n",
                                 1),
                            word(f, base, 1));
    f->app.overrides = mine;
    f->app.n_overrides = 1;
    const char *more = word(f, base, 1);
    f->app.n_overrides = 0;
    assert_string_not_equal(more, word(f, base, 1));
    assert_string_equal(
        more, word(f, BASE "sample: [{draws: 30}]\nsweep: {grid: {seed: [1]}}\n", 1));
}

/* Who comes before whom follows from the points that are there, whatever is added. */
static void test_chains(void **state)
{
    fixture *f = *state;
    static const int before[] = {0, 1, 2, 0, 4, 5, 2, 5};
    const kad_sweep_point *p;
    for (int round = 0; round < 2; round++) {
        char text[512];
        snprintf(text, sizeof text,
                 BASE
                 "sweep: {grid: {seed: [1, 2], action.temperature: [2.6, 2.4, 2%s]}, "
                 "map: chain, along: action.temperature}\n",
                 round == 0 ? "" : ", 2.3");
        assert_int_equal(claim(f, text), KAD_OK);
        for (int i = 0; i < (round == 0 ? 6 : 8); i++) {
            assert_ok(&f->app,
                      kad_sweep_before(&f->app.ctx, f->sweep, &f->sweep->point[i], &p));
            assert_int_equal(p != NULL ? p->number : 0, before[i]);
        }
    }
}

static void test_folders(void **state)
{
    fixture *f = *state;
    assert_int_equal(claim(f, BASE "sweep:\n  grid: {lattice.shape: [[4, 4], [2, 6]]}\n"
                                   "  folder: \"L={lattice.shape}/here\"\n"),
                     KAD_OK);
    assert_string_equal(f->sweep->point[1].folder, "L=2x6/here");
}

/* Lines of the config keep their numbers: the section is blanked, not cut. */
static void test_lines_stay(void **state)
{
    fixture *f = *state;
    assert_int_equal(
        claim(f, "sweep:\n  grid: {seed: [1]}\n\n" BASE "train: {stepz: 3}\n"),
        KAD_ECONFIG);
    assert_non_null(strstr(f->app.ctx.message, "a/s.yaml:7: train.stepz"));
}

static void test_refusals(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *section, *message;
    } cases[] = {
        {"grid: {seed: [1, 2]}, folder: x", "share the folder x"},
        {"grid: {seed: [1]}, folder: ../x", "not a folder below"},
        {"grid: {seed: [1]}, folder: /x", "not a folder below"},
        {"grid: {seed: [1]}, folder: log/x", "not a folder below"},
        {"grid: {seed: [1]}, folder: \"{sead}\"", "{sead} is no key"},
        {"grid: {seed: []}", "expected a list of values"},
        {"grid: {seed: {from: 1, to: 2}}", "expected points"},
        {"grid: {seed: {from: 1, to: 2, points: 2, step: 1}}", "unknown key \"step\""},
        {"grid: {seed: {from: 1, to: 2, points: 1e9}}", "points must be an integer"},
        {"grid: {train.steps: {repeat: 2}}", "only a seed"},
        {"grid: {seed: [[1, [2]]]}", "numbers only"},
        {"grid: {seed: [{a: 1}]}", "got a map"},
        {"grid: {seed: [1]}, zip: {seed: [2]}", "in grid and in zip"},
        {"zip: {seed: [1], train.steps: [1, 2]}", "one length"},
        {"points: {seed: 1}", "list of maps"},
        {"grid: {seed: [1]}, when: [{if: {seed: 1}}]", "maps of keys"},
        {"grid: {seed: [1]}, map: families", "sweep.map"},
        {"grid: {seed: [1]}, slurm: {cpu: 3}",
         "nearest known one is \"sweep.slurm.cpus\""},
        {"grid: {seed: [1]}, slurm: {a: {b: {c: 3}}}", "nested too deeply"},
        {"folder: x", "nothing is swept"},
        {"grid: [1]", "expected a map of keys"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512];
        snprintf(text, sizeof text, BASE "sweep: {%s}\n", cases[i].section);
        if (claim(f, text) != KAD_ECONFIG) fail_msg("%s: is taken", cases[i].section);
        if (strstr(f->app.ctx.message, cases[i].message) == NULL)
            fail_msg("%s: %s", cases[i].section, f->app.ctx.message);
        assert_null(strchr(f->app.ctx.message, '\n'));
    }
    assert_int_equal(claim(f, BASE), KAD_ECONFIG);
    assert_non_null(strstr(f->app.ctx.message, "has no section sweep"));
    assert_int_equal(scratch_count(f->folder.path), 0); /* nothing was made */
}

/* Not a table of points: refused, never overwritten. */
static void test_strange_tables(void **state)
{
    fixture *f = *state;
    static const char *const tables[] = {
        "",
        "hello\n",
        "point,folder\n1,a\n",
        "point,folder,seed\n2,a,1\n",
        "point,folder,seed\n1,../a,1\n",
        "point,folder,seed\n1,a\n",
        "point,folder,seed\n1,\"a,1\n",
        "point,folder,seed\n1,a,",
    };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        const char *path = scratch_file(&f->folder, "points.csv");
        scratch_spill(path, tables[i], strlen(tables[i]));
        assert_int_equal(claim(f, BASE "sweep: {grid: {seed: [1]}}\n"), KAD_EDATA);
        size_t n;
        unsigned char *now = scratch_slurp(path, &n);
        assert_int_equal(n, strlen(tables[i]));
        free(now);
    }
}

/* Every allocation fails once: one clear status, nothing kept (the leak checker). */
static void test_out_of_memory(void **state)
{
    fixture *f = *state;
    kad_status status = KAD_ENOMEM;
    for (int64_t n = 0; status == KAD_ENOMEM && n < 10000; n++) {
        kad_memory_fail_after(n);
        status =
            claim(f, BASE "sweep:\n  grid: {lattice.shape: [[4, 4]], seed: {repeat: 2}}\n"
                          "  when: [{if: {seed: 7}, set: {train.steps: 3}}]\n");
        kad_memory_fail_after(-1);
        kad_scope_end(&f->scope);
        f->scope.ctx = &f->app.ctx;
    }
    assert_int_equal(status, KAD_OK);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_product),
        TEST(test_window_shrinks_with_the_lattice),
        TEST(test_numbers_never_change),
        TEST(test_a_key_more_makes_points_of_its_own),
        TEST(test_overrides),
        TEST(test_words),
        TEST(test_chains),
        TEST(test_folders),
        TEST(test_lines_stay),
        TEST(test_refusals),
        TEST(test_strange_tables),
        TEST(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
