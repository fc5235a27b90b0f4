/* Model folders of every task head: written, told apart, read back; and what becomes of a head that the folder lacks. */
#include <unistd.h>

#include "base/log.h"
#include "folder.h"
#include "format/narrow.h"
#include "format/sentence.h"
#include "format/tokenizer.h"
#include "format/weights.h"
#include "model/initialise.h"

static const char PIECES[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\n";
static const struct {
    el_head_config head;
    const char *architecture, *task_head;
} HEADS[] = {
    {{.kind = EL_HEAD_DETECTION}, "ElectraForPreTraining", NULL},
    {{EL_HEAD_SEQUENCE, .labels = 3, .dropout = 0.25}, "ElectraForSequenceClassification", NULL},
    {{EL_HEAD_SEQUENCE_AFFINE, .labels = 1, .dropout = 0.1}, "ElectraModel", "sequence_affine"},
    {{EL_HEAD_TOKEN, .labels = 5, .dropout = 0}, "ElectraForTokenClassification", NULL},
    {{.kind = EL_HEAD_SPAN}, "ElectraForQuestionAnswering", NULL},
    {{.kind = EL_HEAD_SPAN_JOINT}, "ElectraModel", "span_joint"},
    {{EL_HEAD_SPAN_JOINT, .answerable = true}, "ElectraModel", "span_joint"},
};
enum { HEAD_COUNT = sizeof HEADS / sizeof *HEADS };

static char model_folder[80], config_path[96];
static el_vocab *vocab;
static char noted[512];
static el_model_type model_type; /* of the models to be made */
static int token_types = 2;      /* theirs */

static void note(el_log_level level, const char *message)
{
    (void)level;
    snprintf(noted, sizeof noted, "%s", message);
}

static int make_place(void **state)
{
    assert_int_equal(make_folder(state), 0);
    snprintf(model_folder, sizeof model_folder, "%s/model", folder);
    snprintf(config_path, sizeof config_path, "%s/config.json", model_folder);
    el_log_to(note);
    return el_vocab_parse(&vocab, PIECES, strlen(PIECES), (el_casing){0}, "pieces") != EL_OK;
}

static int remove_place(void **state)
{
    el_vocab_close(vocab);
    return remove_folder(state);
}

static void open_model(el_model *model, const el_head_config *head, uint64_t seed)
{
    el_model_plan plan = {0};
    el_config c = el_config_default();
    c.vocab_size = 7, c.embedding_size = 4, c.hidden_size = 8, c.num_hidden_layers = 1;
    c.num_attention_heads = 2, c.intermediate_size = 8, c.max_position_embeddings = 4;
    c.model_type = model_type;
    c.type_vocab_size = token_types;
    c.num_hidden_groups = model_type == EL_MODEL_ALBERT;
    if (model_type == EL_MODEL_XLNET)
        c.embedding_size = c.hidden_size;
    el_plan_add(&plan, EL_DISCRIMINATOR, c, *head);
    const el_initialisation how = {.seed = seed};
    CHECK(el_model_open(model, el_queue_reference(), &plan) == EL_OK, "%s", el_error());
    CHECK(el_model_initialise(model, &how) == EL_OK, "%s", el_error());
}

static void save_model(const el_head_config *head, uint64_t seed, const json_t *extra)
{
    el_model model;
    open_model(&model, head, seed);
    CHECK(el_weights_save(&model, &model.networks[0], vocab, "# a card\n", extra, EL_ST_F32, model_folder) ==
              EL_OK,
          "%s", el_error());
    el_model_close(&model);
}

/* How many tensors of the head (or, not `head`, below it) differ from a model of that seed. */
static int differing(el_model *model, uint64_t seed, bool head)
{
    el_model other;
    int count = 0;
    open_model(&other, &model->networks[0].heads[0].config, seed);
    for (int i = 0; i < other.networks[0].params.count; i++) {
        const el_param *a = &model->networks[0].params.items[i], *b = &other.networks[0].params.items[i];
        if ((strncmp(a->name, "electra.", 8) != 0) == head)
            count += memcmp(a->value.data, b->value.data, (size_t)el_param_elements(a) * sizeof(float)) != 0;
    }
    el_model_close(&other);
    return count;
}

static void set_key(const char *key, json_t *value)
{
    json_t *object;
    CHECK(el_json_load(&object, config_path) == EL_OK, "%s", el_error());
    json_object_set_new(object, key, value);
    CHECK(el_json_save(object, config_path) == EL_OK, "%s", el_error());
    json_decref(object);
}

static void heads_come_back(void **state)
{
    (void)state;
    for (int i = 0; i < HEAD_COUNT; i++) {
        const el_head_config *head = &HEADS[i].head;
        el_head_config read;
        el_model model;
        json_t *object;
        save_model(head, 1, NULL);
        CHECK(el_model_read(model_folder, false, NULL, &read, &object) == EL_OK, "%s", el_error());
        CHECK(read.kind == head->kind && read.labels == head->labels && read.dropout == head->dropout &&
                  read.answerable == head->answerable,
              "head %d comes back as kind %d, %d labels, dropout %g, answerable %d", i, read.kind,
              read.labels, read.dropout, read.answerable);
        const char *architecture =
            json_string_value(json_array_get(json_object_get(object, "architectures"), 0));
        const char *own = json_string_value(json_object_get(object, "task_head"));
        assert_string_equal(architecture, HEADS[i].architecture);
        CHECK(own && HEADS[i].task_head ? strcmp(own, HEADS[i].task_head) == 0 : own == HEADS[i].task_head,
              "head %d: task_head is %s", i, own ? own : "not there");
        json_decref(object);
        if (HEADS[i].task_head) { /* as such heads were called before */
            set_key("architectures",
                    json_pack("[s]", head->kind == EL_HEAD_SPAN_JOINT ? "ElectraForQuestionAnswering"
                                                                      : "ElectraForSequenceClassification"));
            CHECK(el_model_read(model_folder, false, NULL, &read, NULL) == EL_OK && read.kind == head->kind,
                  "head %d: under its old class it is %d: %s", i, read.kind, el_error());
        }
        open_model(&model, head, 2);
        CHECK(el_weights_load(&model, &model.networks[0], model_folder) == EL_OK, "%s", el_error());
        CHECK(differing(&model, 1, true) + differing(&model, 1, false) == 0,
              "head %d: other weights come back", i);
        el_model_close(&model);
    }
}

/* An XLNet's: a head on [CLS] is that of its class, with or without a tanh; what reads another row is refused. */
static void heads_of_xlnet_come_back(void **state)
{
    (void)state;
    static const struct {
        el_head_config head;
        const char *architecture, *activation;
        bool projected;
    } OURS[] = {
        {{EL_HEAD_POOLED, .labels = 3, .dropout = 0.25}, "XLNetForSequenceClassification", "tanh", true},
        {{EL_HEAD_SEQUENCE_AFFINE, .labels = 1, .dropout = 0.25},
         "XLNetForSequenceClassification",
         "",
         false},
        {{EL_HEAD_TOKEN, .labels = 5, .dropout = 0.25}, "XLNetForTokenClassification", "tanh", true},
        {{.kind = EL_HEAD_SPAN}, "XLNetForQuestionAnsweringSimple", "tanh", true},
    };
    model_type = EL_MODEL_XLNET;
    for (size_t i = 0; i < sizeof OURS / sizeof *OURS; i++) {
        el_head_config read;
        el_model model;
        json_t *object;
        save_model(&OURS[i].head, 1, NULL);
        CHECK(el_model_read(model_folder, false, NULL, &read, &object) == EL_OK, "%s", el_error());
        CHECK(read.kind == OURS[i].head.kind && read.labels == OURS[i].head.labels &&
                  read.dropout == OURS[i].head.dropout,
              "head %zu comes back as kind %d, %d labels, dropout %g", i, read.kind, read.labels,
              read.dropout);
        assert_string_equal(json_string_value(json_array_get(json_object_get(object, "architectures"), 0)),
                            OURS[i].architecture);
        assert_string_equal(json_string_value(json_object_get(object, "summary_activation")),
                            OURS[i].activation);
        CHECK(json_is_true(json_object_get(object, "summary_use_proj")) == OURS[i].projected, "head %zu", i);
        json_decref(object);
        open_model(&model, &OURS[i].head, 2);
        CHECK(el_weights_load(&model, &model.networks[0], model_folder) == EL_OK, "%s", el_error());
        CHECK(differing(&model, 1, true) + differing(&model, 1, false) == 0,
              "head %zu: other weights come back", i);
        el_model_close(&model);
    }
    static const struct {
        const char *key, *value;
    } OTHERS[] = {{"summary_type", "last"},
                  {"summary_activation", "gelu"},
                  {"attn_type", "uni"},
                  {"ff_activation", "relu"}};
    for (size_t i = 0; i < sizeof OTHERS / sizeof *OTHERS; i++) {
        el_config config;
        el_head_config head;
        save_model(&OURS[0].head, 1, NULL);
        set_key(OTHERS[i].key, json_string(OTHERS[i].value));
        CHECK(el_model_read(model_folder, false, &config, &head, NULL) == EL_EDATA &&
                  strstr(el_error(), OTHERS[i].value),
              "%s: \"%s\"", OTHERS[i].key, el_error());
    }
    model_type = EL_MODEL_ELECTRA;
}

/* Another beginning, no longer than the first, for the names of tensors. */
static void rename_tensors(const char *from, const char *to)
{
    const size_t length = strlen(from);
    char path[112];
    el_mapping file;
    snprintf(path, sizeof path, "%s/model.safetensors", model_folder);
    CHECK(el_mapping_open(&file, path) == EL_OK, "%s", el_error());
    char *const bytes = malloc(file.size);
    assert_non_null(bytes);
    memcpy(bytes, file.data, file.size);
    int found = 0;
    for (char *at = bytes; (size_t)(at - bytes) + length < file.size; at++)
        if (*at == '"' && memcmp(at + 1, from, length) == 0) {
            char *const end = memchr(at + 1, '"', file.size - (size_t)(at + 1 - bytes));
            const size_t rest = (size_t)(end + 1 - (at + 1 + length)), to_length = strlen(to);
            memcpy(at + 1, to, to_length);
            memmove(at + 1 + to_length, at + 1 + length, rest);
            memset(at + 1 + to_length + rest, ' ', length - to_length);
            found++;
        }
    CHECK(found, "no tensor's name begins with %s", from);
    CHECK(el_file_write(path, bytes, file.size) == EL_OK, "%s", el_error());
    free(bytes);
    el_mapping_close(&file);
}

/* Without config.json, or where it names no kind, shapes are asked, which do not say all of any encoder but
 * an ELECTRA or a BERT. */
static void kinds_of_files_without_a_configuration(void **state)
{
    (void)state;
    static const char NORM[] = "electra.encoder.layer.0.attention.output.LayerNorm.bias";
    static const struct {
        el_model_type type;
        const char *refused;
        int token_types; /* 0: two */
        const char *from, *to;
    } KINDS[] = {{EL_MODEL_ELECTRA, NULL, 0, NULL, NULL},
                 {EL_MODEL_ELECTRA, NULL, 0, "electra.", "a.model."},
                 {EL_MODEL_BERT, NULL, 0, NULL, NULL},
                 {EL_MODEL_ALBERT, "of an ALBERT, and no config.json says so", 0, NULL, NULL},
                 {EL_MODEL_XLNET, "of an XLNet, and no config.json says so", 0, NULL, NULL},
                 {EL_MODEL_ELECTRA, "of a RoBERTa, and no config.json says so", 1, "electra.", "roberta."},
                 {EL_MODEL_ELECTRA, "knows one type of tokens", 1, "electra.", ""},
                 {EL_MODEL_ELECTRA, "those of no ELECTRA or BERT, and no config.json says", 0,
                  "electra.embeddings.pos", "electra.encoder.pos"},
                 {EL_MODEL_ELECTRA, "those of no ELECTRA or BERT, and no config.json says", 0,
                  "electra.embeddings.token", "electra.embeddings.kind"},
                 {EL_MODEL_ELECTRA, "those of no ELECTRA or BERT, and no config.json says", 0,
                  "electra.encoder.", "electra.layers."},
                 {EL_MODEL_ELECTRA, "has electra.embeddings.task_type_embeddings.weight, and", 0, NORM,
                  "electra.embeddings.task_type_embeddings.weight"},
                 {EL_MODEL_ELECTRA, "has electra.encoder.layer.0.ln.weight, and", 0, NORM,
                  "electra.encoder.layer.0.ln.weight"},
                 {EL_MODEL_ELECTRA, "has electra.encoder.rel_embeddings.weight, and", 0, NORM,
                  "electra.encoder.rel_embeddings.weight"},
                 {EL_MODEL_BERT, "has bert.pooler.weight, and", 0, "bert.encoder.layer.0.output.dense.bias",
                  "bert.pooler.weight"},
                 {EL_MODEL_ELECTRA, NULL, 0, NORM, "electra.embeddings.position_ids"}};
    const size_t kinds = sizeof KINDS / sizeof *KINDS;
    for (size_t n = 0; n < 2 * kinds; n++) {
        const size_t i = n % kinds;
        el_config config;
        model_type = KINDS[i].type;
        token_types = KINDS[i].token_types ? KINDS[i].token_types : 2;
        save_model(&(el_head_config){EL_HEAD_TOKEN, .labels = 5}, 1, NULL);
        if (n < kinds) {
            CHECK(remove(config_path) == 0, "%s stays", config_path);
        } else {
            set_key("architectures", json_null());
            set_key("model_type", json_null());
        }
        if (KINDS[i].from)
            rename_tensors(KINDS[i].from, KINDS[i].to);
        const el_status st = el_model_read(model_folder, false, &config, NULL, NULL);
        if (KINDS[i].refused)
            CHECK(st == EL_EDATA && strstr(el_error(), KINDS[i].refused), "kind %zu: %s", i, el_error());
        else
            CHECK(!st && config.model_type == KINDS[i].type, "kind %zu is read as %d: %s", i,
                  config.model_type, el_error());
    }
    model_type = EL_MODEL_ELECTRA;
    token_types = 2;
}

/* Without a model_type, as in old folders, the architecture says what a model is, or it is refused. */
static void architectures_without_a_type(void **state)
{
    (void)state;
    static const struct {
        const char *architecture;
        int type; /* -1: refused */
    } CASES[] = {{"RobertaForMaskedLM", -1},
                 {"BertForMaskedLM", EL_MODEL_BERT},
                 {"ElectraForMultipleChoice", EL_MODEL_ELECTRA}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        save_model(&(el_head_config){.kind = EL_HEAD_NONE}, 1, NULL);
        set_key("architectures", json_pack("[s]", CASES[i].architecture));
        set_key("model_type", json_null());
        el_config config;
        const el_status st = el_model_read(model_folder, false, &config, NULL, NULL);
        if (CASES[i].type < 0)
            CHECK(st == EL_EDATA && strstr(el_error(), CASES[i].architecture), "%s", el_error());
        else
            CHECK(!st && (int)config.model_type == CASES[i].type, "%s: %s", CASES[i].architecture,
                  el_error());
    }
}

static void what_predicts_tokens_has_a_name(void **state)
{
    (void)state;
    static const struct {
        el_config config;
        bool ordered;
        const char *called;
    } KINDS[] = {{{.model_type = EL_MODEL_ELECTRA}, false, "generator"},
                 {{.model_type = EL_MODEL_ALBERT}, false, "masked language model"},
                 {{.model_type = EL_MODEL_BERT, .causal = true}, false, "causal language model"},
                 {{.model_type = EL_MODEL_XLNET}, true, "language model"}};
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++)
        assert_string_equal(
            el_network_called(&KINDS[i].config,
                              &(el_head_config){.kind = EL_HEAD_MLM, .ordered = KINDS[i].ordered}),
            KINDS[i].called);
}

