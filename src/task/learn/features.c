/* features - see the header */
#include "task/learn/features.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"

/* What a split is made with. */
typedef struct {
    el_features *features;
    const el_dataset *dataset;
    const el_vocab *vocab;
    const el_feature_settings *settings;
    bool training;
    el_ids a, b;         /* ids of the first text and of the second */
    const char *context; /* the text that b is, or NULL */
    int pieces;          /* where its pieces begin */
} adding;

/* Room for one more of `bytes` bytes each. */
static el_status one_more(void *items, size_t *room, int count, size_t bytes)
{
    return el_grow(items, room, (size_t)count + 1, bytes)
               ? EL_OK
               : el_fail(EL_ENOMEM, "no memory for %d sequences", count + 1);
}

/* Counts the ids from `before` on, which are a text's. */
static void count_from(adding *a, const el_ids *ids, size_t before)
{
    if (ids->count > before)
        el_text_lost_count(&a->features->lost, ids->data + before, ids->count - before, a->vocab->unk);
}

/* Replaces the ids by a text's. */
static el_status encode(adding *a, const char *text, el_ids *ids)
{
    ids->count = 0;
    const el_status st = text ? el_wordpiece_encode(a->features->wordpiece, text, strlen(text), ids) : EL_OK;
    if (!st)
        count_from(a, ids, 0);
    return st;
}

static void put(el_ids *to, const int32_t *ids, int count)
{
    if (count)
        memcpy(to->data + to->count, ids, (size_t)count * sizeof *ids);
    to->count += (size_t)count;
}

/* Some ids in a row. */
typedef struct {
    const int32_t *data;
    int count;
} part;

static part part_of(const el_ids *ids, int first, int count)
{
    return (part){count ? ids->data + first : NULL, count};
}

/* Appends [CLS] x [SEP], and with y also y [SEP]. */
static el_status add_sequence(adding *a, int example, part x, const part *y, bool cut)
{
    el_features *f = a->features;
    const int count = x.count + 2 + (y ? y->count + 1 : 0);
    if (f->ids.count > (size_t)(INT_MAX - count))
        return el_fail(EL_EUSAGE, "%s: more than %d pieces of text are too many at once", a->dataset->name,
                       INT_MAX);
    el_status st = one_more(&f->items, &f->room, f->count, sizeof *f->items);
    if (!st)
        st = el_ids_reserve(&f->ids, (size_t)count);
    if (st)
        return st;
    f->items[f->count++] = (el_feature){.example = example,
                                        .first = (int)f->ids.count,
                                        .count = count,
                                        .second = y ? x.count + 2 : count,
                                        .cut = cut};
    const int32_t cls = a->vocab->cls, sep = a->vocab->sep;
    put(&f->ids, &cls, 1);
    put(&f->ids, x.data, x.count);
    put(&f->ids, &sep, 1);
    if (y) {
        put(&f->ids, y->data, y->count);
        put(&f->ids, &sep, 1);
    }
    return EL_OK;
}

/* ---- windows ---- */

/* How far on the next window begins. */
static int stride_of(const el_feature_settings *s, int length)
{
    const int half = length > 1 ? length / 2 : 1;
    return s->doc_stride < half && s->doc_stride > 0 ? s->doc_stride : half;
}

/* How much context a piece or word has around it in a window; -1: it is not there. */
static double context_around(const el_feature *window, int piece)
{
    const int left = piece - window->from, right = window->rows - 1 - left;
    return left < 0 || right < 0 ? -1 : (left < right ? left : right) + 0.01 * window->rows;
}

/* Each piece or word goes to the window in which it has most context around it.  A later window begins and ends later:
 * those that show a piece follow one another. */
static void share_pieces(el_feature *windows, int count)
{
    const int end = windows[count - 1].from + windows[count - 1].rows;
    el_feature *first = windows;
    for (int piece = windows[0].from; piece < end; piece++) {
        while (first->from + first->rows <= piece)
            first++;
        el_feature *best = first;
        for (el_feature *w = first + 1; w < windows + count && w->from <= piece; w++)
            if (context_around(w, piece) > context_around(best, piece))
                best = w;
        const int at = piece - best->from;
        if (best->own == best->own_end)
            best->own = best->own_end = at;
        assert(at == best->own_end && "two windows' order of context changes once");
        best->own_end++;
    }
}

