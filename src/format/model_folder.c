/* model_folder - see the header */
#include "format/model_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "format/tokenizer.h"

const char EL_VOCAB_HASH[] = "vocab_hash";

/* ---- heads and what config.json says of them ---- */

enum { HEAD_UNITS = 64 };

typedef struct {
    const char *architectures[EL_MODEL_TYPES], *task_head;
    bool labelled; /* with classes and a dropout of its own */
} head_names;

static const head_names HEADS[EL_HEADS] = {
    [EL_HEAD_DETECTION] = {{"ElectraForPreTraining"}, NULL, false},
    [EL_HEAD_MLM] = {{"ElectraForMaskedLM", "BertForMaskedLM", "AlbertForMaskedLM", "XLNetLMHeadModel"},
                     NULL,
                     false},
    [EL_HEAD_NONE] = {{"ElectraModel", "BertModel", "AlbertModel", "XLNetModel"}, NULL, false},
    [EL_HEAD_SEQUENCE] = {{"ElectraForSequenceClassification"}, NULL, true},
    [EL_HEAD_POOLED] = {{NULL, "BertForSequenceClassification", "AlbertForSequenceClassification",
                         "XLNetForSequenceClassification"},
                        NULL,
                        true},
    [EL_HEAD_SEQUENCE_AFFINE] = {{"ElectraForSequenceClassification", "BertForSequenceClassification", NULL,
                                  "XLNetForSequenceClassification"},
                                 "sequence_affine",
                                 true},
    [EL_HEAD_TOKEN] = {{"ElectraForTokenClassification", "BertForTokenClassification",
                        "AlbertForTokenClassification", "XLNetForTokenClassification"},
                       NULL,
                       true},
    [EL_HEAD_SPAN] = {{"ElectraForQuestionAnswering", "BertForQuestionAnswering",
                       "AlbertForQuestionAnswering", "XLNetForQuestionAnsweringSimple"},
                      NULL,
                      false},
    [EL_HEAD_SPAN_JOINT] = {{"ElectraForQuestionAnswering", "BertForQuestionAnswering"}, "span_joint", false},
};

/* Those of a causal network, where they are others: it guesses the next token, and what reads a sequence reads its last row,
 * which no class of transformers does. */
static const head_names CAUSAL[EL_HEADS] = {
    [EL_HEAD_MLM] = {{"ElectraForCausalLM", "BertLMHeadModel"}, NULL, false},
    [EL_HEAD_SEQUENCE] = {{"ElectraModel"}, "sequence_last", true},
    [EL_HEAD_POOLED] = {{NULL, "BertModel"}, "pooled_last", true},
    [EL_HEAD_SEQUENCE_AFFINE] = {{"ElectraModel", "BertModel"}, "sequence_last_affine", true},
};

/* Those of what predicts in random orders: transformers has the encoder alone. */
static const head_names ORDERED = {{"ElectraModel", "BertModel", "AlbertModel"}, "permutation_lm", false};

/* Those of what predicts tokens and, beside that, says of two segments whether they are as they were. */
static const head_names PRETRAINING = {{NULL, "BertForPreTraining", "AlbertForPreTraining"}, NULL, false};

/* An XLNet's is its class's own. */
static bool is_permuted(const el_config *config, const el_head_config *head)
{
    return head->ordered && !el_config_relative(config);
}

static const head_names *names_of(int kind, bool causal)
{
    const head_names *const own = &CAUSAL[kind];
    return causal && (own->architectures[0] || own->architectures[1]) ? own : &HEADS[kind];
}

/* What task_head says where no class of transformers has such a network with such a head; no architecture is named then. */
static const char *const WORDS[EL_HEADS] = {[EL_HEAD_DETECTION] = "detection",
                                            [EL_HEAD_MLM] = "masked_lm",
                                            [EL_HEAD_BASELINE] = "baseline",
                                            [EL_HEAD_CLOZE] = "cloze",
                                            [EL_HEAD_SENTENCES] = "sentences",
                                            [EL_HEAD_NONE] = "encoder",
                                            [EL_HEAD_SEQUENCE] = "sequence",
                                            [EL_HEAD_POOLED] = "pooled",
                                            [EL_HEAD_SEQUENCE_AFFINE] = "sequence_affine",
                                            [EL_HEAD_TOKEN] = "token",
                                            [EL_HEAD_SPAN] = "span",
                                            [EL_HEAD_SPAN_JOINT] = "span_joint"};

