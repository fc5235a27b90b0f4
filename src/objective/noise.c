/* noise - see the header */
#include "objective/noise.h"

#include <assert.h>

#include "objective/kinds.h"

enum { FORWARDS, BACKWARDS, BLOCK = 256 };

static const struct {
    const char *network;
    uint32_t stream;
} TOWERS[EL_TOWERS] = {{EL_GENERATOR, EL_STREAM_FIRST_NETWORK}, {EL_BACKWARD, EL_STREAM_THIRD_NETWORK}};

el_status el_noise_open(el_noise *noise, el_model *model, const el_slots *slots)
{
    const el_head *cloze = el_network_head(el_model_network(model, EL_GENERATOR), EL_HEAD_CLOZE);
    *noise = (el_noise){.model = model, .w = &cloze->mlm.w, .g = &cloze->mlm.g};
    el_status st = EL_OK;
    for (int i = 0; !st && i < EL_TOWERS; i++) {
        noise->towers[i].net = el_model_network(model, TOWERS[i].network);
        noise->towers[i].stream = TOWERS[i].stream;
        st = el_feed_open(&noise->towers[i].feed, slots->room);
    }
    return st;
}

void el_noise_layout(el_noise *noise, el_arena *a, const el_slots *slots)
{
    const int rows = slots->room;
    for (int i = 0; i < EL_TOWERS; i++)
        el_feed_layout(&noise->towers[i].feed, a, rows);
    noise->targets = el_arena_ints(a, rows + 1);
    noise->guesses = el_arena_ints(a, rows + 1);
    noise->samples = el_arena_ints(a, rows + 1);
    noise->losses = el_arena_tensor(a, noise->model->parameters, 2 * rows + 1, 1);
}

el_status el_noise_layout_towers(el_noise *noise, el_arena *a, const el_slots *slots)
{
    const el_model *m = noise->model;
    const int rows = slots->room;
    el_config wide = noise->towers[FORWARDS].net->config;
    el_status st = EL_OK;
    for (int i = 0; !st && i < EL_TOWERS; i++) {
        el_tower *t = &noise->towers[i];
        t->rows = el_arena_ints(a, rows + 1);
        t->dhidden = el_arena_tensor(a, m->activations, rows, wide.hidden_size);
        st = el_encoder_saved_layout(&t->encoder, a, &t->net->config, rows, m->activations, m->parameters,
                                     m->training);
    }
    wide.hidden_size *= EL_TOWERS; /* what the head reads */
    el_mlm_saved_layout(&noise->head, a, &wide, BLOCK, m->activations, m->parameters, m->training);
    return st;
}

static void lay_out_host(void *context, el_arena *a, int n)
{
    el_noise *noise = context;
    noise->starts = el_arena_ints(a, n + 1);
    noise->places = el_arena_ints(a, n);
    noise->guessed = el_arena_ints(a, n);
    noise->drawn = el_arena_ints(a, n);
    noise->host_losses = el_arena_tensor(a, noise->model->parameters, n, 1);
    noise->host_targets = el_arena_ints(a, n);
    for (int i = 0; i < EL_TOWERS; i++)
        noise->towers[i].host_rows = el_arena_ints(a, n);
}

void el_noise_close(el_noise *noise)
{
    for (int i = 0; i < EL_TOWERS; i++) {
        el_encoder_saved_release(&noise->towers[i].encoder);
        el_feed_close(&noise->towers[i].feed);
        el_batch_release(&noise->towers[i].text);
    }
    el_host_release(&noise->host);
    *noise = (el_noise){0};
}

void el_noise_reset(el_noise *noise)
{
    noise->first = noise->end = 0;
    noise->loss = 0;
    noise->candidates = noise->right = noise->sampled = noise->lucky = 0;
}

void el_noise_ledger(el_noise *noise, el_ledger *ledger)
{
    el_ledger_sum(ledger, &noise->loss);
    el_ledger_count(ledger, &noise->candidates);
    el_ledger_count(ledger, &noise->right);
    el_ledger_count(ledger, &noise->sampled);
    el_ledger_count(ledger, &noise->lucky);
}

