/* asked - what a network of a model says about every row of a batch, for tests */
#ifndef TEST_OBJECTIVE_ASKED_H
#define TEST_OBJECTIVE_ASKED_H

#include "model/model.h"
#include "objective/batches.h"
#include "ops/distant.h"
#include "train/feed.h"

/* (rows, H) of the last layer, or with `logits` (rows, V) of the masked-language-model head; on the heap. */
static inline double *ask(el_model *model, const el_network *net, const el_batch *batch, bool logits)
{
    el_queue *q = model->q;
    const el_config *c = &net->config;
    el_arena arena = {0};
    el_feed feed = {0};
    el_encoder_saved encoder = {0};
    el_mlm_saved head = {0};
    int *rows = NULL, *host_rows = malloc((size_t)batch->rows * sizeof *host_rows);
    assert_int_equal(el_feed_open(&feed, batch->rows), EL_OK);
    for (int pass = 0; pass < 2; pass++) {
        el_feed_layout(&feed, &arena, batch->rows);
        rows = el_arena_ints(&arena, batch->rows);
        el_mlm_saved_layout(&head, &arena, c, batch->rows, model->activations, model->parameters, false);
        assert_int_equal(el_encoder_saved_layout(&encoder, &arena, c, batch->rows, model->activations,
                                                 model->parameters, false),
                         EL_OK);
        if (pass == 0)
            assert_int_equal(el_device_reserve(q->dev, &arena), EL_OK);
    }
    for (int i = 0; i < batch->rows; i++)
        host_rows[i] = i;
    const el_input in = el_feed_send(&feed, q, batch, 0, batch->sequences, false, (el_random){0});
    el_feed_send_ids(&feed, q, batch->ids, batch->rows);
    q->send(q, rows, host_rows, (size_t)batch->rows * sizeof *rows);
    el_tensor said = el_encoder_forward(q, c, &net->w, &encoder, &in);
    if (logits)
        said =
            el_mlm_forward(q, c, &el_network_head(net, EL_HEAD_MLM)->mlm.w, &head, said, rows, batch->rows);
    double *values = malloc((size_t)said.rows * (size_t)said.cols * sizeof *values);
    for (int i = 0; i < said.rows; i++)
        for (int j = 0; j < said.cols; j++)
            values[i * said.cols + j] = distant_get(q, said, i, j);
    el_encoder_saved_release(&encoder);
    el_device_release(q->dev, &arena);
    el_feed_close(&feed);
    free(host_rows);
    return values;
}

/* (sequences, 2) of the head that is asked of pairs of segments; on the heap. */
static inline double *ask_sentences(el_model *model, const el_network *net, const el_batch *batch)
{
    el_queue *q = model->q;
    const int width = net->config.hidden_size, n = batch->sequences;
    const el_head *const head = el_network_head(net, EL_HEAD_SENTENCES);
    const el_head_pass pass = {0};
    double *const states = ask(model, net, batch, false), *const values =
                                                              malloc(2 * (size_t)n * sizeof *values);
    el_arena arena = {0};
    el_head_saved saved;
    el_tensor hidden = {0};
    int *rows = NULL;
    for (int round = 0; round < 2; round++) {
        hidden = el_arena_tensor(&arena, model->activations, batch->rows, width);
        rows = el_arena_ints(&arena, n);
        el_head_saved_layout(&saved, &arena, &net->config, &head->config, n, model->activations,
                             model->parameters);
        if (round == 0)
            assert_int_equal(el_device_reserve(q->dev, &arena), EL_OK);
    }
    for (int i = 0; i < batch->rows * width; i++)
        distant_set(q, hidden, i / width, i % width, states[i]);
    q->send(q, rows, batch->starts, (size_t)n * sizeof *rows);
    const el_tensor logits = el_head_forward(q, &head->config, &head->task.w, &saved, hidden, rows, n, &pass);
    for (int i = 0; i < 2 * n; i++)
        values[i] = distant_get(q, logits, i / 2, i % 2);
    el_device_release(q->dev, &arena);
    free(states);
    return values;
}

/* -log softmax(logits)[target] */
static inline double loss_at(const double *logits, int count, int target)
{
    double top = -INFINITY, sum = 0;
    for (int i = 0; i < count; i++)
        top = fmax(top, logits[i]);
    for (int i = 0; i < count; i++)
        sum += exp(logits[i] - top);
    return top + log(sum) - logits[target];
}

#endif
