/* pack - documents become the examples that the rules say, and nothing else decides */
#include "folder.h"

#include "data/pack.h"

enum { CLS = 1000001, SEP = 1000002, KEPT = 1 << 20 };

/* All examples that a packer emitted, one after the other. */
static struct {
    int ids[KEPT], starts[KEPT], count; /* example e is ids[starts[e]] ... */
    int seconds[KEPT], parts[KEPT], part_starts[KEPT], all_parts;
} kept;

static el_status keep(void *context, const el_packed *example)
{
    (void)context;
    const int at = kept.count ? kept.starts[kept.count] : 0;
    assert_true(at + example->count <= KEPT);
    memcpy(kept.ids + at, example->ids, (size_t)example->count * sizeof(int));
    for (int i = 0; i < example->parts; i++)
        kept.part_starts[kept.all_parts++] = example->starts[i];
    kept.parts[kept.count] = example->parts;
    kept.seconds[kept.count] = example->second;
    kept.starts[kept.count++] = at;
    kept.starts[kept.count] = at + example->count;
    return EL_OK;
}

static el_packer *open_packer(el_packing packing, int longest, double shorts, double singles, uint64_t seed)
{
    const el_pack_settings settings = {packing, longest, shorts, singles, seed, CLS, SEP};
    el_packer *packer;
    kept.count = kept.all_parts = 0;
    CHECK_OK(el_packer_open(&packer, &settings, keep, NULL));
    return packer;
}

/* A line of `count` tokens: from, from + 1, ... */
static void line(el_packer *packer, int document, int from, int count)
{
    int *ids = malloc((size_t)count * sizeof *ids + 1);
    for (int i = 0; i < count; i++)
        ids[i] = from + i;
    CHECK_OK(el_packer_line(packer, document, ids, count));
    free(ids);
}

static int length_of(int example)
{
    return kept.starts[example + 1] - kept.starts[example];
}

/* Example e is these ids, its second segment where it is said. */
static void check_example(int e, const int *ids, int count, int second)
{
    assert_true(e < kept.count);
    const int *got = kept.ids + kept.starts[e];
    CHECK(length_of(e) == count, "example %d is %d long, not %d", e, length_of(e), count);
    for (int i = 0; i < count; i++)
        CHECK(got[i] == ids[i], "example %d, place %d: %d, not %d", e, i, got[i], ids[i]);
    CHECK(kept.seconds[e] == second, "example %d: second segment at %d, not %d", e, kept.seconds[e], second);
}
#define EXAMPLE(e, second, ...)                                                                              \
    check_example(e, (const int[]){__VA_ARGS__}, sizeof((const int[]){__VA_ARGS__}) / sizeof(int), second)

/* A takes the first line, B what follows once A has its half; what passes max_seq_length is cut off and
 * counted. */
static void test_two_segments(void **state)
{
    (void)state;
    el_packer *p = open_packer(EL_PACK_SEGMENTS, 12, 0, 0, 1);
    line(p, 0, 1, 4);
    line(p, 0, 5, 3);
    line(p, 0, 0, 0);
    assert_int_equal(kept.count, 0);
    line(p, 0, 8, 6); /* 13 tokens: the target of 12 is reached */
    assert_int_equal(kept.count, 1);
    line(p, 0, 14, 2);
    CHECK_OK(el_packer_end_document(p));
    line(p, 1, 20, 30);
    CHECK_OK(el_packer_finish(p));
    assert_int_equal(kept.count, 3);
    EXAMPLE(0, 6, CLS, 1, 2, 3, 4, SEP, 5, 6, 7, 8, 9, SEP);
    EXAMPLE(1, 4, CLS, 14, 15, SEP);
    EXAMPLE(2, 12, CLS, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, SEP);
    const el_pack_counts counts = el_packer_counts(p);
    assert_int_equal(counts.documents, 2);
    assert_int_equal(counts.examples, 3);
    assert_int_equal(counts.tokens, 28);
    assert_int_equal(counts.lost, 4 + 20);
    assert_int_equal(counts.singles, 2);
    el_packer_close(p);
}

