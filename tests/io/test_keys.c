/* Claims about rows of keys and the members they fill. */
#include "base/memory.h"
#include "io/config.h"
#include "tests/support/claim.h"

typedef enum colour { COLOUR_AUTO, RED, GREEN, BLUE } colour;
typedef enum rule { FIRST, SECOND } rule;

/* A member of every kind, with a default and without. */
typedef struct options {
    int steps, batch, burn_in;
    int64_t draws;
    uint64_t seed;
    size_t rows;
    double rate, width;
    bool exact, fast;
    const char *name, *label, *file, *word;
    colour ink;
    rule rule;
    kad_ints shape, widths;
    kad_reals shares;
    int other; /* of no key */
} options;

static const kad_key keys[] = {
    {"seed", KAD_INT_OF(options, seed), "7", 0, 9e15, "", NULL, ""},
    {"a.steps", KAD_INT_OF(options, steps), "1e3", 0, 1e9, "", NULL, ""},
    {"a.batch", KAD_INT_OF(options, batch), NULL, 1, 1e6, "", NULL, ""},
    {"a.burn_in", KAD_INT_OF(options, burn_in), NULL, 0, 1e6, "", NULL, ""},
    {"a.rows", KAD_INT_OF(options, rows), "12", 1, 1e6, "", NULL, ""},
    {"a.rate", KAD_REAL_OF(options, rate), "5e-3", 0, 1, "", NULL, ""},
    {"a.width", KAD_REAL_OF(options, width), NULL, 0, 1, "", NULL, ""},
    {"a.exact", KAD_BOOL_OF(options, exact), "true", 1, 0, "", NULL, ""},
    {"a.fast", KAD_BOOL_OF(options, fast), NULL, 1, 0, "", NULL, ""},
    {"a.name", KAD_STRING_OF(options, name), "none: yet", 1, 0, "", NULL, ""},
    {"a.label", KAD_STRING_OF(options, label), NULL, 1, 0, "", NULL, ""},
    {"a.file", KAD_PATH_OF(options, file), "uniform", 1, 0, "", "uniform", ""},
    {"a.word", KAD_WORD_OF(options, word), "two", 1, 0, "", "one|two", ""},
    {"a.ink", KAD_ENUM_OF(options, ink, RED), NULL, 1, 0, "", "red|green|blue", ""},
    {"a.rule", KAD_ENUM_OF(options, rule, FIRST), "second", 1, 0, "", "first|second", ""},
    {"a.shape", KAD_INTS_OF(options, shape), "[16, 8]", 2, 64, "", NULL, ""},
    {"a.widths", KAD_INTS_OF(options, widths), NULL, 1, 64, "", NULL, ""},
    {"a.shares", KAD_REALS_OF(options, shares), "[0.25, 0.25, 0.5]", 0, 1, "", NULL, ""},
    {"list[].draws", KAD_INT_OF(options, draws), "100", 1, 1e12, "", NULL, ""},
};
enum { N = sizeof keys / sizeof *keys };

static kad_config *parse(kad_schema *schema, const char *text)
{
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    kad_config *config;
    *schema = (kad_schema){0};
    kad_schema_add(schema, keys, N);
    if (kad_config_parse(&ctx, schema, text, "test", 0, NULL, &config) != KAD_OK)
        fail_msg("%s", ctx.message);
    return config;
}

static void check_defaults(const options *o)
{
    assert_int_equal(o->seed, 7);
    assert_int_equal(o->steps, 1000);
    assert_int_equal(o->batch, 0);    /* one below its range: unset */
    assert_int_equal(o->burn_in, -1); /* the same */
    assert_int_equal(o->rows, 12);
    assert_true(o->rate == 5e-3 && isnan(o->width));
    assert_true(o->exact && !o->fast);
    assert_string_equal(o->name, "none: yet");
    assert_string_equal(o->file, "uniform");
    assert_string_equal(o->word, "two");
    assert_null(o->label);
    assert_int_equal(o->ink, COLOUR_AUTO);
    assert_int_equal(o->rule, SECOND);
    assert_int_equal(o->shape.n, 2);
    assert_true(o->shape.value[0] == 16 && o->shape.value[1] == 8);
    assert_int_equal(o->widths.n, 0);
    assert_int_equal(o->shares.n, 3);
    assert_true(o->shares.value[1] == 0.25 && o->shares.value[2] == 0.5);
    assert_int_equal(o->draws, 100);
    assert_int_equal(o->other, 3); /* untouched */
}

static void test_defaults(void **state)
{
    options o;
    kad_schema schema;
    (void)state;
    memset(&o, 0xff, sizeof o);
    o.other = 3;
    kad_keys_default(keys, N, &o);
    check_defaults(&o);
    kad_config *config = parse(&schema, "");
    memset(&o, 0xff, sizeof o);
    o.other = 3;
    kad_config_fill(config, keys, N, 5, &o);
    check_defaults(&o);
    kad_config_destroy(config);
}

