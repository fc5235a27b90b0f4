/* tokenizer_config - what Hugging Face keeps beside a vocabulary: tokenizer_config.json, special_tokens_map.json and
 * added_tokens.json
 *
 * All three may be missing.  Classes that are BERT's tokenizer under any name are read, others refused by name.
 */
#ifndef EL_FORMAT_TOKENIZER_CONFIG_H
#define EL_FORMAT_TOKENIZER_CONFIG_H

#include "base/json.h"
#include "format/tokenizer.h"

/* Strings are borrowed from the documents. */
typedef struct {
    char *path;            /* of tokenizer_config.json */
    json_t *config;        /* NULL: there is none */
    json_t *names, *added; /* special_tokens_map.json, added_tokens.json; NULL: there is none */
    bool generic;          /* its class is whatever tokenizer.json says */
    int max_length;        /* 0: not said */
} el_tokenizer_config;

el_status el_tokenizer_config_read(el_tokenizer_config *config, const char *folder);
/* The text of a tokenizer_config.json, without the others; `name` is what sentences call it. */
el_status el_tokenizer_config_parse(el_tokenizer_config *config, const char *text, size_t bytes,
                                    const char *name);
void el_tokenizer_config_close(el_tokenizer_config *config); /* accepts a zeroed one */

/* The switch of that name: 0, 1, or EL_UNSET where it is missing; null is `null`. */
el_status el_tokenizer_config_switch(const el_tokenizer_config *config, const char *key, int null,
                                     int *value);

/* The token that is called `name` ("unk_token"), or NULL. */
const json_t *el_tokenizer_config_token(const el_tokenizer_config *config, const char *name);

/* The text of a token that is a string or an object. */
const char *el_token_content(const json_t *token);

/* A new tokenizer_config.json; max_length 0: not said.  NULL: no memory. */
json_t *el_tokenizer_config_of(const el_vocab *vocab, int max_length);

#endif
