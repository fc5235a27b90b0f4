/* loader - what shards hold comes back, in an order that is a function of seed and number; bad shards are
 * refused */
#include "data/words.h"

#include <unistd.h>

#include "base/safetensors.h"
#include "data/loader.h"
#include "data/shard.h"

enum { WORDS = 300, LONGEST = 40, EXAMPLES = 1000 };

/* What example e of these tests is: lengths and ids vary, parts are 5 long. */
typedef struct {
    int ids[LONGEST], starts[LONGEST];
    el_packed example;
} made;

static void make(made *m, int e)
{
    m->example = (el_packed){.ids = m->ids, .count = 2 + e % (LONGEST - 1), .starts = m->starts};
    for (int i = 0; i < m->example.count; i++) {
        m->ids[i] = WORDS_SPECIALS + (e * 31 + i * 7) % WORDS;
        if (i % 5 == 0)
            m->starts[m->example.parts++] = i;
    }
    m->example.second = 1 + e % m->example.count;
}

/* A folder with EXAMPLES examples in shards of at most 3000 tokens. */
static void write_folder(const char *path, const el_vocab *vocab, el_packing packing,
                         el_attend_scope attention)
{
    const el_shard_settings settings = {vocab, packing, attention, LONGEST, 5, 3000};
    el_shard_writer *writer;
    made m;
    CHECK_OK(el_folder_make(path));
    CHECK_OK(el_shard_writer_open(&writer, path, &settings));
    for (int e = 0; e < EXAMPLES; e++) {
        make(&m, e);
        CHECK_OK(el_shard_writer_add(writer, &m.example));
    }
    CHECK_OK(el_shard_writer_finish(writer));
    el_shard_writer_close(writer);
}

static void check_ids(const el_batch *batch, int row, const made *m)
{
    for (int i = 0; i < m->example.count; i++)
        CHECK(batch->ids[row + i] == m->ids[i], "row %d: %d, not %d", row + i, batch->ids[row + i],
              m->ids[i]);
}

/* Segments: one sequence an example, segment 1 from `second` on. */
static void check_segments(const el_loader *loader)
{
    el_batch batch = {0};
    made m;
    for (int e = 0; e < EXAMPLES; e++) {
        make(&m, e);
        el_batch_clear(&batch);
        CHECK_OK(el_loader_read(loader, e, &batch));
        assert_int_equal(batch.sequences, 1);
        assert_int_equal(batch.rows, m.example.count);
        check_ids(&batch, 0, &m);
        for (int i = 0; i < batch.rows; i++)
            assert_true(batch.segments[i] == (i >= m.example.second) && batch.positions[i] == i);
    }
    el_batch_release(&batch);
}

/* Attention within documents: a sequence for each part, each with positions from 0. */
static void check_parts(const el_loader *loader)
{
    el_batch batch = {0};
    made m;
    for (int e = 0; e < EXAMPLES; e++) {
        make(&m, e);
        el_batch_clear(&batch);
        CHECK_OK(el_loader_read(loader, e, &batch));
        assert_int_equal(batch.sequences, m.example.parts);
        check_ids(&batch, 0, &m);
        for (int i = 0; i < batch.rows; i++)
            assert_true(batch.segments[i] == 0 && batch.positions[i] == i % 5);
        for (int s = 0; s < batch.sequences; s++)
            assert_int_equal(batch.starts[s], m.starts[s]);
    }
    el_batch_release(&batch);
}

/* Of each token the others of its sequence, on average; the parts of an example are `part` long, the last one aside. */
static void check_attended(const el_loader *loader, int part)
{
    double squares = 0, tokens = 0;
    made m;
    for (int e = 0; e < EXAMPLES; e++) {
        make(&m, e);
        for (int at = 0; at < m.example.count; at += part) {
            const double length = m.example.count - at < part ? m.example.count - at : part;
            squares += length * length;
            tokens += length;
        }
    }
    CHECK(el_loader_attended(loader) == squares / tokens, "a token attends among %g, not %g",
          el_loader_attended(loader), squares / tokens);
}