static void test_values(void **state)
{
    static const char text[] =
        "seed: 9000000000000000\n"
        "a: {steps: 2, batch: 3, burn_in: 0, rows: 1e6, rate: 1, width: 0.5,\n"
        "  exact: false, fast: true, name: x, label: y, file: z/j.txt, word: one,\n"
        "  ink: blue, rule: first, shape: [2, 3, 4], widths: [5], shares: [1]}\n"
        "list: [{draws: 5}, {}, {draws: 1e12}]\n";
    options o = {.other = 3};
    kad_schema schema;
    (void)state;
    kad_config *config = parse(&schema, text);
    kad_config_fill(config, keys, N, 2, &o);
    assert_true(o.seed == 9000000000000000u);
    assert_true(o.steps == 2 && o.batch == 3 && o.burn_in == 0 && o.rows == 1000000);
    assert_true(o.rate == 1 && o.width == 0.5 && !o.exact && o.fast);
    assert_string_equal(o.name, "x");
    assert_string_equal(o.label, "y");
    assert_string_equal(o.file, "z/j.txt");
    assert_string_equal(o.word, "one");
    assert_int_equal(o.ink, BLUE);
    assert_int_equal(o.rule, FIRST);
    assert_true(o.shape.n == 3 && o.shape.value[2] == 4);
    assert_true(o.widths.n == 1 && o.widths.value[0] == 5);
    assert_true(o.shares.n == 1 && o.shares.value[0] == 1);
    assert_true(o.draws == 1000000000000);
    assert_int_equal(o.other, 3);
    kad_config_fill(config, keys, N, 1, &o);
    assert_int_equal(o.draws, 100); /* of an entry that leaves it out */
    kad_config_fill(config, keys, N, 0, &o);
    assert_int_equal(o.draws, 5);
    kad_config_destroy(config);
}

/* More than there is room for: its length says so. */
static void test_long_sequence(void **state)
{
    char text[1024] = "a: {widths: [1";
    options o;
    kad_schema schema;
    (void)state;
    for (int i = 2; i <= KAD_SEQUENCE_MAX + 4; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), ", %d",
                 i <= 64 ? i : 1);
    strcat(text, "], ink: green}");
    kad_config *config = parse(&schema, text);
    kad_config_fill(config, keys, N, 0, &o);
    assert_int_equal(o.widths.n, KAD_SEQUENCE_MAX + 4);
    assert_int_equal(o.widths.value[KAD_SEQUENCE_MAX - 1], KAD_SEQUENCE_MAX);
    assert_int_equal(o.ink, GREEN);
    kad_config_destroy(config);
}

static const kad_key *key_of(const char *name)
{
    for (int i = 0; i < N; i++)
        if (strcmp(keys[i].key, name) == 0) return &keys[i];
    fail_msg("no key %s", name);
    return NULL;
}

static void test_reading(void **state)
{
    static const char *const unset[] = {"a.batch", "a.burn_in", "a.width",
                                        "a.label", "a.ink",     "a.widths"};
    options o;
    size_t n = 0;
    (void)state;
    kad_keys_default(keys, N, &o);
    for (size_t i = 0; i < sizeof unset / sizeof *unset; i++)
        assert_false(kad_key_is_set(key_of(unset[i]), &o));
    assert_true(kad_key_is_set(key_of("a.rows"), &o));
    assert_true(kad_key_is_set(key_of("a.fast"), &o)); /* false */
    assert_true(kad_key_is_set(key_of("a.rule"), &o));
    assert_true(kad_key_number(key_of("a.steps"), &o) == 1000);
    assert_true(kad_key_number(key_of("a.exact"), &o) == 1);
    assert_true(isnan(kad_key_number(key_of("a.width"), &o)));
    assert_null(kad_key_text(key_of("a.ink"), &o, &n));
    o.ink = GREEN;
    assert_memory_equal(kad_key_text(key_of("a.ink"), &o, &n), "green", 5);
    assert_int_equal(n, 5);
    assert_string_equal(kad_key_text(key_of("a.word"), &o, &n), "two");
    assert_int_equal(n, 3);
}