/* A line that would pass A's aim goes either way by a coin; after it went to B, a short one still fits A. */
static void test_coin(void **state)
{
    (void)state;
    enum { DOCUMENTS = 2000 };
    el_packer *p = open_packer(EL_PACK_SEGMENTS, 20, 0, 0, 3);
    int to_second = 0;
    for (int d = 0; d < DOCUMENTS; d++) {
        line(p, d, 10, 5);
        line(p, d, 20, 9);
        line(p, d, 30, 2);
        CHECK_OK(el_packer_end_document(p));
        if (kept.seconds[d] == 9) {
            EXAMPLE(d, 9, CLS, 10, 11, 12, 13, 14, 30, 31, SEP, 20, 21, 22, 23, 24, 25, 26, 27, 28, SEP);
            to_second++;
        } else {
            EXAMPLE(d, 16, CLS, 10, 11, 12, 13, 14, 20, 21, 22, 23, 24, 25, 26, 27, 28, SEP, 30, 31, SEP);
        }
    }
    CHECK(to_second > 900 && to_second < 1100, "%d of %d, not about half", to_second, DOCUMENTS);
    el_packer_close(p);

    int just_full = 0; /* a line that makes A as long as its aim, 8, is one that passes it */
    p = open_packer(EL_PACK_SEGMENTS, 20, 0, 0, 3);
    for (int d = 0; d < DOCUMENTS; d++) {
        line(p, d, 10, 5);
        line(p, d, 20, 3);
        CHECK_OK(el_packer_end_document(p));
        just_full += kept.seconds[d] == 7;
    }
    CHECK(just_full > 900 && just_full < 1100, "%d of %d, not about half", just_full, DOCUMENTS);
    el_packer_close(p);
}

/* One in ten has a single segment, one in twenty aims short, uniformly from 5. */
static void test_shares(void **state)
{
    (void)state;
    enum { EXAMPLES = 20000 };
    el_packer *p = open_packer(EL_PACK_SEGMENTS, 32, 0, 0.1, 7);
    for (int i = 0; kept.count < EXAMPLES; i++)
        line(p, 0, i, 4);
    CHECK(labs((long)el_packer_counts(p).singles - 2000) < 150, "%ld singles of 20000",
          (long)el_packer_counts(p).singles);
    el_packer_close(p);

    p = open_packer(EL_PACK_SEGMENTS, 32, 0.05, 0.1, 7);
    while (kept.count < EXAMPLES)
        line(p, 0, 0, 1);
    CHECK(labs((long)el_packer_counts(p).shorts - 1000) < 110, "%ld short ones of 20000",
          (long)el_packer_counts(p).shorts);
    el_packer_close(p);

    p = open_packer(EL_PACK_SEGMENTS, 32, 1, 1, 7);
    while (kept.count < EXAMPLES)
        line(p, 0, 0, 1);
    int lengths[33] = {0};
    for (int e = 0; e < kept.count; e++)
        lengths[length_of(e)]++;
    for (int length = 7; length < 32; length++) /* targets 5 to 29; 30, 31 and 32 all fill 32 */
        CHECK(abs(lengths[length] - EXAMPLES / 28) < 130, "%d of length %d, not about %d", lengths[length],
              length, EXAMPLES / 28);
    CHECK(abs(lengths[32] - 3 * EXAMPLES / 28) < 230, "%d of length 32", lengths[32]);
    el_packer_close(p);
}

/* What becomes of a document depends on its number, its lines and the seed; not on the others. */
static void test_documents_alone(void **state)
{
    (void)state;
    enum { DOCUMENTS = 50 };
    static int whole[KEPT];
    el_packer *p = open_packer(EL_PACK_SEGMENTS, 24, 0.5, 0.3, 11);
    for (int d = 0; d < DOCUMENTS; d++) {
        for (int i = 0; i < 40; i++)
            line(p, d, 1000 * d + 20 * i, 1 + (d + i) % 7);
        CHECK_OK(el_packer_end_document(p));
    }
    const int tokens = kept.starts[kept.count];
    memcpy(whole, kept.ids, (size_t)tokens * sizeof(int));
    el_packer_close(p);
    int compared = 0;
    for (int d = 0; d < DOCUMENTS; d++) {
        p = open_packer(EL_PACK_SEGMENTS, 24, 0.5, 0.3, 11);
        for (int i = 0; i < 40; i++)
            line(p, d, 1000 * d + 20 * i, 1 + (d + i) % 7);
        CHECK_OK(el_packer_end_document(p));
        const int count = kept.starts[kept.count];
        CHECK(memcmp(whole + compared, kept.ids, (size_t)count * sizeof(int)) == 0, "document %d differs", d);
        compared += count;
        el_packer_close(p);
    }
    assert_int_equal(compared, tokens);
}

