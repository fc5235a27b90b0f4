/* reader - the same text comes out of every packing and block size, and damage is told in one sentence */
#define _GNU_SOURCE
#include "base/check.h"

#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "text/reader.h"

typedef struct {
    char *text;
    size_t bytes;
    int documents, blocks;
    bool inside; /* a document has begun */
} content;

static void note_line(content *c, el_line line)
{
    if (!el_line_blank(line))
        c->inside = true;
    else if (c->inside) {
        c->documents++;
        c->inside = false;
    }
}

/* Reads all of it, checking what every block promises. */
static el_status read_all(content *c, char *const *paths, int count, el_reader_settings settings)
{
    *c = (content){.text = calloc(1, 1)};
    el_reader *reader;
    el_status st = el_reader_open(&reader, paths, count, settings);
    el_block block, before = {.text = ""};
    while (!st && (st = el_reader_next(reader, &block)) == EL_OK && block.bytes > 0) {
        CHECK(memcmp(before.text, c->text + c->bytes - before.bytes, before.bytes) == 0,
              "a block of %zu bytes did not stay", before.bytes);
        before = block;
        CHECK(block.cut || block.ends_document || block.text[block.bytes - 1] == '\n', "a line is torn");
        CHECK(!settings.block_bytes || settings.json_key || block.bytes <= settings.block_bytes, "%zu bytes",
              block.bytes);
        c->text = realloc(c->text, c->bytes + block.bytes + 1);
        memcpy(c->text + c->bytes, block.text, block.bytes);
        c->text[c->bytes += block.bytes] = 0;
        c->blocks++;
        el_line line;
        for (const char *at = block.text; el_line_next(&at, block.text + block.bytes, &line);)
            note_line(c, line);
        if (block.ends_document)
            note_line(c, (el_line){"", 0});
    }
    el_reader_close(reader);
    return st;
}

static void check_text(const char *path, el_reader_settings settings, const char *text, int documents)
{
    content c;
    CHECK_OK(read_all(&c, (char *[]){(char *)path}, 1, settings));
    CHECK(strcmp(c.text, text) == 0, "%s reads as \"%s\", not \"%s\"", path, c.text, text);
    CHECK(c.documents == documents, "%s has %d documents, not %d", path, c.documents, documents);
    free(c.text);
}

static size_t pack_gzip(const char *text, size_t bytes, unsigned char *out, size_t room)
{
    z_stream z = {.next_in = (unsigned char *)(uintptr_t)text,
                  .avail_in = (uInt)bytes,
                  .next_out = out,
                  .avail_out = (uInt)room};
    deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
    deflate(&z, Z_FINISH);
    deflateEnd(&z);
    return room - z.avail_out;
}

static size_t pack_zstd(const char *text, size_t bytes, unsigned char *out, size_t room)
{
    ZSTD_CCtx *z = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1);
    const size_t used = ZSTD_compress2(z, out, room, text, bytes);
    ZSTD_freeCCtx(z);
    return used;
}

enum { LINES = 4000 };

/* Some text of LINES lines, a document every hundred; as plain, gzip of two members and zstd of two frames.
 */
static char *write_packed(void)
{
    char *text = malloc(LINES * 48), *at = text;
    for (int i = 0; i < LINES; i++)
        at +=
            i % 100 == 99 ? sprintf(at, "\n") : sprintf(at, "line %d of this text %d\n", i, i * 7919 % 1000);
    const size_t bytes = (size_t)(at - text), half = bytes / 2;
    unsigned char *packed = malloc(2 * bytes);
    CHECK_OK(el_file_write(in_folder("t.txt"), text, bytes));
    size_t used = pack_gzip(text, half, packed, bytes);
    used += pack_gzip(text + half, bytes - half, packed + used, bytes);
    CHECK_OK(el_file_write(in_folder("t.gz"), packed, used));
    CHECK_OK(el_file_write(in_folder("cut.gz"), packed, used - 9));
    packed[used / 3] ^= 0x55;
    CHECK_OK(el_file_write(in_folder("bad.gz"), packed, used));
    CHECK_OK(el_file_write(in_folder("tail.gz"), "\x1f", 1));
    used = pack_zstd(text, half, packed, bytes);
    used += pack_zstd(text + half, bytes - half, packed + used, bytes);
    CHECK_OK(el_file_write(in_folder("t.zst"), packed, used));
    CHECK_OK(el_file_write(in_folder("cut.zst"), packed, used - 5));
    packed[used / 3] ^= 0x55;
    CHECK_OK(el_file_write(in_folder("bad.zst"), packed, used));
    free(packed);
    return text;
}

