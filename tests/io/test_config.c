/* Claims about configurations: what is understood, what is refused and how it is said. */
#include "base/memory.h"
#include "io/config.h"
#include "io/number.h"
#include "tests/io/config_case.h"

#include <jansson.h>
#include <locale.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void test_values(void **state)
{
    kad_config *c =
        config_parse(state,
                     "seed: 42\n"
                     "lattice: {shape: [8, 12, 1e1]}\n"
                     "action:\n  name: phi4\n  beta: .5e+0\n  m2: -1.\n"
                     "  file: 'it''s a \"name\"'\n"
                     "train: {steps: 1e3, rate: 1e-3, chain: false, batch: auto}\n"
                     "sample:\n  - {name: mis, draws: 100}\n  - name: hmc\n"
                     "    step: 0.25\n  - {}\n",
                     0, NULL);
    int64_t shape[3];
    double knots[3];
    assert_int_equal(kad_config_int(c, "seed"), 42);
    assert_int_equal(kad_config_ints(c, "lattice.shape", 3, shape), 3);
    assert_int_equal(shape[0], 8);
    assert_int_equal(shape[2], 10);
    assert_string_equal(kad_config_string(c, "action.name"), "phi4");
    assert_true(kad_config_real(c, "action.beta") == 0.5);
    assert_true(kad_config_real(c, "action.m2") == -1);
    assert_string_equal(kad_config_string(c, "action.file"), "it's a \"name\"");
    assert_int_equal(kad_config_int(c, "train.steps"), 1000);
    assert_true(kad_config_real(c, "train.rate") == 1e-3);
    assert_false(kad_config_bool(c, "train.chain"));
    assert_false(kad_config_is_set(c, "train.batch"));
    assert_int_equal(kad_config_int(c, "train.batch"), 0);
    assert_string_equal(kad_config_string(c, "train.schedule.kind"), "cosine");
    assert_int_equal(kad_config_reals(c, "train.schedule.knots", 3, knots), 3);
    assert_true(knots[1] == 0.5);
    assert_int_equal(kad_config_list_length(c, "sample"), 3);
    assert_int_equal(kad_config_int(c, "sample[0].draws"), 100);
    assert_int_equal(kad_config_int(c, "sample[1].draws"), 1000); /* first table counts */
    assert_true(kad_config_real(c, "sample[1].step") == 0.25);
    assert_true(isnan(kad_config_real(c, "sample[2].step")));
    assert_string_equal(kad_config_string(c, "sample[2].name"), "mis");
    kad_config_destroy(c);
}

/* Former names are read, and never written. */
static void test_renamed(void **state)
{
    static const char *const overrides[] = {"train.number=7"};
    kad_config *c = config_parse(state, "seeds: 5\ntrain: {number: 3}\n", 0, NULL);
    assert_int_equal(kad_config_int(c, "seed"), 5);
    assert_int_equal(kad_config_int(c, "train.steps"), 3);
    char *text = kad_config_yaml(c, KAD_CONFIG_GIVEN);
    assert_null(strstr(text, "number"));
    assert_non_null(strstr(text, "steps: 3"));
    kad_free(text);
    kad_config_destroy(c);
    c = config_parse(state, "train: {steps: 3}\n", 1, overrides);
    assert_int_equal(kad_config_int(c, "train.steps"), 7);
    kad_config_destroy(c);
}

static void test_empty(void **state)
{
    static const char *const texts[] = {"",   "# nothing\n", "---\n",
                                        "{}", "~",           "train:\nsample:\n"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        kad_config *c = config_parse(state, texts[i], 0, NULL);
        assert_int_equal(kad_config_int(c, "train.steps"), 4000);
        assert_int_equal(kad_config_list_length(c, "sample"), 0);
        assert_null(kad_config_string(c, "action.file"));
        assert_string_equal(kad_config_text(c), texts[i]);
        kad_config_destroy(c);
    }
}

