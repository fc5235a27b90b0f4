/* predictor - a network that says which tokens belong to the slots: its encoder, its MLM head, cross-entropy
 *
 *   loss = mean over slots of -log p(target | what is shown)
 *
 * A generator is one, and so are BERT, the second network of Replace MLM and a causal language model, whose slots are nearly all
 * rows: its head takes them in blocks, since the logits of all at once are rows times the vocabulary.  It may sample a token
 * for each slot: slots->samples.  It does not wait for the device.
 */
#ifndef EL_OBJECTIVE_PREDICTOR_H
#define EL_OBJECTIVE_PREDICTOR_H

#include "objective/host.h"
#include "objective/slots.h"

typedef struct {
    el_model *model;
    const el_network *net;
    const el_mlm_weights *w, *g;
    uint32_t stream; /* of its dropout */
    int block;       /* slots that the head takes at a time */
    el_encoder_saved encoder;
    el_mlm_saved head;
    el_tensor losses, dhidden;
    el_tensor hidden, logits; /* of the last range: what el_predictor_learn() and others' heads go on from */
    el_input in;
    int *guesses; /* on the device */
    /* of the batch's slots, those [first, end) of which are fetched and not yet counted: the likeliest tokens, those drawn */
    int *host_guesses, *host_samples;
    el_tensor host_losses;
    el_host host;
    int first, end;
    bool sampling;
    /* since reset */
    double loss;                   /* sums over slots */
    int64_t slots, right, sampled; /* slots; guess right; sample right */
} el_predictor;

/* `net` has an MLM head; `slots` has its room. */
el_status el_predictor_open(el_predictor *predictor, el_model *model, const el_network *net, uint32_t stream,
                            const el_slots *slots);
el_status el_predictor_layout(el_predictor *predictor, el_arena *arena, const el_slots *slots);
void el_predictor_close(el_predictor *predictor); /* accepts a zeroed one */
void el_predictor_reset(el_predictor *predictor);
void el_predictor_ledger(el_predictor *predictor, el_ledger *ledger);
/* Room for what is fetched of the slots of a batch that was begun. */
el_status el_predictor_begin(el_predictor *predictor, const el_slots *slots);
/* After a wait() of the queue: counts what was fetched. */
void el_predictor_count(el_predictor *predictor, const el_slots *slots);

/* Of what was sent of the range, and in training the gradient of scale * the sum of losses.  `sampling` may be NULL. */
void el_predictor_run(el_predictor *predictor, el_slots *slots, const el_slots_range *range,
                      const el_sampling *sampling, double scale);

/* The same in two parts, for who has another head on the encoder: all but the encoder's backward, which leaves the last hidden
 * states and, in training, the gradient of them that this head has, or nothing where the range has no slots; and that backward,
 * of what then stands in the gradient's place. */
void el_predictor_ask(el_predictor *predictor, el_slots *slots, const el_slots_range *range,
                      const el_sampling *sampling, double scale);
el_tensor el_predictor_gradient(el_predictor *predictor,
                                const el_slots_range *range); /* absent unless training */
void el_predictor_return(el_predictor *predictor, const el_slots_range *range);

/* In two other parts, for who learns from what becomes of the samples; the head takes all slots at a time.  The first is
 * without a gradient.  In training the second follows, once the logits' places hold their gradient. */
void el_predictor_guess(el_predictor *predictor, el_slots *slots, const el_slots_range *range,
                        const el_sampling *sampling);
void el_predictor_learn(el_predictor *predictor, el_slots *slots, const el_slots_range *range);

/* Figures since reset. */
double el_predictor_loss(const el_predictor *predictor);
double el_predictor_accuracy(const el_predictor *predictor);
double el_predictor_sampled(const el_predictor *predictor);

#endif