/* What the program chose for keys that were left out is printed; what was given stays. */
static void test_resolve_from(void **state)
{
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    options o;
    kad_schema schema;
    (void)state;
    kad_config *config = parse(&schema, "a: {width: 0.5}");
    kad_config_fill(config, keys, N, 0, &o);
    o.width = 0.25;
    o.ink = BLUE;
    o.burn_in = 0;
    o.label = "0";
    if (kad_config_resolve_from(&ctx, config, keys, N, &o) != KAD_OK)
        fail_msg("%s", ctx.message);
    assert_true(kad_config_real(config, "a.width") == 0.5);
    assert_true(kad_config_is_given(config, "a.width"));
    assert_string_equal(kad_config_string(config, "a.ink"), "blue");
    assert_false(kad_config_is_given(config, "a.ink"));
    assert_true(kad_config_is_set(config, "a.burn_in"));
    assert_true(kad_config_is_set(config, "a.fast")); /* a truth value always has one */
    assert_false(kad_config_bool(config, "a.fast"));
    assert_false(kad_config_is_set(config, "a.batch"));
    assert_false(kad_config_is_set(config, "a.steps")); /* its default suffices */
    options again;
    kad_config_fill(config, keys, N, 0, &again);
    assert_int_equal(again.ink, BLUE);
    assert_int_equal(again.burn_in, 0);
    assert_string_equal(again.label, "0");
    kad_config_destroy(config);
}

static const char *pen(size_t i)
{
    static const char *const names[] = {"quill", "reed"};
    return i < 2 ? names[i] : NULL;
}

/* Words in the row, and names of a registry. */
static void test_choices(void **state)
{
    (void)state;
    const kad_key words = {"a.b", KAD_ENUM, KAD_NO_MEMBER, NULL, 1, 0, "", "a|bc|d", ""};
    const kad_key names = {"a.c", KAD_ENUM, KAD_NAMES(pen), NULL, 1, 0, "", NULL, ""};
    const kad_key none = {"a.d", KAD_STRING, KAD_NO_MEMBER, NULL, 1, 0, "", NULL, ""};
    char text[16];
    size_t n;
    assert_int_equal(kad_key_choice_index(&words, "a"), 0);
    assert_int_equal(kad_key_choice_index(&words, "bc"), 1);
    assert_int_equal(kad_key_choice_index(&words, "d"), 2);
    assert_int_equal(kad_key_choice_index(&words, "b"), -1);
    assert_int_equal(kad_key_choice_index(&words, "a|bc"), -1);
    assert_int_equal(kad_key_choice_index(&words, ""), -1);
    assert_int_equal(kad_key_choice_index(&names, "reed"), 1);
    assert_int_equal(kad_key_choice_index(&names, "ree"), -1);
    assert_int_equal(kad_key_choice_index(&none, "a"), -1);
    assert_memory_equal(kad_key_choice(&words, 1, &n), "bc", 2);
    assert_int_equal(n, 2);
    assert_null(kad_key_choice(&words, 3, &n));
    assert_null(kad_key_choice(&names, 7, &n));
    kad_key_choices(&words, ", ", sizeof text, text);
    assert_string_equal(text, "a, bc, d");
    kad_key_choices(&names, "|", 8, text);
    assert_string_equal(text, "quill|r");
    kad_key_choices(&none, "|", sizeof text, text);
    assert_string_equal(text, "");
}

/* Of every kind of member: the same as itself, and another where only that one differs. */
static void test_same(void **state)
{
    static const char a[] = "{}";
    static const char *const b[] = {"seed: 8",
                                    "a: {steps: 999}",
                                    "a: {batch: 1}",
                                    "a: {burn_in: 0}",
                                    "a: {rows: 13}",
                                    "a: {rate: 1}",
                                    "a: {width: 0}",
                                    "a: {exact: false}",
                                    "a: {fast: true}",
                                    "a: {name: none}",
                                    "a: {label: \"\"}",
                                    "a: {file: other}",
                                    "a: {word: one}",
                                    "a: {ink: red}",
                                    "a: {rule: first}",
                                    "a: {shape: [16, 9]}",
                                    "a: {widths: [1]}",
                                    "a: {shares: [0.25, 0.25]}",
                                    "list: [{draws: 101}]"};
    const kad_key no_member = {"a.none", KAD_INT, KAD_NO_MEMBER, NULL, 0,
                               1,        "",      NULL,          ""};
    kad_schema schema[2];
    (void)state;
    assert_int_equal(sizeof b / sizeof *b, N);
    kad_config *one = parse(&schema[0], a);
    options x = {0};
    kad_config_fill(one, keys, N, 0, &x);
    for (int i = 0; i < N; i++) {
        kad_config *other = parse(&schema[1], b[i]);
        options y = {0};
        kad_config_fill(other, keys, N, 0, &y);
        for (int k = 0; k < N; k++) {
            assert_true(kad_key_same(&keys[k], &y, &y));
            if (kad_key_same(&keys[k], &x, &y) == (i == k))
                fail_msg("%s with %s", keys[k].key, b[i]);
        }
        kad_config_destroy(other);
    }
    assert_false(kad_key_same(&no_member, &x, &x));
    kad_config_destroy(one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),      cmocka_unit_test(test_values),
        cmocka_unit_test(test_long_sequence), cmocka_unit_test(test_reading),
        cmocka_unit_test(test_resolve_from),  cmocka_unit_test(test_choices),
        cmocka_unit_test(test_same),
    };
    return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