/* Parts stand without gaps; a document is cut where the example ends, unless hardly begun. */
static void test_full(void **state)
{
    (void)state;
    el_packer *p = open_packer(EL_PACK_FULL, 16, 0.05, 0.1, 1);
    line(p, 0, 1, 4);
    CHECK_OK(el_packer_end_document(p));
    line(p, 1, 10, 15);
    line(p, 1, 25, 4);
    CHECK_OK(el_packer_end_document(p));
    line(p, 2, 40, 1);
    CHECK_OK(el_packer_end_document(p));
    line(p, 3, 50, 5);
    CHECK_OK(el_packer_end_document(p));
    line(p, 4, 60, 20);
    CHECK_OK(el_packer_finish(p));
    assert_int_equal(kept.count, 5);
    EXAMPLE(0, 16, CLS, 1, 2, 3, 4, SEP, CLS, 10, 11, 12, 13, 14, 15, 16, 17, SEP);
    EXAMPLE(1, 16, CLS, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, SEP, CLS, 40, SEP);
    EXAMPLE(2, 7, CLS, 50, 51, 52, 53, 54, SEP);
    EXAMPLE(3, 16, CLS, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, SEP);
    EXAMPLE(4, 8, CLS, 74, 75, 76, 77, 78, 79, SEP);
    const int parts[] = {2, 2, 1, 1, 1}, starts[] = {0, 6, 0, 13, 0, 0, 0};
    for (int e = 0; e < 5; e++)
        assert_int_equal(kept.parts[e], parts[e]);
    for (int i = 0; i < 7; i++)
        assert_int_equal(kept.part_starts[i], starts[i]);
    assert_int_equal(el_packer_counts(p).lost, 0);
    el_packer_close(p);
}

/* With the specials out, gapless examples are the text, token for token, however it came in lines. */
static void test_full_keeps_all(void **state)
{
    (void)state;
    for (int longest = EL_PACK_SHORTEST; longest < 60; longest++) {
        el_packer *p = open_packer(EL_PACK_FULL, longest, 0, 0, 1);
        int next = 0;
        for (int d = 0; d < 300; d++) {
            for (int left = 1 + d * 7919 % 83, piece; left; left -= piece) {
                piece = 1 + (next * longest) % 13;
                piece = piece < left ? piece : left;
                line(p, d, next, piece);
                next += piece;
            }
            CHECK_OK(el_packer_end_document(p));
        }
        CHECK_OK(el_packer_finish(p));
        int expected = 0, short_ones = 0;
        for (int e = 0; e < kept.count; e++) {
            assert_true(length_of(e) <= longest);
            assert_int_equal(kept.ids[kept.starts[e]], CLS);
            assert_int_equal(kept.ids[kept.starts[e + 1] - 1], SEP);
            short_ones += length_of(e) < longest - EL_PACK_LEAST - 1;
            for (int i = kept.starts[e]; i < kept.starts[e + 1]; i++)
                if (kept.ids[i] != CLS && kept.ids[i] != SEP)
                    assert_int_equal(kept.ids[i], expected++);
        }
        assert_int_equal(expected, next);
        CHECK(short_ones <= 1, "max_seq_length %d: %d examples with gaps", longest, short_ones);
        el_packer_close(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_segments), cmocka_unit_test(test_coin),
        cmocka_unit_test(test_shares),       cmocka_unit_test(test_documents_alone),
        cmocka_unit_test(test_full),         cmocka_unit_test(test_full_keeps_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
