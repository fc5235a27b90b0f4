/* loader - examples of a folder of shards */
#include "data/loader.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/random.h"
#include "data/shard.h"

struct el_loader {
    el_shard *shards;
    int64_t *firsts; /* the number of each shard's first example, and at the end how many there are */
    int count;
    el_vocab *vocab;
    int64_t tokens;
    uint64_t hash;
};

/* What a shard's header says, checksums of its contents included, joined to what was there. */
static el_status add_hash(uint64_t *hash, const el_shard *shard)
{
    char *const text = el_json_dump(shard->file.metadata, JSON_COMPACT | JSON_SORT_KEYS);
    if (!text)
        return el_no_memory(shard->file.path);
    const uint64_t both[2] = {*hash, el_hash(text, strlen(text))};
    *hash = el_hash(both, sizeof both);
    free(text);
    return EL_OK;
}

/* Shards are numbered and the last one says so: none may be missing. */
static el_status check_order(const el_loader *l, const el_shard *shard)
{
    const el_shard *const before = l->count ? shard - 1 : NULL;
    if (before && before->last)
        return el_fail(EL_EDATA, "%s: follows the last shard", shard->file.path);
    if (shard->number != l->count)
        return el_fail(EL_EDATA, "%s: is shard number %" PRId64 " where %d should follow", shard->file.path,
                       shard->number, l->count);
    if (before && before->max_seq_length != shard->max_seq_length)
        return el_fail(EL_EDATA, "%s: examples of up to %d tokens where %s has up to %d", shard->file.path,
                       shard->max_seq_length, before->file.path, before->max_seq_length);
    return EL_OK;
}

static el_status open_shard(el_loader *l, const char *folder, const char *name)
{
    el_shard *const shard = &l->shards[l->count];
    el_status st = el_shard_open(shard, el_path_in(folder, name).text, &l->vocab);
    if (st)
        return st;
    st = check_order(l, shard);
    if (!st)
        st = add_hash(&l->hash, shard);
    l->firsts[l->count + 1] = l->firsts[l->count] + shard->examples;
    l->tokens += shard->tokens;
    l->count++;
    return st;
}

/* What are no shards first; shards by number: of six digits too, where bytes would sort 100000 before 99999. */
static int by_number(const void *a, const void *b)
{
    const int64_t x = el_shard_number(*(char *const *)a), y = el_shard_number(*(char *const *)b);
    return (x > y) - (x < y);
}

static el_status open_all(el_loader *l, const char *folder, char **names, int count)
{
    l->shards = calloc((size_t)count + 1, sizeof *l->shards);
    l->firsts = calloc((size_t)count + 1, sizeof *l->firsts);
    if (!l->shards || !l->firsts)
        return el_no_memory(folder);
    if (count > 0) /* no names are no list */
        qsort(names, (size_t)count, sizeof *names, by_number);
    for (int i = 0; i < count; i++) {
        const el_status st = el_shard_number(names[i]) >= 0 ? open_shard(l, folder, names[i]) : EL_OK;
        if (st)
            return st;
    }
    if (!l->count)
        return el_fail(EL_EDATA, "%s: no shards in it; `electra prepare` makes them", folder);
    if (!l->shards[l->count - 1].last)
        return el_fail(EL_EDATA, "%s: the shards after number %d are missing", folder, l->count - 1);
    return EL_OK;
}

el_status el_loader_open(el_loader **loader, const char *folder)
{
    *loader = NULL;
    char **names;
    int count;
    el_status st = el_folder_need(folder);
    if (!st)
        st = el_folder_list(folder, &names, &count);
    if (st)
        return st;
    el_loader *const l = calloc(1, sizeof *l);
    st = l ? open_all(l, folder, names, count) : el_no_memory(folder);
    el_folder_list_release(names, count);
    if (st)
        el_loader_close(l);
    else
        *loader = l;
    return st;
}

