/* trie - building the double array
 *
 * A node is a range of keys with a common beginning, its children the sub-ranges by the next byte, by which it orders
 * them: so each key is moved as often as it has bytes that others share.  Free nodes form a ring in order of
 * place; a node's children go to the first base where all fit, looked for at a bounded number of free nodes and then in a
 * new block of 256, so that building takes time in proportion to the number of nodes.
 */
#include "trie.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 256, TRIES = 64 };
static const uint32_t NONE = UINT32_MAX;     /* no parent: the node is free */
static const uint32_t ROOT = UINT32_MAX - 1; /* no parent, but taken */

typedef struct {
    el_trie_node *nodes;
    el_trie_key *ordered;      /* room for the keys of a node */
    size_t begin[258];         /* where those of each order begin */
    uint32_t *next, *previous; /* the ring of free nodes */
    uint32_t count, room;
    uint32_t free; /* a free node, or NONE */
} builder;

static void unlink_node(builder *b, uint32_t node)
{
    if (b->next[node] == node) {
        b->free = NONE;
        return;
    }
    b->next[b->previous[node]] = b->next[node];
    b->previous[b->next[node]] = b->previous[node];
    if (b->free == node)
        b->free = b->next[node];
}

static void link_node(builder *b, uint32_t node)
{
    if (b->free == NONE) {
        b->free = b->next[node] = b->previous[node] = node;
        return;
    }
    const uint32_t last = b->previous[b->free];
    b->next[last] = node;
    b->previous[node] = last;
    b->next[node] = b->free;
    b->previous[b->free] = node;
}

static void *resized(void *list, size_t bytes, el_status *st)
{
    void *moved = realloc(list, bytes);
    if (!moved)
        *st = el_fail(EL_ENOMEM, "no memory for a vocabulary's tree (%zu bytes)", bytes);
    return moved ? moved : list;
}

static el_status make_room(builder *b)
{
    const uint32_t room = b->room ? 2 * b->room : 16 * BLOCK;
    el_status st = EL_OK;
    b->nodes = resized(b->nodes, room * sizeof *b->nodes, &st);
    b->next = resized(b->next, room * sizeof *b->next, &st);
    b->previous = resized(b->previous, room * sizeof *b->previous, &st);
    if (!st)
        b->room = room;
    return st;
}

static el_status add_block(builder *b)
{
    const uint32_t count = b->count + BLOCK;
    const el_status st = count > b->room ? make_room(b) : EL_OK;
    if (st)
        return st;
    for (uint32_t i = b->count; i < count; i++) {
        b->nodes[i] = (el_trie_node){.base = 0, .parent = NONE, .id = -1};
        link_node(b, i);
    }
    b->count = count;
    return EL_OK;
}

static bool all_free(const builder *b, uint32_t base, const unsigned char *bytes, int count)
{
    for (int i = 0; i < count; i++)
        if (b->nodes[base ^ bytes[i]].parent != NONE)
            return false;
    return true;
}

/* A base at which nodes for all of `bytes` are free. */
static el_status find_base(builder *b, const unsigned char *bytes, int count, uint32_t *base)
{
    uint32_t node = b->free;
    for (int i = 0; i < TRIES && node != NONE; i++) {
        *base = node ^ bytes[0];
        if (all_free(b, *base, bytes, count))
            return EL_OK;
        node = b->next[node];
        if (node == b->free)
            break;
    }
    *base = b->count;
    const el_status st = add_block(b);
    if (!st && b->free != NONE) /* look there first from now on: what is before is nearly full */
        b->free = b->count - BLOCK;
    return st;
}

enum { FEW = 12 }; /* keys that are quicker put in order one by one than counted */

/* What a key is ordered by: 0 where it ends, else more than its next byte. */
static int order_of(const el_trie_key *key, uint32_t depth)
{
    return key->bytes == depth ? 0 : 1 + (unsigned char)key->text[depth];
}

