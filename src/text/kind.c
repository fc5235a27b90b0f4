/* kind - see the header */
#include "text/kind.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "text/json_kind.h"
#include "text/utf8.h"

/* Text is judged by its first LOOK bytes, and by each WINDOW: 8 broken bytes, and one in 128, are many. */
enum { LOOK = 1 << 16, WINDOW = 8 << 20, FEWEST_BROKEN = 8, BROKEN_OF = 128 };

/* ---- files of other kinds ---- */

typedef struct {
    size_t at, bytes;
    const char *magic, *what;
} magic;

#define UTF_32 "UTF-32; text must be UTF-8: iconv -f UTF-32 -t UTF-8 makes it so"

/* Of names that a text may begin with, what stands behind them too. */
static const magic OTHERS[] = {
    {0, 4, "PK\3\4", "a zip archive or an office document; unpack it, or save it as text"},
    {0, 5, "%PDF-", "a PDF document; take its text out first, as with pdftotext"},
    {0, 6, "{\\rtf1", "an RTF document; save it as text"},
    {0, 8, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "an office document; save it as text"},
    {0, 6, "7z\xBC\xAF\x27\x1C", "a 7z archive; unpack it first"},
    {0, 6, "Rar!\x1A\7", "a rar archive; unpack it first"},
    {0, 4, "\4\x22\x4D\x18", "packed with lz4; unpack it first"},
    {0, 2, "\x1F\x9D", "packed with compress; unpack it first"},
    {0, 3, "\x5D\0\0", "packed with lzma; unpack it first"},
    {0, 5, "LZIP\1", "packed with lzip; unpack it first"},
    {0, 4, "\x89LZO", "packed with lzop; unpack it first"},
    {257, 6, "ustar\0", "a tar archive; unpack it first"},
    {257, 8, "ustar  \0", "a tar archive; unpack it first"},
    {0, 5, "PAR1\x15", "a Parquet file; export its text"},
    {0, 8, "ARROW1\0\0", "an Arrow file; export its text"},
    {0, 4, "Obj\1", "an Avro file; export its text"},
    {0, 4, "\x89HDF", "an HDF5 file; export its text"},
    {0, 6, "\x93NUMPY", "a NumPy array; export its text"},
    {0, 16, "SQLite format 3\0", "a SQLite database; export its text"},
    {0, 4,
     "\x7F"
     "ELF",
     "a program"},
    {0, 4, "\x89PNG", "a picture"},
    {0, 3, "\xFF\xD8\xFF", "a picture"},
    {0, 4, "\xFF\xFE\0\0", UTF_32}, /* before UTF-16, whose mark it begins with */
    {0, 4, "\0\0\xFE\xFF", UTF_32},
};
#undef UTF_32

static const char *other_kind(const char *text, size_t bytes)
{
    for (size_t i = 0; i < sizeof OTHERS / sizeof *OTHERS; i++) {
        const magic *const m = &OTHERS[i];
        if (bytes >= m->at + m->bytes && memcmp(text + m->at, m->magic, m->bytes) == 0)
            return m->what;
    }
    return NULL;
}

/* ---- encodings ---- */

/* Bytes that text in UTF-8 has not. */
typedef struct {
    size_t zeros;
    size_t ascii[2]; /* pairs of ASCII and a zero, as UTF-16LE has them, and UTF-16BE */
    size_t controls; /* that no text has */
} controls;

static bool is_control(unsigned char byte)
{
    static const uint32_t OF_TEXT = 0x0c003e00; /* tab to carriage return, the end of DOS files, escape */
    return byte < ' ' && !(OF_TEXT >> byte & 1);
}

static void count_controls(controls *c, const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        const unsigned char byte = (unsigned char)text[i],
                            other = (i ^ 1) < bytes ? (unsigned char)text[i ^ 1] : 0;
        if (!is_control(byte))
            continue;
        c->controls += byte != 0;
        c->zeros += byte == 0;
        c->ascii[i % 2 == 0] += byte == 0 && other < 127 && !is_control(other);
    }
}

static bool is_surrogate(const char *at, const char *end)
{
    const unsigned char *const b = (const unsigned char *)at;
    return end - at >= 3 && b[0] == 0xED && b[1] >= 0xA0 && b[1] <= 0xBF && (b[2] & 0xC0) == 0x80;
}

static bool ends_line(const char *at, const char *end)
{
    return at == end || *at == '\n' || *at == '\r';
}

/* Where broken bytes count that no others stand before: bytes in a row are likelier those of another encoding. */
static uint64_t *count_for(el_kind_counts *c, const char *at, int length, const char *end)
{
    const unsigned char first = (unsigned char)*at;
    if (is_surrogate(at, end))
        return &c->surrogates;
    if (first < 0xC2 || first > 0xF4 || !ends_line(at + length, end))
        return &c->strange;
    return length > 1 ? &c->cut : &c->cut_first;
}

