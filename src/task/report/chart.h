/* chart - lines over an axis, as a piece of SVG
 *
 * A chart fills a rectangle of a larger drawing: a title, two axes with round ticks, and a line for each series.  Values
 * that are not finite leave a gap.  The first seven colours are a palette that colour-blind readers can tell apart;
 * text and axes take the colour of the text around, so that a chart is readable on a dark page too.
 */
#ifndef EL_TASK_CHART_H
#define EL_TASK_CHART_H

#include "task/report/html.h"

typedef struct {
    const double *x, *y; /* borrowed, `count` of each */
    const double *
        spread; /* of y, up and down from it, drawn a little aside, by the colour; those that are not finite are left out;
                           * NULL: none */
    int count;
    int colour; /* number in the palette; from EL_CHART_COLOURS on it begins again */
    int dashed; /* 0: a whole line; else the number of a pattern, from 1, drawn thin */
    bool faint; /* drawn thin and pale, behind the others */
    bool dots;  /* points, with no line between them */
} el_series;

typedef struct {
    const char *title, *x_title; /* text of others: it is escaped */
    const el_series *series;
    int count;
    bool logarithmic; /* x, which is above 0; the axis spans a factor of 10 or more */
} el_chart;

enum { EL_CHART_LETTER = 7 }; /* width of a digit of 12 units */

enum { EL_CHART_COLOURS = 64, EL_CHART_GREY = 6 }; /* the second: one that says nothing */

/* The pattern of a dashed series as SVG's stroke-dasharray has it. */
const char *el_chart_dashes(int dashed);

enum { EL_CHART_SAMPLE = 24 }; /* its width */

/* A piece of a line as this series has it, from (x, y) on. */
void el_chart_sample(el_writer *page, const el_series *like, double x, double y);
/* A line of a page's legend: the same with a name, which may be long. */
void el_chart_key(el_writer *page, const el_series *like, const char *name);

/* A drawing within a page, of so many units; `more`: attributes that it has besides, or "". */
void el_drawing_begin(el_writer *page, const char *title, int width, int height, const char *more);
void el_drawing_end(el_writer *page);

/* Draws the chart with its upper left corner at (left, top).  The writer remembers failures. */
void el_chart_put(el_writer *page, const el_chart *chart, double left, double top, double width,
                  double height);

#endif
