/* chart - see the header */
#include "task/report/chart.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"

enum { LEFT = 56, RIGHT = 14, ABOVE = 28, BELOW = 40, TICKS = 5, GAP = 6, MOST_DIGITS = 16 };
enum { TICK_BYTES = 48 };

/* Okabe and Ito's palette without its yellow, which is pale on white; then each as far from all before it as can be. */
static const char *const PALETTE[EL_CHART_COLOURS] = {
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#7f7f7f", "#6611ff",
    "#00cc00", "#ff00cc", "#ff0066", "#9977ff", "#667700", "#ddaa77", "#994433", "#ff0022",
    "#bb0077", "#9900bb", "#88bb00", "#bbaaff", "#44cc66", "#774499", "#ff88ff", "#ff8888",
    "#99bb77", "#996611", "#0044ee", "#33cccc", "#0088ff", "#007777", "#007711", "#ee00ff",
    "#bb1122", "#446633", "#775577", "#bbaacc", "#bbaa33", "#bb3355", "#886644", "#99bbaa",
    "#ff66aa", "#ee8855", "#bb7777", "#bb44bb", "#9944ff", "#ff6655", "#3355cc", "#ff0099",
    "#bb77cc", "#993366", "#5566bb", "#6688aa", "#998844", "#dd55ff", "#33aa11", "#66aa44",
    "#66aaff", "#ff5500", "#994400", "#775555", "#55aabb", "#ccaa99", "#66cc88", "#778866"};

static const char *colour_of(int number)
{
    return PALETTE[(unsigned)number % EL_CHART_COLOURS];
}

/* ---- axes ---- */

typedef struct {
    double low, high, step;
} axis;

/* How far apart ticks over a range are: 1, 2 or 5 times a power of ten, near a fifth of it. */
static double step_over(double range)
{
    const double rough = range / TICKS, power = pow(10, floor(log10(rough)));
    const double times = rough / power;
    return power * (times < 1.5 ? 1 : times < 3.5 ? 2 : times < 7.5 ? 5 : 10);
}

/* Of a logarithmic axis, a factor of 10: what differs by whole steps alone stands at one place. */
static const double LEAST_POWERS = 1;

static axis axis_over(double low, double high, double least)
{
    if (!(low <= high)) /* nothing finite */
        low = 0, high = 1;
    if (low == high && least == 0)
        least = low == 0 ? 2 : fabs(low) / 5;
    const double lacking = fmax(0, least - (high - low));
    return (axis){low - lacking / 2, high + lacking / 2, step_over(high - low + lacking)};
}

static bool is_point(const el_series *s, int i)
{
    return isfinite(s->x[i]) && isfinite(s->y[i]);
}

static double spread(const el_series *s, int i)
{
    return s->spread && isfinite(s->spread[i]) ? s->spread[i] : 0;
}

static axis axis_of(const el_chart *chart, bool vertical)
{
    double low = INFINITY, high = -INFINITY;
    for (int k = 0; k < chart->count; k++)
        for (int i = 0; i < chart->series[k].count; i++) {
            if (!is_point(&chart->series[k], i))
                continue;
            const el_series *const s = &chart->series[k];
            const double value = vertical ? s->y[i] : chart->logarithmic ? log10(s->x[i]) : s->x[i];
            const double around = vertical ? spread(s, i) : 0;
            low = fmin(low, value - around);
            high = fmax(high, value + around);
        }
    axis a = axis_over(low, high, !vertical && chart->logarithmic ? LEAST_POWERS : 0);
    if (vertical) { /* ends at ticks */
        a.low = floor(a.low / a.step) * a.step;
        a.high = ceil(a.high / a.step) * a.step;
    }
    return a;
}

/* The rectangle between the axes. */
typedef struct {
    double left, top, width, height;
    axis x, y;
    bool logarithmic;
} frame;

static double across(const frame *f, double x)
{
    const double at = f->logarithmic ? log10(x) : x;
    return f->left + f->width * (at - f->x.low) / (f->x.high - f->x.low);
}

static double down(const frame *f, double y)
{
    return f->top + f->height * (1 - (y - f->y.low) / (f->y.high - f->y.low));
}

/* 0 where rounding left almost nothing of it. */
static double tick(const axis *a, int64_t number)
{
    const double value = (double)number * a->step;
    return fabs(value) < a->step / 2 ? 0 : value;
}

/* Digits behind the point of a value that is a multiple of the step. */
static int digits_of(double step)
{
    const double digits = ceil(-log10(step) - 1e-9);
    return digits < 0 ? 0 : digits > MOST_DIGITS ? MOST_DIGITS : (int)digits;
}

