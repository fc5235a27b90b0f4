/* Learners of every kind: they learn, however the batch is cut; losses and figures agree with what is predicted. */
#include "ops/distant.h"
#include "task/made.h"

enum { EXAMPLES = 8 };

/* ---- the lessons ---- */

typedef struct {
    const char *name;
    el_task_kind kind;
    el_head_config head;
    el_squad_rule rule;
    const char *labels[4];
    const char *metric; /* 1 when all is learned */
    void (*fill)(el_dataset *d);
} lesson;

static void fill_texts(el_dataset *d)
{
    for (int i = 0; i < EXAMPLES; i++) {
        el_labelled *const e = el_dataset_add(d, i + 1);
        e->text[0] = made_text(d, i, 2 + i % 4);
        e->text[1] = i % 2 ? made_text(d, i + 20, 3) : NULL;
        e->label = d->kind == EL_CLASSIFY ? i % 2 : 0;
        e->value = 1 + 0.5 * (i * 5 % EXAMPLES);
        for (int k = 0; d->kind == EL_MULTILABEL && k < 3; k++)
            if (i >> k & 1)
                CHECK_OK(el_dataset_add_number(d, k));
    }
}

static void fill_words(el_dataset *d)
{
    for (int i = 0; i < EXAMPLES; i++) {
        el_dataset_add(d, i + 1);
        for (int w = 0; w < 2 + i % 5; w++) {
            char word[16];
            sprintf(word, w % 3 ? "w%d" : "w%d w1", (i * 11 + w * 5) % MADE_WORDS);
            CHECK_OK(el_dataset_add_word(d, word, strlen(word), (i + w) % 4));
        }
    }
}

/* Every fourth question has no answer; contexts are longer than a window. */
static void fill_questions(el_dataset *d)
{
    for (int i = 0; i < EXAMPLES; i++) {
        el_labelled *const e = el_dataset_add(d, i + 1);
        e->text[0] = made_text(d, i + 3, 2);
        const char *const context = e->text[1] = made_text(d, i * 7, 8 + i);
        e->label = i % 4 == 3;
        const char *begin = context;
        for (int w = 0; w < i; w++)
            begin = strchr(begin, ' ') + 1;
        const char *const end = strchr(strchr(begin, ' ') + 1, ' ');
        if (!e->label)
            CHECK_OK(el_dataset_add_answer(d, begin, (size_t)(end - begin), begin - context));
    }
}

static const lesson LESSONS[] = {
    {"classify",
     EL_CLASSIFY,
     {.kind = EL_HEAD_SEQUENCE, .labels = 2, .dropout = 0.1},
     0,
     {"no", "yes"},
     "accuracy",
     fill_texts},
    {"affine",
     EL_CLASSIFY,
     {.kind = EL_HEAD_SEQUENCE_AFFINE, .labels = 2, .dropout = 0.1},
     0,
     {"no", "yes"},
     "f1",
     fill_texts},
    {"regress",
     EL_REGRESS,
     {.kind = EL_HEAD_SEQUENCE, .labels = 1, .dropout = 0.1},
     0,
     {NULL},
     "spearman",
     fill_texts},
    {"multilabel",
     EL_MULTILABEL,
     {.kind = EL_HEAD_SEQUENCE, .labels = 3, .dropout = 0.1},
     0,
     {"a", "b", "c"},
     "accuracy",
     fill_texts},
    {"tag",
     EL_TAG,
     {.kind = EL_HEAD_TOKEN, .labels = 4, .dropout = 0.1},
     0,
     {"O", "B-a", "I-a", "B-b"},
     "f1_strict",
     fill_words},
    {"plain tags",
     EL_TAG,
     {.kind = EL_HEAD_TOKEN, .labels = 4, .dropout = 0.1},
     0,
     {"N", "V", "A", "D"},
     "f1_macro",
     fill_words},
    {"span", EL_SPAN, {.kind = EL_HEAD_SPAN}, EL_SQUAD_2, {NULL}, "best_f1", fill_questions},
    {"joint",
     EL_SPAN,
     {.kind = EL_HEAD_SPAN_JOINT, .answerable = true},
     EL_SQUAD_2,
     {NULL},
     "best_exact",
     fill_questions},
    {"plain joint", EL_SPAN, {.kind = EL_HEAD_SPAN_JOINT}, EL_SQUAD_2, {NULL}, "best_f1", fill_questions},
    /* of two networks, of which the second reads backwards: */
    {"classify, both ways",
     EL_CLASSIFY,
     {.kind = EL_HEAD_SEQUENCE, .labels = 2, .dropout = 0.1, .joined = true},
     0,
     {"no", "yes"},
     "accuracy",
     fill_texts},
    {"tag, both ways",
     EL_TAG,
     {.kind = EL_HEAD_TOKEN, .labels = 4, .dropout = 0.1, .joined = true},
     0,
     {"O", "B-a", "I-a", "B-b"},
     "f1_strict",
     fill_words},
    {"span, both ways",
     EL_SPAN,
     {.kind = EL_HEAD_SPAN, .joined = true},
     EL_SQUAD_2,
     {NULL},
     "best_f1",
     fill_questions},
    {"joint, both ways",
     EL_SPAN,
     {.kind = EL_HEAD_SPAN_JOINT, .answerable = true, .joined = true},
     EL_SQUAD_2,
     {NULL},
     "best_exact",
     fill_questions},
};
enum { LESSON_COUNT = sizeof LESSONS / sizeof *LESSONS };

