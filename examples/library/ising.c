/* Train a map of the Ising model's dual field, draw from it, estimate ln Z:
 *   cc ising.c $(pkg-config --cflags --libs kadanoff) -lm -o ising && ./ising FOLDER */
#include <kadanoff.h>
#include <math.h>
#include <stdio.h>

static const char config[] = "lattice: {shape: [4, 4]}\n"
                             "action: {name: on-dual, temperature: 3.0}\n"
                             "train: {steps: 200}\n"
                             "sample: [{name: mis, draws: 2000, chains: 2}]\n";

static int progress(void *self, const char *part, int64_t step, int64_t total)
{
    fprintf(self, "\r%s: %lld of %lld ", part, (long long)step, (long long)total);
    return 0; /* anything else asks it to stop */
}

int main(int argc, char **argv)
{
    enum { N = 1000, VALUES = 4 * 4 };
    static double x[N * VALUES], z[N * VALUES], back[N * VALUES], ln_w[N];
    double worst = 0, sum = 0, ln_Z, err, exact, m2, m2_err;
    kad_study *study = kad_study_create(0);
    kad_study_on_progress(study, progress, stderr);
    if (kad_study_parse(study, config, argc > 1 ? argv[1] : "ising.run", 0, NULL) ||
        kad_study_train(study) || kad_study_sample(study) ||
        kad_study_log_z(study, &ln_Z, &err, &exact) ||
        kad_study_mean(study, "mis", "m2", &m2, &m2_err, NULL, NULL) ||
        kad_study_draw(study, 0, N, NULL, z, NULL, NULL) ||
        kad_study_generate(study, 0, N, z, x, NULL) ||
        kad_study_infer(study, N, x, back) || kad_study_weigh(study, N, x, NULL, ln_w)) {
        fprintf(stderr, "%s\n", kad_study_message(study));
        return 1;
    }
    for (int i = 0; i < N * VALUES; i++)
        worst = fmax(worst, fabs(back[i] - z[i]));
    for (int i = 0; i < N; i++)
        sum += exp(ln_w[i] - ln_Z);
    printf("\nln Z = %.4f +- %.4f exact %.4f\n", ln_Z, err, exact);
    printf("ln Z = %.4f of %d new draws\n", ln_Z + log(sum / N), N);
    printf("<m^2> = %.4f +- %.4f\n", m2, m2_err);
    printf("largest infer(generate(z)) - z = %.1g\n", worst);
    kad_study_destroy(study);
}
