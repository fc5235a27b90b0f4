/* Folders of fine-tuned models: what transformers made answers as it does there (tools/golden_finetuned.py), what we made
 * comes back, and what is wrong with one is said. */
#include "task/goldens.h"
#include "task/made.h"
#include "task/theirs.h"

#include "task/learn/embedder.h"
#include "task/learn/finetuned.h"

static el_queue *open_device(void)
{
    el_queue *q;
    CHECK_OK(el_queue_open(&q, 1, NULL));
    return q;
}

/* ---- transformers' ---- */

static void check_close(const char *name, const char *what, double have, const json_t *want)
{
    CHECK(fabs(have - json_number_value(want)) < 2e-6, "%s: %s is %.9g, not %.9g", name, what, have,
          json_number_value(want));
}

static void check_span(const char *name, const el_prediction *p, const json_t *c)
{
    const json_t *const answers = of(c, "answers");
    CHECK(p->answer_count == (int)json_array_size(answers), "%s: %d answers, not %zu", name, p->answer_count,
          json_array_size(answers));
    for (int i = 0; i < p->answer_count; i++) {
        const json_t *const answer = json_array_get(answers, (size_t)i);
        const char *const text = json_string_value(json_array_get(answer, 0));
        CHECK(strcmp(p->answers[i].text, text) == 0, "%s: answer %d is \"%s\", not \"%s\"", name, i,
              p->answers[i].text, text);
        check_close(name, "its probability", p->answers[i].score, json_array_get(answer, 1));
    }
    check_close(name, "null odds", p->null_odds, of(c, "odds"));
}

static void check_answer(const char *name, const el_prediction *p, const json_t *c)
{
    if (json_object_get(c, "answers")) {
        check_span(name, p, c);
        return;
    }
    const json_t *const probabilities = of(c, "probabilities"), *const tags = json_object_get(c, "tags");
    for (size_t i = 0; i < json_array_size(probabilities); i++)
        check_close(name, "a probability", (double)p->probabilities[i], json_array_get(probabilities, i));
    for (size_t i = 0; i < json_array_size(tags); i++)
        CHECK(p->tags[i] == json_integer_value(json_array_get(tags, i)), "%s: tag %zu is %d", name, i,
              p->tags[i]);
}

static void fill(el_dataset *d, const json_t *c)
{
    static const char *const KEYS[][2] = {{"a", "b"}, {"question", "context"}};
    el_labelled *const e = el_dataset_add(d, 1);
    for (int i = 0; i < 2; i++)
        e->text[i] = json_string_value(json_object_get(c, KEYS[d->kind == EL_SPAN][i]));
    const json_t *const words = json_object_get(c, "words");
    for (size_t i = 0; i < json_array_size(words); i++) {
        const char *const word = json_string_value(json_array_get(words, i));
        CHECK_OK(el_dataset_add_word(d, word, strlen(word), -1));
    }
}

static void check_case(const char *name, const json_t *c)
{
    el_queue *const q = open_device();
    el_finetuned f;
    el_dataset d;
    const el_prediction *p;
    int count;
    CHECK_OK(el_finetuned_open(&f, q, EL_F32, 64, their_folder(json_string_value(of(c, "is")))));
    CHECK_OK(el_dataset_open(&d, f.card.kind, name));
    fill(&d, c);
    CHECK_OK(el_finetuned_ask(&f, &d, &p, &count));
    assert_int_equal(count, 1);
    check_answer(name, p, c);
    el_dataset_release(&d);
    el_finetuned_close(&f);
    el_queue_close(q);
}

static void as_transformers(void **state)
{
    (void)state;
    each_case("finetuned.jsonl", 10, check_case);
}

/* ---- ours ---- */