static void test_read_back(void **state)
{
    (void)state;
    for (int words = WORDS; words <= 70000; words += 69700) { /* ids of 16 and of 32 bits */
        el_vocab *vocab = words_vocab(words, NULL);
        for (int kind = 0; kind < 3; kind++) {
            el_loader *loader;
            CHECK_OK(el_folder_remove(in_folder("back")));
            write_folder(in_folder("back"), vocab, kind ? EL_PACK_FULL : EL_PACK_SEGMENTS,
                         kind == 1 ? EL_ATTEND_DOCUMENT : EL_ATTEND_EXAMPLE);
            CHECK_OK(el_loader_open(&loader, in_folder("back")));
            assert_int_equal(el_loader_examples(loader), EXAMPLES);
            assert_int_equal(el_loader_max_seq_length(loader), LONGEST);
            CHECK_OK(el_vocab_same(el_loader_vocab(loader), "shards", vocab, "words"));
            check_attended(loader, kind == 1 ? 5 : LONGEST);
            if (kind == 0)
                check_segments(loader);
            if (kind == 1)
                check_parts(loader);
            el_loader_close(loader);
        }
        el_vocab_close(vocab);
    }
}

static bool same_batch(const el_batch *a, const el_batch *b)
{
    const size_t rows = (size_t)a->rows * sizeof(int);
    return a->rows == b->rows && a->sequences == b->sequences && !memcmp(a->ids, b->ids, rows) &&
           !memcmp(a->segments, b->segments, rows) && !memcmp(a->positions, b->positions, rows) &&
           !memcmp(a->starts, b->starts, (size_t)(a->sequences + 1) * sizeof(int));
}

/* Any step can be reached at once, in this process or another; batches may be cut anywhere; epochs differ. */
static void test_order(void **state)
{
    (void)state;
    el_vocab *vocab = words_vocab(WORDS, NULL);
    el_loader *loader, *again;
    el_batch batch = {0}, other = {0};
    write_folder(in_folder("order"), vocab, EL_PACK_SEGMENTS, EL_ATTEND_EXAMPLE);
    CHECK_OK(el_loader_open(&loader, in_folder("order")));
    CHECK_OK(el_loader_open(&again, in_folder("order")));
    assert_true(el_loader_hash(loader) == el_loader_hash(again));

    CHECK_OK(el_loader_batch(loader, 3, 123456789, 64, &batch));
    CHECK_OK(el_loader_batch(again, 3, 123456789, 64, &other));
    assert_true(same_batch(&batch, &other));
    CHECK_OK(el_loader_batch(again, 4, 123456789, 64, &other));
    assert_false(same_batch(&batch, &other));
    CHECK_OK(el_loader_batch(again, 3, 123456789 + EXAMPLES, 64, &other));
    assert_false(same_batch(&batch, &other));
    CHECK_OK(el_loader_batch(again, 3, 123456789 + 63, 1, &other));
    assert_memory_equal(other.ids, batch.ids + batch.starts[63], (size_t)other.rows * sizeof(int));

    el_loader_close(loader);
    el_loader_close(again);
    el_batch_release(&batch);
    el_batch_release(&other);
    el_vocab_close(vocab);
}

