/* vocab - the pieces that text is cut into, and how that text is to be prepared
 *
 * A vocabulary is an ordered list of distinct pieces, one a line in vocab.txt, id = line number from 0;
 * continuations start with "##".  It must hold [PAD], [UNK], [CLS], [SEP] and [MASK].  Casing belongs to it:
 * it is read from the tokenizer_config.json beside vocab.txt (Hugging Face's keys do_lower_case,
 * strip_accents, where null or absent means "as lower-casing", and tokenize_chinese_chars), kept in its hash,
 * and written with it.
 *
 * An open vocabulary is immutable and may be shared by threads.
 */
#ifndef EL_TEXT_VOCAB_H
#define EL_TEXT_VOCAB_H

#include <stddef.h>
#include <stdint.h>

#include "normalize.h"

enum { EL_VOCAB_MAX_PIECES = 1 << 22, EL_VOCAB_MAX_BYTES = 1 << 28 };

typedef struct {
    int size;                     /* pieces */
    int pad, unk, cls, sep, mask; /* ids of the special tokens */
    el_casing casing;
    uint64_t hash;    /* XXH3-64 over `text` and the casing: what shards, runs and models name */
    const char *text; /* what vocab.txt holds: every piece with a newline */
    size_t text_bytes;
    const char *const *pieces; /* `size` strings */
    const el_normalizer *normalizer;
    const struct el_trie *trie;
} el_vocab;

/* What a caller asks for: 0 or 1, or EL_UNSAID. */
enum { EL_UNSAID = -1 };
typedef struct {
    int lowercase, strip_accents, chinese_chars;
} el_casing_wish;
#define EL_CASING_UNSAID ((el_casing_wish){EL_UNSAID, EL_UNSAID, EL_UNSAID})

/* Opens `path`: a vocab.txt (any name) or a folder with vocab.txt, or with tokenizer.json alone.  Where a
 * tokenizer_config.json lies beside it, the casing is that file's, and a wish for something else is EL_EUSAGE
 * that names the setting; where there is none, wishes hold, and what is unsaid is lower-cased, stripped as
 * lower-cased, ideographs apart.  EL_EDATA for duplicate or empty pieces (with the line), missing special
 * tokens, text that is not UTF-8, too many pieces. */
el_status el_vocab_load(el_vocab **vocab, const char *path, el_casing_wish wish);

/* The same from memory, which is copied; `name` is what sentences call it. */
el_status el_vocab_parse(el_vocab **vocab, const char *text, size_t bytes, el_casing casing,
                         const char *name);

/* EL_EUSAGE where saving a new vocabulary at `path` would change the tokenizer_config.json of another one. */
el_status el_vocab_check_place(const char *path, el_casing casing);

/* Writes the pieces to `path` (a folder that exists: to vocab.txt in it) and a tokenizer_config.json beside
 * them, such that transformers' AutoTokenizer gives the same ids. */
el_status el_vocab_save(const el_vocab *vocab, const char *path);

void el_vocab_close(el_vocab *vocab); /* accepts NULL */

/* The id of a piece ("##" included), or -1. */
int el_vocab_find(const el_vocab *vocab, const char *piece, size_t bytes);

/* EL_EDATA with a sentence that says where two vocabularies differ (a setting or the first piece), unless
 * they are equal; the names are what it calls them. */
el_status el_vocab_same(const el_vocab *a, const char *a_name, const el_vocab *b, const char *b_name);

#endif
