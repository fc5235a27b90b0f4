/* kinds - private to objective/: how each objective is opened, and what they all begin with */
#ifndef EL_OBJECTIVE_KINDS_H
#define EL_OBJECTIVE_KINDS_H

#include "objective/objectives.h"
#include "objective/predictor.h"

/* Each is given what fits it; how many rows an accumulate() takes, in training and in an evaluation. */
typedef struct {
    el_objective_kind kind;
    el_model *model;
    const el_vocab *vocab;
    el_objective_settings settings;
    int rows, heldout_rows;
} el_opening;

/* What every opening is: memory of `bytes`, zeroed, that begins with an el_objective; the functions of `table`, with the name
 * and the model of the opening; then `open_parts`, and close() where that fails. */
el_status el_objective_make(el_objective **objective, const el_opening *opening, size_t bytes,
                            const el_objective *table,
                            el_status (*open_parts)(el_objective *self, const el_opening *opening));

/* What those begin with that have one set of slots; with its open and close, and the prepare() and fit() of their tables. */
typedef struct {
    el_objective base;
    el_objective_settings settings;
    el_slots slots;
    el_arena arena; /* on the device, of the slots and all networks */
} el_slotted;
el_status el_slotted_open(el_slotted *slotted, const el_opening *opening);
void el_slotted_close(el_objective *self); /* frees the objective, too */
el_status el_slotted_prepare(el_objective *self, const el_batch *batch, el_random random);
int el_slotted_fit(el_objective *self, int first);

/* Lays out parts, of which each is needed only when the others are not, in one place.  lay_out(context, part) pushes to the
 * arena. */
el_status el_overlay(el_arena *arena, int parts, el_status (*lay_out)(void *context, int part),
                     void *context);

el_status el_electra_open(el_objective **objective, const el_opening *opening);
el_status el_electric_open(el_objective **objective, const el_opening *opening);
el_status el_adversarial_open(el_objective **objective, const el_opening *opening);
el_status el_mlm_open(el_objective **objective, const el_opening *opening);
el_status el_all_tokens_open(el_objective **objective, const el_opening *opening);
el_status el_causal_open(el_objective **objective, const el_opening *opening); /* and bidirectional */
el_status el_permutation_open(el_objective **objective, const el_opening *opening);
el_status el_replace_mlm_open(el_objective **objective, const el_opening *opening);

/* How a generator's samples are drawn for a range. */
static inline el_sampling el_sampling_of(const el_objective_settings *s, const el_slots *slots,
                                         const el_slots_range *range)
{
    const double share = el_slots_share(slots, slots->random.step);
    return (el_sampling){.temperature = el_course_at(s->temperature, s->temperature_decay, share),
                         .disallow_target = s->disallow_correct,
                         .random = {slots->random.seed, EL_STREAM_SAMPLE, slots->random.step},
                         .first_row = (uint64_t)range->first_slot};
}

#endif
