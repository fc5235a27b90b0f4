/* import - a model folder of whatever origin, kept as a folder of our own: safetensors, config.json, a tokenizer's files
 *
 * A folder of several networks (a run, a TensorFlow checkpoint) becomes one with generator/, discriminator/ and backward/ in
 * it, whichever there are; a folder of one becomes one of the same architecture.  transformers opens them.  The README.md
 * beside the weights goes along.
 */
#ifndef EL_ENGINE_IMPORT_H
#define EL_ENGINE_IMPORT_H

#include <stdbool.h>

#include "base/safetensors.h"
#include "ops/queue.h"

typedef struct {
    int attention_heads; /* where shapes alone do not say it, or 0 */
    el_st_type type;     /* as el_weights_save has it */
    const char
        *network; /* of a folder of two: EL_GENERATOR or EL_DISCRIMINATOR alone; NULL: all that there are */
    bool sound;   /* EL_EDATA for a guess of attention heads, and for a number that is not finite */
    const char *command; /* "import" or "export", for a README.md where the folder has none */
} el_import_settings;

/* EL_EUSAGE where `output` is there already. */
el_status el_import(el_queue *q, const char *folder, const el_import_settings *settings, const char *output);

#endif