enum { RANGE = 4 }; /* of numbers */

/* What a loss of numbers is told in, beside that of shares of their range, which are learned. */
static double unit_of(const lesson *l)
{
    return l->kind == EL_REGRESS ? RANGE * RANGE : 1;
}

static const el_feature_settings FEATURES = {.max_seq_length = 16, .max_query_length = 4, .doc_stride = 5};

typedef struct {
    const lesson *lesson;
    el_vocab *vocab;
    el_labels labels;
    el_dataset dataset;
    el_features features;
    el_split split;
    el_batch batch;
    el_queue *q;
    el_model model;
    el_objective *objective;
} fixture;

static void open_fixture(fixture *f, const lesson *l, el_queue *q, el_type type, bool training, int tokens)
{
    *f = (fixture){.lesson = l, .vocab = made_vocab(MADE_WORDS), .q = q};
    for (int i = 0; i < 4 && l->labels[i]; i++)
        el_labels_add(&f->labels, l->labels[i]);
    CHECK_OK(el_dataset_open(&f->dataset, l->kind, l->name));
    l->fill(&f->dataset);
    CHECK_OK(el_features_add(&f->features, &f->dataset, f->vocab, &FEATURES, training, &f->split));
    made_batch(&f->features, &f->split, &f->batch);
    made_model(&f->model, q, type, l->head, training);
    el_tagging tagging;
    CHECK_OK(el_tagging_find(&tagging, &f->labels, NULL, 0, EL_TAGS_SCHEMES));
    const el_learner_settings settings = {.kind = l->kind,
                                          .labels = &f->labels,
                                          .tagging = tagging,
                                          .low = 1,
                                          .high = 1 + RANGE,
                                          .n_best = 5,
                                          .max_answer_length = 6,
                                          .beam = 8,
                                          .rule = l->rule,
                                          .null_threshold = NAN,
                                          .answerable_weight = 0.5,
                                          .micro_batch_tokens = tokens};
    CHECK_OK(el_learner_open(&f->objective, &f->model, &f->features, &f->split, 1, &settings));
}

static void close_fixture(fixture *f)
{
    f->objective->close(f->objective);
    el_model_close(&f->model);
    el_queue_close(f->q);
    el_batch_release(&f->batch);
    el_features_release(&f->features);
    el_dataset_release(&f->dataset);
    el_labels_release(&f->labels);
    el_vocab_close(f->vocab);
}

static el_queue *processor(void)
{
    el_queue *q;
    CHECK_OK(el_queue_open(&q, 1, NULL));
    return q;
}

/* ---- tests ---- */

