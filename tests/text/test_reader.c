/* reader - the same text comes out of every packing and block size, and damage is told in one sentence */
#define _GNU_SOURCE
#include "folder.h"

#include <bzlib.h>
#include <fcntl.h>
#include <lzma.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/log.h"
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
    int torn = 0; /* the last of all may be */
    while (!st && (st = el_reader_next(reader, &block)) == EL_OK && block.bytes > 0) {
        CHECK(memcmp(before.text, c->text + c->bytes - before.bytes, before.bytes) == 0,
              "a block of %zu bytes did not stay", before.bytes);
        before = block;
        CHECK(block.cut || block.text[block.bytes - 1] == '\n' || !torn++, "a line is torn");
        CHECK(!settings.block_bytes || block.bytes <= settings.block_bytes + 2, "%zu bytes", block.bytes);
        c->text = realloc(c->text, c->bytes + block.bytes + 1);
        memcpy(c->text + c->bytes, block.text, block.bytes);
        c->text[c->bytes += block.bytes] = 0;
        c->blocks++;
        el_line line;
        for (const char *at = block.text; el_line_next(&at, block.text + block.bytes, &line);)
            note_line(c, line);
    }
    note_line(c, (el_line){"", 0});
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

static size_t pack_xz(const char *text, size_t bytes, unsigned char *out, size_t room)
{
    size_t used = 0;
    assert_int_equal(
        lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, NULL, (const uint8_t *)text, bytes, out, &used, room),
        LZMA_OK);
    return used;
}

static size_t pack_bzip2(const char *text, size_t bytes, unsigned char *out, size_t room)
{
    unsigned used = (unsigned)room;
    assert_int_equal(
        BZ2_bzBuffToBuffCompress((char *)out, &used, (char *)(uintptr_t)text, (unsigned)bytes, 9, 0, 0),
        BZ_OK);
    return used;
}

typedef size_t packer(const char *text, size_t bytes, unsigned char *out, size_t room);

/* Packs both halves, one after the other, as t.<ending>; the same cut short and with a changed byte. */
static void write_halves(const char *text, size_t bytes, const char *ending, packer *pack)
{
    unsigned char *const packed = malloc(2 * bytes);
    const size_t half = bytes / 2, first = pack(text, half, packed, bytes);
    const size_t used = first + pack(text + half, bytes - half, packed + first, bytes);
    char name[32];
    snprintf(name, sizeof name, "t.%s", ending);
    CHECK_OK(el_file_write(in_folder(name), packed, used));
    snprintf(name, sizeof name, "cut.%s", ending);
    CHECK_OK(el_file_write(in_folder(name), packed, used - 5));
    snprintf(name, sizeof name, "bad.%s", ending);
    packed[used / 3] ^= 0x55;
    CHECK_OK(el_file_write(in_folder(name), packed, used));
    free(packed);
}

enum { LINES = 4000 };

/* Some text of LINES lines, a document every hundred; plain, and packed in two parts each. */
static char *write_packed(void)
{
    char *text = malloc(LINES * 48), *at = text;
    for (int i = 0; i < LINES; i++)
        at +=
            i % 100 == 99 ? sprintf(at, "\n") : sprintf(at, "line %d of this text %d\n", i, i * 7919 % 1000);
    const size_t bytes = (size_t)(at - text);
    CHECK_OK(el_file_write(in_folder("t.txt"), text, bytes));
    write_halves(text, bytes, "gz", pack_gzip);
    write_halves(text, bytes, "zst", pack_zstd);
    write_halves(text, bytes, "xz", pack_xz);
    write_halves(text, bytes, "bz2", pack_bzip2);
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
        check_text(in_folder("t.xz"), settings, text, LINES / 100);
        check_text(in_folder("t.bz2"), settings, text, LINES / 100);
    }
    free(text);
}

/* Writes `packed` between two texts of bytes. */
static void write_between(const char *name, const char *before, size_t before_bytes, const void *packed,
                          size_t bytes, const char *after, size_t after_bytes)
{
    char *const all = malloc(before_bytes + bytes + after_bytes);
    memcpy(all, before, before_bytes);
    memcpy(all + before_bytes, packed, bytes);
    memcpy(all + before_bytes + bytes, after, after_bytes);
    CHECK_OK(el_file_write(in_folder(name), all, before_bytes + bytes + after_bytes));
    free(all);
}

/* Frames to be skipped, as pzstd begins files with, and zeros behind gzip, as of tapes, are no part of the text;
 * something else behind it is a fault.  Packed nothing is nothing. */
static void test_around_packed(void **state)
{
    (void)state;
    static const char ZEROS[300000];
    unsigned char packed[256];
    content c;
    size_t bytes = pack_zstd("text\n", 5, packed, sizeof packed);
    write_between("p.zst", "\x50\x2a\x4d\x18\4\0\0\0\x12\0\0\0", 12, packed, bytes, "", 0);
    check_text(in_folder("p.zst"), (el_reader_settings){0}, "text\n", 1);
    bytes = pack_gzip("text\n", 5, packed, sizeof packed);
    for (size_t zeros = 1; zeros <= sizeof ZEROS; zeros *= 8) {
        write_between("p.gz", "", 0, packed, bytes, ZEROS, zeros);
        check_text(in_folder("p.gz"), (el_reader_settings){0}, "text\n", 1);
    }
    write_between("p.gz", "", 0, packed, bytes, "\0x", 2);
    CHECK_FAILS(read_all(&c, (char *[]){(char *)(uintptr_t)in_folder("p.gz")}, 1, (el_reader_settings){0}),
                EL_EDATA, "no gzip data");
    free(c.text);
    bytes = pack_bzip2("", 0, packed, sizeof packed);
    write_between("p.bz2", "", 0, packed, bytes, "", 0);
    check_text(in_folder("p.bz2"), (el_reader_settings){0}, "", 0);
    CHECK_OK(el_file_write(in_folder("p.txt"), "BZh is text", 11));
    check_text(in_folder("p.txt"), (el_reader_settings){0}, "BZh is text", 1);
}

