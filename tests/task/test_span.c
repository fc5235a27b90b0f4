/* From guesses to answers: hand-made windows, and a whole network's answers against all pairs tried in turn. */
#include "task/made.h"

#include "task/learn/answers.h"

static const char CONTEXT[] = "ab cd ab ef";
static const el_span PIECES[] = {{0, 2}, {3, 4}, {4, 5}, {6, 8}, {9, 11}}; /* ab c ##d ab ef */

static int find(const el_feature *f, int shift, const el_span_guess *guesses, int count, int longest,
                int most, el_scored_span *found)
{
    const el_guessed window = {.feature = f, .pieces = PIECES, .context = CONTEXT, .shift = shift};
    return el_answers_find(&window, guesses, count, longest, most, found);
}

static void check_found(const el_scored_span *found, int at, int begin, int end, double score)
{
    CHECK((int)found[at].begin == begin && (int)found[at].end == end && fabs(found[at].score - score) < 1e-6,
          "answer %d is %u to %u with %g, not %d to %d with %g", at, found[at].begin, found[at].end,
          found[at].score, begin, end, score);
}

/* Each guess that must not count stands before those that do. */
static void bad_guesses_are_left_out(void **state)
{
    (void)state;
    static const el_span_guess GUESSES[] = {
        {0, 0, 9, 9},  /* [CLS] */
        {3, 5, 9, 8},  /* begins before the context */
        {5, 10, 9, 7}, /* ends behind it */
        {6, 5, 9, 6},  /* ends before it begins */
        {8, 9, 9, 5},  /* its first piece belongs to another window */
        {5, 8, 9, 4},  /* four pieces */
        {5, 5, 3, 4},  {6, 7, 3, 3}, {6, 6, 3, 2}, {-1, -1, 0, 0} /* not used */
    };
    const el_feature f = {.rows = 5, .context = 5, .own = 0, .own_end = 3};
    el_scored_span found[8];
    const int count = find(&f, 5, GUESSES, 10, 3, 8, found);
    assert_int_equal(count, 3);
    check_found(found, 0, 0, 2, 7);
    assert_true(found[0].start_score == 3 && found[0].end_score == 4);
    check_found(found, 1, 3, 5, 6);
    check_found(found, 2, 3, 4, 5);
    assert_int_equal(find(&f, 5, GUESSES, 10, 3, 2, found), 2);
    assert_int_equal(find(&f, 5, GUESSES, 10, 4, 8, found), 4);
}

/* As the joint head numbers candidates: 1 is the first piece. */
static void a_text_counts_once(void **state)
{
    (void)state;
    static const el_span_guess GUESSES[] = {{4, 4, 5, 5}, {1, 1, 4, 5}, {1, 3, 4, 4}, {5, 5, 3, 4}};
    const el_feature f = {.rows = 5, .context = 9, .own = 0, .own_end = 5};
    el_scored_span found[8];
    assert_int_equal(find(&f, 1, GUESSES, 4, 9, 8, found), 3);
    check_found(found, 0, 6, 8, 10);
    check_found(found, 1, 0, 5, 8);
    check_found(found, 2, 9, 11, 7);
    el_scored_span all[] = {
        {0, 2, 1, 1, 0}, {9, 11, 3, 2, 1}, {6, 8, 4, 4, 0}, {3, 5, 3, 0, 3}, {0, 5, -2, -1, -1}};
    assert_int_equal(el_answers_best(all, 5, CONTEXT, 3), 3);
    check_found(all, 0, 6, 8, 4);
    check_found(all, 1, 3, 5, 3);
    check_found(all, 2, 9, 11, 3);
    assert_int_equal(el_answers_best(all, 0, CONTEXT, 3), 0);
}

/* ---- a network ---- */

enum { QUESTIONS = 6, MOST_ROWS = 24, N_BEST = 4, LONGEST = 5, MOST_TEXTS = 300 };

typedef struct {
    el_queue *q;
    el_model model;
    el_features features;
    el_dataset dataset;
    el_split split;
    el_batch batch;
} network;