/* Whether row `at` of a sequence of n is one that q is asked about. */
static bool is_candidate(const el_vocab *v, int id, int at, int n)
{
    return at > 0 && at + 1 < n && id != v->cls && id != v->sep && id != v->mask;
}

static void count_candidates(el_noise *noise, const el_batch *batch, const el_vocab *vocab)
{
    int count = 0;
    for (int s = 0; s < batch->sequences; s++) {
        const int first = batch->starts[s], n = batch->starts[s + 1] - first;
        noise->starts[s] = count;
        for (int i = 0; i < n; i++)
            count += is_candidate(vocab, batch->ids[first + i], i, n);
    }
    noise->starts[batch->sequences] = count;
}

el_status el_noise_begin(el_noise *noise, const el_slots *slots)
{
    const el_batch *batch = slots->batch;
    assert(noise->first == noise->end && "what is fetched is counted");
    noise->first = noise->end = 0;
    el_status st = el_host_reserve(&noise->host, batch->rows, lay_out_host, noise);
    if (!st)
        count_candidates(noise, batch, slots->vocab);
    for (int i = 0; !st && i < EL_TOWERS; i++) {
        st = el_batch_copy(&noise->towers[i].text, batch, i == BACKWARDS);
        if (!st)
            el_batch_limit(&noise->towers[i].text);
    }
    return st;
}

int el_noise_candidates(const el_noise *noise, const el_slots *slots)
{
    return noise->starts[slots->batch->sequences];
}

int el_noise_place(const el_noise *noise, const el_slots_range *r, int first, int row)
{
    const int place = noise->places[r->first_row + row];
    return place < 0 ? -1 : place - noise->starts[first];
}

/* Which rows know what stands beside each candidate; how many candidates there are. */
static int find_candidates(el_noise *noise, const el_slots *slots, const el_slots_range *r, int first,
                           int last)
{
    const el_batch *b = slots->batch;
    int count = 0;
    for (int s = first; s < last; s++) {
        const int start = b->starts[s], n = b->starts[s + 1] - start, from = start - r->first_row;
        for (int i = 0; i < n; i++) {
            const bool asked = is_candidate(slots->vocab, b->ids[start + i], i, n);
            noise->places[start + i] = asked ? noise->starts[first] + count : -1;
            if (!asked)
                continue;
            noise->host_targets[count] = b->ids[start + i];
            noise->towers[FORWARDS].host_rows[count] = from + i - 1;
            noise->towers[BACKWARDS].host_rows[count++] = from + n - 2 - i; /* of i + 1, read backwards */
        }
    }
    return count;
}

static void run_tower(el_tower *t, const el_slots *slots, const el_slots_range *r, int first, int last,
                      int candidates)
{
    el_queue *q = slots->q;
    t->in = el_feed_send(&t->feed, q, &t->text, first, last, r->training, slots->random);
    t->in.random.stream = t->stream;
    el_feed_send_ids(&t->feed, q, t->text.ids + r->first_row, r->rows);
    q->send(q, t->rows, t->host_rows, (size_t)candidates * sizeof *t->rows);
    t->hidden = el_encoder_forward(q, &t->net->config, &t->net->w, &t->encoder, &t->in);
}

