/* report_tag - reports on tags of words */
#include <stdlib.h>
#include <string.h>

#include "task/report/sections.h"
#include "task/score/entities.h"

/* Words whose tag is known, predicted and gold side by side: numbers, and names of the same. */
typedef struct {
    int *predicted, *gold;
    const char **predicted_names, **gold_names;
    size_t count;
} pairs;

static const char *const *tag_names(const el_evaluated *e)
{
    return (const char *const *)e->card->labels.names;
}

static el_status take_pairs(const el_evaluated *e, pairs *p)
{
    const size_t words = (size_t)e->data->word_count + 1;
    *p = (pairs){.predicted = malloc(words * sizeof *p->predicted),
                 .gold = malloc(words * sizeof *p->gold),
                 .predicted_names = malloc(words * sizeof *p->predicted_names),
                 .gold_names = malloc(words * sizeof *p->gold_names)};
    return p->predicted && p->gold && p->predicted_names && p->gold_names
               ? EL_OK
               : el_fail(EL_ENOMEM, "no memory for %zu words", words);
}

static void release_pairs(pairs *p)
{
    free(p->predicted);
    free(p->gold);
    free(p->predicted_names);
    free(p->gold_names);
}

/* Adds a sentence; returns how many words that were. */
static size_t add_sentence(const el_evaluated *e, int item, pairs *p)
{
    const el_labelled *const example = el_section_example(e, item);
    const size_t before = p->count;
    for (int i = 0; i < example->count; i++) {
        const int predicted = e->predictions[item].tags[i], gold = e->data->words[example->first + i].tag;
        if (gold < 0)
            continue;
        p->predicted[p->count] = predicted;
        p->gold[p->count] = gold;
        p->predicted_names[p->count] = tag_names(e)[predicted];
        p->gold_names[p->count++] = tag_names(e)[gold];
    }
    return p->count - before;
}

/* ---- tables ---- */

static el_status entity_rates(el_writer *page, const el_evaluated *e, pairs *p)
{
    el_entity_scores scores = {.how = {EL_TAGS_LENIENT, e->card->tagging.suffix}};
    el_status st = EL_OK;
    for (int i = 0; !st && i < e->count; i++) {
        const size_t first = p->count, words = add_sentence(e, i, p);
        st = el_entity_scores_add(&scores, p->predicted_names + first, p->gold_names + first, words);
    }
    el_section_rates_begin(page, "entity");
    for (size_t i = 0; !st && i < scores.type_count; i++)
        el_section_rates_line(page, scores.types[i].name, scores.types[i].tally);
    el_section_rates_end(page);
    el_entity_scores_release(&scores);
    return st;
}

static el_status word_rates(el_writer *page, const el_evaluated *e, pairs *p)
{
    for (int i = 0; i < e->count; i++)
        add_sentence(e, i, p);
    return el_section_label_rates(page, &e->card->labels, p->predicted, p->gold, p->count);
}

static el_status tables(el_writer *page, const el_evaluated *e)
{
    pairs p;
    el_status st = take_pairs(e, &p);
    const bool entities = e->card->tagging.scheme != EL_TAGS_PLAIN;
    if (!st)
        st = (entities ? entity_rates : word_rates)(page, e, &p);
    if (!st)
        st = el_section_matrix(page, &e->card->labels, p.predicted, p.gold, p.count);
    release_pairs(&p);
    return st;
}

/* ---- sentences ---- */

/* By the number of wrong words, and then by how sure it was of them. */
static bool weigh(const el_evaluated *e, el_mistake *m, el_status *st)
{
    (void)st;
    const el_labelled *const example = el_section_example(e, m->item);
    const el_prediction *const p = &e->predictions[m->item];
    for (int i = 0; i < example->count; i++) {
        const int gold = e->data->words[example->first + i].tag;
        const bool wrong = gold >= 0 && p->tags[i] != gold;
        m->weight += wrong;
        m->sureness += wrong ? (double)p->probabilities[i] : 0;
    }
    return m->weight > 0;
}

static void put_word(el_writer *page, const el_evaluated *e, const el_word *word, int predicted)
{
    const bool wrong = word->tag >= 0 && word->tag != predicted,
               outside = strcmp(tag_names(e)[predicted], "O") == 0;
    el_html_put(page, "<span class=\"word%s\">", wrong ? " wrong" : outside ? "" : " right");
    el_html_text(page, word->text);
    if (wrong || !outside) {
        el_html_put(page, "<small>");
        el_html_text(page, tag_names(e)[wrong ? word->tag : predicted]);
        if (wrong) {
            el_html_put(page, " &#8594; ");
            el_html_text(page, tag_names(e)[predicted]);
        }
        el_html_put(page, "</small>");
    }
    el_html_put(page, "</span> ");
}

static void show(el_writer *page, const el_evaluated *e, int item)
{
    const el_labelled *const example = el_section_example(e, item);
    el_mistake m = {.item = item};
    el_status st = EL_OK;
    weigh(e, &m, &st);
    el_html_put(page, "<td class=\"n\">%.0f of %d</td><td dir=\"auto\">", m.weight, example->count);
    for (int i = 0; i < example->count; i++)
        put_word(page, e, &e->data->words[example->first + i], e->predictions[item].tags[i]);
    el_html_put(page, "</td>");
}

const el_section el_tag_section = {
    .tables = tables,
    .title = "Sentences with the most wrong words",
    .columns = "<th class=\"n\">wrong words</th><th>words; under a wrong one: gold &#8594; predicted</th>",
    .weigh = weigh,
    .show = show};
