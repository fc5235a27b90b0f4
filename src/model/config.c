/* config - reading, writing and checking a shape */
#include "model/config.h"

#include "base/plural.h"
#include <string.h>

el_config el_config_default(void)
{
    return (el_config){
        .vocab_size = 30522,
        .embedding_size = 128,
        .hidden_size = 256,
        .num_hidden_layers = 12,
        .num_attention_heads = 4,
        .intermediate_size = 1024,
        .max_position_embeddings = 512,
        .type_vocab_size = 2,
        .hidden_dropout_prob = 0.1,
        .attention_probs_dropout_prob = 0.1,
        .layer_norm_eps = 1e-12,
        .initializer_range = 0.02,
    };
}

static el_status expect_word(const json_t *object, const char *name, const char *key, const char *wanted)
{
    const char *value = wanted;
    const el_status st = el_json_string(object, name, key, &value);
    if (st)
        return st;
    if (strcmp(value, wanted) != 0)
        return el_fail(EL_EDATA, "%s: %s is \"%s\"; only \"%s\" is supported", name, key, value, wanted);
    return EL_OK;
}

static const char *const MODEL_TYPES[] = {[EL_MODEL_ELECTRA] = "electra",
                                          [EL_MODEL_BERT] = "bert",
                                          [EL_MODEL_ALBERT] = "albert",
                                          [EL_MODEL_XLNET] = "xlnet"};

const char *el_model_type_name(el_model_type type)
{
    return MODEL_TYPES[type];
}

/* Absent: an ELECTRA's. */
static el_status read_model_type(const json_t *object, const char *name, el_model_type *type)
{
    const char *value = MODEL_TYPES[*type];
    const el_status st = el_json_string(object, name, "model_type", &value);
    if (st)
        return st;
    for (int t = 0; t < EL_MODEL_TYPES; t++)
        if (strcmp(value, MODEL_TYPES[t]) == 0) {
            *type = (el_model_type)t;
            return EL_OK;
        }
    return el_fail(
        EL_EDATA,
        "%s: model_type is \"%s\"; only \"electra\", \"bert\", \"albert\" and \"xlnet\" are supported", name,
        value);
}

/* What AlbertConfig assumes where nothing is said, and what we have not. */
static el_status begin_albert(const json_t *object, const char *name, el_config *c)
{
    int inner = 1;
    c->vocab_size = 30000;
    c->hidden_size = 4096, c->num_attention_heads = 64, c->intermediate_size = 16384;
    c->hidden_dropout_prob = c->attention_probs_dropout_prob = 0;
    c->num_hidden_groups = 1;
    el_status st = el_json_int(object, name, "num_hidden_groups", &c->num_hidden_groups);
    if (!st)
        st = el_json_int(object, name, "inner_group_num", &inner);
    if (!st && inner != 1)
        st = el_fail(EL_EDATA, "%s: inner_group_num is %d; only 1 is supported", name, inner);
    if (!st && !json_object_get(object, "hidden_act"))
        st = el_fail(EL_EDATA, "%s: hidden_act is \"gelu_new\"; only \"gelu\" is supported", name);
    return st;
}

/* What each row sees. */
static el_status read_order(const json_t *object, const char *name, el_config *c)
{
    bool crossed = false;
    el_status st = el_json_bool(object, name, "is_decoder", &c->causal);
    if (!st)
        st = el_json_bool(object, name, "reads_backwards", &c->backwards);
    if (!st)
        st = el_json_bool(object, name, "add_cross_attention", &crossed);
    if (!st && crossed)
        st = el_fail(EL_EDATA, "%s: add_cross_attention is true, which is not supported", name);
    if (!st && c->backwards && !c->causal)
        st = el_fail(EL_EDATA, "%s: reads_backwards is true, but is_decoder is not", name);
    return st;
}

static int put_groups(json_t *object, const el_config *c)
{
    if (c->model_type != EL_MODEL_ALBERT)
        return 0;
    return json_object_set_new(object, "num_hidden_groups", json_integer(c->num_hidden_groups)) |
           json_object_set_new(object, "inner_group_num", json_integer(1));
}

