/* ffn - the second half of a layer
 *
 *   up = x Wup^T + b      act = gelu(up)      branch = act Wdown^T + b
 *   y = LayerNorm(x + dropout(branch))
 *
 * In training the place of `up` keeps gelu'(up) for the backward.
 */
#include "model/layers.h"

el_tensor el_ffn_block_forward(el_device *dev, const el_config *config, const el_ffn_weights *w,
                               el_ffn_saved *s, const el_input *in, int layer, el_tensor x)
{
    const int n = in->rows;
    const el_tensor up = el_first(s->up, n), act = el_first(s->act, n);
    const el_tensor sum = el_first(s->sum, n), stats = el_first(s->stats, n), y = el_first(s->y, n);
    dev->linear_gelu_forward(dev, act, el_first(s->slope, n), up, x, w->up_w, w->up_b);
    dev->linear_forward(dev, sum, act, w->down_w, w->down_b);
    dev->residual_norm_forward(dev, y, sum, stats, x, sum, w->norm_gamma, w->norm_beta,
                               config->layer_norm_eps,
                               el_dropout_at(in, config->hidden_dropout_prob, layer, EL_DROP_FFN));
    return y;
}

void el_ffn_block_backward(el_device *dev, const el_config *config, const el_ffn_weights *w,
                           const el_ffn_weights *g, const el_ffn_saved *s, const el_encoder_saved *scratch,
                           const el_input *in, int layer, el_tensor x, el_tensor d)
{
    const int n = in->rows;
    const el_tensor branch = el_first(scratch->narrow, n), dup = el_first(scratch->wide, n);
    dev->residual_norm_backward(dev, d, branch, g->norm_gamma, g->norm_beta, d, el_first(s->sum, n),
                                el_first(s->stats, n), w->norm_gamma,
                                el_dropout_at(in, config->hidden_dropout_prob, layer, EL_DROP_FFN));
    dev->linear_backward_weight(dev, g->down_w, g->down_b, branch, el_first(s->act, n));
    dev->linear_backward_input(dev, dup, branch, w->down_w, false);
    dev->gelu_backward(dev, dup, dup, el_first(s->slope, n));
    dev->linear_backward_weight(dev, g->up_w, g->up_b, dup, x);
    dev->linear_backward_input(dev, d, dup, w->up_w, true);
}
