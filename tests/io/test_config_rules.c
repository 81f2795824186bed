/* Claims about keys: which have an effect, by which rules, and how two configs differ. */
#include "bulk/bulk.h"
#include "flow/flow.h"
#include "models/action.h"
#include "run/options.h"
#include "run/schema.h"
#include "tests/io/config_case.h"
#include "train/options.h"

#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void test_resolve(void **state)
{
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    kad_config *c = config_parse(state, "train: {batch: 5}\nsample: [{}]", 0, NULL);
    assert_int_equal(kad_config_resolve(&ctx, c, "train.batch", "64"), KAD_OK);
    assert_int_equal(kad_config_int(c, "train.batch"), 5);
    assert_int_equal(kad_config_resolve(&ctx, c, "train.steps", "64"), KAD_OK);
    assert_int_equal(kad_config_int(c, "train.steps"), 64);
    assert_true(kad_config_is_set(c, "train.steps"));
    assert_int_equal(kad_config_resolve(&ctx, c, "train.rate", "x"), KAD_ECONFIG);
    kad_config_destroy(c);
}

/* The word of a row stands for the enumerator of that meaning. */
static void test_enumerators(void **state)
{
    static const struct {
        const char *key, *word;
        unsigned value;
    } known[] = {
        {"flow.activation", "elu", KAD_ELU},
        {"flow.activation", "relu", KAD_RELU},
        {"flow.spectrum", "last", KAD_SPECTRUM_LAST},
        {"flow.details", "wavelet", KAD_DETAILS_WAVELET},
        {"flow.symmetry", "mixture", KAD_SYMMETRY_MIXTURE},
        {"flow.symmetry", "equivariant", KAD_SYMMETRY_EQUIVARIANT},
        {"flow.decimation", "true", KAD_AUTO_TRUE},
        {"flow.decimation", "false", KAD_AUTO_FALSE},
        {"flow.precision", "double", KAD_DOUBLE},
        {"train.schedule", "exponential", KAD_SCHEDULE_EXPONENTIAL},
        {"train.schedule", "plateau", KAD_SCHEDULE_PLATEAU},
        {"train.gradient", "path", KAD_LOSS_PATH},
        {"train.gradient", "plain", KAD_LOSS_REVERSE},
        {"train.loss", "likelihood", KAD_TRAIN_LIKELIHOOD},
        {"train.ladder", "true", KAD_AUTO_TRUE},
        {"sample[].start", "prior", KAD_START_PRIOR},
        {"sample[].start", "hot", KAD_START_HOT},
    };
    (void)state;
    kad_schema s = {0};
    kad_cli_schema(&s);
    for (size_t i = 0; i < COUNT(known); i++) {
        const kad_key *key = kad_schema_find(&s, known[i].key);
        assert_non_null(key);
        assert_int_equal(key->member.kind, KAD_MEMBER_ENUM);
        const int choice = kad_key_choice_index(key, known[i].word);
        assert_true(choice >= 0);
        assert_int_equal(key->member.first + (unsigned)choice, known[i].value);
    }
}

static void test_unused(void **state)
{
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    char names[64];
    kad_config *c = config_parse(state, "action: {name: phi4, m2: -4, beta: 1}", 0, NULL);
    assert_int_equal(kad_config_resolve(&ctx, c, "train.batch", "64"), KAD_OK);
    assert_true(kad_config_is_given(c, "action.m2"));
    assert_false(kad_config_is_given(c, "train.batch"));
    assert_string_equal(kad_config_unused(c), "action.beta");
    kad_config_used_names(c, "action.", sizeof names, names);
    assert_string_equal(names, "name, m2");
    kad_config_used_names(c, "action.", 8, names);
    assert_string_equal(names, "name...");
    kad_config_destroy(c);
    const char *over[] = {"train.schedule.kind=constant"};
    c = config_parse(state, "action: {beta: 1}", 1, over);
    assert_null(kad_config_unused(c)); /* the knots are a default, not given */
    kad_config_destroy(c);
}