static void every_kind_learns(void **state)
{
    (void)state;
    for (int i = 0; i < LESSON_COUNT; i++) {
        fixture f;
        open_fixture(&f, &LESSONS[i], processor(), EL_F32, true, 512);
        const el_figures trained = teach(f.objective, &f.batch, 150, 3e-3);
        CHECK(trained.values[0] < 0.2 * unit_of(&LESSONS[i]), "%s: the loss is still %g", LESSONS[i].name,
              trained.values[0]);
        for (int k = 1; k < trained.count; k++)
            CHECK(isnan(trained.values[k]), "%s: a training step says %s", LESSONS[i].name, trained.names[k]);
        const el_figures asked = ask(f.objective, &f.batch);
        CHECK(figure(&asked, LESSONS[i].metric) > 0.999, "%s: %s is %g, the loss %g", LESSONS[i].name,
              LESSONS[i].metric, figure(&asked, LESSONS[i].metric), asked.values[0]);
        close_fixture(&f);
    }
}

typedef struct {
    el_queue *q;
    double *values;
    size_t count;
} gradients;

static void keep_gradient(void *context, const el_network *net, el_param *p)
{
    (void)net;
    gradients *g = context;
    const size_t count = (size_t)el_param_elements(p);
    g->values = realloc(g->values, (g->count + count) * sizeof *g->values);
    for (size_t i = 0; i < count; i++)
        g->values[g->count++] = distant_get(g->q, p->gradient, (int)(i / (size_t)p->value.cols),
                                            (int)(i % (size_t)p->value.cols));
}

/* The loss of a step, which adds its gradients, as it is learned. */
static double step(fixture *f)
{
    el_figures figures;
    f->objective->reset(f->objective);
    CHECK_OK(el_objective_run(f->objective, &f->batch, (el_random){5, 0, 2}, true));
    f->objective->finish(f->objective, &figures);
    return figures.values[0] / unit_of(f->lesson);
}

/* Loss of a step, with its gradients, and of an evaluation. */
static void measure(fixture *f, double losses[2], gradients *g)
{
    losses[1] = ask(f->objective, &f->batch).values[0];
    losses[0] = step(f);
    g->q = f->q;
    el_model_each(&f->model, keep_gradient, g);
}

/* In double; with dropout, which is numbered by rows of the whole batch. */
static void cutting_a_batch_changes_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < LESSON_COUNT; i++) {
        fixture whole, cut;
        double a[2], b[2];
        gradients g = {0}, h = {0};
        open_fixture(&whole, &LESSONS[i], distant_open(1, "reference"), EL_F64, true, 512);
        open_fixture(&cut, &LESSONS[i], distant_open(1, "reference"), EL_F64, true,
                     1); /* one sequence has room */
        assert_true(whole.objective->begin(whole.objective, &whole.batch, (el_random){0}) == EL_OK);
        assert_int_equal(whole.objective->fit(whole.objective, 0), whole.batch.sequences);
        assert_true(cut.objective->begin(cut.objective, &cut.batch, (el_random){0}) == EL_OK);
        assert_true(cut.objective->fit(cut.objective, 0) < cut.batch.sequences);
        measure(&whole, a, &g);
        measure(&cut, b, &h);
        for (int k = 0; k < 2; k++)
            CHECK(fabs(a[k] - b[k]) < 1e-12 * a[k], "%s: loss %.15g whole, %.15g cut", LESSONS[i].name, a[k],
                  b[k]);
        assert_int_equal(g.count, h.count);
        for (size_t k = 0; k < g.count; k++)
            CHECK(fabs(g.values[k] - h.values[k]) < 1e-10, "%s: gradient %zu is %.12g whole, %.12g cut",
                  LESSONS[i].name, k, g.values[k], h.values[k]);
        free(g.values);
        free(h.values);
        close_fixture(&whole);
        close_fixture(&cut);
    }
}

typedef struct {
    el_queue *q;
    const gradients *along;
    size_t at;
    double by;
} move;

