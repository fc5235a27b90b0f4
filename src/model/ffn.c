/* ffn - the second half of a layer
 *
 *   up = x Wup^T + b      act = gelu(up)      branch = act Wdown^T + b
 *   y = LayerNorm(x + dropout(branch))
 *
 * The backward makes act again from up, with gelu'(up), which costs less than keeping either for every layer.
 */
#include "model/layers.h"

el_tensor el_ffn_block_forward(el_queue *q, const el_config *config, const el_ffn_weights *w, el_ffn_saved *s,
                               const el_input *in, int layer, el_tensor x)
{
    const int n = in->rows;
    const el_tensor up = el_first(s->up, n), act = el_first(s->act, n);
    const el_tensor sum = el_first(s->sum, n), stats = el_first(s->stats, n), y = el_first(s->y, n);
    q->linear_gelu_forward(q, act, el_tensor_none(), up, x, w->up_w, w->up_b);
    q->linear_forward(q, sum, act, w->down_w, w->down_b);
    q->residual_norm_forward(q, y, sum, stats, x, sum, w->norm_gamma, w->norm_beta, config->layer_norm_eps,
                             el_dropout_at(in, config->hidden_dropout_prob, layer, EL_DROP_FFN));
    return y;
}

void el_ffn_block_backward(el_queue *q, const el_config *config, const el_ffn_weights *w,
                           const el_ffn_weights *g, const el_ffn_saved *s, const el_encoder_saved *scratch,
                           const el_input *in, int layer, el_tensor x, el_tensor d)
{
    const int n = in->rows;
    const el_tensor branch = el_first(scratch->narrow, n);
    const el_tensor dup = el_first(el_tensor_cols(scratch->wide, 0, config->intermediate_size), n);
    const el_tensor act = el_first(s->act, n);
    q->residual_norm_backward(q, d, branch, g->norm_gamma, g->norm_beta, d, el_first(s->sum, n),
                              el_first(s->stats, n), w->norm_gamma,
                              el_dropout_at(in, config->hidden_dropout_prob, layer, EL_DROP_FFN));
    q->linear_backward_input(q, dup, branch, w->down_w, false);
    q->gelu_again(q, act, dup, dup, el_first(s->up, n));
    q->linear_backward_weight(q, g->down_w, g->down_b, branch, act);
    q->linear_backward_weight(q, g->up_w, g->up_b, dup, x);
    q->linear_backward_input(q, d, dup, w->up_w, true);
}