static void callers_keys_are_merged(void **state)
{
    (void)state;
    json_t *extra = json_pack("{s:{s:s, s:s}, s:{s:i, s:i}, s:s, s:{s:s}}", "id2label", "0", "no", "1", "yes",
                              "label2id", "no", 0, "yes", 1, "problem_type", "single_label_classification",
                              "task", "name", "rte"),
           *object;
    el_head_config head;
    save_model(&(el_head_config){EL_HEAD_SEQUENCE, .labels = 2}, 1, extra);
    CHECK(el_model_read(model_folder, false, NULL, &head, &object) == EL_OK, "%s", el_error());
    json_t *key;
    const char *name;
    json_object_foreach(extra, name, key)
        CHECK(json_equal(json_object_get(object, name), key), "%s is another than what the caller said",
              name);
    json_decref(object);
    json_decref(extra);
}

/* What a folder lacks of another task's head is noted, and stays as it was; the backbone comes. */
static void another_head_stays(void **state)
{
    (void)state;
    for (int i = 0; i < HEAD_COUNT; i++)
        for (int j = 0; j < HEAD_COUNT; j++) {
            el_model model;
            if (i == j || (HEADS[i].head.answerable && HEADS[j].head.kind == EL_HEAD_SPAN_JOINT))
                continue; /* without its classifier the joint head is there */
            save_model(&HEADS[i].head, 1, NULL);
            open_model(&model, &HEADS[j].head, 2);
            *noted = 0;
            CHECK(el_weights_load(&model, &model.networks[0], model_folder) == EL_OK, "%s", el_error());
            CHECK(strstr(noted, "a new one is used"), "from head %d to %d: \"%s\" is noted", i, j, noted);
            CHECK(differing(&model, 1, false) == 0, "from head %d to %d: the backbone did not come", i, j);
            CHECK(differing(&model, 2, true) == 0, "from head %d to %d: the head did not stay", i, j);
            el_model_close(&model);
        }
}