static void move_values(void *context, const el_network *net, el_param *p)
{
    (void)net;
    move *m = context;
    for (int i = 0; i < p->value.rows; i++)
        for (int k = 0; k < p->value.cols; k++)
            distant_set(m->q, p->value, i, k,
                        distant_get(m->q, p->value, i, k) + m->by * m->along->values[m->at++]);
}

/* The loss of a step from a little way along the gradients. */
static double loss_at(fixture *f, const gradients *g, double by)
{
    move there = {f->q, g, 0, by}, back = {f->q, g, 0, -by};
    el_model_each(&f->model, move_values, &there);
    el_model_prepare(&f->model);
    const double loss = step(f);
    el_model_each(&f->model, move_values, &back);
    return loss;
}

static void gradients_are_of_the_mean_loss(void **state)
{
    (void)state;
    const double by = 1e-5;
    for (int i = 0; i < LESSON_COUNT; i++) {
        fixture f;
        double square = 0;
        open_fixture(&f, &LESSONS[i], distant_open(1, "reference"), EL_F64, true, 64);
        gradients g = {.q = f.q};
        step(&f);
        el_model_each(&f.model, keep_gradient, &g);
        for (size_t k = 0; k < g.count; k++)
            square += g.values[k] * g.values[k];
        const double slope = (loss_at(&f, &g, by) - loss_at(&f, &g, -by)) / (2 * by);
        CHECK(fabs(slope - square) < 1e-5 * square, "%s: the slope is %.9g, the gradient says %.9g",
              LESSONS[i].name, slope, square);
        free(g.values);
        close_fixture(&f);
    }
}

typedef struct {
    const el_model *model;
    int first, second; /* layers left of each network */
} leaving;

static void leave(void *context, const el_encoder_weights *of, int layer)
{
    leaving *const l = context;
    (void)layer;
    if (of == &l->model->networks[0].g) {
        CHECK(l->second == 0, "the second network is left before layer %d of the first", layer);
        l->first++;
    } else {
        l->second++;
    }
}

/* Ranks exchange what is ready: networks are left one after the other. */
static void networks_are_left_in_their_order(void **state)
{
    (void)state;
    for (int i = 0; i < LESSON_COUNT; i++) {
        fixture f;
        if (!LESSONS[i].head.joined)
            continue;
        open_fixture(&f, &LESSONS[i], processor(), EL_F32, true, 512);
        leaving left = {.model = &f.model};
        f.model.watch = (el_backward_watch){.left = leave, .context = &left};
        step(&f);
        assert_int_equal(left.first, 2);
        assert_int_equal(left.second, 2);
        close_fixture(&f);
    }
}

/* What predictions come to, of a lesson of texts. */
typedef struct {
    double loss;
    int right, predicted, gold; /* labels */
    int second[3];              /* the same of the second one */
} tally;

static void judge(const lesson *l, const el_prediction *p, const el_labelled *gold, tally *t)
{
    if (l->kind == EL_REGRESS)
        t->loss += pow(p->value - gold->value, 2) / EXAMPLES;
    for (int k = 0; l->kind != EL_REGRESS && k < l->head.labels; k++) {
        const double yes = (double)p->probabilities[k];
        const bool sets = l->kind == EL_MULTILABEL;
        const bool wanted = sets ? p->example >> k & 1 : gold->label == k;
        const bool said = sets ? yes > 0.5 : p->label == k;
        t->loss -= sets ? log(wanted ? yes : 1 - yes) / (3 * EXAMPLES) : wanted ? log(yes) / EXAMPLES : 0;
        t->right += said && wanted;
        t->predicted += said;
        t->gold += wanted;
        t->second[0] += k == 1 && said && wanted;
        t->second[1] += k == 1 && said;
        t->second[2] += k == 1 && wanted;
        CHECK(sets || said == (yes > 0.5), "%s: label %d is said with %g", l->name, k, yes);
    }
}

