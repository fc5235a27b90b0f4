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

/* What there is of which bytes. */
typedef struct {
    size_t zeros;
    size_t ascii[2];     /* pairs of ASCII and a zero, as UTF-16LE has them, and UTF-16BE */
    size_t controls;     /* that no text has */
    size_t whole;        /* characters of several bytes */
    size_t broken;       /* bytes above 127 in no character */
    size_t broken_pairs; /* pairs of them side by side */
} counts;

static bool is_control(unsigned char byte)
{
    static const uint32_t OF_TEXT = 0x0c003e00; /* tab to carriage return, the end of DOS files, escape */
    return byte < ' ' && !(OF_TEXT >> byte & 1);
}

static void count_zeros(counts *c, const char *text, size_t bytes)
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

static void count_broken(counts *c, const char *text, size_t bytes)
{
    bool after_broken = false;
    for (const char *at = text, *const end = text + bytes; at < end;) {
        uint32_t point;
        const bool high = (unsigned char)*at > 127;
        const int length = el_utf8_decode(at, end, &point);
        const bool broken = high && point == EL_REPLACEMENT && el_utf8_valid(at, (size_t)length) == 0;
        c->whole += high && !broken;
        c->broken += broken ? (size_t)length : 0;
        c->broken_pairs += broken && (after_broken || length > 1);
        after_broken = broken && !after_broken && length == 1;
        at += length;
    }
}

/* Which UTF-16 text is, or NULL: a mark says so, or pairs of an ASCII byte and a zero, of which text that is broken as UTF-8
 * (Korean) may have few. */
static const char *utf16_name(const char *text, size_t bytes, const counts *c)
{
    if (bytes >= 2 && (memcmp(text, "\xFF\xFE", 2) == 0 || memcmp(text, "\xFE\xFF", 2) == 0))
        return "UTF-16";
    const bool big = c->ascii[1] > c->ascii[0];
    const bool many = c->ascii[big] > bytes / 8 || (c->broken && c->ascii[big] >= FEWEST_BROKEN);
    return !many || c->ascii[!big] > c->ascii[big] / 16 ? NULL : big ? "UTF-16BE" : "UTF-16LE";
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

/* Two bytes beyond ASCII in a row are likelier a Korean syllable, one alone a letter of western Europe. */
static encoding encoding_of(bool korean)
{
    return korean ? (encoding){"CP949 or EUC-KR", "CP949"} : (encoding){"Latin-1", "LATIN1"};
}

static encoding encoding_by(const counts *c)
{
    return encoding_of(4 * c->broken_pairs > c->broken); /* Latin-1 has no letter in two bytes */
}

/* Whether of so many bytes many are broken, and more than there are whole characters. */
static bool is_broken(const counts *c, uint64_t bytes)
{
    return c->broken >= FEWEST_BROKEN && c->broken > c->whole && c->broken >= bytes / BROKEN_OF;
}

el_status el_kind_check(const char *text, size_t bytes, bool encoded, const char *name)
{
    const size_t all = bytes;
    bytes = bytes < LOOK ? bytes : LOOK;
    const char *const other = other_kind(text, bytes);
    if (other)
        return el_fail(EL_EDATA, "%s: this is %s", name, other);
    counts c = {0};
    count_zeros(&c, text, bytes);
    if (el_utf8_valid(text, bytes) < bytes) /* the usual file is whole */
        count_broken(&c, text, bytes);
    const char *const utf16 = utf16_name(text, bytes, &c);
    if (utf16)
        return el_fail(EL_EDATA, "%s: this is %s; text must be UTF-8: iconv -f %s -t UTF-8 makes it so", name,
                       utf16, utf16);
    if (c.zeros > bytes / 8)
        return el_fail(EL_EDATA, "%s: this is no text (%zu of the first %zu bytes are zero)", name, c.zeros,
                       bytes);
    if (c.controls >= FEWEST_BROKEN && c.controls > bytes / 8)
        return el_fail(EL_EDATA, "%s: this is no text (%zu of the first %zu bytes are control characters)",
                       name, c.controls, bytes);
    if (ends_in_returns(text, all))
        return el_fail(EL_EDATA,
                       "%s: its lines end in carriage returns alone; tr '\\r' '\\n' makes lines of them",
                       name);
    if (!encoded || !is_broken(&c, bytes))
        return EL_OK;
    const encoding in = encoding_by(&c);
    return el_fail(EL_EDATA,
                   "%s: this is not UTF-8; it looks like %s, and then iconv -f %s -t UTF-8 makes it so", name,
                   in.name, in.code);
}

/* ---- lines ---- */

/* A line from where it is broken on, which may be the rest of one that was cut. */
static void note_broken(el_kind_lines *l, const char *text, size_t bytes, counts *c)
{
    const uint64_t number = l->ended + 1;
    l->broken += number != l->last;
    l->last = number;
    l->first = l->first ? l->first : number;
    count_broken(c, text, bytes);
}

el_status el_kind_check_lines(el_kind_lines *l, const char *text, size_t bytes, const char *name)
{
    counts c = {0}; /* of broken lines */
    for (const char *at = text, *const end = text + bytes; at < end;) {
        const size_t whole = el_utf8_valid(at, (size_t)(end - at));
        l->ended += count_of('\n', at, whole);
        at += whole;
        if (at == end)
            break;
        const char *const newline = memchr(at, '\n', (size_t)(end - at));
        const char *const next = newline ? newline + 1 : end;
        note_broken(l, at, (size_t)(next - at), &c);
        l->ended += newline != NULL;
        at = next;
    }
    l->bytes += bytes;
    l->broken_bytes += c.broken;
    l->broken_pairs += c.broken_pairs;
    if (!is_broken(&c, l->bytes < WINDOW ? l->bytes : WINDOW))
        return EL_OK;
    c = (counts){0}; /* of all lines */
    count_broken(&c, text, bytes);
    if (!is_broken(&c, 0))
        return EL_OK;
    const encoding in = encoding_by(&c);
    return el_fail(EL_EDATA,
                   "%s: from line %" PRIu64 " on, %" PRIu64
                   " lines are not UTF-8; they look like %s, and then iconv -f %s -t UTF-8 makes them so",
                   name, l->first, l->broken, in.name, in.code);
}

void el_kind_say_lines(const el_kind_lines *l, const char *name)
{
    const encoding in = encoding_by(&(counts){.broken = l->broken_bytes, .broken_pairs = l->broken_pairs});
    if (l->broken)
        el_log(EL_LOG_WARNING,
               "%s: line %" PRIu64 " is not UTF-8 (such lines: %" PRIu64
               "); what is broken is left out; if it is in %s, iconv -f %s -t UTF-8 makes it so",
               name, l->first, l->broken, in.name, in.code);
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
    const encoding in = encoding_of(at + 1 < bytes && (unsigned char)text[at + 1] >= 0x80);
    snprintf(said, EL_KIND_SAID,
             "byte %zu is not valid UTF-8; if it is in %s, iconv -f %s -t UTF-8 makes it so", at + 1, in.name,
             in.code);
    return false;
}