static const char *architecture_of(const json_t *object)
{
    const char *name = json_string_value(json_array_get(json_object_get(object, "architectures"), 0));
    return name ? name : "";
}

static bool names_head(const head_names *names, const char *architecture, const char *task_head)
{
    bool named = false;
    for (int t = 0; t < EL_MODEL_TYPES; t++)
        named |= names->architectures[t] && strcmp(architecture, names->architectures[t]) == 0;
    return named && strcmp(task_head, names->task_head ? names->task_head : "") == 0;
}

static el_status find_kind(const json_t *object, const char *name, el_head_kind *kind)
{
    const char *task_head = "", *architecture = architecture_of(object);
    bool causal = false, of_causal = false;
    el_status st = el_json_string(object, name, "task_head", &task_head);
    if (!st)
        st = el_json_bool(object, name, "is_decoder", &causal);
    const bool predicts =
        names_head(&PRETRAINING, architecture, task_head) || names_head(&ORDERED, architecture, task_head);
    *kind = predicts ? EL_HEAD_MLM : EL_HEAD_DETECTION;
    for (int k = 0; !st && k < EL_HEADS; k++) {
        const bool last = names_head(&CAUSAL[k], architecture, task_head);
        if (last || names_head(&HEADS[k], architecture, task_head) ||
            (!*architecture && strcmp(task_head, WORDS[k]) == 0))
            *kind = (el_head_kind)k;
        of_causal |= last;
    }
    if (!st && *task_head && *kind == EL_HEAD_DETECTION &&
        (*architecture || strcmp(task_head, WORDS[EL_HEAD_DETECTION]) != 0))
        return el_fail(EL_EDATA, "%s: task_head is \"%s\", which is not known for %s", name, task_head,
                       *architecture ? architecture : "a model without an architecture");
    if (!st && of_causal && !causal)
        return el_fail(EL_EDATA, "%s: %s%s%s needs is_decoder true", name, architecture,
                       *task_head ? " with task_head " : "", task_head);
    if (!st && causal && !of_causal && names_of(*kind, true) == &CAUSAL[*kind] && HEADS[*kind].labelled)
        return el_fail(EL_EDATA, "%s: %s reads [CLS], which has seen nothing where is_decoder is true", name,
                       architecture);
    return st;
}

static bool is_xlnet(const json_t *object)
{
    const char *const type = json_string_value(json_object_get(object, "model_type"));
    return type && strcmp(type, "xlnet") == 0;
}

/* What an XLNet's head reads: here the first row alone, by way of a tanh or as it is. */
static el_status read_summary(const json_t *object, const char *name, el_head_config *head)
{
    const char *type = "last", *activation = "tanh";
    bool projected = true;
    el_status st = el_json_string(object, name, "summary_type", &type);
    if (!st)
        st = el_json_bool(object, name, "summary_use_proj", &projected);
    if (!st)
        st = el_json_string(object, name, "summary_activation", &activation);
    if (!st && strcmp(type, "first") != 0)
        return el_fail(EL_EDATA, "%s: summary_type is \"%s\"; only \"first\" is supported", name, type);
    if (!st && projected && strcmp(activation, "tanh") != 0)
        return el_fail(EL_EDATA, "%s: summary_activation is \"%s\"; only \"tanh\" is supported", name,
                       activation);
    head->kind = projected ? EL_HEAD_POOLED : EL_HEAD_SEQUENCE_AFFINE;
    return st;
}

