/* model_guess - see the header */
#include "format/model_guess.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ending.h"
#include "model/task_head.h"

enum { HEAD_UNITS = 64 };
static const char TYPES[] = "electra.embeddings.token_type_embeddings.weight";

static bool has(const el_names *names, const char *parameter)
{
    return el_names_find(names, parameter) != NULL;
}

static bool has_mlm(const el_names *names)
{
    return has(names, "generator_predictions.dense.weight") || has(names, "generator_lm_head.bias");
}

static bool has_detection(const el_names *names)
{
    return has(names, "discriminator_predictions.dense_prediction.weight");
}

el_head_kind el_guess_head(const el_names *names, bool predicts)
{
    const bool mlm = has_mlm(names);
    if (mlm && predicts)
        return EL_HEAD_MLM;
    if (has_detection(names))
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

static bool begins_with(const char *name, const char *begin)
{
    return strncmp(name, begin, strlen(begin)) == 0;
}

/* Whether a tensor, called so behind the encoder's prefix, is one that only another kind of encoder has. */
static bool is_strange(const char *name)
{
    static const char *const PARTS[] = {"embeddings.word_embeddings.",
                                        "embeddings.position_embeddings.",
                                        "embeddings.token_type_embeddings.",
                                        "embeddings.LayerNorm.",
                                        "embeddings.position_ids",
                                        "embeddings.token_type_ids",
                                        "attention.self.query.",
                                        "attention.self.key.",
                                        "attention.self.value.",
                                        "attention.output.dense.",
                                        "attention.output.LayerNorm.",
                                        "intermediate.dense.",
                                        "output.dense.",
                                        "output.LayerNorm."};
    static const char *const WORDS[] = {"weight", "bias", "gamma", "beta", ""};
    const char *part = name;
    if (begins_with(name, "encoder.layer.")) {
        char *rest;
        strtol(name + strlen("encoder.layer."), &rest, 10);
        part = *rest ? rest + 1 : rest; /* behind the point */
    } else if (!begins_with(name, "embeddings.") && !begins_with(name, "encoder.")) {
        return strcmp(name, "pooler.weight") == 0; /* a BigBird's */
    }
    for (size_t p = 0; p < sizeof PARTS / sizeof *PARTS; p++)
        for (size_t w = 0; begins_with(part, PARTS[p]) && w < sizeof WORDS / sizeof *WORDS; w++)
            if (strcmp(part + strlen(PARTS[p]), WORDS[w]) == 0)
                return false;
    return true;
}

/* Shapes tell an ELECTRA and a BERT.  They say neither how often an ALBERT goes through a layer, nor what an XLNet's
 * attention is, nor at which row a RoBERTa's positions begin; and every other kind of encoder computes something else. */
static el_status check_shapes_tell(const el_names *names)
{
    static const struct {
        const char *part, *kind;
    } OTHERS[] = {{"albert_layer_groups.", "an ALBERT"},
                  {"rel_attn.", "an XLNet"},
                  {"roberta.", "a RoBERTa"},
                  {"yoso.", "a YOSO"}};
    static const char *const NEEDED[] = {"electra.embeddings.word_embeddings.weight",
                                         "electra.embeddings.position_embeddings.weight", TYPES,
                                         "electra.encoder.layer.0.attention.self.query.weight",
                                         "electra.encoder.layer.0.intermediate.dense.weight"};
    const el_tensors *const source = names->source;
    const el_stored *const query =
        el_names_find(names, "electra.encoder.layer.0.attention.self.query.weight");
    for (size_t i = 0; query && i < sizeof OTHERS / sizeof *OTHERS; i++)
        if (strstr(query->name, OTHERS[i].part))
            return el_fail(EL_EDATA, "%s: its tensors are those of %s, and no config.json says so",
                           source->path, OTHERS[i].kind);
    for (size_t i = 0; i < sizeof NEEDED / sizeof *NEEDED; i++)
        if (!has(names, NEEDED[i]))
            return el_fail(
                EL_EDATA,
                "%s: its tensors are those of no ELECTRA or BERT, and no config.json says what they are",
                source->path);
    if (size_of(names, TYPES, 0) == 1)
        return el_fail(EL_EDATA,
                       "%s: knows one type of tokens, as a RoBERTa does, and no config.json says what it is",
                       source->path);
    for (int i = 0; i < source->count; i++) {
        const char *const name = source->tensors[i].name;
        if (begins_with(name, names->encoder) && is_strange(name + strlen(names->encoder)))
            return el_fail(EL_EDATA, "%s: no ELECTRA or BERT has %s, and no config.json says what does",
                           source->path, name);
    }
    return EL_OK;
}

/* Whether the last word before the encoder's names is "bert": "distilbert" is another. */
static bool is_bert(const char *encoder)
{
    return strcmp(encoder, "bert.") == 0 || el_ends_with(encoder, ".bert.");
}

el_status el_guess_type(const el_names *names, const char **type)
{
    *type = is_bert(names->encoder) ? "bert" : "electra";
    return check_shapes_tell(names);
}

el_status el_guess_config(const el_names *names, json_t **object)
{
    static const char TABLE[] = "electra.embeddings.word_embeddings.weight",
                      INNER[] = "electra.encoder.layer.0.intermediate.dense.weight";
    el_config c = el_config_default();
    const el_status st = check_shapes_tell(names);
    if (st)
        return st;
    c.model_type = is_bert(names->encoder) ? EL_MODEL_BERT : EL_MODEL_ELECTRA;
    c.vocab_size = (int)size_of(names, TABLE, 0);
    c.embedding_size = (int)size_of(names, TABLE, 1);
    c.hidden_size = (int)size_of(names, INNER, 1);
    c.intermediate_size = (int)size_of(names, INNER, 0);
    c.num_hidden_layers = count_layers(names);
    c.max_position_embeddings = (int)size_of(names, "electra.embeddings.position_embeddings.weight", 0);
    c.type_vocab_size = (int)size_of(names, TYPES, 0);
    c.num_attention_heads = c.hidden_size % HEAD_UNITS ? 1 : c.hidden_size / HEAD_UNITS;
    *object = el_config_json(&c, "");
    return *object ? EL_OK : el_no_memory(names->source->path);
}

void el_guess_settle(el_head_config *head, const el_names *names)
{
    const bool pooler = has(names, EL_POOLER "dense.weight") && has(names, EL_POOLER "dense.bias");
    if (head->kind != EL_HEAD_DETECTION && head->kind != EL_HEAD_MLM && head->kind != EL_HEAD_NONE)
        return;
    if (head->kind == EL_HEAD_MLM ? !has_mlm(names) : !has_detection(names))
        *head = (el_head_config){.kind = EL_HEAD_NONE};
    head->sentences &= has(names, "seq_relationship.weight") && pooler;
    head->pooler = head->kind == EL_HEAD_NONE && pooler;
}
