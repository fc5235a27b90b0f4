/* finetuned - see the header */
#include "task/learn/finetuned.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"

static const char *const RULES[] = {
    [EL_SQUAD_1] = "squad1", [EL_SQUAD_2] = "squad2", [EL_KORQUAD] = "korquad", [EL_MRQA] = "mrqa"};
enum { RULE_COUNT = sizeof RULES / sizeof *RULES };

/* As transformers calls the kinds that share an architecture. */
static const char *const PROBLEMS[EL_TASK_KINDS] = {[EL_CLASSIFY] = "single_label_classification",
                                                    [EL_REGRESS] = "regression",
                                                    [EL_MULTILABEL] = "multi_label_classification"};

/* ---- the card ---- */

el_status el_task_card_open(el_task_card *card, el_task_kind kind)
{
    *card = (el_task_card){.kind = kind,
                           .task = strdup(el_task_kind_name(kind)),
                           .features = {.max_seq_length = 128, .max_query_length = 64, .doc_stride = 128},
                           .n_best = 20,
                           .max_answer_length = 30,
                           .beam = 20,
                           .null_threshold = NAN};
    return card->task ? EL_OK : el_no_memory(NULL);
}

void el_task_card_release(el_task_card *card)
{
    free(card->task);
    el_labels_release(&card->labels);
    el_file_layout_release(&card->layout);
    *card = (el_task_card){0};
}

const el_task *el_task_card_task(const el_task_card *card)
{
    const el_task *const task = el_task_find(card->task);
    return task && task->kind == card->kind ? task : el_task_find(el_task_kind_name(card->kind));
}

const char *el_task_card_metric(const el_task_card *card)
{
    if (card->kind == EL_SPAN)
        return card->rule == EL_SQUAD_2 ? "best_f1" : "f1";
    const bool entities = card->tagging.scheme != EL_TAGS_PLAIN;
    return card->kind == EL_TAG && !entities ? "accuracy" : el_task_card_task(card)->metric;
}

double el_task_card_threshold(const el_task_card *card)
{
    return isfinite(card->null_threshold) ? card->null_threshold : 0;
}

bool el_task_card_answers(const el_task_card *card, const el_prediction *p)
{
    const bool refused = card->rule == EL_SQUAD_2 && p->null_odds > el_task_card_threshold(card);
    return p->answer_count > 0 && !refused;
}

el_learner_settings el_task_card_settings(const el_task_card *card, int micro_batch_tokens)
{
    return (el_learner_settings){.kind = card->kind,
                                 .labels = &card->labels,
                                 .tagging = card->tagging,
                                 .low = card->low,
                                 .high = card->high,
                                 .n_best = card->n_best,
                                 .max_answer_length = card->max_answer_length,
                                 .beam = card->beam,
                                 .rule = card->rule,
                                 .null_threshold = el_task_card_threshold(card),
                                 .answerable_weight = 0.5,
                                 .micro_batch_tokens = micro_batch_tokens};
}

/* ---- to config.json ---- */

static int put_labels(json_t *object, const el_labels *labels)
{
    json_t *names = json_object(), *numbers = json_object();
    int bad = 0;
    for (int i = 0; i < labels->count; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", i);
        bad |= json_object_set_new(names, number, json_string(labels->names[i]));
        bad |= json_object_set_new(numbers, labels->names[i], json_integer(i));
    }
    bad |= json_object_set_new(object, "id2label", names);
    return bad | json_object_set_new(object, "label2id", numbers);
}

static int put_range(json_t *task, const el_task_card *card)
{
    if (!(card->low < card->high))
        return 0;
    return json_object_set_new(task, "low", json_real(card->low)) |
           json_object_set_new(task, "high", json_real(card->high));
}

static int put_span(json_t *task, const el_task_card *card)
{
    int bad = json_object_set_new(task, "max_query_length", json_integer(card->features.max_query_length));
    bad |= json_object_set_new(task, "doc_stride", json_integer(card->features.doc_stride));
    bad |= json_object_set_new(task, "n_best", json_integer(card->n_best));
    bad |= json_object_set_new(task, "max_answer_length", json_integer(card->max_answer_length));
    bad |= json_object_set_new(task, "beam", json_integer(card->beam));
    bad |= json_object_set_new(task, "scored_as", json_string(RULES[card->rule]));
    if (isfinite(card->null_threshold))
        bad |= json_object_set_new(task, "null_threshold", json_real(card->null_threshold));
    return bad;
}