static void open_card(el_task_card *card, el_task_kind kind)
{
    static const char *const NAMES[] = {"neutral", "for \"it\"", "against"};
    CHECK_OK(el_task_card_open(card, kind));
    for (int i = 0; i < 3 && kind != EL_REGRESS && kind != EL_SPAN; i++)
        el_labels_add(&card->labels, NAMES[i]);
    free(card->task);
    card->task = strdup("made");
    card->low = kind == EL_REGRESS ? 1 : 0;
    card->high = kind == EL_REGRESS ? 5 : 0;
    card->pair = kind == EL_CLASSIFY;
    card->features = (el_feature_settings){.max_seq_length = 24,
                                           .max_query_length = kind == EL_SPAN ? 7 : 64,
                                           .doc_stride = kind == EL_SPAN ? 5 : 128,
                                           .segment_one = kind == EL_TAG};
    if (kind == EL_SPAN) {
        card->n_best = 6;
        card->max_answer_length = 8;
        card->beam = 9;
        card->rule = EL_SQUAD_2;
        card->null_threshold = -1.25;
    }
}

static void check_cards(const el_task_card *a, const el_task_card *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_string_equal(a->task, b->task);
    assert_int_equal(a->labels.count, b->labels.count);
    for (int i = 0; i < a->labels.count; i++)
        assert_string_equal(a->labels.names[i], b->labels.names[i]);
    assert_true(a->low == b->low && a->high == b->high && a->pair == b->pair);
    assert_int_equal(a->features.max_seq_length, b->features.max_seq_length);
    assert_int_equal(a->features.segment_one, b->features.segment_one);
    if (a->kind == EL_SPAN) {
        assert_int_equal(a->features.max_query_length, b->features.max_query_length);
        assert_int_equal(a->features.doc_stride, b->features.doc_stride);
        assert_int_equal(a->n_best, b->n_best);
        assert_int_equal(a->max_answer_length, b->max_answer_length);
        assert_int_equal(a->beam, b->beam);
        assert_int_equal(a->rule, b->rule);
        assert_true(a->null_threshold == b->null_threshold);
    }
}

/* What chooses the best model is asked of the card, where a training is over too. */
static void metric_of_a_card(void **state)
{
    (void)state;
    static const struct {
        el_task_kind kind;
        const char *task;
        el_squad_rule rule;
        el_tag_scheme scheme;
        const char *metric;
    } CARDS[] = {{EL_CLASSIFY, "cola", 0, 0, "matthews"}, {EL_REGRESS, "made", 0, 0, "spearman"},
                 {EL_TAG, "ner", 0, EL_TAGS_IOB2, "f1"},  {EL_TAG, "ner", 0, EL_TAGS_PLAIN, "accuracy"},
                 {EL_SPAN, "span", EL_SQUAD_1, 0, "f1"},  {EL_SPAN, "span", EL_SQUAD_2, 0, "best_f1"},
                 {EL_SPAN, "squad", EL_SQUAD_1, 0, "f1"}};
    for (size_t i = 0; i < sizeof CARDS / sizeof *CARDS; i++) {
        el_task_card card;
        open_card(&card, CARDS[i].kind);
        free(card.task);
        card.task = strdup(CARDS[i].task);
        card.rule = CARDS[i].rule;
        card.tagging.scheme = CARDS[i].scheme;
        CHECK(strcmp(el_task_card_metric(&card), CARDS[i].metric) == 0, "%s, line %zu: %s, not %s",
              CARDS[i].task, i, el_task_card_metric(&card), CARDS[i].metric);
        el_task_card_release(&card);
    }
}

static const el_head_config HEADS[EL_TASK_KINDS] = {
    [EL_CLASSIFY] = {.kind = EL_HEAD_SEQUENCE, .labels = 3, .dropout = 0.2},
    [EL_REGRESS] = {.kind = EL_HEAD_SEQUENCE_AFFINE, .labels = 1, .dropout = 0.1},
    [EL_MULTILABEL] = {.kind = EL_HEAD_SEQUENCE, .labels = 3, .dropout = 0.1},
    [EL_TAG] = {.kind = EL_HEAD_TOKEN, .labels = 3, .dropout = 0.1},
    [EL_SPAN] = {.kind = EL_HEAD_SPAN_JOINT, .answerable = true},
};