/* The same head with other labels: no part of it is taken. */
static void other_labels_stay(void **state)
{
    (void)state;
    el_model model;
    save_model(&(el_head_config){EL_HEAD_SEQUENCE, .labels = 3}, 1, NULL);
    open_model(&model, &(el_head_config){EL_HEAD_SEQUENCE, .labels = 2}, 2);
    CHECK(el_weights_load(&model, &model.networks[0], model_folder) == EL_OK, "%s", el_error());
    CHECK(differing(&model, 2, true) == 0, "a head of three labels came to one of two");
    CHECK(differing(&model, 1, false) == 0, "the backbone did not come");
    el_model_close(&model);
}

static void check_refusal(const char *key, json_t *value, const char *sentence)
{
    el_head_config head;
    save_model(&(el_head_config){EL_HEAD_TOKEN, .labels = 3}, 1, NULL);
    set_key(key, value);
    CHECK(el_model_read(model_folder, false, NULL, &head, NULL) == EL_EDATA && strstr(el_error(), sentence),
          "%s: \"%s\"", key, el_error());
}

/* A folder's model with the vocabulary beside its weights. */
static el_status open_to_ask(el_vocab **own)
{
    el_model model;
    el_model_plan plan = {.activations = EL_F64, .parameters = EL_F64};
    const char *const from = model_folder;
    CHECK(el_weights_plan(&plan, EL_DISCRIMINATOR, from) == EL_OK, "%s", el_error());
    *own = NULL;
    const el_status st = el_weights_open(&model, el_queue_reference(), &plan, &from, own);
    el_model_close(&model);
    return st;
}

