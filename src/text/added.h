/* added - tokens that are found in a text before it is cut into words, as Hugging Face's AddedToken
 *
 * [MASK] and its like, and what people add to a vocabulary: "<url>".  Where a text is read for its tokens,
 * the leftmost and then longest one is taken, whatever stands around it, and ends the words beside it.
 *   special       a token of the model's, as [SEP] is (of no meaning here; it travels with the token)
 *   single_word   only where no letter, digit or underscore touches it
 *   lstrip        white space before it belongs to it (rstrip: behind it)
 *   normalized    it is looked for in the normalised text, itself normalised; the others in the text as it is
 */
#ifndef EL_TEXT_ADDED_H
#define EL_TEXT_ADDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "normalize.h"

typedef struct {
    const char *text;
    int id;
    bool special, single_word, lstrip, rstrip, normalized;
} el_added_token;

/* How the tokens that stand in a text are read: all as tokens, or the five special ones (vocab.h) as plain characters and
 * only the others as tokens. */
typedef enum { EL_SPECIAL_PLAIN, EL_SPECIAL_TOKENS, EL_SPECIAL_READINGS } el_special_reading;

typedef struct el_added el_added;

/* The tokens must outlive it. */
el_status el_added_open(el_added **added, const el_added_token *tokens, int count,
                        const el_normalizer *normalizer);
void el_added_close(el_added *added); /* accepts NULL */

/* Whether there are tokens to be looked for in normalised text. */
bool el_added_normalized(const el_added *added);

/* A walk over the tokens of a text: after each el_added_next that returns true, bytes [begin, end) are the token
 * `id`. */
typedef struct {
    int id;
    size_t begin, end;
    /* where the walk stands */
    const el_added *added;
    uint32_t tree;
    const char *text;
    size_t bytes, at;
} el_added_walk;

/* `normalized`: the text is, and tokens of that kind are looked for; else those of the other kind. */
void el_added_start(el_added_walk *walk, const el_added *added, bool normalized, const char *text,
                    size_t bytes);
bool el_added_next(el_added_walk *walk);

#endif