/* ---- one text or a pair ---- */

static void cut_pair(int *x, int *y, int room)
{
    while (*x + *y > room)
        --*(*x > *y ? x : y);
}

/* Windows of the longer text, each with the shorter one. */
static el_status add_text_windows(adding *a, int example, bool pair, int room)
{
    const bool of_second = a->b.count > a->a.count;
    const el_ids *const text = of_second ? &a->b : &a->a, *const other = of_second ? &a->a : &a->b;
    const bool cut = (int)other->count > room / 2;
    const part beside = part_of(other, 0, cut ? room / 2 : (int)other->count);
    const int width = room - beside.count, pieces = (int)text->count;
    el_status st = EL_OK;
    for (int begin = 0, length; !st; begin += stride_of(a->settings, width)) {
        length = pieces - begin < width ? pieces - begin : width;
        const part window = part_of(text, begin, length);
        const part *const second = of_second ? &window : &beside;
        st = add_sequence(a, example, of_second ? beside : window, pair ? second : NULL, cut);
        if (begin + length == pieces)
            break;
    }
    return st;
}

static el_status add_texts(adding *a, int example)
{
    const el_labelled *e = &a->dataset->examples[example];
    const bool pair = e->text[1];
    el_status st = encode(a, e->text[0], &a->a);
    if (!st)
        st = encode(a, e->text[1], &a->b);
    if (st)
        return st;
    int x = (int)a->a.count, y = (int)a->b.count;
    const int room = a->settings->max_seq_length - (pair ? 3 : 2);
    if (x + y > room && a->settings->windows && !a->training)
        return add_text_windows(a, example, pair, room);
    cut_pair(&x, &y, room);
    const bool cut = x < (int)a->a.count || y < (int)a->b.count;
    const part first = part_of(&a->a, 0, x), second = part_of(&a->b, 0, y);
    st = add_sequence(a, example, first, pair ? &second : NULL, cut);
    if (!st && pair && a->training && a->settings->double_unordered)
        st = add_sequence(a, example, second, &first, cut);
    return st;
}

/* ---- words ---- */

/* A word without pieces, as a blank is one, has [UNK] in its place, which is no piece of the text. */
static el_status add_word(adding *a, const char *text)
{
    const size_t before = a->a.count;
    const el_status st = el_wordpiece_encode(a->features->wordpiece, text, strlen(text), &a->a);
    if (st)
        return st;
    count_from(a, &a->a, before);
    return a->a.count == before ? el_ids_push(&a->a, a->vocab->unk) : EL_OK;
}

/* Words from `begin` on, as many as have room, as a sequence; *end is the word behind them.  `places`: where each word's
 * pieces begin, and behind the last one where they end. */
static el_status add_word_window(adding *a, int example, const int *places, int begin, int *end)
{
    el_features *f = a->features;
    const int room = a->settings->max_seq_length - 2, row = f->word_count, from = places[begin];
    const int words = a->dataset->examples[example].count;
    const bool whole =
        a->settings->windows && !a->training; /* no word in part, unless it is too long alone */
    el_status st = EL_OK;
    int w = begin;
    for (; !st && w < words && places[w] - from < room; w++) {
        if (whole && w > begin && places[w + 1] - from > room)
            break;
        st = one_more(&f->word_rows, &f->word_room, f->word_count, sizeof *f->word_rows);
        if (!st)
            f->word_rows[f->word_count++] = 1 + places[w] - from;
    }
    const int pieces = places[w] - from, kept = pieces < room ? pieces : room;
    if (!st)
        st = add_sequence(a, example, part_of(&a->a, from, kept), NULL,
                          kept < pieces || (w < words && !whole));
    if (st)
        return st;
    el_feature *feature = &f->items[f->count - 1];
    feature->row = row;
    feature->rows = w - begin;
    feature->from = begin;
    if (a->settings->segment_one)
        feature->second = 0;
    *end = w;
    return EL_OK;
}

/* The word a stride behind `begin`, but one at least and none beyond the window's end. */
static int next_window(const adding *a, const int *places, int begin, int end)
{
    const int far = places[begin] + stride_of(a->settings, a->settings->max_seq_length - 2);
    int next = begin + 1;
    while (next < end && places[next] < far)
        next++;
    return next;
}