/* What is no UTF-8 text is refused by its name; text with a few broken bytes is text. */
static void test_kinds(void **state)
{
    (void)state;
    static const char KOREAN[] = "\xb3\xaa\xb4\xc2 \xc7\xd0\xb1\xb3\xbf\xa1 \xb0\xa3\xb4\xd9.\n";
    static const char LATIN[] =
        "le caf\xe9 d'\xe9t\xe9 o\xf9 l'on go\xfbte des p\xe2t\xe9s \xe0 l'\xe2ge m\xfbr\n";
    static const struct {
        const char *text;
        size_t bytes;
        const char *words;
    } cases[] = {
        {"PK\3\4\0\0", 6, "zip archive"},
        {"%PDF-1.4\n", 9, "PDF"},
        {"\4\x22\x4D\x18", 4, "lz4"},
        {"\x5D\0\0\x80\0\xFF\xFF\xFF\xFF", 9, "lzma"},
        {"\x93NUMPY\1\0", 8, "NumPy"},
        {"PAR1\x15\4\x15", 7, "Parquet"},
        {"ARROW1\0\0", 8, "Arrow"},
        {"SQLite format 3\0", 16, "SQLite"},
        {"\xfe\xff\0h\0i", 6, "UTF-16"},
        {"h\0e\0l\0l\0o\0\n\0", 12, "UTF-16"},
        {"\xff\xfe\0\0h\0\0\0", 8, "iconv -f UTF-32"},
        {"\0\0\xfe\xff\0\0\0h", 8, "iconv -f UTF-32"},
        {"h\0\0\0\n\0\0\0", 8, "iconv -f UTF-32LE"},
        {"\0\0\xac\0\0\0\xb0\1", 8, "iconv -f UTF-32BE"},
        {"h\0\0\0\2\0\0\0i\0\0\0", 12, "of the first 12 bytes are zero"}, /* numbers */
        {"\1\2\3\4\5\6\7\x10", 8, "control characters"},
        {KOREAN, sizeof KOREAN - 1, "iconv -f CP949"},
        {LATIN, sizeof LATIN - 1, "iconv -f LATIN1"},
        {"one\rtwo\rthree", 13, "tr '\\r' '\\n' makes lines"},
        {"{one}\r[two]\r", 12, "tr '\\r' '\\n' makes lines"},
    };
    static const char *const GOOD[] = {
        "PAR1 is a name\n", "ARROW1 is one\n",     "SQLite format 3 is one\n", "one\r",
        "one\rtwo\r\n",     "{\"so\":\r\"it\"}\r", "[\r{\"so\": 1}]\r"};
    char *path = (char *)(uintptr_t)in_folder("kind.txt");
    content c;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK_OK(el_file_write(path, cases[i].text, cases[i].bytes));
        CHECK_FAILS(read_all(&c, &path, 1, (el_reader_settings){0}), EL_EDATA, cases[i].words);
        free(c.text);
    }
    for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++) {
        CHECK_OK(el_file_write(path, GOOD[i], strlen(GOOD[i])));
        check_text(path, (el_reader_settings){.raw = true}, GOOD[i], 1);
    }
    const char *const good = "na\xc3\xafve caf\xc3\xa9 and one \xe9\n";
    CHECK_OK(el_file_write(path, good, strlen(good)));
    check_text(path, (el_reader_settings){0}, good, 1);
    static const char ZEROS[] = "na\xc3\xafve caf\xc3\xa9, one \xe9 and some zeros, which are no UTF-16:\n"
                                "ab\0\nab\0\nab\0\nab\0\nab\0\nab\0\nab\0\nab\0\nab\0\nab\0\n";
    CHECK_OK(el_file_write(path, ZEROS, sizeof ZEROS - 1));
    CHECK_OK(read_all(&c, &path, 1, (el_reader_settings){0}));
    free(c.text);
    CHECK_OK(el_file_write(path, KOREAN, sizeof KOREAN - 1));
    CHECK_FAILS(read_all(&c, &path, 1, (el_reader_settings){.raw = true}), EL_EDATA, "iconv -f CP949");
    free(c.text);
    check_text(path, (el_reader_settings){.raw = true, .any_encoding = true}, KOREAN, 1);
}

/* UTF-16 without a mark is told from other encodings by a few spaces and the ends of lines. */
static void test_korean_utf16(void **state)
{
    (void)state;
    static const unsigned short TEXT[] = {0xAC00, 0xC744, 0xC774, ' ', 0xB300, 0xD55C, '.', '\n'};
    enum { LENGTH = sizeof TEXT / sizeof *TEXT, TIMES = 8 };
    char *path = (char *)(uintptr_t)in_folder("utf16.txt");
    for (int big = 0; big < 2; big++) {
        char bytes[2 * LENGTH * TIMES];
        for (int i = 0; i < LENGTH * TIMES; i++) {
            bytes[2 * i + big] = (char)(TEXT[i % LENGTH] & 0xFF);
            bytes[2 * i + !big] = (char)(TEXT[i % LENGTH] >> 8);
        }
        for (int any_encoding = 0; any_encoding < 2; any_encoding++) {
            content c;
            CHECK_OK(el_file_write(path, bytes, sizeof bytes));
            CHECK_FAILS(read_all(&c, &path, 1, (el_reader_settings){.any_encoding = any_encoding}), EL_EDATA,
                        big ? "iconv -f UTF-16BE" : "iconv -f UTF-16LE");
            free(c.text);
        }
    }
}

