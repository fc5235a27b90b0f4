/* electric - energies of tokens, told from noise (Clark et al., EMNLP 2020); and ELECTRA with the same noise
 *
 *   q(x_t | the others)   noise: an encoder that reads forwards and one that reads backwards see the text as it is; the states
 *                         before and behind position t, side by side, guess what stands there.  A "two-tower" cloze model.
 *   E(x)_t                the detection head's number: exp(-E) is, up to nothing, the probability of x_t among the others
 *
 *   k slots hold samples of q.  Each token is noise (1, also where the sample is right) or not (0), by the logit
 *       z_t = E_t + log q(token that stands there) + log(m / (1 - m)),   m = mask_prob,   q without a gradient
 *   loss = gen_weight * mean of -log q(original) + disc_weight * mean of logistic loss of z,   over all ordinary tokens
 *
 * [CLS], [SEP] and [MASK] are no part of either mean: q knows nothing of them.  (The authors' code has them in the second, where
 * E learns to cancel what q says there.)  The noise ratio is in the logit, so the best E is -log p(x_t | the others), normalised.
 *
 * ELECTRA-TT is electra with q as generator: logit and labels are electra's, over all tokens, and the first mean is that of
 * here.  Then appendix G's formula gives scores of all tokens in one pass.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "objective/detector.h"
#include "objective/kinds.h"

enum { FORWARDS, BACKWARDS, TOWERS, BLOCK = 256 };

/* One direction: its text, its network, and which of its rows knows of each candidate's place. */
typedef struct {
    const el_network *net;
    uint32_t stream; /* of its dropout */
    el_batch text;
    el_feed feed;
    el_encoder_saved encoder;
    el_tensor hidden, dhidden;
    el_input in;
    int *rows, *host_rows; /* on the device; on the host */
} tower;

typedef struct {
    el_objective base;
    el_objective_settings settings;
    bool energies; /* else ELECTRA-TT */
    el_arena arena;
    el_slots slots;
    el_detector discriminator;
    tower towers[TOWERS];
    const el_mlm_weights *w, *g; /* of the cloze head */
    el_mlm_saved head;
    /* on the device, of a range's candidates: -log q of the originals, and behind them of the samples */
    el_tensor losses;
    int *targets, *guesses, *samples;
    int *sources; /* on the device: of each row or slot, the place of its loss or sample, or -1 */
    /* on the host, of a range */
    int *host_targets, *host_sources;
    float *labels;
    /* of the batch, whose sequences [first, end) are fetched and not yet counted */
    int *starts, start_room;           /* candidates before each sequence */
    int *places, *guessed, *drawn;     /* of a row its candidate, or -1; of candidates (one block) */
    el_tensor original_losses, chosen; /* of candidates; of rows: what was added to energies */
    int first, end, host_room;
    double noise_loss, energy; /* sums since reset: over candidates; over originals */
    int64_t candidates, right, lucky, drawn_count, originals;
} electric;

static const char *const FIGURES[] = {"loss",
                                      "generator_loss",
                                      "generator_accuracy",
                                      "sampled_accuracy",
                                      "unigram_entropy",
                                      "discriminator_loss",
                                      "discriminator_accuracy",
                                      "discriminator_auc",
                                      "discriminator_precision",
                                      "discriminator_recall",
                                      "replaced",
                                      "energy"}; /* the last: of electric alone */

static void reset(el_objective *self)
{
    electric *e = (electric *)self;
    el_slots_reset(&e->slots);
    el_detector_reset(&e->discriminator);
    e->first = e->end = 0;
    e->noise_loss = e->energy = 0;
    e->candidates = e->right = e->lucky = e->drawn_count = e->originals = 0;
}

static el_status prepare(el_objective *self, const el_batch *batch, el_random random)
{
    return el_slots_prepare(&((electric *)self)->slots, batch, random);
}

/* Whether row `at` of a sequence of n is one that q is asked about: an ordinary token with neighbours. */
static bool is_candidate(const electric *e, int id, int at, int n)
{
    const el_vocab *v = e->slots.vocab;
    return at > 0 && at + 1 < n && id != v->cls && id != v->sep && id != v->mask;
}

