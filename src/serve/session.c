/* session - texts longer than the model has places are read in overlapping windows */
#include "serve/session.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "serve/window.h"

/* ---- the session ---- */

enum {
    SLOTS = 4,   /* [MASK]s answered at a time: their logits are SLOTS x vocabulary */
    FEWEST = 16, /* rows there is room for at first */
};

/* One network's memory for one window, as long as the longest so far. */
typedef struct {
    el_arena arena;
    el_encoder_saved encoder;
    el_mlm_saved mlm;
    el_rtd_saved rtd;
    int *ids, *segments, *positions, *starts, *slots; /* on the device */
    int places, room;                                 /* rows of the longest window; there is room for */
} reader;

/* Grows to the longest answer so far. */
typedef struct {
    void *data;
    size_t bytes;
} buffer;

struct el_session {
    const el_loaded *loaded;
    el_queue *q; /* the session's own: its scratch and its threads */
    el_wordpiece *wordpiece;
    el_evaluation_watch watch;
    reader generator, discriminator;
    int *window; /* host: ids of a window, and its positions; then its slots */
    float *row;  /* host: the logits of one window or of one slot */
    /* the last answer */
    el_ids ids;
    el_spans from;
    buffer logits; /* float */
    buffer at;     /* int */
    buffer guess;  /* el_guess */
};

/* A reader, and whose network it reads by. */
typedef struct {
    reader *reader;
    const el_network *net;
    const el_model *model;
} reading;

static el_status lay_out(void *context)
{
    const reading *const of = context;
    reader *const r = of->reader;
    const el_network *const net = of->net;
    const el_model *const model = of->model;
    el_arena *a = &r->arena;
    const int n = r->room;
    r->ids = el_arena_ints(a, n);
    r->segments = el_arena_ints(a, n);
    r->positions = el_arena_ints(a, n);
    r->starts = el_arena_ints(a, 2);
    r->slots = el_arena_ints(a, SLOTS);
    if (el_network_head(net, EL_HEAD_MLM))
        el_mlm_saved_layout(&r->mlm, a, &net->config, SLOTS, model->activations, model->parameters, false);
    else
        el_rtd_saved_layout(&r->rtd, a, &net->config, n, model->activations);
    return el_encoder_saved_layout(&r->encoder, a, &net->config, n, model->activations, model->parameters,
                                   false);
}

static void reader_close(reader *r, el_queue *q)
{
    el_encoder_saved_free(&r->encoder);
    el_device_release(q->dev, &r->arena);
    r->room = 0;
}

static el_status reader_open(reader *r, const el_network *net)
{
    if (!net)
        return EL_OK;
    r->places = net->config.max_position_embeddings;
    if (r->places < 4)
        return el_fail(EL_EDATA, "a model of %d places has no room for [CLS], a window of text and [SEP]",
                       r->places);
    return EL_OK;
}

/* Room for a window of `rows`, and for some longer ones. */
static el_status reader_need(reader *r, el_queue *q, const el_network *net, const el_model *model, int rows)
{
    if (rows <= r->room)
        return EL_OK;
    reader_close(r, q);
    for (r->room = FEWEST; r->room < rows; r->room *= 2)
        ;
    r->room = r->room < r->places ? r->room : r->places;
    el_status st = el_device_lay_out(q->dev, &r->arena, lay_out, &(reading){r, net, model});
    if (!st)
        st = q->reserve(q, r->room, net->config.hidden_size / net->config.num_attention_heads);
    if (st)
        reader_close(r, q);
    return st;
}

static el_status host_memory(el_session *s)
{
    const int places =
        s->generator.places > s->discriminator.places ? s->generator.places : s->discriminator.places;
    const el_network *net = el_model_network(&s->loaded->model, EL_GENERATOR);
    const int wide = net && net->config.vocab_size > places ? net->config.vocab_size : places;
    s->window = malloc((size_t)(2 * places + SLOTS) * sizeof *s->window);
    s->row = malloc((size_t)wide * sizeof *s->row);
    return s->window && s->row ? EL_OK : el_fail(EL_ENOMEM, "no memory for a session");
}

