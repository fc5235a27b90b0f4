/* tag - a tag for each word, from the row of its first piece */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "task/learn/family.h"
#include "task/score/entities.h"
#include "task/score/tagged.h"

static const char *const OF_ENTITIES[] = {"loss", "accuracy", "precision", "recall", "f1", "f1_strict"};
static const char *const OF_WORDS[] = {"loss", "accuracy", "f1_macro"};

static el_status open_tag(el_learner *l)
{
    const bool entities = l->settings.tagging.scheme != EL_TAGS_PLAIN;
    l->names = entities ? OF_ENTITIES : OF_WORDS;
    l->figures = entities ? 6 : 3;
    l->reads = l->sequences = l->rows;
    return el_rows_open(l);
}

static int reads(const el_learner *l, int feature)
{
    return l->features->items[feature].rows;
}

static const el_word *words_of(const el_learner *l, int feature)
{
    return el_learner_dataset(l, feature)->words + el_learner_example(l, feature)->first +
           l->features->items[feature].from;
}

static int targets(const el_learner *l, int feature)
{
    const el_word *words = words_of(l, feature);
    int count = 0;
    for (int i = 0; i < reads(l, feature); i++)
        count += words[i].tag >= 0;
    return count;
}

/* The row that a word of a window is read from: its first piece's, or of a causal network its last one's, which has seen all of
 * it. */
static int row_of(const el_learner *l, const el_feature *f, int word)
{
    if (!l->base.model->networks[0].config.causal)
        return l->features->word_rows[f->row + word];
    return (word + 1 < f->rows ? l->features->word_rows[f->row + word + 1] : f->count - 1) - 1;
}

/* Of a word its last piece forwards and its first one backwards. */
static void pair(const el_learner *l, int feature, int *rows)
{
    const el_feature *f = &l->features->items[feature];
    for (int i = 0; i < f->rows; i++)
        el_swap_rows(rows, l->features->word_rows[f->row + i], row_of(l, f, i));
}

static void put(const el_learner *l, int feature, int *rows, int *wanted, float *values)
{
    (void)values;
    const el_feature *f = &l->features->items[feature];
    const el_word *words = words_of(l, feature);
    for (int i = 0; i < f->rows; i++) {
        rows[i] = row_of(l, f, i);
        wanted[i] = words[i].tag;
    }
}

/* What words get that were cut off: "O", or the commonest of the others. */
static int usual_tag(const el_learner *l, const int *tags, int count)
{
    const int outside = el_labels_find(l->settings.labels, "O");
    int best = 0, most = 0;
    for (int i = 0; outside < 0 && i < count; i++) {
        int same = 0;
        for (int k = 0; k < count; k++)
            same += tags[k] == tags[i];
        if (same > most)
            most = same, best = tags[i];
    }
    return outside < 0 ? best : outside;
}

/* A window's tags for the words that belong to it; `scratch` has room for the probabilities of one word. */
static void answer_window(const el_learner *l, const el_feature *f, const float *logits, float *scratch,
                          float *probabilities, int *tags)
{
    const int labels = l->settings.labels->count;
    for (int i = f->own; i < f->own_end; i++) {
        const int tag = el_softmax(logits + (size_t)i * (size_t)labels, labels, scratch);
        tags[f->from + i] = tag;
        probabilities[f->from + i] = scratch[tag];
    }
}

/* Words that no window has. */
static void answer_rest(const el_learner *l, int read, int words, int *tags)
{
    const int usual = read < words ? usual_tag(l, tags, read) : 0;
    for (int i = read; i < words; i++)
        tags[i] = usual;
}

static size_t words_seen(const el_learner *l)
{
    size_t words = 0;
    for (int i = 0; i < l->seen_count; i++)
        words += (size_t)el_learner_example(l, l->seen[i])->count;
    return words;
}