/* A list of names is a text; sequences within a sequence of numbers are its numbers. */
static void test_lists(void **state)
{
    static const char *const overrides[] = {"train.schedule.knots=[[0, 0.25], [0.5, 1]]"};
    double knots[4];
    kad_config *c = config_parse(
        state, "train: {label: [a, \"b c\"], schedule: {kind: cosine}}\n", 1, overrides);
    assert_string_equal(kad_config_string(c, "train.label"), "a, b c");
    assert_int_equal(kad_config_reals(c, "train.schedule.knots", 4, knots), 4);
    assert_true(knots[1] == 0.25 && knots[3] == 1);
    kad_config_destroy(c);
}

/* What was said before counts for nothing, be there a default or not; a quoted word is a
 * text. */
static void test_left_out(void **state)
{
    static const char *const overrides[] = {"train.rate=null", "train.batch=~",
                                            "action.m2=null"};
    kad_config *c =
        config_parse(state,
                     "action: {name: phi4, m2: -3}\n"
                     "train: {rate: 0.1, batch: 64, steps: null, label: \"null\"}\n",
                     3, overrides);
    assert_true(kad_config_real(c, "train.rate") == 5e-3);
    assert_true(kad_config_real(c, "action.m2") == -4);
    assert_int_equal(kad_config_int(c, "train.steps"), 4000);
    assert_false(kad_config_is_given(c, "train.rate"));
    assert_false(kad_config_is_set(c, "train.batch"));
    assert_string_equal(kad_config_string(c, "train.label"), "null");
    kad_config_destroy(c);
}

/* A whole section, and what comes behind counts again. */
static void test_section_left_out(void **state)
{
    static const char *const overrides[] = {"train.rate=0.2", "train=null",
                                            "train.batch=32"};
    kad_config *c = config_parse(state,
                                 "action: {name: phi4, m2: -3}\n"
                                 "train: {rate: 0.1, batch: 64, steps: 3}\n",
                                 3, overrides);
    assert_true(kad_config_real(c, "train.rate") == 5e-3);
    assert_int_equal(kad_config_int(c, "train.steps"), 4000);
    assert_int_equal(kad_config_int(c, "train.batch"), 32);
    assert_true(kad_config_real(c, "action.m2") == -3);
    kad_config_destroy(c);
}

typedef struct bad {
    const char *text, *message;
} bad;

