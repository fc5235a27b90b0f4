/* head_names - heads, and what config.json says of them: transformers' classes, and keys of ours where it has none */
#ifndef EL_FORMAT_HEAD_NAMES_H
#define EL_FORMAT_HEAD_NAMES_H

#include "model/model.h"

/* The first architecture that an object of a config.json names, or "". */
const char *el_architecture_of(const json_t *object);
bool el_architecture_known(const char *architecture);

/* transformers' class of a network with this head, or NULL where it has none. */
const char *el_head_class(el_head_kind kind, bool causal, el_model_type type);

/* Whether a class of transformers opens the network with this head; else it opens the encoder alone, or nothing. */
bool el_head_opens(const el_config *config, const el_head_config *head);
/* The first head, which says what the network is; of a kind EL_HEAD_NONE where it has none. */
const el_head_config *el_network_first_head(const el_network *net);
bool el_network_opens(const el_network *net); /* with its first head */

/* What a person calls a network with this head first: not every encoder is a discriminator, nor is everything that
 * predicts tokens a generator. */
const char *el_network_called(const el_config *config, const el_head_config *head);

/* The head that the object of a config.json speaks of; `name` is the file's. */
el_status el_head_read(const json_t *object, const char *name, el_head_config *head);

/* The object of a config.json: shape, head, and `extra`, further keys or NULL; NULL without memory. */
json_t *el_model_json(const el_config *config, const el_head_config *head, const json_t *extra);

#endif