static el_status count_candidates(electric *e, const el_batch *batch)
{
    if (batch->sequences + 1 > e->start_room) {
        free(e->starts);
        e->start_room = batch->sequences + 1;
        e->starts = malloc((size_t)e->start_room * sizeof *e->starts);
        if (!e->starts) {
            e->start_room = 0;
            return el_fail(EL_ENOMEM, "no memory for a batch of %d sequences", batch->sequences);
        }
    }
    int count = 0;
    for (int s = 0; s < batch->sequences; s++) {
        const int first = batch->starts[s], n = batch->starts[s + 1] - first;
        e->starts[s] = count;
        for (int i = 0; i < n; i++)
            count += is_candidate(e, batch->ids[first + i], i, n);
    }
    e->starts[batch->sequences] = count;
    return EL_OK;
}

static void release_host(electric *e)
{
    free(e->places); /* one block */
    free(e->original_losses.data);
    free(e->chosen.data);
    e->places = NULL;
    e->original_losses.data = e->chosen.data = NULL;
    e->host_room = 0;
}

static el_status host_reserve(electric *e, int n)
{
    const el_type type = e->base.model->parameters;
    if (n <= e->host_room)
        return EL_OK;
    release_host(e);
    e->places = malloc(3 * (size_t)n * sizeof *e->places);
    e->original_losses = el_tensor_make(malloc(el_tensor_bytes(n, 1, type)), type, n, 1);
    e->chosen = el_tensor_make(malloc(el_tensor_bytes(n, 1, type)), type, n, 1);
    if (!e->places || !e->original_losses.data || !e->chosen.data)
        return el_fail(EL_ENOMEM, "no memory for the noise of %d tokens", n);
    e->guessed = e->places + n;
    e->drawn = e->guessed + n;
    e->host_room = n;
    return EL_OK;
}

static el_status begin(el_objective *self, const el_batch *batch, el_random random)
{
    electric *e = (electric *)self;
    assert(e->first == e->end && "what is fetched is counted");
    e->first = e->end = 0;
    el_status st = el_slots_begin(&e->slots, batch, random);
    if (!st)
        st = host_reserve(e, batch->rows);
    if (!st)
        st = el_detector_begin(&e->discriminator, batch);
    if (!st)
        st = count_candidates(e, batch);
    for (int i = 0; !st && i < TOWERS; i++) {
        st = el_batch_copy(&e->towers[i].text, batch, i == BACKWARDS);
        if (!st)
            el_batch_limit(&e->towers[i].text);
    }
    return st;
}

static int fit(el_objective *self, int first)
{
    return el_slots_fit(&((const electric *)self)->slots, first);
}

/* ---- noise ---- */

/* Which rows know what stands beside each candidate; how many candidates there are. */
static int find_candidates(electric *e, int first, int last, const el_slots_range *r)
{
    const el_batch *b = e->slots.batch;
    int count = 0;
    for (int s = first; s < last; s++) {
        const int start = b->starts[s], n = b->starts[s + 1] - start, from = start - r->first_row;
        for (int i = 0; i < n; i++) {
            const bool asked = is_candidate(e, b->ids[start + i], i, n);
            e->places[start + i] = asked ? e->starts[first] + count : -1;
            if (!asked)
                continue;
            e->host_targets[count] = b->ids[start + i];
            e->towers[FORWARDS].host_rows[count] = from + i - 1;
            e->towers[BACKWARDS].host_rows[count++] = from + n - 2 - i; /* of i + 1, read backwards */
        }
    }
    return count;
}

static void run_tower(electric *e, tower *t, int first, int last, const el_slots_range *r, int candidates)
{
    el_queue *q = e->base.model->q;
    t->in = el_feed_send(&t->feed, q, &t->text, first, last, r->training, e->slots.random);
    t->in.random.stream = t->stream;
    el_feed_send_ids(&t->feed, q, t->text.ids + r->first_row, r->rows);
    q->send(q, t->rows, t->host_rows, (size_t)candidates * sizeof *t->rows);
    t->hidden = el_encoder_forward(q, &t->net->config, &t->net->w, &t->encoder, &t->in);
}

