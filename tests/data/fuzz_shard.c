/* fuzz_shard - whatever a shard holds, it is refused with a sentence or can be read
 *
 * Checksums would stop nearly every changed input at the door, so each input that is a safetensors file is
 * tried a second time with the checksums and the vocabulary's hash put right.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/shard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static el_vocab *first;

static void try(const void *data, size_t bytes)
{
    el_shard shard;
    el_batch batch = {0};
    if (el_shard_parse(&shard, data, bytes, "shard", &first) == EL_OK) {
        for (int64_t e = 0; e < shard.examples; e++) {
            el_batch_clear(&batch);
            if (el_shard_read(&shard, e, &batch) != EL_OK)
                break;
            for (int row = 0; row < batch.rows; row++)
                if (batch.ids[row] < 0 || batch.ids[row] >= shard.vocab_size)
                    abort();
        }
    }
    el_batch_release(&batch);
    el_shard_close(&shard);
}

static void put_right(el_safetensors *st)
{
    char key[600], hash[17];
    for (int i = 0; i < st->count; i++) {
        snprintf(key, sizeof key, "xxh3:%.500s", st->entries[i].name);
        el_hash_text(el_hash(st->entries[i].data, st->entries[i].bytes), hash);
        json_object_set_new(st->metadata, key, json_string(hash));
    }
    if (first) {
        el_hash_text(first->hash, hash);
        json_object_set_new(st->metadata, "vocab_hash", json_string(hash));
    }
}

/* The file again, with the header as it is in `st` now. */
static void try_again(const el_safetensors *st, const uint8_t *data, size_t bytes)
{
    uint64_t old = 0;
    memcpy(&old, data, sizeof old);
    char *const header = json_dumps(st->header, JSON_COMPACT);
    const uint64_t length = header ? strlen(header) : 0;
    const size_t rest = bytes - 8 - old;
    uint8_t *const file = malloc(8 + length + rest);
    if (header && file) {
        memcpy(file, &length, 8);
        memcpy(file + 8, header, length);
        memcpy(file + 8 + length, data + 8 + old, rest);
        try(file, 8 + length + rest);
    }
    free(file);
    free(header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    try(data, bytes);
    el_safetensors st;
    if (el_safetensors_parse(&st, data, bytes, "shard") == EL_OK) {
        put_right(&st);
        try_again(&st, data, bytes);
        el_safetensors_close(&st);
    }
    return 0;
}