/* All pairs of a window with their scores, by the head itself on this window alone; returns the null score. */
static float all_pairs(network *n, int feature, el_span_guess *pairs, int *count)
{
    const el_feature *f = &n->features.items[feature];
    const el_network *net = &n->model.networks[0];
    const bool joint = net->heads[0].config.kind == EL_HEAD_SPAN_JOINT;
    el_encoder_saved saved = {0};
    el_span_saved *head;
    el_arena arena = {0};
    int segments[MOST_ROWS], positions[MOST_ROWS], starts[] = {0, f->count}, rows[MOST_ROWS];
    int candidates[] = {0, 0};
    float null_score;
    for (int i = 0; i < f->count; i++) {
        segments[i] = i >= f->second;
        positions[i] = i;
        if (i == 0 || !joint || i >= f->context)
            rows[candidates[1]++] = i;
    }
    for (int pass = 0; pass < 2; pass++) {
        CHECK_OK(el_encoder_saved_layout(&saved, &arena, &net->config, MOST_ROWS, EL_F64, EL_F64, false));
        if (pass == 0)
            CHECK_OK(el_device_reserve(n->q->dev, &arena));
    }
    CHECK_OK(
        el_span_open(&head, n->q, &net->config, &net->heads[0].config, MOST_ROWS, 1, EL_F64, EL_F64, false));
    const el_input in = {.rows = f->count,
                         .ids = n->features.ids.data + f->first,
                         .segments = segments,
                         .positions = positions,
                         .layout = {.starts = starts, .sequences = 1, .longest = f->count}};
    const el_tensor hidden = el_encoder_forward(n->q, &net->config, &net->w, &saved, &in);
    const el_candidates listed = {rows, candidates, candidates[1], 1};
    el_span_guess_best(head, &net->heads[0].task.w, hidden, &listed, MOST_ROWS, pairs, &null_score);
    *count = 0;
    for (int i = 0; i < MOST_ROWS * MOST_ROWS; i++)
        if (pairs[i].start >= 0) {
            pairs[i].start = rows[pairs[i].start];
            pairs[i].end = rows[pairs[i].end];
            pairs[(*count)++] = pairs[i];
        }
    el_span_close(head);
    el_encoder_saved_release(&saved);
    el_device_release(n->q->dev, &arena);
    return null_score;
}

/* Texts of a question and their best scores, found without the learner's code. */
typedef struct {
    char text[MOST_TEXTS][200];
    double score[MOST_TEXTS];
    int count;
    double null_score;
} table;

static void add_to(table *t, const char *text, double score)
{
    int at = 0;
    while (at < t->count && strcmp(t->text[at], text) != 0)
        at++;
    if (at == t->count) {
        assert_true(t->count < MOST_TEXTS);
        strcpy(t->text[t->count], text);
        t->score[t->count++] = score;
    }
    t->score[at] = fmax(t->score[at], score);
}

/* The window with most context around byte `at`: by the definition, over all windows of the question. */
static bool most_context_here(const network *n, int feature, uint32_t at)
{
    const el_feature *const items = n->features.items;
    int best = -1;
    double most = -1;
    for (int i = 0; i < n->features.count; i++) {
        if (items[i].example != items[feature].example)
            continue;
        for (int k = 0; k < items[i].rows; k++) {
            const int left = k, right = items[i].rows - 1 - k;
            const double here = (left < right ? left : right) + 0.01 * items[i].rows;
            if (n->features.pieces.data[items[i].row + k].begin == at && here > most)
                most = here, best = i;
        }
    }
    return best == feature;
}

static void try_all(network *n, int example, table *t)
{
    static el_span_guess pairs[MOST_ROWS * MOST_ROWS];
    t->count = 0;
    t->null_score = INFINITY;
    for (int w = 0; w < n->features.count; w++) {
        const el_feature *f = &n->features.items[w];
        int count;
        if (f->example != example)
            continue;
        t->null_score = fmin(t->null_score, (double)all_pairs(n, w, pairs, &count));
        for (int i = 0; i < count; i++) {
            const int first = pairs[i].start - f->context, last = pairs[i].end - f->context;
            if (first < 0 || last < first || last >= f->rows || last - first + 1 > LONGEST)
                continue;
            const el_span *pieces = n->features.pieces.data + f->row;
            char text[200];
            snprintf(text, sizeof text, "%.*s", (int)(pieces[last].end - pieces[first].begin),
                     n->dataset.examples[example].text[1] + pieces[first].begin);
            if (most_context_here(n, w, pieces[first].begin))
                add_to(t, text, (double)pairs[i].start_score + (double)pairs[i].end_score);
        }
    }
}

/* Takes the best text out of the table. */
static int take_best(table *t)
{
    int best = 0;
    for (int i = 1; i < t->count; i++)
        best = t->score[i] > t->score[best] ? i : best;
    return best;
}

