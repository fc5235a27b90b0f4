/* normalize - from raw text to words (see the header for the steps; normalize_table.h for the table) */
#include "normalize.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/grow.h"
#include "normalize_table.h"
#include "utf8.h"

typedef struct {
    uint32_t first, last;
} range;

/* Hugging Face's `tokenizers` takes categories from Unicode 8 and NFD from Unicode 9, utf8proc both from a
 * later version.  Marks, punctuation and format characters that came between are plain characters there, and
 * neither taken apart nor moved, and so they are here (up to Unicode 15). */
static const range younger[] = {
    {0x61D, 0x61D},     {0x7FD, 0x7FD},     {0x890, 0x8E2},     {0x9FD, 0x9FE},     {0xA76, 0xA76},
    {0xAFA, 0xAFF},     {0xB55, 0xB55},     {0xC04, 0xC3C},     {0xC77, 0xC77},     {0xC84, 0xC84},
    {0xD00, 0xD00},     {0xD3B, 0xD3C},     {0xD81, 0xD81},     {0xEBA, 0xEBA},     {0xECE, 0xECE},
    {0x1715, 0x1715},   {0x180F, 0x180F},   {0x1885, 0x1886},   {0x1ABF, 0x1ACE},   {0x1B7D, 0x1B7E},
    {0x1DF6, 0x1DFB},   {0x2E43, 0x2E5D},   {0xA82C, 0xA82C},   {0xA8C5, 0xA8C5},   {0xA8FF, 0xA8FF},
    {0xA9BD, 0xA9BD},   {0x10D24, 0x10D27}, {0x10EAB, 0x10EAD}, {0x10EFD, 0x10EFF}, {0x10F46, 0x10F89},
    {0x11070, 0x11074}, {0x110C2, 0x110CD}, {0x111CF, 0x111CF}, {0x1123E, 0x1123E}, {0x11241, 0x11241},
    {0x1133B, 0x1133B}, {0x11438, 0x1145E}, {0x11660, 0x1166C}, {0x116B9, 0x116B9}, {0x1182F, 0x1183B},
    {0x11938, 0x11946}, {0x119D4, 0x11AA2}, {0x11B00, 0x11B09}, {0x11C30, 0x11CB6}, {0x11D31, 0x11D47},
    {0x11D90, 0x11D97}, {0x11EF3, 0x11EF8}, {0x11F00, 0x11F4F}, {0x11FFF, 0x11FFF}, {0x12FF1, 0x12FF2},
    {0x13430, 0x13455}, {0x16E97, 0x16E9A}, {0x16F4F, 0x16F4F}, {0x16FE2, 0x16FE4}, {0x16FF0, 0x16FF1},
    {0x1CF00, 0x1CF46}, {0x1E000, 0x1E02A}, {0x1E08F, 0x1E08F}, {0x1E130, 0x1E136}, {0x1E2AE, 0x1E2EF},
    {0x1E4EC, 0x1E4EF}, {0x1E944, 0x1E95F}};

/* Its lower-casing, though, is of Unicode 17: the capitals that utf8proc may not know yet. */
static const struct {
    uint32_t first, last, lower; /* of the first */
} newer_capitals[] = {
    {0x1C89, 0x1C89, 0x1C8A},    {0xA7CB, 0xA7CB, 0x264},  {0xA7CC, 0xA7CC, 0xA7CD},
    {0xA7CE, 0xA7CE, 0xA7CF},    {0xA7D2, 0xA7D2, 0xA7D3}, {0xA7D4, 0xA7D4, 0xA7D5},
    {0xA7DA, 0xA7DA, 0xA7DB},    {0xA7DC, 0xA7DC, 0x19B},  {0x10D50, 0x10D65, 0x10D70},
    {0x16EA0, 0x16EB8, 0x16EBB},
};

/* The CJK blocks that Hugging Face sets apart; it has 2B920 where the original has 2B820. */
static const range ideographs[] = {
    {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFAFF},   {0x20000, 0x2A6DF},
    {0x2A700, 0x2B81F}, {0x2B920, 0x2CEAF}, {0x2F800, 0x2FA1F},
};