static void guess_block(electric *e, const el_slots_range *r, int first, int n, int all, el_sampling sampling,
                        double scale)
{
    el_queue *q = e->base.model->q;
    tower *left = &e->towers[FORWARDS], *right = &e->towers[BACKWARDS];
    const el_tensor none = el_tensor_none();
    const el_tensor logits = el_cloze_forward(q, &left->net->config, e->w, &e->head, left->hidden,
                                              right->hidden, left->rows + first, right->rows + first, n);
    sampling.first_row += (uint64_t)first;
    q->softmax_loss(q, el_tensor_rows(e->losses, first, n), e->guesses + first, e->samples + first, none,
                    logits, e->targets + first, NULL, &sampling, 0);
    q->softmax_loss(q, el_tensor_rows(e->losses, all + first, n), NULL, NULL, none, logits,
                    e->samples + first, NULL, NULL, 0);
    if (!r->training)
        return;
    q->softmax_loss(q, none, NULL, NULL, logits, logits, e->targets + first, NULL, NULL, scale);
    el_cloze_backward(q, e->w, e->g, &e->head, el_tensor_rows(left->dhidden, 0, r->rows),
                      el_tensor_rows(right->dhidden, 0, r->rows), logits, left->rows + first,
                      right->rows + first, first > 0);
}

/* Guesses and samples of all candidates of a range, and what q learns. */
static void make_noise(electric *e, int first, int last, const el_slots_range *r, int candidates)
{
    el_queue *q = e->base.model->q;
    const int all = e->starts[e->slots.batch->sequences];
    el_sampling sampling = el_sampling_of(&e->settings, &e->slots, r);
    sampling.first_row = (uint64_t)e->starts[first];
    for (int i = 0; i < TOWERS; i++)
        run_tower(e, &e->towers[i], first, last, r, candidates);
    q->send(q, e->targets, e->host_targets, (size_t)candidates * sizeof *e->targets);
    for (int at = 0; at < candidates; at += BLOCK)
        guess_block(e, r, at, candidates - at < BLOCK ? candidates - at : BLOCK, candidates, sampling,
                    e->settings.gen_weight / all);
    const int from = e->starts[first];
    q->fetch(q, e->guessed + from, e->guesses, (size_t)candidates * sizeof *e->guesses);
    q->fetch(q, e->drawn + from, e->samples, (size_t)candidates * sizeof *e->samples);
    q->fetch(q, el_tensor_rows(e->original_losses, from, candidates).data, e->losses.data,
             el_tensor_bytes(candidates, 1, e->losses.type));
    for (int i = 0; r->training && i < TOWERS; i++) {
        tower *t = &e->towers[i];
        el_encoder_backward(q, &t->net->config, &t->net->w, &t->net->g, &t->encoder, &t->in,
                            el_tensor_rows(t->dhidden, 0, r->rows));
    }
}

/* ---- and what is told from it ---- */

/* The place of a range's row among the range's candidates, or -1. */
static int place_of(const electric *e, const el_slots_range *r, int first, int row)
{
    const int place = e->places[r->first_row + row];
    return place < 0 ? -1 : place - e->starts[first];
}

/* Samples in the slots; a slot that is no candidate shows its original. */
static void draw(electric *e, const el_slots_range *r, int first)
{
    el_queue *q = e->base.model->q;
    for (int i = 0; i < r->slots; i++)
        e->host_sources[i] = place_of(e, r, first, e->slots.host_rows[i]);
    q->send(q, e->sources, e->host_sources, (size_t)r->slots * sizeof(int));
    q->choose_ids(q, e->slots.samples, e->samples, e->sources, e->slots.targets, r->slots);
}

/* Labels of candidates: 1 at slots; and where -log q lies of what stands at each row. */
static void label(electric *e, const el_slots_range *r, int first, int candidates)
{
    for (int i = 0; i < r->rows; i++) {
        e->host_sources[i] = place_of(e, r, first, i);
        e->labels[i] = e->host_sources[i] < 0 ? NAN : 0;
    }
    for (int i = 0; i < r->slots; i++) {
        const int row = e->slots.host_rows[i];
        if (e->host_sources[row] < 0 || e->labels[row] > 0)
            continue;
        e->labels[row] = 1;
        e->host_sources[row] += candidates;
    }
}

/* The logits' other part: log q + log(m / (1 - m)). */
static void tell_energies(electric *e, const el_slots_range *r, int first, int candidates)
{
    el_queue *q = e->base.model->q;
    const int all = e->starts[e->slots.batch->sequences];
    const double m = el_course_at(e->settings.mask_prob, 0, el_slots_share(&e->slots, e->slots.random.step));
    const el_tensor offsets = el_tensor_rows(e->discriminator.offsets, 0, r->rows);
    label(e, r, first, candidates);
    q->send(q, e->sources, e->host_sources, (size_t)r->rows * sizeof(int));
    q->offsets(q, offsets, e->losses, e->sources, log(m / (1 - m)));
    q->fetch(q, el_tensor_rows(e->chosen, r->first_row, r->rows).data, offsets.data,
             el_tensor_bytes(r->rows, 1, offsets.type));
    el_detector_contrast(&e->discriminator, &e->slots, r, e->labels, all ? e->settings.disc_weight / all : 0);
}

