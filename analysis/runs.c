#include "analysis/runs.h"

static void end_run(kad_runs *runs, size_t *length, double *sum)
{
    if (*length > runs->longest) runs->longest = *length;
    *sum += 0.5 * (double)*length * ((double)*length + 1.0);
    *length = 0;
}

kad_runs kad_runs_analyse(size_t n_chains, size_t n, const double *accepted)
{
    kad_runs runs = {0};
    double sum = 0.0;
    for (size_t chain = 0; chain < n_chains; chain++) {
        size_t length = 0;
        for (size_t i = 0; i < n; i++) {
            if (accepted[chain * n + i] != 0.0) {
                end_run(&runs, &length, &sum);
                runs.n_accepted++;
            } else {
                length++;
            }
        }
        end_run(&runs, &length, &sum);
    }
    runs.tau = 0.5 + (n_chains * n > 0 ? sum / (double)(n_chains * n) : 0.0);
    return runs;
}