/* Of ranges in their order. */
static bool is_in(const range *ranges, size_t count, uint32_t c)
{
    size_t first = 0;
    for (size_t end = count; first < end;) {
        const size_t middle = (first + end) / 2;
        if (c > ranges[middle].last)
            first = middle + 1;
        else
            end = middle;
    }
    return first < count && c >= ranges[first].first;
}

static bool is_younger(uint32_t c)
{
    return is_in(younger, sizeof younger / sizeof *younger, c);
}

static bool is_ideograph(uint32_t c)
{
    return is_in(ideographs, sizeof ideographs / sizeof *ideographs, c);
}

/* Marks of Unicode 9: NFD knows them already. */
static const range known_to_nfd[] = {
    {0x8D4, 0x8E1},     {0x1DFB, 0x1DFB},   {0x11442, 0x11446},
    {0x11C3F, 0x11C3F}, {0x1E000, 0x1E02A}, {0x1E944, 0x1E94A},
};

uint8_t el_combining_class(uint32_t c)
{
    const bool unknown = is_younger(c) && !is_in(known_to_nfd, sizeof known_to_nfd / sizeof *known_to_nfd, c);
    return unknown ? 0 : (uint8_t)utf8proc_get_property((utf8proc_int32_t)c)->combining_class;
}

/* The category as Unicode 8 had it. */
static utf8proc_category_t category_of(uint32_t c)
{
    if (c == 0x166D || c == 0x111C9) /* CANADIAN SYLLABICS CHI SIGN, SHARADA SANDHI MARK */
        return UTF8PROC_CATEGORY_PO;
    if (c == 0x1734) /* HANUNOO SIGN PAMUDPOD */
        return UTF8PROC_CATEGORY_MN;
    const utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
    switch (category) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
        return is_younger(c) ? UTF8PROC_CATEGORY_LO : category;
    default:
        return category;
    }
}

static bool is_punctuation(uint32_t c)
{
    if (c < 0x80)
        return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) || (c >= 123 && c <= 126);
    const utf8proc_category_t category = category_of(c);
    return category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO;
}

bool el_is_white_space(uint32_t c)
{
    static const range white[] = {{9, 13},          {0x20, 0x20},     {0x85, 0x85},     {0xA0, 0xA0},
                                  {0x1680, 0x1680}, {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F},
                                  {0x205F, 0x205F}, {0x3000, 0x3000}};
    return is_in(white, sizeof white / sizeof *white, c);
}

static bool is_blank(uint32_t c)
{
    enum { ZERO_WIDTH_SPACE = 0x200B, BYTE_ORDER_MARK = 0xFEFF };
    return el_is_white_space(c) || c == ZERO_WIDTH_SPACE || c == BYTE_ORDER_MARK;
}

size_t el_without_blanks(const char **text, size_t bytes)
{
    const char *at = *text, *const end = *text + bytes, *filled;
    uint32_t c;
    int length;
    while (at < end && (length = el_utf8_decode(at, end, &c), is_blank(c)))
        at += length;
    *text = filled = at;
    while (at < end) {
        at += el_utf8_decode(at, end, &c);
        filled = is_blank(c) ? filled : at;
    }
    return (size_t)(filled - *text);
}

bool el_is_blank(const char *text)
{
    return el_without_blanks(&text, strlen(text)) == 0;
}

/* Steps 1 and 2: what becomes of the character itself, before it is decomposed or lower-cased. */
static uint32_t class_when_cleaned(uint32_t c, bool chinese_chars, bool clean_text)
{
    if (!clean_text)
        return el_is_white_space(c)               ? CLASS_SPACE
               : chinese_chars && is_ideograph(c) ? CLASS_IDEOGRAPH
                                                  : CLASS_PLAIN;
    if (c == '\t' || c == '\n' || c == '\r')
        return CLASS_SPACE;
    if (c == EL_REPLACEMENT)
        return CLASS_DROP;
    switch (category_of(c)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CS:
        return CLASS_DROP;
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return CLASS_SPACE;
    default:
        return chinese_chars && is_ideograph(c) ? CLASS_IDEOGRAPH : CLASS_PLAIN;
    }
}

