/* words - those of "a|b|c", one at a time */
#ifndef EL_BASE_WORDS_H
#define EL_BASE_WORDS_H

#include <stdbool.h>
#include <string.h>

/* The word at *at, which moves behind it; false: there is none, as in NULL. */
static inline bool el_word_next(const char **at, const char **word, size_t *bytes)
{
    if (!*at || !**at)
        return false;
    *word = *at;
    *bytes = strcspn(*at, "|");
    *at += *bytes + ((*at)[*bytes] == '|');
    return true;
}

/* Where a word stands among them, or -1. */
static inline int el_word_place(const char *words, const char *word)
{
    const char *one;
    size_t bytes;
    for (int place = 0; el_word_next(&words, &one, &bytes); place++)
        if (bytes == strlen(word) && memcmp(one, word, bytes) == 0)
            return place;
    return -1;
}

#endif