static void another_vocabulary_is_refused(void **state)
{
    (void)state;
    static const char SWAPPED[] =
        "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nb\na\n"; /* as many pieces, other ids */
    const el_config config = {.vocab_size = 7};
    el_vocab *read, *other;
    save_model(&(el_head_config){EL_HEAD_TOKEN, .labels = 3}, 1, NULL);
    CHECK(el_model_vocab(model_folder, &config, NULL, &read) == EL_OK, "%s", el_error());
    CHECK(read->hash == vocab->hash, "another vocabulary comes back");
    el_vocab_close(read);
    CHECK(open_to_ask(&read) == EL_OK, "%s", el_error());
    CHECK(read->hash == vocab->hash, "another vocabulary comes with the model");
    el_vocab_close(read);
    CHECK(el_vocab_parse(&other, SWAPPED, strlen(SWAPPED), (el_casing){0}, "swapped") == EL_OK, "%s",
          el_error());
    CHECK(el_tokenizer_save_model(other, 8, model_folder) == EL_OK, "%s", el_error());
    el_vocab_close(other);
    CHECK(el_model_vocab(model_folder, &config, NULL, &read) == EL_EDATA &&
              strstr(el_error(), "trained with"),
          "swapped pieces: \"%s\"", el_error());
    CHECK(open_to_ask(&read) == EL_EDATA && !read && strstr(el_error(), "trained with"),
          "swapped pieces of a model to ask: \"%s\"", el_error());
    CHECK(el_vocab_parse(&other, PIECES, strlen(PIECES), (el_casing){.lowercase = true}, "lower") == EL_OK,
          "%s", el_error());
    CHECK(el_tokenizer_save_model(other, 8, model_folder) == EL_OK, "%s", el_error());
    el_vocab_close(other);
    CHECK(el_model_vocab(model_folder, &config, NULL, &read) == EL_EDATA &&
              strstr(el_error(), "trained with"),
          "another casing: \"%s\"", el_error());
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    check_refusal("id2label", json_object(), "0 labels");
    check_refusal("classifier_dropout", json_real(1.5), "classifier_dropout");
    check_refusal("task_head", json_string("magic"), "magic");
    check_refusal("task_head", json_integer(1), "task_head");
}

