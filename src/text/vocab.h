/* vocab - the pieces that text is cut into, and how that text is to be prepared
 *
 * A vocabulary is an ordered list of pieces, one a line in vocab.txt, id = line number from 0; continuations
 * start with "##" or another prefix.  White space at the end of a line is no part of the piece; a blank line is
 * a piece that no text has; of equal lines the last one counts (all as in Hugging Face).  It must hold [PAD],
 * [UNK], [CLS], [SEP] and [MASK], or what stands for them.  How text is prepared belongs to it: casing, and
 * whatever else differs from BERT (el_vocab_options).
 *
 * An open vocabulary is immutable and may be shared by threads.  Its files are read and written by
 * format/tokenizer.h.
 */
#ifndef EL_TEXT_VOCAB_H
#define EL_TEXT_VOCAB_H

#include <stddef.h>
#include <stdint.h>

#include "added.h"
#include "normalize.h"

enum { EL_VOCAB_MAX_PIECES = 1 << 22, EL_VOCAB_MAX_BYTES = 1 << 28 };

/* The special tokens, in the order of Hugging Face's names pad_token, unk_token, ... */
enum { EL_PAD, EL_UNK, EL_CLS, EL_SEP, EL_MASK, EL_SPECIALS };
extern const char *const EL_SPECIAL_NAMES[EL_SPECIALS], *const EL_SPECIAL_PIECES[EL_SPECIALS];

typedef struct {
    el_casing casing;
    bool clean_text;                  /* see normalize.h */
    int word_characters;              /* a word of more is [UNK]; 1 to EL_WORD_MOST */
    const char *prefix;               /* of continuations; may be "" */
    const char *special[EL_SPECIALS]; /* their pieces */
    const el_added_token *added;      /* the special ones among them, once it is open */
    int added_count;
} el_vocab_options;

/* BERT's options.  Its added tokens are the special ones. */
el_vocab_options el_vocab_options_bert(el_casing casing);

typedef struct {
    int size;                     /* ids: pieces and added tokens */
    int lines;                    /* pieces: ids from here on are added tokens that are no pieces */
    int pad, unk, cls, sep, mask; /* ids of the special tokens */
    el_casing casing;
    uint64_t hash;    /* XXH3-64 over `text`, casing and `beyond`: what shards, runs and models name */
    const char *text; /* what vocab.txt holds: every piece with a newline */
    size_t text_bytes;
    const char *const *pieces; /* `size` strings; "" where an id has none */
    el_vocab_options options;
    const char *beyond; /* the options that are not BERT's, as JSON on one line; "" where none are */
    const el_normalizer *normalizer;
    const el_normalizer *splitter; /* of normalised text; NULL where no token is looked for there */
    const struct el_trie *trie;
    const el_added *added[EL_SPECIAL_READINGS]; /* the tokens of each reading */
    const char *casing_from;                    /* who said the casing, for a person; NULL: not known */
    int max_length;                             /* of a sequence, where the files name one; 0: they do not */
} el_vocab;

/* Opens the text of a vocab.txt, which is copied; `name` is what sentences call it.  EL_EDATA for pieces that are
 * too long or not UTF-8 (with the line), missing special tokens, too many pieces. */
el_status el_vocab_open(el_vocab **vocab, const char *text, size_t bytes, const el_vocab_options *options,
                        const char *name);
/* The same with BERT's options; and with those of a vocabulary's `beyond`. */
el_status el_vocab_parse(el_vocab **vocab, const char *text, size_t bytes, el_casing casing,
                         const char *name);
el_status el_vocab_reopen(el_vocab **vocab, const char *text, size_t bytes, el_casing casing,
                          const char *beyond, const char *name);

void el_vocab_close(el_vocab *vocab); /* accepts NULL */

/* The id of a piece (its prefix included), or -1. */
int el_vocab_find(const el_vocab *vocab, const char *piece, size_t bytes);

/* Whether an id is that of one of the five special tokens. */
bool el_vocab_is_special(const el_vocab *vocab, int id);

/* Whether an id's piece goes on with the word of the piece before it. */
bool el_vocab_continues(const el_vocab *vocab, int id);

/* EL_EDATA with a sentence that says where two vocabularies differ (a setting or the first piece), unless
 * they are equal; the names are what it calls them. */
el_status el_vocab_same(const el_vocab *a, const char *a_name, const el_vocab *b, const char *b_name);

#endif
