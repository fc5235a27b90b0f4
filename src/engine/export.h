/* export - a model folder as a file of other software; EL_EDATA where a weight is not finite */
#ifndef EL_ENGINE_EXPORT_H
#define EL_ENGINE_EXPORT_H

#include <stdbool.h>

#include "base/safetensors.h"

/* Writes the network of a run, of what `electra finetune` wrote, or of a model folder as an ONNX graph with its head
 * (format/onnx.h), in float or with the products of `--precision int8`.  `generator` takes the generator of a run.
 * EL_EUSAGE for a head that has no fixed outputs. */
el_status el_export_onnx(const char *folder, bool generator, bool int8, const char *path);

/* Writes the network's encoder, vocabulary and pooling as a GGUF file (format/gguf.h), matrices in EL_ST_F32 or EL_ST_F16.
 * EL_EUSAGE for what GGUF has no place for, heads of tasks among them. */
el_status el_export_gguf(const char *folder, bool generator, el_st_type type, const char *path);

/* Writes the same network as a model folder with its numbers in another type, EL_ST_F32, EL_ST_F16 or EL_ST_BF16, which
 * transformers opens.  EL_EUSAGE where `output` is there already. */
el_status el_export_folder(const char *folder, bool generator, el_st_type type, const char *output);

#endif
