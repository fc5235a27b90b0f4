/* noise - a "two-tower" cloze model: which token stands here, by all others (Clark et al., EMNLP 2020)
 *
 *   q(x_t | the others)   an encoder that reads forwards and one that reads backwards see the text as it is; the states before
 *                         and behind position t, side by side, guess what stands there
 *   loss = mean of -log q(original),  over all candidates
 *
 * A candidate is an ordinary token with neighbours: q knows nothing of [CLS], [SEP] and [MASK].  Of each candidate a sample is
 * drawn.  It does not wait for the device.
 */
#ifndef EL_OBJECTIVE_NOISE_H
#define EL_OBJECTIVE_NOISE_H

#include "objective/host.h"
#include "objective/slots.h"

enum { EL_TOWERS = 2 }; /* one reads forwards, one backwards */

/* One direction: its text, its network, and which of its rows knows of each candidate's place. */
typedef struct {
    const el_network *net;
    uint32_t stream; /* of its dropout */
    el_batch text;
    el_feed feed;
    el_encoder_saved encoder;
    el_tensor hidden, dhidden;
    el_input in;
    int *rows, *host_rows; /* on the device; on the host */
} el_tower;

typedef struct {
    el_model *model;
    el_tower towers[EL_TOWERS];
    const el_mlm_weights *w, *g; /* of the cloze head */
    el_mlm_saved head;
    /* on the device, of a range's candidates: -log q of the originals, and behind them of the samples */
    el_tensor losses;
    int *targets, *guesses, *samples;
    /* of the batch, on the host */
    el_host host;
    int *host_targets;             /* of a range's candidates */
    int *starts;                   /* candidates before each sequence */
    int *places, *guessed, *drawn; /* of a row its candidate, or -1; of candidates */
    el_tensor host_losses;         /* of candidates, -log q of the originals */
    int first, end;                /* sequences that are fetched and not yet counted */
    double loss;                   /* since reset, a sum over candidates */
    int64_t candidates, right;     /* since reset; guessed right */
    int64_t sampled, lucky;        /* slots that are candidates; the sample there was the original */
} el_noise;

/* The model has the two generators and a cloze head. */
el_status el_noise_open(el_noise *noise, el_model *model, const el_slots *slots);
void el_noise_close(el_noise *noise); /* accepts a zeroed one */

/* Its room on the device: what is sent and what others read; and what only el_noise_run() needs. */
void el_noise_layout(el_noise *noise, el_arena *arena, const el_slots *slots);
el_status el_noise_layout_towers(el_noise *noise, el_arena *arena, const el_slots *slots);

void el_noise_reset(el_noise *noise);
void el_noise_ledger(el_noise *noise, el_ledger *ledger);
/* Of the batch that the slots have begun: room, and where its candidates are. */
el_status el_noise_begin(el_noise *noise, const el_slots *slots);
/* After a wait() of the queue: counts what was fetched. */
void el_noise_count(el_noise *noise, const el_slots *slots);

/* Candidates of the whole batch. */
int el_noise_candidates(const el_noise *noise, const el_slots *slots);

/* Losses, guesses and samples of all candidates of the sequences [first, last), which were sent as `range`; in training the
 * gradient of weight * the mean loss of the batch's candidates.  Returns how many candidates the range has. */
int el_noise_run(el_noise *noise, const el_slots *slots, const el_slots_range *range, int first, int last,
                 const el_sampling *sampling, double weight);

/* The place of a range's row among the candidates of the range, whose first sequence is `first`, or -1. */
int el_noise_place(const el_noise *noise, const el_slots_range *range, int first, int row);

/* Figures since reset: mean loss; shares. */
double el_noise_loss(const el_noise *noise);
double el_noise_accuracy(const el_noise *noise);
double el_noise_sampled(const el_noise *noise);

#endif
