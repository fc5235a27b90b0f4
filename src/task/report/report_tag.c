/* report_tag - reports on tags of words */
#include <stdlib.h>
#include <string.h>

#include "task/report/sections.h"
#include "task/score/entities.h"
#include "task/score/tagged.h"

static const char *const *tag_names(const el_evaluated *e)
{
    return (const char *const *)e->card->labels.names;
}

static void add_sentence(const el_evaluated *e, int item, el_tagged *t)
{
    const el_labelled *const example = el_section_example(e, item);
    el_tagged_add(t, &e->card->labels, e->predictions[item].tags, e->data->words + example->first,
                  example->count);
}

/* ---- tables ---- */

static el_status entity_rates(el_writer *page, const el_evaluated *e, el_tagged *t)
{
    el_entity_scores scores = {.how = {EL_TAGS_LENIENT, e->card->tagging.suffix}};
    el_status st = EL_OK;
    for (int i = 0; !st && i < e->count; i++) {
        const size_t first = t->count;
        add_sentence(e, i, t);
        const size_t words = t->count - first;
        st = el_entity_scores_add(&scores, t->predicted_names + first, t->gold_names + first, words);
    }
    el_section_rates_begin(page, "entity");
    for (size_t i = 0; !st && i < scores.type_count; i++)
        el_section_rates_line(page, scores.types[i].name, scores.types[i].tally);
    el_section_rates_end(page);
    el_entity_scores_release(&scores);
    return st;
}

static el_status word_rates(el_writer *page, const el_evaluated *e, el_tagged *t)
{
    for (int i = 0; i < e->count; i++)
        add_sentence(e, i, t);
    return el_section_label_rates(page, &e->card->labels, t->predicted, t->gold, t->count);
}

static el_status tables(el_writer *page, const el_evaluated *e)
{
    el_tagged t;
    el_status st = el_tagged_open(&t, (size_t)e->data->word_count);
    const bool entities = e->card->tagging.scheme != EL_TAGS_PLAIN;
    if (!st)
        st = (entities ? entity_rates : word_rates)(page, e, &t);
    if (!st)
        st = el_section_matrix(page, &e->card->labels, t.predicted, t.gold, t.count);
    el_tagged_close(&t);
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
