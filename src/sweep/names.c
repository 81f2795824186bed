/* Keys of the section, how points and groups of them are called, and where they lie. */
#include "io/run_folder.h"
#include "sweep/points.h"

#include <stdio.h>
#include <string.h>

const kad_key kad_sweep_keys[] = {
    {"sweep.map", KAD_WORD_OF(kad_sweep_options, map), "point", 1, 0, "",
     "point|family|chain",
     "whose map a point uses: its own, one for all values of a coupling, or its own "
     "begun "
     "with that of its neighbour along it"},
    {"sweep.along", KAD_STRING_OF(kad_sweep_options, along), NULL, 1, 0, "", NULL,
     "family, chain: the coupling, a key of the sweep (action.temperature); of a family "
     "also "
     "two: [action.kappa, action.lambda]"},
    {"sweep.chain_steps", KAD_REAL_OF(kad_sweep_options, chain_steps), "0.2", 0, 1, "",
     NULL,
     "chain: a point that starts from its neighbour's map takes so much of its steps"},
    {"sweep.chain_rate", KAD_REAL_OF(kad_sweep_options, chain_rate), "0.25", 0, 1, "",
     NULL, "chain: and so much of its learning rate, for a higher one destroys the map"},
    {"sweep.folder", KAD_STRING_OF(kad_sweep_options, folder), NULL, 1, 0, "", NULL,
     "run folders, keys in braces: \"L={lattice.shape}/T={action.temperature}\"; auto: "
     "all keys with their last names"},
    {"sweep.analysis.mbar", KAD_BOOL_OF(kad_sweep_options, analysis.mbar), "true", 1, 0,
     "", NULL,
     "analyse: curves over a coupling from all points together, by reweighting"},
    {"sweep.analysis.along", KAD_STRING_OF(kad_sweep_options, analysis.along), NULL, 1, 0,
     "", NULL, "analyse: the coupling; auto: sweep.along, or the only one that varies"},
    {"sweep.analysis.values", KAD_REALS_OF(kad_sweep_options, analysis.values), "50",
     -1e12, 1e12, "", NULL,
     "analyse: values of the curves: a list, or how many over the range"},
    {"sweep.analysis.fss.tune", KAD_STRING_OF(kad_sweep_options, analysis.fss.tune), NULL,
     1, 0, "", NULL,
     "finite-size scaling: the coupling that is tuned, a key of the sweep; auto: "
     "sweep.analysis.along, sweep.along, or the only one that varies, where "
     "lattice.shape does too"},
    {"sweep.analysis.fss.scale", KAD_WORD_OF(kad_sweep_options, analysis.fss.scale), "L",
     1, 0, "", "L|N", "size of a lattice: its largest extent, or N^(1/d)"},
    {"sweep.analysis.fss.omega", KAD_REAL_OF(kad_sweep_options, analysis.fss.omega), NULL,
     0.1, 10, "", NULL,
     "exponent of corrections to scaling; auto: fitted to the crossings, none in "
     "collapses"},
    {"sweep.analysis.fss.z_max", KAD_REAL_OF(kad_sweep_options, analysis.fss.z_max), NULL,
     0.01, 1000, "", NULL,
     "collapses take points with |T - T_c| L^(1/nu)/T_c below; auto: all"},
    {"sweep.analysis.fss.sampler", KAD_STRING_OF(kad_sweep_options, analysis.fss.sampler),
     NULL, 1, 0, "", NULL, "whose means are scaled; auto: the config's first sampler"},
    {"sweep.slurm.time", KAD_STRING_OF(kad_sweep_options, slurm.time), "01:00:00", 1, 0,
     "", NULL, "time limit of a task of the array"},
    {"sweep.slurm.cpus", KAD_INT_OF(kad_sweep_options, slurm.cpus), "2", 1, 1024, "cores",
     NULL, "cores, and so threads, of a task"},
    {"sweep.slurm.memory", KAD_STRING_OF(kad_sweep_options, slurm.memory), "500M", 1, 0,
     "", NULL, "memory of a core"},
    {"sweep.slurm.at_once", KAD_INT_OF(kad_sweep_options, slurm.at_once), "32", 1, 100000,
     "tasks", NULL, "tasks of the array that may run at a time"},
    {"sweep.slurm.partition", KAD_STRING_OF(kad_sweep_options, slurm.partition), NULL, 1,
     0, "", NULL, "partition; auto: the cluster's default"},
    {"sweep.slurm.account", KAD_STRING_OF(kad_sweep_options, slurm.account), NULL, 1, 0,
     "", NULL, "account; auto: the user's default"},
    {"sweep.slurm.setup", KAD_STRING_OF(kad_sweep_options, slurm.setup), NULL, 1, 0, "",
     NULL, "a shell line before the work: \"module load hdf5 fftw gsl\""},
};
const size_t kad_sweep_n_keys = sizeof kad_sweep_keys / sizeof kad_sweep_keys[0];

int kad_sweep_find_key(const kad_sweep *sweep, const char *key)
{
    for (int k = 0; k < sweep->n_keys; k++)
        if (strcmp(sweep->key[k], key) == 0) return k;
    return -1;
}

void kad_sweep_plain_value(const char *value, size_t size, char *out)
{
    size_t n = 0;
    for (; *value != 0 && n + 1 < size; value++) {
        if (strchr("[] '\"", *value) != NULL) continue;
        out[n++] = *value == ',' ? 'x' : *value == '/' ? '-' : *value;
    }
    out[n] = 0;
}

char *kad_sweep_label(const kad_sweep *sweep, const kad_sweep_point *point, size_t size,
                      char *out)
{
    size_t used = 0;
    char value[64];
    out[0] = 0;
    for (int k = 0; k < sweep->n_keys && used < size; k++) {
        if (point->value[k] == NULL) continue;
        kad_sweep_plain_value(point->value[k], sizeof value, value);
        const int n = snprintf(out + used, size - used, "%s%s=%s", used > 0 ? " " : "",
                               kad_key_last_name(sweep->key[k]), value);
        used += n > 0 ? (size_t)n : 0;
    }
    return out;
}

char *kad_sweep_folder_name(const kad_sweep *sweep, const kad_sweep_point *point,
                            size_t size, char *out)
{
    kad_sweep_label(sweep, point, size, out);
    for (char *c = out; *c != 0; c++)
        if (*c == ' ') *c = '_';
    return out;
}

kad_status kad_sweep_path(kad_scope *in, const kad_sweep *sweep,
                          const kad_sweep_point *point, const char **path)
{
    return kad_take_printf(in, path, "%s/%s", sweep->folder, point->folder);
}

kad_status kad_sweep_without(kad_scope *in, const kad_sweep *sweep,
                             const kad_sweep_point *point, size_t n, const int *keys,
                             kad_sweep_point *out)
{
    *out = (kad_sweep_point){.wanted = point->wanted};
    KAD_CALL(kad_take(in, (size_t)sweep->n_keys, &out->value));
    for (int k = 0; k < sweep->n_keys; k++)
        out->value[k] = point->value[k];
    for (size_t i = 0; i < n; i++)
        if (keys[i] >= 0) out->value[keys[i]] = NULL;
    return KAD_OK;
}

kad_status kad_sweep_group_name(kad_scope *in, const kad_sweep *sweep,
                                const kad_sweep_point *others, const char **name)
{
    char text[512];
    kad_sweep_folder_name(sweep, others, sizeof text, text);
    return kad_take_text(in, text[0] != 0 ? text : "all", name);
}
