#include "analysis/report.h"

#include "analysis/results.h"
#include "base/memory.h"

static const kad_figure *const figures[] = {
    &kad_figure_summary,    &kad_figure_results,   &kad_figure_diagnostics,
    &kad_figure_loss,       &kad_figure_gap,       &kad_figure_quality,
    &kad_figure_scatter,    &kad_figure_weights,   &kad_figure_fields,
    &kad_figure_correlator, &kad_figure_histories, &kad_figure_rho,
};

static const char style[] =
    ":root{--fg:#1b1f24;--soft:#5b6570;--bg:#fff;--panel:#f6f7f8;--grid:#e3e6e9;"
    "--c0:#2457a6;--c1:#b4451f;--c2:#2d7d46;--c3:#7a4fa3;--c4:#8a6d00;--c5:#0f7c83}\n"
    "@media (prefers-color-scheme:dark){:root{--fg:#e4e7ea;--soft:#9aa4ae;--bg:#15181c;"
    "--panel:#1d2126;--grid:#31373e;--c0:#7fb0ff;--c1:#ff9a70;--c2:#79d092;--c3:#c9a3ee;"
    "--c4:#e3c34f;--c5:#66d0d6}}\n"
    "@media print{:root{--fg:#000;--soft:#444;--bg:#fff;--panel:#fff;--grid:#ddd;"
    "--c0:#2457a6;--c1:#b4451f;--c2:#2d7d46;--c3:#7a4fa3;--c4:#8a6d00;--c5:#0f7c83}"
    "section{break-inside:avoid}}\n"
    "*{box-sizing:border-box}html{-webkit-text-size-adjust:100%}\n"
    "body{margin:0 "
    "auto;max-width:62rem;padding:1rem;background:var(--bg);color:var(--fg);"
    "font:16px/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,sans-serif}\n"
    "h1{font-size:1.5rem;margin:.4rem 0}h2{font-size:1.1rem;margin:0 0 .5rem}\n"
    "section{background:var(--panel);border:1px solid var(--grid);border-radius:6px;"
    "padding:.9rem;margin:1rem 0}\n"
    "figcaption,p.note{color:var(--soft);font-size:.9rem;margin:.4rem 0 0}\n"
    "figure{margin:0}.two{display:grid;gap:1rem;grid-template-columns:repeat(auto-fit,"
    "minmax(min(100%,26rem),1fr))}.two section{margin:0}\n"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:"
    "tabular-nums;font-size:.92rem}\n"
    "th,td{text-align:left;padding:.2rem .8rem .2rem 0;border-bottom:1px solid "
    "var(--grid);white-space:nowrap;vertical-align:top}th{font-weight:600}\n"
    "td.wrap{white-space:normal;overflow-wrap:anywhere}td.n,th.n{text-align:right}\n"
    "svg.plot{width:100%;height:auto;max-width:44rem;display:block}\n"
    "svg text{fill:var(--fg);font:13px system-ui,sans-serif}svg text.label{fill:"
    "var(--fg);font-size:14px}\n"
    "p.legend{margin:0;font-size:.88rem;display:flex;flex-wrap:wrap;gap:.1rem 1rem}"
    "svg.key{width:20px;height:10px;margin-right:.35rem}\n"
    "path{fill:none}.grid{stroke:var(--grid)}.frame{stroke:var(--soft)}"
    ".line{stroke-width:1.8;stroke-linejoin:round}.level{stroke-width:1.6;"
    "stroke-dasharray:6 4}.bar{stroke-width:1.2}.dots{stroke-width:2.4;"
    "stroke-linecap:round;opacity:.55}.fill{opacity:.75}.band{opacity:.22}\n";

static const char style_colors[] =
    ".c0{stroke:var(--c0)}.c1{stroke:var(--c1)}.c2{stroke:var(--c2)}.c3{stroke:var(--c3)}"
    ".c4{stroke:var(--c4)}.c5{stroke:var(--c5)}\n"
    ".dot.c0,.fill.c0,.band.c0{fill:var(--c0)}.dot.c1,.fill.c1,.band.c1{fill:var(--c1)}"
    ".dot.c2,.fill.c2,.band.c2{fill:var(--c2)}.dot.c3,.fill.c3,.band.c3{fill:var(--c3)}"
    ".dot.c4,.fill.c4,.band.c4{fill:var(--c4)}.dot.c5,.fill.c5,.band.c5{fill:var(--c5)}\n"
    ".fill,.band,.dot{stroke:none}.gallery{display:flex;flex-wrap:wrap;gap:.8rem}"
    ".gallery div{text-align:center;font-size:.85rem}.field{image-rendering:pixelated;"
    "border:1px solid var(--grid);max-width:100%}.bad{color:var(--c1);font-weight:600}"
    ".good{color:var(--c2)}\n";

static kad_status add_figure(kad_ctx *ctx, kad_h5 *file, const kad_figure *figure,
                             kad_text *out)
{
    kad_text body = {0};
    kad_status status = KAD_OK;
    KAD_TRY(figure->draw(ctx, file, &body));
    if (body.failed) KAD_TRY(kad_fail(ctx, KAD_ENOMEM, "report: out of memory"));
    if (body.n == 0) goto done;
    kad_text_add(out, "<section><figure><h2>%s</h2>\n", figure->title);
    kad_text_add(out, "%s", body.data);
    if (figure->caption != NULL)
        kad_text_add(out, "<figcaption>%s</figcaption>", figure->caption);
    kad_text_add(out, "</figure></section>\n");
done:
    kad_text_clear(&body);
    return status;
}

kad_status kad_report_html(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    kad_status status = KAD_OK;
    char *title = kad_attr_string(ctx, file, "/", "title");
    kad_text_add(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                      "<meta name=\"viewport\" content=\"width=device-width,"
                      "initial-scale=1\"><meta name=\"color-scheme\" content=\"light "
                      "dark\"><title>kadanoff: ");
    kad_text_escape(out, title != NULL ? title : "run");
    kad_text_add(out, "</title>\n<style>\n%s%s</style></head><body>\n<h1>", style,
                 style_colors);
    kad_text_escape(out, title != NULL ? title : "run");
    kad_text_add(out, "</h1>\n");
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
        KAD_TRY(add_figure(ctx, file, figures[i], out));
    kad_text_add(out, "</body></html>\n");
    if (out->failed) status = kad_fail(ctx, KAD_ENOMEM, "report: out of memory");
done:
    kad_free(title);
    return status;
}
