/* names - see the header */
#include "format/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ending.h"

enum { LONGEST = 512 };
static const char ENCODER[] = "electra.";

/* The table of words, and an XLNet's. */
static const char *const TABLES[] = {"embeddings.word_embeddings.weight", "word_embedding.weight"};

/* The heads' names where a BERT has others. */
static const struct {
    const char *ours, *berts;
} RENAMED[] = {
    {"generator_predictions.dense.weight", "cls.predictions.transform.dense.weight"},
    {"generator_predictions.dense.bias", "cls.predictions.transform.dense.bias"},
    {"generator_predictions.LayerNorm.weight", "cls.predictions.transform.LayerNorm.weight"},
    {"generator_predictions.LayerNorm.bias", "cls.predictions.transform.LayerNorm.bias"},
    {"generator_lm_head.bias", "cls.predictions.bias"},
    {"generator_lm_head.bias", "cls.predictions.decoder.bias"},
    {"generator_lm_head.weight", "cls.predictions.decoder.weight"},
    {"seq_relationship.weight", "cls.seq_relationship.weight"},
    {"seq_relationship.bias", "cls.seq_relationship.bias"},
};
enum { RENAMED_COUNT = sizeof RENAMED / sizeof *RENAMED };

/* What begins a name, and what follows the number of a layer, where a kind of model has others. */
typedef struct {
    const char *ours, *theirs;
} renaming;

typedef struct {
    const char *encoder;               /* what its names begin with */
    const char *layer, *part;          /* before the number of a layer, and behind it */
    renaming beginnings[8], parts[14]; /* until one that is zero */
} naming;

static const char LAYER[] = "electra.encoder.layer.";
static const naming ALBERT = {
    .encoder = "albert.",
    .layer = "albert.encoder.albert_layer_groups.",
    .part = ".albert_layers.0.",
    .beginnings = {{"electra.embeddings_project.", "albert.encoder.embedding_hidden_mapping_in."},
                   {"electra.pooler.dense.", "albert.pooler."},
                   {"electra.", "albert."},
                   {"generator_predictions.", "predictions."},
                   {"generator_lm_head.weight", "predictions.decoder.weight"},
                   {"generator_lm_head.", "predictions."},
                   {"seq_relationship.", "sop_classifier.classifier."}},
    .parts = {{"attention.self.", "attention."},
              {"attention.output.dense.", "attention.dense."},
              {"attention.output.", "attention."},
              {"intermediate.dense.", "ffn."},
              {"output.dense.", "ffn_output."},
              {"output.LayerNorm.", "full_layer_layer_norm."}}};
static const naming XLNET = {
    .encoder = "transformer.",
    .layer = "transformer.layer.",
    .part = ".",
    .beginnings = {{"electra.embeddings.word_embeddings.", "transformer.word_embedding."},
                   {"electra.embeddings.query_embedding", "transformer.mask_emb"},
                   {"electra.encoder.", "transformer."},
                   {"electra.pooler.dense.", "sequence_summary.summary."},
                   {"generator_lm_head.", "lm_loss."}},
    .parts = {{"attention.self.query.weight", "rel_attn.q"},
              {"attention.self.key.weight", "rel_attn.k"},
              {"attention.self.value.weight", "rel_attn.v"},
              {"attention.self.place.weight", "rel_attn.r"},
              {"attention.self.content_bias", "rel_attn.r_w_bias"},
              {"attention.self.place_bias", "rel_attn.r_r_bias"},
              {"attention.self.kind_bias", "rel_attn.r_s_bias"},
              {"attention.self.kinds", "rel_attn.seg_embed"},
              {"attention.output.dense.weight", "rel_attn.o"},
              {"attention.output.LayerNorm.", "rel_attn.layer_norm."},
              {"intermediate.dense.", "ff.layer_1."},
              {"output.dense.", "ff.layer_2."},
              {"output.LayerNorm.", "ff.layer_norm."}}};

static bool begins_with(const char *name, const char *begin)
{
    return strncmp(name, begin, strlen(begin)) == 0;
}

/* The name behind `before`, with another beginning; false where the table has none for it. */
static bool begin_otherwise(const renaming *table, const char *before, const char *from,
                            char name[EL_LONGEST_NAME])
{
    for (; table->ours; table++)
        if (begins_with(from, table->ours)) {
            snprintf(name, EL_LONGEST_NAME, "%s%s%s", before, table->theirs, from + strlen(table->ours));
            return true;
        }
    return false;
}

static void name_in(const naming *other, const char *parameter, char name[EL_LONGEST_NAME])
{
    if (begins_with(parameter, LAYER)) {
        char before[64], *rest;
        const long layer = strtol(parameter + strlen(LAYER), &rest, 10);
        snprintf(before, sizeof before, "%s%ld%s", other->layer, layer, other->part);
        if (begin_otherwise(other->parts, before, rest + 1, name)) /* behind the point */
            return;
    }
    if (!begin_otherwise(other->beginnings, "", parameter, name))
        snprintf(name, EL_LONGEST_NAME, "%s", parameter);
}

/* Whole parts between dots; *at: where they begin. */
static bool ends_with_parts(const char *name, const char *end, size_t *at)
{
    if (!el_ends_with(name, end))
        return false;
    *at = strlen(name) - strlen(end);
    return *at == 0 || name[*at - 1] == '.';
}