static const bad bad_texts[] = {
    {"train: {steps: ten}", "run.yaml:1: train.steps: expected an integer, got \"ten\""},
    {"train:\n  steps: 1.5", "run.yaml:2: train.steps: expected an integer, got \"1.5\""},
    {"train: {steps: 1e3x}", "expected an integer, got \"1e3x\""},
    {"train: {steps: 0x10}", "expected an integer, got \"0x10\""},
    {"train: {steps: 1 000}", "expected an integer, got \"1 000\""},
    {"train: {steps: '16'}", "got the quoted text \"16\""},
    {"train: {steps: }", "run.yaml:1: train.steps: expected an integer, got \"\""},
    {"train:\n  steps:\n  rate: 1\n", "run.yaml:2: train.steps: expected an integer"},
    {"train: {steps: -1}", "must lie between 0 and 1000000000"},
    {"train: {steps: 99999999999999999999}", "expected an integer"},
    {"train: {steps: [1]}", "expected an integer, got a sequence"},
    {"train: {steps: {a: 1}}", "expected a value, got a map"},
    {"action:\n  beta: 0,44", "run.yaml:2: action.beta: expected a finite number, got "
                              "\"0,44\""},
    {"action: {beta: nan}", "expected a finite number, got \"nan\""},
    {"action: {beta: .nan}", "expected a finite number"},
    {"action: {beta: inf}", "expected a finite number"},
    {"action: {beta: 1e999}", "expected a finite number"},
    {"action: {beta: -0.1}", "must be at least 0, got \"-0.1\""},
    {"action: {beta: 1e}", "expected a finite number"},
    {"action: {beta: .}", "expected a finite number"},
    {"action: {name: ising}", "expected one of on-dual|phi4|xy, got \"ising\""},
    {"action: {name: phi}", "expected one of"},
    {"action: {name: 'phi4|xy'}", "expected one of"},
    {"action: {name: ''}", "expected one of"},
    {"train: {chain: yes}", "expected true or false, got \"yes\""},
    {"train: {chain: 1}", "expected true or false, got \"1\""},
    {"lattice: {shape: 16}", "expected a sequence of integers like [16, 16], got \"16\""},
    {"lattice: {shape: [16, 1]}", "must lie between 2 and 4096, got \"1\""},
    {"lattice: {shape: [16, [2]]}", "a sequence here holds numbers only"},
    {"lattice: {shape: [16, x]}", "expected an integer, got \"x\""},
    {"lattice: 16", "lattice: expected a section"},
    {"lattice: [16]", "lattice: expected a section"},
    {"train: {stesp: 10}", "run.yaml:1: train.stesp: unknown key; the nearest known one "
                           "is \"train.steps\""},
    {"trian: {steps: 10}", "trian: unknown key"},
    {"steps: 10", "steps: unknown key; the nearest known one is \"train.steps\""},
    {"sample: [{drwas: 10}]", "sample[0].drwas: unknown key; the nearest known one is "
                              "\"sample[0].draws\""},
    {"'sample[0]': {draws: 3}", "unknown key"},
    {"? [a]\n: 1", "a key must be a name"},
    {"'': 1", "unknown key"},
    {"sample: {name: mis}", "sample: expected a list of maps"},
    {"sample: [mis]", "sample: expected a list of maps"},
    {"sample: mis", "sample: expected a list of maps"},
    {"seed: 1\nseed: 2", "run.yaml:2: seed: given twice"},
    {"train: {steps: 1}\ntrain: {rate: 1}", "run.yaml:2: train: given twice"},
    {"train: {steps: 1}\ntrain.steps: 2", "run.yaml:2: train.steps: given twice"},
    {"train: {steps: 1, steps: 1}", "train.steps: given twice"},
    {"train: {steps: 1, number: 1}", "train.steps: given twice"},
    {"train: {number: ten}", "train.steps: expected an integer, got \"ten\""},
    {"seed: &a 1", "anchors"},
    {"train: &a {steps: 1}", "anchors"},
    {"seed: *a", "aliases"},
    {"seed: !!int 1", "tags"},
    {"lattice: !x {shape: [4]}", "tags"},
    {"seed: 1\n---\nseed: 2", "more than one document"},
    {"- 1\n- 2", "expected a map of sections"},
    {"just a text", "expected a map of sections"},
    {"train: {steps: 1", "not valid YAML"},
    {"train:\n\tsteps: 1", "run.yaml:2: not valid YAML"},
    {"seed: \"\\0\"", "contains a zero byte"},
    {"seed: \xff", "not valid YAML"},
};

static void expect_bad(void **state, const char *text, int n, const char *const *over,
                       const char *message)
{
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    kad_config *config = NULL;
    kad_status status =
        kad_config_parse(&ctx, config_schema(state), text, "run.yaml", n, over, &config);
    if (status != KAD_ECONFIG) fail_msg("accepted: %s %s", text, n ? over[0] : "");
    assert_null(config);
    if (!strstr(ctx.message, message))
        fail_msg("%s: message \"%s\" lacks \"%s\"", text, ctx.message, message);
    assert_null(strchr(ctx.message, '\n'));
}

static void test_bad(void **state)
{
    for (size_t i = 0; i < COUNT(bad_texts); i++)
        expect_bad(state, bad_texts[i].text, 0, NULL, bad_texts[i].message);
}