static el_status add_words(adding *a, int example)
{
    el_features *f = a->features;
    const el_labelled *e = &a->dataset->examples[example];
    const int first = f->count;
    int *const places = malloc(((size_t)e->count + 1) * sizeof *places);
    el_status st = places ? EL_OK : el_fail(EL_ENOMEM, "no memory for %d words", e->count);
    a->a.count = 0;
    for (int w = 0; !st && w < e->count; w++) {
        places[w] = (int)a->a.count;
        st = add_word(a, a->dataset->words[e->first + w].text);
    }
    if (!st)
        places[e->count] = (int)a->a.count;
    for (int begin = 0, end; !st; begin = next_window(a, places, begin, end)) {
        st = add_word_window(a, example, places, begin, &end);
        if (st || end == e->count || !a->settings->windows || a->training)
            break;
    }
    if (!st)
        share_pieces(f->items + first, f->count - first);
    free(places);
    return st;
}

/* ---- a question and its context ---- */

/* The context's ids into b; its pieces, unless they are those that were added last. */
static el_status read_context(adding *a, const char *context)
{
    el_spans *pieces = &a->features->pieces;
    if (a->context == context)
        return EL_OK;
    const size_t bytes = strlen(context);
    if (bytes >= UINT32_MAX)
        return el_fail(EL_EDATA, "%s: a context of %zu bytes is too long", a->dataset->name, bytes);
    if (pieces->count > (size_t)INT_MAX - bytes)
        return el_fail(EL_EUSAGE, "%s: too many contexts at once", a->dataset->name);
    a->context = context;
    a->pieces = (int)pieces->count;
    a->b.count = 0;
    const el_status st = el_wordpiece_encode_spans(a->features->wordpiece, context, bytes, &a->b, pieces);
    if (!st)
        count_from(a, &a->b, 0);
    return st;
}

/* Pieces of the context, from 0. */
typedef struct {
    enum { UNKNOWN, NOWHERE, FOUND } place;
    int first, last;
} gold;

static gold cover(const adding *a, int64_t begin, int64_t end)
{
    gold g = {UNKNOWN, -1, -1};
    for (int i = 0; i < (int)a->b.count; i++) {
        const el_span bytes = a->features->pieces.data[a->pieces + i];
        if (bytes.begin >= end || bytes.end <= begin)
            continue;
        g.first = g.place == FOUND ? g.first : i;
        g.last = i;
        g.place = FOUND;
    }
    return g;
}

/* The first answer that stands in the context. */
static gold find_answer(const adding *a, const el_labelled *e)
{
    gold g = {e->label == 1 ? NOWHERE : UNKNOWN, -1, -1};
    for (int i = e->first; e->label == 0 && g.place == UNKNOWN && i < e->first + e->count; i++) {
        const el_answer *answer = &a->dataset->answers[i];
        if (answer->begin >= 0)
            g = cover(a, answer->begin, answer->begin + (int64_t)strlen(answer->text));
    }
    return g;
}

static el_status add_window(adding *a, int example, part question, bool cut, int begin, int length, gold g)
{
    const part window = part_of(&a->b, begin, length);
    const el_status st = add_sequence(a, example, question, &window, cut);
    if (st)
        return st;
    el_feature *f = &a->features->items[a->features->count - 1];
    f->row = a->pieces + begin;
    f->rows = length;
    f->from = begin;
    f->context = f->second;
    const bool inside = g.place == FOUND && g.first >= begin && g.last < begin + length;
    f->start = inside ? f->context + g.first - begin : g.place == UNKNOWN ? -1 : 0;
    f->end = inside ? f->context + g.last - begin : f->start;
    return EL_OK;
}