/* Loss and figures of an evaluation once more, from the predictions alone. */
static void figures_are_of_the_predictions(void **state)
{
    (void)state;
    for (int i = 0; i < LESSON_COUNT; i++) {
        const lesson *const l = &LESSONS[i];
        fixture f;
        const el_prediction *p;
        int count;
        tally t = {0};
        if (l->kind == EL_TAG || l->kind == EL_SPAN)
            continue;
        open_fixture(&f, l, processor(), EL_F32, false, 40);
        const el_figures figures = ask(f.objective, &f.batch);
        CHECK_OK(el_learner_predictions(f.objective, &p, &count));
        assert_int_equal(count, EXAMPLES);
        for (int e = 0; e < count; e++) {
            assert_int_equal(p[e].example, e);
            judge(l, &p[e], &f.dataset.examples[e], &t);
        }
        CHECK(fabs(t.loss - figures.values[0]) < 1e-5, "%s: the loss is %g, of predictions %g", l->name,
              figures.values[0], t.loss);
        const char *const name = l->kind == EL_REGRESS    ? "mse"
                                 : l->kind == EL_CLASSIFY ? "accuracy"
                                                          : "f1_micro";
        const double want = l->kind == EL_REGRESS ? t.loss : 2.0 * t.right / (t.predicted + t.gold);
        CHECK(fabs(figure(&figures, name) - want) < 1e-4, "%s: %s is %g, not %g", l->name, name,
              figure(&figures, name), want);
        const double f1 = 2.0 * t.second[0] / (t.second[1] + t.second[2]);
        CHECK(l->kind != EL_CLASSIFY || fabs(figure(&figures, "f1") - f1) < 1e-4, "%s: f1 is %g, not %g",
              l->name, figure(&figures, "f1"), f1);
        close_fixture(&f);
    }
}

/* Answers that are all alike are told, but not where the right ones are, too. */
static void answers_are_told_alike(void **state)
{
    (void)state;
    for (int vary = 0; vary < 2; vary++) {
        fixture f;
        open_fixture(&f, &LESSONS[1], processor(), EL_F32, false, 40);
        for (int e = 0; e < EXAMPLES; e++)
            f.dataset.examples[e].label = vary ? e % 2 : 1;
        el_set(f.model.networks[0].heads[0].task.w.out_b, 0, 1, 100);
        el_model_prepare(&f.model);
        const el_figures figures = ask(f.objective, &f.batch);
        CHECK(figures.alike == (bool)vary, "answers that are alike, of labels that are%s: %d",
              vary ? " not" : "", figures.alike);
        close_fixture(&f);
    }
}

/* A model without memory for training answers as one with it. */
static void asking_needs_no_gradients(void **state)
{
    (void)state;
    for (int i = 0; i < LESSON_COUNT; i++) {
        fixture f, g;
        open_fixture(&f, &LESSONS[i], processor(), EL_F32, true, 100);
        open_fixture(&g, &LESSONS[i], processor(), EL_F32, false, 100);
        assert_null(g.model.networks[0].g.embed.word.data);
        const el_figures a = ask(f.objective, &f.batch), b = ask(g.objective, &g.batch);
        assert_int_equal(a.count, b.count);
        for (int k = 0; k < a.count; k++)
            CHECK(a.values[k] == b.values[k] || (isnan(a.values[k]) && isnan(b.values[k])),
                  "%s: %s is %.17g and %.17g", LESSONS[i].name, a.names[k], a.values[k], b.values[k]);
        close_fixture(&f);
        close_fixture(&g);
    }
}

