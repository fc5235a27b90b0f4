/* sentences - see the header */
#include "objective/sentences.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

static const el_head_pass PASS = {0}; /* no dropout, as the original */

el_status el_sentences_open(el_sentences *s, el_model *model, const el_network *net, int rows)
{
    const int room = rows / EL_PAIR_LEAST + 1;
    *s = (el_sentences){.model = model, .head = el_network_head(net, EL_HEAD_SENTENCES), .room = room};
    return EL_OK;
}

void el_sentences_layout(el_sentences *s, el_arena *a, const el_config *config)
{
    const el_model *m = s->model;
    s->rows = el_arena_ints(a, s->room);
    s->targets = el_arena_ints(a, s->room);
    s->guesses = el_arena_ints(a, s->room);
    s->losses = el_arena_tensor(a, m->parameters, s->room, 1);
    el_head_saved_layout(&s->saved, a, config, &s->head->config, s->room, m->activations, m->parameters);
}

void el_sentences_close(el_sentences *s)
{
    el_host_release(&s->host);
    *s = (el_sentences){0};
}

void el_sentences_reset(el_sentences *s)
{
    s->first = s->end = 0;
    s->loss = 0;
    s->pairs = s->right = 0;
}

static void lay_out_host(void *context, el_arena *a, int n)
{
    el_sentences *s = context;
    s->host_rows = el_arena_ints(a, n);
    s->host_targets = el_arena_ints(a, n);
    s->host_guesses = el_arena_ints(a, n);
    s->host_losses = el_arena_tensor(a, s->model->parameters, n, 1);
}

el_status el_sentences_begin(el_sentences *s, const el_pairs *pairs)
{
    assert(s->first == s->end && "what is fetched is counted");
    s->first = s->end = 0;
    return el_host_reserve(&s->host, pairs->asked, lay_out_host, s);
}

void el_sentences_ledger(el_sentences *s, el_ledger *ledger)
{
    el_ledger_sum(ledger, &s->loss);
    el_ledger_count(ledger, &s->pairs);
    el_ledger_count(ledger, &s->right);
}

/* The rows of [CLS] of what is asked, and the labels; how many. */
static int send(el_sentences *s, const el_pairs *pairs, int first, int last)
{
    el_queue *q = s->model->q;
    int n = 0;
    for (int i = first; i < last; i++)
        if (pairs->labels[i] >= 0) {
            s->host_rows[n] = pairs->batch.starts[i] - pairs->batch.starts[first];
            s->host_targets[s->end + n++] = pairs->labels[i];
        }
    assert(n <= s->room && s->end + n <= s->host.room);
    q->send(q, s->rows, s->host_rows, (size_t)n * sizeof(int));
    q->send(q, s->targets, s->host_targets + s->end, (size_t)n * sizeof(int));
    return n;
}

/* What is counted of a range. */
static void fetch(el_sentences *s, el_tensor losses)
{
    el_queue *q = s->model->q;
    q->fetch(q, s->host_guesses + s->end, s->guesses, (size_t)losses.rows * sizeof(int));
    q->fetch(q, el_tensor_rows(s->host_losses, s->end, losses.rows).data, losses.data,
             el_tensor_bytes(losses.rows, 1, losses.type));
    s->end += losses.rows;
}

void el_sentences_count(el_sentences *s)
{
    for (int i = s->first; i < s->end; i++) {
        s->loss += el_get(s->host_losses, i, 0);
        s->right += s->host_guesses[i] == s->host_targets[i];
    }
    s->pairs += s->end - s->first;
    s->first = s->end;
}

void el_sentences_run(el_sentences *s, const el_pairs *pairs, int first, int last, el_tensor hidden,
                      el_tensor dhidden, bool accumulate, double scale)
{
    el_queue *q = s->model->q;
    const el_head *head = s->head;
    const int n = send(s, pairs, first, last);
    if (n == 0) {
        if (dhidden.data && !accumulate)
            q->zero(q, dhidden);
        return;
    }
    const el_tensor losses = el_tensor_rows(s->losses, 0, n);
    const el_tensor logits =
        el_head_forward(q, &head->config, &head->task.w, &s->saved, hidden, s->rows, n, &PASS);
    q->softmax_loss(q, losses, s->guesses, NULL, dhidden.data ? logits : el_tensor_none(), logits, s->targets,
                    NULL, NULL, scale);
    if (dhidden.data)
        el_head_backward(q, &head->config, &head->task.w, &head->task.g, &s->saved, dhidden, logits, s->rows,
                         &PASS, accumulate);
    fetch(s, losses);
}

static double mean(double sum, int64_t count)
{
    return count > 0 ? sum / (double)count : NAN;
}

double el_sentences_loss(const el_sentences *s)
{
    return mean(s->loss, s->pairs);
}

double el_sentences_accuracy(const el_sentences *s)
{
    return mean((double)s->right, s->pairs);
}
