/* layers - the three building blocks of the encoder, forward and backward beside each other
 *
 * Private to model/.  In each backward `d` holds the gradient of the block's output and leaves with that of
 * its input.
 */
#ifndef EL_MODEL_LAYERS_H
#define EL_MODEL_LAYERS_H

#include "model/encoder.h"

/* Where dropout falls: a place is a stream of its own within its network and layer. */
typedef enum {
    EL_DROP_EMBED,
    EL_DROP_PROBS,
    EL_DROP_ATTENTION,
    EL_DROP_FFN,
    EL_DROP_PLACES,
    /* by distances, of layer 0, which is none */
    EL_DROP_SINES = EL_DROP_PROBS,
    EL_DROP_OUTPUT = EL_DROP_FFN
} el_drop_place;
static inline el_dropout el_dropout_at(const el_input *in, double rate, int layer, el_drop_place place)
{
    el_random random = in->random;
    random.stream += (uint32_t)(layer * EL_DROP_PLACES + place);
    return (el_dropout){.rate = in->training ? rate : 0, .random = random, .first_row = in->first_row};
}

/* The first `rows` rows of a tensor with room for more. */
static inline el_tensor el_first(el_tensor t, int rows)
{
    t.rows = rows;
    return t;
}

/* Rows of what there is one of for each distance, those that a batch has: positions of its sequences are below `reach`. */
static inline int el_reach(const el_config *config, const el_input *in)
{
    return in->layout.longest < config->max_position_embeddings ? in->layout.longest
                                                                : config->max_position_embeddings;
}

el_tensor el_embed_block_forward(el_queue *q, const el_config *config, const el_encoder_weights *w,
                                 el_embed_saved *s, const el_input *in);
void el_embed_block_backward(el_queue *q, const el_config *config, const el_encoder_weights *w,
                             const el_encoder_weights *g, const el_encoder_saved *s, const el_input *in,
                             el_tensor d);

el_tensor el_attention_block_forward(el_queue *q, const el_config *config, const el_attention_weights *w,
                                     el_attention_saved *s, const el_input *in, int layer, el_tensor sines,
                                     el_tensor x);
void el_attention_block_backward(el_queue *q, const el_config *config, const el_attention_weights *w,
                                 const el_attention_weights *g, const el_attention_saved *s,
                                 const el_encoder_saved *scratch, const el_input *in, int layer,
                                 el_tensor sines, el_tensor x, el_tensor d);

el_tensor el_ffn_block_forward(el_queue *q, const el_config *config, const el_ffn_weights *w, el_ffn_saved *s,
                               const el_input *in, int layer, el_tensor x);
void el_ffn_block_backward(el_queue *q, const el_config *config, const el_ffn_weights *w,
                           const el_ffn_weights *g, const el_ffn_saved *s, const el_encoder_saved *scratch,
                           const el_input *in, int layer, el_tensor x, el_tensor d);

#endif