/* config.json speaks of a head, so it has to be there. */
static void a_promised_head_is_wanted(void **state)
{
    (void)state;
    const el_head_config head = {EL_HEAD_TOKEN, .labels = 2};
    el_model model;
    save_model(&(el_head_config){.kind = EL_HEAD_DETECTION}, 1, NULL);
    set_key("architectures", json_pack("[s]", "ElectraForTokenClassification"));
    open_model(&model, &head, 2);
    CHECK(el_weights_load(&model, &model.networks[0], model_folder) == EL_EDATA &&
              strstr(el_error(), "classifier.weight is missing"),
          "without its head: \"%s\"", el_error());
    save_model(&(el_head_config){EL_HEAD_TOKEN, .labels = 4}, 1, NULL);
    set_key("id2label", json_pack("{s:s, s:s}", "0", "A", "1", "B"));
    CHECK(el_weights_load(&model, &model.networks[0], model_folder) == EL_EDATA &&
              strstr(el_error(), "another shape"),
          "with a head of other labels than it says: \"%s\"", el_error());
    el_model_close(&model);
}

/* Matrices have the same shapes, and would be cut elsewhere. */
static void other_attention_heads_are_refused(void **state)
{
    (void)state;
    const el_head_config head = {.kind = EL_HEAD_DETECTION};
    el_model model;
    save_model(&head, 1, NULL);
    set_key("num_attention_heads", json_integer(1));
    open_model(&model, &head, 2);
    CHECK(el_weights_load(&model, &model.networks[0], model_folder) == EL_EDATA &&
              strstr(el_error(), ": num_attention_heads is 1, and 2 are wanted"),
          "of a folder with one head: \"%s\"", el_error());
    el_model_close(&model);
}

