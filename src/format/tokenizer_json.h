/* tokenizer_json - Hugging Face's tokenizer.json, of BERT's tokenizer and nothing else
 *
 * What such a file says is done exactly or refused by the name of the part: the model must be WordPiece, the
 * pre-tokenizer BERT's, the normaliser BERT's (or none, or lower-casing alone), the post-processor BERT's
 * (or none).  Truncation, padding and the decoder have no say in a text's ids.
 */
#ifndef EL_FORMAT_TOKENIZER_JSON_H
#define EL_FORMAT_TOKENIZER_JSON_H

#include "base/json.h"
#include "format/tokenizer.h"
#include "format/tokenizer_pieces.h"

/* What a file says.  Strings are borrowed from `document`. */
typedef struct {
    json_t *document; /* its pieces, where they are known, left out */
    el_named_pieces pieces;
    char *text; /* the pieces as a vocab.txt; ids without one are blank lines */
    size_t bytes;
    int lowercase, strip_accents, chinese_chars; /* 0, 1 or EL_UNSET */
    bool clean_text;
    int word_characters;
    const char *prefix, *unk, *cls, *sep; /* the last two NULL where no post-processor says them */
    const json_t *added;                  /* an array of added tokens */
} el_tokenizer_json;

el_status el_tokenizer_json_read(el_tokenizer_json *file, const char *path);
/* The same from memory; `name` is what sentences call it. */
el_status el_tokenizer_json_parse(el_tokenizer_json *file, const char *text, size_t bytes, const char *name);
void el_tokenizer_json_close(el_tokenizer_json *file); /* accepts a zeroed one */

/* The document of a vocabulary, which `tokenizers` and transformers read with the same ids; NULL: no memory. */
json_t *el_tokenizer_json_of(const el_vocab *vocab);

#endif