/* A byte order mark is no part of the text, whatever the form and the block. */
static void test_byte_order_marks(void **state)
{
    (void)state;
    static const char MARKED[] = "\xef\xbb\xbfone two three four\nfive\n",
                      JSON[] = "\xef\xbb\xbf{\"text\": \"one\"}\n";
    CHECK_OK(el_file_write(in_folder("mark.txt"), MARKED, sizeof MARKED - 1));
    CHECK_OK(el_file_write(in_folder("mark.jsonl"), JSON, sizeof JSON - 1));
    CHECK_OK(el_file_write(in_folder("only.txt"), MARKED, 3));
    check_text(in_folder("mark.txt"), (el_reader_settings){0}, MARKED + 3, 1);
    check_text(in_folder("mark.txt"), (el_reader_settings){.block_bytes = 16}, MARKED + 3, 1);
    check_text(in_folder("mark.txt"), (el_reader_settings){.raw = true}, MARKED + 3, 1);
    check_text(in_folder("mark.jsonl"), (el_reader_settings){0}, "one\n\n", 1);
    check_text(in_folder("only.txt"), (el_reader_settings){0}, "", 0);
}

/* Standard input that does not block, as ssh leaves it, is waited for. */
static void test_no_blocking(void **state)
{
    (void)state;
    unsigned char packed[256];
    const size_t bytes = pack_gzip("packed\n", 7, packed, sizeof packed);
    for (int is_packed = 0; is_packed < 2; is_packed++) {
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        const pid_t writer = fork();
        if (writer == 0) {
            const char *const data = is_packed ? (const char *)packed : "plain\n";
            const size_t all = is_packed ? bytes : 6;
            for (size_t i = 0; i < all; i++) {
                usleep(i % 4 == 0 ? 5000 : 0);
                if (write(ends[1], data + i, 1) != 1)
                    _exit(1);
            }
            _exit(0);
        }
        close(ends[1]);
        const int before = dup(STDIN_FILENO);
        dup2(ends[0], STDIN_FILENO);
        fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
        check_text("-", (el_reader_settings){0}, is_packed ? "packed\n" : "plain\n", 1);
        dup2(before, STDIN_FILENO);
        close(before);
        close(ends[0]);
        waitpid(writer, NULL, 0);
    }
}

/* Lines that end in carriage returns alone are refused; a few stray ones in a line, however long it is, are white space. */
static void test_returns(void **state)
{
    (void)state;
    enum { LONG = 400000, EVERY = 60000 };
    static char line[LONG + 1], lines[LONG + 1];
    memset(line, 'a', LONG);
    memset(lines, 'a', LONG);
    line[7] = line[LONG / 2] = '\r';
    for (int at = EVERY; at < LONG; at += EVERY)
        lines[at] = '\r';
    const struct {
        const char *text;
        bool stray;
    } CASES[] = {{"good\rmorning", true}, {"one line\r", true}, {"a\rb\n", true},
                 {"a\rb\rc\nd", true},    {line, true},         {"a\rb\r", false},
                 {"a b\rc d\re", false},  {lines, false}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        content c;
        char *path = (char *)(uintptr_t)in_folder("returns.txt");
        CHECK_OK(el_file_write(path, CASES[i].text, strlen(CASES[i].text)));
        const el_status st = read_all(&c, &path, 1, (el_reader_settings){.raw = true});
        if (!CASES[i].stray)
            CHECK_FAILS(st, EL_EDATA, "carriage returns alone");
        else
            CHECK(!st && strcmp(c.text, CASES[i].text) == 0, "case %zu: %s", i, el_error());
        free(c.text);
    }
}

/* White space of Unicode is a blank line too. */
static void test_blank_lines(void **state)
{
    (void)state;
    static const char *const BLANK[] = {"",     " \t\r", "\f",       "\v",
                                        "\x1c", "\x1f ", "\xc2\xa0", "\xe3\x80\x80 \xe2\x80\xa8"},
                             *const FILLED[] = {"a",    " .",  "\xe2\x80\x8b", "\xe3\x80\x80\xea\xb0\x80",
                                                "\xc2", "\x1b"};
    for (size_t i = 0; i < sizeof BLANK / sizeof *BLANK; i++)
        CHECK(el_line_blank((el_line){BLANK[i], strlen(BLANK[i])}), "\"%s\" is no blank line", BLANK[i]);
    for (size_t i = 0; i < sizeof FILLED / sizeof *FILLED; i++)
        CHECK(!el_line_blank((el_line){FILLED[i], strlen(FILLED[i])}), "\"%s\" is a blank line", FILLED[i]);
}

