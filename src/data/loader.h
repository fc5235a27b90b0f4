/* loader - examples of a folder of shards, in an order that is a function of (seed, number)
 *
 * Example number j of training is example el_random_permute(epoch(j), j mod count) of the folder, so any step
 * can be reached at once and resuming needs no state.  Shards are mapped; the loader owns nothing else that
 * is large and is immutable once open.
 */
#ifndef EL_DATA_LOADER_H
#define EL_DATA_LOADER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "data/batch.h"
#include "text/vocab.h"

typedef struct el_loader el_loader;

/* Opens every shard of the folder and verifies headers, vocabularies (all alike) and checksums; EL_EDATA
 * names what is wrong. */
el_status el_loader_open(el_loader **loader, const char *folder);
void el_loader_close(el_loader *loader);

int64_t el_loader_examples(const el_loader *loader);
int64_t el_loader_tokens(const el_loader *loader);
/* Tokens that a token attends among, itself one of them, on average: those of its document or of the whole example. */
double el_loader_attended(const el_loader *loader);
size_t el_loader_bytes(const el_loader *loader); /* of the files, which are mapped */
int el_loader_max_seq_length(const el_loader *loader);
const el_vocab *el_loader_vocab(const el_loader *loader); /* as stored in the shards */
uint64_t el_loader_hash(const el_loader *loader);         /* of all shards' contents, for run.json */

/* Examples that have two segments, counted up to `most`: 1 asks whether there is any, and looks no further. */
int64_t el_loader_pairs(const el_loader *loader, int64_t most);
bool el_loader_packed_full(const el_loader *loader); /* EL_PACK_FULL: examples without segments */

/* Adds to counts[id], of as many ids as the vocabulary has, how often each stands in the shards. */
void el_loader_count(const el_loader *loader, int64_t *counts);

/* Appends example `index` of the folder, in stored order, to the batch (one sequence or more). */
el_status el_loader_read(const el_loader *loader, int64_t index, el_batch *batch);

/* Clears the batch and fills it with examples [first, first + count) of the folder, in stored order. */
el_status el_loader_batch_stored(const el_loader *loader, int64_t first, int count, el_batch *batch);

/* Clears the batch and fills it with examples [number, number + count) of the shuffled, endless stream. */
el_status el_loader_batch(const el_loader *loader, uint64_t seed, int64_t number, int count, el_batch *batch);

#endif
