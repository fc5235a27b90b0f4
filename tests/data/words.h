/* words - a vocabulary for the tests of data/: [PAD] [UNK] [CLS] [SEP] [MASK], then w0, w1, ... and single
 * characters, so that the text of a token can be told from its id */
#ifndef TESTS_DATA_WORDS_H
#define TESTS_DATA_WORDS_H

#include "folder.h"

#include "text/vocab.h"

enum { WORDS_SPECIALS = 5 };

/* A vocabulary of `words` words; `name` is what the first one is called instead of w0, or NULL. */
static inline el_vocab *words_vocab(int words, const char *name)
{
    char *text = malloc(64 + (size_t)words * 16), *at = text;
    at += sprintf(at, "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n");
    for (int i = 0; i < words; i++)
        at += i == 0 && name ? sprintf(at, "%s\n", name) : sprintf(at, "w%d\n", i);
    at += sprintf(at, "[\n]\nmask\nsep\n");
    el_vocab *vocab;
    CHECK_OK(el_vocab_parse(&vocab, text, (size_t)(at - text), (el_casing){true, true, true}, "words"));
    free(text);
    return vocab;
}

#endif