/* Keys that only such networks have. */
static int put_order(json_t *object, const el_config *c)
{
    int bad = 0;
    if (c->causal)
        bad |= json_object_set_new(object, "is_decoder", json_true());
    if (c->backwards)
        bad |= json_object_set_new(object, "reads_backwards", json_true());
    return bad;
}

/* ---- XLNet, whose keys have other names ---- */

static el_status refuse_others(const json_t *object, const char *name)
{
    static const struct {
        const char *key;
        bool value;
    } SWITCHES[] = {{"bi_data", false}, {"same_length", false}, {"untie_r", true}};
    el_status st = expect_word(object, name, "ff_activation", "gelu");
    if (!st)
        st = expect_word(object, name, "attn_type", "bi");
    int clamp = -1;
    if (!st)
        st = el_json_int(object, name, "clamp_len", &clamp);
    if (!st && clamp != -1)
        st = el_fail(EL_EDATA, "%s: clamp_len is %d; only -1 is supported", name, clamp);
    for (size_t i = 0; !st && i < sizeof SWITCHES / sizeof *SWITCHES; i++) {
        bool value = SWITCHES[i].value;
        st = el_json_bool(object, name, SWITCHES[i].key, &value);
        if (!st && value != SWITCHES[i].value)
            st = el_fail(EL_EDATA, "%s: %s is %s, which is not supported", name, SWITCHES[i].key,
                         value ? "true" : "false");
    }
    return st;
}

static el_status check_head(const json_t *object, const char *name, int expected)
{
    int size = expected;
    const el_status st = el_json_int(object, name, "d_head", &size);
    if (!st && size != expected)
        return el_fail(EL_EDATA, "%s: d_head is %d; only d_model / n_head is supported", name, size);
    return st;
}

/* Our own keys are longest_sequence and attention_probs_dropout_prob: an XLNet reads texts of any length, and has one rate. */
static el_status read_xlnet(const json_t *object, const char *name, el_config *c)
{
    c->vocab_size = 32000; /* what XLNetConfig assumes */
    c->hidden_size = 1024, c->num_hidden_layers = 24, c->num_attention_heads = 16,
    c->intermediate_size = 4096;
    c->pad_token_id = 5;
    const struct {
        const char *key;
        int *value;
    } whole[] = {{"vocab_size", &c->vocab_size},     {"d_model", &c->hidden_size},
                 {"n_layer", &c->num_hidden_layers}, {"n_head", &c->num_attention_heads},
                 {"d_inner", &c->intermediate_size}, {"longest_sequence", &c->max_position_embeddings},
                 {"pad_token_id", &c->pad_token_id}};
    el_status st = refuse_others(object, name);
    for (size_t i = 0; !st && i < sizeof whole / sizeof *whole; i++)
        st = el_json_int(object, name, whole[i].key, whole[i].value);
    if (!st)
        st = el_json_real(object, name, "dropout", &c->hidden_dropout_prob);
    c->attention_probs_dropout_prob = c->hidden_dropout_prob;
    if (!st)
        st = el_json_real(object, name, "attention_probs_dropout_prob", &c->attention_probs_dropout_prob);
    if (!st)
        st = el_json_real(object, name, "layer_norm_eps", &c->layer_norm_eps);
    if (!st)
        st = el_json_real(object, name, "initializer_range", &c->initializer_range);
    c->embedding_size = c->hidden_size;
    if (!st)
        st = el_config_check(c, name);
    return st ? st : check_head(object, name, c->hidden_size / c->num_attention_heads);
}

static json_t *xlnet_json(const el_config *c, const char *architecture)
{
    json_t *const object = json_pack(
        "{s:[s*], s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:n, s:n, s:s, s:s, s:b, s:b, s:b, s:i, s:n, s:n, "
        "s:b, s:b, s:f, s:f, s:f, s:f, s:s, s:b, s:s, s:f}",
        "architectures", architecture, "model_type", MODEL_TYPES[c->model_type], "vocab_size", c->vocab_size,
        "d_model", c->hidden_size, "n_layer", c->num_hidden_layers, "n_head", c->num_attention_heads,
        "d_inner", c->intermediate_size, "longest_sequence", c->max_position_embeddings, "pad_token_id",
        c->pad_token_id, "bos_token_id", "eos_token_id", "ff_activation", "gelu", "attn_type", "bi",
        "untie_r", 1, "bi_data", 0, "same_length", 0, "clamp_len", -1, "mem_len", "reuse_len",
        "use_mems_eval", 0, "use_mems_train", 0, "dropout", c->hidden_dropout_prob,
        "attention_probs_dropout_prob", c->attention_probs_dropout_prob, "layer_norm_eps", c->layer_norm_eps,
        "initializer_range", c->initializer_range, "summary_type", "first", "summary_use_proj", 1,
        "summary_activation", "tanh", "summary_last_dropout", 0.1);
    if (object && !architecture)
        json_object_del(object, "architectures");
    return object;
}

