/* weights - model folders, as Hugging Face has them
 *
 *   config.json  model.safetensors  vocab.txt  tokenizer_config.json  README.md
 *
 * What we write opens with ElectraForPreTraining / ElectraForMaskedLM and AutoTokenizer; what they write
 * opens here.
 */
#ifndef EL_MODEL_WEIGHTS_H
#define EL_MODEL_WEIGHTS_H

#include "model/model.h"
#include "text/vocab.h"

typedef enum { EL_GENERATOR, EL_DISCRIMINATOR } el_role;

/* Writes one network's folder.  `card` is the text of README.md. */
el_status el_weights_save(el_model *model, el_role role, const el_vocab *vocab, const char *card,
                          const char *folder);

/* The configuration in a folder, and whether it is a generator (ElectraForMaskedLM) or a discriminator. */
el_status el_weights_config(const char *folder, el_config *config, el_role *role);

/* Fills one network of an open model from a folder; shapes must agree, tensors of other heads are ignored, a
 * missing backbone tensor is EL_EDATA, a missing head keeps its values and is noted in the log.  In a gdes
 * model the discriminator's delta becomes file minus base, so load the generator first.  The caller calls
 * el_model_prepare. */
el_status el_weights_load(el_model *model, el_role role, const char *folder);

/* Where the networks of a run folder, or a folder that is itself a model, lie: paths on the heap or NULL. */
typedef struct {
    char *generator, *discriminator;
} el_model_paths;
el_status el_model_find(el_model_paths *paths, const char *folder);
void el_model_paths_free(el_model_paths *paths);

#endif