/* The same written: a head without a tanh in between. */
static int put_summary(json_t *object, const el_head_config *head)
{
    int bad = json_object_set_new(object, "summary_last_dropout", json_real(head->dropout));
    if (head->kind == EL_HEAD_SEQUENCE_AFFINE) {
        bad |= json_object_set_new(object, "summary_use_proj", json_false());
        bad |= json_object_set_new(object, "summary_activation", json_string("")); /* none */
    }
    return bad;
}

/* Hugging Face's rules: classes are counted by their names, and are two where nothing is said; the head's dropout
 * is the encoder's unless it has one of its own. */
static el_status read_head(const json_t *object, const char *name, el_head_config *head)
{
    *head = (el_head_config){.labels = 2, .dropout = 0.1};
    const json_t *names = json_object_get(object, "id2label");
    el_status st = find_kind(object, name, &head->kind);
    if (!st)
        st = el_json_bool(object, name, "answerable_classifier", &head->answerable);
    if (!st)
        st = el_json_real(object, name, "hidden_dropout_prob", &head->dropout);
    if (!st && is_xlnet(object))
        st = el_json_real(object, name, head->kind == EL_HEAD_TOKEN ? "dropout" : "summary_last_dropout",
                          &head->dropout);
    if (!st)
        st = el_json_real(object, name, "classifier_dropout_prob", &head->dropout); /* an ALBERT's */
    if (!st)
        st = el_json_real(object, name, "classifier_dropout", &head->dropout);
    if (!st && json_is_object(names))
        head->labels = (int)json_object_size(names);
    else if (!st)
        st = el_json_int(object, name, "num_labels", &head->labels);
    if (!st)
        st = el_json_bool(object, name, "copy_gate", &head->gated);
    head->answerable &= head->kind == EL_HEAD_SPAN_JOINT;
    head->gated &= head->kind == EL_HEAD_MLM;
    const char *const task_head = json_string_value(json_object_get(object, "task_head"));
    head->sentences =
        head->kind == EL_HEAD_MLM && !task_head && names_head(&PRETRAINING, architecture_of(object), "");
    head->ordered = head->kind == EL_HEAD_MLM &&
                    (is_xlnet(object) || (task_head && strcmp(task_head, ORDERED.task_head) == 0));
    if (!st && is_xlnet(object) && HEADS[head->kind].labelled && head->kind != EL_HEAD_TOKEN)
        st = read_summary(object, name, head);
    if (!st && !HEADS[head->kind].labelled)
        head->labels = 0, head->dropout = 0;
    else if (!st && (head->labels < 1 || head->labels > 1 << 20))
        st = el_fail(EL_EDATA, "%s: %d labels; there must be between 1 and %d", name, head->labels, 1 << 20);
    if (!st && !(head->dropout >= 0 && head->dropout <= 0.9)) /* this way round catches nan */
        st = el_fail(EL_EDATA, "%s: a classifier_dropout of %g; it must lie between 0 and 0.9", name,
                     head->dropout);
    return st;
}

/* "LABEL_0" ..., which is what transformers assumes for nameless classes. */
static int put_labels(json_t *object, int labels)
{
    json_t *names = json_object(), *numbers = json_object();
    int bad = 0;
    for (int i = 0; i < labels; i++) {
        char name[32];
        snprintf(name, sizeof name, "LABEL_%d", i);
        bad |= json_object_set_new(names, name + strlen("LABEL_"), json_string(name));
        bad |= json_object_set_new(numbers, name, json_integer(i));
    }
    bad |= json_object_set_new(object, "id2label", names);
    return bad | json_object_set_new(object, "label2id", numbers);
}