el_status el_config_read(el_config *config, const json_t *object, const char *name)
{
    el_config c = el_config_default();
    el_status st = read_model_type(object, name, &c.model_type);
    if (!st && c.model_type == EL_MODEL_XLNET) {
        st = read_xlnet(object, name, &c);
        if (!st)
            *config = c;
        return st;
    }
    if (st || (st = expect_word(object, name, "hidden_act", "gelu")) ||
        (st = expect_word(object, name, "position_embedding_type", "absolute")) ||
        (st = read_order(object, name, &c)))
        return st;
    if (c.model_type == EL_MODEL_BERT) /* what BertConfig assumes */
        c.hidden_size = 768, c.num_attention_heads = 12, c.intermediate_size = 3072;
    if (c.model_type == EL_MODEL_ALBERT && (st = begin_albert(object, name, &c)))
        return st;
    struct {
        const char *key;
        int *value;
    } whole[] = {
        {"vocab_size", &c.vocab_size},
        {"embedding_size", &c.embedding_size},
        {"hidden_size", &c.hidden_size},
        {"num_hidden_layers", &c.num_hidden_layers},
        {"num_attention_heads", &c.num_attention_heads},
        {"intermediate_size", &c.intermediate_size},
        {"max_position_embeddings", &c.max_position_embeddings},
        {"type_vocab_size", &c.type_vocab_size},
        {"pad_token_id", &c.pad_token_id},
    };
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if ((st = el_json_int(object, name, whole[i].key, whole[i].value)))
            return st;
    struct {
        const char *key;
        double *value;
    } real[] = {
        {"hidden_dropout_prob", &c.hidden_dropout_prob},
        {"attention_probs_dropout_prob", &c.attention_probs_dropout_prob},
        {"layer_norm_eps", &c.layer_norm_eps},
        {"initializer_range", &c.initializer_range},
    };
    for (size_t i = 0; i < sizeof real / sizeof *real; i++)
        if ((st = el_json_real(object, name, real[i].key, real[i].value)))
            return st;
    if (c.model_type == EL_MODEL_BERT)
        c.embedding_size = c.hidden_size;
    if ((st = el_config_check(&c, name)))
        return st;
    *config = c;
    return EL_OK;
}

json_t *el_config_json(const el_config *c, const char *architecture)
{
    if (c->model_type == EL_MODEL_XLNET)
        return xlnet_json(c, architecture);
    json_t *const object = json_pack(
        "{s:[s*], s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:s, s:f, s:f, s:f, s:f, s:s, s:s, s:b, "
        "s:s, s:f, s:n, s:b}",
        "architectures", architecture, "model_type", MODEL_TYPES[c->model_type], "vocab_size", c->vocab_size,
        "embedding_size", c->embedding_size, "hidden_size", c->hidden_size, "num_hidden_layers",
        c->num_hidden_layers, "num_attention_heads", c->num_attention_heads, "intermediate_size",
        c->intermediate_size, "max_position_embeddings", c->max_position_embeddings, "type_vocab_size",
        c->type_vocab_size, "pad_token_id", c->pad_token_id, "hidden_act", "gelu", "hidden_dropout_prob",
        c->hidden_dropout_prob, "attention_probs_dropout_prob", c->attention_probs_dropout_prob,
        "layer_norm_eps", c->layer_norm_eps, "initializer_range", c->initializer_range,
        "position_embedding_type", "absolute", "summary_type", "first", "summary_use_proj", 1,
        "summary_activation", "gelu", "summary_last_dropout", 0.1, "classifier_dropout", "use_cache", 1);
    static const char *const OWN[] = {"summary_type", "summary_use_proj", "summary_activation",
                                      "summary_last_dropout"}; /* ElectraConfig's alone */
    for (size_t i = 0; object && c->model_type != EL_MODEL_ELECTRA && i < sizeof OWN / sizeof *OWN; i++)
        json_object_del(object, OWN[i]);
    if (object && c->model_type == EL_MODEL_BERT)
        json_object_del(object, "embedding_size");
    if (object && !architecture)
        json_object_del(object, "architectures");
    if (!object || (put_order(object, c) | put_groups(object, c)) == 0)
        return object;
    json_decref(object);
    return NULL;
}

