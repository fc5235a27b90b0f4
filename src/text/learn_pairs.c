/* learn_pairs - how often symbols stand side by side and where, and which do most often: a table and a heap */
#include <stdlib.h>
#include <string.h>

#include "learn_parts.h"

#include "base/grow.h"

/* ---- pairs ------------------------------------------------------------------------------------------ */

static uint64_t key_of(uint32_t left, uint32_t right)
{
    return (uint64_t)left << 32 | right;
}

static size_t spread(uint64_t key)
{
    key *= 0x9E3779B97F4A7C15u;
    return (size_t)(key ^ key >> 32);
}

static el_status widen_pair_places(el_vocab_learner *l)
{
    const size_t count = l->pair_mask ? 2 * (l->pair_mask + 1) : 1 << 12;
    uint32_t *places = calloc(count, sizeof *places);
    if (!places)
        return el_learn_no_memory(count * sizeof *places);
    for (size_t i = 0; i < l->pair_count; i++) {
        size_t at = spread(l->pairs[i].key) & (count - 1);
        while (places[at])
            at = (at + 1) & (count - 1);
        places[at] = (uint32_t)i + 1;
    }
    free(l->pair_places);
    l->pair_places = places;
    l->pair_mask = count - 1;
    return EL_OK;
}

/* The number of a pair, which is new with count 0 if there was none. */
static el_status find_pair(el_vocab_learner *l, uint64_t key, uint32_t *number)
{
    if (2 * l->pair_count >= l->pair_mask) {
        const el_status st = widen_pair_places(l);
        if (st)
            return st;
    }
    size_t at = spread(key) & l->pair_mask;
    while (l->pair_places[at] && l->pairs[l->pair_places[at] - 1].key != key)
        at = (at + 1) & l->pair_mask;
    if (!l->pair_places[at]) {
        if (!el_grow(&l->pairs, &l->pair_room, l->pair_count + 1, sizeof *l->pairs))
            return el_learn_no_memory((l->pair_count + 1) * sizeof *l->pairs);
        l->pairs[l->pair_count++] = (el_pair){.key = key, .touched = -1};
        l->pair_places[at] = (uint32_t)l->pair_count;
    }
    *number = l->pair_places[at] - 1;
    return EL_OK;
}

/* Notes that a word has this pair (once more). */
static el_status add_word(el_pair *p, uint32_t word)
{
    if (p->word_count > 0 && p->words[p->word_count - 1] == word)
        return EL_OK;
    if (p->word_count == p->word_room) {
        const uint32_t room = 2 * p->word_room + 2;
        uint32_t *words = realloc(p->words, room * sizeof *words);
        if (!words)
            return el_learn_no_memory(room * sizeof *words);
        p->words = words;
        p->word_room = room;
    }
    p->words[p->word_count++] = word;
    return EL_OK;
}

el_status el_pairs_gain(el_vocab_learner *l, uint32_t left, uint32_t right, uint32_t word)
{
    uint32_t number;
    el_status st = find_pair(l, key_of(left, right), &number);
    if (st)
        return st;
    el_pair *p = &l->pairs[number];
    p->count += (int64_t)l->counts.words[word].count;
    if (p->touched != l->merge) {
        p->touched = l->merge;
        if (!el_grow(&l->touched, &l->touched_room, l->touched_count + 1, sizeof *l->touched))
            return el_learn_no_memory((l->touched_count + 1) * sizeof *l->touched);
        l->touched[l->touched_count++] = number;
    }
    return add_word(p, word);
}

/* One less. */
el_status el_pairs_lose(el_vocab_learner *l, uint32_t left, uint32_t right, uint32_t word)
{
    uint32_t number;
    const el_status st = find_pair(l, key_of(left, right), &number);
    if (!st)
        l->pairs[number].count -= (int64_t)l->counts.words[word].count;
    return st;
}

/* ---- the heap: most frequent first, then lower ids -------------------------------------------------- */

static bool goes_before(const el_claim *a, const el_claim *b)
{
    return a->count != b->count ? a->count > b->count : a->key < b->key;
}

static void sift_down(el_vocab_learner *l, size_t at)
{
    const el_claim moved = l->heap[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= l->heap_count)
            break;
        if (child + 1 < l->heap_count && goes_before(&l->heap[child + 1], &l->heap[child]))
            child++;
        if (!goes_before(&l->heap[child], &moved))
            break;
        l->heap[at] = l->heap[child];
        at = child;
    }
    l->heap[at] = moved;
}

static el_status push(el_vocab_learner *l, uint32_t number)
{
    if (!el_grow(&l->heap, &l->heap_room, l->heap_count + 1, sizeof *l->heap))
        return el_learn_no_memory((l->heap_count + 1) * sizeof *l->heap);
    const el_claim made = {l->pairs[number].count, l->pairs[number].key, number};
    size_t at = l->heap_count++;
    while (at > 0 && goes_before(&made, &l->heap[(at - 1) / 2])) {
        l->heap[at] = l->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    l->heap[at] = made;
    return EL_OK;
}

static void pop(el_vocab_learner *l)
{
    l->heap[0] = l->heap[--l->heap_count];
    if (l->heap_count)
        sift_down(l, 0);
}

el_status el_pairs_claim(el_vocab_learner *l)
{
    el_status st = EL_OK;
    for (size_t i = 0; i < l->touched_count && !st; i++)
        if (l->pairs[l->touched[i]].count > 0)
            st = push(l, l->touched[i]);
    l->touched_count = 0;
    return st;
}

bool el_pairs_take(el_vocab_learner *l, uint32_t *number)
{
    while (l->heap_count > 0) {
        const el_claim top = l->heap[0];
        const int64_t count = l->pairs[top.pair].count;
        if (count == top.count) {
            pop(l);
            *number = top.pair;
            return true;
        }
        l->heap[0].count = count; /* out of date */
        sift_down(l, 0);
    }
    return false;
}