/* A multiple of the step, with as many digits as tell it from the next. */
static void print_tick(char text[TICK_BYTES], double value, double step)
{
    const int power = value == 0 ? 0 : (int)floor(log10(fabs(value)) + 1e-9);
    const bool powers = power >= 9 || power < -4;
    const double unit = powers ? pow(10, power) : power >= 6 ? 1e6 : power >= 4 ? 1e3 : 1;
    const int length = el_number_print(text, TICK_BYTES, "%.*f%s", digits_of(step / unit), value / unit,
                                       unit == 1e6   ? "M"
                                       : unit == 1e3 ? "k"
                                                     : "");
    if (powers)
        snprintf(text + length, (size_t)(TICK_BYTES - length), "e%d", power);
}

static int64_t first_tick(const axis *a)
{
    return (int64_t)ceil(a->low / a->step - 1e-9);
}

static bool is_tick(const axis *a, int64_t number)
{
    return tick(a, number) <= a->high + a->step * 1e-9;
}

/* The units that the longest number along an axis takes. */
static double widest_tick(const axis *a)
{
    size_t most = 0;
    for (int64_t n = first_tick(a); is_tick(a, n); n++) {
        char text[TICK_BYTES];
        print_tick(text, tick(a, n), a->step);
        most = strlen(text) > most ? strlen(text) : most;
    }
    return EL_CHART_LETTER * (double)most;
}

static void put_tick(el_writer *page, const frame *f, double value, double step)
{
    char text[TICK_BYTES];
    print_tick(text, value, step);
    el_html_put(page, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>\n", across(f, value),
                f->top + f->height + 16, text);
}

/* All, or every so many where they are too wide to stand side by side. */
static void put_ticks(el_writer *page, const frame *f)
{
    const double apart = f->width * f->x.step / (f->x.high - f->x.low);
    const int64_t every = 1 + (int64_t)((widest_tick(&f->x) + EL_CHART_LETTER) / apart);
    for (int64_t n = first_tick(&f->x); is_tick(&f->x, n); n += every)
        put_tick(page, f, tick(&f->x, n), f->x.step);
}

/* Powers of ten, and between them where there are few. */
static void put_powers(el_writer *page, const frame *f)
{
    static const double BETWEEN[] = {1, 2, 5};
    const double range = f->x.high - f->x.low;
    const int each = range < 2 ? 3 : 1, every = range > TICKS + 1 ? (int)ceil(range / TICKS) : 1;
    for (int power = (int)floor(f->x.low); power <= f->x.high; power += every)
        for (int i = 0; i < each; i++) {
            const double at = power + log10(BETWEEN[i]);
            if (at >= f->x.low - 1e-9 && at <= f->x.high + 1e-9)
                put_tick(page, f, BETWEEN[i] * pow(10, power), pow(10, power));
        }
}

static void put_axes(el_writer *page, const frame *f)
{
    char text[TICK_BYTES];
    for (int64_t n = first_tick(&f->y); is_tick(&f->y, n); n++) {
        const double y = down(f, tick(&f->y, n));
        print_tick(text, tick(&f->y, n), f->y.step);
        el_html_put(
            page,
            "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#888\" stroke-opacity=\".25\"/>"
            "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
            f->left, f->left + f->width, y, y, f->left - GAP, y + 4, text);
    }
    if (f->logarithmic)
        put_powers(page, f);
    else
        put_ticks(page, f);
}

/* ---- lines ---- */

static const char *const DASHES[] = {"4 3", "1 3", "9 3", "9 3 1 3"};
enum { PATTERNS = sizeof DASHES / sizeof *DASHES };

const char *el_chart_dashes(int dashed)
{
    return dashed > 0 ? DASHES[(dashed - 1) % PATTERNS] : "none";
}

/* Up to its points. */
static void begin_line(el_writer *page, const el_series *s)
{
    el_html_put(page, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"%s\"%s", colour_of(s->colour),
                s->dashed || s->faint ? "1" : "1.8", s->faint ? " stroke-opacity=\".35\"" : "");
    if (s->dashed)
        el_html_put(page, " stroke-dasharray=\"%s\"", el_chart_dashes(s->dashed));
    el_html_put(page, " points=\"");
}

static void put_series(el_writer *page, const frame *f, const el_series *s)
{
    bool open = false;
    for (int i = 0; i < s->count; i++) {
        if (is_point(s, i)) {
            if (!open)
                begin_line(page, s);
            el_html_put(page, "%.1f,%.1f ", across(f, s->x[i]), down(f, s->y[i]));
        } else if (open) {
            el_html_put(page, "\"/>\n");
        }
        open = is_point(s, i);
    }
    if (open)
        el_html_put(page, "\"/>\n");
}

