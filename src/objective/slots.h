/* slots - a batch with predicted tokens, a range of its sequences on the device at a time
 *
 * What all objectives share that hide tokens: the corruption of the whole batch, how much of it fits, and what goes over to
 * the device: where the slots lie, which tokens stood there, and the ids that a network is shown.  An objective has one
 * el_slots for its networks.
 */
#ifndef EL_OBJECTIVE_SLOTS_H
#define EL_OBJECTIVE_SLOTS_H

#include "objective/objectives.h"
#include "train/feed.h"
#include "train/ledger.h"

typedef struct {
    const el_objective *objective; /* whose they are */
    el_queue *q;
    const el_vocab *vocab;
    el_objective_settings settings;
    int room, slot_room;               /* rows and slots of a range */
    int training_rows, training_slots; /* in training, where an evaluation's are longer */
    el_feed feed;
    int *rows, *targets, *samples; /* of a range's slots, on the device */
    int *placed;   /* there too: of samples at one place the floor of their mean; NULL: never */
    int *text;     /* and of its rows: the original ids, */
    float *labels; /* 1 where another token stands, 0 the original, NaN not asked */
    int *host_ids, *host_rows, *host_targets; /* of a range */
    int *host_samples;                        /* where samples are placed: as drawn, then as placed */
    /* the step */
    const el_batch *batch;
    el_random random;
    el_corruption corruption;
    /* made ready for a step to come, by another thread */
    const int *next_ids; /* of its batch; NULL: nothing is ready */
    el_random next_random;
    el_corruption next;
    /* since reset */
    int64_t *originals; /* how often each id stood at a slot */
    int64_t count;
} el_slots;

/* A range of the batch's sequences. */
typedef struct {
    int first_row, rows, first_slot, slots;
    el_input in; /* without the stream of a network */
    bool training;
} el_slots_range;

/* Room for ranges of `rows` rows, and in an evaluation of `heldout_rows`, if that is more; layout runs twice, as arenas' do. */
el_status el_slots_open(el_slots *slots, const el_objective *objective, const el_vocab *vocab,
                        const el_objective_settings *settings, int rows, int heldout_rows);
void el_slots_layout(el_slots *slots, el_arena *arena);
void el_slots_close(el_slots *slots); /* accepts a zeroed one */
void el_slots_reset(el_slots *slots);
void el_slots_ledger(el_slots *slots, el_ledger *ledger);

/* prepare(), begin() and fit() of an objective. */
el_status el_slots_prepare(el_slots *slots, const el_batch *batch, el_random random);
el_status el_slots_begin(el_slots *slots, const el_batch *batch, el_random random);
/* begin() with slots that somebody else has chosen; they are swapped for the last ones. */
void el_slots_use(el_slots *slots, const el_batch *batch, el_random random, el_corruption *chosen);
int el_slots_fit(const el_slots *slots, int first);

/* The share of the run that is done before a step: all of it where examples are held out. */
double el_slots_share(const el_slots *slots, uint32_t step);

/* Sends what does not depend on what is shown. */
el_slots_range el_slots_send(el_slots *slots, int first, int last, bool training);

/* Sends the ids of a range as corrupted. */
void el_slots_show(el_slots *slots, const el_slots_range *range);

/* On the device: ids with the samples at the slots, and labels, of all rows or `at_slots` of the slots alone.  A place drawn more
 * than once (duplicates) gets the floor of its samples' mean, which the host waits for. */
void el_slots_replace(el_slots *slots, const el_slots_range *range, bool at_slots);

/* Samples that the host has drawn, one a slot of the range. */
void el_slots_draw(el_slots *slots, const el_slots_range *range, const int *samples);

/* The original ids of a range. */
const int *el_slots_originals(const el_slots *slots, const el_slots_range *range);

/* Entropy, in nats, of the tokens that stood at the slots since reset. */
double el_slots_entropy(const el_slots *slots);

#endif
