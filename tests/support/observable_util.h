/* Observables the plain way, for their tests: sums over sites without transforms. */
#ifndef KAD_TESTS_OBSERVABLE_UTIL_H
#define KAD_TESTS_OBSERVABLE_UTIL_H

#include "measure/measure.h"
#include "models/spins.h"
#include "tests/support/claim.h"
#include "tests/support/models_util.h"

static inline const double *value_of(const kad_measure *measure, const double *row,
                                     const char *name)
{
    for (int i = 0; i < measure->n; i++)
        if (strcmp(measure->ops[i]->name, name) == 0) return row + measure->offset[i];
    fail_msg("observable %s is missing", name);
    return NULL;
}

static inline int site_at(const kad_lattice *lattice, int site, const int *shift)
{
    int coords[KAD_MAX_DIM] = {0};
    kad_lattice_coords(lattice, site, coords);
    for (int mu = 0; mu < lattice->d; mu++)
        coords[mu] += shift[mu];
    return kad_lattice_site(lattice, coords);
}

/* (1/N) sum_i f_i . f_{i + shift}, the plain way */
static inline double pair_mean(const kad_lattice *lattice, int n, const double *f,
                               const int *shift)
{
    double sum = 0.0;
    for (int i = 0; i < lattice->n_sites; i++)
        for (int a = 0; a < n; a++)
            sum += f[i * n + a] * f[site_at(lattice, i, shift) * n + a];
    return sum / lattice->n_sites;
}

typedef struct expected {
    double bond, m2, m4, abs_m, axis[16], diagonal[16], slice[16];
} expected;

static inline void plain(const kad_lattice *lattice, int n, const double *f,
                         expected *out)
{
    int L = 0, n_axes = 0, n_planes = 0;
    double M2 = 0.0;
    memset(out, 0, sizeof *out);
    for (int mu = 0; mu < lattice->d; mu++)
        L = lattice->shape[mu] > L ? lattice->shape[mu] : L;
    for (int a = 0; a < n; a++) {
        double M = 0.0;
        for (int i = 0; i < lattice->n_sites; i++)
            M += f[i * n + a];
        M2 += M * M / lattice->n_sites / lattice->n_sites;
    }
    out->m2 = M2;
    out->m4 = M2 * M2;
    out->abs_m = sqrt(M2);
    for (int mu = 0; mu < lattice->d; mu++) {
        int one[3] = {0};
        one[mu] = 1;
        out->bond += pair_mean(lattice, n, f, one) / lattice->d;
        if (lattice->shape[mu] != L) continue;
        n_axes++;
        for (int r = 0; r <= L / 2; r++) {
            int s[3] = {0};
            s[mu] = r;
            out->axis[r] += pair_mean(lattice, n, f, s);
            /* every transverse separation */
            for (int i = 0; i < lattice->n_sites; i++) {
                int t[3] = {0};
                kad_lattice_coords(lattice, i, t);
                if (t[mu] != 0) continue;
                t[mu] = r;
                out->slice[r] += pair_mean(lattice, n, f, t);
            }
            for (int nu = mu + 1; nu < lattice->d; nu++) {
                if (lattice->shape[nu] != L) continue;
                n_planes += r == 0;
                s[nu] = r;
                out->diagonal[r] += pair_mean(lattice, n, f, s) / 2;
                s[nu] = L - r;
                out->diagonal[r] += pair_mean(lattice, n, f, s) / 2;
                s[nu] = 0;
            }
        }
    }
    for (int r = 0; r <= L / 2; r++) {
        out->axis[r] /= n_axes;
        out->slice[r] /= n_axes;
        out->diagonal[r] /= n_planes > 0 ? n_planes : 1;
    }
}

/* |sum_i f_i e^{-i k.x}|^2 / N, the plain way; k = a site's coordinates times 2 pi / L */
static inline double plain_power(const kad_lattice *lattice, int n, const double *f,
                                 int mode)
{
    int k[3] = {0};
    double power = 0.0;
    kad_lattice_coords(lattice, mode, k);
    for (int a = 0; a < n; a++) {
        double re = 0.0, im = 0.0;
        for (int i = 0; i < lattice->n_sites; i++) {
            int x[3] = {0};
            double phase = 0.0;
            kad_lattice_coords(lattice, i, x);
            for (int mu = 0; mu < lattice->d; mu++)
                phase += 2.0 * M_PI * k[mu] * x[mu] / lattice->shape[mu];
            re += f[i * n + a] * cos(phase);
            im += f[i * n + a] * sin(phase);
        }
        power += (re * re + im * im) / lattice->n_sites;
    }
    return power;
}

/* sum over planes of the squared current along an axis */
static inline double plain_current(const kad_lattice *lattice, int n, const double *f,
                                   int mu)
{
    double sum = 0.0;
    for (int a = 0; a < n; a++)
        for (int b = a + 1; b < n; b++) {
            double current = 0.0;
            for (int i = 0; i < lattice->n_sites; i++) {
                const int j = lattice->nbr[i * 2 * lattice->d + 2 * mu];
                current += f[i * n + a] * f[j * n + b] - f[i * n + b] * f[j * n + a];
            }
            sum += current * current;
        }
    return sum;
}

static inline void measure_one(fixture *f, const double *x, double S,
                               kad_measure **measure, double **row)
{
    const uint64_t number = 5;
    assert_int_equal(kad_measure_create(&f->ctx, f->action, 1, 0, measure), KAD_OK);
    *row = kad_alloc((*measure)->n_columns, sizeof **row);
    kad_measure_rows(*measure, 1, &number, x, &S, *row);
}

#endif