/* Some numbers of the predictions, whatever the kind. */
static double digest(const el_finetuned *f, const el_dataset *d, const el_prediction *p, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++) {
        sum += (i + 1) * (p[i].value + p[i].null_odds + p[i].label);
        const int numbers = f->card.kind == EL_TAG ? d->examples[i].count : f->card.labels.count;
        for (int k = 0; k < numbers; k++)
            sum += (i + k + 1) * (double)p[i].probabilities[k];
        for (int k = 0; k < p[i].answer_count; k++)
            sum += p[i].answers[k].score * (double)(k + p[i].answers[k].begin);
    }
    return sum;
}

static void fill_any(el_dataset *d)
{
    for (int i = 0; i < 9; i++) {
        el_labelled *const e = el_dataset_add(d, i + 1);
        e->text[0] = made_text(d, i, 2 + i);
        if (d->kind == EL_CLASSIFY || d->kind == EL_SPAN)
            e->text[1] = made_text(d, i + 4, 30 - 3 * i);
        for (int w = 0; d->kind == EL_TAG && w < 3 * i; w++)
            CHECK_OK(el_dataset_add_word(d, "w3 w4", w % 2 ? 2 : 5, -1));
    }
}

/* What is saved answers alike wherever it is opened, however the questions are cut into batches. */
static void ours_comes_back(void **state)
{
    (void)state;
    for (int kind = 0; kind < EL_TASK_KINDS; kind++) {
        el_queue *const q = open_device();
        el_vocab *vocab = made_vocab(MADE_WORDS);
        const char *const path = in_folder(el_task_kind_name((el_task_kind)kind));
        el_task_card card;
        el_model model;
        el_dataset d;
        double digests[3];
        open_card(&card, (el_task_kind)kind);
        made_model(&model, q, EL_F32, HEADS[kind], true);
        CHECK_OK(el_finetuned_save(&model, vocab, &card, "# made\n", path));
        CHECK_OK(el_dataset_open(&d, (el_task_kind)kind, "made"));
        fill_any(&d);
        for (int i = 0; i < 2; i++) {
            el_finetuned f;
            const el_prediction *p;
            int count;
            CHECK_OK(el_finetuned_open(&f, q, EL_F32, i ? 1 : 200, path));
            check_cards(&f.card, &card);
            assert_true(f.model.networks[0].heads[0].config.dropout == HEADS[kind].dropout);
            for (int again = 0; again < 2; again++) {
                CHECK_OK(el_finetuned_ask(&f, &d, &p, &count));
                assert_int_equal(count, 9);
                for (int k = 0; k < count; k++)
                    assert_int_equal(p[k].example, k);
                digests[i + again] = digest(&f, &d, p, count);
            }
            el_finetuned_close(&f);
        }
        CHECK(fabs(digests[0] - digests[1]) < 1e-4 && fabs(digests[1] - digests[2]) < 1e-4,
              "%s: %g, %g and %g", el_task_kind_name((el_task_kind)kind), digests[0], digests[1], digests[2]);
        el_dataset_release(&d);
        el_model_close(&model);
        el_task_card_release(&card);
        el_vocab_close(vocab);
        el_queue_close(q);
    }
}

/* Answers to some examples, and their card's range. */
static void ask_numbers(el_queue *q, const char *path, double *low, double *high, double values[9])
{
    el_finetuned f;
    el_dataset d;
    const el_prediction *p;
    int count;
    CHECK_OK(el_finetuned_open(&f, q, EL_F32, 64, path));
    CHECK_OK(el_dataset_open(&d, EL_REGRESS, "made"));
    fill_any(&d);
    CHECK_OK(el_finetuned_ask(&f, &d, &p, &count));
    assert_int_equal(count, 9);
    for (int i = 0; i < count; i++)
        values[i] = p[i].value;
    assert_true(f.card.number);
    *low = f.card.low, *high = f.card.high;
    el_dataset_release(&d);
    el_finetuned_close(&f);
}

