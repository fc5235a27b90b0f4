/* window_reader - see the header */
#include "serve/window_reader.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "model/memory.h"

enum { FEWEST = 16 }; /* rows that there is room for at first, where memory grows */

/* ---- memory ---- */

static el_status reserve(el_window_reader *r, int rows)
{
    const el_network *const net = r->pass.net;
    const bool guesses = net->heads[0].config.kind == EL_HEAD_MLM;
    const int logits = guesses ? net->config.vocab_size : rows;
    float *const grown = realloc(r->logits, (size_t)logits * sizeof *grown);
    if (!grown)
        return el_no_memory(NULL);
    r->logits = grown;
    const el_status st = el_batch_reserve(&r->batch, rows, rows);
    return st ? st : el_pass_reserve(&r->pass, rows);
}

/* Room for the batch, and for some longer ones. */
static el_status grow(el_window_reader *r)
{
    const int need = r->batch.rows, most = need > r->places ? need : r->places;
    int rows = FEWEST;
    while (rows < need)
        rows *= 2;
    return need <= r->pass.rows ? EL_OK : reserve(r, rows < most ? rows : most);
}

el_status el_window_reader_open(el_window_reader *r, el_queue *q, const el_loaded *loaded, const char *name,
                                int slots, int rows)
{
    const el_network *const net = el_model_network(&loaded->model, name);
    if (!net)
        return EL_OK;
    assert(slots <= EL_WINDOW_SLOTS);
    const int places = net->config.max_position_embeddings;
    if (places < 4)
        return el_fail(EL_EDATA, "a model of %d positions has no room for [CLS], a window of text and [SEP]",
                       places);
    *r = (el_window_reader){
        .vocab = loaded->vocab,
        .places = places,
        .pass = {.q = q, .model = &loaded->model, .net = net, .head = net->heads, .slots = slots},
        .row = malloc((size_t)places * sizeof *r->row)};
    if (!r->row)
        return el_no_memory(NULL);
    return rows ? reserve(r, rows > places ? rows : places) : EL_OK;
}

void el_window_reader_close(el_window_reader *r)
{
    el_pass_close(&r->pass);
    el_batch_release(&r->batch);
    free(r->row);
    free(r->logits);
}

/* ---- asking ---- */

/* Adds [CLS] window [SEP] to the batch. */
static el_status put(el_window_reader *r, const el_window_asked *a)
{
    const int pieces = a->window.end - a->window.begin;
    r->row[0] = r->vocab->cls;
    if (pieces) /* a text without any has no list either */
        memcpy(r->row + 1, a->ids + a->window.begin, (size_t)pieces * sizeof *r->row);
    r->row[pieces + 1] = r->vocab->sep;
    return el_batch_add(&r->batch, r->row, pieces + 2, pieces + 2);
}

static el_status encode(el_window_reader *r, const el_window_asked *asked, int count, el_tensor *hidden)
{
    el_status st = EL_OK;
    el_batch_clear(&r->batch);
    for (int i = 0; i < count && !st; i++)
        st = put(r, &asked[i]);
    if (!st)
        st = grow(r);
    if (st)
        return st;
    el_pass_send(&r->pass, &r->batch);
    *hidden = el_pass_hidden(&r->pass);
    return EL_OK;
}

/* The row of a piece in the batch, whose sequence `number` is the window. */
static int row_of(const el_window_reader *r, int number, el_text_window window, int piece)
{
    return r->batch.starts[number] + 1 + piece - window.begin;
}

el_status el_window_reader_detect(el_window_reader *r, const el_window_asked *asked, int count)
{
    el_tensor hidden;
    el_status st = encode(r, asked, count, &hidden);
    if (!st)
        st = el_pass_judge(&r->pass, hidden, r->logits);
    for (int i = 0; i < count && !st; i++) {
        const el_text_window w = asked[i].window;
        if (w.last > w.first)
            memcpy(asked[i].logits + w.first, r->logits + row_of(r, i, w, w.first),
                   (size_t)(w.last - w.first) * sizeof(float));
    }
    return st;
}

/* A [MASK], and whose guesses it gets. */
typedef struct {
    el_guess *guesses;
    int top_k;
    double temperature;
} slot;

static el_status guess(el_window_reader *r, el_tensor hidden, const slot *slots, const int *rows, int count)
{
    const el_tensor logits = el_pass_predict(&r->pass, hidden, rows, count);
    el_status st = EL_OK;
    for (int i = 0; i < count && !st; i++) {
        st = el_tensor_read(r->pass.q, el_tensor_rows(logits, i, 1), r->logits);
        if (!st)
            el_guess_rank(slots[i].guesses, slots[i].top_k, r->logits, slots[i].temperature, logits.cols,
                          r->vocab->size);
    }
    return st;
}

el_status el_window_reader_fill(el_window_reader *r, const el_window_asked *asked, int count)
{
    slot slots[EL_WINDOW_SLOTS];
    int rows[EL_WINDOW_SLOTS], waiting = 0;
    el_tensor hidden;
    el_status st = encode(r, asked, count, &hidden);
    for (int i = 0; i < count && !st; i++) {
        const el_window_asked *const a = &asked[i];
        for (int m = 0; m < a->masks && !st; m++) {
            slots[waiting] = (slot){a->guesses + (size_t)m * (size_t)a->top_k, a->top_k, a->temperature};
            rows[waiting++] = row_of(r, i, a->window, a->at[m]);
            if (waiting == r->pass.slots) {
                st = guess(r, hidden, slots, rows, waiting);
                waiting = 0;
            }
        }
    }
    return st || !waiting ? st : guess(r, hidden, slots, rows, waiting);
}
