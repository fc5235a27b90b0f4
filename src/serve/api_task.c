/* api_task - the functions of electra.h that ask encoders and fine-tuned models: vectors, classes, numbers, tags, answers
 *
 * Texts become a dataset, as those of files do, and are asked as `electra embed` and `electra predict` ask them.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "serve/api.h"

enum { SHORTEST = 4 }; /* tokens that a text may be cut to */

/* ---- texts to examples ---- */

/* A copy without zero bytes, which end strings: like every control character, \1 is read as nothing. */
static const char *copy_text(el_dataset *d, const electra_text *text)
{
    char *const copy = (char *)el_dataset_string(d, el_api_text(text), text->bytes);
    for (char *at = copy; copy && (at = memchr(at, '\0', text->bytes - (size_t)(at - copy)));)
        *at = '\1';
    return copy;
}

static el_status add_examples(el_dataset *d, const electra_text *texts, const electra_text *seconds,
                              size_t count)
{
    for (size_t i = 0; i < count; i++) {
        el_labelled *const e = el_dataset_add(d, (int64_t)i + 1);
        if (!e)
            return el_no_memory(NULL);
        e->text[0] = copy_text(d, &texts[i]);
        e->text[1] = seconds ? copy_text(d, &seconds[i]) : NULL;
        if (!e->text[0] || (seconds && !e->text[1]))
            return el_no_memory(NULL);
    }
    return EL_OK;
}

/* Words stand between white space; where they do is kept in `words`. */
static el_status add_words(el_dataset *d, el_api_column *words, const char *text, size_t bytes, size_t *total)
{
    static const char SPACE[] = " \t\n\v\f\r";
    for (size_t at = 0; at < bytes;) {
        const size_t begin = at + strspn(text + at, SPACE), end = begin + strcspn(text + begin, SPACE);
        if (begin == end)
            break;
        el_status st = el_dataset_add_word(d, text + begin, end - begin, -1);
        if (!st)
            st = el_api_room(words, *total + 1, sizeof(electra_word));
        if (st)
            return st;
        ((electra_word *)words->data)[(*total)++] =
            (electra_word){.begin = (uint32_t)begin, .end = (uint32_t)end};
        at = end;
    }
    return EL_OK;
}

static el_status add_sentences(electra_session *s, el_dataset *d, const electra_text *texts, size_t count)
{
    size_t *const starts = s->starts.data, total = 0;
    for (size_t i = 0; i < count; i++) {
        const char *const text = copy_text(d, &texts[i]);
        el_labelled *const e = text ? el_dataset_add(d, (int64_t)i + 1) : NULL;
        if (!e)
            return el_no_memory(NULL);
        starts[i] = total;
        const el_status st = add_words(d, &s->items, text, texts[i].bytes, &total);
        if (st)
            return st;
    }
    starts[count] = total;
    return el_api_room(&s->items, total, sizeof(electra_word));
}

/* ---- the session's parts ---- */

static el_status open_queue(electra_session *s)
{
    const el_loaded *const l = s->model->loaded;
    return s->q ? EL_OK : l->dev->open_queue(l->dev, &s->q, l->threads);
}

static el_evaluation_watch watch(electra_session *s)
{
    return (el_evaluation_watch){.on_batch = el_api_cancelled, .context = s};
}

static el_status open_tuned(electra_session *s)
{
    const el_loaded *const l = s->model->loaded;
    if (s->tuned_open)
        return EL_OK;
    el_status st = open_queue(s);
    if (!st)
        st = el_finetuned_over(&s->tuned, s->q, &l->model, l->vocab, &l->card, s->model->batch_tokens);
    if (st)
        return st;
    s->tuned.watch = watch(s);
    s->tuned_open = true;
    return EL_OK;
}

static bool same_embedding(const electra_embedding *a, const electra_embedding *b)
{
    return a->pooling == b->pooling && a->normalize == b->normalize && a->longest == b->longest;
}

