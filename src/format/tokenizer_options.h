/* tokenizer_options - what the files of a folder say of its tokenizer, as one list of options
 *
 * Private to format/: tokenizer.c finds the files and opens the pieces.
 */
#ifndef EL_FORMAT_TOKENIZER_OPTIONS_H
#define EL_FORMAT_TOKENIZER_OPTIONS_H

#include "format/tokenizer_config.h"
#include "format/tokenizer_json.h"

/* The files, and what becomes of them.  Strings of the options are borrowed from the documents. */
typedef struct {
    bool fresh;            /* the casing that is wished is that of a new vocabulary */
    const char *name;      /* of the file with the pieces */
    const char *json_path; /* of tokenizer.json */
    el_tokenizer_config config;
    el_tokenizer_json json; /* without a document where there is none */
    el_vocab_options options;
    el_added_token *added;
    size_t room;
    json_t *places;          /* of each text in `added` */
    json_t *named;           /* the texts that have a name: special tokens */
    const char *casing_from; /* see el_vocab */
    bool by_normalizer;      /* some of the casing is that of tokenizer.json */
    el_casing class_casing;  /* what transformers' classes of BERT would do */
} el_tokenizer_files;

/* Fills the options; EL_EUSAGE where the request contradicts the files, EL_EDATA where they contradict themselves. */
el_status el_tokenizer_options_read(el_tokenizer_files *files, el_casing_request request);
/* Of these, casing alone, by tokenizer_config.json. */
el_status el_tokenizer_casing(el_tokenizer_files *files, el_casing_request request);
void el_tokenizer_files_close(el_tokenizer_files *files); /* accepts a zeroed one */

#endif
