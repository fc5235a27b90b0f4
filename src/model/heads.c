/* heads - see the header */
#include "model/heads.h"

#include "model/layers.h"

void el_mlm_saved_layout(el_mlm_saved *s, el_arena *a, const el_config *c, int slots, el_type act,
                         el_type par, bool training)
{
    s->gathered = el_arena_tensor(a, act, slots, c->hidden_size);
    s->logits = el_arena_rows(a, act, slots, c->vocab_size);
    if (training)
        s->hidden = el_arena_tensor(a, act, slots, c->hidden_size);
    if (el_config_relative(c))
        return;
    s->slope = el_arena_tensor(a, act, slots, c->embedding_size);
    s->act = el_arena_tensor(a, act, slots, c->embedding_size);
    s->stats = el_arena_tensor(a, par, slots, 2);
    s->normed = el_arena_tensor(a, act, slots, c->embedding_size);
    if (training)
        s->thin = el_arena_tensor(a, act, slots, c->embedding_size);
}

/* From what was gathered on. */
static el_tensor predict(el_queue *q, const el_config *config, const el_mlm_weights *w, el_mlm_saved *s,
                         int n)
{
    const el_tensor x = el_first(s->gathered, n), pre = el_first(s->slope, n), act = el_first(s->act, n);
    const el_tensor normed = el_first(s->normed, n), logits = el_first(s->logits, n);
    if (!w->dense_w.data) {
        q->linear_forward(q, logits, x, w->word, w->bias);
        return logits;
    }
    q->linear_gelu_forward(q, act, pre, pre, x, w->dense_w, w->dense_b);
    q->layer_norm_forward(q, normed, el_first(s->stats, n), act, w->norm_gamma, w->norm_beta,
                          config->layer_norm_eps);
    q->linear_forward(q, logits, normed, w->word, w->bias);
    return logits;
}

el_tensor el_mlm_forward(el_queue *q, const el_config *config, const el_mlm_weights *w, el_mlm_saved *s,
                         el_tensor hidden, const int *rows, int n)
{
    q->gather_forward(q, el_first(s->gathered, n), hidden, rows);
    return predict(q, config, w, s, n);
}

el_tensor el_cloze_forward(el_queue *q, const el_config *config, const el_mlm_weights *w, el_mlm_saved *s,
                           el_tensor left, el_tensor right, const int *left_rows, const int *right_rows,
                           int n)
{
    const el_tensor x = el_first(s->gathered, n);
    q->gather_forward(q, el_tensor_cols(x, 0, left.cols), left, left_rows);
    q->gather_forward(q, el_tensor_cols(x, left.cols, right.cols), right, right_rows);
    return predict(q, config, w, s, n);
}

/* Back to the gradient of what was gathered. */
static el_tensor predict_backward(el_queue *q, const el_mlm_weights *w, const el_mlm_weights *g,
                                  el_mlm_saved *s, el_tensor dlogits)
{
    const int n = dlogits.rows;
    const el_tensor d = el_first(s->thin, n), dx = el_first(s->hidden, n);
    if (!w->dense_w.data) {
        q->linear_backward_weight(q, g->word, g->bias, dlogits, el_first(s->gathered, n));
        q->linear_backward_input(q, dx, dlogits, w->word, false);
        return dx;
    }
    q->linear_backward_weight(q, g->word, g->bias, dlogits, el_first(s->normed, n));
    q->linear_backward_input(q, d, dlogits, w->word, false);
    q->layer_norm_backward(q, d, g->norm_gamma, g->norm_beta, d, el_first(s->act, n), el_first(s->stats, n),
                           w->norm_gamma);
    q->gelu_backward(q, d, d, el_first(s->slope, n));
    q->linear_backward_weight(q, g->dense_w, g->dense_b, d, el_first(s->gathered, n));
    q->linear_backward_input(q, dx, d, w->dense_w, false);
    return dx;
}

void el_mlm_backward(el_queue *q, const el_mlm_weights *w, const el_mlm_weights *g, el_mlm_saved *s,
                     el_tensor dhidden, el_tensor dlogits, const int *rows, bool accumulate)
{
    q->gather_backward(q, dhidden, predict_backward(q, w, g, s, dlogits), rows, accumulate);
}

void el_cloze_backward(el_queue *q, const el_mlm_weights *w, const el_mlm_weights *g, el_mlm_saved *s,
                       el_tensor dleft, el_tensor dright, el_tensor dlogits, const int *left_rows,
                       const int *right_rows, bool accumulate)
{
    const el_tensor dx = predict_backward(q, w, g, s, dlogits);
    q->gather_backward(q, dleft, el_tensor_cols(dx, 0, dleft.cols), left_rows, accumulate);
    q->gather_backward(q, dright, el_tensor_cols(dx, dleft.cols, dright.cols), right_rows, accumulate);
}

void el_rtd_saved_layout(el_rtd_saved *s, el_arena *a, const el_config *c, int rows, el_type act)
{
    s->slope = el_arena_tensor(a, act, rows, c->hidden_size);
    s->act = el_arena_tensor(a, act, rows, c->hidden_size);
    s->logits = el_arena_tensor(a, act, rows, 1);
}

el_tensor el_rtd_forward(el_queue *q, const el_rtd_weights *w, el_rtd_saved *s, el_tensor hidden)
{
    const int n = hidden.rows;
    const el_tensor pre = el_first(s->slope, n), act = el_first(s->act, n), logits = el_first(s->logits, n);
    s->hidden = hidden;
    q->linear_gelu_forward(q, act, pre, pre, hidden, w->dense_w, w->dense_b);
    q->linear_forward(q, logits, act, w->out_w, w->out_b);
    return logits;
}

void el_rtd_backward(el_queue *q, const el_rtd_weights *w, const el_rtd_weights *g, el_rtd_saved *s,
                     el_tensor dhidden, el_tensor dlogits, bool accumulate)
{
    const int n = dlogits.rows;
    const el_tensor act = el_first(s->act, n), d = act; /* act's place is free once out_w has its gradient */
    q->linear_backward_weight(q, g->out_w, g->out_b, dlogits, act);
    q->linear_backward_input(q, d, dlogits, w->out_w, false);
    q->gelu_backward(q, d, d, el_first(s->slope, n));
    q->linear_backward_weight(q, g->dense_w, g->dense_b, d, s->hidden);
    q->linear_backward_input(q, dhidden, d, w->dense_w, accumulate);
}
