/* report_span - reports on answers in a context */
#include <stdlib.h>
#include <string.h>

#include "task/report/sections.h"

enum { AROUND = 160 }; /* bytes of context on either side of an answer */

/* ---- scores ---- */

static const char *answer_of(const el_evaluated *e, int item)
{
    const el_prediction *const p = &e->predictions[item];
    return el_task_card_answers(e->card, p) ? p->answers[0].text : "";
}

static el_status score(const el_evaluated *e, int item, el_squad_score *found)
{
    const el_labelled *const example = el_section_example(e, item);
    el_squad_scores scores = {.rule = e->card->rule};
    const el_status st =
        el_squad_scores_add(&scores, answer_of(e, item), e->predictions[item].null_odds,
                            e->data->answers + example->first, example->label ? 0 : example->count);
    *found = st ? (el_squad_score){0} : scores.items[0];
    el_squad_scores_release(&scores);
    return st;
}

static el_status tables(el_writer *page, const el_evaluated *e)
{
    if (e->card->rule == EL_SQUAD_2)
        el_html_put(page, "<p class=\"note\">No answer is given where its odds are above %.6g.</p>\n",
                    el_task_card_threshold(e->card));
    return EL_OK;
}

/* By F1, and then by how sure it was. */
static bool weigh(const el_evaluated *e, el_mistake *m, el_status *st)
{
    const el_prediction *const p = &e->predictions[m->item];
    el_squad_score found;
    *st = score(e, m->item, &found);
    m->weight = 1 - found.f1;
    m->sureness = p->answer_count ? p->answers[0].score : 0;
    return found.exact < 1;
}

/* ---- a question with its context ---- */

typedef struct {
    int64_t begin, end;
} bytes;

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The bytes around a place, at beginnings of characters. */
static bytes around(const char *context, bytes place)
{
    const int64_t size = (int64_t)strlen(context);
    bytes b = {place.begin > AROUND ? place.begin - AROUND : 0, earlier(place.end + AROUND, size)};
    while (b.begin > 0 && ((unsigned char)context[b.begin] & 0xC0) == 0x80)
        b.begin--;
    while (b.end < size && ((unsigned char)context[b.end] & 0xC0) == 0x80)
        b.end++;
    return b;
}

static bool holds(bytes b, int64_t at)
{
    return b.begin <= at && at < b.end;
}

/* Where the next of the limits behind `at` is. */
static int64_t next_limit(bytes gold, bytes guess, int64_t at, int64_t end)
{
    const int64_t limits[] = {gold.begin, gold.end, guess.begin, guess.end};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (limits[i] > at)
            end = earlier(end, limits[i]);
    return end;
}

/* Some of the context, with what is gold and what was predicted in it marked. */
static void put_excerpt(el_writer *page, const char *context, bytes part, bytes gold, bytes guess)
{
    el_html_put(page, part.begin > 0 ? "&#8230;" : "");
    for (int64_t at = part.begin, next; at < part.end; at = next) {
        const bool right = holds(gold, at), wrong = holds(guess, at);
        next = next_limit(gold, guess, at, part.end);
        if (right || wrong)
            el_html_put(page, "<mark class=\"%s%s%s\">", right ? "right" : "", right && wrong ? " " : "",
                        wrong ? "wrong" : "");
        el_html_bytes(page, context + at, (size_t)(next - at));
        el_html_put(page, right || wrong ? "</mark>" : "");
    }
    el_html_put(page, context[part.end] ? "&#8230;" : "");
}

/* Around both answers; in two parts where they are far apart. */
static void put_context(el_writer *page, const char *context, bytes gold, bytes guess)
{
    bytes first = around(context, gold.end > gold.begin ? gold : guess), second = first;
    if (guess.end > guess.begin)
        second = around(context, guess);
    if (second.begin < first.begin) {
        const bytes other = first;
        first = second, second = other;
    }
    el_html_put(page, "<div class=\"text\" dir=\"auto\">");
    if (second.begin <= first.end) {
        put_excerpt(page, context, (bytes){first.begin, first.end > second.end ? first.end : second.end},
                    gold, guess);
    } else {
        put_excerpt(page, context, first, gold, guess);
        put_excerpt(page, context, second, gold, guess);
    }
    el_html_put(page, "</div>");
}

static void put_answer(el_writer *page, const char *text)
{
    el_html_put(page, "<div class=\"text\" dir=\"auto\">");
    if (*text)
        el_html_text(page, text);
    else
        el_html_put(page, "<em>no answer</em>");
    el_html_put(page, "</div>");
}

/* Each text once. */
static void put_gold(el_writer *page, const el_answer *answers, int count)
{
    el_html_put(page, "<td>");
    for (int i = 0; i < count; i++) {
        int same = 0;
        while (strcmp(answers[same].text, answers[i].text) != 0)
            same++;
        if (same == i)
            put_answer(page, answers[i].text);
    }
    if (!count)
        put_answer(page, "");
    el_html_put(page, "</td>");
}

/* The first answer that stands in the context; empty where none does. */
static bytes place_of_gold(const el_answer *answers, int count)
{
    for (int i = 0; i < count; i++)
        if (answers[i].begin >= 0)
            return (bytes){answers[i].begin, answers[i].begin + (int64_t)strlen(answers[i].text)};
    return (bytes){0, 0};
}

static void show(el_writer *page, const el_evaluated *e, int item)
{
    const el_labelled *const example = el_section_example(e, item);
    const el_prediction *const p = &e->predictions[item];
    const el_answer *const answers = e->data->answers + example->first;
    const int count = example->label ? 0 : example->count;
    const bytes guess = *answer_of(e, item) ? (bytes){p->answers[0].begin, p->answers[0].end} : (bytes){0, 0};
    el_squad_score found;
    (void)score(e, item, &found); /* it was weighed before */
    el_html_put(page, "<td><div class=\"text\" dir=\"auto\"><b>");
    el_html_text(page, example->text[0]);
    el_html_put(page, "</b></div>");
    put_context(page, example->text[1], place_of_gold(answers, count), guess);
    el_html_put(page, "</td>");
    put_gold(page, answers, count);
    el_html_put(page, "<td>");
    put_answer(page, answer_of(e, item));
    if (e->card->rule == EL_SQUAD_2)
        el_html_put(page, "<small class=\"note\">odds of no answer: %.4f</small>", p->null_odds);
    el_html_put(page, "</td><td class=\"n\">%.4f</td><td class=\"n\">%.4f</td>", found.f1,
                p->answer_count ? p->answers[0].score : 0);
}

const el_section el_span_section = {
    .tables = tables,
    .title = "Answers that are not exact, the lowest F1 first",
    .columns = "<th>question, and around the answers</th><th><mark class=\"right\">gold</mark></th>"
               "<th><mark class=\"wrong\">predicted</mark></th><th class=\"n\">F1</th>"
               "<th class=\"n\">probability</th>",
    .weigh = weigh,
    .show = show};