/* Step 4 for one character; returns how many it becomes. */
static int lower(uint32_t c, uint32_t out[2])
{
    if (c == 0x130) { /* the only one that becomes two */
        out[0] = 'i';
        out[1] = 0x307;
        return 2;
    }
    out[0] = (uint32_t)utf8proc_tolower((utf8proc_int32_t)c);
    for (size_t i = 0; out[0] == c && i < sizeof newer_capitals / sizeof *newer_capitals; i++)
        if (c >= newer_capitals[i].first && c <= newer_capitals[i].last)
            out[0] = newer_capitals[i].lower + (c - newer_capitals[i].first);
    return 1;
}

enum { MOST_PARTS = 8 };

/* Steps 3 to 5: the entries that a character becomes; returns how many, or -1 for "none, but it fixes". */
static int parts_of(uint32_t c, uint32_t class, el_casing casing, uint32_t parts[MOST_PARTS])
{
    utf8proc_int32_t decomposed[MOST_PARTS] = {(utf8proc_int32_t)c};
    int count = 1, made = 0;
    bool fixes = false;
    if (casing.strip_accents && !is_younger(c))
        count = (int)utf8proc_decompose_char((utf8proc_int32_t)c, decomposed, MOST_PARTS, UTF8PROC_DECOMPOSE,
                                             NULL);
    if (count < 0 || count > MOST_PARTS / 2) { /* none is so long in any Unicode version so far */
        count = 1;
        decomposed[0] = (utf8proc_int32_t)c;
    }
    for (int i = 0; i < count; i++) {
        const uint32_t d = (uint32_t)decomposed[i];
        const bool moves = casing.strip_accents && el_combining_class(d) != 0;
        if (casing.strip_accents && category_of(d) == UTF8PROC_CATEGORY_MN) {
            fixes |= !moves;
            continue;
        }
        uint32_t lowered[2] = {d};
        const int pieces = casing.lowercase ? lower(d, lowered) : 1;
        for (int j = 0; j < pieces; j++) {
            const uint32_t own = class != CLASS_PLAIN         ? class
                                 : is_punctuation(lowered[j]) ? CLASS_ALONE
                                                              : CLASS_PLAIN;
            parts[made++] = lowered[j] | own | MAPPED | (moves ? MOVES : 0);
        }
    }
    return made == 0 && fixes ? -1 : made;
}

static el_status reserve(uint32_t **list, size_t *room, int need)
{
    return el_grow(list, room, (size_t)need, sizeof **list) ? EL_OK : el_no_memory(NULL);
}

/* Letters without case or parts, and what is not assigned: most of Unicode, quickly told. */
static bool stays_itself(uint32_t c)
{
    const utf8proc_property_t *property = utf8proc_get_property((utf8proc_int32_t)c);
    const bool hangul = c >= 0xAC00 && c <= 0xD7A3, maybe_capital = c >= 0x1C89 && c <= 0x16EB8;
    return (property->category == UTF8PROC_CATEGORY_LO ||
            (property->category == UTF8PROC_CATEGORY_CN && !maybe_capital)) &&
           property->decomp_seqindex == UINT16_MAX && !hangul;
}

static el_status make_entry(el_normalizer *n, uint32_t c, el_casing casing, uint32_t *entry)
{
    if (stays_itself(c)) {
        *entry = casing.chinese_chars && is_ideograph(c) ? CLASS_IDEOGRAPH : CLASS_PLAIN;
        return EL_OK;
    }
    const uint32_t class = class_when_cleaned(c, casing.chinese_chars, n->clean_text);
    *entry = class;
    if (class == CLASS_DROP || class == CLASS_SPACE)
        return EL_OK;
    uint32_t parts[MOST_PARTS];
    const int count = parts_of(c, class, casing, parts);
    if (count <= 0) {
        *entry = CLASS_DROP | (count < 0 ? FIXES : 0);
        return EL_OK;
    }
    if (count == 1) {
        const bool itself = (parts[0] & VALUE_MASK) == c;
        *entry = itself ? parts[0] & ~(uint32_t)(MAPPED | VALUE_MASK) : parts[0];
        return EL_OK;
    }
    const el_status st = reserve(&n->expansions, &n->expansion_room, n->expansion_count + 1 + count);
    if (st)
        return st;
    *entry = (uint32_t)n->expansion_count | MAPPED | EXPANDS;
    n->expansions[n->expansion_count++] = (uint32_t)count;
    for (int i = 0; i < count; i++)
        n->expansions[n->expansion_count++] = parts[i];
    return EL_OK;
}

