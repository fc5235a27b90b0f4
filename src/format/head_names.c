/* head_names - see the header */
#include "format/head_names.h"

#include <stdio.h>
#include <string.h>

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
    [EL_HEAD_SEQUENCE_AFFINE] = {{"ElectraModel", "BertModel", NULL, "XLNetForSequenceClassification"},
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
    [EL_HEAD_SPAN_JOINT] = {{"ElectraModel", "BertModel"}, "span_joint", false},
};

/* Classes that the original's heads were given before, which transformers opens with a head of random numbers. */
static const head_names BEFORE[EL_HEADS] = {
    [EL_HEAD_SEQUENCE_AFFINE] = {{"ElectraForSequenceClassification", "BertForSequenceClassification"},
                                 "sequence_affine",
                                 true},
    [EL_HEAD_SPAN_JOINT] = {{"ElectraForQuestionAnswering", "BertForQuestionAnswering"}, "span_joint", false},
};

/* Whether a task's head reads two networks, one of which reads backwards. */
#define BOTH_DIRECTIONS "both_directions"

/* Which objective a head has learned, where that is not ELECTRA's or a masked language model's: whoever reads its logits has to
 * know. */
#define OBJECTIVE "electra_objective"
#define ENERGIES "electric"
#define RESTORES "replace-mlm"
#define RESTORES_GATED "all-tokens-mlm"

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

