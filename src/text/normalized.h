/* normalized - a whole text as the steps of normalize.h leave it, before it is cut into words
 *
 * Words are walked without it (el_words).  It is needed where tokens are looked for in the normalised text.
 */
#ifndef EL_TEXT_NORMALIZED_H
#define EL_TEXT_NORMALIZED_H

#include "normalize.h"

/* Byte i of `text` comes from bytes [from[i], to[i]) of the text that was given.  Zero it before first use. */
typedef struct {
    char *text;
    uint32_t *from, *to;
    size_t bytes, room;
} el_normalized;

/* Replaces what it held; `bytes` below 4 GiB. */
el_status el_normalize(el_normalized *normalized, const el_normalizer *normalizer, const char *text,
                       size_t bytes);
void el_normalized_release(el_normalized *normalized);

#endif