/* Orders the keys [from, to), which have `depth` bytes in common, by their next; those that end come first. */
static void order(builder *b, el_trie_key *keys, size_t from, size_t to, uint32_t depth)
{
    if (to - from <= FEW) {
        for (size_t i = from + 1; i < to; i++) {
            const el_trie_key key = keys[i];
            size_t at = i;
            for (; at > from && order_of(&keys[at - 1], depth) > order_of(&key, depth); at--)
                keys[at] = keys[at - 1];
            keys[at] = key;
        }
        return;
    }
    size_t *const begin = b->begin;
    memset(b->begin, 0, sizeof b->begin);
    for (size_t i = from; i < to; i++)
        begin[order_of(&keys[i], depth) + 1]++;
    for (int i = 1; i < 258; i++)
        begin[i] += begin[i - 1];
    for (size_t i = from; i < to; i++)
        b->ordered[begin[order_of(&keys[i], depth)]++] = keys[i];
    memcpy(keys + from, b->ordered, (to - from) * sizeof *keys);
}

/* The end of the keys in [from, to) whose byte at `depth` is that of the first. */
static size_t same_byte(const el_trie_key *keys, size_t from, size_t to, uint32_t depth)
{
    size_t end = from + 1;
    while (end < to && keys[end].text[depth] == keys[from].text[depth])
        end++;
    return end;
}

/* Places what is below `node`, which stands for keys [from, to) with `depth` bytes in common.  Of equal keys the last id
 * holds. */
static el_status place(builder *b, uint32_t node, el_trie_key *keys, size_t from, size_t to, uint32_t depth)
{
    order(b, keys, from, to, depth);
    for (; from < to && keys[from].bytes == depth; from++)
        if (keys[from].id > b->nodes[node].id)
            b->nodes[node].id = keys[from].id;
    if (from == to)
        return EL_OK;
    unsigned char bytes[256] = {0};
    int count = 0;
    for (size_t i = from; i < to; i = same_byte(keys, i, to, depth))
        bytes[count++] = (unsigned char)keys[i].text[depth];
    uint32_t base;
    el_status st = find_base(b, bytes, count, &base);
    if (st)
        return st;
    b->nodes[node].base = base;
    for (int i = 0; i < count; i++) {
        unlink_node(b, base ^ bytes[i]);
        b->nodes[base ^ bytes[i]].parent = node;
    }
    for (int i = 0; i < count && !st; i++) {
        const size_t end = same_byte(keys, from, to, depth);
        st = place(b, base ^ bytes[i], keys, from, end, depth + 1);
        from = end;
    }
    return st;
}

el_status el_trie_build(el_trie **trie, el_trie_key *first, size_t first_count, el_trie_key *continued,
                        size_t continued_count)
{
    *trie = NULL;
    const size_t most = first_count > continued_count ? first_count : continued_count;
    builder b = {.free = NONE, .ordered = malloc((most + 1) * sizeof *b.ordered)};
    el_status st = b.ordered ? add_block(&b) : el_no_memory(NULL);
    for (uint32_t root = 0; !st && root <= EL_TRIE_CONTINUED; root++) {
        unlink_node(&b, root);
        b.nodes[root].parent = ROOT;
    }
    if (!st)
        st = place(&b, EL_TRIE_FIRST, first, 0, first_count, 0);
    if (!st)
        st = place(&b, EL_TRIE_CONTINUED, continued, 0, continued_count, 0);
    if (!st && !(*trie = malloc(sizeof **trie)))
        st = el_no_memory(NULL);
    free(b.ordered);
    free(b.next);
    free(b.previous);
    if (st) {
        free(b.nodes);
        return st;
    }
    **trie = (el_trie){b.nodes, b.count};
    return EL_OK;
}

void el_trie_release(el_trie *trie)
{
    if (!trie)
        return;
    free(trie->nodes);
    free(trie);
}

int32_t el_trie_find(const el_trie *trie, uint32_t tree, const char *text, size_t bytes)
{
    uint32_t node = tree;
    for (size_t i = 0; i < bytes; i++) {
        const uint32_t child = trie->nodes[node].base ^ (unsigned char)text[i];
        if (trie->nodes[child].parent != node)
            return -1;
        node = child;
    }
    return trie->nodes[node].id;
}
