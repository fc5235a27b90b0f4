/* unigram - see the header */
#include "objective/unigram.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/safetensors.h"

static const char COUNTS[] = "counts", HASH[] = "vocab_hash";

el_status el_unigram_open(el_unigram *u, const int64_t *counts, const el_vocab *vocab, const char *name)
{
    *u = (el_unigram){.size = vocab->size, .sums = malloc(((size_t)vocab->size + 1) * sizeof *u->sums)};
    if (!u->sums)
        return el_fail(EL_ENOMEM, "no memory for the frequencies of %d tokens", vocab->size);
    u->sums[0] = 0;
    for (int id = 0; id < u->size; id++)
        u->sums[id + 1] = u->sums[id] + (el_vocab_is_special(vocab, id) ? 0 : counts[id]);
    return u->sums[u->size] > 0 ? EL_OK : el_fail(EL_EDATA, "%s: holds special tokens alone", name);
}

void el_unigram_close(el_unigram *u)
{
    free(u->sums);
    *u = (el_unigram){0};
}

static int64_t count_of(const el_unigram *u, int id)
{
    return u->sums[id + 1] - u->sums[id];
}

/* The token that number `wanted` of them is. */
static int token_at(const el_unigram *u, int64_t wanted)
{
    int low = 0, high = u->size;
    while (high - low > 1) {
        const int middle = low + (high - low) / 2;
        *(u->sums[middle] <= wanted ? &low : &high) = middle;
    }
    return low;
}

int el_unigram_draw(const el_unigram *u, el_random random, uint64_t number, int excluded)
{
    const int64_t all = u->sums[u->size], others = excluded < 0 ? all : all - count_of(u, excluded);
    const int64_t wanted = (int64_t)el_random_below(random, number, (uint64_t)(others > 0 ? others : all));
    const bool behind = others > 0 && others < all && wanted >= u->sums[excluded];
    return token_at(u, wanted + (behind ? all - others : 0));
}

double el_unigram_loss(const el_unigram *u, int id)
{
    const int64_t count = count_of(u, id);
    return log((double)u->sums[u->size]) - log((double)(count ? count : 1));
}

/* ---- its file ---- */

el_status el_unigram_save(const el_unigram *u, const el_vocab *vocab, const char *folder)
{
    char hash[17];
    el_hash_text(vocab->hash, hash);
    json_t *const metadata = json_pack("{s:s}", HASH, hash);
    int64_t *const counts = malloc((size_t)u->size * sizeof *counts);
    el_status st = metadata && counts ? EL_OK : el_no_memory(folder);
    for (int id = 0; !st && id < u->size; id++)
        counts[id] = count_of(u, id);
    const el_st_entry entry = {.name = COUNTS,
                               .type = EL_ST_I64,
                               .dims = 1,
                               .shape = {u->size},
                               .data = counts,
                               .bytes = (size_t)u->size * sizeof *counts};
    if (!st)
        st = el_safetensors_write(el_path_in(folder, EL_UNIGRAM_FILE).text, &entry, 1, metadata, true);
    free(counts);
    json_decref(metadata);
    return st;
}

static el_status read(el_unigram *u, const el_safetensors *file, const el_vocab *vocab)
{
    char hash[17];
    el_hash_text(vocab->hash, hash);
    const char *const named = el_safetensors_metadata(file, HASH);
    const el_st_entry *entry;
    el_status st = el_safetensors_verify(file);
    if (!st)
        st = el_safetensors_need(file, COUNTS, EL_ST_I64, 1, &entry);
    if (st)
        return st;
    if (entry->shape[0] != vocab->size || !named || strcmp(named, hash) != 0)
        return el_fail(EL_EDATA, "%s: counts the tokens of another vocabulary", file->path);
    const int64_t *const counts = entry->data;
    for (int id = 0; id < vocab->size; id++)
        if (counts[id] < 0 || counts[id] > INT64_MAX / vocab->size)
            return el_fail(EL_EDATA, "%s: token %d stands there %" PRId64 " times", file->path, id,
                           counts[id]);
    return el_unigram_open(u, counts, vocab, file->path);
}

el_status el_unigram_load(el_unigram *u, const el_vocab *vocab, const char *folder)
{
    el_safetensors file;
    *u = (el_unigram){0};
    el_status st = el_safetensors_open(&file, el_path_in(folder, EL_UNIGRAM_FILE).text);
    if (!st) {
        st = read(u, &file, vocab);
        el_safetensors_close(&file);
    }
    return st;
}
