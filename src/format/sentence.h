/* sentence - what a folder of sentence-transformers says of how a text becomes a vector
 *
 *   modules.json                 a list: Transformer, Pooling, Normalize
 *   1_Pooling/config.json        pooling_mode_mean_tokens, pooling_mode_cls_token; since 5.4 pooling_mode, "mean" or "cls"
 *   config_sentence_transformers.json    kept as it is: prompts by name, of which nothing puts one before a text unasked
 *   sentence_bert_config.json    max_seq_length; where it says none, the tokenizer's model_max_length is meant
 *                                do_lower_case: texts are lower-cased before the tokenizer has them
 *
 * Other modules (Dense), other ways to pool and a prompt before every text are refused by name.
 */
#ifndef EL_FORMAT_SENTENCE_H
#define EL_FORMAT_SENTENCE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"

typedef struct {
    bool found; /* there is a modules.json */
    bool cls;   /* the vector at [CLS], not the mean */
    bool normalize;
    bool lowercase;     /* texts, whatever the vocabulary does */
    int max_seq_length; /* 0: not said */
    char *encoder;      /* the folder of the encoder, on the heap */
    json_t *settings;   /* of config_sentence_transformers.json: prompts by name, ...; NULL: there is none */
} el_sentence;

/* Where the encoder lies, on the heap: in the folder of its module, or, without modules.json, in the folder itself. */
el_status el_sentence_find(const char *folder, char **encoder);

/* A folder without modules.json is its own encoder, and says nothing. */
el_status el_sentence_read(el_sentence *sentence, const char *folder);
void el_sentence_release(el_sentence *sentence); /* accepts a zeroed one */

/* EL_EDATA where texts are lower-cased for a vocabulary that does not do so itself: nobody does it here. */
el_status el_sentence_check_casing(const el_sentence *sentence, bool lowercases, const char *folder);

/* Writes the same files beside an encoder whose vectors are so wide. */
el_status el_sentence_save(const el_sentence *sentence, int width, const char *folder);

#endif
