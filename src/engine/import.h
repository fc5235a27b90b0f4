/* import - a model folder of whatever origin, kept as a folder of our own: safetensors, config.json, a tokenizer's files
 *
 * A folder of two networks (a run, a TensorFlow checkpoint) becomes one with generator/ and discriminator/ in it; a folder
 * of one becomes one of the same architecture.  transformers opens them.
 */
#ifndef EL_ENGINE_IMPORT_H
#define EL_ENGINE_IMPORT_H

#include "base/safetensors.h"
#include "ops/queue.h"

/* `attention_heads` where shapes alone do not say it, or 0; `type` as el_weights_save has it.  EL_EUSAGE where `output` is there already. */
el_status el_import(el_queue *q, const char *folder, int attention_heads, el_st_type type,
                    const char *output);

#endif
