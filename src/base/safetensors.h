/* safetensors - the one container for weights, optimizer state and token shards
 *
 *   u64 length N, little endian | N bytes of JSON | data
 *   JSON: {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...,
 *          "__metadata__": {"key": "value"}}
 *
 * The reader maps the file and believes nothing: header size (at most 100 MB), JSON, types, shapes,
 * overflow, offsets inside the file, no overlaps or holes; one sentence says what is wrong.
 * Written files carry "format": "pt" in the metadata, as transformers wants, tensors
 * aligned to 64 bytes by padding the header and ordering, and "xxh3:<name>" checksums
 * on request.
 */
#ifndef EL_BASE_SAFETENSORS_H
#define EL_BASE_SAFETENSORS_H

#include "file.h"
#include "json.h"

typedef enum {
    EL_ST_U8,
    EL_ST_I8,
    EL_ST_U16,
    EL_ST_I16,
    EL_ST_BF16,
    EL_ST_F16,
    EL_ST_I32,
    EL_ST_U32,
    EL_ST_F32,
    EL_ST_I64,
    EL_ST_U64,
    EL_ST_F64,
    EL_ST_BOOL,
    EL_ST_OTHER, /* one that nothing here reads (F8_E4M3, C64, F4); its bytes are counted as elements of 1 */
    EL_ST_TYPES
} el_st_type;

enum { EL_ST_MAX_DIMS = 8 };

typedef struct {
    const char *name;
    el_st_type type;
    int dims;
    int64_t shape[EL_ST_MAX_DIMS];
    const void *data; /* in the mapping when read; the caller's when written */
    size_t bytes;
} el_st_entry;

typedef struct {
    el_mapping file;
    json_t *metadata;     /* object of strings, may be empty, never NULL once open */
    el_st_entry *entries; /* sorted by name */
    int count;
    char *path;
    json_t *header; /* owns the names */
    void *copies;   /* of tensors that other writers put where their type cannot be read from */
} el_safetensors;

el_status el_safetensors_open(el_safetensors *st, const char *path);
/* From memory that outlives the reader (fuzzing, tests); `name` is for sentences. */
el_status el_safetensors_parse(el_safetensors *st, const void *data, size_t bytes, const char *name);
void el_safetensors_close(el_safetensors *st); /* accepts a zeroed one */

/* The entry, or NULL. */
const el_st_entry *el_safetensors_find(const el_safetensors *st, const char *name);
/* The entry with this type and number of dimensions; a sentence names the file and tensor if it is not so. */
el_status el_safetensors_need(const el_safetensors *st, const char *name, el_st_type type, int dims,
                              const el_st_entry **entry);
/* A metadata string, or NULL. */
const char *el_safetensors_metadata(const el_safetensors *st, const char *key);
/* Compares every checksum that the metadata carries; EL_EDATA names the first tensor that differs. */
el_status el_safetensors_verify(const el_safetensors *st);

/* Writes the entries atomically; `metadata` (may be NULL) is an object of strings. */
el_status el_safetensors_write(const char *path, const el_st_entry *entries, int count,
                               const json_t *metadata, bool checksums);

size_t el_st_type_bytes(el_st_type type);
/* As files have it, "F32"; and back, EL_ST_OTHER where nothing here reads it. */
const char *el_st_type_name(el_st_type type);
el_st_type el_st_type_named(const char *name);
int64_t el_st_elements(const el_st_entry *entry);

#endif
