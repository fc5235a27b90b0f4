/* fuzz_tokenizer_json - whatever a tokenizer.json and its tokenizer_config.json hold, they are refused with a sentence or
 * cut texts into ids in range, and what is written of them is the same vocabulary
 *
 * An input is the one, and behind a zero byte, if there is one, the other and, behind a further one, a text.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "format/tokenizer_config.h"
#include "format/tokenizer_json.h"
#include "text/wordpiece.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The next part of an input; false at its end. */
static int next_part(const uint8_t *data, size_t size, size_t *at, const char **part, size_t *bytes)
{
    if (*at > size)
        return 0;
    *part = (const char *)data + *at;
    const char *zero = memchr(*part, 0, size - *at);
    *bytes = zero ? (size_t)(zero - *part) : size - *at;
    *at += *bytes + 1;
    return 1;
}

static void check_text(const el_vocab *vocab, el_special_reading reading, const char *text, size_t bytes)
{
    el_wordpiece *session;
    el_ids ids = {0}, again = {0};
    el_spans spans = {0};
    if (el_wordpiece_open(&session, vocab, reading))
        return;
    assert(el_wordpiece_encode(session, text, bytes, &ids) == EL_OK);
    assert(el_wordpiece_encode_spans(session, text, bytes, &again, &spans) == EL_OK);
    assert(ids.count == again.count && ids.count == spans.count);
    for (size_t i = 0; i < ids.count; i++) {
        assert(ids.data[i] == again.data[i] && ids.data[i] >= 0 && ids.data[i] < vocab->size);
        assert(spans.data[i].begin < spans.data[i].end && spans.data[i].end <= bytes);
    }
    el_ids_release(&ids);
    el_ids_release(&again);
    el_spans_release(&spans);
    el_wordpiece_close(session);
}

static void check_written(const el_vocab *vocab)
{
    json_t *document = el_tokenizer_json_of(vocab), *config = el_tokenizer_config_of(vocab, 0);
    char *text = el_json_text(document, false), *settings = el_json_text(config, true);
    el_vocab *again;
    if (!document || !config || !text || !settings ||
        el_tokenizer_parse(&again, text, strlen(text), settings, strlen(settings), "written"))
        abort();
    assert(el_vocab_same(vocab, "one", again, "two") == EL_OK && vocab->hash == again->hash);
    el_vocab_close(again);
    json_decref(document);
    json_decref(config);
    free(text);
    free(settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *json, *config = NULL, *text = "The [MASK] is caf\xc3\xa9 a[SEP]b";
    size_t at = 0, bytes, config_bytes = 0, text_bytes = strlen(text);
    el_vocab *vocab;
    next_part(data, size, &at, &json, &bytes);
    if (next_part(data, size, &at, &config, &config_bytes))
        next_part(data, size, &at, &text, &text_bytes);
    if (config_bytes == 0)
        config = NULL;
    if (el_tokenizer_parse(&vocab, json, bytes, config, config_bytes, "fuzz"))
        return 0;
    check_text(vocab, EL_SPECIAL_TOKENS, text, text_bytes);
    check_text(vocab, EL_SPECIAL_PLAIN, text, text_bytes);
    check_written(vocab);
    el_vocab_close(vocab);
    return 0;
}