static json_t *describe(const el_task_card *card)
{
    json_t *object = json_object(), *task = json_object();
    int bad = json_object_set_new(task, "name", json_string(card->task));
    bad |= json_object_set_new(task, "kind", json_string(el_task_kind_name(card->kind)));
    bad |= json_object_set_new(task, "max_seq_length", json_integer(card->features.max_seq_length));
    if (card->kind != EL_TAG && card->kind != EL_SPAN)
        bad |= json_object_set_new(task, "pair", json_boolean(card->pair));
    if (card->features.plain_special)
        bad |= json_object_set_new(task, "special_tokens", json_string("plain"));
    if (card->kind == EL_TAG) {
        bad |= json_object_set_new(task, "segment_one", json_boolean(card->features.segment_one));
        bad |= json_object_set_new(task, "tag_scheme", json_string(el_tagging_name(card->tagging.scheme)));
        bad |= json_object_set_new(task, "tag_letters_behind", json_boolean(card->tagging.suffix));
    }
    if (card->kind == EL_REGRESS)
        bad |= put_range(task, card);
    if (card->kind == EL_SPAN)
        bad |= put_span(task, card);
    if (card->layout.file.form)
        bad |= json_object_set_new(task, "columns", el_file_layout_json(&card->layout));
    bad |= json_object_set_new(object, "task", task);
    if (PROBLEMS[card->kind])
        bad |= json_object_set_new(object, "problem_type", json_string(PROBLEMS[card->kind]));
    if (card->labels.count)
        bad |= put_labels(object, &card->labels);
    if (!bad)
        return object;
    json_decref(object);
    return NULL;
}

el_status el_finetuned_save(el_model *model, const el_vocab *vocab, const el_task_card *card,
                            const char *readme, const char *folder)
{
    json_t *extra = describe(card);
    const el_network *const second = el_model_network(model, EL_BACKWARD);
    el_status st = extra
                       ? el_weights_save(model, &model->networks[0], vocab, readme, extra, EL_ST_F32, folder)
                       : el_no_memory(folder);
    if (!st && second)
        st = el_weights_save(model, second, vocab, readme, NULL, EL_ST_F32,
                             el_path_in(folder, EL_BACKWARD).text);
    json_decref(extra);
    return st;
}

/* ---- the range of numbers ---- */

/* values = values * factor + offset */
static el_status map_values(el_queue *q, el_tensor values, double factor, double offset)
{
    const size_t count = (size_t)values.rows * (size_t)values.cols;
    float *const host = malloc(count * sizeof *host);
    el_status st = host ? el_tensor_read(q, values, host) : el_no_memory(NULL);
    for (size_t i = 0; !st && i < count; i++)
        host[i] = (float)(host[i] * factor + offset);
    if (!st)
        st = el_tensor_write(q, values, host);
    free(host);
    return st;
}

el_status el_finetuned_fold(el_model *model, double *low, double *high)
{
    const el_head_weights *const w = &model->networks[0].heads[0].task.w;
    const double range = *high - *low;
    if (!(range > 0))
        return EL_OK;
    el_status st = map_values(model->q, w->out_w, range, 0);
    if (!st)
        st = map_values(model->q, w->out_b, range, *low);
    if (!st)
        el_model_prepare(model);
    *low = *high = 0;
    return st;
}

/* ---- from config.json ---- */

/* transformers' rules: one label without a problem_type is a number. */
static el_task_kind kind_of(const el_head_config *head, const char *problem)
{
    if (head->kind == EL_HEAD_TOKEN)
        return EL_TAG;
    if (head->kind == EL_HEAD_SPAN || head->kind == EL_HEAD_SPAN_JOINT)
        return EL_SPAN;
    for (int k = 0; k < EL_TASK_KINDS; k++)
        if (PROBLEMS[k] && strcmp(problem, PROBLEMS[k]) == 0)
            return (el_task_kind)k;
    return head->labels == 1 ? EL_REGRESS : EL_CLASSIFY;
}

