/* heads - what stands on the encoders in pre-training: guesses at the slots, detection everywhere */
#ifndef EL_MODEL_HEADS_H
#define EL_MODEL_HEADS_H

#include "model/encoder.h"

/* generator:  logits = LayerNorm(gelu(h dense_w^T + dense_b)) word^T + bias, at chosen rows only;
 * an XLNet's:  logits = h word^T + bias */
typedef struct {
    el_tensor dense_w, dense_b, norm_gamma, norm_beta; /* (E, H) (1, E) (1, E) (1, E), or none */
    el_tensor word, bias;                              /* (V, E), the input table; (1, V) */
    el_tensor gate_w,
        gate_b; /* (1, H) (1, 1), where it may copy what is shown (ops/copy_gate.h); else none */
} el_mlm_weights;

typedef struct {
    el_tensor gathered, slope, act, stats, normed, logits; /* (n, H) (n, E) (n, E) (n, 2) (n, E) (n, V) */
    el_tensor thin, hidden;                                /* scratch: (n, E), (n, H) */
} el_mlm_saved;

void el_mlm_saved_layout(el_mlm_saved *saved, el_arena *arena, const el_config *config, int slots,
                         el_type activations, el_type parameters, bool training);
/* rows: the slots' row numbers, `count` of them.  Returns the logits (count, V). */
el_tensor el_mlm_forward(el_queue *q, const el_config *config, const el_mlm_weights *w, el_mlm_saved *saved,
                         el_tensor hidden, const int *rows, int count);
/* dhidden (all rows of the encoder's output) is overwritten, or added to where `accumulate`: so several heads read one
 * encoder, and a head that reads all rows takes them in blocks, of which the first overwrites.  dlogits may be the logits'
 * place. */
void el_mlm_backward(el_queue *q, const el_mlm_weights *w, const el_mlm_weights *g, el_mlm_saved *saved,
                     el_tensor dhidden, el_tensor dlogits, const int *rows, bool accumulate);

/* The same head on the states of two encoders side by side, at rows of each: dense_w is (E, 2H), and what is saved is laid out
 * for a config with hidden_size 2H. */
el_tensor el_cloze_forward(el_queue *q, const el_config *config, const el_mlm_weights *w, el_mlm_saved *saved,
                           el_tensor left, el_tensor right, const int *left_rows, const int *right_rows,
                           int count);
void el_cloze_backward(el_queue *q, const el_mlm_weights *w, const el_mlm_weights *g, el_mlm_saved *saved,
                       el_tensor dleft, el_tensor dright, el_tensor dlogits, const int *left_rows,
                       const int *right_rows, bool accumulate);

/* discriminator:  logit = gelu(h dense_w^T + dense_b) out_w^T + out_b, at every row; positive means replaced
 */
typedef struct {
    el_tensor dense_w, dense_b, out_w, out_b; /* (H, H) (1, H) (1, H) (1, 1) */
} el_rtd_weights;

typedef struct {
    el_tensor slope, act, logits; /* (n, H) (n, H) (n, 1) */
    el_tensor hidden;             /* the encoder's output, kept for the backward */
} el_rtd_saved;

void el_rtd_saved_layout(el_rtd_saved *saved, el_arena *arena, const el_config *config, int rows,
                         el_type activations);
el_tensor el_rtd_forward(el_queue *q, const el_rtd_weights *w, el_rtd_saved *saved, el_tensor hidden);
void el_rtd_backward(el_queue *q, const el_rtd_weights *w, const el_rtd_weights *g, el_rtd_saved *saved,
                     el_tensor dhidden, el_tensor dlogits, bool accumulate); /* as above */

#endif
