/* halves - what a head reads of a model of two networks, of which the second reads each text from its end
 *
 *   joined[i] = [forwards[i] ; backwards[row beside i]]          (rows, 2H)
 *
 * Beside a row stands that of the same token, unless the kind of task says otherwise (family.h): what reads a whole sequence
 * reads the last row of each direction, and what reads words the last piece of each direction, which alone has seen the word.
 */
#ifndef EL_TASK_HALVES_H
#define EL_TASK_HALVES_H

#include "train/feed.h"

typedef struct el_learner el_learner;

typedef struct {
    el_batch text; /* from the last row to the first */
    el_feed feed;
    el_encoder_saved encoder;
    el_input in;
    el_tensor joined, djoined, dhidden;
    int *rows, *host_rows; /* of the second network's output, which stands beside each row */
} el_halves;

/* As a learner's parts are; nothing is done where the head reads one network. */
el_status el_halves_open(el_learner *l);
el_status el_halves_lay_out(el_learner *l);
void el_halves_close(el_learner *l);
el_status el_halves_begin(el_learner *l, const el_batch *batch);

/* Runs the second network on sequences [first, last) and joins what both say. */
el_tensor el_halves_forward(el_learner *l, int first, int last, bool training, el_tensor hidden);
/* Where the gradient of what is joined goes; and its part for the first network. */
el_tensor el_halves_gradient(const el_learner *l, int rows);
void el_halves_split(el_learner *l, el_tensor dhidden);
/* Backwards through the second network: behind the first one's backward, as networks are left in their order (train/reduce.h). */
void el_halves_backward(el_learner *l);

#endif
