/* attention - the first half of a layer
 *
 *   qkv = x Wqkv^T + b      mixed = attention(qkv)      branch = mixed Wout^T + b
 *   y = LayerNorm(x + dropout(branch))
 *
 * By distances without b, and with places = sines Wplace^T, biases and kinds in the attention (ops.def).
 */
#include "model/layers.h"

/* Columns of the probabilities, by which their dropout is numbered. */
static int width_of(const el_config *config, const el_input *in)
{
    return in->longest ? in->longest : config->max_position_embeddings;
}

static el_relative relative_of(const el_attention_weights *w, el_tensor places, const el_input *in)
{
    return (el_relative){places, w->biases, w->kinds, in->positions, in->segments};
}

static void attend(el_queue *q, const el_config *config, const el_attention_weights *w, el_attention_saved *s,
                   const el_input *in, el_tensor sines, el_dropout dropped)
{
    const int n = in->rows, heads = config->num_attention_heads;
    const el_tensor qkv = el_first(s->qkv, n), lse = el_first(s->lse, n), mixed = el_first(s->mixed, n);
    if (!el_config_relative(config)) {
        q->attention_forward(q, mixed, lse, qkv, in->layout, heads, dropped, width_of(config, in));
        return;
    }
    const el_tensor places = el_first(s->places, sines.rows);
    q->linear_forward(q, places, sines, w->place_w, el_tensor_none());
    q->relative_attention_forward(q, mixed, lse, qkv, relative_of(w, places, in), in->layout, heads, dropped,
                                  width_of(config, in));
}

static void attend_backward(el_queue *q, const el_config *config, const el_attention_weights *w,
                            const el_attention_weights *g, const el_attention_saved *s,
                            const el_encoder_saved *scratch, const el_input *in, el_tensor sines,
                            el_dropout dropped, el_tensor dmixed)
{
    const int n = in->rows, heads = config->num_attention_heads;
    const el_tensor qkv = el_first(s->qkv, n), lse = el_first(s->lse, n), mixed = el_first(s->mixed, n);
    const el_tensor dqkv = el_first(scratch->qkv, n);
    if (!el_config_relative(config)) {
        q->attention_backward(q, dqkv, dmixed, mixed, lse, qkv, in->layout, heads, dropped,
                              width_of(config, in));
        return;
    }
    const el_tensor places = el_first(s->places, sines.rows), dplaces = el_first(scratch->places, sines.rows);
    const el_relative_gradients d = {dplaces, g->biases, g->kinds, scratch->parts};
    q->relative_attention_backward(q, dqkv, d, dmixed, mixed, lse, qkv, relative_of(w, places, in),
                                   in->layout, heads, dropped, width_of(config, in));
    q->linear_backward_weight(q, g->place_w, el_tensor_none(), dplaces, sines);
}

el_tensor el_attention_block_forward(el_queue *q, const el_config *config, const el_attention_weights *w,
                                     el_attention_saved *s, const el_input *in, int layer, el_tensor sines,
                                     el_tensor x)
{
    const int n = in->rows;
    const el_tensor qkv = el_first(s->qkv, n), mixed = el_first(s->mixed, n);
    const el_tensor sum = el_first(s->sum, n), stats = el_first(s->stats, n), y = el_first(s->y, n);
    q->linear_forward(q, qkv, x, w->qkv_w, w->qkv_b);
    attend(q, config, w, s, in, sines,
           el_dropout_at(in, config->attention_probs_dropout_prob, layer, EL_DROP_PROBS));
    q->linear_forward(q, sum, mixed, w->out_w, w->out_b);
    q->residual_norm_forward(q, y, sum, stats, x, sum, w->norm_gamma, w->norm_beta, config->layer_norm_eps,
                             el_dropout_at(in, config->hidden_dropout_prob, layer, EL_DROP_ATTENTION));
    return y;
}

void el_attention_block_backward(el_queue *q, const el_config *config, const el_attention_weights *w,
                                 const el_attention_weights *g, const el_attention_saved *s,
                                 const el_encoder_saved *scratch, const el_input *in, int layer,
                                 el_tensor sines, el_tensor x, el_tensor d)
{
    const int n = in->rows;
    const el_tensor mixed = el_first(s->mixed, n);
    const el_tensor branch = el_first(scratch->narrow, n), dqkv = el_first(scratch->qkv, n);
    const el_tensor dmixed = el_first(el_tensor_cols(scratch->wide, 0, config->hidden_size), n);
    q->residual_norm_backward(q, d, branch, g->norm_gamma, g->norm_beta, d, el_first(s->sum, n),
                              el_first(s->stats, n), w->norm_gamma,
                              el_dropout_at(in, config->hidden_dropout_prob, layer, EL_DROP_ATTENTION));
    q->linear_backward_weight(q, g->out_w, g->out_b, branch, mixed);
    q->linear_backward_input(q, dmixed, branch, w->out_w, false);
    attend_backward(q, config, w, g, s, scratch, in, sines,
                    el_dropout_at(in, config->attention_probs_dropout_prob, layer, EL_DROP_PROBS), dmixed);
    q->linear_backward_weight(q, g->qkv_w, g->qkv_b, dqkv, x);
    q->linear_backward_input(q, d, dqkv, w->qkv_w, true);
}