/* Batches one after the other are one evaluation; what has no label is answered and not scored. */
static void evaluations_add_up(void **state)
{
    (void)state;
    for (int i = 0; i < LESSON_COUNT; i++) {
        fixture f;
        el_batch part = {0};
        el_figures figures;
        const el_prediction *p;
        int count;
        open_fixture(&f, &LESSONS[i], processor(), EL_F32, false, 200);
        const el_figures whole = ask(f.objective, &f.batch);
        f.objective->reset(f.objective);
        for (int at = 0; at < f.features.count; at += 3) {
            const int end = at + 3 < f.features.count ? at + 3 : f.features.count;
            made_batch(&f.features, &(el_split){&f.dataset, at, end}, &part);
            CHECK_OK(el_objective_run(f.objective, &part, (el_random){0}, false));
            CHECK_OK(el_learner_predictions(f.objective, &p, &count)); /* in between, too */
        }
        f.objective->finish(f.objective, &figures);
        for (int k = 0; k < whole.count; k++)
            CHECK((isnan(whole.values[k]) && isnan(figures.values[k])) ||
                      fabs(whole.values[k] - figures.values[k]) < 1e-6,
                  "%s: %s is %g at once, %g in parts", LESSONS[i].name, whole.names[k], whole.values[k],
                  figures.values[k]);
        CHECK_OK(el_learner_predictions(f.objective, &p, &count));
        assert_int_equal(count, EXAMPLES);
        for (int e = 0; e < EXAMPLES; e++) {
            f.dataset.examples[e].label = -1;
            f.dataset.examples[e].value = NAN;
        }
        for (int w = 0; w < f.dataset.word_count; w++)
            f.dataset.words[w].tag = -1;
        el_features_clear(&f.features);
        CHECK_OK(el_features_add(&f.features, &f.dataset, f.vocab, &FEATURES, false, &f.split));
        made_batch(&f.features, &f.split, &f.batch);
        el_learner_use(f.objective, &f.features, &f.split, 1);
        const el_figures none = ask(f.objective, &f.batch);
        for (int k = 0; k < none.count; k++)
            CHECK(isnan(none.values[k]), "%s: %s is %g without labels", LESSONS[i].name, none.names[k],
                  none.values[k]);
        CHECK_OK(el_learner_predictions(f.objective, &p, &count));
        assert_int_equal(count, EXAMPLES);
        el_batch_release(&part);
        close_fixture(&f);
    }
}

/* Answers that stand nowhere in their texts have no loss, but are missed. */
static void absent_answers_are_scored(void **state)
{
    (void)state;
    for (int i = 0; i < LESSON_COUNT; i++) {
        fixture f;
        if (LESSONS[i].kind != EL_SPAN)
            continue;
        open_fixture(&f, &LESSONS[i], processor(), EL_F32, false, 100);
        for (int a = 0; a < f.dataset.answer_count; a++)
            f.dataset.answers[a] = (el_answer){"nowhere", -1};
        for (int e = 0; e < EXAMPLES; e++) {
            f.dataset.examples[e].label = 0;
            f.dataset.examples[e].count = 1;
            f.dataset.examples[e].first = 0;
        }
        el_features_clear(&f.features);
        CHECK_OK(el_features_add(&f.features, &f.dataset, f.vocab, &FEATURES, false, &f.split));
        made_batch(&f.features, &f.split, &f.batch);
        el_learner_use(f.objective, &f.features, &f.split, 1);
        const el_figures figures = ask(f.objective, &f.batch);
        CHECK(isnan(figures.values[0]) && figure(&figures, "f1") == 0, "%s: a loss of %g, F1 of %g",
              LESSONS[i].name, figures.values[0], figure(&figures, "f1"));
        close_fixture(&f);
    }
}

/* Words beyond a cut are "O", or where no tag is that, what most of the others are; and a sentence of which nothing is read is
 * answered too. */
static void check_cut_words(const lesson *l, int usual)
{
    enum { GUESSED = 2 };
    fixture f;
    const el_prediction *p;
    int count;
    open_fixture(&f, l, processor(), EL_F32, false, 100);
    assert_int_equal(f.lesson->kind, EL_TAG);
    el_set(f.model.networks[0].heads[0].task.w.out_b, 0, GUESSED, 100);
    el_model_prepare(&f.model);
    el_dataset_add(&f.dataset, 9);
    for (int w = 0; w < 20; w++)
        CHECK_OK(el_dataset_add_word(&f.dataset, "w7", 2, 1));
    el_dataset_add(&f.dataset, 10);
    el_features_clear(&f.features);
    CHECK_OK(el_features_add(&f.features, &f.dataset, f.vocab, &FEATURES, false, &f.split));
    made_batch(&f.features, &f.split, &f.batch);
    el_learner_use(f.objective, &f.features, &f.split, 1);
    ask(f.objective, &f.batch);
    CHECK_OK(el_learner_predictions(f.objective, &p, &count));
    assert_int_equal(count, EXAMPLES + 2);
    for (int w = 0; w < 20; w++) {
        const float probability = p[EXAMPLES].probabilities[w];
        const int tag = p[EXAMPLES].tags[w];
        CHECK(w < 14 ? probability >= 0.25F && tag == GUESSED : probability == 0 && tag == usual,
              "%s: word %d has tag %d with %g", l->name, w, tag, (double)probability);
    }
    made_batch(&f.features, &(el_split){&f.dataset, EXAMPLES + 1, EXAMPLES + 2}, &f.batch);
    const el_figures alone = ask(f.objective, &f.batch);
    CHECK_OK(el_learner_predictions(f.objective, &p, &count));
    assert_int_equal(count, 1);
    assert_true(isnan(alone.values[0]));
    close_fixture(&f);
}