/* Each epoch shows every example once: here, each is of its own length and first word. */
static void test_epoch(void **state)
{
    (void)state;
    el_vocab *vocab = words_vocab(WORDS, NULL);
    const el_shard_settings settings = {vocab, EL_PACK_SEGMENTS, EL_ATTEND_EXAMPLE, LONGEST, 5, 100};
    el_shard_writer *writer;
    CHECK_OK(el_folder_make(in_folder("epoch")));
    CHECK_OK(el_shard_writer_open(&writer, in_folder("epoch"), &settings));
    for (int e = 0; e < WORDS; e++) {
        const int ids[2] = {WORDS_SPECIALS + e, 3}, start = 0;
        const el_packed example = {ids, 2, 2, &start, 1};
        CHECK_OK(el_shard_writer_add(writer, &example));
    }
    CHECK_OK(el_shard_writer_finish(writer));
    el_shard_writer_close(writer);

    el_loader *loader;
    el_batch batch = {0};
    CHECK_OK(el_loader_open(&loader, in_folder("epoch")));
    assert_int_equal(el_loader_tokens(loader), 2 * WORDS);
    for (int epoch = 0; epoch < 3; epoch++) {
        int seen[WORDS] = {0}, in_place = 0;
        CHECK_OK(el_loader_batch(loader, 9, (int64_t)epoch * WORDS, WORDS, &batch));
        for (int s = 0; s < WORDS; s++) {
            seen[batch.ids[2 * s] - WORDS_SPECIALS]++;
            in_place += batch.ids[2 * s] - WORDS_SPECIALS == s;
        }
        for (int e = 0; e < WORDS; e++)
            CHECK(seen[e] == 1, "epoch %d: example %d was seen %d times", epoch, e, seen[e]);
        CHECK(in_place < 10, "epoch %d: %d of %d examples are where they were stored", epoch, in_place,
              WORDS);
    }
    el_loader_close(loader);
    el_batch_release(&batch);
    el_vocab_close(vocab);
}

static void shard_path(char *path, size_t size, const char *name, int number)
{
    snprintf(path, size, "%s/shard-%05d.safetensors", in_folder(name), number);
}

/* A folder must hold all its shards and nothing from another one. */
static void test_folders(void **state)
{
    (void)state;
    el_vocab *vocab = words_vocab(WORDS, NULL), *other = words_vocab(WORDS, "zero");
    el_loader *loader;
    char path[300], from[300];
    write_folder(in_folder("one"), vocab, EL_PACK_SEGMENTS, EL_ATTEND_EXAMPLE);
    write_folder(in_folder("two"), other, EL_PACK_SEGMENTS, EL_ATTEND_EXAMPLE);

    CHECK_FAILS(el_loader_open(&loader, in_folder("none")), EL_EDATA, "no such folder");
    CHECK_OK(el_folder_make(in_folder("empty")));
    CHECK_FAILS(el_loader_open(&loader, in_folder("empty")), EL_EDATA, "no shards in it");

    shard_path(path, sizeof path, "one", 6);
    CHECK(el_file_exists(path), "%s: these tests want seven shards", path);
    shard_path(from, sizeof from, "two", 6);
    assert_int_equal(rename(from, path), 0);
    CHECK_FAILS(el_loader_open(&loader, in_folder("one")), EL_EDATA, "shard-00006.safetensors");
    assert_int_equal(unlink(path), 0);
    CHECK_FAILS(el_loader_open(&loader, in_folder("one")), EL_EDATA, "missing");
    CHECK_FAILS(el_loader_open(&loader, in_folder("two")), EL_EDATA, "missing");
    shard_path(path, sizeof path, "two", 2);
    assert_int_equal(unlink(path), 0);
    CHECK_FAILS(el_loader_open(&loader, in_folder("two")), EL_EDATA, "number 3 where 2 should follow");
    assert_null(loader);
    el_vocab_close(vocab);
    el_vocab_close(other);
}

/* Shards are in the order of their numbers, of which the hundred thousandth has a digit more. */
static void test_six_digits(void **state)
{
    (void)state;
    el_vocab *vocab = words_vocab(WORDS, NULL);
    el_loader *loader;
    char path[300], to[300];
    write_folder(in_folder("many"), vocab, EL_PACK_SEGMENTS, EL_ATTEND_EXAMPLE);
    for (int number = 6; number >= 5; number--) {
        shard_path(path, sizeof path, "many", number);
        shard_path(to, sizeof to, "many", number + 99994);
        assert_int_equal(rename(path, to), 0);
    }
    CHECK_OK(el_loader_open(&loader, in_folder("many")));
    assert_int_equal(el_loader_examples(loader), EXAMPLES);
    el_loader_close(loader);
    el_vocab_close(vocab);
}