static el_status open_embedder(electra_session *s, const electra_embedding *how)
{
    const el_loaded *const l = s->model->loaded;
    if (s->embedder && same_embedding(&s->how, how))
        return EL_OK;
    el_embedder_close(s->embedder);
    s->embedder = NULL;
    s->how = *how;
    const el_embedder_settings settings = {.pooling = (el_pooling)how->pooling,
                                           .normalize = how->normalize != 0,
                                           .max_seq_length = how->longest,
                                           .batch_tokens = s->model->batch_tokens};
    el_status st = open_queue(s);
    if (!st)
        st = el_embedder_over(&s->embedder, s->q, &l->model, l->encoder, l->vocab, &l->said, &settings);
    if (!st)
        el_embedder_watch(s->embedder, watch(s));
    return st;
}

/* ---- asking ---- */

/* What a question has in common: texts, and kinds of tasks that can answer it. */
typedef struct {
    const char *verb; /* "classify" */
    el_task_kind kinds[2];
    const electra_text *texts, *seconds;
    size_t count;
} question;

static el_status check(const electra_session *s, const question *ask)
{
    const el_loaded *const l = s->model->loaded;
    if (!l->tuned || (l->card.kind != ask->kinds[0] && l->card.kind != ask->kinds[1]))
        return el_fail(EL_EUSAGE, "the model was not taught to %s", ask->verb);
    el_status st = el_api_check_texts(ask->texts, ask->count);
    if (!st && ask->seconds)
        st = el_api_check_texts(ask->seconds, ask->count);
    if (!st && l->card.pair && !ask->seconds)
        st = el_fail(EL_EUSAGE, "the model was taught pairs, and there are no second texts");
    if (!st && l->card.single && ask->seconds)
        st = el_fail(EL_EUSAGE, "the model was taught single texts, and there are second ones");
    return st;
}

/* Predictions, an example each, over a dataset that is the caller's to release, whatever is returned. */
static el_status predict(electra_session *s, const question *ask, el_dataset *d, const el_prediction **p)
{
    int count;
    *d = (el_dataset){0};
    el_status st = check(s, ask);
    if (!st)
        st = el_api_room(&s->starts, ask->count + 1, sizeof(size_t));
    if (!st)
        st = open_tuned(s);
    if (!st)
        st = el_api_cancelled(s, 0);
    if (!st)
        st = el_dataset_open(d, s->tuned.card.kind, "texts");
    if (!st)
        st = s->tuned.card.kind == EL_TAG ? add_sentences(s, d, ask->texts, ask->count)
                                          : add_examples(d, ask->texts, ask->seconds, ask->count);
    return st ? st : el_finetuned_ask(&s->tuned, d, p, &count);
}

static el_status no_place(void)
{
    return el_api_missing("the session, or a place for its answer,");
}

/* ---- embed ---- */

static el_status check_embedding(const electra_session *s, const electra_embedding *how)
{
    const int places = s->model->loaded->encoder->config.max_position_embeddings;
    if ((unsigned)how->pooling > ELECTRA_POOL_CLS)
        return el_fail(EL_EUSAGE, "%d is no pooling", (int)how->pooling);
    if (how->longest && (how->longest < SHORTEST || how->longest > places))
        return el_fail(EL_EUSAGE, "texts of %d tokens: it must be %d to %d, which the model reads at once",
                       how->longest, SHORTEST, places);
    return EL_OK;
}

static el_status embed(electra_session *s, const electra_text *texts, const electra_text *seconds,
                       size_t count, const float **vectors)
{
    static const float NOTHING[1];
    el_dataset d;
    el_status st = el_api_cancelled(s, 0);
    if (!st)
        st = el_dataset_open(&d, EL_CLASSIFY, "texts");
    if (st)
        return st;
    st = add_examples(&d, texts, seconds, count);
    if (!st)
        st = el_embedder_ask(s->embedder, &d, vectors);
    if (!st && count == 0)
        *vectors = NOTHING;
    el_dataset_release(&d);
    return st;
}