el_status el_config_check(const el_config *c, const char *name)
{
    const struct {
        const char *key;
        int value, most;
    } sizes[] = {
        {"vocab_size", c->vocab_size, 1 << 24},
        {"embedding_size", c->embedding_size, 1 << 14},
        {"hidden_size", c->hidden_size, 1 << 14},
        {"num_hidden_layers", c->num_hidden_layers, 512},
        {"num_attention_heads", c->num_attention_heads, 512},
        {"intermediate_size", c->intermediate_size, 1 << 16},
        {"max_position_embeddings", c->max_position_embeddings, 1 << 16},
        {"type_vocab_size", c->type_vocab_size, 1 << 10},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (sizes[i].value < 1 || sizes[i].value > sizes[i].most)
            return el_fail(EL_EDATA, "%s: %s is %d; it must lie between 1 and %d", name, sizes[i].key,
                           sizes[i].value, sizes[i].most);
    if (c->num_hidden_groups < 0 || c->num_hidden_groups > c->num_hidden_layers ||
        (c->model_type == EL_MODEL_ALBERT) != (c->num_hidden_groups > 0))
        return el_fail(EL_EDATA, "%s: num_hidden_groups is %d, of %d layer%s", name, c->num_hidden_groups,
                       c->num_hidden_layers, el_s(c->num_hidden_layers));
    if (el_config_relative(c) && (c->embedding_size != c->hidden_size || c->hidden_size % 2))
        return el_fail(EL_EDATA,
                       "%s: embedding_size is %d and hidden_size %d; an XLNet needs one even number for both",
                       name, c->embedding_size, c->hidden_size);
    if (c->hidden_size % c->num_attention_heads != 0)
        return el_fail(EL_EDATA, "%s: hidden_size %d is not a multiple of num_attention_heads %d", name,
                       c->hidden_size, c->num_attention_heads);
    const double rates[] = {c->hidden_dropout_prob, c->attention_probs_dropout_prob};
    for (size_t i = 0; i < 2; i++)
        if (!(rates[i] >= 0 && rates[i] <= 0.9)) /* this way round catches nan */
            return el_fail(EL_EDATA, "%s: a dropout of %g; it must lie between 0 and 0.9", name, rates[i]);
    if (!(c->layer_norm_eps > 0 && c->layer_norm_eps < 1))
        return el_fail(EL_EDATA, "%s: layer_norm_eps is %g; it must lie between 0 and 1", name,
                       c->layer_norm_eps);
    return EL_OK;
}

el_status el_config_check_heads(const el_config *c, const el_config *file, const char *name)
{
    return file->num_attention_heads == c->num_attention_heads
               ? EL_OK
               : el_fail(EL_EDATA, "%s: num_attention_heads is %d, and %d are wanted", name,
                         file->num_attention_heads, c->num_attention_heads);
}

double el_config_flops(const el_config *c, double length)
{
    const double h = c->hidden_size, inner = c->intermediate_size, e = c->embedding_size;
    const double layer = 2 * (4 * h * h + 2 * h * inner) + (el_config_relative(c) ? 6 : 4) * length * h;
    return c->num_hidden_layers * layer + (el_config_projects(c) ? 2 * e * h : 0);
}

bool el_config_projects(const el_config *c)
{
    return c->embedding_size != c->hidden_size || c->model_type == EL_MODEL_ALBERT;
}

bool el_config_relative(const el_config *c)
{
    return c->model_type == EL_MODEL_XLNET;
}

int el_config_group(const el_config *c, int layer)
{
    return c->num_hidden_groups ? layer * c->num_hidden_groups / c->num_hidden_layers : layer;
}

int el_config_different_layers(const el_config *c)
{
    return el_config_group(c, c->num_hidden_layers - 1) + 1;
}