static void cut_words_are_outside(void **state)
{
    (void)state;
    check_cut_words(&LESSONS[4], 0);
    check_cut_words(&LESSONS[5], 2);
}

/* Windows of 14 words, 5 apart. */
static const el_feature_settings WINDOWS = {
    .max_seq_length = 16, .max_query_length = 4, .doc_stride = 5, .windows = true};

static const el_prediction *ask_windows(fixture *f, int count)
{
    const el_prediction *p;
    int have;
    el_features_clear(&f->features);
    CHECK_OK(el_features_add(&f->features, &f->dataset, f->vocab, &WINDOWS, false, &f->split));
    assert_int_equal(f->features.lost.cut, 0);
    made_batch(&f->features, &f->split, &f->batch);
    el_learner_use(f->objective, &f->features, &f->split, 1);
    const el_figures figures = ask(f->objective, &f->batch);
    CHECK(!isnan(figures.values[1]), "%s: there are no metrics", f->lesson->name);
    CHECK_OK(el_learner_predictions(f->objective, &p, &have));
    assert_int_equal(have, EXAMPLES + count);
    return p + EXAMPLES;
}

/* What the network said for a label, up to what all labels share; of a number itself. */
static double logit(const fixture *f, const el_prediction *p, int label)
{
    if (f->lesson->kind == EL_REGRESS)
        return p->value;
    const double probability = (double)p->probabilities[label];
    return log(probability) -
           log(f->lesson->kind == EL_CLASSIFY ? (double)p->probabilities[0] : 1 - probability);
}

/* What is said of a long text is the mean of what is said of its windows, beside the second text where there is one. */
static void mean_of_windows(const lesson *l, const char *second)
{
    static const char WORDS[] = "w0 w1 w2 w3 w4 w5 w6 w7 w8 w9 w0 w3 w6 w9 w2 w5 w8 w1 w4 w7 w1 w1 w2 w2";
    fixture f;
    open_fixture(&f, l, processor(), EL_F32, false, 100);
    const int width = second ? 11 : 14, ends[] = {width, 5 + width, 10 + width, 24};
    const int windows = 10 + width < 24 ? 4 : 3;
    for (int i = 0; i <= windows; i++) { /* itself, then its windows; a word and its space are 3 bytes */
        const int begin = i ? 5 * (i - 1) : 0, end = i && ends[i - 1] < 24 ? ends[i - 1] : 24;
        el_labelled *const e = el_dataset_add(&f.dataset, 100 + i);
        e->text[0] =
            el_dataset_string(&f.dataset, WORDS + (size_t)(3 * begin), (size_t)(3 * (end - begin) - 1));
        e->text[1] = second;
        e->label = 0;
        e->value = 3;
    }
    const el_prediction *p = ask_windows(&f, windows + 1);
    for (int label = 0; label < l->head.labels; label++) {
        double mean = 0;
        for (int i = 1; i <= windows; i++)
            mean += logit(&f, &p[i], label) / windows;
        CHECK(fabs(logit(&f, &p[0], label) - mean) < 1e-5, "%s, %d: the text is worth %g, its windows %g",
              l->name, label, logit(&f, &p[0], label), mean);
    }
    CHECK(fabs(logit(&f, &p[1], l->head.labels - 1) - logit(&f, &p[2], l->head.labels - 1)) > 1e-3,
          "%s: windows that say the same have any mean", l->name);
    close_fixture(&f);
}