static void test_overrides(void **state)
{
    static const char *const over[] = {"train.steps=5",
                                       "train.steps=6",
                                       "lattice.shape=[4, 4]",
                                       "sample=[{name: hmc}, {name: mis, draws: 3}]",
                                       "sample[0].draws=1000",
                                       "sample[2].name=hmc",
                                       "train.schedule={kind: constant}",
                                       "action.file=a=b.h5",
                                       "train.batch=64",
                                       "train.batch=auto"};
    kad_config *c = config_parse(
        state, "train: {steps: 1, rate: 0.5}\nsample: [{draws: 1}]", COUNT(over), over);
    int64_t shape[2];
    assert_int_equal(kad_config_int(c, "train.steps"), 6);
    assert_true(kad_config_real(c, "train.rate") == 0.5);
    assert_int_equal(kad_config_ints(c, "lattice.shape", 2, shape), 2);
    assert_int_equal(shape[1], 4);
    assert_int_equal(kad_config_list_length(c, "sample"), 3);
    assert_int_equal(kad_config_int(c, "sample[0].draws"), 1000);
    assert_int_equal(kad_config_int(c, "sample[1].draws"), 3);
    assert_string_equal(kad_config_string(c, "sample[2].name"), "hmc");
    assert_string_equal(kad_config_string(c, "train.schedule.kind"), "constant");
    assert_string_equal(kad_config_string(c, "action.file"), "a=b.h5");
    assert_false(kad_config_is_set(c, "train.batch"));
    kad_config_destroy(c);
}

static const bad bad_overrides[] = {
    {"train.steps", "command line: expected section.key=value, got \"train.steps\""},
    {"=3", "expected section.key=value"},
    {"train.steps=", "command line: train.steps: no value given"},
    {"action.beta=", "command line: action.beta: no value given"},
    {"train.stesp=3", "command line: train.stesp: unknown key; the nearest"},
    {"train.steps=3\n---\n4", "more than one document"},
    {"train.steps=[3", "not valid YAML"},
    {"action.beta=0,44", "command line: action.beta: expected a finite number"},
    {"sample[1].draws=3", "sample has 0 entries"},
    {"sample[].draws=3", "unknown key"},
    {"sample[00].draws=3", "unknown key"},
    {"sample[-1].draws=3", "unknown key"},
    {"sample[0.draws=3", "unknown key"},
    {"sample[9999999999].draws=3", "unknown key"},
    {"train[0].steps=3", "unknown key"},
    {"sample[0].draws[0]=3", "unknown key"},
    {"train=3", "train: expected a section"},
    {"train={steps: 1, steps: 2}", "given twice"},
};

static void test_bad_overrides(void **state)
{
    for (size_t i = 0; i < COUNT(bad_overrides); i++)
        expect_bad(state, "", 1, &bad_overrides[i].text, bad_overrides[i].message);
}

static void test_hostile(void **state)
{
    size_t n = 3000000;
    char *text = malloc(n + 1);
    memset(text, '[', n);
    text[n] = 0;
    expect_bad(state, text, 0, NULL, "more than 1048576 bytes");
    text[900000] = 0;
    expect_bad(state, text, 0, NULL, "");
    for (size_t i = 0; i < 900000; i += 3)
        memcpy(text + i, "{a:", 3);
    expect_bad(state, text, 0, NULL, "");
    memset(text, ' ', 900000);
    memcpy(text, "lattice: {shape: [", 18);
    for (size_t i = 18; i < 900000; i += 2)
        memcpy(text + i, "2,", 2);
    expect_bad(state, text, 0, NULL, "too many");
    memset(text, 'x', 900000);
    memcpy(text + 899000, ": 1", 3);
    expect_bad(state, text, 0, NULL, "");
    free(text);
}

static bool same(const kad_config *a, const kad_config *b)
{
    char *x = kad_config_json(a, KAD_CONFIG_ALL), *y = kad_config_json(b, KAD_CONFIG_ALL);
    bool equal = x && y && strcmp(x, y) == 0;
    kad_free(x);
    kad_free(y);
    return equal;
}

