/* sentences - whether a pair of segments is as it was: a pooler, two logits, cross-entropy
 *
 *   loss = mean over pairs of -log p(label | h at [CLS])
 *
 * Stands beside the head that predicts tokens, on the same encoder.
 */
#ifndef EL_OBJECTIVE_SENTENCES_H
#define EL_OBJECTIVE_SENTENCES_H

#include "model/model.h"
#include "objective/host.h"
#include "objective/pairs.h"
#include "train/ledger.h"

typedef struct {
    el_model *model;
    const el_head *head;
    int room; /* pairs of a range */
    el_head_saved saved;
    el_tensor losses;
    int *rows, *targets, *guesses; /* on the device */
    /* of the batch's pairs, those [first, end) of which are fetched and not yet counted; rows: of the last range */
    int *host_rows, *host_targets, *host_guesses;
    el_tensor host_losses;
    el_host host;
    int first, end;
    /* since reset */
    double loss; /* sum over pairs */
    int64_t pairs, right;
} el_sentences;

/* `net` has the head; `rows`: what a range has room for. */
el_status el_sentences_open(el_sentences *sentences, el_model *model, const el_network *net, int rows);
void el_sentences_layout(el_sentences *sentences, el_arena *arena, const el_config *config);
void el_sentences_close(el_sentences *sentences); /* accepts a zeroed one */
void el_sentences_reset(el_sentences *sentences);
void el_sentences_ledger(el_sentences *sentences, el_ledger *ledger);
/* Room for what is fetched of a batch; and, after a wait() of the queue, what was fetched is counted. */
el_status el_sentences_begin(el_sentences *sentences, const el_pairs *pairs);
void el_sentences_count(el_sentences *sentences);

/* Of the sequences [first, last), whose last hidden states are `hidden`; the gradient of scale * the sum of losses where
 * dhidden is there: it is overwritten, or added to where `accumulate`. */
void el_sentences_run(el_sentences *sentences, const el_pairs *pairs, int first, int last, el_tensor hidden,
                      el_tensor dhidden, bool accumulate, double scale);

/* Figures since reset; NaN where nothing was asked. */
double el_sentences_loss(const el_sentences *sentences);
double el_sentences_accuracy(const el_sentences *sentences);

#endif
