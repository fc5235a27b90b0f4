/* tensors - the tensors of a model by name, whatever files they lie in
 *
 *   model.safetensors    model.safetensors.index.json and its shards     base/safetensors
 *   pytorch_model.bin    pytorch_model.bin.index.json and its shards     torch_file
 *   NAME.index and NAME.data-00000-of-00001 (TensorFlow)                 tensorflow
 *
 * A stored tensor is a view into a mapped file: type, shape, strides.  Nothing is copied or widened before its numbers
 * are asked for, so that a file costs no more memory than what a model takes from it.  Names are the files' own;
 * which of a model's parameters they are is another question (names.h).
 */
#ifndef EL_FORMAT_TENSORS_H
#define EL_FORMAT_TENSORS_H

#include "base/safetensors.h"
#include "format/bytes.h"

typedef struct {
    const char *name;
    el_st_type type;
    int element; /* bytes of one */
    int dims;
    int64_t shape[EL_ST_MAX_DIMS], strides[EL_ST_MAX_DIMS]; /* strides in elements, 0 or more */
    const unsigned char *data;                              /* aligned to nothing */
} el_stored;

typedef struct {
    char *path;         /* the file that sentences name: the container, or the index of several */
    const char *form;   /* "safetensors", "torch.save", "TensorFlow" */
    el_stored *tensors; /* sorted by name once open */
    int count;
    size_t room;
    el_safetensors *containers; /* these two hold what `tensors` looks into */
    el_mapping *mappings;
    int container_count, mapping_count;
} el_tensors;

/* Opens the weights in a folder.  EL_EDATA, and one sentence that says what lies there instead, where there are none
 * that can be read. */
el_status el_tensors_open(el_tensors *source, const char *folder);
void el_tensors_close(el_tensors *source); /* accepts a zeroed one */
/* Opens them unless they are open; zeroed ones are not. */
el_status el_tensors_need(el_tensors *source, const char *folder);

/* *exist: whether there is such a folder, with weights of any form that el_tensors_open knows.  A failure to look is one. */
el_status el_tensors_look(const char *folder, bool *exist);

/* For readers: maps a file for as long as the source is open. */
el_status el_tensors_map(el_tensors *source, const char *path, el_bytes *bytes);
/* For readers: adds a tensor, whose name is copied.  Every byte that shape and strides reach must be there. */
el_status el_tensors_add(el_tensors *source, const el_stored *tensor);
/* Sorts; EL_EDATA where two tensors have one name. */
el_status el_tensors_settle(el_tensors *source);

const el_stored *el_tensors_find(const el_tensors *source, const char *name); /* or NULL */
/* A string of a safetensors file's metadata, or NULL. */
const char *el_tensors_metadata(const el_tensors *source, const char *key);
/* EL_EDATA where a number is infinite or NaN. */
el_status el_tensors_check_finite(const el_tensors *source);

int64_t el_stored_elements(const el_stored *tensor);
/* The numbers as floats, in the order of the shape: F16 and BF16 widened, F64 rounded.  False for a type that no
 * weights have. */
bool el_stored_floats(const el_stored *tensor, float *out);
/* The same numbers where they lie; NULL where they must be converted or gathered. */
const float *el_stored_in_place(const el_stored *tensor);

/* Strides of a tensor without gaps, and whether `tensor` fits into that many bytes; false where a product of sizes
 * overflows or goes beyond them, and where the shape has more numbers than bytes for them (strides of 0). */
void el_stored_pack(el_stored *tensor);
bool el_stored_fits(const el_stored *tensor, uint64_t bytes);

#endif
