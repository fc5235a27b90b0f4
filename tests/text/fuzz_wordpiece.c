/* fuzz_wordpiece - any bytes as text: ids in range, the same with the cache and without, spans inside the
 * text
 *
 * The first byte chooses the casing, whether tokens are read in the text, and whether the rest is a vocabulary too.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "text/wordpiece.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char BASE[] =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\n##a\n##b\nab\n##ab\n.\nthe\n##e\n\xc3\xa9\n\xed\x95\x9c\n";

static const el_added_token ADDED[] = {
    {.text = "AB", .id = 16, .normalized = true},
    {.text = "\xc3\xa9.", .id = 17, .normalized = true, .lstrip = true},
    {.text = "b", .id = 6, .single_word = true, .rstrip = true},
};

static void check_text(el_wordpiece *session, const el_vocab *vocab, const char *text, size_t bytes)
{
    el_ids cached = {0}, plain = {0};
    el_spans spans = {0};
    for (int time = 0; time < 2; time++) {
        cached.count = plain.count = spans.count = 0;
        assert(el_wordpiece_encode(session, text, bytes, &cached) == EL_OK);
        assert(el_wordpiece_encode_spans(session, text, bytes, &plain, &spans) == EL_OK);
        assert(cached.count == plain.count && spans.count == plain.count);
        for (size_t i = 0; i < plain.count; i++) {
            assert(cached.data[i] == plain.data[i] && plain.data[i] >= 0 && plain.data[i] < vocab->size);
            assert(spans.data[i].begin < spans.data[i].end && spans.data[i].end <= bytes);
        }
    }
    el_ids_release(&cached);
    el_ids_release(&plain);
    el_spans_release(&spans);
}

static void check_vocab(const el_vocab *vocab, el_special_reading reading, const char *text, size_t bytes)
{
    el_wordpiece *session;
    if (el_wordpiece_open(&session, vocab, reading) == EL_OK)
        check_text(session, vocab, text, bytes);
    el_wordpiece_close(session);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static el_vocab *vocabs[16];
    static el_wordpiece *sessions[16];
    if (size < 2)
        return 0;
    const int kind = data[0] & 15;
    const el_special_reading reading = kind & 8 ? EL_SPECIAL_TOKENS : EL_SPECIAL_PLAIN;
    el_vocab_options wanted = el_vocab_options_bert((el_casing){kind & 1, kind & 2, kind & 4});
    wanted.added = ADDED;
    wanted.added_count = sizeof ADDED / sizeof *ADDED;
    if (!vocabs[kind] && (el_vocab_open(&vocabs[kind], BASE, sizeof BASE - 1, &wanted, "base") ||
                          el_wordpiece_open(&sessions[kind], vocabs[kind], reading)))
        return 0;
    const char *text = (const char *)data + 1;
    check_text(sessions[kind], vocabs[kind], text, size - 1);
    el_vocab *own;
    if ((data[0] & 0xF0) == 0 && el_vocab_parse(&own, text, size - 1, wanted.casing, "own") == EL_OK) {
        check_vocab(own, reading, text, size - 1);
        el_vocab_close(own);
    }
    return 0;
}