static void count_broken(el_kind_counts *c, const char *text, size_t bytes)
{
    bool behind = false; /* strange bytes */
    for (const char *at = text, *const end = text + bytes; at < end;) {
        uint32_t point;
        const bool high = (unsigned char)*at > 127;
        int length = el_utf8_decode(at, end, &point);
        const bool broken = high && point == EL_REPLACEMENT && el_utf8_valid(at, (size_t)length) == 0;
        uint64_t *const count = !broken ? &c->whole : behind ? &c->strange : count_for(c, at, length, end);
        length = count == &c->surrogates ? 3 : length;
        *count += broken ? (uint64_t)length : high;
        behind = count == &c->strange;
        at += length;
        c->pairs += behind && (length > 1 || (at < end && (unsigned char)*at > 127));
    }
}

/* First bytes at the ends of lines are cut characters where others are cut too, or whole. */
static bool has_cut(const el_kind_counts *c)
{
    return c->cut > 0 || c->whole > c->strange;
}

static uint64_t cut_of(const el_kind_counts *c)
{
    return c->cut + (has_cut(c) ? c->cut_first : 0);
}

static uint64_t strange_of(const el_kind_counts *c)
{
    return c->strange + (has_cut(c) ? 0 : c->cut_first);
}

/* Whether every four bytes are a character of the planes that have letters, and no control character.  UTF-16 is none such:
 * of two of its characters one would be a control character. */
static bool is_utf32(const char *text, size_t bytes, bool big)
{
    const unsigned char *const b = (const unsigned char *)text;
    for (size_t i = 0; i + 4 <= bytes; i += 4) {
        const unsigned char top = b[i + (big ? 0 : 3)], plane = b[i + (big ? 1 : 2)],
                            high = b[i + (big ? 2 : 1)], low = b[i + (big ? 3 : 0)];
        if (top || plane > 3 || (!plane && high >= 0xD8 && high <= 0xDF) ||
            (!plane && !high && is_control(low)))
            return false;
    }
    return bytes >= 4;
}

/* Which UTF-16 or UTF-32 text is, or NULL.  A mark says so, or what UTF-32 leaves zero; or pairs of an ASCII byte and a zero, of
 * which text that is broken as UTF-8 (Korean) may have few.  UTF-16 has no more zeros than other bytes. */
static const char *wide_name(const char *text, size_t bytes, const controls *z, const el_kind_counts *c)
{
    if (bytes >= 2 && (memcmp(text, "\xFF\xFE", 2) == 0 || memcmp(text, "\xFE\xFF", 2) == 0))
        return "UTF-16";
    for (int big = 0; big < 2; big++)
        if (is_utf32(text, bytes, big))
            return big ? "UTF-32BE" : "UTF-32LE";
    const bool big = z->ascii[1] > z->ascii[0];
    const bool many =
        z->ascii[big] > bytes / 8 || (strange_of(c) > c->whole && z->ascii[big] >= FEWEST_BROKEN);
    if (!many || z->zeros > (bytes + 1) / 2 || z->ascii[!big] > z->ascii[big] / 16)
        return NULL;
    return big ? "UTF-16BE" : "UTF-16LE";
}

static size_t count_of(char c, const char *text, size_t bytes)
{
    size_t count = 0;
    for (const char *at = text, *const end = text + bytes;
         at < end && (at = memchr(at, c, (size_t)(end - at))); at++)
        count++;
    return count;
}

/* Whether lines end as those of old Macintoshes did: a stray carriage return or two in a long line are none.  Between values
 * of JSON they are white space. */
static bool ends_in_returns(const char *text, size_t bytes)
{
    if (memchr(text, '\n', bytes))
        return false;
    const size_t returns = count_of('\r', text, bytes);
    return returns >= 2 && returns >= bytes / LOOK && el_json_kind_of(text, bytes) <= EL_JSON_BRACKETS;
}

/* What text that is not UTF-8 may be in: for a person, and for iconv. */
typedef struct {
    const char *name, *code;
} encoding;

/* Two bytes beyond ASCII in a row are likelier a Korean syllable; Latin-1 has no letter in two bytes. */
static encoding encoding_of(const el_kind_counts *c)
{
    return 4 * c->pairs > strange_of(c) ? (encoding){"CP949 or EUC-KR", "CP949"}
                                        : (encoding){"Latin-1", "LATIN1"};
}

/* What most of the broken bytes may be; iconv helps none but other encodings. */
static encoding guess_of(const el_kind_counts *c)
{
    const uint64_t strange = strange_of(c), cut = cut_of(c);
    return strange >= cut && strange >= c->surrogates ? encoding_of(c)
           : cut >= c->surrogates ? (encoding){"characters cut at the end of a line", NULL}
                                  : (encoding){"surrogates (CESU-8)", NULL};
}

/* Whether of so many bytes many are of another encoding, and more than there are whole characters. */
static bool is_strange(const el_kind_counts *c, uint64_t bytes)
{
    const uint64_t strange = strange_of(c);
    return strange >= FEWEST_BROKEN && strange > c->whole && strange >= bytes / BROKEN_OF;
}