/* What has an effect, and why the rest has none, follows from the values alone. */
static void test_rules(void **state)
{
    static const struct {
        const char *text, *key, *decider; /* decider NULL: it has an effect */
    } cases[] = {
        {"", "seed", NULL},
        {"", "action.beta", NULL},
        {"action: {name: phi4}", "action.beta", "action.name phi4"},
        {"action: {name: xy}", "action.beta", NULL}, /* of two tables */
        {"", "train.schedule.knots", NULL},
        {"train: {schedule: {kind: constant}}", "train.schedule.knots",
         "train.schedule.kind constant"},
        {"", "train.label", "train.batch unset"},
        {"train: {batch: 3}", "train.label", NULL},
        {"train: {batch: 3, rate: 0}", "train.label", "train.rate 0"},
        {"train: {batch: 3, chain: false}", "train.label", "train.chain false"},
        {"action: {name: phi4, file: x}", "action.m2", NULL},
        {"action: {name: on-dual, file: x}", "action.m2", "action.name on-dual"},
        /* a condition on a key without effect */
        {"", "train.rate", NULL},
        {"train: {schedule: {kind: constant}}", "train.rate",
         "train.schedule.kind constant"},
        {"sample: [{}]", "sample[0].step", NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char decider[128];
        kad_config *c = config_parse(state, cases[i].text, 0, NULL);
        const bool applies = kad_config_applies(c, cases[i].key);
        kad_config_decider(c, cases[i].key, sizeof decider, decider);
        assert_string_equal(decider, cases[i].decider ? cases[i].decider : "");
        assert_int_equal(applies, cases[i].decider == NULL);
        kad_config_destroy(c);
    }
}

/* Asking for values changes nothing: what is printed as used is decided by the schema,
 * and read again it is what was given. */
static void test_scopes(void **state)
{
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    kad_config *c =
        config_parse(state, "action: {m2: -3, name: phi4}\nsample: []\n", 0, NULL);
    assert_int_equal(kad_config_resolve(&ctx, c, "train.batch", "64"), KAD_OK);
    char *given = kad_config_yaml(c, KAD_CONFIG_GIVEN);
    assert_string_equal(given, "action:\n  name: phi4\n  m2: -3\nsample: []\n");
    char *used = kad_config_yaml(c, KAD_CONFIG_USED);
    kad_config_real(c, "action.beta");
    kad_config_real(c, "action.m2");
    kad_config_int(c, "train.steps");
    char *again = kad_config_yaml(c, KAD_CONFIG_USED);
    assert_string_equal(used, again);
    assert_non_null(strstr(used, "batch: 64"));
    kad_config *d = config_parse(state, used, 0, NULL);
    char *x = kad_config_json(c, KAD_CONFIG_USED),
         *y = kad_config_json(d, KAD_CONFIG_GIVEN);
    assert_string_equal(x, y);
    kad_free(given);
    kad_free(used);
    kad_free(again);
    kad_free(x);
    kad_free(y);
    kad_config_destroy(c);
    kad_config_destroy(d);
}

static bool begins_a_key(const kad_schema *s, const char *prefix)
{
    for (int t = 0; t < s->n_tables; t++)
        for (size_t i = 0; i < s->n_keys[t]; i++)
            if (strncmp(s->table[t][i].key, prefix, strlen(prefix)) == 0) return true;
    return false;
}

/* "flow.generator=q4t or flow.refinement=q4t & ...": the words with a dot. */
static void check_conditions(const kad_schema *s, const char *only_if)
{
    char text[256], *rest = NULL;
    snprintf(text, sizeof text, "%s", only_if);
    for (char *word = strtok_r(text, " ", &rest); word;
         word = strtok_r(NULL, " ", &rest)) {
        if (strcmp(word, "&") == 0 || strcmp(word, "or") == 0) continue;
        char *values = strchr(word, '=');
        if (values) *values++ = 0;
        const kad_key *key = kad_schema_find(s, word);
        if (!key) fail_msg("\"%s\": no key %s", only_if, word);
        char *next = NULL;
        for (char *v = values && key->type == KAD_ENUM ? strtok_r(values, "|", &next)
                                                       : NULL;
             v; v = strtok_r(NULL, "|", &next))
            if (kad_key_choice_index(key, v) < 0)
                fail_msg("\"%s\": %s is no %s", only_if, v, word);
    }
}

/* A rule with a slip of the pen would switch its keys off for good. */
static void test_own_rules(void **state)
{
    (void)state;
    kad_schema s = {0};
    kad_action_schema(&s);
    kad_schema_add(&s, kad_flow_keys, kad_flow_n_keys);
    kad_schema_add(&s, kad_family_keys, kad_family_n_keys);
    kad_schema_add(&s, kad_train_keys, kad_train_n_keys);
    kad_schema_add(&s, kad_bulk_keys, kad_bulk_n_keys);
    kad_schema_add_rules(&s, kad_flow_rules, kad_flow_n_rules);
    kad_schema_add_rules(&s, kad_train_rules, kad_train_n_rules);
    kad_schema_add_rules(&s, kad_bulk_rules, kad_bulk_n_rules);
    for (int t = 0; t < s.n_rules; t++)
        for (size_t i = 0; i < s.rules_n[t]; i++) {
            const kad_rule *rule = &s.rules[t][i];
            if (!begins_a_key(&s, rule->prefix)) fail_msg("no key %s...", rule->prefix);
            if (rule->only_if) check_conditions(&s, rule->only_if);
        }
}

static kad_config *parse_at(void **state, const char *name, const char *text)
{
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    kad_config *c;
    if (kad_config_parse(&ctx, config_schema(state), text, name, 0, NULL, &c) != KAD_OK)
        fail_msg("%s", ctx.message);
    return c;
}

/* The first key in which two configs differ, by value and not as it is written. */
static void test_compare(void **state)
{
    static const char base[] = "train: {rate: 5e-3, batch: 64}\nsample: [{}, {draws: 7}]";
    static const struct {
        const char *text, *except, *key, *old, *now;
    } cases[] = {
        {"train: {batch: 64, rate: 0.005}\nsample: [{}, {draws: 7}]", NULL, "", "", ""},
        {"train: {batch: 32}\nsample: [{}, {draws: 7}]", NULL, "train.batch", "64", "32"},
        {"sample: [{}, {draws: 7}]", NULL, "train.batch", "64", "nothing"},
        {"train: {batch: 64}\nsample: [{}, {draws: 8}]", NULL, "sample[1].draws", "7",
         "8"},
        {"train: {batch: 3}\nsample: [{}, {draws: 8}]", "sample train.batch", "", "", ""},
        {"sample: [{}]", "seed train sample", "", "", ""},
        {"train: {batch: 32}", "train.bat batch atrain samples sample", "train.batch",
         "64", "32"},
        {"seed: 2", "train sample", "seed", "1", "2"},
    };
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    kad_config *old = config_parse(state, base, 0, NULL);
    kad_settings then, settings;
    assert_int_equal(kad_config_settings(&ctx, old, &then), KAD_OK);
    for (size_t i = 0; i < COUNT(cases); i++) {
        kad_difference d[2];
        kad_config *now = config_parse(state, cases[i].text, 0, NULL);
        assert_int_equal(kad_config_compare(&ctx, old, now, cases[i].except, &d[0]),
                         KAD_OK);
        assert_int_equal(kad_config_settings(&ctx, now, &settings), KAD_OK);
        assert_int_equal(kad_settings_compare(&ctx, then.text, "run.h5", &settings,
                                              cases[i].except, &d[1]),
                         KAD_OK);
        for (int k = 0; k < 2; k++) {
            assert_string_equal(d[k].key, cases[i].key);
            if (*cases[i].key == 0) continue;
            assert_string_equal(d[k].old, cases[i].old);
            assert_string_equal(d[k].now, cases[i].now);
        }
        kad_settings_clear(&settings);
        kad_config_destroy(now);
    }
    /* JSON: what only one of them has does not count */
    kad_difference d;
    static const char json[] = "{\"seed\": 1, \"other\": 3, \"train\": {\"batch\": 65}}";
    assert_int_equal(kad_config_compare_json(&ctx, json, old, NULL, &d), KAD_OK);
    assert_string_equal(d.key, "train.batch");
    assert_int_equal(kad_config_compare_json(&ctx, json, old, "train", &d), KAD_OK);
    assert_string_equal(d.key, "");
    assert_int_equal(kad_config_compare_json(&ctx, "{", old, NULL, &d), KAD_EDATA);
    /* settings of another program */
    assert_int_equal(kad_config_settings(&ctx, old, &settings), KAD_OK);
    assert_int_equal(
        kad_settings_compare(&ctx, "train: {bach: 3}", "run.h5", &settings, NULL, &d),
        KAD_ECONFIG);
    assert_non_null(strstr(ctx.message, "run.h5:1: train.bach: unknown key"));
    kad_settings_clear(&settings);
    kad_settings_clear(&then);
    kad_config_destroy(old);
}

/* A file is found where the config stands, wherever one stands oneself; an override names
 * it from here. */
static void test_paths(void **state)
{
    static const struct {
        const char *name, *value, *path;
    } cases[] = {
        {"run.yaml", "j.txt", "j.txt"},       {"a/run.yaml", "j.txt", "a/j.txt"},
        {"/a/run.yaml", "b/j", "/a/b/j"},     {"a/run.yaml", "/b/j.txt", "/b/j.txt"},
        {"a/run.yaml", "uniform", "uniform"}, {"../r.yaml", "../j", "../../j"},
    };
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[64];
        snprintf(text, sizeof text, "action: {bonds: %s}", cases[i].value);
        kad_config *c = parse_at(state, cases[i].name, text);
        assert_string_equal(kad_config_string(c, "action.bonds"), cases[i].path);
        kad_config_destroy(c);
    }
    const char *over[] = {"action.bonds=j.txt"};
    kad_config *c;
    assert_int_equal(
        kad_config_parse(&ctx, config_schema(state), "", "a/run.yaml", 1, over, &c),
        KAD_OK);
    assert_string_equal(kad_config_string(c, "action.bonds"), "j.txt");
    /* printed so that it is found again: below home relative to it, else absolute */
    char here[1024], expected[1100];
    assert_non_null(getcwd(here, sizeof here));
    snprintf(expected, sizeof expected, "action:\n  bonds: \"%s/j.txt\"\n", here);
    char *yaml = kad_config_yaml(c, KAD_CONFIG_GIVEN);
    assert_string_equal(yaml, expected);
    kad_free(yaml);
    assert_int_equal(kad_config_set_path(&ctx, c, "action.bonds", "a/b/j.txt"), KAD_OK);
    kad_config_set_home(c, "a/b");
    yaml = kad_config_yaml(c, KAD_CONFIG_GIVEN);
    assert_string_equal(yaml, "action:\n  bonds: j.txt\n");
    kad_free(yaml);
    /* what a digest stands for is no part of the contents */
    assert_int_equal(kad_config_resolve(&ctx, c, "action.bonds_sha256", "ab"), KAD_OK);
    yaml = kad_config_yaml(c, KAD_CONFIG_CONTENT);
    assert_null(strstr(yaml, "bonds: "));
    assert_non_null(strstr(yaml, "bonds_sha256: ab"));
    kad_free(yaml);
    kad_config_destroy(c);
}

/* An empty list is one; nothing behind the name is as if it were left out. */
static void test_empty_list(void **state)
{
    const char *none[] = {"sample=[]"};
    kad_config *c = config_parse(state, "sample: []", 0, NULL);
    assert_true(kad_config_is_set(c, "sample"));
    assert_int_equal(kad_config_list_length(c, "sample"), 0);
    kad_config_destroy(c);
    c = config_parse(state, "sample:", 0, NULL);
    assert_false(kad_config_is_set(c, "sample"));
    kad_config_destroy(c);
    c = config_parse(state, "sample: [{draws: 5}]", 1, none);
    assert_true(kad_config_is_set(c, "sample"));
    assert_int_equal(kad_config_list_length(c, "sample"), 0);
    kad_config_destroy(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resolve),    cmocka_unit_test(test_enumerators),
        cmocka_unit_test(test_unused),     cmocka_unit_test(test_scopes),
        cmocka_unit_test(test_rules),      cmocka_unit_test(test_compare),
        cmocka_unit_test(test_paths),      cmocka_unit_test(test_own_rules),
        cmocka_unit_test(test_empty_list),
    };
    return cmocka_run_group_tests_name("config: keys and their rules", tests,
                                       config_set_up, config_tear_down);
}