static el_status add_question(adding *a, int example)
{
    const el_feature_settings *s = a->settings;
    const el_labelled *e = &a->dataset->examples[example];
    el_features *f = a->features;
    el_status st = encode(a, e->text[0], &a->a);
    if (!st)
        st = read_context(a, e->text[1] ? e->text[1] : "");
    if (st)
        return st;
    const gold g = find_answer(a, e);
    if (a->training && g.place == UNKNOWN) {
        if (f->answers_lost++ == 0) /* there is a label: see add_example */
            f->first_lost = e;
        return EL_OK;
    }
    const bool cut = (int)a->a.count > s->max_query_length;
    const part question = part_of(&a->a, 0, cut ? s->max_query_length : (int)a->a.count);
    const int room = s->max_seq_length - question.count - 3, pieces = (int)a->b.count, first = f->count;
    for (int begin = 0, length; !st; begin += length < s->doc_stride ? length : s->doc_stride) {
        length = pieces - begin < room ? pieces - begin : room;
        st = add_window(a, example, question, cut, begin, length, g);
        if (begin + length == pieces)
            break;
    }
    if (!st)
        share_pieces(f->items + first, f->count - first);
    return st;
}

/* ---- all of them ---- */

/* Of questions more must be known than that there is a label; see add_question. */
static el_status add_example(adding *a, int example)
{
    const el_task_kind kind = a->dataset->kind;
    if (a->training && !el_dataset_has_label(a->dataset, &a->dataset->examples[example]))
        return EL_OK;
    return kind == EL_TAG    ? add_words(a, example)
           : kind == EL_SPAN ? add_question(a, example)
                             : add_texts(a, example);
}

static el_status check_settings(const el_feature_settings *s, el_task_kind kind)
{
    const int least = kind == EL_SPAN ? s->max_query_length + 4 : 4;
    if (s->max_seq_length < least)
        return el_fail(EL_EUSAGE, "max_seq_length is %d; %s %d at least", s->max_seq_length,
                       kind == EL_SPAN ? "with such questions it must be" : "it must be", least);
    if (kind == EL_SPAN && s->doc_stride < 1)
        return el_fail(EL_EUSAGE, "doc_stride is %d; it must be 1 at least", s->doc_stride);
    return EL_OK;
}

el_status el_features_check(const el_features *f, int segments)
{
    for (int i = 0; segments < 2 && i < f->count; i++)
        if (f->items[i].second < f->items[i].count)
            return el_fail(EL_EDATA,
                           "the model knows one segment (type_vocab_size 1), and so no pairs of texts");
    return EL_OK;
}

el_status el_features_add(el_features *f, const el_dataset *dataset, const el_vocab *vocab,
                          const el_feature_settings *settings, bool training, el_split *split)
{
    adding a = {
        .features = f, .dataset = dataset, .vocab = vocab, .settings = settings, .training = training};
    el_status st = check_settings(settings, dataset->kind);
    if (!st && !f->wordpiece)
        st = el_wordpiece_open(&f->wordpiece, vocab,
                               settings->plain_special ? EL_SPECIAL_PLAIN : EL_SPECIAL_TOKENS);
    *split = (el_split){dataset, f->count, f->count};
    for (int i = 0; !st && i < dataset->count; i++) {
        const int before = f->count;
        st = add_example(&a, i);
        bool cut = false;
        for (int n = before; n < f->count; n++)
            cut |= f->items[n].cut;
        f->lost.cut += cut;
    }
    split->end = f->count;
    el_ids_release(&a.a);
    el_ids_release(&a.b);
    return st;
}

void el_features_clear(el_features *f)
{
    f->count = f->word_count = f->answers_lost = 0;
    f->lost = (el_text_lost){0};
    f->first_lost = NULL;
    f->ids.count = f->pieces.count = 0;
}

void el_features_release(el_features *f)
{
    free(f->items);
    free(f->word_rows);
    el_ids_release(&f->ids);
    el_spans_release(&f->pieces);
    el_wordpiece_close(f->wordpiece);
    *f = (el_features){0};
}

el_status el_features_read(const el_features *features, int number, el_batch *batch)
{
    const el_feature *f = &features->items[number];
    const el_status st = el_batch_add(batch, features->ids.data + f->first, f->count, f->second);
    if (!st)
        batch->numbers[batch->sequences - 1] = number;
    return st;
}

el_status el_features_fill(const el_features *features, int *first, int tokens, el_batch *batch)
{
    el_status st = EL_OK;
    el_batch_clear(batch);
    do
        st = el_features_read(features, (*first)++, batch);
    while (!st && *first < features->count && batch->rows + features->items[*first].count <= tokens);
    return st;
}
