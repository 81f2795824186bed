#include "tests/io/config_case.h"

#include "base/memory.h"

static const kad_key table[] = {
    {"seed", KAD_INT, KAD_NO_MEMBER, "1", 0, 9007199254740992.0, "", NULL,
     "seed of all random numbers"},
    {"lattice.shape", KAD_INTS, KAD_NO_MEMBER, "[16, 16]", 2, 4096, "", NULL, "extents"},
    {"action.name", KAD_ENUM, KAD_NO_MEMBER, "on-dual", 1, 0, "", "on-dual|phi4|xy",
     "the model"},
    {"action.m2", KAD_REAL, KAD_NO_MEMBER, "-4", 1, 0, "", NULL, "mass squared"},
    {"action.file", KAD_STRING, KAD_NO_MEMBER, NULL, 1, 0, "", NULL, "couplings"},
    {"action.bonds", KAD_PATH, KAD_NO_MEMBER, NULL, 1, 0, "", "uniform", "couplings"},
    {"action.bonds_sha256", KAD_STRING, KAD_NO_MEMBER, NULL, 1, 0, "", NULL,
     "their digest"},
    {"train.steps", KAD_INT, KAD_NO_MEMBER, "4000", 0, 1e9, "", NULL, "steps"},
    {"train.rate", KAD_REAL, KAD_NO_MEMBER, "5e-3", 0, 1, "", NULL, "learning rate"},
    {"train.chain", KAD_BOOL, KAD_NO_MEMBER, "true", 1, 0, "", NULL,
     "smaller lattices first"},
    {"train.batch", KAD_INT, KAD_NO_MEMBER, NULL, 1, 65536, "", NULL, "samples a step"},
    {"train.label", KAD_STRING, KAD_NO_MEMBER, "none: yet", 1, 0, "", NULL, "a text"},
    {"train.schedule.kind", KAD_ENUM, KAD_NO_MEMBER, "cosine", 1, 0, "",
     "cosine|constant", "shape"},
    {"train.schedule.knots", KAD_REALS, KAD_NO_MEMBER, "[0, 0.5, 1]", 0, 1, "", NULL,
     "knots"},
};
static const kad_key spins[] = {
    {"action.beta", KAD_REAL, KAD_NO_MEMBER, NULL, 0, INFINITY, "", NULL,
     "inverse temperature"},
};
static const kad_key planar[] = {
    {"action.beta", KAD_REAL, KAD_NO_MEMBER, NULL, 0, INFINITY, "", NULL,
     "the same of another action"},
};
static const kad_rule rules[] = {
    {"action.m2", "action.name=phi4|xy"},
    {"train.label", "train.batch & train.rate or seed=none & train.chain=true"},
    {"train.schedule.knots", "train.schedule.kind=cosine"},
    {"train.rate", "train.schedule.knots"},
};
static const kad_key samplers[] = {
    {"sample[].name", KAD_ENUM, KAD_NO_MEMBER, "mis", 1, 0, "", "mis|hmc", "the sampler"},
    {"sample[].draws", KAD_INT, KAD_NO_MEMBER, "1000", 1, 1e12, "", NULL, "draws"},
    {"sample[].step", KAD_REAL, KAD_NO_MEMBER, NULL, 0, 10, "", NULL, "step size"},
};
static const kad_key more[] = {
    {"sample[].draws", KAD_INT, KAD_NO_MEMBER, "7", 1, 1e12, "", NULL,
     "repeated: the first counts"},
};

static const kad_renamed renamed[] = {
    {"train.number", "train.steps"},
    {"seeds", "seed"},
};

#define COUNT(a) (sizeof(a) / sizeof *(a))

static kad_schema schema(void)
{
    kad_schema s = {0};
    kad_schema_add(&s, table, COUNT(table));
    kad_schema_add_renamed(&s, renamed, COUNT(renamed));
    kad_schema_add_for(&s, spins, COUNT(spins), "action.name", "on-dual");
    kad_schema_add_for(&s, planar, COUNT(planar), "action.name", "xy");
    kad_schema_add_rules(&s, rules, COUNT(rules));
    kad_schema_add(&s, samplers, COUNT(samplers));
    kad_schema_add(&s, more, COUNT(more));
    return s;
}

const kad_schema *config_schema(void **state)
{
    return *state;
}

int config_set_up(void **state)
{
    kad_schema *s = malloc(sizeof *s);
    *s = schema();
    *state = s;
    return 0;
}

int config_tear_down(void **state)
{
    free(*state);
    return 0;
}

kad_config *config_parse(void **state, const char *text, int n, const char *const *over)
{
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    kad_config *config;
    kad_status status =
        kad_config_parse(&ctx, config_schema(state), text, "run.yaml", n, over, &config);
    if (status != KAD_OK) fail_msg("%s", ctx.message);
    return config;
}