/* "module.electra." -> "module.", "electra." -> "". */
static void drop_last_word(char *prefix)
{
    size_t length = strlen(prefix);
    while (length > 1 && prefix[length - 2] != '.')
        length--;
    prefix[length ? length - 1 : 0] = '\0';
}

el_status el_names_open(el_names *names, const el_tensors *source, bool generator)
{
    *names = (el_names){.source = source};
    int found = 0;
    size_t at;
    for (int i = 0; i < source->count; i++) {
        const char *const name = source->tensors[i].name;
        if ((!ends_with_parts(name, TABLES[0], &at) && !ends_with_parts(name, TABLES[1], &at)) ||
            at >= sizeof names->encoder)
            continue;
        char prefix[sizeof names->encoder];
        snprintf(prefix, sizeof prefix, "%.*s", (int)at, name);
        if (found++ == 0 || (strstr(prefix, "generator") != NULL) == generator)
            strcpy(names->encoder, prefix);
    }
    if (!found)
        return el_fail(EL_EDATA, "%s: holds no encoder: the name of no tensor ends in %s", source->path,
                       TABLES[0]);
    strcpy(names->heads, names->encoder);
    drop_last_word(names->heads);
    char gamma[LONGEST];
    snprintf(gamma, sizeof gamma, "%sembeddings.LayerNorm.gamma", names->encoder);
    names->old = el_tensors_find(source, gamma) != NULL;
    return EL_OK;
}

/* As old files have it: LayerNorm.gamma and .beta. */
static const el_stored *find_old(const el_tensors *source, char name[LONGEST])
{
    size_t at;
    const el_stored *const found = el_tensors_find(source, name);
    if (found)
        return found;
    if (ends_with_parts(name, "LayerNorm.weight", &at))
        strcpy(name + at, "LayerNorm.gamma");
    else if (ends_with_parts(name, "LayerNorm.bias", &at))
        strcpy(name + at, "LayerNorm.beta");
    else
        return NULL;
    return el_tensors_find(source, name);
}

const el_stored *el_names_find(const el_names *names, const char *parameter)
{
    char name[LONGEST];
    const bool encoder = strncmp(parameter, ENCODER, strlen(ENCODER)) == 0;
    snprintf(name, sizeof name, "%s%s", encoder ? names->encoder : names->heads,
             encoder ? parameter + strlen(ENCODER) : parameter);
    const el_stored *found = find_old(names->source, name);
    for (int i = 0; !found && i < RENAMED_COUNT; i++)
        if (strcmp(parameter, RENAMED[i].ours) == 0) {
            snprintf(name, sizeof name, "%s%s", names->heads, RENAMED[i].berts);
            found = find_old(names->source, name);
        }
    static const naming *const OTHERS[] = {&ALBERT, &XLNET};
    for (size_t i = 0; !found && i < sizeof OTHERS / sizeof *OTHERS; i++) {
        char other[EL_LONGEST_NAME];
        name_in(OTHERS[i], parameter, other);
        const bool inside = begins_with(other, OTHERS[i]->encoder);
        snprintf(name, sizeof name, "%s%s", inside ? names->encoder : names->heads,
                 inside ? other + strlen(OTHERS[i]->encoder) : other);
        found = el_tensors_find(names->source, name);
    }
    return found;
}

void el_names_write(el_model_type type, const char *parameter, char name[EL_LONGEST_NAME])
{
    if (type == EL_MODEL_ALBERT || type == EL_MODEL_XLNET) {
        name_in(type == EL_MODEL_ALBERT ? &ALBERT : &XLNET, parameter, name);
        return;
    }
    const bool bert = type == EL_MODEL_BERT;
    const bool encoder = strncmp(parameter, ENCODER, strlen(ENCODER)) == 0;
    snprintf(name, EL_LONGEST_NAME, "%s%s", bert && encoder ? "bert." : "",
             bert && encoder ? parameter + strlen(ENCODER) : parameter);
    for (int i = 0; bert && i < RENAMED_COUNT; i++)
        if (strcmp(parameter, RENAMED[i].ours) == 0) {
            strcpy(name, RENAMED[i].berts);
            return;
        }
}

/* Whether two tensors of one shape hold the same numbers; no if there is no memory to see it. */
static bool same_numbers(const el_stored *a, const el_stored *b)
{
    const size_t bytes = (size_t)el_stored_elements(a) * sizeof(float);
    if (a->dims != b->dims || memcmp(a->shape, b->shape, sizeof a->shape) != 0)
        return false;
    if (a->data == b->data && a->type == b->type && memcmp(a->strides, b->strides, sizeof a->strides) == 0)
        return true;
    float *const x = malloc(bytes + 1), *const y = malloc(bytes + 1);
    const bool same = x && y && el_stored_floats(a, x) && el_stored_floats(b, y) && memcmp(x, y, bytes) == 0;
    free(x);
    free(y);
    return same;
}

el_status el_names_check_tied(const el_names *names)
{
    const el_stored *const output = el_names_find(names, "generator_lm_head.weight");
    const el_stored *const table = el_names_find(names, "electra.embeddings.word_embeddings.weight");
    if (!output || !table || same_numbers(output, table))
        return EL_OK;
    return el_fail(EL_EDATA,
                   "%s: %s is another matrix than the word embeddings (tie_word_embeddings false), "
                   "which is not supported",
                   names->source->path, output->name);
}
