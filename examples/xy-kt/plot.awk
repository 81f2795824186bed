# xy-kt.txt to SVG: Y against T, clusters as open circles, the map's proposals as crosses
# with their errors, the line 2 T/pi on which Y jumps to zero.
function X(T) { return 70 + (T - 0.6) / (1.3 - 0.6) * 600 }
function Y(y) { return 400 - y / 0.9 * 360 }
function line(x1, y1, x2, y2, style) {
    printf "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" %s/>\n", x1, y1, x2, y2, style
}
function label(x, y, anchor, text) {
    printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x, y, anchor, text
}
BEGIN {
    colour[8] = "#0072b2"
    colour[16] = "#d55e00"
    print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 700 470\" " \
        "font-family=\"sans-serif\" font-size=\"14\">"
    print "<title>Helicity modulus of the XY model through the Kosterlitz-Thouless transition</title>"
    print "<rect width=\"700\" height=\"470\" fill=\"white\"/>"
    axis = "stroke=\"black\""
    line(70, 400, 670, 400, axis)
    line(70, 400, 70, 40, axis)
    for (T = 0.6; T < 1.31; T += 0.1) {
        line(X(T), 400, X(T), 405, axis)
        label(X(T), 422, "middle", sprintf("%.1f", T))
    }
    for (y = 0; y < 0.91; y += 0.1) {
        line(65, Y(y), 70, Y(y), axis)
        label(60, Y(y) + 5, "end", sprintf("%.1f", y))
    }
    label(370, 450, "middle", "temperature T")
    print "<text transform=\"translate(20 220) rotate(-90)\" text-anchor=\"middle\">" \
        "helicity modulus Y</text>"
    line(X(0.6), Y(1.2 / 3.14159265), X(1.3), Y(2.6 / 3.14159265), "stroke=\"black\" stroke-dasharray=\"6 4\"")
    label(X(1.28), Y(2.56 / 3.14159265) - 18, "end", "2T/&#960;")
    line(X(0.8929), 40, X(0.8929), 400, "stroke=\"#999\" stroke-dasharray=\"2 4\"")
    label(X(0.8929) + 5, 54, "start", "T<tspan dy=\"4\" font-size=\"10\">KT</tspan>")
}
/^#/ { next }
{
    T = $1; L = $2; c = "stroke=\"" colour[L] "\" fill=\"none\""
    line(X(T), Y($5 - $6), X(T), Y($5 + $6), c)
    printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\" %s/>\n", X(T), Y($5), c
    line(X(T), Y($3 - $4), X(T), Y($3 + $4), c)
    printf "<path d=\"M%.1f %.1fl8 8m0 -8l-8 8\" %s/>\n", X(T) - 4, Y($3) - 4, c
    path[L] = path[L] (path[L] == "" ? "M" : "L") sprintf("%.1f %.1f ", X(T), Y($5))
}
END {
    n = 0
    for (i = 1; i <= 2; i++) {
        L = i == 1 ? 8 : 16
        printf "<path d=\"%s\" stroke=\"%s\" stroke-opacity=\"0.4\" fill=\"none\"/>\n", path[L], colour[L]
        y = 330 + 22 * i
        printf "<circle cx=\"95\" cy=\"%d\" r=\"5\" stroke=\"%s\" fill=\"none\"/>\n", y - 5, colour[L]
        printf "<path d=\"M%d %dl8 8m0 -8l-8 8\" stroke=\"%s\" fill=\"none\"/>\n", 111, y - 9, colour[L]
        label(130, y, "start", L " x " L " sites: clusters, proposals of the map")
    }
    print "</svg>"
}
