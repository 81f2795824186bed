/* One map for a range of temperatures, and the model's ln Z at any of them:
 *   cc range.c $(pkg-config --cflags --libs kadanoff) -lm -o range && ./range FOLDER */
#include <kadanoff.h>
#include <math.h>
#include <stdio.h>

static const char config[] = "lattice: {shape: [4, 4]}\n"
                             "action: {name: on-dual}\n"
                             "family: {along: temperature, range: [2.5, 3.5]}\n"
                             "train: {steps: 300, batch: 256}\n";

enum { DRAWS = 2000 };

/* ln Z = ln <w> by new draws of the map at a temperature. */
static int print_at(kad_study *study, double T)
{
    static double ln_w[DRAWS];
    const char *const names[] = {"temperature"};
    double w = 0, w2 = 0;
    if (kad_study_choose(study, 1, names, &T) ||
        kad_study_draw(study, 0, DRAWS, NULL, NULL, NULL, ln_w))
        return 1;
    for (int i = 0; i < DRAWS; i++) {
        w += exp(ln_w[i] - ln_w[0]) / DRAWS;
        w2 += exp(2 * (ln_w[i] - ln_w[0])) / DRAWS;
    }
    printf("T = %.1f: ln Z = %.4f +- %.4f\n", T, ln_w[0] + log(w),
           sqrt((w2 / (w * w) - 1) / (DRAWS - 1)));
    return 0;
}

int main(int argc, char **argv)
{
    kad_study *study = kad_study_create(0);
    int failed =
        kad_study_parse(study, config, argc > 1 ? argv[1] : "range.run", 0, NULL) ||
        kad_study_train(study);
    for (double T = 2.6; T < 3.5 && !failed; T += 0.2)
        failed = print_at(study, T);
    if (failed) fprintf(stderr, "%s\n", kad_study_message(study));
    kad_study_destroy(study);
    return failed;
}