el_status el_kind_check(const char *text, size_t bytes, bool encoded, const char *name)
{
    const size_t all = bytes;
    bytes = bytes < LOOK ? bytes : LOOK;
    const char *const other = other_kind(text, bytes);
    if (other)
        return el_fail(EL_EDATA, "%s: this is %s", name, other);
    controls z = {0};
    el_kind_counts c = {0};
    count_controls(&z, text, bytes);
    if (el_utf8_valid(text, bytes) < bytes) /* the usual file is whole */
        count_broken(&c, text, bytes);
    const char *const wide = wide_name(text, bytes, &z, &c);
    if (wide)
        return el_fail(EL_EDATA,
                       "%s: this looks like %s; text must be UTF-8: iconv -f %s -t UTF-8 makes it so", name,
                       wide, wide);
    if (z.zeros > bytes / 8)
        return el_fail(EL_EDATA, "%s: this is no text (%zu of the first %zu bytes are zero)", name, z.zeros,
                       bytes);
    if (z.controls >= FEWEST_BROKEN && z.controls > bytes / 8)
        return el_fail(EL_EDATA, "%s: this is no text (%zu of the first %zu bytes are control characters)",
                       name, z.controls, bytes);
    if (ends_in_returns(text, all))
        return el_fail(EL_EDATA,
                       "%s: its lines end in carriage returns alone; tr '\\r' '\\n' makes lines of them",
                       name);
    if (!encoded || !is_strange(&c, bytes))
        return EL_OK;
    const encoding in = encoding_of(&c);
    return el_fail(EL_EDATA,
                   "%s: this is not UTF-8; perhaps it is %s, and then iconv -f %s -t UTF-8 makes it so", name,
                   in.name, in.code);
}

/* ---- lines ---- */

/* A line from where it is broken on, which may be the rest of one that was cut. */
static void note_broken(el_kind_lines *l, const char *text, size_t bytes, el_kind_counts *c)
{
    const uint64_t number = l->ended + 1;
    l->broken += number != l->last;
    l->last = number;
    l->first = l->first ? l->first : number;
    count_broken(c, text, bytes);
}

static void add_counts(el_kind_counts *to, const el_kind_counts *c)
{
    to->whole += c->whole;
    to->cut += c->cut;
    to->cut_first += c->cut_first;
    to->surrogates += c->surrogates;
    to->strange += c->strange;
    to->pairs += c->pairs;
}

el_status el_kind_check_lines(el_kind_lines *l, const char *text, size_t bytes, const char *name)
{
    el_kind_counts c = {0}; /* of broken lines */
    uint64_t first = 0;     /* of them */
    for (const char *at = text, *const end = text + bytes; at < end;) {
        const size_t whole = el_utf8_valid(at, (size_t)(end - at));
        l->ended += count_of('\n', at, whole);
        at += whole;
        if (at == end)
            break;
        const char *const newline = memchr(at, '\n', (size_t)(end - at));
        const char *const next = newline ? newline + 1 : end;
        first = first ? first : l->ended + 1;
        note_broken(l, at, (size_t)(next - at), &c);
        l->ended += newline != NULL;
        at = next;
    }
    l->bytes += bytes;
    add_counts(&l->counts, &c);
    if (!is_strange(&c, l->bytes < WINDOW ? l->bytes : WINDOW))
        return EL_OK;
    c = (el_kind_counts){0}; /* of all lines */
    count_broken(&c, text, bytes);
    if (!is_strange(&c, 0))
        return EL_OK;
    const encoding in = encoding_of(&c);
    return el_fail(EL_EDATA,
                   "%s: from line %" PRIu64
                   " on, many lines are not UTF-8; perhaps they are %s, and then iconv "
                   "-f %s -t UTF-8 of those lines alone makes them so",
                   name, first, in.name, in.code);
}

void el_kind_say_lines(const el_kind_lines *l, const char *name)
{
    if (l->broken)
        el_log(EL_LOG_WARNING,
               "%s: line %" PRIu64 " is not UTF-8, perhaps %s (such lines: %" PRIu64
               "); what is broken is left out",
               name, l->first, guess_of(&l->counts).name, l->broken);
}

bool el_kind_check_line(const char *text, size_t bytes, char said[EL_KIND_SAID])
{
    const size_t at = el_utf8_valid(text, bytes);
    const char *const zero = memchr(text, '\0', at);
    if (at == bytes && !zero)
        return true;
    if (zero) {
        snprintf(said, EL_KIND_SAID, "byte %zu is zero", (size_t)(zero - text) + 1);
        return false;
    }
    el_kind_counts c = {0};
    count_broken(&c, text, bytes);
    const encoding in = guess_of(&c);
    if (in.code)
        snprintf(said, EL_KIND_SAID,
                 "byte %zu is not valid UTF-8; if it is in %s, iconv -f %s -t UTF-8 makes it so", at + 1,
                 in.name, in.code);
    else
        snprintf(said, EL_KIND_SAID, "byte %zu is not valid UTF-8 (perhaps %s)", at + 1, in.name);
    return false;
}
