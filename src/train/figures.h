/* figures - what is known of figures by their names, whichever objective comes to them: what a person is told, and where
 * they are drawn */
#ifndef EL_TRAIN_FIGURES_H
#define EL_TRAIN_FIGURES_H

#include <stdbool.h>

typedef struct {
    const char *name;
    const char *in_training;   /* what a line of progress calls it; NULL: it is not in that line */
    const char *in_evaluation; /* likewise a line of an evaluation */
    const char *within; /* the figure in whose chart it is drawn, dashed; NULL: it has a chart of its own */
    bool of_many;       /* over a few steps it says nothing */
} el_figure_kind;

/* In the order in which they are said. */
extern const el_figure_kind EL_FIGURE_KINDS[];
extern const int EL_FIGURE_KIND_COUNT;

/* NULL: a figure like any other. */
const el_figure_kind *el_figure_kind_of(const char *name);

#endif