json_t *el_model_json(const el_config *config, const el_head_config *head, const json_t *extra)
{
    const head_names *const names = is_permuted(config, head) ? &ORDERED
                                    : head->sentences         ? &PRETRAINING
                                                              : names_of(head->kind, config->causal);
    const char *const architecture = names->architectures[config->model_type];
    const char *const task_head = architecture || names->task_head ? names->task_head : WORDS[head->kind];
    json_t *object = el_config_json(config, architecture);
    int bad = object ? 0 : -1;
    if (HEADS[head->kind].labelled) {
        bad |= put_labels(object, head->labels);
        bad |= json_object_set_new(
            object, config->model_type == EL_MODEL_ALBERT ? "classifier_dropout_prob" : "classifier_dropout",
            json_real(head->dropout));
        if (el_config_relative(config))
            bad |= put_summary(object, head);
    }
    if (task_head)
        bad |= json_object_set_new(object, "task_head", json_string(task_head));
    if (head->kind == EL_HEAD_SPAN_JOINT)
        bad |= json_object_set_new(object, "answerable_classifier", json_boolean(head->answerable));
    if (head->gated)
        bad |= json_object_set_new(object, "copy_gate", json_true());
    if (extra)
        bad |= json_object_update(object, (json_t *)extra);
    if (!bad)
        return object;
    json_decref(object);
    return NULL;
}

/* ---- what tensors say ---- */

static bool has(const el_names *names, const char *parameter)
{
    return el_names_find(names, parameter) != NULL;
}

static el_head_kind head_of_tensors(const el_names *names, bool predicts)
{
    const bool mlm = has(names, "generator_predictions.dense.weight") || has(names, "generator_lm_head.bias");
    if (mlm && predicts)
        return EL_HEAD_MLM;
    if (has(names, "discriminator_predictions.dense_prediction.weight"))
        return EL_HEAD_DETECTION;
    if (has(names, "classifier.out_proj.weight"))
        return EL_HEAD_SEQUENCE;
    if (has(names, "classifier.weight"))
        return has(names, "electra.pooler.dense.weight") ? EL_HEAD_POOLED : EL_HEAD_TOKEN;
    if (has(names, "qa_outputs.weight"))
        return EL_HEAD_SPAN;
    return mlm ? EL_HEAD_MLM : EL_HEAD_NONE;
}

static int64_t size_of(const el_names *names, const char *parameter, int dimension)
{
    const el_stored *const tensor = el_names_find(names, parameter);
    const int64_t size = tensor && dimension < tensor->dims ? tensor->shape[dimension] : 0;
    return size < 1 << 30 ? size : 0; /* too large for any configuration */
}

static int count_layers(const el_names *names)
{
    char name[112];
    for (int layers = 0;; layers++) {
        snprintf(name, sizeof name, "electra.encoder.layer.%d.output.dense.weight", layers);
        if (!has(names, name))
            return layers;
    }
}

/* A configuration from shapes. */
static json_t *config_of_tensors(const el_names *names)
{
    static const char TABLE[] = "electra.embeddings.word_embeddings.weight",
                      INNER[] = "electra.encoder.layer.0.intermediate.dense.weight";
    el_config c = el_config_default();
    c.model_type = strstr(names->encoder, "bert.") ? EL_MODEL_BERT : EL_MODEL_ELECTRA;
    c.vocab_size = (int)size_of(names, TABLE, 0);
    c.embedding_size = (int)size_of(names, TABLE, 1);
    c.hidden_size = (int)size_of(names, INNER, 1);
    c.intermediate_size = (int)size_of(names, INNER, 0);
    c.num_hidden_layers = count_layers(names);
    c.max_position_embeddings = (int)size_of(names, "electra.embeddings.position_embeddings.weight", 0);
    c.type_vocab_size = (int)size_of(names, "electra.embeddings.token_type_embeddings.weight", 0);
    c.num_attention_heads = c.hidden_size % HEAD_UNITS ? 1 : c.hidden_size / HEAD_UNITS;
    return el_config_json(&c, "");
}

/* ---- one network ---- */