electra_status electra_embed(electra_session *s, const electra_text *texts, const electra_text *seconds,
                             size_t count, const electra_embedding *options, const float **vectors,
                             size_t *width)
{
    electra_embedding how;
    const float *answer;
    el_status st = s && vectors && width ? el_api_take(&how, sizeof how, options) : no_place();
    if (!st)
        st = check_embedding(s, &how);
    if (!st)
        st = el_api_check_texts(texts, count);
    if (!st && seconds)
        st = el_api_check_texts(seconds, count);
    if (!st)
        st = open_embedder(s, &how);
    if (!st)
        st = embed(s, texts, seconds, count, &answer);
    if (st)
        return el_api_said(st);
    *vectors = answer;
    *width = (size_t)el_embedder_width(s->embedder);
    return ELECTRA_OK;
}

/* ---- classify, regress ---- */

static int best_of(const float *probabilities, int count)
{
    int best = 0;
    for (int i = 1; i < count; i++)
        if (probabilities[i] > probabilities[best])
            best = i;
    return best;
}

static el_status take_classes(electra_session *s, const el_prediction *p, size_t count)
{
    const int labels = s->tuned.card.labels.count;
    el_status st = el_api_room(&s->items, count * (size_t)labels, sizeof(float));
    if (!st)
        st = el_api_room(&s->others, count, sizeof(int32_t));
    for (size_t i = 0; !st && i < count; i++) {
        memcpy((float *)s->items.data + i * (size_t)labels, p[i].probabilities,
               (size_t)labels * sizeof(float));
        ((int32_t *)s->others.data)[i] = best_of(p[i].probabilities, labels);
    }
    return st;
}

electra_status electra_classify(electra_session *s, const electra_text *texts, const electra_text *seconds,
                                size_t count, const float **probabilities, const int32_t **labels)
{
    const question ask = {"classify", {EL_CLASSIFY, EL_MULTILABEL}, texts, seconds, count};
    if (!s || !probabilities)
        return el_api_said(no_place());
    el_dataset d;
    const el_prediction *p;
    el_status st = predict(s, &ask, &d, &p);
    if (!st)
        st = take_classes(s, p, count);
    el_dataset_release(&d);
    if (st)
        return el_api_said(st);
    *probabilities = s->items.data;
    if (labels)
        *labels = s->others.data;
    return ELECTRA_OK;
}

electra_status electra_regress(electra_session *s, const electra_text *texts, const electra_text *seconds,
                               size_t count, const double **values)
{
    const question ask = {"give a number", {EL_REGRESS, EL_REGRESS}, texts, seconds, count};
    if (!s || !values)
        return el_api_said(no_place());
    el_dataset d;
    const el_prediction *p;
    el_status st = predict(s, &ask, &d, &p);
    if (!st)
        st = el_api_room(&s->items, count, sizeof(double));
    for (size_t i = 0; !st && i < count; i++)
        ((double *)s->items.data)[i] = p[i].value;
    el_dataset_release(&d);
    if (st)
        return el_api_said(st);
    *values = s->items.data;
    return ELECTRA_OK;
}

/* ---- tag ---- */

/* The session's words and where each text's begin. */
static el_status tag(electra_session *s, const electra_text *texts, size_t count)
{
    const question ask = {"tag words", {EL_TAG, EL_TAG}, texts, NULL, count};
    el_dataset d;
    const el_prediction *p;
    const el_status st = predict(s, &ask, &d, &p);
    const size_t *const starts = s->starts.data;
    electra_word *const words = s->items.data;
    for (size_t i = 0; !st && i < count; i++)
        for (size_t w = starts[i]; w < starts[i + 1]; w++) {
            words[w].label = p[i].tags[w - starts[i]];
            words[w].probability = p[i].probabilities[w - starts[i]];
        }
    el_dataset_release(&d);
    return st;
}

electra_status electra_tag(electra_session *s, const electra_text *texts, size_t count,
                           const electra_word **words, const size_t **starts)
{
    if (!s || !words || !starts)
        return el_api_said(no_place());
    const el_status st = tag(s, texts, count);
    if (st)
        return el_api_said(st);
    *words = s->items.data;
    *starts = s->starts.data;
    return ELECTRA_OK;
}

