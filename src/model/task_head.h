/* task_head - what stands on the encoder in fine-tuning, forward and backward
 *
 *   sequence          x = h at [CLS]:  drop, dense (H, H), gelu, drop, out (labels, H)    ElectraForSequenceClassification
 *   sequence_affine   x = h at [CLS]:  drop, out (labels, H)                              the original's
 *   pooled            x = h at [CLS]:  pooler (H, H), tanh, drop, out (labels, H)         BertForSequenceClassification
 *   sentences         the same with two labels, in pre-training                           BertForPreTraining
 *   token             x = h at chosen rows:  drop, out (labels, H)                        both; ...ForTokenClassification
 *   span              start and end logits at every candidate:  out (2, H)                ElectraForQuestionAnswering
 *   span_joint        the original's: start (1, H); end from [h; h at the start] through 512 gelu; whether there is an
 *                     answer from [h at [CLS]; sum of softmax(start) h] through 512 gelu
 *
 * In a causal network, whose [CLS] has seen nothing, the last row stands for it.  Where a second network reads backwards, h is
 * [h of one; h of the other], 2H wide.  Heads compute in the type of parameters whatever the encoder's: they are small, and
 * what comes out of them is compared and printed.  In files they have Hugging Face's names where it has such a head
 * ("classifier.dense.weight", "classifier.out_proj.weight", "classifier.weight", "qa_outputs.weight"), else
 * "task_specific.<part>.weight".
 */
#ifndef EL_MODEL_TASK_HEAD_H
#define EL_MODEL_TASK_HEAD_H

#include "model/encoder.h"

typedef enum {
    EL_HEAD_DETECTION, /* pre-training's (model/heads.h): each token is the original or replaced ... */
    EL_HEAD_MLM,       /* ... and which token stood at a slot */
    EL_HEAD_BASELINE, /* a number a slot, beside the MLM head: the reward that is expected there; out (1, H) */
    EL_HEAD_SENTENCES, /* two logits at [CLS], beside the MLM head: whether a pair of segments is as it was (BERT, ALBERT) */
    EL_HEAD_CLOZE, /* which token stands at each place, from this network's states and those of one that reads backwards */
    EL_HEAD_NONE, /* the encoder alone */
    EL_HEAD_SEQUENCE,
    EL_HEAD_SEQUENCE_AFFINE,
    EL_HEAD_POOLED,
    EL_HEAD_TOKEN,
    EL_HEAD_SPAN,
    EL_HEAD_SPAN_JOINT,
    EL_HEADS
} el_head_kind;

typedef struct {
    el_head_kind kind;
    int labels;      /* sequence and token heads; 1 for regression */
    double dropout;  /* on what the head reads (and after its gelu); span heads have none */
    bool answerable; /* span_joint: has the answerability classifier */
    bool gated;      /* mlm: may copy what is shown */
    bool ordered;    /* mlm: predicts in random orders (objective/order.h), and fills no [MASK] */
    bool energies; /* detection: Electric's, whose logits are energies, not log-odds (objective/electric.c) */
    bool restores; /* mlm: read text with samples in it, never [MASK] (replace-mlm, all-tokens-mlm) */
    bool sentences; /* mlm: EL_HEAD_SENTENCES stands beside it */
    bool pooler; /* none: the first layer of a pooled head is kept beside the encoder, for a head to come */
    bool joined; /* a task's: reads the states of two networks side by side (task/learn/halves.h) */
} el_head_config;

/* Of what the head reads at a row: H, or of two networks 2H. */
static inline int el_head_width(const el_config *config, const el_head_config *head)
{
    return config->hidden_size * (head->joined ? 2 : 1);
}

enum { EL_SPAN_HIDDEN = 512 }; /* as wide as the original's */

typedef struct {
    el_tensor dense_w, dense_b, out_w, out_b;           /* sequence, sequence_affine, pooled, token, span */
    el_tensor start_w, start_b;                         /* span_joint from here */
    el_tensor end_hidden_w, end_hidden_b, end_w, end_b; /* (512, 2H) (1, 512) (1, 512) (1, 1) */
    el_tensor end_own_w,
        end_start_w; /* its columns, prepared: those for a row and those for the start's row */
    el_tensor answer_hidden_w, answer_hidden_b, answer_w, answer_b; /* (512, 2H) (1, 512) (1, 512) (1, 1) */
} el_head_weights;

