/* The symbols of the page and what they stand for: of what this file holds. */
#include "analysis/report/report.h"
#include "analysis/results.h"
#include "analysis/table.h"
#include "base/memory.h"

#include <stdio.h>
#include <string.h>

/* One entry. It stands on the page when the file has `path`, or where `path` is NULL when
 * a table has the row `name`. */
typedef struct term {
    const char *name, *path;
    const char *symbol, *meaning; /* HTML */
} term;

static const term terms[] = {
    {"log_z", NULL, "log_z, ln&nbsp;Z",
     "logarithm of the model&rsquo;s partition function, from the mean weight"},
    {"log_z_upper", NULL, "log_z_lower, log_z_upper",
     "mean of ln&nbsp;w over draws of the map (below ln&nbsp;Z) and over draws of the "
     "model "
     "(above it)"},
    {NULL, "/flow", "w, q, S",
     "weight w = exp(&minus;S)/q of a draw: S the action, q the density of the map"},
    {NULL, "/training/eval/held_out", "held out",
     "&minus;ln&nbsp;q a site of samples that the training never saw, in nats"},
    {NULL, "/training/free_energy", "free energy",
     "&lt;S + ln&nbsp;q&gt; over draws of the map, the loss in training: "
     "&minus;ln&nbsp;Z and "
     "the map&rsquo;s Kullback&ndash;Leibler gap"},
    {"kl_gap", NULL, "kl_gap",
     "Kullback&ndash;Leibler divergence of the map from the model, ln&nbsp;Z + &lt;S + "
     "ln&nbsp;q&gt;, in nats"},
    {"ess", NULL, "ess, ESS",
     "effective sample size of a draw, (&Sigma;w)&sup2;/(n &Sigma;w&sup2;): 1 for a "
     "perfect "
     "map; it can not see configurations the map never makes"},
    {"acceptance_weights", NULL, "acceptance_weights, acceptance",
     "share of accepted proposals: expected from the weights, and counted"},
    {"largest_share", NULL, "largest_share",
     "share of the heaviest draw in the sum of all weights"},
    {"upper_gap", NULL, "upper_gap",
     "log_z_upper of a sampler that does not use the map less the map&rsquo;s own: "
     "beyond its "
     "error the map misses part of the model"},
    {"overlap", NULL, "overlap",
     "mean of 1/(1 + w/Z): 1/2 for a perfect map, smaller where a sampler finds what the "
     "map "
     "misses"},
    {NULL, "/agreement", "&chi;&sup2;, p",
     "squared distance of the samplers&rsquo; estimates from their weighted mean in "
     "units of "
     "their errors, and the probability of a larger one where they agree"},
    {"energy", NULL, "energy",
     "energy a site: of spins &minus;&Sigma;&nbsp;J&nbsp;s&middot;s/N, of fields S/N"},
    {"energy2", NULL, "energy2", "square of the spins&rsquo; energy a site"},
    {"drawn_energy", NULL, "drawn_energy, drawn_&hellip;",
     "the same of spins drawn given the field, without their noise integrated out: what "
     "several couplings' draws together need"},
    {"action", NULL, "action", "S of the variables the map makes"},
    {"bond", NULL, "bond",
     "&phi;<sub>i</sub>&middot;&phi;<sub>j</sub> of nearest neighbours, mean over bonds"},
    {"m", NULL, "m",
     "first component of the mean field (magnetisation) M/N; a global sign (one "
     "component) or "
     "rotation (vectors) makes its mean zero"},
    {"abs_m", NULL, "abs_m, |m|", "length of the mean field"},
    {"m2", NULL, "m2, m4", "mean square and fourth power of the mean field"},
    {"phi2", NULL, "phi2, phi4", "|&phi;|&sup2; and |&phi;|<sup>4</sup> at a site"},
    {"chi", NULL, "chi", "susceptibility N&nbsp;&lt;m&sup2;&gt;"},
    {"chi_connected", NULL, "chi_connected",
     "N&nbsp;(&lt;m&sup2;&gt; &minus; &lt;|m|&gt;&sup2;)"},
    {"binder", NULL, "binder",
     "Binder cumulant 1 &minus; n/(n&nbsp;+&nbsp;2)&nbsp;&lt;m<sup>4</sup>&gt;/"
     "&lt;m&sup2;&gt;&sup2; of n components: 0 for a Gaussian m, 2/(n&nbsp;+&nbsp;2) in "
     "the "
     "ordered phase"},
    {"specific_heat", NULL, "specific_heat",
     "&beta;&sup2;&nbsp;N&nbsp;(&lt;e&sup2;&gt; &minus; &lt;e&gt;&sup2;) of the energy e "
     "a "
     "site"},
    {"structure_kmin", NULL, "structure_kmin",
     "structure factor at the smallest momentum along an axis, 2&pi;/L"},
    {"G_half", NULL, "G_half", "two-point function G(r) at r = L/2 along an axis"},
    {"xi_2nd", NULL, "xi_2nd",
     "second-moment correlation length, from the structure factor at 0 and 2&pi;/L"},
    {"mass", NULL, "mass", "effective mass, averaged over separations"},
    {"helicity", NULL, "helicity",
     "helicity modulus &Upsilon;: stiffness against a twist"},
    {"vortices", NULL, "vortices", "vortices and antivortices a plaquette"},
    {NULL, "/analysis", "0.82(2)", "0.82 &plusmn; 0.02, one standard error"},
    {NULL, "/analysis", "&rho;(t)",
     "autocorrelation of a series at a distance of t draws"},
    {NULL, "/analysis", "&tau;<sub>int</sub>",
     "integrated autocorrelation time 1/2 + &Sigma;&nbsp;&rho;(t): 0.5 for independent "
     "draws; "
     "the variance of a mean is 2&nbsp;&tau;<sub>int</sub> times that of independent "
     "draws"},
    {NULL, "/analysis", "n<sub>eff</sub>", "draws/(2&nbsp;&tau;<sub>int</sub>)"},
    {NULL, "/analysis", "R&#x302;",
     "ratio of the spread of all halves of chains to that within one: 1 when they agree"},
    {NULL, "/comparison", "N*",
     "number of independent configurations after which a map has paid for its training"},
    {NULL, "/correlators/boundary", "G(r)",
     "&lt;&phi;<sub>i</sub>&middot;&phi;<sub>i+r</sub>&gt;, mean over sites and axes"},
    {NULL, "/correlators/boundary", "m<sub>eff</sub>(t)",
     "decay rate of the zero-momentum correlator at t, in 1/lattice spacing"},
    {NULL, "/flow", "latents z",
     "the independent Gaussian variables a map turns into a field, one a component and "
     "generated site"},
    {NULL, "/flow", "level",
     "step of the renormalisation: 0 is the boundary, the lattice itself; each further "
     "one "
     "has half its extent"},
    {NULL, "/bulk", "bulk",
     "the latents of configurations of the model, by level and place; the boundary is "
     "the "
     "field"},
    {NULL, "/bulk/mutual", "mutual information",
     "what two latents know of each other, in nats: 0 if independent"},
    {NULL, "/bulk/couplings", "nn, nnn, third",
     "&phi;<sub>i</sub>&middot;&phi;<sub>j</sub> summed over neighbours, plane "
     "diagonals, "
     "sites two apart"},
    {NULL, "/bulk/couplings", "nn_mixed, nn_quartic, plaquette",
     "summed (|&phi;<sub>i</sub>|&sup2; + |&phi;<sub>j</sub>|&sup2;) "
     "&phi;<sub>i</sub>&middot;&phi;<sub>j</sub>; "
     "(&phi;<sub>i</sub>&middot;&phi;<sub>j</sub>)&sup2;; the products of opposite sides "
     "of "
     "a plaquette"},
    {NULL, "/geodesics", "d, xi",
     "distance in the bulk d = d0 &minus; xi ln|&lt;zz&gt;|, in units of xi"},
};