static electra_entity entity_of(const el_entity *e, const electra_word *words)
{
    const long begin = e->begin > 0 ? e->begin : 0;
    double sum = 0;
    for (long w = begin; w < e->end; w++)
        sum += (double)words[w].probability;
    return (electra_entity){.begin = words[begin].begin,
                            .end = words[e->end - 1].end,
                            .type = e->type,
                            .type_bytes = e->bytes,
                            .probability = (float)(sum / (double)(e->end - begin))};
}

/* Appends the entities of a sentence to the answer, which has *total of them. */
static el_status read_entities(electra_session *s, const electra_word *words, size_t count, size_t *total)
{
    const el_task_card *const card = &s->tuned.card;
    const char **const tags = malloc((count + 1) * sizeof *tags);
    if (!tags)
        return el_no_memory(NULL);
    for (size_t w = 0; w < count; w++)
        tags[w] = card->labels.names[words[w].label];
    const el_tagging how = {.scheme = EL_TAGS_LENIENT, .suffix = card->tagging.suffix};
    el_status st = el_entities_read(&s->entities, how, tags, count);
    if (!st)
        st = el_api_room(&s->others, *total + s->entities.count, sizeof(electra_entity));
    for (size_t i = 0; !st && i < s->entities.count; i++)
        if (s->entities.items[i].end > 0)
            ((electra_entity *)s->others.data)[(*total)++] = entity_of(&s->entities.items[i], words);
    free(tags);
    return st;
}

electra_status electra_entities(electra_session *s, const electra_text *texts, size_t count,
                                const electra_entity **entities, const size_t **starts)
{
    if (!s || !entities || !starts)
        return el_api_said(no_place());
    el_status st = tag(s, texts, count);
    size_t *const from = s->starts.data, total = 0;
    const electra_word *const words = s->items.data;
    for (size_t i = 0; !st && i < count; i++) {
        const size_t first = from[i];
        from[i] = total;
        st = read_entities(s, words + first, from[i + 1] - first, &total);
    }
    if (!st)
        st = el_api_room(&s->others, total, sizeof(electra_entity));
    if (st)
        return el_api_said(st);
    from[count] = total;
    *entities = s->others.data;
    *starts = from;
    return ELECTRA_OK;
}

/* ---- answer ---- */

static el_status take_answers(electra_session *s, const el_prediction *p, size_t count, size_t n_best)
{
    size_t *const starts = s->starts.data, total = 0;
    el_status st = el_api_room(&s->others, count, sizeof(electra_reply));
    for (size_t i = 0; !st && i < count; i++) {
        const size_t found = (size_t)p[i].answer_count < n_best ? (size_t)p[i].answer_count : n_best;
        starts[i] = total;
        st = el_api_room(&s->items, total + found, sizeof(electra_span));
        for (size_t a = 0; !st && a < found; a++)
            ((electra_span *)s->items.data)[total++] =
                (electra_span){.begin = (uint32_t)p[i].answers[a].begin,
                               .end = (uint32_t)p[i].answers[a].end,
                               .probability = (float)p[i].answers[a].score};
        ((electra_reply *)s->others.data)[i] = (electra_reply){
            .answered = el_task_card_answers(&s->tuned.card, &p[i]), .null_odds = p[i].null_odds};
    }
    starts[count] = total;
    return st ? st : el_api_room(&s->items, total, sizeof(electra_span));
}

electra_status electra_answer(electra_session *s, const electra_text *questions, const electra_text *contexts,
                              size_t count, size_t n_best, const electra_span **spans, const size_t **starts,
                              const electra_reply **replies)
{
    const question ask = {"answer questions", {EL_SPAN, EL_SPAN}, questions, contexts, count};
    if (!s || !spans || !starts || !replies)
        return el_api_said(no_place());
    if (count && !contexts)
        return el_api_said(el_api_missing("contexts"));
    if (!n_best)
        return el_api_said(el_fail(EL_EUSAGE, "no answers are no question"));
    el_dataset d;
    const el_prediction *p;
    el_status st = predict(s, &ask, &d, &p);
    if (!st)
        st = take_answers(s, p, count, n_best);
    el_dataset_release(&d);
    if (st)
        return el_api_said(st);
    *spans = s->items.data;
    *starts = s->starts.data;
    *replies = s->others.data;
    return ELECTRA_OK;
}
