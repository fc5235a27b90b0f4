/* halves - see the header */
#include "task/learn/halves.h"

#include <stdlib.h>

#include "model/layers.h"
#include "task/learn/family.h"

static const el_network *backwards(const el_learner *l)
{
    return el_model_network(l->base.model, EL_BACKWARD);
}

el_status el_halves_open(el_learner *l)
{
    el_halves *h = &l->halves;
    if (!el_learner_joins(l))
        return EL_OK;
    h->host_rows = malloc((size_t)l->rows * sizeof *h->host_rows);
    return h->host_rows ? el_feed_open(&h->feed, l->rows)
                        : el_fail(EL_ENOMEM, "no memory for %d rows of a second network", l->rows);
}

el_status el_halves_lay_out(el_learner *l)
{
    el_halves *h = &l->halves;
    const el_model *m = l->base.model;
    if (!el_learner_joins(l))
        return EL_OK;
    const el_config *c = &backwards(l)->config;
    el_feed_layout(&h->feed, &l->arena, l->rows);
    h->rows = el_arena_ints(&l->arena, l->rows);
    h->joined = el_arena_tensor(&l->arena, m->activations, l->rows, 2 * c->hidden_size);
    if (m->training) {
        h->djoined = el_arena_tensor(&l->arena, m->activations, l->rows, 2 * c->hidden_size);
        h->dhidden = el_arena_tensor(&l->arena, m->activations, l->rows, c->hidden_size);
    }
    return el_encoder_saved_layout(&h->encoder, &l->arena, c, l->rows, m->activations, m->parameters,
                                   m->training);
}

void el_halves_close(el_learner *l)
{
    el_encoder_saved_release(&l->halves.encoder);
    el_feed_close(&l->halves.feed);
    el_batch_release(&l->halves.text);
    free(l->halves.host_rows);
}

el_status el_halves_begin(el_learner *l, const el_batch *batch)
{
    if (!el_learner_joins(l))
        return EL_OK;
    const el_status st = el_batch_copy(&l->halves.text, batch, true);
    if (!st)
        el_batch_limit(&l->halves.text);
    return st;
}

/* The rows beside those of sequences [first, last), over to the device. */
static void send_rows(el_learner *l, int first, int last)
{
    el_halves *h = &l->halves;
    const el_batch *const b = &h->text;
    const int first_row = b->starts[first];
    for (int s = first; s < last; s++) {
        int *const rows = h->host_rows + b->starts[s] - first_row;
        const int count = b->starts[s + 1] - b->starts[s];
        for (int i = 0; i < count; i++)
            rows[i] = b->starts[s + 1] - 1 - i - first_row;
        if (l->family->pair)
            l->family->pair(l, b->numbers[s], rows);
    }
    l->base.model->q->send(l->base.model->q, h->rows, h->host_rows,
                           (size_t)(b->starts[last] - first_row) * sizeof *h->rows);
}

el_tensor el_halves_forward(el_learner *l, int first, int last, bool training, el_tensor hidden)
{
    el_halves *h = &l->halves;
    const el_model *m = l->base.model;
    const el_network *net = backwards(l);
    const el_tensor joined = el_first(h->joined, hidden.rows);
    h->in = el_feed_send(&h->feed, m->q, &h->text, first, last, training, l->random);
    h->in.random.stream = EL_STREAM_THIRD_NETWORK; /* the head has the second's */
    h->in.watch = m->watch;
    el_feed_send_ids(&h->feed, m->q, h->text.ids + h->text.starts[first], h->in.rows);
    send_rows(l, first, last);
    const el_tensor other = el_encoder_forward(m->q, &net->config, &net->w, &h->encoder, &h->in);
    m->q->copy(m->q, el_tensor_cols(joined, 0, hidden.cols), hidden);
    m->q->gather_forward(m->q, el_tensor_cols(joined, hidden.cols, hidden.cols), other, h->rows);
    return joined;
}

el_tensor el_halves_gradient(const el_learner *l, int rows)
{
    return l->halves.djoined.data ? el_first(l->halves.djoined, rows) : el_tensor_none();
}

void el_halves_split(el_learner *l, el_tensor dhidden)
{
    el_queue *q = l->base.model->q;
    const int rows = dhidden.rows, width = dhidden.cols;
    const el_tensor djoined = el_first(l->halves.djoined, rows);
    q->copy(q, dhidden, el_tensor_cols(djoined, 0, width));
    q->gather_backward(q, el_first(l->halves.dhidden, rows), el_tensor_cols(djoined, width, width),
                       l->halves.rows, false);
}

void el_halves_backward(el_learner *l)
{
    const el_halves *h = &l->halves;
    const el_network *net = backwards(l);
    el_encoder_backward(l->base.model->q, &net->config, &net->w, &net->g, &l->halves.encoder, &h->in,
                        el_first(h->dhidden, h->in.rows));
}