/* The kind as "task" has it must be one that the head can do. */
static el_status read_kind(const json_t *task, const el_head_config *head, const char *problem,
                           const char *path, el_task_kind *kind)
{
    const char *said = NULL;
    const el_status st = el_json_string(task, path, "kind", &said);
    const el_task_kind natural = kind_of(head, problem);
    *kind = natural;
    if (st || !said)
        return st;
    for (int k = 0; k < EL_TASK_KINDS; k++)
        if (strcmp(said, el_task_kind_name((el_task_kind)k)) == 0)
            *kind = (el_task_kind)k;
    const bool known = strcmp(said, el_task_kind_name(*kind)) == 0;
    if (!known || (*kind != natural && (!PROBLEMS[*kind] || !PROBLEMS[natural])))
        return el_fail(EL_EDATA, "%s: the task's kind is \"%s\", which its head is not for", path, said);
    return EL_OK;
}

/* Names by number; without any they are called as transformers would. */
static el_status read_labels(const json_t *object, int count, const char *path, el_labels *labels)
{
    const json_t *names = json_object_get(object, "id2label");
    if (names && !json_is_object(names))
        return el_fail(EL_EDATA, "%s: \"id2label\" is not an object", path);
    for (int i = 0; i < count; i++) {
        char number[16], made[32];
        snprintf(number, sizeof number, "%d", i);
        snprintf(made, sizeof made, "LABEL_%d", i);
        const char *name = json_string_value(json_object_get(names, number));
        if (names && !name)
            return el_fail(EL_EDATA, "%s: \"id2label\" has no name for label %d of %d", path, i, count);
        const int at = el_labels_add_exactly(labels, name ? name : made);
        if (at != i)
            return at < 0 ? el_no_memory(path)
                          : el_fail(EL_EDATA, "%s: two labels are called \"%s\"", path, name ? name : made);
    }
    labels->closed = true;
    return EL_OK;
}

static el_status read_rule(const json_t *task, const char *path, el_squad_rule *rule)
{
    const char *said = RULES[*rule];
    const el_status st = el_json_string(task, path, "scored_as", &said);
    if (st)
        return st;
    for (int r = 0; r < RULE_COUNT; r++)
        if (strcmp(said, RULES[r]) == 0) {
            *rule = (el_squad_rule)r;
            return EL_OK;
        }
    return el_fail(EL_EDATA, "%s: scored_as is \"%s\", which is not known", path, said);
}

/* Whole numbers of "task", between 1 and a most. */
static el_status read_numbers(const json_t *task, const char *path, int places, el_task_card *card)
{
    const struct {
        const char *key;
        int *value, least, most;
    } NUMBERS[] = {{"max_seq_length", &card->features.max_seq_length, 4, places},
                   {"max_query_length", &card->features.max_query_length, 0, places},
                   {"doc_stride", &card->features.doc_stride, 1, places},
                   {"n_best", &card->n_best, 1, 1000},
                   {"max_answer_length", &card->max_answer_length, 1, places},
                   {"beam", &card->beam, 1, 1000}};
    for (size_t i = 0; i < sizeof NUMBERS / sizeof *NUMBERS; i++) {
        int value = *NUMBERS[i].value < NUMBERS[i].most ? *NUMBERS[i].value : NUMBERS[i].most;
        const el_status st = el_json_int(task, path, NUMBERS[i].key, &value);
        if (st)
            return st;
        if (value < NUMBERS[i].least || value > NUMBERS[i].most)
            return el_fail(EL_EDATA, "%s: the task's %s is %d; it must lie between %d and %d", path,
                           NUMBERS[i].key, value, NUMBERS[i].least, NUMBERS[i].most);
        *NUMBERS[i].value = value;
    }
    return EL_OK;
}

/* Of tags in a folder that does not say it, what their names look like. */
static el_status read_tagging(const json_t *task, const char *path, el_task_card *card)
{
    const char *said = NULL;
    el_status st = el_json_string(task, path, "tag_scheme", &said);
    if (st || !said)
        return st ? st : el_tagging_find(&card->tagging, &card->labels, NULL, 0, EL_TAGS_SCHEMES);
    card->tagging.scheme = el_tagging_named(said);
    if (card->tagging.scheme == EL_TAGS_SCHEMES)
        return el_fail(EL_EDATA, "%s: tag_scheme is \"%s\", which is not known", path, said);
    return el_json_bool(task, path, "tag_letters_behind", &card->tagging.suffix);
}