/* A file that is cut short or damaged is EL_EDATA and named. */
static void test_damage(void **state)
{
    (void)state;
    free(write_packed());
    static const struct {
        const char *name, *words;
    } cases[] = {{"cut.gz", "cut short"},  {"cut.zst", "cut short"},    {"cut.xz", "cut short"},
                 {"cut.bz2", "cut short"}, {"bad.gz", "damaged gzip"},  {"bad.zst", "damaged zstd"},
                 {"bad.xz", "damaged xz"}, {"bad.bz2", "damaged bzip2"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
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
    /* Two ways to write one syllable: a name that looks like it is there. */
    CHECK_OK(el_file_write(in_folder("\xe1\x84\x80\xe1\x85\xa1.txt"), "a\n", 2));
    char *const composed = (char *)(uintptr_t)in_folder("\xea\xb0\x80.txt"), *const other =
                                                                                 (char *)(uintptr_t)in_folder(
                                                                                     "\xea\xb0\x81.txt");
    CHECK_FAILS(read_all(&c, (char *[]){composed}, 1, (el_reader_settings){0}), EL_EDATA,
                "No such file or directory; one there looks the same");
    free(c.text);
    CHECK_FAILS(read_all(&c, (char *[]){other}, 1, (el_reader_settings){0}), EL_EDATA, "No such file");
    CHECK(!strstr(el_error(), "looks the same"), "of another name: %s", el_error());
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

static int lines_said;
static char line_said[512];

static void note(el_log_level level, const char *line)
{
    (void)level;
    lines_said++;
    snprintf(line_said, sizeof line_said, "%s", line);
}

static void write_lines(const char *path, const char *first, int firsts, const char *second, int seconds)
{
    char *const text = malloc((size_t)firsts * strlen(first) + (size_t)seconds * strlen(second) + 1),
                *at = text;
    for (int i = 0; i < firsts + seconds; i++)
        at = stpcpy(at, i < firsts ? first : second);
    CHECK_OK(el_file_write(path, text, (size_t)(at - text)));
    free(text);
}

/* Lines that are not UTF-8 are told by their number wherever they are; where they are many the file is refused, where they are
 * few it is read. */
static void test_broken_lines(void **state)
{
    (void)state;
    static const char ENGLISH[] = "a line of a text in English that goes on for a while\n",
                      WHOLE[] = "\xea\xb0\x80\n",
                      KOREAN[] = "\xb3\xaa\xb4\xc2 \xc7\xd0\xb1\xb3\xbf\xa1 \xb0\xa3\xb4\xd9.\n",
                      LATIN[] = "caf\xe9\n", CUT[] = "an end that is cut in \xea\xb0\n",
                      SURROGATES[] = "a smile \xed\xa0\xbd\xed\xb8\x80 in Java\n";
    static const struct {
        const char *first;
        int firsts;
        const char *second;
        int seconds;
        const char *refused, *said;
    } CASES[] = {
        {ENGLISH, 3000, KOREAN, 1000,
         "from line 3001 on, many lines are not UTF-8; perhaps they are CP949 or EUC-KR, and then iconv -f "
         "CP949 "
         "-t UTF-8 of those lines alone",
         NULL},
        {WHOLE, 20000, KOREAN, 3000, "from line 20001 on, many lines", NULL},
        {ENGLISH, 3000, KOREAN, 20, NULL,
         "line 3001 is not UTF-8, perhaps CP949 or EUC-KR (such lines: 20); what is broken is left out"},
        {ENGLISH, 3000, LATIN, 1, NULL,
         "line 3001 is not UTF-8, perhaps Latin-1 (such lines: 1); what is broken is left out"},
        {ENGLISH, 3000, WHOLE, 300, NULL, NULL},
        {CUT, 300, "an end that is cut in \xec\r\n", 300, NULL,
         "line 1 is not UTF-8, perhaps characters cut at the end of a line (such lines: 600)"},
        {WHOLE, 1, "\xea\xb0\x80\xea\xb0\x80\xea\n", 3000, NULL, "such lines: 3000"},
        {SURROGATES, 300, ENGLISH, 1, NULL, "perhaps surrogates (CESU-8)"},
    };
    char *path = (char *)(uintptr_t)in_folder("far.txt");
    el_log_to(note);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        content c;
        write_lines(path, CASES[i].first, CASES[i].firsts, CASES[i].second, CASES[i].seconds);
        lines_said = 0;
        const el_status st = read_all(&c, &path, 1, (el_reader_settings){0});
        if (CASES[i].refused)
            CHECK_FAILS(st, EL_EDATA, CASES[i].refused);
        else
            CHECK_OK(st);
        free(c.text);
        CHECK(lines_said == (CASES[i].said != NULL), "case %zu: %d lines are said", i, lines_said);
        CHECK(!CASES[i].said || strstr(line_said, CASES[i].said), "case %zu: \"%s\"", i, line_said);
        CHECK_OK(read_all(&c, &path, 1, (el_reader_settings){.any_encoding = true}));
        free(c.text);
    }
    write_lines(path, LATIN, 1, ENGLISH, 9);
    char *const many[] = {path, path, path, path, path, path, path};
    content c;
    lines_said = 0;
    CHECK_OK(read_all(&c, many, 7, (el_reader_settings){0}));
    free(c.text);
    CHECK(lines_said == 5 && strstr(line_said, "more such files are not named"), "%d lines, the last \"%s\"",
          lines_said, line_said);
    el_log_to(NULL);
}

/* Lines are counted over blocks, of which one may end within a broken line; the file is refused from where it is broken much
 * on, though a line was broken before. */
static void test_broken_lines_of_blocks(void **state)
{
    (void)state;
    enum { BEFORE = 3000, ONE = 5, KOREAN = 1000 };
    char *const path = (char *)(uintptr_t)in_folder("blocks.txt"), *const text =
                                                                       malloc(BEFORE * 64 + KOREAN * 8);
    char *at = text;
    for (int i = 1; i <= BEFORE; i++)
        at += sprintf(at, "line %d of a text in %s that goes on\n", i,
                      i == ONE ? "Fran\xe7"
                                 "ais"
                               : "English");
    for (int i = 0; i < KOREAN; i++)
        at = stpcpy(at, "\xb0\xa3\xb4\xd9.\n");
    CHECK_OK(el_file_write(path, text, (size_t)(at - text)));
    free(text);
    content c;
    CHECK_FAILS(read_all(&c, (char *[]){path}, 1, (el_reader_settings){.block_bytes = 1 << 16}), EL_EDATA,
                "from line 30");
    free(c.text);
    static const char LINES_OF[] =
        "one\na \xe9 in a line that is longer than a block of text, and a second \xe9\n"
        "whole\nand a last \xe9.\n";
    CHECK_OK(el_file_write(path, LINES_OF, sizeof LINES_OF - 1));
    el_log_to(note);
    lines_said = 0;
    CHECK_OK(read_all(&c, (char *[]){path}, 1, (el_reader_settings){.block_bytes = 32}));
    free(c.text);
    CHECK(lines_said == 1 && strstr(line_said, "line 2 is not UTF-8, perhaps Latin-1 (such lines: 2)"),
          "%d lines, \"%s\"", lines_said, line_said);
    el_log_to(NULL);
}

/* JSON is read as JSON by its ending, by its first line, or because it was said; what is not in lines is refused, and
 * nothing is guessed in silence. */
static void test_json_found(void **state)
{
    (void)state;
    static const char LINES_OF[] = "{\"text\": \"one\"}\n{\"text\": \"two\"}\n", TEXTS[] = "one\n\ntwo\n\n",
                      ARRAY[] = "[{\"text\": \"one\"}, {\"text\": \"two\"}]\n",
                      SPREAD[] = "{\n  \"text\": \"one\"\n}\n", OTHER[] = "{\"body\": \"one\"}\n",
                      PROSE[] = "{so} it begins\n[[and]] goes on\n", MARKUP[] = "[[so]] it begins\n",
                      NUMBERS[] = "[[1, 2],\n [3]]\n", QUOTED[] = "{\"so\"} it begins\n",
                      EXAMPLE[] = "{\"text\": \"an example\"}\nThis is prose.\n",
                      MIXED[] = "{\"text\": \"one\"}\n\n{\"text\": \"two\"}\n{\"body\": \"three\"}\n";
    static const struct {
        const char *name, *bytes;
        el_reader_settings settings;
        const char *text; /* NULL: refused with these words */
        const char *said;
    } CASES[] = {
        {"j.jsonl", LINES_OF, {0}, TEXTS, NULL},
        {"j.ndjson", LINES_OF, {0}, TEXTS, NULL},
        {"j.NDJSON", LINES_OF, {0}, TEXTS, NULL},
        {"j.ndjson.gz", LINES_OF, {0}, TEXTS, NULL},
        {"j.json", LINES_OF, {0}, TEXTS, NULL},
        {"j.json.xz", LINES_OF, {0}, TEXTS, NULL},
        {"j.json", ARRAY, {0}, NULL, "j.json: is a JSON array, and an object a line is wanted; jq -c '.[]'"},
        {"j.jsonl", ARRAY, {0}, NULL, "jq -c '.[]'"},
        {"j.json", SPREAD, {0}, NULL, "over several lines, and an object a line is wanted; jq -c . "},
        {"j.json", "words\n", {0}, NULL, "line 1, byte 1: no JSON object"},
        {"j.json", "", {0}, "", NULL},
        {"j.txt", LINES_OF, {0}, TEXTS, "the key \"text\": read as JSON lines"},
        {"j", "\n\n{\"n\": 1, \"text\": \"one\"}", {0}, "one\n\n", "the key \"text\": read as JSON lines"},
        {"j.txt", OTHER, {0}, OTHER, "--json-key names the key"},
        {"j.txt",
         EXAMPLE,
         {0},
         EXAMPLE,
         "line 2 is none with a text under the key \"text\": read as plain text"},
        {"j.txt", MIXED, {0}, MIXED, "line 4 is none with a text under the key \"text\": read as plain text"},
        {"j.jsonl", EXAMPLE, {0}, NULL, "line 2, byte 1: no JSON object"},
        {"j.txt", EXAMPLE, {.json = true}, NULL, "line 2, byte 1: no JSON object"},
        {"j.txt", ARRAY, {0}, ARRAY, "read as plain text; jq -c"},
        {"j.txt", SPREAD, {0}, SPREAD, "read as plain text; jq -c"},
        {"j.txt", PROSE, {0}, PROSE, NULL},
        {"j.txt", QUOTED, {0}, QUOTED, NULL},
        {"j.txt", MARKUP, {0}, MARKUP, NULL},
        {"j.txt", "[]\n", {0}, "[]\n", NULL},
        {"j.json", NUMBERS, {0}, NULL, "j.json: is a JSON array, and an object a line is wanted"},
        {"j.txt", LINES_OF, {.raw = true}, LINES_OF, NULL},
        {"j.txt", OTHER, {.json = true, .json_key = "body"}, "one\n\n", NULL},
        {"j.jsonl", LINES_OF, {.json_key = ""}, LINES_OF, NULL},
        {"j.json", ARRAY, {.json = true, .json_key = ""}, ARRAY, NULL},
        {"j.txt", LINES_OF, {.json_key = ""}, LINES_OF, NULL},
        {"j.txt", SPREAD, {.json_key = ""}, SPREAD, NULL},
        {"j.txt", PROSE, {.json = true}, NULL, "line 1"},
        {"j.txt", ARRAY, {.json = true}, NULL, "jq -c '.[]'"},
    };
    el_log_to(note);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char *path = (char *)(uintptr_t)in_folder(CASES[i].name);
        content c;
        CHECK_OK(el_file_write(path, CASES[i].bytes, strlen(CASES[i].bytes)));
        lines_said = 0;
        const el_status st = read_all(&c, &path, 1, CASES[i].settings);
        if (!CASES[i].text)
            CHECK_FAILS(st, EL_EDATA, CASES[i].said);
        else
            CHECK(!st && strcmp(c.text, CASES[i].text) == 0, "case %zu reads as \"%s\": %s", i, c.text,
                  el_error());
        const bool said = CASES[i].text && CASES[i].said;
        CHECK(lines_said == said, "case %zu: %d lines, %s", i, lines_said, line_said);
        CHECK(!said || strstr(line_said, CASES[i].said), "case %zu says %s", i, line_said);
        free(c.text);
    }
    el_log_to(NULL);
}

/* A folder of JSON in files of any name: it is said once, and those that are none are judged by themselves. */
static void test_json_among_files(void **state)
{
    (void)state;
    CHECK_OK(el_folder_make(in_folder("among")));
    CHECK_OK(el_file_write(in_folder("among/a"), "{\"text\": \"one\"}", 15));
    CHECK_OK(el_file_write(in_folder("among/b"), "two\n{three}\n", 12));
    CHECK_OK(el_file_write(in_folder("among/c"), "{\"text\": \"four\"}", 16));
    el_log_to(note);
    static const size_t SIZES[] = {0, 20, 40};
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        lines_said = 0;
        check_text(in_folder("among"), (el_reader_settings){.block_bytes = SIZES[i]},
                   "one\n\ntwo\n{three}\nfour\n\n", 2);
        CHECK(lines_said == 1, "%d lines are said", lines_said);
    }
    el_log_to(NULL);
}