el_status el_session_open(el_session **out, const el_loaded *loaded)
{
    el_session *s = calloc(1, sizeof *s);
    if (!s)
        return el_fail(EL_ENOMEM, "no memory for a session");
    s->loaded = loaded;
    const el_model *model = &loaded->model;
    el_status st = loaded->dev->open_queue(loaded->dev, &s->q, loaded->threads);
    if (!st)
        st = el_wordpiece_open(&s->wordpiece, loaded->vocab, loaded->reading);
    if (!st)
        st = reader_open(&s->generator, el_model_network(model, EL_GENERATOR));
    if (!st)
        st = reader_open(&s->discriminator, el_model_network(model, EL_DISCRIMINATOR));
    if (!st)
        st = host_memory(s);
    if (st) {
        el_session_close(s);
        return st;
    }
    *out = s;
    return EL_OK;
}

void el_session_close(el_session *s)
{
    if (!s)
        return;
    if (s->q) {
        reader_close(&s->generator, s->q);
        reader_close(&s->discriminator, s->q);
        s->q->close(s->q);
    }
    el_wordpiece_close(s->wordpiece);
    el_ids_release(&s->ids);
    el_spans_release(&s->from);
    free(s->window);
    free(s->row);
    free(s->logits.data);
    free(s->at.data);
    free(s->guess.data);
    free(s);
}

void el_session_watch(el_session *s, el_evaluation_watch watch)
{
    s->watch = watch;
}

static el_status tell(el_session *s, int done, int windows)
{
    return s->watch.on_batch ? s->watch.on_batch(s->watch.context, (double)done / windows) : EL_OK;
}

/* Room for `count` elements. */
static el_status room(buffer *b, size_t count, size_t element)
{
    if (count * element <= b->bytes)
        return EL_OK;
    void *const larger = realloc(b->data, count * element);
    if (!larger)
        return el_fail(EL_ENOMEM, "no memory for %zu pieces", count);
    *b = (buffer){larger, count * element};
    return EL_OK;
}

static el_status cut(el_session *s, const char *text, size_t bytes)
{
    if (bytes > INT32_MAX)
        return el_fail(EL_EUSAGE, "a text of %zu bytes is too long to be asked about at once", bytes);
    s->ids.count = s->from.count = 0;
    return el_wordpiece_encode_spans(s->wordpiece, text, bytes, &s->ids, &s->from);
}

/* ---- windows ---- */

/* Runs an encoder over [CLS] window [SEP]. */
static el_tensor encode(el_session *s, reader *r, const el_network *net, el_text_window w)
{
    const int pieces = w.end - w.begin, rows = pieces + 2;
    const el_vocab *v = s->loaded->vocab;
    const int starts[2] = {0, rows};
    s->window[0] = v->cls;
    if (pieces > 0) /* a text without any has no list either */
        memcpy(s->window + 1, s->ids.data + w.begin, (size_t)pieces * sizeof *s->window);
    s->window[rows - 1] = v->sep;
    int *const positions = s->window + rows;
    for (int i = 0; i < rows; i++)
        positions[i] = i;
    s->q->send(s->q, r->ids, s->window, (size_t)rows * sizeof *r->ids);
    s->q->send(s->q, r->positions, positions, (size_t)rows * sizeof *r->positions);
    s->q->send(s->q, r->starts, starts, sizeof starts);
    /* segments stay as the arena has them: 0 */
    const el_input in = {
        .rows = rows,
        .ids = r->ids,
        .segments = r->segments,
        .positions = r->positions,
        .layout = {.starts = r->starts, .sequences = 1, .longest = rows, .pairs = (double)rows * rows}};
    return el_encoder_forward(s->q, &net->config, &net->w, &r->encoder, &in);
}

/* ---- detect ---- */