/* A model that is to be asked is not given a head that its folder lacks. */
static void no_head_is_made_up(void **state)
{
    (void)state;
    el_queue *q;
    const char *const from = model_folder;
    CHECK(el_queue_open(&q, 1, NULL) == EL_OK, "%s", el_error());
    for (int i = 0; i < HEAD_COUNT; i++)
        for (int j = 0; j < HEAD_COUNT; j++) {
            el_model_plan plan = {.activations = EL_F32, .parameters = EL_F32};
            el_model model;
            el_config config;
            if (i == j || (HEADS[i].head.answerable && HEADS[j].head.kind == EL_HEAD_SPAN_JOINT))
                continue;
            save_model(&HEADS[i].head, 1, NULL);
            CHECK(el_model_read(model_folder, false, &config, NULL, NULL) == EL_OK, "%s", el_error());
            el_plan_add(&plan, EL_DISCRIMINATOR, config, HEADS[j].head);
            CHECK(el_weights_open(&model, q, &plan, &from, NULL) == EL_EDATA &&
                      strstr(el_error(), "holds no whole"),
                  "from head %d to %d: \"%s\"", i, j, el_error());
        }
    el_queue_close(q);
}

/* A class that is not known is taken for detection where the tensors are there, and else for an encoder. */
static void unknown_heads_are_settled(void **state)
{
    (void)state;
    static const el_head_kind KINDS[][2] = {{EL_HEAD_DETECTION, EL_HEAD_DETECTION},
                                            {EL_HEAD_TOKEN, EL_HEAD_NONE}};
    for (int i = 0; i < 2; i++) {
        el_model_source source;
        save_model(&(el_head_config){KINDS[i][0], .labels = 2}, 1, NULL);
        set_key("architectures", json_pack("[s]", "ElectraForMultipleChoice"));
        CHECK(el_model_source_open(&source, model_folder, NULL, false) == EL_OK, "%s", el_error());
        CHECK(source.head.kind == KINDS[i][1], "head %d is taken for %d", KINDS[i][0], source.head.kind);
        el_model_source_close(&source);
    }
}

