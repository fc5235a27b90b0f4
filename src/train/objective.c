/* objective - a batch in as many pieces as have room, and what is found in its figures */
#include "train/objective.h"

#include <math.h>
#include <string.h>

double el_figure(const el_figures *figures, const char *name)
{
    for (int i = 0; i < figures->count; i++)
        if (strcmp(figures->names[i], name) == 0)
            return figures->values[i];
    return NAN;
}

json_t *el_figures_json(const el_figures *figures)
{
    json_t *const object = json_object();
    for (int i = 0; i < figures->count; i++)
        if (isfinite(figures->values[i]))
            json_object_set_new(object, figures->names[i], json_real(figures->values[i]));
    return object;
}

el_status el_objective_run(el_objective *objective, const el_batch *batch, el_random random, bool training)
{
    const el_status st = objective->begin(objective, batch, random);
    if (st)
        return st;
    for (int first = 0; first < batch->sequences;) {
        const int last = objective->fit(objective, first);
        if (last == first)
            return el_fail(EL_EDATA, "a sequence of %d tokens is longer than there is room for",
                           batch->starts[first + 1] - batch->starts[first]);
        objective->accumulate(objective, first, last, training);
        first = last;
    }
    return EL_OK;
}
