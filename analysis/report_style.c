/* The style sheet of the report: light, dark and print, one column on a phone, two on a
 * desk. Colours of series are classes c0 .. c7, which also carry the dashes of lines. */
#include "analysis/report.h"

static const char colors[] =
    ":root{--fg:#1b1f24;--soft:#5b6570;--bg:#fff;--panel:#f6f7f8;--grid:#e1e4e8;"
    "--c0:#2457a6;--c1:#b4451f;--c2:#2d7d46;--c3:#7a4fa3;--c4:#8a6d00;--c5:#0f7c83;--c6:#"
    "b0307a;--c7:#4d5660}\n"
    "@media (prefers-color-scheme:dark){:root{--fg:#e4e7ea;--soft:#9aa4ae;--bg:#15181c;"
    "--panel:#1d2126;--grid:#31373e;--c0:#7fb0ff;--c1:#ff9a70;--c2:#79d092;--c3:#c9a3ee;"
    "--c4:#e3c34f;--c5:#66d0d6;--c6:#ff8ac4;--c7:#aab4bd}}\n";

static const char page[] =
    "*{box-sizing:border-box}html{-webkit-text-size-adjust:100%}\n"
    "body{margin:0 auto;max-width:66rem;padding:.6rem;background:var(--bg);"
    "color:var(--fg);"
    "font:16px/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,sans-serif}\n"
    "h1{font-size:1.5rem;margin:.4rem 0 .8rem;overflow-wrap:anywhere}"
    "h2{font-size:1.1rem;margin:0 0 .5rem}\n"
    "main{display:grid;gap:.8rem;grid-auto-flow:dense;grid-template-columns:"
    "minmax(0,1fr)}\n"
    "@media (min-width:52rem){main{grid-template-columns:repeat(2,minmax(0,1fr))}"
    ".wide{grid-column:1/-1}}\n"
    "section{background:var(--panel);border:1px solid var(--grid);border-radius:6px;"
    "padding:.7rem}figure{margin:0}\n"
    "figcaption,p.note{color:var(--soft);font-size:.9rem;margin:.4rem 0 0}\n"
    ".scroll{overflow-x:auto;max-width:100%}table{border-collapse:collapse;font-variant-"
    "numeric:"
    "tabular-nums;font-size:.92rem}\n"
    "th,td{text-align:left;padding:.2rem .8rem .2rem 0;border-bottom:1px solid "
    "var(--grid);white-space:nowrap;vertical-align:top}\n"
    "th{font-weight:600}.matrix th:first-child{position:sticky;left:0;"
    "background:var(--panel)}td.wrap{white-space:normal;overflow-wrap:anywhere}td.n,th.n{"
    "text-align:right}\n"
    ".bad{color:var(--c1);font-weight:600}.good{color:var(--c2)}\n"
    ".gallery{display:flex;flex-wrap:wrap;gap:.8rem;margin:.3rem 0}"
    ".gallery div{text-align:center;font-size:.85rem}.field{image-rendering:pixelated;"
    "border:1px solid var(--grid);max-width:100%}\n"
    ".plots{display:grid;gap:.6rem;grid-template-columns:repeat(auto-fit,minmax(min("
    "100%,20rem),1fr))}\n";

static const char plots[] =
    "svg.plot{width:100%;height:auto;max-width:34rem;display:block}\n"
    "svg text{fill:var(--fg);font:13px system-ui,sans-serif}svg text.label{"
    "font-size:13.5px}svg text.head{font-weight:600}\n"
    "p.legend{margin:0 0 .2rem;font-size:.88rem;display:flex;flex-wrap:wrap;gap:.1rem "
    "1rem}svg.key{width:26px;height:10px;margin-right:.35rem}\n"
    "path{fill:none}.grid{stroke:var(--grid)}.frame{stroke:var(--soft)}"
    ".line{stroke-width:1.8;stroke-linejoin:round}.bar{stroke-width:1.2}"
    ".whisker{stroke:var(--fg);stroke-width:1.3}.dots{stroke-width:2.4;"
    "stroke-linecap:round;opacity:.55}.fill{opacity:.75}.band{opacity:.18}\n"
    ".line.c1{stroke-dasharray:7 3}.line.c2{stroke-dasharray:2 2.5}"
    ".line.c3{stroke-dasharray:8 3 2 3}.line.c4{stroke-dasharray:12 4}"
    ".line.c5{stroke-dasharray:4 2 1.5 2 1.5 2}.line.c6{stroke-dasharray:14 3 3 3}"
    ".line.c7{stroke-dasharray:5 5}"
    ".level{stroke-width:1.4;stroke-dasharray:1 3}"
    ".at{stroke-width:1.2;stroke-dasharray:3 3;opacity:.8}\n"
    ".c0{stroke:var(--c0)}.c1{stroke:var(--c1)}.c2{stroke:var(--c2)}.c3{stroke:var(--c3)}"
    ".c4{stroke:var(--c4)}.c5{stroke:var(--c5)}.c6{stroke:var(--c6)}.c7{stroke:var(--c7)}"
    "\n"
    ".dot.c0,.fill.c0,.band.c0{fill:var(--c0)}.dot.c1,.fill.c1,.band.c1{fill:var(--c1)}"
    ".dot.c2,.fill.c2,.band.c2{fill:var(--c2)}.dot.c3,.fill.c3,.band.c3{fill:var(--c3)}"
    ".dot.c4,.fill.c4,.band.c4{fill:var(--c4)}.dot.c5,.fill.c5,.band.c5{fill:var(--c5)}."
    "dot.c6,.fill.c6,.band.c6{fill:var(--c6)}.dot.c7,.fill.c7,.band.c7{fill:var(--c7)}\n"
    ".fill,.band,.dot{stroke:none}\n";

static const char print[] =
    "@media print{:root{--fg:#000;--soft:#444;--bg:#fff;--panel:#fff;--grid:#ddd;"
    "--c0:#2457a6;--c1:#b4451f;--c2:#2d7d46;--c3:#7a4fa3;--c4:#8a6d00;--c5:#0f7c83;--c6:#"
    "b0307a;--c7:#4d5660}"
    "html{font-size:10px}body{font-size:1.05rem;max-width:none;padding:0}main{grid-"
    "template-columns:"
    "repeat(2,minmax(0,1fr))}"
    ".wide{grid-column:1/-1}section{break-inside:avoid}.scroll{overflow:visible}"
    ".matrix{font-size:.8rem}th,td{white-space:normal;padding:.1rem .5rem .1rem 0}}\n";

const char *const kad_report_style[] = {colors, page, plots, print, NULL};
