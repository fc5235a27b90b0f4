/* span - answers in a context: windows to candidates, guesses to answers, windows back to questions */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "task/learn/family.h"

static const char *const FIGURES[] = {"loss",
                                      "exact",
                                      "f1", /* the rest: of SQuAD 2.0 */
                                      "has_answer_exact",
                                      "has_answer_f1",
                                      "no_answer_exact",
                                      "no_answer_f1",
                                      "best_exact",
                                      "best_exact_threshold",
                                      "best_f1",
                                      "best_f1_threshold"};
enum { ALL_FIGURES = sizeof FIGURES / sizeof *FIGURES, PLAIN_FIGURES = 3 };

static bool is_joint(const el_learner *l)
{
    return el_learner_head(l)->config.kind == EL_HEAD_SPAN_JOINT;
}

static el_status open_span(el_learner *l)
{
    el_windows *w = &l->windows;
    const el_model *m = l->base.model;
    const el_network *net = &m->networks[0];
    const size_t pairs = (size_t)l->settings.beam * (size_t)l->settings.beam;
    l->names = FIGURES;
    l->figures = l->settings.rule == EL_SQUAD_2 ? ALL_FIGURES : PLAIN_FIGURES;
    l->reads = l->rows;
    l->sequences = l->rows / 16 + 1; /* few windows are shorter than this */
    const size_t n = (size_t)l->sequences;
    w->candidates = malloc((size_t)l->reads * sizeof *w->candidates);
    w->starts = malloc((n + 1) * sizeof *w->starts);
    w->start = malloc(n * sizeof *w->start);
    w->end = malloc(n * sizeof *w->end);
    w->impossible = malloc(n * sizeof *w->impossible);
    w->losses = malloc(n * sizeof *w->losses);
    w->guesses = malloc(n * pairs * sizeof *w->guesses);
    w->null_scores = malloc(n * sizeof *w->null_scores);
    if (!w->candidates || !w->starts || !w->start || !w->end || !w->impossible || !w->losses || !w->guesses ||
        !w->null_scores)
        return el_fail(EL_ENOMEM, "no memory for the answers of %d windows", l->sequences);
    return el_span_open(&w->saved, m->q, &net->config, &el_learner_head(l)->config, l->reads, l->sequences,
                        m->activations, m->parameters, m->training);
}

static void lay_out(el_learner *l)
{
    (void)l; /* the head has its own memory */
}

static void close_span(el_learner *l)
{
    el_windows *w = &l->windows;
    el_span_close(w->saved);
    free(w->candidates);
    free(w->starts);
    free(w->start);
    free(w->end);
    free(w->impossible);
    free(w->losses);
    free(w->guesses);
    free(w->null_scores);
    free(w->kept);
    free(w->found);
}

/* Candidates of a window: all its rows, or [CLS], then the context and its [SEP]. */
static int reads(const el_learner *l, int feature)
{
    const el_feature *f = &l->features->items[feature];
    return is_joint(l) ? 1 + f->count - f->context : f->count;
}

/* Which row candidate 1 is. */
static int second_row(const el_learner *l, const el_feature *f)
{
    return is_joint(l) ? f->context : 1;
}

static int targets(const el_learner *l, int feature)
{
    return l->features->items[feature].start >= 0;
}

static el_status reserve(el_learner *l, int sequences, int reads_)
{
    (void)reads_;
    el_windows *w = &l->windows;
    const el_status st =
        el_learner_grow(&w->kept, &w->kept_room, (size_t)w->kept_count + (size_t)sequences, sizeof *w->kept);
    return st ? st
              : el_learner_grow(&w->found, &w->found_room,
                                (size_t)w->found_count + (size_t)sequences * (size_t)l->settings.n_best,
                                sizeof *w->found);
}

static void forget(el_learner *l)
{
    l->windows.kept_count = l->windows.found_count = 0;
}

/* ---- a pass ---- */

/* Row 0 and a row that is no candidate's are both [CLS]'s number. */
static int candidate_of(int row, int second)
{
    return row < 0 ? -1 : row >= second ? row - second + 1 : 0;
}

static el_candidates list_candidates(el_learner *l, const el_range *range)
{
    el_windows *w = &l->windows;
    int count = 0;
    for (int s = range->first; s < range->last; s++) {
        const el_feature *f = &l->features->items[l->batch->numbers[s]];
        const int cls = l->batch->starts[s] - range->first_row;
        w->starts[s - range->first] = count;
        w->candidates[count++] = cls;
        for (int row = second_row(l, f); row < f->count; row++)
            w->candidates[count++] = cls + row;
    }
    w->starts[range->last - range->first] = count;
    return (el_candidates){
        .rows = w->candidates, .starts = w->starts, .count = count, .sequences = range->last - range->first};
}

