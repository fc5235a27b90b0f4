/* names - which stored tensor is which parameter
 *
 * Parameters have the names that transformers gives an ELECTRA.  Files have others: what a wrapper puts before them
 * (module. _orig_mod. model. discriminator.), none before a bare encoder's, bert. and cls.predictions.transform. of a BERT,
 * LayerNorm.gamma and .beta of old days; an ALBERT's layers stand in groups, under other names, and an XLNet
 * has names of its own.  What stands before "embeddings.word_embeddings.weight" is the encoder's prefix; that less its last
 * word is the heads'.
 */
#ifndef EL_FORMAT_NAMES_H
#define EL_FORMAT_NAMES_H

#include "format/tensors.h"
#include "model/config.h"

enum { EL_LONGEST_NAME = 128 };

typedef struct {
    const el_tensors *source; /* borrowed */
    char encoder[EL_LONGEST_NAME], heads[EL_LONGEST_NAME];
    bool old; /* LayerNorm.gamma */
} el_names;

/* EL_EDATA where there is no encoder.  Where a file holds two, `generator` says which is meant. */
el_status el_names_open(el_names *names, const el_tensors *source, bool generator);

/* The tensor that is a parameter of ours, or NULL. */
const el_stored *el_names_find(const el_names *names, const char *parameter);

/* The name that a parameter of ours has in files of this type: an ELECTRA's is the same. */
void el_names_write(el_model_type type, const char *parameter, char name[EL_LONGEST_NAME]);

/* A masked model's output matrix is its table of word embeddings.  EL_EDATA where a file holds another one. */
el_status el_names_check_tied(const el_names *names);

#endif
