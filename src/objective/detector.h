/* detector - a network that says of tokens whether they are the original ones: its encoder, its RTD head, logistic loss
 *
 *   loss = mean over judged tokens of log(1 + exp(z)) - replaced * z
 */
#ifndef EL_OBJECTIVE_DETECTOR_H
#define EL_OBJECTIVE_DETECTOR_H

#include "objective/host.h"
#include "objective/scores.h"
#include "objective/slots.h"

typedef struct {
    el_model *model;
    const el_network *net;
    const el_rtd_weights *w, *g;
    uint32_t stream; /* of its dropout */
    el_encoder_saved encoder;
    el_rtd_saved head;
    el_tensor losses, scores, offsets, dhidden;
    /* of the batch's rows, those [first, end) of which are fetched and not yet counted */
    float *host_labels; /* 1 replaced, 0 original, NaN not judged */
    el_tensor host_scores, host_losses;
    el_host host;
    int first, end;
    /* since reset */
    double loss;                              /* a sum over tokens */
    int64_t tokens, replaced, called, caught; /* judged; truly replaced; called replaced; both */
    int64_t right;
    el_scores judged;
} el_detector;

/* `net` has a detection head. */
void el_detector_open(el_detector *detector, el_model *model, const el_network *net, uint32_t stream);
el_status el_detector_layout(el_detector *detector, el_arena *arena, const el_slots *slots);
void el_detector_close(el_detector *detector); /* accepts a zeroed one */
void el_detector_reset(el_detector *detector);
void el_detector_ledger(el_detector *detector, el_ledger *ledger);
el_status el_detector_begin(el_detector *detector, const el_batch *batch); /* room for its figures */
void el_detector_count(el_detector *detector); /* after a wait() of the queue: what was fetched */

/* Judges what el_slots_replace() has put and labelled.  In training adds the gradient of scale * the sum of losses.  Does not
 * wait for the device. */
void el_detector_run(el_detector *detector, const el_slots *slots, const el_slots_range *range, double scale);

/* Judges all tokens that have a label, by their logit plus what detector->offsets has of them.  The labels, as above, are the
 * host's, of the range's rows.  The scores then are those sums. */
void el_detector_contrast(el_detector *detector, const el_slots *slots, const el_slots_range *range,
                          const float *labels, double scale);

/* Figures since reset: mean loss; shares; area under the curve. */
double el_detector_loss(const el_detector *detector);
double el_detector_accuracy(const el_detector *detector);
double el_detector_auc(el_detector *detector);
double el_detector_precision(const el_detector *detector);
double el_detector_recall(const el_detector *detector);
double el_detector_replaced(const el_detector *detector);

#endif
