/* tokenize - text, line by line, to ids: what commands share that need no documents
 *
 * A block of lines is cut into parts of a fixed size; each part is tokenised by whichever thread is free, into
 * memory of its own, and the parts of a block are then taken in order.
 */
#ifndef EL_CLI_TOKENIZE_H
#define EL_CLI_TOKENIZE_H

#include "text/reader.h"
#include "text/wordpiece.h"

enum { CLI_TOKENIZE_PART = 1 << 15, CLI_TOKENIZE_PARTS = EL_READER_BLOCK / CLI_TOKENIZE_PART + 1 };

typedef struct {
    const el_vocab *vocab;
    el_special_reading reading;
    int threads;
    /* One more line of a part, in [0, CLI_TOKENIZE_PARTS): called on the part's thread. */
    el_status (*on_line)(void *context, int part, const el_ids *ids);
    /* All lines of a block are done, in so many parts. */
    el_status (*on_block)(void *context, int parts, const el_block *block);
    void *context;
} cli_tokenizer;

/* Reads all of `reader`; caches are empty at the start. */
el_status cli_tokenize(const cli_tokenizer *tokenizer, el_reader *reader);

#endif
