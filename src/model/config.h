/* config - the shape of one encoder, with Hugging Face's names (ElectraConfig, BertConfig, AlbertConfig, XLNetConfig) */
#ifndef EL_MODEL_CONFIG_H
#define EL_MODEL_CONFIG_H

#include <stdbool.h>

#include "base/json.h"

/* An encoder is the same with most; names in files and the heads of transformers differ (format/names.h).  An ALBERT shares
 * layers, and projects its embeddings even where they are as wide as its layers.  An XLNet attends by distances, without tables
 * of positions and segments: max_position_embeddings is then the longest sequence that is accepted. */
typedef enum {
    EL_MODEL_ELECTRA,
    EL_MODEL_BERT,
    EL_MODEL_ALBERT,
    EL_MODEL_XLNET,
    EL_MODEL_TYPES
} el_model_type;
const char *el_model_type_name(el_model_type type); /* "electra" */

typedef struct {
    el_model_type model_type;
    int vocab_size, embedding_size, hidden_size, num_hidden_layers, num_attention_heads, intermediate_size;
    int max_position_embeddings, type_vocab_size, pad_token_id;
    int num_hidden_groups; /* an ALBERT's: layers that are different, each used for as many in a row; else 0 */
    bool causal;           /* a row sees itself and those before it (is_decoder) */
    bool
        backwards; /* reads each sequence from its last token to its first (reads_backwards, a key of ours) */
    double hidden_dropout_prob, attention_probs_dropout_prob, layer_norm_eps, initializer_range;
} el_config;

/* What transformers would assume for keys that a file leaves out. */
el_config el_config_default(void);

/* Reads a config.json object; EL_EDATA for a model_type that is none of these, an activation other than
 * "gelu", a position embedding other than "absolute", attention to another model, or sizes that do not fit together.  `name` is
 * the file's. */
el_status el_config_read(el_config *config, const json_t *object, const char *name);

/* The object for config.json; `architecture` is "ElectraForPreTraining" or the like, or NULL where no class opens it. */
json_t *el_config_json(const el_config *config, const char *architecture);

/* Whether embeddings are projected to the layers' width, and whether attention is by distances; and which of the different
 * layers is used as layer i, and how many those are. */
bool el_config_projects(const el_config *config);
bool el_config_relative(const el_config *config);
int el_config_group(const el_config *config, int layer);
int el_config_different_layers(const el_config *config);

/* Sizes in range and divisible as they must be. */
el_status el_config_check(const el_config *config, const char *name);

/* EL_EDATA where the network of a file has another number of attention heads: it would cut matrices of the same shapes
 * elsewhere. */
el_status el_config_check_heads(const el_config *config, const el_config *file, const char *name);

/* Multiply-adds times two of a forward pass of one token in sequences of `length`, heads left out. */
double el_config_flops(const el_config *config, double length);

#endif
