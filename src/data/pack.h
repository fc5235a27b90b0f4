/* pack - lines of token ids to examples
 *
 * A packer is fed the lines of one document after the other and hands out examples, ready to be stored:
 * specials are in, nothing is padded.  Its memory is fixed at opening, however long lines and documents are.
 *
 * EL_PACK_SEGMENTS is the example builder of Clark et al. (2020).  Lines are gathered until they reach a
 * target length (max_seq_length; with probability short_seq_prob uniform in [5, max_seq_length]) or the
 * document ends, and become `[CLS] A [SEP]` or `[CLS] A [SEP] B [SEP]`:
 *
 *   - with probability single_segment_prob all of it is A, else A aims at half the length;
 *   - a line goes to A if A is empty, or if it leaves A below its aim, or, where B is empty and A below its
 *     aim, by the toss of a coin; otherwise to B;
 *   - A is cut to max_seq_length - 2, B to what is left; what is cut off is lost, and counted.
 *
 * EL_PACK_FULL loses nothing: parts `[CLS] text [SEP]`, each a document or a piece of one, stand one after
 * the other until an example is full.  A document is cut where the example ends and goes on in the next one;
 * only where fewer than EL_PACK_LEAST of its tokens would fit, the example is closed a little short instead.
 * Examples are independent of where lines end.
 *
 * Every random decision is a function of (seed, document number, how many were made in it), so what becomes
 * of a document depends on nothing but itself.
 */
#ifndef EL_DATA_PACK_H
#define EL_DATA_PACK_H

#include <stdint.h>

#include "data/unfinished.h"

typedef enum { EL_PACK_SEGMENTS, EL_PACK_FULL } el_packing;

enum {
    EL_PACK_LEAST = 8,    /* text tokens of a document's first piece in an example, if not the whole */
    EL_PACK_SHORTEST = 8, /* limits of max_seq_length: lengths fit into 16 bits with a sign */
    EL_PACK_LONGEST = 32767
};

typedef struct {
    el_packing packing;
    int max_seq_length;
    double short_seq_prob, single_segment_prob; /* EL_PACK_SEGMENTS only */
    uint64_t seed;
    int cls, sep; /* ids */
} el_pack_settings;

/* One example; its memory is the packer's and lasts until emit returns. */
typedef struct {
    const int *ids;
    int count;
    int second;        /* where segment 1 begins; count where there is none */
    const int *starts; /* where parts begin, the first at 0 */
    int parts;
} el_packed;

typedef struct {
    int64_t documents, examples; /* documents with at least one token */
    int64_t tokens;              /* in examples, specials included */
    int64_t lost;                /* text tokens cut off */
    int64_t singles, shorts;     /* examples with one segment; examples that aimed short */
} el_pack_counts;

/* Takes one example; a status that is not EL_OK stops the packer. */
typedef el_status el_pack_emit(void *context, const el_packed *example);

typedef struct el_packer el_packer;

el_status el_packer_open(el_packer **packer, const el_pack_settings *settings, el_pack_emit *emit,
                         void *context);
void el_packer_close(el_packer *packer); /* accepts NULL */

/* One line, or a part of one, of document number `document`; numbers ascend.  A line without tokens is
 * nothing. */
el_status el_packer_line(el_packer *packer, int64_t document, const int *ids, int count);
el_status el_packer_end_document(el_packer *packer);
/* After the last document: emits what is still open. */
el_status el_packer_finish(el_packer *packer);

/* All that a packer of the same settings needs to go on in its place, as parts of `of`. */
void el_packer_save(el_packer *packer, el_unfinished *unfinished, const char *of);
el_status el_packer_restore(el_packer *packer, const el_safetensors *unfinished, const char *of);

el_pack_counts el_packer_counts(const el_packer *packer);

#endif
