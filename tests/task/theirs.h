/* theirs - folders that transformers wrote (tools/golden_heads.py), with a vocabulary of words w0, w1, ... */
#ifndef TESTS_TASK_THEIRS_H
#define TESTS_TASK_THEIRS_H

#include "format/tokenizer.h"
#include "task/made.h"

enum { GOLDEN_WORDS = 25 };

static inline void copy_file(const char *from, const char *to, const char *name)
{
    char source[1024], target[1024];
    el_mapping file;
    snprintf(source, sizeof source, "%s/%s", from, name);
    snprintf(target, sizeof target, "%s/%s", to, name);
    CHECK_OK(el_mapping_open(&file, source));
    CHECK_OK(el_file_write(target, file.data, file.size));
    el_mapping_close(&file);
}

/* One of transformers' folders with a vocabulary. */
static inline const char *their_folder(const char *kind)
{
    char from[512];
    const char *const to = in_folder(kind);
    el_vocab *vocab = made_vocab(GOLDEN_WORDS);
    snprintf(from, sizeof from, TEST_DATA "/../model/golden/heads/%s", kind);
    CHECK_OK(el_folder_make(to));
    copy_file(from, to, "config.json");
    copy_file(from, to, "model.safetensors");
    CHECK_OK(el_tokenizer_save(vocab, to));
    el_vocab_close(vocab);
    return to;
}

#endif