static bool is_block(const el_normalizer *n, int block, const uint32_t *entries)
{
    return block < n->block_count && memcmp(n->blocks + block * BLOCK, entries, BLOCK * sizeof *entries) == 0;
}

/* The place of a block with these entries: the first or the newest where equal, else a new one. */
static el_status keep_block(el_normalizer *n, const uint32_t *entries, uint16_t *place)
{
    const int newest = n->block_count > 0 ? n->block_count - 1 : 0;
    if (is_block(n, 0, entries) || is_block(n, newest, entries)) {
        *place = (uint16_t)(is_block(n, 0, entries) ? 0 : newest);
        return EL_OK;
    }
    const el_status st = reserve(&n->blocks, &n->block_room, (n->block_count + 1) * BLOCK);
    if (st)
        return st;
    memcpy(n->blocks + n->block_count * BLOCK, entries, BLOCK * sizeof *entries);
    *place = (uint16_t)n->block_count++;
    return EL_OK;
}

/* Three quarters of all blocks hold nothing but letters without case or parts and what is not assigned, or private use, in
 * every version of Unicode up to UNICODE: there is nothing to ask of each of their code points. */
enum { UNICODE = 17 };
static const struct {
    int first, last; /* blocks */
    bool private_use;
} alike[] = {{0x34, 0x4C, false},   {0x4E, 0x9F, false},  {0x200, 0x2F7, false}, {0x2FB, 0xDFF, false},
             {0xE02, 0xEFF, false}, {0xF00, 0xFFE, true}, {0x1000, 0x10FE, true}};

/* Fills such a block; false for others, and where ideographs begin or end within it. */
static bool fill_alike(const el_normalizer *n, int block, bool chinese_chars, uint32_t entries[BLOCK])
{
    const uint32_t first = (uint32_t)block * BLOCK;
    const bool apart = is_ideograph(first);
    size_t r = 0;
    while (r < sizeof alike / sizeof *alike && block > alike[r].last)
        r++;
    if (r == sizeof alike / sizeof *alike || block < alike[r].first ||
        apart != is_ideograph(first + BLOCK - 1))
        return false;
    const uint32_t entry = alike[r].private_use && n->clean_text ? CLASS_DROP
                           : apart && chinese_chars              ? CLASS_IDEOGRAPH
                                                                 : CLASS_PLAIN;
    for (int i = 0; i < BLOCK; i++)
        entries[i] = entry;
    return true;
}

static el_status fill(el_normalizer *n, el_casing casing)
{
    static const uint32_t plain[BLOCK];
    const bool known = atoi(utf8proc_unicode_version()) <= UNICODE;
    el_status st = keep_block(n, plain, &n->stage[0]); /* the first, which most share */
    for (int b = 0; b < BLOCKS && !st; b++) {
        uint32_t entries[BLOCK];
        if (!known || !fill_alike(n, b, casing.chinese_chars, entries))
            for (int i = 0; i < BLOCK && !st; i++)
                st = make_entry(n, (uint32_t)(b * BLOCK + i), casing, &entries[i]);
        if (!st)
            st = keep_block(n, entries, &n->stage[b]);
    }
    return st;
}

el_status el_normalizer_open(el_normalizer **normalizer, el_casing casing, bool clean_text)
{
    *normalizer = NULL;
    el_normalizer *n = calloc(1, sizeof *n);
    if (!n)
        return el_no_memory(NULL);
    n->clean_text = clean_text;
    const el_status st = fill(n, casing);
    if (st) {
        el_normalizer_close(n);
        return st;
    }
    memcpy(n->ascii, n->blocks + n->stage[0] * BLOCK, sizeof n->ascii);
    *normalizer = n;
    return EL_OK;
}

void el_normalizer_close(el_normalizer *n)
{
    if (!n)
        return;
    free(n->blocks);
    free(n->expansions);
    free(n);
}