/* A cut or changed shard is refused, wherever it is cut, whatever byte of its contents is changed. */
static void test_damage(void **state)
{
    (void)state;
    el_vocab *vocab = words_vocab(WORDS, NULL), *read = NULL;
    char path[300];
    el_mapping file;
    el_shard shard;
    write_folder(in_folder("damage"), vocab, EL_PACK_FULL, EL_ATTEND_DOCUMENT);
    shard_path(path, sizeof path, "damage", 0);
    CHECK_OK(el_mapping_open(&file, path));
    unsigned char *const copy = malloc(file.size);
    memcpy(copy, file.data, file.size);
    CHECK_OK(el_shard_parse(&shard, copy, file.size, "whole", &read));
    el_shard_close(&shard);
    size_t header = 8;
    for (int i = 0; i < 8; i++)
        header += (size_t)copy[i] << 8 * i;
    for (size_t bytes = 0; bytes < file.size; bytes += bytes < header ? 1 : 97)
        CHECK(el_shard_parse(&shard, copy, bytes, "cut", &read) == EL_EDATA, "cut to %zu bytes: %s", bytes,
              el_error());
    for (size_t at = 0; at < file.size; at += at < header ? 1 : 61) {
        copy[at] ^= 4;
        const el_status st = el_shard_parse(&shard, copy, file.size, "changed", &read);
        CHECK(at < header ? st == EL_OK || st == EL_EDATA : st == EL_EDATA, "byte %zu changed: status %d, %s",
              at, st, el_error());
        el_shard_close(&shard);
        copy[at] ^= 4;
    }
    free(copy);
    el_mapping_close(&file);
    el_vocab_close(read);
    el_vocab_close(vocab);
}

/* ---- shards whose checksums are right and whose contents are not ---- */

typedef struct {
    int64_t starts[3], sequences[5];
    int starts_count, sequence_count; /* 0: no sequences */
    uint16_t ids[8];
    int16_t seconds[2];
    int second_count;        /* 0: no seconds */
    const char *key, *value; /* one metadata entry, changed */
    bool no_checksums;
} forged;

static const forged SOUND = {.starts = {0, 3, 8},
                             .sequences = {0, 3, 5, 8},
                             .starts_count = 3,
                             .sequence_count = 4,
                             .ids = {5, 6, 7, 5, 6, 7, 8, 9}};

static el_status open_forged(const forged *f, const el_vocab *vocab)
{
    char hash[17], path[300];
    el_hash_text(vocab->hash, hash);
    json_t *const metadata =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "electra_shard", "1", "max_seq_length", "5",
                  "shard", "0", "last", "true", "do_lower_case", "true", "strip_accents", "true",
                  "tokenize_chinese_chars", "true", "vocab_hash", hash);
    if (f->key)
        json_object_set_new(metadata, f->key, f->value ? json_string(f->value) : json_string(""));
    el_st_entry entries[5] = {
        {"starts", EL_ST_I64, 1, {f->starts_count}, f->starts, (size_t)f->starts_count * 8},
        {"ids", EL_ST_U16, 1, {8}, f->ids, 16},
        {"vocabulary", EL_ST_U8, 1, {(int64_t)vocab->text_bytes}, vocab->text, vocab->text_bytes},
    };
    int count = 3;
    if (f->sequence_count)
        entries[count++] = (el_st_entry){"sequences",         EL_ST_I64,    1,
                                         {f->sequence_count}, f->sequences, (size_t)f->sequence_count * 8};
    if (f->second_count)
        entries[count++] = (el_st_entry){"seconds",         EL_ST_I16,  1,
                                         {f->second_count}, f->seconds, (size_t)f->second_count * 2};
    CHECK_OK(el_folder_remove(in_folder("forged")));
    CHECK_OK(el_folder_make(in_folder("forged")));
    shard_path(path, sizeof path, "forged", 0);
    CHECK_OK(el_safetensors_write(path, entries, count, metadata, !f->no_checksums));
    json_decref(metadata);
    el_loader *loader;
    const el_status st = el_loader_open(&loader, in_folder("forged"));
    el_loader_close(loader);
    return st;
}