static void accumulate(el_objective *self, int first, int last, bool training)
{
    electric *e = (electric *)self;
    const el_slots_range r = el_slots_send(&e->slots, first, last, training);
    const int candidates = find_candidates(e, first, last, &r);
    assert((e->first == e->end || e->end == first) && "ranges follow each other");
    e->first = e->first == e->end ? first : e->first;
    e->end = last;
    if (candidates)
        make_noise(e, first, last, &r, candidates);
    draw(e, &r, first);
    el_slots_replace(&e->slots, &r, false);
    if (e->energies)
        tell_energies(e, &r, first, candidates);
    else
        el_detector_run(&e->discriminator, &e->slots, &r, e->settings.disc_weight / e->slots.batch->rows);
}

static void count_noise(electric *e)
{
    const int *const ids = e->slots.batch->ids, *const starts = e->slots.batch->starts;
    for (int row = starts[e->first]; row < starts[e->end]; row++) {
        const int place = e->places[row];
        if (place < 0)
            continue;
        e->noise_loss += el_get(e->original_losses, place, 0);
        e->right += e->guessed[place] == ids[row];
        e->candidates++;
    }
}

static void count_slots(electric *e)
{
    const el_corruption *const c = &e->slots.corruption;
    for (int i = c->starts[e->first]; i < c->starts[e->end]; i++) {
        const int place = e->places[c->rows[i]];
        if (place < 0)
            continue;
        e->lucky += e->drawn[place] == c->targets[i];
        e->drawn_count++;
    }
}

static void count_energies(electric *e)
{
    const el_detector *const d = &e->discriminator;
    const int *const starts = e->slots.batch->starts;
    for (int row = starts[e->first]; row < starts[e->end]; row++)
        if (d->host_labels[row] == 0) {
            const float score = (float)el_get(d->host_scores, row, 0);
            e->energy += (double)(score - (float)el_get(e->chosen, row, 0));
            e->originals++;
        }
}

static void count(el_objective *self)
{
    electric *e = (electric *)self;
    count_noise(e);
    count_slots(e);
    if (e->energies)
        count_energies(e);
    el_detector_count(&e->discriminator);
    e->first = e->end;
}

static void ledger(el_objective *self, el_ledger *l)
{
    electric *e = (electric *)self;
    el_slots_ledger(&e->slots, l);
    el_detector_ledger(&e->discriminator, l);
    el_ledger_sum(l, &e->noise_loss);
    el_ledger_sum(l, &e->energy);
    int64_t *const counts[] = {&e->candidates, &e->right, &e->lucky, &e->drawn_count, &e->originals};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        el_ledger_count(l, counts[i]);
}

static double ratio(double part, int64_t whole)
{
    return whole ? part / (double)whole : 0;
}

static void finish(el_objective *self, el_figures *figures)
{
    electric *e = (electric *)self;
    el_detector *d = &e->discriminator;
    const double noise = ratio(e->noise_loss, e->candidates);
    const double values[] = {e->settings.gen_weight * noise + e->settings.disc_weight * el_detector_loss(d),
                             noise,
                             ratio((double)e->right, e->candidates),
                             ratio((double)e->lucky, e->drawn_count),
                             el_slots_entropy(&e->slots),
                             el_detector_loss(d),
                             el_detector_accuracy(d),
                             el_detector_auc(d),
                             el_detector_precision(d),
                             el_detector_recall(d),
                             el_detector_replaced(d),
                             ratio(e->energy, e->originals)};
    el_figures_set(figures, FIGURES, values, (int)(sizeof values / sizeof *values) - !e->energies);
}

static void close_electric(el_objective *self)
{
    electric *e = (electric *)self;
    el_device_release(e->base.model->dev, &e->arena);
    el_detector_close(&e->discriminator);
    el_slots_close(&e->slots);
    for (int i = 0; i < TOWERS; i++) {
        el_encoder_saved_free(&e->towers[i].encoder);
        el_feed_close(&e->towers[i].feed);
        el_batch_release(&e->towers[i].text);
        free(e->towers[i].host_rows);
    }
    release_host(e);
    free(e->host_targets);
    free(e->host_sources);
    free(e->labels);
    free(e->starts);
    free(e);
}

