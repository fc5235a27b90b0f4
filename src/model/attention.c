/* attention - the first half of a layer
 *
 *   qkv = x Wqkv^T + b      mixed = attention(qkv)      branch = mixed Wout^T + b
 *   y = LayerNorm(x + dropout(branch))
 */
#include "model/layers.h"

/* Columns of the probabilities, by which their dropout is numbered. */
static int width_of(const el_config *config, const el_input *in)
{
    return in->longest ? in->longest : config->max_position_embeddings;
}

el_tensor el_attention_block_forward(el_queue *q, const el_config *config, const el_attention_weights *w,
                                     el_attention_saved *s, const el_input *in, int layer, el_tensor x)
{
    const int n = in->rows;
    const el_tensor qkv = el_first(s->qkv, n), lse = el_first(s->lse, n), mixed = el_first(s->mixed, n);
    const el_tensor sum = el_first(s->sum, n), stats = el_first(s->stats, n), y = el_first(s->y, n);
    q->linear_forward(q, qkv, x, w->qkv_w, w->qkv_b);
    q->attention_forward(q, mixed, lse, qkv, in->layout, config->num_attention_heads,
                         el_dropout_at(in, config->attention_probs_dropout_prob, layer, EL_DROP_PROBS),
                         width_of(config, in));
    q->linear_forward(q, sum, mixed, w->out_w, w->out_b);
    q->residual_norm_forward(q, y, sum, stats, x, sum, w->norm_gamma, w->norm_beta, config->layer_norm_eps,
                             el_dropout_at(in, config->hidden_dropout_prob, layer, EL_DROP_ATTENTION));
    return y;
}

void el_attention_block_backward(el_queue *q, const el_config *config, const el_attention_weights *w,
                                 const el_attention_weights *g, const el_attention_saved *s,
                                 const el_encoder_saved *scratch, const el_input *in, int layer, el_tensor x,
                                 el_tensor d)
{
    const int n = in->rows;
    const el_tensor qkv = el_first(s->qkv, n), lse = el_first(s->lse, n), mixed = el_first(s->mixed, n);
    const el_tensor branch = el_first(scratch->narrow, n), dqkv = el_first(scratch->qkv, n);
    const el_tensor dmixed = el_first(el_tensor_cols(scratch->wide, 0, config->hidden_size), n);
    q->residual_norm_backward(q, d, branch, g->norm_gamma, g->norm_beta, d, el_first(s->sum, n),
                              el_first(s->stats, n), w->norm_gamma,
                              el_dropout_at(in, config->hidden_dropout_prob, layer, EL_DROP_ATTENTION));
    q->linear_backward_weight(q, g->out_w, g->out_b, branch, mixed);
    q->linear_backward_input(q, dmixed, branch, w->out_w, false);
    q->attention_backward(q, dqkv, dmixed, mixed, lse, qkv, in->layout, config->num_attention_heads,
                          el_dropout_at(in, config->attention_probs_dropout_prob, layer, EL_DROP_PROBS),
                          width_of(config, in));
    q->linear_backward_weight(q, g->qkv_w, g->qkv_b, dqkv, x);
    q->linear_backward_input(q, d, dqkv, w->qkv_w, true);
}