static el_span_targets list_targets(el_learner *l, const el_range *range)
{
    el_windows *w = &l->windows;
    for (int s = range->first; s < range->last; s++) {
        const int feature = l->batch->numbers[s], at = s - range->first;
        const el_feature *f = &l->features->items[feature];
        w->start[at] = candidate_of(f->start, second_row(l, f));
        w->end[at] = candidate_of(f->end, second_row(l, f));
        w->impossible[at] = f->start < 0 ? -1 : el_learner_example(l, feature)->label;
    }
    return (el_span_targets){.start = w->start,
                             .end = w->end,
                             .impossible = l->settings.rule == EL_SQUAD_2 ? w->impossible : NULL,
                             .answerable_weight = l->settings.answerable_weight};
}

static bool all_unknown(const el_span_targets *t, int count)
{
    for (int i = 0; i < count; i++)
        if (t->start[i] >= 0)
            return false;
    return true;
}

static void keep(el_learner *l, int feature, const el_span_guess *guesses, float null_score)
{
    el_windows *w = &l->windows;
    const el_feature *f = &l->features->items[feature];
    const el_guessed window = {.feature = f,
                               .pieces = f->rows ? l->features->pieces.data + f->row : NULL,
                               .context = el_learner_example(l, feature)->text[1],
                               .shift = f->context - second_row(l, f) + 1};
    const int found =
        el_answers_find(&window, guesses, l->settings.beam * l->settings.beam, l->settings.max_answer_length,
                        l->settings.n_best, w->found + w->found_count);
    w->kept[w->kept_count++] =
        (el_window){.null_score = (double)null_score, .first = w->found_count, .count = found};
    w->found_count += found;
}

static double pass(el_learner *l, const el_range *range, el_tensor hidden, el_tensor dhidden)
{
    el_windows *w = &l->windows;
    const el_head *head = el_learner_head(l);
    const el_candidates candidates = list_candidates(l, range);
    const el_span_targets wanted = list_targets(l, range);
    const size_t pairs = (size_t)l->settings.beam * (size_t)l->settings.beam;
    double sum = 0;
    if (range->training || !all_unknown(&wanted, candidates.sequences)) {
        el_span_learn(w->saved, &head->task.w, &head->task.g, hidden, &candidates, &wanted, l->scale,
                      w->losses, range->training, dhidden);
        for (int i = 0; i < candidates.sequences; i++)
            sum += w->losses[i];
    }
    if (range->training)
        return sum;
    el_span_guess_best(w->saved, &head->task.w, hidden, &candidates, l->settings.beam, w->guesses,
                       w->null_scores);
    for (int i = 0; i < candidates.sequences; i++)
        keep(l, l->batch->numbers[range->first + i], w->guesses + (size_t)i * pairs, w->null_scores[i]);
    return sum;
}

/* ---- from windows to questions ---- */

static int example_of(const el_learner *l, int at)
{
    return l->features->items[l->seen[at]].example;
}

/* The best answers of all windows of a question, moved together; how many. */
static int join_windows(el_learner *l, int first, int end, const char *context)
{
    el_windows *w = &l->windows;
    const el_window *last = &w->kept[end - 1];
    const int from = w->kept[first].first;
    return el_answers_best(w->found + from, last->first + last->count - from, context, l->settings.n_best);
}

/* How much likelier no answer is; `best`: the best answer's score. */
static double null_odds(const el_learner *l, int first, int end, double best)
{
    const el_head_config *head = &el_learner_head(l)->config;
    double least = INFINITY;
    for (int i = first; i < end; i++)
        least = fmin(least, l->windows.kept[i].null_score);
    return head->kind == EL_HEAD_SPAN_JOINT && head->answerable ? least : least - best;
}

static bool is_finite(const el_learner *l, int first, int end)
{
    const el_windows *const w = &l->windows;
    bool finite = true;
    for (int i = first; i < end; i++) {
        finite &= isfinite(w->kept[i].null_score) != 0;
        for (int k = w->kept[i].first; k < w->kept[i].first + w->kept[i].count; k++)
            finite &= isfinite(w->found[k].score) != 0;
    }
    return finite;
}

/* Texts and probabilities: the softmax of the scores. */
static void write_answers(const el_scored_span *found, int count, const char *context, el_span_answer *spans,
                          char *text)
{
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += exp(found[i].score - found[0].score);
    for (int i = 0; i < count; i++) {
        const size_t bytes = found[i].end - found[i].begin;
        memcpy(text, context + found[i].begin, bytes);
        spans[i] = (el_span_answer){.text = text,
                                    .begin = found[i].begin,
                                    .end = found[i].end,
                                    .score = exp(found[i].score - found[0].score) / sum,
                                    .start_logit = found[i].start_score,
                                    .end_logit = found[i].end_score};
        text[bytes] = '\0';
        text += bytes + 1;
    }
}

