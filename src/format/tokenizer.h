/* tokenizer - a vocabulary from the files of its folder, and back
 *
 * vocab.txt or tokenizer.json hold the pieces; tokenizer_config.json, tokenizer.json, special_tokens_map.json and
 * added_tokens.json say how text is read.  What they say is done exactly, as Hugging Face does it, or refused by
 * the name of the part.  Casing is what was asked for, else what tokenizer_config.json says, else what the
 * normaliser of tokenizer.json says (also beside a vocab.txt), else lower-casing with accents stripped; each
 * setting by itself.  A class that is whatever tokenizer.json says (PreTrainedTokenizerFast) has its casing from
 * there.  transformers' classes of BERT ask tokenizer_config.json alone: where that makes a difference, a warning says so.
 * Who decided is in el_vocab.casing_from, and said where it was not tokenizer_config.json; a vocabulary that contradicts
 * its casing is warned about.
 */
#ifndef EL_FORMAT_TOKENIZER_H
#define EL_FORMAT_TOKENIZER_H

#include "text/vocab.h"

/* What a caller asks for: 0 or 1, or EL_UNSET. */
enum { EL_UNSET = -1 };
typedef struct {
    int lowercase, strip_accents, chinese_chars;
} el_casing_request;
#define EL_CASING_UNSET ((el_casing_request){EL_UNSET, EL_UNSET, EL_UNSET})

/* Opens `path`: a vocab.txt (any name), a tokenizer.json, or a folder with one of them.  A request for another casing than
 * the files say is EL_EUSAGE that names the setting. */
el_status el_tokenizer_load(el_vocab **vocab, const char *path, el_casing_request request);

/* The same from memory: the text of a tokenizer.json, and of its tokenizer_config.json (NULL: none). */
el_status el_tokenizer_parse(el_vocab **vocab, const char *json, size_t bytes, const char *config,
                             size_t config_bytes, const char *name);

/* Whether a folder has a vocab.txt or a tokenizer.json. */
bool el_tokenizer_exists(const char *folder);

/* EL_EUSAGE where saving a new vocabulary at `path` would change the files of another one, EL_EDATA where settings that may
 * be another one's cannot be read. */
el_status el_tokenizer_check_place(const char *path, el_casing casing);

/* Writes the pieces to `path` (a folder that exists: to vocab.txt in it) and a tokenizer_config.json beside
 * them, such that transformers' AutoTokenizer gives the same ids. */
el_status el_tokenizer_save(const el_vocab *vocab, const char *path);

/* The same for the folder of a model that reads so many tokens, and a tokenizer.json. */
el_status el_tokenizer_save_model(const el_vocab *vocab, int max_length, const char *folder);

#endif
