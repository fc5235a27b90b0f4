/* loss - what of a text does not reach a model: the end of what is too long, and what the vocabulary has no piece for */
#ifndef EL_TEXT_LOSS_H
#define EL_TEXT_LOSS_H

#include "text/wordpiece.h"

/* Zero it before first use. */
typedef struct {
    int cut;                 /* examples, texts or sentences of which something did not fit */
    int64_t pieces, unknown; /* of the texts, and the [UNK] among them */
} el_text_loss;

/* Counts the pieces of a text. */
void el_text_loss_count(el_text_loss *loss, const int32_t *ids, size_t count, int unk);
void el_text_loss_add(el_text_loss *sum, const el_text_loss *more);
/* Warns where the vocabulary does not know more than a tenth of the pieces, as of another language or of decomposed Hangul,
 * and says how many were cut to `longest` tokens (a note where `training`, else a warning).  `what` they are: "examples";
 * `name` of their file, or NULL. */
void el_text_loss_say(const el_text_loss *loss, const char *name, const char *what, int longest,
                      bool training);

#endif