void el_loader_close(el_loader *loader)
{
    if (!loader)
        return;
    for (int i = 0; i < loader->count; i++)
        el_shard_close(&loader->shards[i]);
    el_vocab_close(loader->vocab);
    free(loader->shards);
    free(loader->firsts);
    free(loader);
}

int64_t el_loader_examples(const el_loader *loader)
{
    return loader->firsts[loader->count];
}

int64_t el_loader_tokens(const el_loader *loader)
{
    return loader->tokens;
}

double el_loader_attended(const el_loader *loader)
{
    double squares = 0;
    for (int i = 0; i < loader->count; i++) {
        const el_shard *const s = &loader->shards[i];
        const int64_t *const starts = s->sequence_starts ? s->sequence_starts : s->starts;
        for (int64_t n = 0; n < s->sequences; n++) {
            const double length = (double)(starts[n + 1] - starts[n]);
            squares += length * length;
        }
    }
    return loader->tokens ? squares / (double)loader->tokens : 1;
}

size_t el_loader_bytes(const el_loader *loader)
{
    size_t bytes = 0;
    for (int i = 0; i < loader->count; i++)
        bytes += loader->shards[i].file.file.size;
    return bytes;
}

int el_loader_max_seq_length(const el_loader *loader)
{
    return loader->shards[0].max_seq_length;
}

const el_vocab *el_loader_vocab(const el_loader *loader)
{
    return loader->vocab;
}

uint64_t el_loader_hash(const el_loader *loader)
{
    return loader->hash;
}

int64_t el_loader_pairs(const el_loader *loader, int64_t most)
{
    int64_t pairs = 0;
    for (int i = 0; i < loader->count; i++) {
        const el_shard *const s = &loader->shards[i];
        for (int64_t e = 0; pairs < most && s->second_starts && e < s->examples; e++)
            pairs += s->second_starts[e] < s->starts[e + 1] - s->starts[e];
    }
    return pairs;
}

bool el_loader_packed_full(const el_loader *loader)
{
    for (int i = 0; i < loader->count; i++)
        if (loader->shards[i].second_starts)
            return false;
    return true;
}

void el_loader_count(const el_loader *loader, int64_t *counts)
{
    for (int i = 0; i < loader->count; i++) {
        const el_shard *const shard = &loader->shards[i];
        for (int64_t t = 0; t < shard->tokens; t++)
            counts[shard->ids16 ? shard->ids16[t] : shard->ids32[t]]++;
    }
}

/* The shard that holds an example: the last whose first one is not behind it. */
static int shard_of(const el_loader *l, int64_t example)
{
    int low = 0, high = l->count;
    while (high - low > 1) {
        const int middle = low + (high - low) / 2;
        *(l->firsts[middle] <= example ? &low : &high) = middle;
    }
    return low;
}

el_status el_loader_read(const el_loader *loader, int64_t index, el_batch *batch)
{
    assert(index >= 0 && index < el_loader_examples(loader));
    const int which = shard_of(loader, index);
    return el_shard_read(&loader->shards[which], index - loader->firsts[which], batch);
}

el_status el_loader_batch_stored(const el_loader *loader, int64_t first, int count, el_batch *batch)
{
    el_batch_clear(batch);
    el_status st = EL_OK;
    for (int i = 0; i < count && !st; i++)
        st = el_loader_read(loader, first + i, batch);
    return st;
}

el_status el_loader_batch(const el_loader *loader, uint64_t seed, int64_t number, int count, el_batch *batch)
{
    const uint64_t examples = (uint64_t)el_loader_examples(loader);
    el_batch_clear(batch);
    el_status st = EL_OK;
    for (int i = 0; i < count && !st; i++) {
        const uint64_t j = (uint64_t)number + (uint64_t)i;
        const el_random epoch = {seed, EL_STREAM_EPOCH, (uint32_t)(j / examples)};
        st = el_loader_read(loader, (int64_t)el_random_permute(epoch, j % examples, examples), batch);
    }
    return st;
}