static el_status take_answers(el_learner *l)
{
    el_predictions *predictions = &l->predictions;
    const el_windows *w = &l->windows;
    size_t bytes = 0;
    for (int i = 0; i < w->found_count; i++)
        bytes += w->found[i].end - w->found[i].begin + 1;
    el_status st =
        el_learner_take((void **)&predictions->items, (size_t)l->seen_count, sizeof *predictions->items);
    if (!st)
        st =
            el_learner_take((void **)&predictions->spans, (size_t)w->found_count, sizeof *predictions->spans);
    return st ? st : el_learner_take((void **)&predictions->text, bytes, 1);
}

static el_status answer(el_learner *l)
{
    el_predictions *predictions = &l->predictions;
    const el_windows *w = &l->windows;
    const el_status st = take_answers(l);
    if (st)
        return st;
    el_span_answer *spans = predictions->spans;
    char *text = predictions->text;
    for (int first = 0, end; first < l->seen_count; first = end) {
        const char *context = el_learner_example(l, l->seen[first])->text[1];
        const el_scored_span *found = w->found + w->kept[first].first;
        end = el_learner_windows(l, first);
        const bool finite = is_finite(l, first, end);
        const int count = join_windows(l, first, end, context);
        write_answers(found, count, context, spans, text);
        predictions->items[predictions->count++] =
            (el_prediction){.example = example_of(l, first),
                            .finite = finite,
                            .answers = spans,
                            .answer_count = count,
                            .null_odds = null_odds(l, first, end, count ? found->score : 0)};
        spans += count;
        for (int i = 0; i < count; i++)
            text += found[i].end - found[i].begin + 1;
    }
    return EL_OK;
}

/* ---- figures ---- */

static el_status add_score(const el_dataset *d, const el_prediction *p, el_squad_scores *scores)
{
    const el_labelled *e = &d->examples[p->example];
    if (e->label < 0)
        return EL_OK;
    return el_squad_scores_add(scores, p->answer_count ? p->answers[0].text : "", p->null_odds,
                               d->answers + e->first, e->label ? 0 : e->count);
}

/* A threshold that gives the best score.  The script's is 0 where it is best to answer nothing, but odds may be below that. */
static double threshold_of(const el_squad_scores *scores, double best, double threshold)
{
    const double nothing = el_squad_scores_means(scores, -INFINITY).all.f1;
    double least = INFINITY;
    for (size_t i = 0; i < scores->count; i++)
        least = fmin(least, scores->items[i].null_odds);
    return nothing > 0 && nothing >= best ? fmin(least - 1, threshold) : threshold;
}

static el_status put_figures(const el_learner *l, const el_squad_scores *scores, double *values)
{
    el_squad_best best = {0};
    double threshold = l->settings.null_threshold;
    const bool two = l->settings.rule == EL_SQUAD_2;
    const el_status st = two ? el_squad_scores_best(scores, &best) : EL_OK;
    if (st)
        return st;
    best.exact_threshold = threshold_of(scores, best.exact, best.exact_threshold);
    best.f1_threshold = threshold_of(scores, best.f1, best.f1_threshold);
    if (isnan(threshold))
        threshold = best.f1_threshold;
    const el_squad_means m = el_squad_scores_means(scores, two ? threshold : INFINITY);
    const double figures[ALL_FIGURES] = {
        values[0],         m.all.exact,    m.all.f1,   m.has_answer.exact,   m.has_answer.f1,
        m.no_answer.exact, m.no_answer.f1, best.exact, best.exact_threshold, best.f1,
        best.f1_threshold};
    memcpy(values, figures, (size_t)l->figures * sizeof *values);
    return EL_OK;
}

static el_status score(el_learner *l, double *values)
{
    const el_dataset *d = el_learner_dataset(l, l->seen[0]);
    el_squad_scores scores = {.rule = l->settings.rule};
    el_status st = EL_OK;
    for (int i = 0; !st && i < l->predictions.count; i++)
        st = add_score(d, &l->predictions.items[i], &scores);
    if (!st)
        st = put_figures(l, &scores, values);
    el_squad_scores_release(&scores);
    return st;
}

const el_family el_span_family = {.open = open_span,
                                  .lay_out = lay_out,
                                  .close = close_span,
                                  .reads = reads,
                                  .targets = targets,
                                  .reserve = reserve,
                                  .forget = forget,
                                  .pass = pass,
                                  .answer = answer,
                                  .score = score};