/* A range that stood beside the weights goes into them, and answers stay. */
static void range_goes_into_the_head(void **state)
{
    (void)state;
    static const el_head_kind KINDS[] = {EL_HEAD_SEQUENCE, EL_HEAD_SEQUENCE_AFFINE, EL_HEAD_POOLED};
    for (size_t k = 0; k < sizeof KINDS / sizeof *KINDS; k++) {
        el_queue *const q = open_device();
        el_vocab *const vocab = made_vocab(MADE_WORDS);
        const char *const path = in_folder("numbers");
        const el_head_config head = {.kind = KINDS[k], .labels = 1, .dropout = 0.1};
        double before[9], after[9], low, high;
        el_task_card card;
        el_model model;
        open_card(&card, EL_REGRESS);
        card.low = -20, card.high = 37.5;
        made_model(&model, q, EL_F32, head, true);
        CHECK_OK(el_finetuned_save(&model, vocab, &card, "# made\n", path));
        ask_numbers(q, path, &low, &high, before);
        assert_true(low == -20 && high == 37.5);
        CHECK_OK(el_finetuned_fold(&model, &card.low, &card.high));
        CHECK_OK(el_finetuned_save(&model, vocab, &card, "# made\n", path));
        ask_numbers(q, path, &low, &high, after);
        assert_true(low == 0 && high == 0);
        for (int i = 0; i < 9; i++)
            CHECK(fabs(before[i] - after[i]) < 1e-4, "head %zu: answer %d is %.9g, was %.9g", k, i, after[i],
                  before[i]);
        el_model_close(&model);
        el_task_card_release(&card);
        el_vocab_close(vocab);
        el_queue_close(q);
    }
}

/* ---- what a model does not know ---- */

/* A folder of a model that knows one segment. */
static const char *one_segment(el_queue *q)
{
    const char *const path = in_folder("one-segment");
    el_vocab *const vocab = made_vocab(MADE_WORDS);
    el_model_plan plan = {.activations = EL_F32, .parameters = EL_F32};
    el_config config = made_config();
    el_task_card card;
    el_model model;
    config.type_vocab_size = 1;
    el_plan_add(&plan, EL_DISCRIMINATOR, config, HEADS[EL_CLASSIFY]);
    CHECK_OK(el_model_open(&model, q, &plan));
    CHECK_OK(el_model_initialise(&model, &(el_initialisation){.fan_in = true, .seed = 3}));
    open_card(&card, EL_CLASSIFY);
    card.pair = false;
    CHECK_OK(el_finetuned_save(&model, vocab, &card, "# made\n", path));
    el_task_card_release(&card);
    el_model_close(&model);
    el_vocab_close(vocab);
    return path;
}

/* The second segment would be a row that its table has not; a pair's model would answer half a pair. */
static void segments_must_be_known(void **state)
{
    (void)state;
    el_queue *const q = open_device();
    const char *const path = one_segment(q);
    const el_embedder_settings settings = {.batch_tokens = 64};
    const el_prediction *p;
    const float *vectors;
    el_finetuned f;
    el_embedder *embedder;
    el_dataset d;
    int count;
    CHECK_OK(el_finetuned_open(&f, q, EL_F32, 64, path));
    CHECK_OK(el_embedder_open(&embedder, q, EL_F32, path, &settings));
    CHECK_OK(el_dataset_open(&d, EL_CLASSIFY, "made"));
    el_labelled *const e = el_dataset_add(&d, 1);
    e->text[0] = made_text(&d, 1, 4);
    CHECK_OK(el_finetuned_ask(&f, &d, &p, &count));
    CHECK_OK(el_embedder_ask(embedder, &d, &vectors));
    e->text[1] = made_text(&d, 2, 4);
    CHECK_FAILS(el_finetuned_ask(&f, &d, &p, &count), EL_EUSAGE, "taught single ones");
    f.card.single = false; /* as of a folder that does not say */
    CHECK_FAILS(el_finetuned_ask(&f, &d, &p, &count), EL_EDATA, "one segment");
    CHECK_FAILS(el_embedder_ask(embedder, &d, &vectors), EL_EDATA, "one segment");
    e->text[1] = NULL;
    f.card.pair = true;
    CHECK_FAILS(el_finetuned_ask(&f, &d, &p, &count), EL_EUSAGE, "line 1: there is one text");
    el_dataset_release(&d);
    el_embedder_close(embedder);
    el_finetuned_close(&f);
    el_queue_close(q);
}

