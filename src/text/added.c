/* added - one tree of the tokens for raw text, one for normalised text */
#include "added.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "normalized.h"
#include "trie.h"
#include "utf8.h"

enum { RAW = EL_TRIE_FIRST, NORMALIZED = EL_TRIE_CONTINUED, TREES };

struct el_added {
    const el_added_token *tokens;
    int count;
    char **contents; /* as each token is looked for; NULL: nothing is left of it */
    el_trie *trie;   /* its ids are places in `tokens`, counted from the end */
    bool begins[TREES][256];
    int in_tree[TREES];
};

/* A token's text as it is looked for, on the heap. */
static el_status content_of(const el_added_token *token, const el_normalizer *normalizer, char **content)
{
    el_normalized n = {0};
    el_status st = EL_OK;
    *content = NULL;
    if (token->normalized)
        st = el_normalize(&n, normalizer, token->text, strlen(token->text));
    const size_t bytes = token->normalized ? n.bytes : strlen(token->text);
    if (!st && bytes > EL_TRIE_PIECE_BYTES)
        st = el_fail(EL_EDATA, "an added token has %zu bytes; %d is the most", bytes, EL_TRIE_PIECE_BYTES);
    if (!st && bytes > 0 && !(*content = strndup(token->normalized ? n.text : token->text, bytes)))
        st = el_no_memory(NULL);
    el_normalized_release(&n);
    return st;
}

/* Of two that are looked for alike ("<url>" and "<URL>", lower-cased) Hugging Face takes one or the other from run to
 * run; here the first wins, and special ones come first: ids count from the end, and the tree keeps the largest. */
static void list_keys(el_added *a, el_trie_key *keys, size_t counts[TREES])
{
    const size_t all = (size_t)a->count;
    for (int i = 0; i < a->count; i++) {
        if (!a->contents[i])
            continue;
        const int tree = a->tokens[i].normalized ? NORMALIZED : RAW;
        const int32_t id = (a->tokens[i].special ? 2 : 1) * a->count - 1 - i;
        const size_t place = tree == RAW ? counts[RAW] : all - 1 - counts[NORMALIZED];
        keys[place] = (el_trie_key){a->contents[i], (uint32_t)strlen(a->contents[i]), id};
        counts[tree]++;
        a->in_tree[tree]++;
        a->begins[tree][(unsigned char)a->contents[i][0]] = true;
    }
}

static el_status build(el_added *a)
{
    const size_t all = (size_t)a->count;
    size_t counts[TREES] = {0};
    el_trie_key *keys = malloc((all + 1) * sizeof *keys);
    if (!keys)
        return el_fail(EL_ENOMEM, "no memory for %zu added tokens", all);
    list_keys(a, keys, counts);
    const el_status st =
        el_trie_build(&a->trie, keys, counts[RAW], keys + all - counts[NORMALIZED], counts[NORMALIZED]);
    free(keys);
    return st;
}

el_status el_added_open(el_added **added, const el_added_token *tokens, int count,
                        const el_normalizer *normalizer)
{
    *added = NULL;
    el_added *a = calloc(1, sizeof *a);
    if (!a || !(a->contents = calloc((size_t)count + 1, sizeof *a->contents))) {
        free(a);
        return el_fail(EL_ENOMEM, "no memory for %d added tokens", count);
    }
    a->tokens = tokens;
    a->count = count;
    el_status st = EL_OK;
    for (int i = 0; !st && i < count; i++)
        st = content_of(&tokens[i], normalizer, &a->contents[i]);
    if (!st)
        st = build(a);
    if (st)
        el_added_close(a);
    else
        *added = a;
    return st;
}

void el_added_close(el_added *a)
{
    if (!a)
        return;
    for (int i = 0; i < a->count; i++)
        free(a->contents[i]);
    free(a->contents);
    el_trie_release(a->trie);
    free(a);
}

bool el_added_normalized(const el_added *added)
{
    return added->in_tree[NORMALIZED] > 0;
}

/* ---- walking ---- */

