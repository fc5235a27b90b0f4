/* gguf - an encoder as a GGUF file (version 3) of the architecture "bert", for llama.cpp and what is built on it
 *
 * The file has the encoder, the vocabulary and how texts become vectors: what `--embedding` of llama.cpp asks for.  The
 * format has no place for a projection of embeddings, and llama.cpp gives every token the first type.  Its GELU is the
 * approximation by tanh, so vectors are near ours, not equal to them.
 */
#ifndef EL_FORMAT_GGUF_H
#define EL_FORMAT_GGUF_H

#include "base/safetensors.h"
#include "format/parameter.h"
#include "model/config.h"
#include "text/vocab.h"

typedef struct {
    el_config config;
    const el_vocab *vocab;
    bool cls;        /* the vector at [CLS], not the mean */
    el_st_type type; /* of matrices: EL_ST_F32 or EL_ST_F16; all else is F32 */
    el_parameter_read *read;
    void *context;
} el_gguf;

/* EL_EUSAGE for what the format has no place for.  Needs memory for one parameter at a time. */
el_status el_gguf_write(const el_gguf *model, const char *path);

#endif