/* A folder of texts may hold JSON of another form, however long: it is passed over, which is said once.  Named by itself it is
 * refused, and so is a file whose name promises lines. */
static void test_json_passed_over(void **state)
{
    (void)state;
    static const char SPREAD[] = "{\n  \"name\": \"a package\",\n  \"license\": \"MIT, as it is said\"\n}\n";
    CHECK_OK(el_folder_make(in_folder("over")));
    CHECK_OK(el_file_write(in_folder("over/a.txt"), "one\n", 4));
    CHECK_OK(el_file_write(in_folder("over/b.json"), SPREAD, strlen(SPREAD)));
    CHECK_OK(el_file_write(in_folder("over/c.json"), "{\"text\": \"two\"}\n", 16));
    CHECK_OK(el_file_write(in_folder("over/d.JSON"), "[\"a\", \"b\"]", 10));
    CHECK_OK(el_file_write(in_folder("over/e.txt"), "three", 5));
    CHECK_OK(el_file_write(in_folder("over/f.json.gz"), SPREAD, strlen(SPREAD)));
    CHECK_OK(el_file_write(in_folder("over/f2.json"), "[]\n", 3));
    CHECK_OK(el_file_write(in_folder("over/f3.json"), "[[1, 2], [3]]\n", 14));
    el_log_to(note);
    static const size_t SIZES[] = {0, 20, 40};
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        lines_said = 0;
        check_text(in_folder("over"),
                   (el_reader_settings){.ends = EL_ENDS_AT_BLANKS, .block_bytes = SIZES[i]},
                   "one\n\ntwo\n\n\nthree\n\n", 3);
        CHECK(lines_said == 1 &&
                  strstr(line_said, "over/b.json: is JSON and not an object a line: passed over"),
              "%d lines are said: %s", lines_said, line_said);
    }
    el_log_to(NULL);
    char *named = (char *)(uintptr_t)in_folder("over/b.json"), *all = (char *)(uintptr_t)in_folder("over");
    content c;
    CHECK_FAILS(read_all(&c, &named, 1, (el_reader_settings){0}), EL_EDATA, "over several lines");
    free(c.text);
    CHECK_OK(el_file_write(in_folder("over/g.jsonl"), SPREAD, strlen(SPREAD)));
    CHECK_FAILS(read_all(&c, &all, 1, (el_reader_settings){0}), EL_EDATA, "g.jsonl: has a JSON object over");
    free(c.text);
}