const char *el_head_class(el_head_kind kind, bool causal, el_model_type type)
{
    return names_of(kind, causal)->architectures[type];
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

const char *el_architecture_of(const json_t *object)
{
    const char *name = json_string_value(json_array_get(json_object_get(object, "architectures"), 0));
    return name ? name : "";
}

static bool names_class(const head_names *names, const char *architecture)
{
    bool named = false;
    for (int t = 0; t < EL_MODEL_TYPES; t++)
        named |= names->architectures[t] && strcmp(architecture, names->architectures[t]) == 0;
    return named;
}

bool el_architecture_known(const char *architecture)
{
    bool known = names_class(&PRETRAINING, architecture) || names_class(&ORDERED, architecture);
    for (int k = 0; k < EL_HEADS; k++)
        known |= names_class(&HEADS[k], architecture) || names_class(&CAUSAL[k], architecture);
    return known;
}

static bool names_head(const head_names *names, const char *architecture, const char *task_head)
{
    return names_class(names, architecture) &&
           strcmp(task_head, names->task_head ? names->task_head : "") == 0;
}

static el_status find_kind(const json_t *object, const char *name, bool joined, el_head_kind *kind)
{
    const char *task_head = "", *architecture = el_architecture_of(object);
    bool causal = false, of_causal = false;
    el_status st = el_json_string(object, name, "task_head", &task_head);
    if (!st)
        st = el_json_bool(object, name, "is_decoder", &causal);
    const bool predicts =
        names_head(&PRETRAINING, architecture, task_head) || names_head(&ORDERED, architecture, task_head);
    *kind = predicts ? EL_HEAD_MLM : EL_HEAD_DETECTION;
    for (int k = 0; !st && k < EL_HEADS; k++) {
        const bool last = *architecture ? names_head(&CAUSAL[k], architecture, task_head)
                                        : CAUSAL[k].task_head && strcmp(task_head, CAUSAL[k].task_head) == 0;
        if (last || names_head(&HEADS[k], architecture, task_head) ||
            names_head(&BEFORE[k], architecture, task_head) ||
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
    if (!st && causal && !of_causal && !joined && names_of(*kind, true) == &CAUSAL[*kind] &&
        HEADS[*kind].labelled)
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

/* Hugging Face's rules: the head's dropout is the encoder's unless it has one of its own, and classes are counted by their
 * names. */
static el_status read_numbers(const json_t *object, const char *name, el_head_config *head)
{
    const json_t *names = json_object_get(object, "id2label");
    el_status st = el_json_real(object, name, "hidden_dropout_prob", &head->dropout);
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
    return st;
}

/* What a pre-training's head has learned, by its objective and its names. */
static void settle_objective(const json_t *object, const char *objective, el_head_config *head)
{
    const char *const task_head = json_string_value(json_object_get(object, "task_head"));
    const bool predicts = head->kind == EL_HEAD_MLM;
    head->energies = head->kind == EL_HEAD_DETECTION && strcmp(objective, ENERGIES) == 0;
    head->gated &= predicts;
    head->restores = predicts && (head->gated || strcmp(objective, RESTORES) == 0);
    head->sentences = predicts && !task_head && names_head(&PRETRAINING, el_architecture_of(object), "");
    head->ordered =
        predicts && (is_xlnet(object) || (task_head && strcmp(task_head, ORDERED.task_head) == 0));
}

static el_status check_numbers(const char *name, const el_head_config *head)
{
    if (HEADS[head->kind].labelled && (head->labels < 1 || head->labels > 1 << 20))
        return el_fail(EL_EDATA, "%s: %d labels; there must be between 1 and %d", name, head->labels,
                       1 << 20);
    if (!(head->dropout >= 0 && head->dropout <= 0.9)) /* this way round catches nan */
        return el_fail(EL_EDATA, "%s: a classifier_dropout of %g; it must lie between 0 and 0.9", name,
                       head->dropout);
    return EL_OK;
}

el_status el_head_read(const json_t *object, const char *name, el_head_config *head)
{
    const char *objective = "";
    *head = (el_head_config){.labels = 2, .dropout = 0.1}; /* Hugging Face's, where nothing is said */
    el_status st = el_json_bool(object, name, BOTH_DIRECTIONS, &head->joined);
    if (!st)
        st = find_kind(object, name, head->joined, &head->kind);
    if (!st && head->joined && (head->kind < EL_HEAD_SEQUENCE || *el_architecture_of(object)))
        st = el_fail(EL_EDATA, "%s: " BOTH_DIRECTIONS " is true, but task_head is not that of a task", name);
    if (!st)
        st = el_json_bool(object, name, "answerable_classifier", &head->answerable);
    if (!st)
        st = read_numbers(object, name, head);
    if (!st)
        st = el_json_bool(object, name, "copy_gate", &head->gated);
    if (!st)
        st = el_json_string(object, name, OBJECTIVE, &objective);
    if (st)
        return st;
    head->answerable &= head->kind == EL_HEAD_SPAN_JOINT;
    settle_objective(object, objective, head);
    if (is_xlnet(object) && HEADS[head->kind].labelled && head->kind != EL_HEAD_TOKEN)
        st = read_summary(object, name, head);
    if (!HEADS[head->kind].labelled)
        head->labels = 0, head->dropout = 0;
    return st ? st : check_numbers(name, head);
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

/* An ALBERT that reads in one direction would be read as if it saw all. */
static bool is_misread(const el_config *config)
{
    return config->causal && config->model_type == EL_MODEL_ALBERT;
}

static const head_names *names_for(const el_config *config, const el_head_config *head)
{
    return is_permuted(config, head) ? &ORDERED
           : head->sentences         ? &PRETRAINING
                                     : names_of(head->kind, config->causal);
}

bool el_head_opens(const el_config *config, const el_head_config *head)
{
    const head_names *const names = names_for(config, head);
    return !head->joined && !is_misread(config) && names->architectures[config->model_type] &&
           (!names->task_head || el_config_relative(config));
}

const el_head_config *el_network_first_head(const el_network *net)
{
    static const el_head_config NONE = {.kind = EL_HEAD_NONE};
    return net->head_count ? &net->heads[0].config : &NONE;
}

bool el_network_opens(const el_network *net)
{
    return el_head_opens(&net->config, el_network_first_head(net));
}

const char *el_network_called(const el_config *config, const el_head_config *head)
{
    const bool electra = config->model_type == EL_MODEL_ELECTRA && !head->restores;
    switch (head->kind) {
    case EL_HEAD_DETECTION:
        return EL_DISCRIMINATOR;
    case EL_HEAD_MLM:
        return config->causal  ? "causal language model"
               : head->ordered ? "language model"
               : electra       ? EL_GENERATOR
                               : "masked language model";
    case EL_HEAD_CLOZE: /* one half of it */
        return EL_GENERATOR;
    case EL_HEAD_NONE:
        return "encoder";
    default:
        return "fine-tuned model";
    }
}

json_t *el_model_json(const el_config *config, const el_head_config *head, const json_t *extra)
{
    const head_names *const names = names_for(config, head);
    const char *const architecture =
        head->joined || is_misread(config) ? NULL : names->architectures[config->model_type];
    const char *const task_head =
        !head->joined && (architecture || names->task_head) ? names->task_head : WORDS[head->kind];
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
    if (head->joined)
        bad |= json_object_set_new(object, BOTH_DIRECTIONS, json_true());
    if (task_head)
        bad |= json_object_set_new(object, "task_head", json_string(task_head));
    if (head->kind == EL_HEAD_SPAN_JOINT)
        bad |= json_object_set_new(object, "answerable_classifier", json_boolean(head->answerable));
    if (head->gated)
        bad |= json_object_set_new(object, "copy_gate", json_true());
    if (head->energies)
        bad |= json_object_set_new(object, OBJECTIVE, json_string(ENERGIES));
    if (head->restores)
        bad |= json_object_set_new(object, OBJECTIVE, json_string(head->gated ? RESTORES_GATED : RESTORES));
    if (extra)
        bad |= json_object_update(object, (json_t *)extra);
    if (!bad)
        return object;
    json_decref(object);
    return NULL;
}
