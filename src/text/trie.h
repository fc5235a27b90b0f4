/* trie - the pieces of a vocabulary as a double array
 *
 * Two trees in one array, of whole pieces and of continuations (without their "##").  The child of node n by
 * byte b is node base[n] ^ b, if that node's parent is n.  One lookup a byte, whatever the vocabulary's size.
 */
#ifndef EL_TEXT_TRIE_H
#define EL_TEXT_TRIE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct {
    uint32_t base, parent;
    int32_t id; /* of the piece that ends here, or -1 */
} el_trie_node;

typedef struct el_trie {
    el_trie_node *nodes;
    uint32_t count;
} el_trie;

enum { EL_TRIE_FIRST = 0, EL_TRIE_CONTINUED = 1, EL_TRIE_PIECE_BYTES = 512 };

/* One key; `id` is what a lookup answers. */
typedef struct {
    const char *text;
    uint32_t bytes; /* 1 to EL_TRIE_PIECE_BYTES */
    int32_t id;
} el_trie_key;

/* Sorts the keys of each tree in place.  Of equal keys the trie keeps the largest id. */
el_status el_trie_build(el_trie **trie, el_trie_key *first, size_t first_count, el_trie_key *continued,
                        size_t continued_count);
void el_trie_release(el_trie *trie); /* accepts NULL */

/* The longest key of the tree that `text` begins with: its id and, in *length, its bytes; -1 if there is
 * none. */
static inline int32_t el_trie_longest(const el_trie *trie, uint32_t tree, const char *text, int bytes,
                                      int *length)
{
    const el_trie_node *nodes = trie->nodes;
    uint32_t node = tree;
    int32_t best = -1;
    for (int i = 0; i < bytes; i++) {
        const uint32_t child = nodes[node].base ^ (unsigned char)text[i];
        if (nodes[child].parent != node)
            break;
        node = child;
        if (nodes[node].id >= 0) {
            best = nodes[node].id;
            *length = i + 1;
        }
    }
    return best;
}

/* The id of exactly this key, or -1. */
int32_t el_trie_find(const el_trie *trie, uint32_t tree, const char *text, size_t bytes);

#endif
