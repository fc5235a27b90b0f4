/* lost - what of a text does not reach a model: the end of what is too long, and what the vocabulary has no piece for */
#ifndef EL_TEXT_LOST_H
#define EL_TEXT_LOST_H

#include "text/wordpiece.h"

/* Zero it before first use. */
typedef struct {
    int cut;                 /* examples, texts or sentences of which something did not fit */
    int64_t pieces, unknown; /* of the texts, and the [UNK] among them */
} el_text_lost;

/* Counts the pieces of a text. */
void el_text_lost_count(el_text_lost *lost, const int32_t *ids, size_t count, int unk);
void el_text_lost_add(el_text_lost *sum, const el_text_lost *more);
/* Warns where the vocabulary does not know more than a tenth of the pieces, as of another language or of decomposed Hangul,
 * and says how many were cut to `longest` tokens (a note where `training`, else a warning).  `what` one of them is: "example";
 * `name` of their file, or NULL. */
void el_text_lost_say(const el_text_lost *lost, const char *name, const char *what, int longest,
                      bool training);

#endif
