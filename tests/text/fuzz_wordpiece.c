/* fuzz_wordpiece - any bytes as text: ids in range, the same with the cache and without, spans inside the
 * text
 *
 * The first byte chooses the casing and where the rest is cut into a vocabulary's lines and the text.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "text/wordpiece.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char BASE[] =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\n##a\n##b\nab\n##ab\n.\nthe\n##e\n\xc3\xa9\n\xed\x95\x9c\n";

static void check_text(el_wordpiece *session, const el_vocab *vocab, const char *text, size_t bytes,
                       bool special)
{
    el_ids cached = {0}, plain = {0};
    el_spans spans = {0};
    for (int time = 0; time < 2; time++) {
        cached.count = plain.count = spans.count = 0;
        assert(el_wordpiece_encode(session, text, bytes, &cached) == EL_OK);
        assert(el_wordpiece_encode_spans(session, text, bytes, false, &plain, &spans) == EL_OK);
        assert(cached.count == plain.count && spans.count == plain.count);
        for (size_t i = 0; i < plain.count; i++) {
            assert(cached.data[i] == plain.data[i] && plain.data[i] >= 0 && plain.data[i] < vocab->size);
            assert(spans.data[i].begin < spans.data[i].end && spans.data[i].end <= bytes);
        }
    }
    assert(el_wordpiece_encode_spans(session, text, bytes, special, &plain, &spans) == EL_OK);
    el_ids_release(&cached);
    el_ids_release(&plain);
    el_spans_release(&spans);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static el_vocab *vocabs[8];
    static el_wordpiece *sessions[8];
    if (size < 2)
        return 0;
    const int casing = data[0] & 7;
    const el_casing wanted = {casing & 1, casing & 2, casing & 4};
    if (!vocabs[casing] && (el_vocab_parse(&vocabs[casing], BASE, sizeof BASE - 1, wanted, "base") ||
                            el_wordpiece_open(&sessions[casing], vocabs[casing])))
        return 0;
    const char *text = (const char *)data + 1;
    check_text(sessions[casing], vocabs[casing], text, size - 1, data[0] & 8);
    el_vocab *own;
    el_wordpiece *session;
    if ((data[0] & 0xF0) == 0 && el_vocab_parse(&own, text, size - 1, wanted, "own") == EL_OK) {
        if (el_wordpiece_open(&session, own) == EL_OK)
            check_text(session, own, text, size - 1, true);
        el_wordpiece_close(session);
        el_vocab_close(own);
    }
    return 0;
}