/* Packing and block size make no difference; names do not matter for packing. */
static void test_packings(void **state)
{
    (void)state;
    char *text = write_packed();
    static const size_t sizes[] = {0, 64, 1000, 65536, 1 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const el_reader_settings settings = {.block_bytes = sizes[i]};
        check_text(in_folder("t.txt"), settings, text, LINES / 100);
        check_text(in_folder("t.gz"), settings, text, LINES / 100);
        check_text(in_folder("t.zst"), settings, text, LINES / 100);
    }
    free(text);
}

/* A file that is cut short or damaged is EL_EDATA and named. */
static void test_damage(void **state)
{
    (void)state;
    free(write_packed());
    static const struct {
        const char *name, *words;
    } cases[] = {
        {"cut.gz", "cut short"}, {"cut.zst", "cut short"}, {"bad.gz", "damaged gzip"}, {"bad.zst", "zstd"}};
    for (size_t i = 0; i < 4; i++) {
        content c;
        char *path = (char *)(uintptr_t)in_folder(cases[i].name);
        CHECK_FAILS(read_all(&c, &path, 1, (el_reader_settings){0}), EL_EDATA, cases[i].words);
        CHECK(strstr(el_error(), cases[i].name), "\"%s\" does not name %s", el_error(), cases[i].name);
        free(c.text);
    }
    content c;
    CHECK_OK(el_file_write(in_folder("u16.txt"), "\xff\xfeh\0i\0", 6));
    CHECK_FAILS(read_all(&c, (char *[]){(char *)(uintptr_t)in_folder("u16.txt")}, 1, (el_reader_settings){0}),
                EL_EDATA, "UTF-16");
    free(c.text);
    CHECK_OK(el_file_write(in_folder("zero.bin"), "\0\0\0\0\0\0\0\0abc", 11));
    CHECK_FAILS(
        read_all(&c, (char *[]){(char *)(uintptr_t)in_folder("zero.bin")}, 1, (el_reader_settings){0}),
        EL_EDATA, "no text");
    free(c.text);
    CHECK_FAILS(read_all(&c, (char *[]){(char *)(uintptr_t)in_folder("none")}, 1, (el_reader_settings){0}),
                EL_EDATA, "none");
    free(c.text);
}