/* The architecture that the tensors speak of. */
static el_status guess_architecture(el_model_card *card, const el_names *names, bool predicts)
{
    const char *const type = json_string_value(json_object_get(card->object, "model_type"));
    const el_model_type model_type = !type                         ? EL_MODEL_ELECTRA
                                     : strcmp(type, "bert") == 0   ? EL_MODEL_BERT
                                     : strcmp(type, "albert") == 0 ? EL_MODEL_ALBERT
                                     : strcmp(type, "xlnet") == 0  ? EL_MODEL_XLNET
                                                                   : EL_MODEL_ELECTRA;
    const bool causal = json_is_true(json_object_get(card->object, "is_decoder"));
    const char *const name = names_of(head_of_tensors(names, predicts), causal)->architectures[model_type];
    if (!name)
        return el_fail(EL_EDATA, "%s: no architecture is named, and its tensors are those of no known head",
                       names->source->path);
    snprintf(card->said + strlen(card->said), sizeof card->said - strlen(card->said),
             "no architecture is named; the tensors are those of %s", name);
    return json_object_set_new(card->object, "architectures", json_pack("[s]", name)) == 0
               ? EL_OK
               : el_fail(EL_ENOMEM, "%s: no memory", names->source->path);
}

/* In place of config.json: BERT's own bert_config.json, or shapes. */
static el_status describe(el_model_card *card, const char *folder, const el_names *names)
{
    char *const theirs = el_path_join(folder, "bert_config.json");
    el_status st = theirs ? EL_OK : el_fail(EL_ENOMEM, "%s: no memory", folder);
    if (!st && el_file_exists(theirs)) {
        st = el_json_load(&card->object, theirs);
        if (!st && json_object_set_new(card->object, "model_type", json_string("bert")) != 0)
            st = el_fail(EL_ENOMEM, "%s: no memory", folder);
    } else if (!st) {
        card->object = config_of_tensors(names);
        st = card->object ? EL_OK : el_fail(EL_ENOMEM, "%s: no memory", folder);
        snprintf(card->said, sizeof card->said,
                 "no config.json; the shapes say all but the attention heads, taken to be one for %d units; ",
                 HEAD_UNITS);
    }
    free(theirs);
    return st;
}

/* Looks at the tensors for what config.json does not say. */
static el_status complete(el_model_card *card, const char *folder, bool predicts)
{
    el_tensors source;
    el_names names;
    el_status st = el_tensors_open(&source, folder);
    if (st)
        return st;
    st = el_names_open(&names, &source, predicts);
    if (!st && !card->object)
        st = describe(card, folder, &names);
    if (!st)
        st = guess_architecture(card, &names, predicts);
    el_tensors_close(&source);
    return st;
}

/* All but the configuration, which a run's own config.json has not. */
static el_status open_card(el_model_card *card, const char *folder, bool predicts)
{
    *card = (el_model_card){0};
    el_status st = el_folder_need(folder);
    if (!st && !(card->path = el_path_join(folder, "config.json")))
        st = el_fail(EL_ENOMEM, "%s: no memory", folder);
    const bool weights = !st && el_tensors_exists(folder);
    if (!st && (el_file_exists(card->path) || !weights))
        st = el_json_load(&card->object, card->path);
    if (!st && weights && !*architecture_of(card->object) && !json_object_get(card->object, "task_head"))
        st = complete(card, folder, predicts);
    return st ? st : read_head(card->object, card->path, &card->head);
}

el_status el_model_card_open(el_model_card *card, const char *folder, bool predicts)
{
    el_status st = open_card(card, folder, predicts);
    if (!st)
        st = el_config_read(&card->config, card->object, card->path);
    if (st)
        el_model_card_close(card);
    return st;
}

void el_model_card_close(el_model_card *card)
{
    json_decref(card->object);
    free(card->path);
    *card = (el_model_card){0};
}

el_status el_model_read(const char *folder, bool predicts, el_config *config, el_head_config *head,
                        json_t **object)
{
    el_model_card card;
    el_status st = open_card(&card, folder, predicts);
    if (!st && config)
        st = el_config_read(config, card.object, card.path);
    if (!st && head)
        *head = card.head;
    if (!st && object)
        *object = json_incref(card.object);
    el_model_card_close(&card);
    return st;
}

/* ---- its vocabulary ---- */