static void test_forged(void **state)
{
    (void)state;
    el_vocab *const vocab = words_vocab(10, NULL);
    forged f = SOUND;
    CHECK_OK(open_forged(&f, vocab));
#define FORGED(words, ...)                                                                                   \
    do {                                                                                                     \
        f = SOUND;                                                                                           \
        __VA_ARGS__;                                                                                         \
        CHECK_FAILS(open_forged(&f, vocab), EL_EDATA, words);                                                \
    } while (0)
    FORGED("a token is 19", f.ids[7] = 19);
    FORGED("starts does not run from 0", f.starts[0] = 1);
    FORGED("starts does not run from 0", f.starts[2] = 9);
    FORGED("starts does not run from 0", f.starts[2] = -1);
    FORGED("number 0 is from 0 to 0", f.starts[1] = 0);
    FORGED("number 0 is from 0 to -5", f.starts[1] = -5);
    FORGED("number 0 is from 0 to 9", f.starts[1] = 9);
    FORGED("number 1 is from 2 to 8", f.starts[1] = 2);
    FORGED("starts is too short", f.starts_count = 1);
    FORGED("starts is too short", f.starts_count = 0);
    FORGED("example 1 begins within a sequence", f.sequences[1] = 4);
    FORGED("sequences: number 1", f.sequences[2] = INT64_MAX);
    FORGED("both seconds and sequences", f.second_count = 2; f.seconds[0] = 1; f.seconds[1] = 1);
    FORGED("outside it", f.sequence_count = 0; f.second_count = 2; f.seconds[0] = 4; f.seconds[1] = 1);
    FORGED("outside it", f.sequence_count = 0; f.second_count = 2; f.seconds[0] = -1; f.seconds[1] = 1);
    FORGED("1 seconds for 2 examples", f.sequence_count = 0; f.second_count = 1);
    FORGED("has no checksum", f.no_checksums = true);
    FORGED("format 2", f.key = "electra_shard"; f.value = "2");
    FORGED("max_seq_length is no sensible number", f.key = "max_seq_length";
           f.value = "99999999999999999999999");
    FORGED("max_seq_length is no sensible number", f.key = "max_seq_length"; f.value = "-1");
    FORGED("max_seq_length is no sensible number", f.key = "max_seq_length"; f.value = "5x");
    FORGED("number 0 is from 0 to 3", f.key = "max_seq_length"; f.value = "0");
    FORGED("number 7 where 0 should follow", f.key = "shard"; f.value = "7");
    FORGED("missing", f.key = "last"; f.value = "false");
    FORGED("last is not true or false", f.key = "last"; f.value = "yes");
    FORGED("hash", f.key = "vocab_hash"; f.value = "0000000000000000");
    FORGED("hash", f.key = "strip_accents"; f.value = "false");
#undef FORGED
    el_vocab_close(vocab);
}

/* A batch that has no room for more tokens says so and stays as it is. */
static void test_most_tokens(void **state)
{
    (void)state;
    const int ids[] = {1, 2};
    el_batch batch = {.rows = EL_BATCH_ROWS - 1};
    assert_int_equal(el_batch_add(&batch, ids, 2, 2), EL_EUSAGE);
    assert_non_null(strstr(el_error(), "tokens"));
    assert_int_equal(batch.rows, EL_BATCH_ROWS - 1);
    assert_null(batch.ids);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_most_tokens), cmocka_unit_test(test_read_back),  cmocka_unit_test(test_order),
        cmocka_unit_test(test_epoch),       cmocka_unit_test(test_folders),    cmocka_unit_test(test_damage),
        cmocka_unit_test(test_forged),      cmocka_unit_test(test_six_digits),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
