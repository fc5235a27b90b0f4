/* objective - a batch in as many pieces as have room */
#include "train/objective.h"

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