/* JSON lines of any length have the same texts in blocks of any size. */
static void test_long_json(void **state)
{
    (void)state;
    static const char *const PARTS[] = {"word ",
                                        "\\n",
                                        "\\n \\n",
                                        "caf\\u00e9 ",
                                        "\xea\xb0\x80\xea\xb0\x80",
                                        "\\ud83d\\ude00",
                                        "\\\\ ",
                                        "lines of some length\\nand more ",
                                        "\\u0041"};
    enum { PART_COUNT = sizeof PARTS / sizeof *PARTS };
    static char json[40000];
    static const int LENGTHS[] = {0, 1, 40, 3, 400, 0, 0, 90, 2000, 5};
    char *at = json;
    for (size_t i = 0; i < sizeof LENGTHS / sizeof *LENGTHS; i++) {
        at += sprintf(at, "{\"meta\": {\"text\": \"%*s\"}, \"text\": \"", i % 4 == 3 ? 300 : 1, "no");
        for (int k = 0; k < LENGTHS[i]; k++)
            at = stpcpy(at, PARTS[(size_t)(k * k + k / 5) % PART_COUNT]);
        at += sprintf(at, "\", \"more\": [%*d]}%s\n", i % 3 == 1 ? 200 : 1, 7, i == 6 ? "\n" : "");
        if (i == 4)
            at += sprintf(at, "%300s\n", ""); /* a blank line */
    }
    static const size_t SIZES[] = {16, 17, 31, 64, 100, 333, 1000, 5000};
    for (int open = 0; open < 2; open++) { /* the last line's newline is there, and is not */
        CHECK_OK(el_file_write(in_folder("long.jsonl"), json, (size_t)(at - json) - (size_t)open));
        for (int ends = EL_ENDS_UNMARKED; ends <= EL_ENDS_AT_FILES; ends++) {
            content whole;
            char *path = (char *)(uintptr_t)in_folder("long.jsonl");
            CHECK_OK(read_all(&whole, &path, 1, (el_reader_settings){.ends = (el_document_ends)ends}));
            for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++)
                check_text(path,
                           (el_reader_settings){.block_bytes = SIZES[i], .ends = (el_document_ends)ends},
                           whole.text, whole.documents);
            free(whole.text);
        }
    }
    CHECK_OK(el_file_write(in_folder("cut.jsonl"), json, (size_t)(at - json) - 4));
    content c;
    char *path = (char *)(uintptr_t)in_folder("cut.jsonl");
    CHECK_FAILS(read_all(&c, &path, 1, (el_reader_settings){.block_bytes = 16}), EL_EDATA,
                "line 12: the line ends");
    free(c.text);
    CHECK_FAILS(read_all(&c, &path, 1, (el_reader_settings){.block_bytes = 16, .json_key = "body"}), EL_EDATA,
                "line 1: no text under");
    free(c.text);
}