static el_status read_name(const json_t *task, const char *path, el_task_card *card)
{
    const char *said = card->task;
    const el_status st = el_json_string(task, path, "name", &said);
    if (st || said == card->task)
        return st;
    free(card->task);
    card->task = strdup(said);
    return card->task ? EL_OK : el_no_memory(path);
}

static el_status read_special(const json_t *task, const char *path, bool *plain)
{
    const char *said = "tokens";
    const el_status st = el_json_string(task, path, "special_tokens", &said);
    *plain = strcmp(said, "plain") == 0;
    if (!st && !*plain && strcmp(said, "tokens") != 0)
        return el_fail(EL_EDATA, "%s: special_tokens is \"%s\", which is not known", path, said);
    return st;
}

/* What stands in "task", or else what the model has room for. */
static el_status read_task(const json_t *task, const char *path, int places, el_task_card *card)
{
    card->features.max_seq_length = places;
    card->features.max_query_length = places / 2 < 64 ? places / 2 : 64;
    el_status st = read_name(task, path, card);
    if (!st)
        st = read_numbers(task, path, places, card);
    if (!st)
        st = el_json_bool(task, path, "pair", &card->pair);
    card->single = json_is_false(json_object_get(task, "pair"));
    if (!st)
        st = el_json_bool(task, path, "segment_one", &card->features.segment_one);
    if (!st)
        st = read_special(task, path, &card->features.plain_special);
    if (!st)
        st = el_json_real(task, path, "low", &card->low);
    if (!st)
        st = el_json_real(task, path, "high", &card->high);
    if (!st)
        st = el_json_real(task, path, "null_threshold", &card->null_threshold);
    const json_t *const columns = json_object_get(task, "columns");
    if (!st && columns && !json_is_object(columns))
        st = el_fail(EL_EDATA, "%s: the task's \"columns\" are not an object", path);
    if (!st && columns)
        st = el_file_layout_read(&card->layout, columns, path);
    return st ? st : read_rule(task, path, &card->rule);
}

el_status el_finetuned_range(const json_t *object, const char *path, const el_head_config *head, double *low,
                             double *high)
{
    const json_t *const task = json_object_get(object, "task");
    const char *problem = "";
    el_task_kind kind;
    *low = *high = 0;
    el_status st = el_json_string(object, path, "problem_type", &problem);
    if (!st)
        st = read_kind(task, head, problem, path, &kind);
    if (st || kind != EL_REGRESS)
        return st;
    st = el_json_real(task, path, "low", low);
    return st ? st : el_json_real(task, path, "high", high);
}

static el_status read_card(const json_t *object, const char *path, const el_head_config *head, int places,
                           el_task_card *card)
{
    const json_t *task = json_object_get(object, "task");
    const char *problem = "";
    el_task_kind kind;
    if (task && !json_is_object(task))
        return el_fail(EL_EDATA, "%s: \"task\" is not an object", path);
    el_status st = el_json_string(object, path, "problem_type", &problem);
    if (!st)
        st = read_kind(task, head, problem, path, &kind);
    if (!st)
        st = el_task_card_open(card, kind);
    if (!st)
        st = read_task(task, path, places, card);
    card->number = strcmp(problem, PROBLEMS[EL_REGRESS]) == 0;
    if (!st && kind != EL_REGRESS && kind != EL_SPAN)
        st = read_labels(object, head->labels, path, &card->labels);
    return st || kind != EL_TAG ? st : read_tagging(task, path, card);
}

static el_status no_task_head(const char *path, const char *architecture)
{
    return *architecture && !el_architecture_known(architecture)
               ? el_fail(EL_EDATA, "%s: architectures names %s, whose head is not known", path, architecture)
               : el_fail(EL_EDATA, "%s: this model was not fine-tuned: it has no task's head", path);
}

el_status el_finetuned_read(const char *folder, el_config *config, el_head_config *head, el_task_card *card)
{
    json_t *object = NULL;
    *card = (el_task_card){0};
    const el_path path = el_path_in(folder, "config.json");
    el_status st = el_model_read(folder, false, NULL, head, &object);
    if (!st && head->kind < EL_HEAD_SEQUENCE)
        st = no_task_head(path.text, el_architecture_of(object));
    if (!st)
        st = el_model_read(folder, false, config, NULL, NULL);
    if (!st)
        st = read_card(object, path.text, head, config->max_position_embeddings, card);
    if (st)
        el_task_card_release(card);
    json_decref(object);
    return st;
}