void el_chart_sample(el_writer *page, const el_series *like, double x, double y)
{
    begin_line(page, like);
    el_html_put(page, "%.1f,%.1f %.1f,%.1f\"/>", x, y, x + EL_CHART_SAMPLE, y);
}

void el_chart_key(el_writer *page, const el_series *like, const char *name)
{
    el_html_put(page, "<div class=\"key\"><svg viewBox=\"0 0 %d 6\">", EL_CHART_SAMPLE);
    el_chart_sample(page, like, 0, 3);
    el_html_put(page, "</svg>");
    el_html_text(page, name);
    el_html_put(page, "</div>\n");
}

void el_drawing_begin(el_writer *page, const char *title, int width, int height, const char *more)
{
    el_html_put(page, "<svg viewBox=\"0 0 %d %d\"%s font-size=\"12\" role=\"img\">\n<title>", width, height,
                more);
    el_html_text(page, title);
    el_html_put(page, "</title>\n");
}

void el_drawing_end(el_writer *page)
{
    el_html_put(page, "</svg>");
}

/* How far bars of this colour stand aside: those of other series at the same x would lie upon them. */
static double aside(const el_chart *chart, int colour)
{
    static const double APART = 5, MOST = 30;
    int last = 0;
    for (int k = 0; k < chart->count; k++)
        last = chart->series[k].colour > last ? chart->series[k].colour : last;
    return last ? (colour - last / 2.0) * fmin(APART, MOST / last) : 0;
}

/* Bars with caps. */
static void put_spread(el_writer *page, const frame *f, const el_series *s, double moved)
{
    static const double CAP = 2;
    for (int i = 0; i < s->count; i++) {
        if (!is_point(s, i) || spread(s, i) <= 0)
            continue;
        const double x = across(f, s->x[i]) + moved, low = down(f, s->y[i] - spread(s, i)),
                     high = down(f, s->y[i] + spread(s, i));
        el_html_put(
            page,
            "<path fill=\"none\" stroke=\"%s\" stroke-opacity=\".6\" d=\"M%.1f,%.1fV%.1fM%.1f,%.1fh%.0f"
            "M%.1f,%.1fh%.0f\"/>\n",
            colour_of(s->colour), x, low, high, x - CAP, low, 2 * CAP, x - CAP, high, 2 * CAP);
    }
}

static bool is_alone(const el_series *s, int i)
{
    return is_point(s, i) && (i == 0 || !is_point(s, i - 1)) && (i + 1 == s->count || !is_point(s, i + 1));
}

/* A line of one point is a dot, hollow where the line is dashed. */
static void put_dots(el_writer *page, const frame *f, const el_series *s)
{
    for (int i = 0; i < s->count; i++)
        if (s->dots ? is_point(s, i) : is_alone(s, i))
            el_html_put(page,
                        "<ellipse cx=\"%.1f\" cy=\"%.1f\" rx=\"2.5\" ry=\"2.5\" stroke=\"%s\" fill=\"%s\""
                        " opacity=\"%s\"/>\n",
                        across(f, s->x[i]), down(f, s->y[i]), s->dashed ? colour_of(s->colour) : "none",
                        s->dashed ? "none" : colour_of(s->colour),
                        s->faint  ? ".35"
                        : s->dots ? ".5"
                                  : "1");
}

void el_chart_put(el_writer *page, const el_chart *chart, double left, double top, double width,
                  double height)
{
    const axis x = axis_of(chart, false), y = axis_of(chart, true);
    const double before = fmax(LEFT, widest_tick(&y) + 2 * GAP);
    const frame f = {left + before,     top + ABOVE, width - before - RIGHT, height - ABOVE - BELOW, x, y,
                     chart->logarithmic};
    el_html_put(page, "<text x=\"%.1f\" y=\"%.1f\" font-weight=\"bold\">", f.left, f.top - 10);
    el_html_text(page, chart->title);
    el_html_put(page, "</text>\n");
    put_axes(page, &f);
    el_html_put(page, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">", f.left + f.width / 2,
                f.top + f.height + 34);
    el_html_text(page, chart->x_title);
    el_html_put(page, "</text>\n");
    for (int k = 0; k < chart->count; k++)
        if (chart->series[k].faint)
            put_series(page, &f, &chart->series[k]);
    for (int k = 0; k < chart->count; k++) {
        if (!chart->series[k].faint && !chart->series[k].dots)
            put_series(page, &f, &chart->series[k]);
        put_dots(page, &f, &chart->series[k]);
        put_spread(page, &f, &chart->series[k], aside(chart, chart->series[k].colour));
    }
}