/* Folders are read sorted, recursively, without hidden files; the end of a file ends a line, and a document where they
 * are marked. */
static void test_folders(void **state)
{
    (void)state;
    CHECK_OK(el_folder_make(in_folder("f/b")));
    CHECK_OK(el_file_write(in_folder("f/c.txt"), "third", 5));
    CHECK_OK(el_file_write(in_folder("f/b/x.txt"), "second\n", 7));
    CHECK_OK(el_file_write(in_folder("f/a.txt"), "first\n", 6));
    CHECK_OK(el_file_write(in_folder("f/.hidden"), "hidden\n", 7));
    CHECK_OK(el_file_write(in_folder("f/empty.txt"), "", 0));
    check_text(in_folder("f"), (el_reader_settings){0}, "first\nsecond\nthird\n", 1);
    check_text(in_folder("f"), (el_reader_settings){.ends = EL_ENDS_AT_BLANKS},
               "first\n\nsecond\n\nthird\n\n\n", 3);
}

static void put(const char *name, const char *text)
{
    CHECK_OK(el_file_write(in_folder(name), text, strlen(text)));
}

/* Small files share a block, a larger one is cut as if it stood alone, and each is judged and named by itself. */
static void test_small_files(void **state)
{
    (void)state;
    static const char LONG[] = "one two three four five six seven\neight\n \nnine\n";
    CHECK_OK(el_folder_make(in_folder("s")));
    put("s/a.txt", "\xef\xbb\xbf"
                   "a\n\nb");
    put("s/b.jsonl", "{\"text\": \"c\\n\\nd\"}\n\n{\"text\": \"e\"}");
    put("s/c.txt", LONG);
    put("s/d.txt", " \nf\n");
    static const char *const WANTED[] = {
        [EL_ENDS_UNMARKED] = "a\n\nb\nc\nd\n\ne\n\none two three four five six seven\neight\n \nnine\n \nf\n",
        [EL_ENDS_AT_BLANKS] =
            "a\n\nb\n\nc\nd\n\ne\n\n\none two three four five six seven\neight\n \nnine\n\n \nf\n\n",
        [EL_ENDS_AT_FILES] =
            "a\nb\n\nc\nd\n\ne\n\n\none two three four five six seven\neight\nnine\n\nf\n\n"};
    static const int DOCUMENTS[] = {6, 7, 5};
    static const size_t SIZES[] = {16, 24, 40, 64, 0};
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++)
        for (int ends = EL_ENDS_UNMARKED; ends <= EL_ENDS_AT_FILES; ends++)
            check_text(in_folder("s"),
                       (el_reader_settings){
                           .block_bytes = SIZES[i], .ends = (el_document_ends)ends, .json_key = "text"},
                       WANTED[ends], DOCUMENTS[ends]);
    content c;
    char *path = (char *)(uintptr_t)in_folder("s");
    CHECK_OK(read_all(&c, &path, 1, (el_reader_settings){0}));
    CHECK(c.blocks == 1, "four small files are %d blocks", c.blocks);
    free(c.text);
    CHECK_OK(read_all(&c, &path, 1, (el_reader_settings){.prompt = true}));
    CHECK(c.blocks == 4, "what may be waited for is %d blocks, not a file each", c.blocks);
    free(c.text);
    CHECK_OK(el_file_write(in_folder("s/e.txt"), "PK\3\4\0\0", 6));
    CHECK_FAILS(read_all(&c, &path, 1, (el_reader_settings){0}), EL_EDATA, "e.txt");
    free(c.text);
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
        CHECK(block.bytes == cases[i].first && block.cut, "%s: %zu bytes, cut %d", cases[i].name, block.bytes,
              block.cut);
        CHECK_OK(el_reader_next(reader, &block));
        CHECK(!block.cut, "%s: the rest is cut as well", cases[i].name);
        CHECK_OK(el_reader_next(reader, &block));
        CHECK(block.bytes == 0, "%s: there is more", cases[i].name);
        el_reader_close(reader);
    }
}