static el_status answer(el_learner *l)
{
    el_predictions *predictions = &l->predictions;
    const size_t labels = (size_t)l->settings.labels->count, words = words_seen(l);
    el_status st =
        el_learner_take((void **)&predictions->items, (size_t)l->seen_count, sizeof *predictions->items);
    if (!st)
        st = el_learner_take((void **)&predictions->probabilities, words + labels,
                             sizeof *predictions->probabilities);
    if (!st)
        st = el_learner_take((void **)&predictions->tags, words, sizeof *predictions->tags);
    if (st)
        return st;
    const float *logits = l->row_head.kept;
    float *probabilities = predictions->probabilities, *const scratch = probabilities + words;
    int *tags = predictions->tags;
    for (int first = 0, end; first < l->seen_count; first = end) {
        const el_feature *f = NULL;
        const int count = el_learner_example(l, l->seen[first])->count;
        bool finite = true;
        end = el_learner_windows(l, first);
        for (int i = first; i < end; i++) {
            f = &l->features->items[l->seen[i]];
            answer_window(l, f, logits, scratch, probabilities, tags);
            finite &= el_numbers_finite(logits, (size_t)f->rows * labels);
            logits += (size_t)f->rows * labels;
        }
        answer_rest(l, f->from + f->rows, count, tags);
        predictions->items[predictions->count++] = (el_prediction){
            .example = f->example, .finite = finite, .probabilities = probabilities, .tags = tags};
        probabilities += count;
        tags += count;
    }
    return EL_OK;
}

/* ---- figures ---- */

/* The words of an answer. */
static void add_sentence(const el_learner *l, int i, el_tagged *t)
{
    const el_prediction *const p = &l->predictions.items[i];
    const el_dataset *d = el_learner_dataset(l, l->seen[0]);
    const el_labelled *e = &d->examples[p->example];
    el_tagged_add(t, l->settings.labels, p->tags, d->words + e->first, e->count);
}

static el_status score_words(el_learner *l, el_tagged *t, double *values)
{
    for (int i = 0; i < l->predictions.count; i++)
        add_sentence(l, i, t);
    values[1] = el_accuracy(t->predicted, t->gold, t->count);
    values[2] = el_macro_rates(t->predicted, t->gold, t->count, l->settings.labels->count).f1;
    return EL_OK;
}

static el_status score_entities(el_learner *l, el_tagged *t, double *values)
{
    el_entity_scores lenient = {.how = {EL_TAGS_LENIENT, l->settings.tagging.suffix}};
    el_entity_scores strict = {.how = l->settings.tagging};
    el_status st = EL_OK;
    for (int i = 0; !st && i < l->predictions.count; i++) {
        const size_t first = t->count;
        add_sentence(l, i, t);
        const size_t words = t->count - first;
        st = el_entity_scores_add(&lenient, t->predicted_names + first, t->gold_names + first, words);
        if (!st)
            st = el_entity_scores_add(&strict, t->predicted_names + first, t->gold_names + first, words);
    }
    if (!st) {
        const el_rates rates = el_entity_scores_micro(&lenient);
        values[1] = el_accuracy(t->predicted, t->gold, t->count);
        values[2] = rates.precision;
        values[3] = rates.recall;
        values[4] = rates.f1;
        values[5] = el_entity_scores_micro(&strict).f1;
    }
    el_entity_scores_release(&lenient);
    el_entity_scores_release(&strict);
    return st;
}

static el_status score(el_learner *l, double *values)
{
    el_tagged t;
    el_status st = el_tagged_open(&t, words_seen(l));
    if (!st)
        st = (l->names == OF_ENTITIES ? score_entities : score_words)(l, &t, values);
    el_tagged_close(&t);
    return st;
}

const el_family el_tag_family = {.open = open_tag,
                                 .lay_out = el_rows_lay_out,
                                 .close = el_rows_close,
                                 .reads = reads,
                                 .targets = targets,
                                 .put = put,
                                 .pair = pair,
                                 .reserve = el_rows_reserve,
                                 .forget = el_rows_forget,
                                 .pass = el_rows_pass,
                                 .answer = answer,
                                 .score = score};
