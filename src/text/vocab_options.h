/* vocab_options - what of a vocabulary's options is not BERT's, as JSON on one line and back
 *
 * Shards carry that line, and a vocabulary's hash covers it.  Of BERT's options it is empty, whatever the casing.
 */
#ifndef EL_TEXT_VOCAB_OPTIONS_H
#define EL_TEXT_VOCAB_OPTIONS_H

#include "base/json.h"
#include "vocab.h"

/* *text on the heap. */
el_status el_vocab_options_write(const el_vocab_options *options, char **text);

/* What is unsaid is BERT's.  Strings are borrowed from *owner and the tokens from *tokens; both are the caller's to
 * release, with json_decref and free. */
el_status el_vocab_options_read(el_vocab_options *options, el_casing casing, const char *text,
                                const char *name, json_t **owner, el_added_token **tokens);

/* One added token as Hugging Face writes it, its id too; and back.  A flag that is missing is false. */
json_t *el_added_token_json(const el_added_token *token);
el_status el_added_token_read(el_added_token *token, const json_t *object, const char *name);

#endif