/* ---- a queue of one's own ---- */

/* A model that is shared was opened with another queue, whose scratch it is that there is room in. */
static void long_texts_have_scratch(void **state)
{
    (void)state;
    enum { LONG = 1280 }; /* more than the scratch that a queue begins with has room for */
    const el_embedder_settings settings = {.batch_tokens = 64};
    el_queue *const q = open_device(), *own;
    el_vocab *const vocab = made_vocab(MADE_WORDS);
    el_model_plan plan = {.activations = EL_F32, .parameters = EL_F32};
    el_config config = made_config();
    el_model model;
    el_task_card card;
    const float *vectors;
    const el_prediction *p;
    el_dataset d;
    int count;
    config.max_position_embeddings = LONG;
    config.num_hidden_layers = config.num_attention_heads = 1;
    el_plan_add(&plan, EL_DISCRIMINATOR, config, HEADS[EL_CLASSIFY]);
    CHECK_OK(el_model_open(&model, q, &plan));
    CHECK_OK(el_model_initialise(&model, &(el_initialisation){.fan_in = true, .seed = 3}));
    open_card(&card, EL_CLASSIFY);
    card.pair = false;
    card.features.max_seq_length = LONG;
    char text[3 * LONG + 1];
    for (int i = 0; i < LONG; i++)
        memcpy(text + 3 * i, "w1 ", 4);
    CHECK_OK(el_dataset_open(&d, EL_CLASSIFY, "made"));
    el_dataset_add(&d, 1)->text[0] = text;
    for (int tuned = 0; tuned < 2; tuned++) {
        el_finetuned f = {0};
        el_embedder *e = NULL;
        CHECK_OK(q->dev->open_queue(q->dev, &own, 1));
        if (tuned) {
            CHECK_OK(el_finetuned_over(&f, own, &model, vocab, &card, 64));
            CHECK_OK(el_finetuned_ask(&f, &d, &p, &count));
            assert_int_equal(count, 1);
        } else {
            CHECK_OK(
                el_embedder_over(&e, own, &model, &model.networks[0], vocab, &(el_sentence){0}, &settings));
            CHECK_OK(el_embedder_ask(e, &d, &vectors));
            assert_int_equal(el_embedder_lost(e)->cut, 1);
        }
        el_embedder_close(e);
        el_finetuned_close(&f);
        own->close(own);
    }
    el_dataset_release(&d);
    el_task_card_release(&card);
    el_model_close(&model);
    el_vocab_close(vocab);
    el_queue_close(q);
}

/* ---- config.json ---- */

#define SHAPE                                                                                                \
    "\"model_type\": \"electra\", \"vocab_size\": 30, \"embedding_size\": 4, \"hidden_size\": 8, "           \
    "\"num_hidden_layers\": 1, \"num_attention_heads\": 2, \"intermediate_size\": 16, "                      \
    "\"max_position_embeddings\": 64"

#define SEQUENCE "\"architectures\": [\"ElectraForSequenceClassification\"]"

static el_status read_text(const char *text, el_task_card *card)
{
    char whole[1024], path[300];
    el_config config;
    el_head_config head;
    snprintf(whole, sizeof whole, "{" SHAPE ", %s}", text);
    snprintf(path, sizeof path, "%s/config.json", folder);
    CHECK_OK(el_file_write(path, whole, strlen(whole)));
    return el_finetuned_read(folder, &config, &head, card);
}