/* Those of Unicode 15.1 and 16, which Rust's regular expressions know and utf8proc may not know yet. */
static const struct {
    uint32_t first, last;
} young_letters[] = {{0x897, 0x897},     {0x1C89, 0x1C8A},   {0xA7CB, 0xA7CD},   {0xA7DA, 0xA7DC},
                     {0x105C0, 0x105F3}, {0x10D40, 0x10D65}, {0x10D69, 0x10D6D}, {0x10D6F, 0x10D85},
                     {0x10EC2, 0x10EC4}, {0x10EFC, 0x10EFC}, {0x11380, 0x11389}, {0x1138B, 0x1138B},
                     {0x1138E, 0x1138E}, {0x11390, 0x113B5}, {0x113B7, 0x113C0}, {0x113C2, 0x113C2},
                     {0x113C5, 0x113C5}, {0x113C7, 0x113CA}, {0x113CC, 0x113D3}, {0x113E1, 0x113E2},
                     {0x116D0, 0x116E3}, {0x11BC0, 0x11BE0}, {0x11BF0, 0x11BF9}, {0x11F5A, 0x11F5A},
                     {0x13460, 0x143FA}, {0x16100, 0x16139}, {0x16D40, 0x16D6C}, {0x16D70, 0x16D79},
                     {0x18CFF, 0x18CFF}, {0x1CCF0, 0x1CCF9}, {0x1E5D0, 0x1E5FA}, {0x2EBF0, 0x2EE5D}};

/* Letters, marks, digits, joining punctuation: \w of Rust's regular expressions. */
static bool is_word_character(uint32_t c)
{
    for (size_t i = 0; i < sizeof young_letters / sizeof *young_letters; i++)
        if (c >= young_letters[i].first && c <= young_letters[i].last)
            return true;
    if ((c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) || (c >= 0x1F150 && c <= 0x1F169) ||
        (c >= 0x1F170 && c <= 0x1F189) || c == 0x200C || c == 0x200D)
        return true;
    const utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
    return (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_NL) ||
           category == UTF8PROC_CATEGORY_PC;
}

static uint32_t character_before(const char *text, size_t place, size_t *begin)
{
    *begin = place - 1;
    while (*begin > 0 && place - *begin < 4 && ((unsigned char)text[*begin] & 0xC0) == 0x80)
        --*begin;
    uint32_t c;
    el_utf8_decode(text + *begin, text + place, &c);
    return c;
}

static bool touches_words(const el_added_walk *w, size_t begin, size_t end)
{
    size_t before;
    uint32_t c;
    if (begin > 0 && is_word_character(character_before(w->text, begin, &before)))
        return true;
    if (end == w->bytes)
        return false;
    el_utf8_decode(w->text + end, w->text + w->bytes, &c);
    return is_word_character(c);
}

/* Where the white space before `place` begins, but not before `least`. */
static size_t blanks_before(const el_added_walk *w, size_t place, size_t least)
{
    size_t begin;
    while (place > least && el_is_white_space(character_before(w->text, place, &begin)))
        place = begin;
    return place;
}

static size_t blanks_behind(const el_added_walk *w, size_t place)
{
    uint32_t c;
    while (place < w->bytes) {
        const int length = el_utf8_decode(w->text + place, w->text + w->bytes, &c);
        if (!el_is_white_space(c))
            break;
        place += (size_t)length;
    }
    return place;
}

void el_added_start(el_added_walk *walk, const el_added *added, bool normalized, const char *text,
                    size_t bytes)
{
    *walk =
        (el_added_walk){.added = added, .tree = normalized ? NORMALIZED : RAW, .text = text, .bytes = bytes};
}

bool el_added_next(el_added_walk *w)
{
    const el_added *a = w->added;
    const size_t taken = w->end;
    if (a->in_tree[w->tree] == 0)
        return false;
    while (w->at < w->bytes) {
        int length = 0;
        const char *at = w->text + w->at;
        const size_t rest = w->bytes - w->at, most = rest < EL_TRIE_PIECE_BYTES ? rest : EL_TRIE_PIECE_BYTES;
        const int32_t found = a->begins[w->tree][(unsigned char)*at]
                                  ? el_trie_longest(a->trie, w->tree, at, (int)most, &length)
                                  : -1;
        if (found < 0) {
            w->at++;
            continue;
        }
        const el_added_token *token = &a->tokens[a->count - 1 - found % a->count];
        const size_t begin = w->at, end = begin + (size_t)length;
        w->at = end;
        if (token->single_word && touches_words(w, begin, end))
            continue;
        const size_t first = begin > taken ? begin : taken;
        w->id = token->id;
        w->begin = token->lstrip ? blanks_before(w, first, taken) : first;
        w->end = token->rstrip ? blanks_behind(w, end) : end;
        return true;
    }
    return false;
}