/* JSON lines: a document each, blank lines in it dropped; what is wrong is told with its line. */
static void test_json(void **state)
{
    (void)state;
    const char *lines = "{\"text\": \"one\\n\\ntwo\", \"n\": 1}\n\n{\"text\": \"caf\\u00e9 "
                        "\\n\"}\n{\"text\": \"\"}\n{\"text\": \"end\"}";
    CHECK_OK(el_file_write(in_folder("d.jsonl"), lines, strlen(lines)));
    check_text(in_folder("d.jsonl"), (el_reader_settings){0}, "one\ntwo\n\ncaf\xc3\xa9 \n\n\nend\n\n", 3);
    check_text(in_folder("d.jsonl"), (el_reader_settings){.block_bytes = 16, .json_key = "text"},
               "one\ntwo\n\ncaf\xc3\xa9 \n\n\nend\n\n", 3); /* lines longer than a block */
    unsigned char packed[512];
    CHECK_OK(el_file_write(in_folder("d.jsonl.gz"), packed,
                           pack_gzip(lines, strlen(lines), packed, sizeof packed)));
    check_text(in_folder("d.jsonl.gz"), (el_reader_settings){0}, "one\ntwo\n\ncaf\xc3\xa9 \n\n\nend\n\n", 3);
    content c;
    char *path = (char *)(uintptr_t)in_folder("d.jsonl");
    CHECK_FAILS(read_all(&c, &path, 1, (el_reader_settings){.json_key = "body"}), EL_EDATA,
                "line 1: no text under");
    free(c.text);
    lines = "{\"text\": \"one\"}\n{\"text\": \"two\"\n";
    CHECK_OK(el_file_write(in_folder("d.jsonl"), lines, strlen(lines)));
    CHECK_FAILS(read_all(&c, &path, 1, (el_reader_settings){0}), EL_EDATA, "line 2");
    free(c.text);
}

/* Folders are read sorted, recursively, without hidden files; the end of a file ends a document. */
static void test_folders(void **state)
{
    (void)state;
    CHECK_OK(el_folder_make(in_folder("f/b")));
    CHECK_OK(el_file_write(in_folder("f/c.txt"), "third", 5));
    CHECK_OK(el_file_write(in_folder("f/b/x.txt"), "second\n", 7));
    CHECK_OK(el_file_write(in_folder("f/a.txt"), "first\n", 6));
    CHECK_OK(el_file_write(in_folder("f/.hidden"), "hidden\n", 7));
    CHECK_OK(el_file_write(in_folder("f/empty.txt"), "", 0));
    check_text(in_folder("f"), (el_reader_settings){0}, "first\nsecond\nthird", 3);
}

/* A line longer than a block is cut at a space, else between characters, and says so. */
static void test_long_lines(void **state)
{
    (void)state;
    CHECK_OK(el_file_write(in_folder("l"), "aaaa bbbb cccc dddd eeee\n", 25));
    CHECK_OK(el_file_write(in_folder("m"),
                           "\xea\xb0\x80\xea\xb0\x80\xea\xb0\x80\xea\xb0\x80\xea\xb0\x80\xea\xb0\x80\n", 19));
    static const struct {
        const char *name;
        size_t first;
    } cases[] = {{"l", 15}, {"m", 15}};
    for (size_t i = 0; i < 2; i++) {
        el_reader *reader;
        el_block block;
        char *path = (char *)(uintptr_t)in_folder(cases[i].name);
        CHECK_OK(el_reader_open(&reader, &path, 1, (el_reader_settings){.block_bytes = 16}));
        CHECK_OK(el_reader_next(reader, &block));
        CHECK(block.bytes == cases[i].first && block.cut && !block.ends_document, "%s: %zu bytes, cut %d",
              cases[i].name, block.bytes, block.cut);
        CHECK_OK(el_reader_next(reader, &block));
        CHECK(!block.cut && block.ends_document, "%s: the rest is cut as well", cases[i].name);
        CHECK_OK(el_reader_next(reader, &block));
        CHECK(block.bytes == 0, "%s: there is more", cases[i].name);
        el_reader_close(reader);
    }
}

/* Lines are cut for parallel work only after newlines. */
static void test_cut(void **state)
{
    (void)state;
    const char *text = "ab\ncdef\ng";
    static const size_t expected[] = {3, 3, 3, 3, 8, 8, 8, 8, 8, 9};
    for (size_t want = 0; want <= 9; want++) {
        const size_t have = el_lines_cut(text, 9, want);
        CHECK(have == expected[want], "%zu for %zu, not %zu", have, want, expected[want]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packings), cmocka_unit_test(test_damage),     cmocka_unit_test(test_json),
        cmocka_unit_test(test_folders),  cmocka_unit_test(test_long_lines), cmocka_unit_test(test_cut),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