el_status el_session_detect(el_session *s, const char *text, size_t bytes, el_detection *answer)
{
    const el_network *net = el_model_network(&s->loaded->model, EL_DISCRIMINATOR);
    if (!net)
        return el_fail(EL_EUSAGE, "this model has no discriminator");
    el_status st = cut(s, text, bytes);
    if (!st)
        st = room(&s->logits, s->ids.count, sizeof(float));
    const int count = (int)s->ids.count, size = s->discriminator.places - 2;
    const int windows = el_window_count(count, size);
    float *const logits = s->logits.data;
    if (!st)
        st = reader_need(&s->discriminator, s->q, net, &s->loaded->model, (count < size ? count : size) + 2);
    for (int w = 0; w < windows && !st; w++) {
        const el_text_window view = el_window_at(w, count, size);
        const el_tensor hidden = encode(s, &s->discriminator, net, view);
        st = el_tensor_read(s->q, el_rtd_forward(s->q, &net->heads[0].rtd.w, &s->discriminator.rtd, hidden),
                            s->row);
        for (int i = view.first; i < view.last && !st; i++)
            logits[i] = s->row[1 + i - view.begin];
        if (!st)
            st = tell(s, w + 1, windows);
    }
    *answer = (el_detection){count, windows, s->ids.data, s->from.data, logits};
    return st;
}

/* ---- fill ---- */

/* Guesses for `count` slots from `first` on, all within the window just encoded. */
static el_status guess_slots(el_session *s, const el_filling *a, el_tensor hidden, el_text_window view,
                             int first, int count)
{
    const el_network *net = el_model_network(&s->loaded->model, EL_GENERATOR);
    reader *r = &s->generator;
    int *const rows = s->window; /* free again: the encoder has its copy */
    for (int i = 0; i < count; i++)
        rows[i] = 1 + a->at[first + i] - view.begin;
    s->q->send(s->q, r->slots, rows, (size_t)count * sizeof *rows);
    const el_tensor logits =
        el_mlm_forward(s->q, &net->config, &net->heads[0].mlm.w, &r->mlm, hidden, r->slots, count);
    el_guess *const guess = s->guess.data;
    for (int i = 0; i < count; i++) {
        const el_status st = el_tensor_read(s->q, el_tensor_rows(logits, i, 1), s->row);
        if (st)
            return st;
        el_guess_rank(guess + (size_t)(first + i) * (size_t)a->top_k, a->top_k, s->row, a->temperature,
                      net->config.vocab_size, s->loaded->vocab->size);
    }
    return EL_OK;
}

/* Slots [first, last): those the window answers for, some at a time. */
static el_status fill_window(el_session *s, const el_filling *a, el_text_window view, int first, int last)
{
    if (first == last)
        return EL_OK;
    const el_network *const net = el_model_network(&s->loaded->model, EL_GENERATOR);
    el_status st = reader_need(&s->generator, s->q, net, &s->loaded->model, view.end - view.begin + 2);
    if (st)
        return st;
    const el_tensor hidden = encode(s, &s->generator, net, view);
    for (; first < last && !st; first += SLOTS)
        st = guess_slots(s, a, hidden, view, first, last - first < SLOTS ? last - first : SLOTS);
    return st;
}

static el_status find_masks(el_session *s, el_filling *a)
{
    const el_status st = room(&s->at, s->ids.count, sizeof(int));
    if (st)
        return st;
    int *const at = s->at.data;
    int slots = 0;
    for (int i = 0; i < a->count; i++)
        if (a->ids[i] == s->loaded->vocab->mask)
            at[slots++] = i;
    a->at = at;
    a->slots = slots;
    return EL_OK;
}

