/* model_folder - where the networks of a model lie
 *
 *   a run              generator/ and discriminator/, or generator/ and backward/, each a folder of one network
 *   one network        config.json (model_card.h), weights (tensors.h), a tokenizer's files
 *   TensorFlow's       a checkpoint of both networks without a config.json: shapes say all but the number of attention
 *                      heads, which is taken to be one for every 64 units
 */
#ifndef EL_FORMAT_MODEL_FOLDER_H
#define EL_FORMAT_MODEL_FOLDER_H

#include "format/tensors.h"

/* Where the networks of a folder lie: paths on the heap, or NULL.  A TensorFlow checkpoint is one folder of two networks.
 * What is fine-tuned and makes vectors is the discriminator, or else what encoder there is: a BERT, a generator.  The model of a
 * folder of sentence-transformers is its encoder, in the folder of its module. */
typedef struct {
    char *generator, *discriminator, *backward, *encoder;
    bool apart;         /* each in a folder of its own, as in a run */
    el_tensors tensors; /* of a folder that is itself a model, open where it took them to find the networks */
} el_model_paths;
el_status el_model_find(el_model_paths *paths, const char *folder);
/* The same of the model that `electra finetune` wrote, where the folder is that of such a run. */
el_status el_model_find_tuned(el_model_paths *paths, const char *folder);
/* Where that model lies, on the heap: the folder's "model", else the folder itself. */
el_status el_model_tuned(char **model, const char *folder);
void el_model_paths_release(el_model_paths *paths);
/* For el_model_source_open: where the tensors of networks that share a folder lie; NULL where each has its own. */
el_tensors *el_model_shared(el_model_paths *paths);

/* The networks that were found, by name; borrowed.  Returns how many: 0 for an encoder that is neither. */
enum { EL_MODEL_PARTS = 3 };
typedef struct {
    const char *name, *place;
} el_model_part;
int el_model_parts(const el_model_paths *paths, el_model_part parts[EL_MODEL_PARTS]);

#endif
