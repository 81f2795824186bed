/* What a model is called, with its couplings: "Ising, T = 2.2692 (beta 0.44069), 12 x 12".
 * One line for people, and the same couplings in full for files and tables. */
#include "models/action.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { PREFIX = sizeof "action." - 1 };

static int add_parameter(const kad_action *action, const char *key, int n, int max,
                         kad_parameter *out)
{
    const double value = action->ops->get(action, key);
    if (!isfinite(value) || n == max) return n;
    out[n] = (kad_parameter){key, value};
    return n + 1;
}

int kad_action_parameters(const kad_action *action, int max, kad_parameter *out)
{
    const kad_action_ops *ops = action->ops;
    int n = 0;
    if (ops->couplings != NULL) {
        for (const char *const *key = ops->couplings(action); *key != NULL; key++)
            n = add_parameter(action, *key, n, max, out);
        return n;
    }
    for (size_t i = 0; i < ops->n_keys; i++)
        if (ops->keys[i].type == KAD_REAL)
            n = add_parameter(action, ops->keys[i].key + PREFIX, n, max, out);
    return n;
}

static void append(char *text, size_t size, const char *format, ...) KAD_PRINTF(3, 4);

static void append(char *text, size_t size, const char *format, ...)
{
    const size_t used = strlen(text);
    va_list args;
    va_start(args, format);
    vsnprintf(text + used, size - used, format, args);
    va_end(args);
}

void kad_action_describe(const kad_action *action, size_t size, char *text)
{
    const kad_lattice *lattice = action->lattice;
    kad_parameter coupling[KAD_ACTION_COUPLINGS];
    snprintf(text, size, "%s", action->ops->name);
    if (action->ops->title != NULL) action->ops->title(action, size, text);
    const int n = kad_action_parameters(action, KAD_ACTION_COUPLINGS, coupling);
    for (int i = 0; i < n; i++) {
        /* a temperature and its inverse are one coupling */
        if (!strcmp(coupling[i].key, "beta") && i > 0 &&
            !strcmp(coupling[i - 1].key, "temperature"))
            append(text, size, " (beta %.5g)", coupling[i].value);
        else
            append(text, size, ", %s = %.5g",
                   strcmp(coupling[i].key, "temperature") ? coupling[i].key : "T",
                   coupling[i].value);
    }
    for (int a = 0; a < lattice->d; a++)
        append(text, size, "%s%d", a > 0 ? " x " : ", ", lattice->shape[a]);
    if (lattice->d == 1) append(text, size, " sites");
}