static el_status fill(el_session *s, const char *text, size_t bytes, int top_k, double temperature,
                      el_filling *answer)
{
    if (!el_model_network(&s->loaded->model, EL_GENERATOR))
        return el_fail(EL_EUSAGE, "this model has no generator");
    assert(top_k >= 1);
    const int pieces = s->loaded->vocab->size, size = s->generator.places - 2;
    el_status st = cut(s, text, bytes);
    el_filling a = {.count = (int)s->ids.count, .ids = s->ids.data, .from = s->from.data};
    a.windows = el_window_count(a.count, size);
    a.top_k = top_k > pieces ? pieces : top_k;
    a.temperature = temperature;
    if (!st)
        st = find_masks(s, &a);
    if (!st)
        st = room(&s->guess, (size_t)a.slots * (size_t)a.top_k, sizeof(el_guess));
    for (int w = 0, first = 0, last = 0; w < a.windows && !st; w++, first = last) {
        const el_text_window view = el_window_at(w, a.count, size);
        while (last < a.slots && a.at[last] < view.last)
            last++;
        st = fill_window(s, &a, view, first, last);
        if (!st)
            st = tell(s, w + 1, a.windows);
    }
    a.guess = s->guess.data;
    *answer = a;
    return st;
}

el_status el_session_fill(el_session *s, const char *text, size_t bytes, int top_k, el_filling *answer)
{
    return fill(s, text, bytes, top_k, 1, answer);
}

/* ---- both networks ---- */

double el_judged_probability(double original, double generated, double mask_prob)
{
    const double a = (1 - mask_prob) / mask_prob;
    return original * generated / (a * (1 - original) + generated);
}

/* Judges the candidates of one slot, and brings them into their new order. */
static el_status judge_slot(el_session *s, const el_network *net, int at, el_text_window view, int candidates,
                            double mask_prob, el_guess *guess)
{
    el_status st = reader_need(&s->discriminator, s->q, net, &s->loaded->model, view.end - view.begin + 2);
    for (int k = 0; k < candidates && !st; k++) {
        s->ids.data[at] = guess[k].id;
        const el_tensor hidden = encode(s, &s->discriminator, net, view);
        st = el_tensor_read(s->q, el_rtd_forward(s->q, &net->heads[0].rtd.w, &s->discriminator.rtd, hidden),
                            s->row);
        const double original = 1 / (1 + exp((double)s->row[1 + at - view.begin]));
        guess[k].probability = el_judged_probability(original, guess[k].probability, mask_prob);
    }
    qsort(guess, (size_t)candidates, sizeof *guess, el_guess_better);
    return st;
}

el_status el_session_fill_judged(el_session *s, const char *text, size_t bytes, int top_k,
                                 const el_judging *how, el_filling *answer)
{
    const el_network *net = el_model_network(&s->loaded->model, EL_DISCRIMINATOR);
    if (!net)
        return el_fail(EL_EUSAGE, "this model has no discriminator");
    el_status st = fill(s, text, bytes, EL_JUDGED, how->temperature, answer);
    if (st)
        return st;
    const int candidates = answer->top_k, size = s->discriminator.places - 2;
    const int windows = el_window_count(answer->count, size);
    el_guess *const guess = s->guess.data;
    for (int i = 0; i < answer->slots && !st; i++)
        s->ids.data[answer->at[i]] = guess[i * candidates].id;
    for (int w = 0, i = 0; w < windows && !st; w++) {
        const el_text_window view = el_window_at(w, answer->count, size);
        for (; i < answer->slots && answer->at[i] < view.last && !st; i++) {
            const int at = answer->at[i], best = s->ids.data[at];
            st = judge_slot(s, net, at, view, candidates, how->mask_prob,
                            guess + (size_t)i * (size_t)candidates);
            s->ids.data[at] = best;
        }
    }
    answer->top_k = top_k < candidates ? top_k : candidates;
    for (int i = 0; i < answer->slots; i++) {
        memmove(guess + (size_t)i * (size_t)answer->top_k, guess + (size_t)i * (size_t)candidates,
                (size_t)answer->top_k * sizeof *guess);
        s->ids.data[answer->at[i]] = s->loaded->vocab->mask;
    }
    return st;
}