void el_words_start(el_words *w, const el_normalizer *normalizer, const char *text, size_t bytes)
{
    assert(bytes <= UINT32_MAX);
    w->normalizer = normalizer;
    w->start = w->next = text;
    w->end = text + bytes;
    w->rest_count = 0;
}

/* Where a character of this combining class goes: before those of higher classes that it follows. */
static int place_of(const el_words *w, uint8_t order)
{
    int place = w->characters;
    while (place > w->movable && w->order[place - 1] > order)
        place--;
    return place;
}

static void append(el_words *w, uint32_t entry, uint32_t c, uint32_t from, uint32_t to)
{
    w->to_end = to;
    if (w->characters >= EL_WORD_MOST) {
        w->characters = EL_WORD_MOST + 1;
        return;
    }
    uint8_t order = 0;
    int place = w->characters;
    if (entry & MOVES) {
        order = el_combining_class(c);
        place = place_of(w, order);
    } else {
        w->movable = place + 1;
    }
    char encoded[4];
    const int length = el_utf8_encode(c, encoded);
    const int at = place < w->characters ? w->at[place] : w->bytes;
    if (place < w->characters) {
        const size_t tail = (size_t)(w->characters - place);
        memmove(w->text + at + length, w->text + at, (size_t)(w->bytes - at));
        memmove(w->from + place + 1, w->from + place, tail * sizeof *w->from);
        memmove(w->to + place + 1, w->to + place, tail * sizeof *w->to);
        memmove(w->order + place + 1, w->order + place, tail);
        for (int i = w->characters; i > place; i--)
            w->at[i] = (uint16_t)(w->at[i - 1] + length);
    }
    memcpy(w->text + at, encoded, (size_t)length);
    w->at[place] = (uint16_t)at;
    w->from[place] = from;
    w->to[place] = to;
    w->order[place] = order;
    w->bytes += length;
    w->characters++;
}

/* The next entry and where it comes from; false at the end of the text. */
static bool take(el_words *w, uint32_t *entry, uint32_t *c, uint32_t *from, uint32_t *to)
{
    const el_normalizer *n = w->normalizer;
    if (w->rest_count > 0) {
        w->rest_count--;
        *entry = *w->rest++;
        *from = w->rest_from;
        *to = w->rest_to;
        *c = *entry & VALUE_MASK;
        return true;
    }
    if (w->next >= w->end)
        return false;
    *from = (uint32_t)(w->next - w->start);
    *c = (unsigned char)*w->next;
    if (*c < 0x80) {
        w->next++;
        *entry = n->ascii[*c];
    } else {
        w->next += el_utf8_decode(w->next, w->end, c);
        *entry = table_entry(n, *c);
    }
    *to = (uint32_t)(w->next - w->start);
    if (*entry & EXPANDS) {
        w->rest = n->expansions + (*entry & VALUE_MASK);
        w->rest_count = (int)*w->rest++;
        w->rest_from = *from;
        w->rest_to = *to;
        return take(w, entry, c, from, to);
    }
    if (*entry & MAPPED)
        *c = *entry & VALUE_MASK;
    return true;
}

/* Makes the last entry taken the next one again. */
static void put_back(el_words *w, const uint32_t *rest, int rest_count, uint32_t from)
{
    w->rest = rest;
    w->rest_count = rest_count;
    if (rest_count == 0)
        w->next = w->start + from;
}

bool el_words_next(el_words *w)
{
    w->bytes = w->characters = w->movable = 0;
    for (;;) {
        const uint32_t *rest = w->rest;
        const int rest_count = w->rest_count;
        uint32_t entry, c, from, to;
        if (!take(w, &entry, &c, &from, &to))
            return w->characters > 0;
        switch (entry & CLASS_MASK) {
        case CLASS_PLAIN:
            append(w, entry, c, from, to);
            continue;
        case CLASS_DROP:
            if (entry & FIXES)
                w->movable = w->characters;
            continue;
        case CLASS_SPACE:
            if (w->characters > 0)
                return true;
            continue;
        default:
            if (w->characters > 0)
                put_back(w, rest, rest_count, from);
            else
                append(w, entry, c, from, to);
            return true;
        }
    }
}