static void check_question(network *n, const el_prediction *p)
{
    static table t;
    double scores[N_BEST], sum = 0;
    try_all(n, p->example, &t);
    const int want = t.count < N_BEST ? t.count : N_BEST;
    CHECK(p->answer_count == want, "question %d: %d answers, not %d", p->example, p->answer_count, want);
    for (int i = 0; i < want; i++) {
        const int best = take_best(&t);
        const el_span_answer *a = &p->answers[i];
        CHECK(strcmp(a->text, t.text[best]) == 0, "question %d: answer %d is \"%s\", not \"%s\"", p->example,
              i, a->text, t.text[best]);
        const char *const context = n->dataset.examples[p->example].text[1];
        assert_memory_equal(context + a->begin, a->text, (size_t)(a->end - a->begin));
        scores[i] = t.score[best];
        t.score[best] = -INFINITY;
        sum += exp(scores[i] - scores[0]);
    }
    for (int i = 0; i < want; i++)
        CHECK(fabs(p->answers[i].score - exp(scores[i] - scores[0]) / sum) < 1e-5, "question %d: %g, not %g",
              p->example, p->answers[i].score, exp(scores[i] - scores[0]) / sum);
    const double odds = n->model.networks[0].heads[0].config.answerable
                            ? t.null_score
                            : t.null_score - (want ? scores[0] : 0);
    CHECK(fabs(p->null_odds - odds) < 1e-5, "question %d: null odds %g, not %g", p->example, p->null_odds,
          odds);
}

static void answers_are_the_best_of_all(void **state)
{
    (void)state;
    static const el_head_config HEADS[] = {{.kind = EL_HEAD_SPAN},
                                           {.kind = EL_HEAD_SPAN_JOINT},
                                           {.kind = EL_HEAD_SPAN_JOINT, .answerable = true}};
    el_vocab *vocab = made_vocab(MADE_WORDS);
    for (size_t h = 0; h < sizeof HEADS / sizeof *HEADS; h++) {
        network n = {.q = el_queue_reference()};
        el_objective *objective;
        const el_prediction *p;
        int count;
        CHECK_OK(el_dataset_open(&n.dataset, EL_SPAN, "made"));
        for (int i = 0; i < QUESTIONS; i++) {
            el_labelled *const e = el_dataset_add(&n.dataset, i + 1);
            e->text[0] = made_text(&n.dataset, i, 1 + i % 3);
            e->text[1] = i == 2 ? " " : made_text(&n.dataset, i * 3, 3 + 7 * i);
            e->label = 1;
        }
        const el_feature_settings settings = {.max_seq_length = 20, .max_query_length = 3, .doc_stride = 6};
        CHECK_OK(el_features_add(&n.features, &n.dataset, vocab, &settings, false, &n.split));
        made_batch(&n.features, &n.split, &n.batch);
        made_model(&n.model, n.q, EL_F64, HEADS[h], false);
        const el_learner_settings how = {.kind = EL_SPAN,
                                         .n_best = N_BEST,
                                         .max_answer_length = LONGEST,
                                         .beam = MOST_ROWS,
                                         .rule = EL_SQUAD_2,
                                         .null_threshold = NAN,
                                         .answerable_weight = 0.5,
                                         .micro_batch_tokens = 50};
        CHECK_OK(el_learner_open(&objective, &n.model, &n.features, &n.split, 1, &how));
        const el_figures figures = ask(objective, &n.batch); /* of questions that have no answer */
        CHECK(figure(&figures, "f1") == 1 && figure(&figures, "best_f1") == 1, "f1 is %g, the best %g",
              figure(&figures, "f1"), figure(&figures, "best_f1"));
        CHECK_OK(el_learner_predictions(objective, &p, &count));
        assert_int_equal(count, QUESTIONS);
        for (int i = 0; i < count; i++) {
            assert_int_equal(p[i].example, i);
            CHECK(p[i].null_odds > figure(&figures, "best_f1_threshold"), "odds of %g, a threshold of %g",
                  p[i].null_odds, figure(&figures, "best_f1_threshold"));
            check_question(&n, &p[i]);
        }
        assert_int_equal(p[2].answer_count, 0);
        objective->close(objective);
        el_model_close(&n.model);
        el_batch_release(&n.batch);
        el_features_release(&n.features);
        el_dataset_release(&n.dataset);
    }
    el_vocab_close(vocab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_guesses_are_left_out),
        cmocka_unit_test(a_text_counts_once),
        cmocka_unit_test(answers_are_the_best_of_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