static void a_long_text_is_the_mean_of_its_windows(void **state)
{
    (void)state;
    for (int i = 0; i < LESSON_COUNT; i++)
        if (LESSONS[i].fill == fill_texts) {
            mean_of_windows(&LESSONS[i], NULL);
            mean_of_windows(&LESSONS[i], "w3 w9");
        }
}

/* A word of a long sentence has the tag of the window in which it has most context. */
static void a_word_is_tagged_where_it_has_most_context(void **state)
{
    (void)state;
    static const int OF[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2};
    static const int BEGINS[] = {0, 0, 5, 10}, ENDS[] = {20, 14, 19, 20};
    fixture f;
    open_fixture(&f, &LESSONS[4], processor(), EL_F32, false, 100);
    for (int i = 0; i < 4; i++) {
        el_dataset_add(&f.dataset, 100 + i);
        for (int w = BEGINS[i]; w < ENDS[i]; w++) {
            char word[16];
            sprintf(word, "w%d", w * 7 % 20);
            CHECK_OK(el_dataset_add_word(&f.dataset, word, strlen(word), 1));
        }
    }
    const el_prediction *p = ask_windows(&f, 4);
    for (int w = 0; w < 20; w++) {
        const el_prediction *const window = &p[1 + OF[w]];
        const int at = w - BEGINS[1 + OF[w]];
        CHECK(p->tags[w] == window->tags[at] &&
                  fabsf(p->probabilities[w] - window->probabilities[at]) < 1e-5F,
              "word %d has tag %d with %g, in its window %d with %g", w, p->tags[w],
              (double)p->probabilities[w], window->tags[at], (double)window->probabilities[at]);
    }
    close_fixture(&f);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    fixture f;
    el_objective *other;
    const el_learner_settings tags = {.kind = EL_TAG, .micro_batch_tokens = 10};
    el_labels three = {0};
    open_fixture(&f, &LESSONS[0], processor(), EL_F32, false, 100);
    CHECK_FAILS(el_learner_open(&other, &f.model, &f.features, &f.split, 1, &tags), EL_EUSAGE, "to tag with");
    for (int i = 0; i < 3; i++)
        el_labels_add(&three, LESSONS[4].labels[i]);
    const el_learner_settings wide = {.kind = EL_CLASSIFY, .labels = &three, .micro_batch_tokens = 10};
    CHECK_FAILS(el_learner_open(&other, &f.model, &f.features, &f.split, 1, &wide), EL_EDATA,
                "2 outputs, but there are 3");
    const el_feature_settings longer = {.max_seq_length = 64};
    f.dataset.examples[0].text[0] = made_text(&f.dataset, 1, 50);
    el_features_clear(&f.features);
    CHECK_OK(el_features_add(&f.features, &f.dataset, f.vocab, &longer, false, &f.split));
    made_batch(&f.features, &f.split, &f.batch);
    CHECK_FAILS(el_objective_run(f.objective, &f.batch, (el_random){0}, false), EL_EUSAGE,
                "52 tokens, but the model has 32");
    el_labels_release(&three);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_learns),
        cmocka_unit_test(cutting_a_batch_changes_nothing),
        cmocka_unit_test(gradients_are_of_the_mean_loss),
        cmocka_unit_test(networks_are_left_in_their_order),
        cmocka_unit_test(figures_are_of_the_predictions),
        cmocka_unit_test(answers_are_told_alike),
        cmocka_unit_test(asking_needs_no_gradients),
        cmocka_unit_test(evaluations_add_up),
        cmocka_unit_test(absent_answers_are_scored),
        cmocka_unit_test(cut_words_are_outside),
        cmocka_unit_test(a_long_text_is_the_mean_of_its_windows),
        cmocka_unit_test(a_word_is_tagged_where_it_has_most_context),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