/* The head takes n candidates from `first` on, of `all` that the range has. */
static void guess_block(el_noise *noise, el_queue *q, const el_slots_range *r, int first, int n, int all,
                        el_sampling sampling, double scale)
{
    el_tower *left = &noise->towers[FORWARDS], *right = &noise->towers[BACKWARDS];
    const el_tensor none = el_tensor_none();
    const el_tensor logits = el_cloze_forward(q, &left->net->config, noise->w, &noise->head, left->hidden,
                                              right->hidden, left->rows + first, right->rows + first, n);
    sampling.first_row += (uint64_t)first;
    q->softmax_loss(q, el_tensor_rows(noise->losses, first, n), noise->guesses + first,
                    noise->samples + first, none, logits, noise->targets + first, NULL, &sampling, 0);
    q->softmax_loss(q, el_tensor_rows(noise->losses, all + first, n), NULL, NULL, none, logits,
                    noise->samples + first, NULL, NULL, 0);
    if (!r->training)
        return;
    q->softmax_loss(q, none, NULL, NULL, logits, logits, noise->targets + first, NULL, NULL, scale);
    el_cloze_backward(q, noise->w, noise->g, &noise->head, el_tensor_rows(left->dhidden, 0, r->rows),
                      el_tensor_rows(right->dhidden, 0, r->rows), logits, left->rows + first,
                      right->rows + first, first > 0);
}

static void fetch(el_noise *noise, el_queue *q, int from, int candidates)
{
    const size_t ints = (size_t)candidates * sizeof(int);
    q->fetch(q, noise->guessed + from, noise->guesses, ints);
    q->fetch(q, noise->drawn + from, noise->samples, ints);
    q->fetch(q, el_tensor_rows(noise->host_losses, from, candidates).data, noise->losses.data,
             el_tensor_bytes(candidates, 1, noise->losses.type));
}

int el_noise_run(el_noise *noise, const el_slots *slots, const el_slots_range *r, int first, int last,
                 const el_sampling *sampling, double weight)
{
    el_queue *q = slots->q;
    const int candidates = find_candidates(noise, slots, r, first, last);
    el_sampling numbered = *sampling;
    numbered.first_row = (uint64_t)noise->starts[first];
    assert((noise->first == noise->end || noise->end == first) && "ranges follow each other");
    noise->first = noise->first == noise->end ? first : noise->first;
    noise->end = last;
    if (!candidates)
        return 0;
    for (int i = 0; i < EL_TOWERS; i++)
        run_tower(&noise->towers[i], slots, r, first, last, candidates);
    q->send(q, noise->targets, noise->host_targets, (size_t)candidates * sizeof *noise->targets);
    for (int at = 0; at < candidates; at += BLOCK)
        guess_block(noise, q, r, at, candidates - at < BLOCK ? candidates - at : BLOCK, candidates, numbered,
                    weight / el_noise_candidates(noise, slots));
    fetch(noise, q, noise->starts[first], candidates);
    for (int i = 0; r->training && i < EL_TOWERS; i++) {
        el_tower *t = &noise->towers[i];
        el_encoder_backward(q, &t->net->config, &t->net->w, &t->net->g, &t->encoder, &t->in,
                            el_tensor_rows(t->dhidden, 0, r->rows));
    }
    return candidates;
}

static void count_slots(el_noise *noise, const el_slots *slots)
{
    const el_corruption *const c = &slots->corruption;
    for (int i = c->starts[noise->first]; i < c->starts[noise->end]; i++) {
        const int place = noise->places[c->rows[i]];
        if (place < 0)
            continue;
        noise->lucky += noise->drawn[place] == c->targets[i];
        noise->sampled++;
    }
}

void el_noise_count(el_noise *noise, const el_slots *slots)
{
    const el_batch *b = slots->batch;
    for (int row = b->starts[noise->first]; row < b->starts[noise->end]; row++) {
        const int place = noise->places[row];
        if (place < 0)
            continue;
        noise->loss += el_get(noise->host_losses, place, 0);
        noise->right += noise->guessed[place] == b->ids[row];
        noise->candidates++;
    }
    count_slots(noise, slots);
    noise->first = noise->end;
}

static double share(double part, int64_t whole)
{
    return whole ? part / (double)whole : 0;
}

double el_noise_loss(const el_noise *noise)
{
    return share(noise->loss, noise->candidates);
}

double el_noise_accuracy(const el_noise *noise)
{
    return share((double)noise->right, noise->candidates);
}

double el_noise_sampled(const el_noise *noise)
{
    return share((double)noise->lucky, noise->sampled);
}