/* Weights that others wrote name no vocabulary. */
static el_status check_vocab_hash(const char *folder, const el_vocab *vocab)
{
    el_tensors source;
    const el_status st = el_tensors_open(&source, folder);
    if (st)
        return st;
    char hash[17];
    el_hash_text(vocab->hash, hash);
    const char *const named = el_tensors_metadata(&source, EL_VOCAB_HASH);
    const bool same = !named || strcmp(named, hash) == 0;
    el_tensors_close(&source);
    return same ? EL_OK
                : el_fail(EL_EDATA,
                          "%s: vocab.txt, or the casing in tokenizer_config.json, is not what "
                          "the model was trained with",
                          folder);
}

el_status el_model_vocab(const char *folder, const el_config *config, el_vocab **vocab)
{
    el_status st = el_tokenizer_load(vocab, folder, EL_CASING_UNSET);
    if (st)
        return st;
    if ((*vocab)->size > config->vocab_size)
        st = el_fail(EL_EDATA, "%s: vocab.txt has %d pieces, the model knows %d", folder, (*vocab)->size,
                     config->vocab_size);
    else
        st = check_vocab_hash(folder, *vocab);
    if (st) {
        el_vocab_close(*vocab);
        *vocab = NULL;
    }
    return st;
}

/* ---- the networks of a folder ---- */

/* The sub-folder if it holds a model, else NULL. */
static el_status model_in(char **model, const char *folder, const char *name)
{
    bool there = false;
    *model = el_path_join(folder, name);
    const el_status st =
        *model ? el_folder_holds(*model, "config.json", &there) : el_fail(EL_ENOMEM, "%s: no memory", folder);
    if (there)
        return EL_OK;
    free(*model);
    *model = NULL;
    return st;
}

static el_status no_model(const char *folder)
{
    return el_fail(EL_EDATA,
                   "%s: neither a run (with generator/ and discriminator/) nor a model folder (with "
                   "config.json and model.safetensors or pytorch_model.bin)",
                   folder);
}

/* A folder that is itself a model may be one in two roles. */
static el_status find_roles(const char *folder, bool *generator, bool *discriminator)
{
    el_model_card first, second;
    el_status st = el_model_card_open(&first, folder, true);
    if (st)
        return st;
    st = el_model_card_open(&second, folder, false);
    if (!st) {
        *generator = first.head.kind == EL_HEAD_MLM;
        *discriminator = second.config.model_type != EL_MODEL_BERT && !el_config_relative(&second.config) &&
                         second.head.kind != EL_HEAD_MLM;
        el_model_card_close(&second);
    }
    el_model_card_close(&first);
    return st;
}

static bool copy_path(char **to, bool wanted, const char *folder)
{
    *to = wanted ? strdup(folder) : NULL;
    return !wanted || *to;
}

el_status el_model_find(el_model_paths *paths, const char *folder)
{
    *paths = (el_model_paths){0};
    el_status st = model_in(&paths->generator, folder, EL_GENERATOR);
    if (!st)
        st = model_in(&paths->discriminator, folder, EL_DISCRIMINATOR);
    if (!st)
        st = model_in(&paths->backward, folder, EL_BACKWARD);
    if (!st && (paths->generator || paths->discriminator) &&
        !copy_path(&paths->encoder, true, paths->discriminator ? paths->discriminator : paths->generator))
        st = el_fail(EL_ENOMEM, "%s: no memory", folder);
    if (st)
        el_model_paths_free(paths);
    if (st || paths->encoder)
        return st;
    bool described = false;
    st = el_folder_need(folder);
    if (!st)
        st = el_folder_holds(folder, "config.json", &described);
    if (!st && !described && !el_tensors_exists(folder))
        st = no_model(folder);
    if (st)
        return st;
    bool generator, discriminator;
    st = find_roles(folder, &generator, &discriminator);
    if (st)
        return st;
    if (copy_path(&paths->generator, generator, folder) &&
        copy_path(&paths->discriminator, discriminator, folder) && copy_path(&paths->encoder, true, folder))
        return EL_OK;
    el_model_paths_free(paths);
    return el_fail(EL_ENOMEM, "%s: no memory", folder);
}

void el_model_paths_free(el_model_paths *paths)
{
    free(paths->generator);
    free(paths->discriminator);
    free(paths->backward);
    free(paths->encoder);
    *paths = (el_model_paths){0};
}