/* What the names of a pooled head's first layer begin with: it is part of a BERT, whatever stands on it, and so it is kept
 * where a new head is begun. */
#define EL_POOLER "electra.pooler."

/* Lists the head's parameters, Glorot weights and zero biases, at the depth of heads (layers + 2). */
void el_head_list(el_params *params, const el_config *config, const el_head_config *head, el_head_weights *w,
                  el_head_weights *g);

/* What a pass is told besides the encoder's output. */
typedef struct {
    bool training;      /* dropout on */
    el_random random;   /* streams from random.stream on */
    uint64_t first_row; /* number, in the whole batch, of the first row the head reads */
} el_head_pass;

/* ---- sequence and token heads ---- */

typedef struct {
    el_tensor gathered;              /* (n, H), in the encoder's type; the rest is the head's: */
    el_tensor x, slope, act, logits; /* (n, H) (n, H) (n, H) (n, labels) */
} el_head_saved;

void el_head_saved_layout(el_head_saved *saved, el_arena *arena, const el_config *config,
                          const el_head_config *head, int rows, el_type activations, el_type parameters);

/* rows, in device memory: which `count` rows of hidden are read ([CLS] of each sequence; first piece of each word).
 * Returns the logits (count, labels), in the type of parameters. */
el_tensor el_head_forward(el_queue *q, const el_head_config *head, const el_head_weights *w,
                          el_head_saved *saved, el_tensor hidden, const int *rows, int count,
                          const el_head_pass *pass);
/* dhidden (all rows of the encoder's output) is overwritten, or added to where `accumulate`; what was saved is overwritten.
 * dlogits may be the logits' place. */
void el_head_backward(el_queue *q, const el_head_config *head, const el_head_weights *w,
                      const el_head_weights *g, el_head_saved *saved, el_tensor dhidden, el_tensor dlogits,
                      const int *rows, const el_head_pass *pass, bool accumulate);

/* ---- span heads ---- */

/* Which rows may begin or end an answer; others take no part.  Sequence s: rows[starts[s]] ... rows[starts[s + 1] - 1],
 * ascending, the first being [CLS]; all rows for `span`, [CLS] and the context's rows with its [SEP] for `span_joint`.
 * Host memory. */
typedef struct {
    const int *rows, *starts; /* starts[0] is 0, starts[sequences] is count */
    int count, sequences;
} el_candidates;

/* What is to be learned of each sequence; host memory.  Numbers of candidates within their sequence, 0 ([CLS]) where
 * the answer does not stand in it; -1: no loss for this sequence. */
typedef struct {
    const int *start, *end;
    const int *impossible;    /* 1 where the question has no answer; -1, or NULL for all: not asked */
    double answerable_weight; /* 0.5 in the original */
} el_span_targets;

typedef struct el_span_saved
    el_span_saved; /* all memory of a span head; opaque because the two kinds differ */

/* Room for so many candidates and sequences at a time. */
el_status el_span_open(el_span_saved **saved, el_queue *q, const el_config *config,
                       const el_head_config *head, int rows, int sequences, el_type activations,
                       el_type parameters, bool training);
void el_span_close(el_span_saved *saved); /* accepts NULL */

/* Losses of sequences (host, `sequences` doubles): (CE of start + CE of end) / 2 + weight * BCE of answerability; with
 * `training` also the gradient of scale * their sum: parameters' added to, dhidden overwritten. */
void el_span_learn(el_span_saved *saved, const el_head_weights *w, const el_head_weights *g, el_tensor hidden,
                   const el_candidates *candidates, const el_span_targets *targets, double scale,
                   double *losses, bool training, el_tensor dhidden);

/* The likeliest spans of a sequence. */
typedef struct {
    int start, end;               /* candidates within their sequence, start <= end not guaranteed */
    float start_score, end_score; /* span: logits; span_joint: log probabilities, the end's given the start */
} el_span_guess;

/* For each sequence the pairs of the `beam` best starts with the `beam` best ends (joint: of each start), best sum first:
 * beam * beam entries a sequence, unused ones with start -1.  null_scores: span: start + end logit of [CLS]; joint: the
 * answerability logit (0 without the classifier: then start + end log probability of [CLS]). */
void el_span_guess_best(el_span_saved *saved, const el_head_weights *w, el_tensor hidden,
                        const el_candidates *candidates, int beam, el_span_guess *guesses,
                        float *null_scores);

#endif