static void kinds_follow_from_transformers_keys(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        el_task_kind kind;
        int labels;
    } CASES[] = {
        {SEQUENCE, EL_CLASSIFY, 2},
        {SEQUENCE ", \"id2label\": {\"0\": \"x\"}", EL_REGRESS, 0},
        {SEQUENCE ", \"id2label\": {\"0\": \"x\"}, \"problem_type\": \"single_label_classification\"",
         EL_CLASSIFY, 1},
        {SEQUENCE ", \"problem_type\": \"multi_label_classification\"", EL_MULTILABEL, 2},
        {SEQUENCE ", \"problem_type\": null, \"id2label\": {\"0\": \"x\", \"1\": \"y\", \"2\": \"z\"}",
         EL_CLASSIFY, 3},
        {"\"architectures\": [\"ElectraForTokenClassification\"], \"id2label\": {\"0\": \"O\"}", EL_TAG, 1},
        {"\"architectures\": [\"ElectraForQuestionAnswering\"]", EL_SPAN, 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        el_task_card card;
        CHECK_OK(read_text(CASES[i].text, &card));
        CHECK(card.kind == CASES[i].kind && card.labels.count == CASES[i].labels, "%s: %s of %d labels",
              CASES[i].text, el_task_kind_name(card.kind), card.labels.count);
        assert_string_equal(card.task, el_task_kind_name(card.kind));
        assert_int_equal(card.features.max_seq_length, 64);
        assert_int_equal(card.features.max_query_length, 32);
        assert_true(isnan(card.null_threshold));
        el_task_card_release(&card);
    }
}

static void bad_folders_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } CASES[] = {
        {"\"architectures\": [\"ElectraForPreTraining\"]", "was not fine-tuned"},
        {"\"architectures\": [\"ElectraForMaskedLM\"]", "was not fine-tuned"},
        {"\"architectures\": [\"ElectraForMultipleChoice\"]",
         "ElectraForMultipleChoice, whose head is not known"},
        {SEQUENCE ", \"task\": 3", "\"task\" is not an object"},
        {SEQUENCE ", \"task\": {\"kind\": \"tag\"}", "kind is \"tag\", which its head is not for"},
        {SEQUENCE ", \"task\": {\"kind\": \"dance\"}", "kind is \"dance\""},
        {SEQUENCE ", \"task\": {\"max_seq_length\": 65}",
         "max_seq_length is 65; it must lie between 4 and 64"},
        {SEQUENCE ", \"task\": {\"pair\": 1}", "pair"},
        {SEQUENCE ", \"id2label\": {\"0\": \"x\", \"1\": \"x\"}", "two labels are called \"x\""},
        {SEQUENCE ", \"id2label\": {\"0\": \"x\", \"2\": \"y\"}", "no name for label 1 of 2"},
        {SEQUENCE ", \"id2label\": {\"0\": \"x\", \"1\": 7}", "no name for label 1 of 2"},
        {SEQUENCE ", \"id2label\": [\"x\", \"y\"]", "\"id2label\" is not an object"},
        {"\"architectures\": [\"ElectraForQuestionAnswering\"], \"task\": {\"scored_as\": \"eye\"}",
         "scored_as is \"eye\""},
    };
    el_task_card card;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        CHECK_FAILS(read_text(CASES[i].text, &card), EL_EDATA, CASES[i].words);
    el_finetuned f;
    el_queue *const q = open_device();
    CHECK_FAILS(el_finetuned_open(&f, q, EL_F32, 64, in_folder("nothing")), EL_EDATA, "nothing");
    const char *const other = their_folder("sequence");
    el_vocab *vocab = made_vocab(GOLDEN_WORDS + 1);
    CHECK_OK(el_tokenizer_save(vocab, other));
    CHECK_FAILS(el_finetuned_open(&f, q, EL_F32, 64, other), EL_EDATA, "vocab.txt has 31 pieces");
    el_vocab_close(vocab);
    el_queue_close(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_transformers),
        cmocka_unit_test(metric_of_a_card),
        cmocka_unit_test(range_goes_into_the_head),
        cmocka_unit_test(ours_comes_back),
        cmocka_unit_test(segments_must_be_known),
        cmocka_unit_test(long_texts_have_scratch),
        cmocka_unit_test(kinds_follow_from_transformers_keys),
        cmocka_unit_test(bad_folders_are_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