/* ---- a model to ask ---- */

static el_status load(el_finetuned *f, el_queue *q, el_type activations, const char *folder)
{
    el_model_plan plan = {
        .activations = activations, .parameters = activations == EL_F64 ? EL_F64 : EL_F32, .packed = true};
    el_config config;
    el_head_config head;
    char *backward = NULL;
    el_status st = el_finetuned_read(folder, &config, &head, &f->card);
    if (!st)
        st = el_finetuned_plan(&plan, EL_DISCRIMINATOR, folder, &config, &head, &backward);
    if (!st)
        st = el_weights_open(&f->model, q, &plan, (const char *[]){folder, backward}, &f->vocab);
    free(backward);
    return st;
}

static el_status open_learner(el_finetuned *f)
{
    const el_learner_settings settings = el_task_card_settings(&f->card, f->batch_tokens);
    const el_status st = el_learner_open(&f->learner, &f->model, &f->features, &f->split, 1, &settings);
    if (st)
        el_finetuned_close(f);
    return st;
}

el_status el_finetuned_open(el_finetuned *f, el_queue *q, el_type activations, int micro_batch_tokens,
                            const char *folder)
{
    *f = (el_finetuned){.batch_tokens = micro_batch_tokens};
    const el_status st = load(f, q, activations, folder);
    if (st)
        el_finetuned_close(f);
    return st ? st : open_learner(f);
}

el_status el_finetuned_over(el_finetuned *f, el_queue *q, const el_model *model, el_vocab *vocab,
                            const el_task_card *card, int micro_batch_tokens)
{
    *f = (el_finetuned){
        .card = *card, .model = *model, .vocab = vocab, .borrowed = true, .batch_tokens = micro_batch_tokens};
    f->model.q = q;
    const el_status st = el_model_reserve(&f->model);
    return st ? st : open_learner(f);
}

void el_finetuned_close(el_finetuned *f)
{
    if (f->learner)
        f->learner->close(f->learner);
    el_features_release(&f->features);
    el_batch_release(&f->batch);
    if (!f->borrowed) {
        el_model_close(&f->model);
        el_vocab_close(f->vocab);
        el_task_card_release(&f->card);
    }
    *f = (el_finetuned){0};
}

el_status el_finetuned_ask_each(el_finetuned *f, const el_dataset *dataset, const el_prediction **predictions,
                                int *count)
{
    assert(dataset->kind == f->card.kind);
    el_features_clear(&f->features);
    for (int i = 0; i < dataset->count; i++)
        if (dataset->examples[i].text[1] ? f->card.single : f->card.pair)
            return el_fail(EL_EUSAGE, "%s, line %lld: %s", dataset->name,
                           (long long)dataset->examples[i].line,
                           f->card.pair ? "there is one text, and the model was taught pairs"
                                        : "there are two texts, and the model was taught single ones");
    el_status st = el_features_add(&f->features, dataset, f->vocab, &f->card.features, false, &f->split);
    if (!st)
        st = el_features_check(&f->features, f->model.networks[0].config.type_vocab_size);
    el_learner_use(f->learner, &f->features, &f->split, 1);
    for (int first = 0; !st && first < f->features.count;) {
        st = el_features_fill(&f->features, &first, f->batch_tokens, &f->batch);
        if (!st)
            st = el_objective_run(f->learner, &f->batch, (el_random){0}, false);
        if (!st && f->watch.on_batch)
            st = f->watch.on_batch(f->watch.context, (double)first / f->features.count);
    }
    return st ? st : el_learner_predictions(f->learner, predictions, count);
}

el_status el_finetuned_ask(el_finetuned *f, const el_dataset *dataset, const el_prediction **predictions,
                           int *count)
{
    el_status st = el_finetuned_ask_each(f, dataset, predictions, count);
    for (int i = 0; !st && i < *count; i++)
        if (!(*predictions)[i].finite)
            st = el_dataset_not_finite(dataset, (*predictions)[i].example);
    return st;
}