/* Of a word as long as blocks the first block is given, which is unknown enough; what follows it stays. */
static void test_endless_word(void **state)
{
    (void)state;
    enum { BLOCK = 4096, BYTES = 3 * BLOCK + 100 };
    char *const text = malloc(BYTES + 32), *const wanted = malloc(BLOCK + 32);
    memset(text, 'a', BYTES);
    strcpy(text + BYTES, ", and more\nb\n");
    memset(wanted, 'a', BLOCK);
    strcpy(wanted + BLOCK, ", and more\nb\n");
    CHECK_OK(el_file_write(in_folder("endless"), text, strlen(text)));
    check_text(in_folder("endless"), (el_reader_settings){.block_bytes = BLOCK}, wanted, 1);
    check_text(in_folder("endless"), (el_reader_settings){.block_bytes = BLOCK, .raw = true}, text, 1);
    memset(text, 'a', BLOCK);
    text[BLOCK] = '\0';
    CHECK_OK(el_file_write(in_folder("endless"), text, BLOCK));
    check_text(in_folder("endless"), (el_reader_settings){.block_bytes = BLOCK}, text, 1);
    free(text);
    free(wanted);
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

/* Blocks of a reader from now on: what they hold, and where they end. */
enum { MOST_BLOCKS = 400, LONGEST_BLOCK = 1000 };
typedef struct {
    el_reader_place end;
    size_t bytes;
    char text[LONGEST_BLOCK];
} seen_block;

static int blocks_of(el_reader *reader, seen_block *blocks)
{
    el_block block = {.bytes = 1};
    int count = 0;
    while (block.bytes > 0) {
        CHECK_OK(el_reader_next(reader, &block));
        assert_true(count < MOST_BLOCKS && block.bytes <= LONGEST_BLOCK);
        blocks[count] = (seen_block){.end = block.end, .bytes = block.bytes};
        memcpy(blocks[count++].text, block.text, block.bytes);
    }
    return count;
}

/* From the end of every block another reader goes on with the blocks that follow: among small files and large ones, packed
 * ones, long lines, and JSON lines that widen the room and may have no text. */
static void test_places(void **state)
{
    (void)state;
    static const el_document_ends ENDS[] = {EL_ENDS_UNMARKED, EL_ENDS_AT_BLANKS, EL_ENDS_AT_FILES};
    static seen_block all[MOST_BLOCKS], rest[MOST_BLOCKS];
    static char text[4000], json[4000];
    size_t bytes = 0, json_bytes = 0;
    for (int i = 0; i < 60; i++) {
        bytes += (size_t)sprintf(text + bytes, "line %d %*s\n", i, i % 9 ? i : 160, i % 5 ? "" : "word");
        const int length = i == 20 ? 700 : i > 40 && i < 50 ? 0 : i; /* of its text */
        json_bytes +=
            (size_t)sprintf(json + json_bytes, "{\"text\": \"%*s\"}\n", length, length ? "a word" : "");
    }
    CHECK_OK(el_folder_make(in_folder("places")));
    CHECK_OK(el_file_write(in_folder("places/b.txt"), text, bytes));
    CHECK_OK(el_file_write(in_folder("places/d.jsonl"), json, json_bytes));
    CHECK_OK(el_file_write(in_folder("places/f.txt"), text, bytes / 2));
    for (const char *small = "acegh"; *small; small++) {
        char name[32];
        snprintf(name, sizeof name, "places/%c.txt", *small);
        CHECK_OK(el_file_write(in_folder(name), text, 20));
    }
    char *path = (char *)(uintptr_t)in_folder("places");
    for (int e = 0; e < 3; e++) {
        const el_reader_settings settings = {.ends = ENDS[e], .block_bytes = 100};
        el_reader *reader;
        CHECK_OK(el_reader_open(&reader, &path, 1, settings));
        const int count = blocks_of(reader, all);
        el_reader_close(reader);
        CHECK(count > 20, "%d blocks", count);
        for (int i = 0; i < count; i++) {
            uint64_t done, total;
            CHECK_OK(el_reader_open(&reader, &path, 1, settings));
            assert_true(el_reader_knows(reader, &all[i].end));
            CHECK_OK(el_reader_go(reader, &all[i].end));
            const int left = blocks_of(reader, rest);
            el_reader_progress(reader, &done, &total);
            CHECK(done == total, "%ld bytes read of %ld", (long)done, (long)total);
            el_reader_close(reader);
            CHECK(i + 1 == count ? left == 1 : left == count - i - 1, "%d blocks behind block %d of %d", left,
                  i, count);
            for (int k = 0; k + 1 < left; k++)
                assert_memory_equal(&rest[k], &all[i + 1 + k], sizeof rest[k]);
        }
    }
    CHECK_OK(el_file_write(in_folder("places/a.txt"), text, 21));
    el_reader *reader;
    CHECK_OK(el_reader_open(&reader, &path, 1, (el_reader_settings){.block_bytes = 100}));
    assert_false(el_reader_knows(reader, &all[5].end));
    el_reader_close(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packings),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_folders),
        cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_endless_word),
        cmocka_unit_test(test_around_packed),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_korean_utf16),
        cmocka_unit_test(test_byte_order_marks),
        cmocka_unit_test(test_no_blocking),
        cmocka_unit_test(test_small_files),
        cmocka_unit_test(test_broken_lines),
        cmocka_unit_test(test_broken_lines_of_blocks),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_long_json),
        cmocka_unit_test(test_returns),
        cmocka_unit_test(test_blank_lines),
        cmocka_unit_test(test_json_found),
        cmocka_unit_test(test_json_among_files),
        cmocka_unit_test(test_json_passed_over),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
