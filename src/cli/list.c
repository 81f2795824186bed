/* What is built in, from the registries. */
#include "cli/command.h"
#include "cli/demo.h"
#include "flow/priors/prior.h"
#include "flow/stage.h"
#include "flow/transforms/transform.h"
#include "image/generator.h"
#include "image/source.h"
#include "io/number.h"
#include "measure/observable.h"
#include "models/action.h"
#include "run/schema.h"
#include "sample/sampler.h"
#include "sweep/sweep.h"

#include <string.h>

typedef struct item {
    const char *name, *summary, *reference;
} item;

typedef struct family {
    const char *name, *heading;
    bool (*get)(size_t i, item *out); /* false past the end */
} family;

/* From a table of pointers to operations. */
#define GET_FROM(table, function)                                              \
    static bool function(size_t i, item *out)                                  \
    {                                                                          \
        if (table[i] == NULL) return false;                                    \
        *out = (item){table[i]->name, table[i]->summary, table[i]->reference}; \
        return true;                                                           \
    }
GET_FROM(kad_actions, get_action)
GET_FROM(kad_bijectors, get_bijector)
GET_FROM(kad_transforms, get_transform)
GET_FROM(kad_priors, get_prior)
GET_FROM(kad_samplers, get_sampler)
GET_FROM(kad_observables, get_observable)
GET_FROM(kad_image_generators, get_generator)

static bool get_demo(size_t i, item *out)
{
    if (kad_demos[i].name == NULL) return false;
    *out = (item){kad_demos[i].name, kad_demos[i].summary, NULL};
    return true;
}

/* Generators, data sets of packages, kinds of files. */
static bool get_data(size_t i, item *out)
{
    size_t n = 0;
    while (kad_image_generators[n] != NULL)
        n++;
    if (i < n) return get_generator(i, out);
    i -= n;
    for (size_t k = 0; kad_image_sources[k] != NULL; k++)
        if (kad_image_sources[k]->summary != NULL && i-- == 0) {
            *out =
                (item){kad_image_sources[k]->name, kad_image_sources[k]->summary, NULL};
            return true;
        }
    if (i > 0) return false;
    *out = (item){"fashion", "Fashion-MNIST of the Debian package dataset-fashion-mnist",
                  "arXiv:1708.07747"};
    return true;
}

static const family families[] = {
    {"actions", "Actions", get_action},
    {"bijectors", "Bijectors", get_bijector},
    {"transforms", "Transforms", get_transform},
    {"priors", "Priors", get_prior},
    {"samplers", "Samplers", get_sampler},
    {"observables", "Observables", get_observable},
    {"data", "Images as data", get_data},
    {"demos", "Demos", get_demo},
};
enum { N_FAMILIES = sizeof families / sizeof families[0] };

static void print_family(const family *f)
{
    item it;
    for (size_t i = 0; f->get(i, &it); i++)
        printf("%-18s %s\n", it.name, it.summary != NULL ? it.summary : "");
}

static const char *type_name(kad_type type)
{
    switch (type) {
    case KAD_INT:
        return "integer";
    case KAD_REAL:
        return "real";
    case KAD_BOOL:
        return "true or false";
    case KAD_STRING:
        return "text";
    case KAD_PATH:
        return "file";
    case KAD_ENUM:
        return "choice";
    case KAD_INTS:
        return "integers";
    case KAD_REALS:
        return "reals";
    }
    return "";
}

static void print_keys(void)
{
    kad_schema schema = {0};
    kad_cli_schema(&schema);
    kad_schema_add(&schema, kad_sweep_keys, kad_sweep_n_keys);
    for (int t = 0; t < schema.n_tables; t++)
        for (size_t i = 0; i < schema.n_keys[t]; i++) {
            const kad_key *k = &schema.table[t][i];
            if (kad_schema_find(&schema, k->key) != k) continue;
            printf("%-28s %-14s %s\n", k->key, k->def != NULL ? k->def : "-", k->help);
        }
}

/* Text of a Markdown table cell. */
static void cell(const char *text)
{
    for (; text != NULL && *text != '\0'; text++) {
        if (*text == '|') fputc('\\', stdout);
        fputc(*text, stdout);
    }
}

static void print_range(const kad_key *k)
{
    if (k->type == KAD_ENUM) {
        char choices[KAD_CHOICES_CHARS];
        kad_key_choices(k, "|", sizeof choices, choices);
        cell(choices);
        return;
    }
    printf("%s", type_name(k->type));
    char lo[KAD_NUMBER_CHARS], hi[KAD_NUMBER_CHARS];
    if (k->lo <= k->hi)
        printf(", %s to %s", kad_format_real(lo, k->lo), kad_format_real(hi, k->hi));
    if (k->unit != NULL && k->unit[0] != '\0') printf(" (%s)", k->unit);
}

static void markdown_keys(void)
{
    kad_schema schema = {0};
    kad_cli_schema(&schema);
    kad_schema_add(&schema, kad_sweep_keys, kad_sweep_n_keys);
    printf("\n## Config keys\n\n\"auto\" means chosen by the recipe or the program when "
           "left out. `sample` is a list: `sample: [{name: mis, draws: 100000}]`.\n\n"
           "| key | default | values | meaning |\n|---|---|---|---|\n");
    for (int t = 0; t < schema.n_tables; t++)
        for (size_t i = 0; i < schema.n_keys[t]; i++) {
            const kad_key *k = &schema.table[t][i];
            if (kad_schema_find(&schema, k->key) != k) continue;
            printf("| `%s` | ", k->key);
            if (k->def != NULL)
                printf("`%s`", k->def);
            else
                printf("auto");
            printf(" | ");
            print_range(k);
            printf(" | ");
            cell(k->help);
            printf(" |\n");
        }
}

static void markdown_family(const family *f)
{
    item it;
    printf("\n## %s\n\n| name | what | source |\n|---|---|---|\n", f->heading);
    for (size_t i = 0; f->get(i, &it); i++) {
        printf("| `%s` | ", it.name);
        cell(it.summary);
        printf(" | ");
        cell(it.reference);
        printf(" |\n");
    }
}

static void print_markdown(void)
{
    printf("# Reference\n\nMade by `kadanoff list --markdown` from the program's own "
           "tables; do not edit.\n\n");
    kad_print_commands_markdown(stdout);
    markdown_keys();
    for (int i = 0; i < N_FAMILIES; i++)
        markdown_family(&families[i]);
}

kad_status kad_cmd_list(kad_app *app)
{
    if (app->markdown) {
        print_markdown();
        return KAD_OK;
    }
    if (app->n_args == 0) {
        for (int i = 0; i < N_FAMILIES; i++) {
            printf("%s%s:\n", i > 0 ? "\n" : "", families[i].name);
            print_family(&families[i]);
        }
        return KAD_OK;
    }
    for (int i = 0; i < N_FAMILIES; i++)
        if (strcmp(app->args[0], families[i].name) == 0) {
            print_family(&families[i]);
            return KAD_OK;
        }
    if (strcmp(app->args[0], "keys") == 0) {
        print_keys();
        return KAD_OK;
    }
    return kad_fail(&app->ctx, KAD_EUSAGE,
                    "list: expected actions, bijectors, transforms, priors, samplers, "
                    "observables, data, demos or keys, got \"%s\"",
                    app->args[0]);
}