/* A model that only answers keeps of an encoder's matrices what its products read, the same bytes as from values. */
static void packed_is_prepared(void **state)
{
    (void)state;
    el_queue *q;
    const char *const from = model_folder;
    CHECK(el_queue_open(&q, 1, NULL) == EL_OK, "%s", el_error());
    save_model(&HEADS[0].head, 1, NULL);
    for (el_type type = EL_F32; type <= EL_I8; type = type == EL_F32    ? EL_BF16
                                                      : type == EL_BF16 ? EL_I8
                                                                        : EL_I8 + 1) {
        el_model models[2];
        for (int packed = 0; packed < 2; packed++) {
            el_model_plan plan = {.activations = type, .parameters = EL_F32, .packed = packed};
            CHECK(el_weights_plan(&plan, EL_DISCRIMINATOR, model_folder) == EL_OK, "%s", el_error());
            CHECK(el_weights_open(&models[packed], q, &plan, &from, NULL) == EL_OK, "%s", el_error());
        }
        const el_params *const a = &models[0].networks[0].params, *const b = &models[1].networks[0].params;
        int dropped = 0;
        CHECK(a->matrix_count == b->matrix_count && a->matrix_count > 5, "%d and %d matrices",
              a->matrix_count, b->matrix_count);
        for (int i = 0; i < a->matrix_count; i++) {
            const el_tensor values = a->matrices[i].value, copy = b->matrices[i].value;
            const size_t bytes =
                q->dev->prepared_bytes(q->dev, copy.rows, copy.cols, b->matrices[i].type, false);
            CHECK(memcmp(values.prepared, copy.prepared, bytes) == 0, "type %d: matrix %d has another copy",
                  type, i);
            dropped += !copy.data;
        }
        CHECK(dropped >= 4, "only %d matrices have no values", dropped);
        CHECK(el_model_parameters(&models[0]) == el_model_parameters(&models[1]), "other parameters");
        el_model_close(&models[0]);
        el_model_close(&models[1]);
    }
    el_queue_close(q);
}

/* The largest numbers of half as many bits, and the least that would be rounded to infinity. */
static void numbers_too_large_are_refused(void **state)
{
    (void)state;
    static const struct {
        el_st_type type;
        float largest, refused;
    } TYPES[] = {{EL_ST_F16, 65519, 65520}, {EL_ST_BF16, 0x1.fefffep127f, -0x1.ffp127f}};
    for (int i = 0; i < 2; i++) {
        float fits = TYPES[i].largest, refused = TYPES[i].refused;
        CHECK(!el_narrow(TYPES[i].type, &refused, 1), "%s takes %g", el_narrow_name(TYPES[i].type),
              (double)TYPES[i].refused);
        CHECK(el_narrow(TYPES[i].type, &fits, 1), "%s refuses %g", el_narrow_name(TYPES[i].type),
              (double)TYPES[i].largest);
    }
}

/* As an editor may save it; and by size before its end is missed. */
static void lists_of_modules_are_read(void **state)
{
    (void)state;
    static const char LIST[] = "\xef\xbb\xbf[{\"type\": \"models.Normalize\", \"path\": \"2_Normalize\"}]";
    char path[96], *const wide = calloc(1, (1 << 20) + 1);
    el_sentence s;
    snprintf(path, sizeof path, "%s/modules.json", folder);
    assert_int_equal(el_file_write(path, LIST, strlen(LIST)), EL_OK);
    CHECK(el_sentence_read(&s, folder) == EL_OK && s.normalize, "%s", el_error());
    el_sentence_release(&s);
    memset(wide, ' ', (1 << 20) + 1);
    wide[0] = '[', wide[1 << 20] = ']';
    assert_int_equal(el_file_write(path, wide, (1 << 20) + 1), EL_OK);
    CHECK(el_sentence_read(&s, folder) == EL_EDATA && strstr(el_error(), "1048577 bytes"), "%s", el_error());
    assert_int_equal(unlink(path), 0);
    free(wide);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_of_xlnet_come_back),
        cmocka_unit_test(kinds_of_files_without_a_configuration),
        cmocka_unit_test(architectures_without_a_type),
        cmocka_unit_test(heads_come_back),
        cmocka_unit_test(what_predicts_tokens_has_a_name),
        cmocka_unit_test(callers_keys_are_merged),
        cmocka_unit_test(another_head_stays),
        cmocka_unit_test(other_labels_stay),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(another_vocabulary_is_refused),
        cmocka_unit_test(a_promised_head_is_wanted),
        cmocka_unit_test(other_attention_heads_are_refused),
        cmocka_unit_test(no_head_is_made_up),
        cmocka_unit_test(unknown_heads_are_settled),
        cmocka_unit_test(packed_is_prepared),
        cmocka_unit_test(numbers_too_large_are_refused),
        cmocka_unit_test(lists_of_modules_are_read),
    };
    return cmocka_run_group_tests(tests, make_place, remove_place);
}