static void test_round_trip(void **state)
{
    static const char *const texts[] = {
        "",
        "seed: 9007199254740991\naction: {beta: 0.1, m2: 1e-300}\n",
        "train: {label: \"a: b # c \\\" \\\\ \\t \\n end\"}\naction: {file: 'true'}\n",
        "action: {file: '1.5'}\ntrain: {label: ''}\n",
        "action: {file: /a/b-c_d.h5}\ntrain: {label: \"\\u00fc\"}\n",
        "sample: [{name: hmc, step: 0.3333333333333333}, {}, {draws: 2}]",
        "sample: []\nlattice: {shape: []}\n",
        "action: {file: \"\\x8c \\x85 \\u2028 \\ufeff \\U0001f600 \\x01\"}",
        "train: {schedule: {knots: [1e-5, 0.30000000000000004]}}",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        kad_config *a = config_parse(state, texts[i], 0, NULL);
        char *yaml = kad_config_yaml(a, KAD_CONFIG_ALL);
        assert_non_null(yaml);
        kad_config *b = config_parse(state, yaml, 0, NULL);
        char *again = kad_config_yaml(b, KAD_CONFIG_ALL);
        if (!same(a, b)) fail_msg("not the same after:\n%s", yaml);
        assert_string_equal(yaml, again);
        kad_free(yaml);
        kad_free(again);
        kad_config_destroy(a);
        kad_config_destroy(b);
    }
}

static void test_shortest_numbers(void **state)
{
    static const struct {
        double x;
        const char *text;
    } rows[] = {
        {6.975, "6.975"},
        {60, "60"},
        {0.1, "0.1"},
        {-0.0001, "-0.0001"},
        {0.00001, "0.00001"},
        {0.000001, "1e-06"},
        {1048576, "1048576"},
        {1e15, "1000000000000000"},
        {1e16, "1e+16"},
        {1e9, "1000000000"},
        {-4, "-4"},
        {0, "0"},
        {1.0 / 3, "0.3333333333333333"},
        {2.269185314213022, "2.269185314213022"},
        {0.1 + 0.2, "0.30000000000000004"},
    };
    char text[KAD_NUMBER_CHARS];
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_string_equal(kad_format_real(text, rows[i].x), rows[i].text);
    /* every double reads back, whatever its bits */
    uint64_t bits = 1;
    for (int i = 0; i < 20000; i++) {
        double x, y;
        bits = bits * 6364136223846793005u + 1442695040888963407u;
        memcpy(&x, &bits, sizeof x);
        if (i % 2 == 0) x = (double)(int64_t)(bits >> 40) / 1000;
        if (!isfinite(x)) continue;
        assert_true(kad_parse_real(kad_format_real(text, x), &y) && x == y);
    }
}

static void test_json_numbers(void **state)
{
    (void)state;
    json_t *object = json_pack("{s:f, s:f, s:i, s:s, s:[f, f], s:f}", "T", 6.975, "whole",
                               60.0, "n", 12, "say \"6.9749999999999996\"", "a 1.50 \\\"",
                               "range", 0.1, -1e-7, "big", 1e300);
    char *text = kad_json_text(object, JSON_COMPACT);
    assert_string_equal(text, "{\"T\":6.975,\"whole\":60.0,\"n\":12,"
                              "\"say \\\"6.9749999999999996\\\"\":\"a 1.50 \\\\\\\"\","
                              "\"range\":[0.1,-1e-07],\"big\":1e+300}");
    json_t *back = json_loads(text, 0, NULL);
    assert_true(json_equal(object, back));
    json_decref(back);
    json_decref(object);
    kad_free(text);
}

static void test_yaml_text(void **state)
{
    kad_config *c = config_parse(state, "sample: [{draws: 5}]\nseed: 3", 0, NULL);
    char *yaml = kad_config_yaml(c, KAD_CONFIG_ALL);
    assert_string_equal(yaml, "seed: 3\n"
                              "lattice:\n  shape: [16, 16]\n"
                              "action:\n  name: on-dual\n  m2: -4\n"
                              "train:\n  steps: 4000\n  rate: 0.005\n  chain: true\n"
                              "  label: \"none: yet\"\n"
                              "  schedule:\n    kind: cosine\n    knots: [0, 0.5, 1]\n"
                              "sample:\n  - draws: 5\n");
    kad_free(yaml);
    kad_config_destroy(c);
}

