/* export - a model folder as a file of other software; EL_EDATA where a weight is not finite */
#ifndef EL_ENGINE_EXPORT_H
#define EL_ENGINE_EXPORT_H

#include <stdbool.h>

#include "base/safetensors.h"

/* The encoder is the discriminator, or else the network that there is; the others are EL_EUSAGE where a folder lacks them. */
typedef enum { EL_EXPORT_ENCODER, EL_EXPORT_DISCRIMINATOR, EL_EXPORT_GENERATOR } el_export_network;

/* Writes the network of a run, of what `electra finetune` wrote, or of a model folder as an ONNX graph with its head
 * (format/onnx.h), in float or with the products of `--precision int8`.
 * EL_EUSAGE for a head that has no fixed outputs. */
el_status el_export_onnx(const char *folder, el_export_network network, bool int8, const char *path);

/* Writes the network's encoder, vocabulary and pooling as a GGUF file (format/gguf.h), matrices in EL_ST_F32 or EL_ST_F16.
 * EL_EUSAGE for what GGUF has no place for, heads of tasks among them. */
el_status el_export_gguf(const char *folder, el_export_network network, el_st_type type, const char *path);

/* Writes the same network as a model folder with its numbers in another type, EL_ST_F32, EL_ST_F16 or EL_ST_BF16, which
 * transformers opens.  EL_EUSAGE where `output` is there already. */
el_status el_export_folder(const char *folder, el_export_network network, el_st_type type,
                           const char *output);

#endif