/* Names of all rows of all tables, each NUL-terminated. */
static kad_status read_rows(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    KAD_SCOPE(scope, ctx);
    size_t n = 0;
    char **names = NULL, group[256];
    kad_table table;
    KAD_CALL(kad_members(&scope, file, "/analysis", &n, &names));
    for (size_t i = 0; i < n; i++) {
        snprintf(group, sizeof group, "/analysis/%s", names[i]);
        KAD_CALL(kad_table_read(&scope, file, group, &table));
        for (size_t k = 0; k < table.n; k++)
            kad_text_add(out, "%s%c", table.observable[k], 0);
    }
    return KAD_OK;
}

static bool has_row(const kad_text *rows, const char *name)
{
    for (size_t at = 0; at < rows->n; at += strlen(rows->data + at) + 1)
        if (strcmp(rows->data + at, name) == 0) return true;
    return false;
}

static kad_status draw_glossary(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    KAD_TEXT(rows);
    size_t n = 0;
    KAD_CALL(read_rows(ctx, file, &rows));
    for (size_t i = 0; i < sizeof terms / sizeof *terms; i++) {
        const term *t = &terms[i];
        if (t->path != NULL ? !kad_h5_exists(file, t->path) : !has_row(&rows, t->name))
            continue;
        kad_text_add(out, "%s<dt>%s</dt><dd>%s</dd>\n", n++ == 0 ? "<dl>" : "", t->symbol,
                     t->meaning);
    }
    if (n > 0) kad_text_add(out, "</dl>\n");
    return KAD_OK;
}

const kad_figure kad_figure_glossary = {
    .title = "Symbols",
    .caption = NULL,
    .wide = true,
    .draw = draw_glossary,
};