static void test_files(void **state)
{
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    kad_config *c;
    assert_int_equal(
        kad_config_load(&ctx, config_schema(state), "/nonexistent/a.yaml", 0, NULL, &c),
        KAD_ENOINPUT);
    assert_non_null(strstr(ctx.message, "/nonexistent/a.yaml"));
    assert_int_equal(kad_config_load(&ctx, config_schema(state), "/tmp", 0, NULL, &c),
                     KAD_ENOINPUT);
    char path[] = "/tmp/kad_config_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "seed: 5\0junk", 12), 12);
    assert_int_equal(kad_config_load(&ctx, config_schema(state), path, 0, NULL, &c),
                     KAD_ECONFIG);
    assert_int_equal(ftruncate(fd, 8), 0);
    assert_int_equal(pwrite(fd, "\n", 1, 7), 1);
    assert_int_equal(kad_config_load(&ctx, config_schema(state), path, 0, NULL, &c),
                     KAD_OK);
    assert_int_equal(kad_config_int(c, "seed"), 5);
    kad_config_destroy(c);
    close(fd);
    unlink(path);
}

static void test_locale(void **state)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8"};
    for (size_t i = 0; i < COUNT(names); i++)
        setlocale(LC_ALL, names[i]);
    double x;
    assert_true(kad_parse_real("0.44", &x) && x == 0.44);
    assert_false(kad_parse_real("0,44", &x));
    kad_config *c = config_parse(state, "action: {beta: 0.44}", 0, NULL);
    char *yaml = kad_config_yaml(c, KAD_CONFIG_ALL);
    assert_non_null(strstr(yaml, "beta: 0.44\n"));
    kad_free(yaml);
    kad_config_destroy(c);
    setlocale(LC_ALL, "C");
}

/* Every allocation on the way fails once; whatever was built is given back (the leak
 * checkers of the sanitizer builds watch) and the status says so. */
static void test_exhaustion(void **state)
{
    static const char *const over[] = {"sample[0].draws=4", "lattice.shape=[4, 4]"};
    for (int64_t n = 0;; n++) {
        kad_ctx ctx;
        kad_ctx_init(&ctx, 1);
        kad_config *c;
        kad_memory_fail_after(n);
        kad_status status = kad_config_parse(
            &ctx, config_schema(state),
            "seed: 1\nsample: [{}]\naction: {file: a, beta: 2}", "run.yaml", 2, over, &c);
        kad_memory_fail_after(-1);
        if (status == KAD_OK) {
            assert_true(n > 20);
            kad_config_destroy(c);
            break;
        }
        assert_int_equal(status, KAD_ENOMEM);
        assert_null(c);
    }
}

static void test_template(void **state)
{
    char *text = kad_schema_template(config_schema(state),
                                     "seed action lattice train sample nothing");
    assert_non_null(text);
    assert_non_null(strstr(text, "  # beta: auto\n"));
    assert_non_null(strstr(text, "one of on-dual|phi4|xy"));
    assert_non_null(strstr(text, "at least 0"));
    assert_non_null(strstr(text, "  - name: mis\n"));
    kad_config *a = config_parse(state, text, 0, NULL);
    kad_config *b = config_parse(state, "sample: [{name: mis}]", 0, NULL);
    assert_true(same(a, b));
    kad_config_destroy(a);
    kad_config_destroy(b);
    kad_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_renamed),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_left_out),
        cmocka_unit_test(test_section_left_out),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_overrides),
        cmocka_unit_test(test_bad_overrides),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_shortest_numbers),
        cmocka_unit_test(test_json_numbers),
        cmocka_unit_test(test_yaml_text),
        cmocka_unit_test(test_template),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_locale),
        cmocka_unit_test(test_exhaustion),
    };
    return cmocka_run_group_tests_name("config: bad input is refused in one line", tests,
                                       config_set_up, config_tear_down);
}