/* ---- memory ---- */

static el_status lay_out_towers(electric *e)
{
    el_arena *a = &e->arena;
    const el_model *m = e->base.model;
    const int rows = e->slots.room;
    el_config wide = e->towers[FORWARDS].net->config;
    el_status st = EL_OK;
    for (int i = 0; !st && i < TOWERS; i++) {
        tower *t = &e->towers[i];
        t->rows = el_arena_ints(a, rows + 1);
        t->dhidden = el_arena_tensor(a, m->activations, rows, wide.hidden_size);
        st = el_encoder_saved_layout(&t->encoder, a, &t->net->config, rows, m->activations, m->parameters,
                                     m->training);
    }
    wide.hidden_size *= TOWERS; /* what the head reads */
    el_mlm_saved_layout(&e->head, a, &wide, BLOCK, m->activations, m->parameters, m->training);
    return st;
}

/* Nothing of the towers is needed when the discriminator runs, so both lie in the same place; but not what is sent. */
static el_status lay_out(void *context)
{
    electric *const e = context;
    el_arena *a = &e->arena;
    const int rows = e->slots.room;
    el_slots_layout(&e->slots, a);
    for (int i = 0; i < TOWERS; i++)
        el_feed_layout(&e->towers[i].feed, a, rows);
    e->targets = el_arena_ints(a, rows + 1);
    e->guesses = el_arena_ints(a, rows + 1);
    e->samples = el_arena_ints(a, rows + 1);
    e->sources = el_arena_ints(a, rows + 1);
    e->losses = el_arena_tensor(a, e->base.model->parameters, 2 * rows + 1, 1);
    const size_t mark = a->used;
    el_status st = lay_out_towers(e);
    const size_t after = a->used;
    a->used = mark;
    if (!st)
        st = el_detector_layout(&e->discriminator, a, &e->slots);
    if (a->used < after)
        a->used = after;
    return st;
}

static el_status open_host(electric *e)
{
    const size_t n = (size_t)e->slots.room + 1;
    int **const ints[] = {&e->host_targets, &e->host_sources, &e->towers[FORWARDS].host_rows,
                          &e->towers[BACKWARDS].host_rows};
    bool there = true;
    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++)
        there &= (*ints[i] = malloc(n * sizeof **ints[i])) != NULL;
    e->labels = malloc(n * sizeof *e->labels);
    if (!there || !e->labels)
        return el_fail(EL_ENOMEM, "no memory for noise");
    el_status st = EL_OK;
    for (int i = 0; !st && i < TOWERS; i++)
        st = el_feed_open(&e->towers[i].feed, e->slots.room);
    return st;
}

static el_status open_parts(el_objective *self, const el_opening *o)
{
    electric *e = (electric *)self;
    e->settings = o->settings;
    e->energies = o->kind == EL_ELECTRIC;
    el_model *m = o->model;
    const el_head *cloze = el_network_head(el_model_network(m, EL_GENERATOR), EL_HEAD_CLOZE);
    e->w = &cloze->mlm.w;
    e->g = &cloze->mlm.g;
    e->towers[FORWARDS].net = el_model_network(m, EL_GENERATOR);
    e->towers[BACKWARDS].net = el_model_network(m, EL_BACKWARD);
    e->towers[FORWARDS].stream = EL_STREAM_FIRST_NETWORK;
    e->towers[BACKWARDS].stream = EL_STREAM_THIRD_NETWORK;
    el_status st = el_slots_open(&e->slots, &e->base, o->vocab, &o->settings, o->rows);
    if (!st)
        st = el_detector_open(&e->discriminator, m, el_model_network(m, EL_DISCRIMINATOR),
                              EL_STREAM_SECOND_NETWORK, &e->slots);
    if (!st)
        st = open_host(e);
    return st ? st : el_device_lay_out(m->dev, &e->arena, lay_out, e);
}

static const el_objective TABLE = {.reset = reset,
                                   .prepare = prepare,
                                   .begin = begin,
                                   .fit = fit,
                                   .accumulate = accumulate,
                                   .count = count,
                                   .ledger = ledger,
                                   .finish = finish,
                                   .close = close_electric};

el_status el_electric_open(el_objective **objective, const el_opening *o)
{
    return el_objective_make(objective, o, sizeof(electric), &TABLE, open_parts);
}
