/* entities - see the header
 *
 * Lenient and original reading walk over pairs of neighbouring tags and ask: does an entity end between the two, does one
 * begin?  A scheme is a table of such pairs, as seqeval has it: which of them begin an entity, go on in one, end one.
 */
#define _GNU_SOURCE
#include "task/score/entities.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "text/utf8.h"

typedef struct {
    char letter;
    const char *type;
    size_t bytes;
} tag;

static const tag OUTSIDE = {'O', "_", 1}; /* seqeval's name for no type */

static bool is_one_of(char letter, const char *letters)
{
    return letter && strchr(letters, letter);
}

static tag tag_of(char letter, const char *type, size_t bytes)
{
    return bytes ? (tag){letter, type, bytes} : (tag){letter, OUTSIDE.type, OUTSIDE.bytes};
}

/* ---- one tag ---- */

/* The letter is the first character or the last; *rest is what is left. */
static char take_letter(const char *text, bool suffix, const char **rest, size_t *bytes)
{
    uint32_t letter;
    const size_t length = strlen(text);
    size_t at = suffix ? length - 1 : 0;
    while (at > 0 && ((unsigned char)text[at] & 0xC0) == 0x80)
        at--;
    const size_t width = el_utf8_decode(text + at, text + length, &letter);
    *rest = suffix ? text : text + width;
    *bytes = length - width;
    return letter < 0x80 ? (char)letter : '?';
}

/* The type is what follows the first dash behind the letter, or stands before the last one; without a dash all of it. */
static tag read_lenient(const char *text, bool suffix)
{
    const char *type;
    size_t bytes;
    const char letter = take_letter(text, suffix, &type, &bytes);
    const char *const dash = suffix ? memrchr(type, '-', bytes) : memchr(type, '-', bytes);
    if (dash && suffix)
        bytes = (size_t)(dash - type);
    else if (dash)
        bytes -= (size_t)(dash + 1 - type), type = dash + 1;
    return tag_of(letter, type, bytes);
}

/* The type loses dashes at both ends; a letter that the scheme has not is outside. */
static tag read_strict(const char *text, el_tagging how)
{
    const char *type;
    size_t bytes;
    const char letter = take_letter(text, how.suffix, &type, &bytes);
    while (bytes && *type == '-')
        type++, bytes--;
    while (bytes && type[bytes - 1] == '-')
        bytes--;
    if (!is_one_of(letter, el_tagging_letters(how.scheme)))
        return OUTSIDE;
    return tag_of(letter == 'M' ? 'I' : letter, type, bytes);
}

/* All that is neither "O" nor B- nor S- goes on; the type is behind the last dash. */
static tag read_original(const char *text)
{
    const char *const dash = strrchr(text, '-'), *const type = dash ? dash + 1 : text;
    if (strcmp(text, "O") == 0)
        return OUTSIDE;
    return tag_of(is_one_of(text[0], "BS") && text[1] == '-' ? text[0] : 'I', type, strlen(type));
}

static tag read_tag(el_tagging how, const char *text)
{
    return !*text                           ? OUTSIDE
           : how.scheme == EL_TAGS_ORIGINAL ? read_original(text)
           : how.scheme == EL_TAGS_LENIENT  ? read_lenient(text, how.suffix)
                                            : read_strict(text, how);
}

static bool same_type(const tag *a, const tag *b)
{
    return a->bytes == b->bytes && memcmp(a->type, b->type, a->bytes) == 0;
}

static el_status reserve(el_entities *entities, size_t wanted)
{
    return el_grow(&entities->items, &entities->room, wanted, sizeof *entities->items)
               ? EL_OK
               : el_fail(EL_ENOMEM, "no memory for %zu entities", wanted);
}

static void add(el_entities *entities, const tag *type, long begin, long end)
{
    entities->items[entities->count++] = (el_entity){type->type, type->bytes, begin, end};
}

/* ---- lenient, and as ELECTRA scores chunks ---- */

/* Does the entity that `last` is in end before `next`? */
static bool ends(bool original, const tag *last, const tag *next)
{
    if (original)
        return last->letter != 'O' && is_one_of(next->letter, "BSO");
    return is_one_of(last->letter, "ES") ||
           (is_one_of(last->letter, "BI") && is_one_of(next->letter, "BSO")) ||
           (!is_one_of(last->letter, "O.") && !same_type(last, next));
}

/* Does one begin with `next`? */
static bool begins(bool original, const tag *last, const tag *next)
{
    if (is_one_of(next->letter, "BS"))
        return true;
    if (original)
        return last->letter == 'O' && next->letter != 'O';
    return (is_one_of(last->letter, "ESO") && is_one_of(next->letter, "IE")) ||
           (!is_one_of(next->letter, "O.") && !same_type(last, next));
}

/* seqeval reads all sentences as one, with an O between: what began last is remembered from one to the next. */
static void read_pairs(el_entities *entities, el_tagging how, const char *const *tags, long count)
{
    const bool original = how.scheme == EL_TAGS_ORIGINAL;
    tag last = OUTSIDE;
    for (long i = 0; i <= count; i++) {
        const tag next = i < count ? read_tag(how, tags[i]) : OUTSIDE;
        if (ends(original, &last, &next))
            add(entities, &last, entities->begin, i);
        if (begins(original, &last, &next))
            entities->begin = i;
        last = next;
    }
    entities->begin -= count + 1;
}

/* ---- by a scheme ---- */

typedef enum { ANY, SAME, OTHER } type_rule;

/* A pair of tags: letters of the one before, of this one, and how their types compare. */
typedef struct {
    const char *last, *next;
    type_rule types;
} pair;

#define ALL "IOBESUL"

static const struct {
    pair starts[7], insides[5], ends[7];
} SCHEMES[EL_TAGS_SCHEMES] = {
    [EL_TAGS_IOB1] =
        {{{"O", "I", ANY}, {"I", "I", OTHER}, {"B", "I", ANY}, {"I", "B", SAME}, {"B", "B", SAME}},
         {{"B", "I", SAME}, {"I", "I", SAME}},
         {{"I", "I", OTHER},
          {"I", "O", ANY},
          {"I", "B", ANY},
          {"B", "O", ANY},
          {"B", "I", OTHER},
          {"B", "B", SAME}}},
    [EL_TAGS_IOB2] = {{{ALL, "B", ANY}},
                      {{"B", "I", SAME}, {"I", "I", SAME}},
                      {{"I", "O", ANY},
                       {"I", "I", OTHER},
                       {"I", "B", ANY},
                       {"B", "O", ANY},
                       {"B", "I", OTHER},
                       {"B", "B", ANY}}},
    [EL_TAGS_IOE1] =
        {{{"O", "I", ANY}, {"I", "I", OTHER}, {"E", "I", ANY}, {"E", "E", SAME}},
         {{"I", "I", SAME}, {"I", "E", SAME}},
         {{"I", "I", OTHER}, {"I", "O", ANY}, {"I", "E", OTHER}, {"E", "I", SAME}, {"E", "E", SAME}}},
    [EL_TAGS_IOE2] = {{{"O", "I", ANY},
                       {"O", "E", ANY},
                       {"E", "I", ANY},
                       {"E", "E", ANY},
                       {"I", "I", OTHER},
                       {"I", "E", OTHER}},
                      {{"I", "E", SAME}, {"I", "I", SAME}},
                      {{"E", ALL, ANY}}},
    [EL_TAGS_IOBES] = {{{ALL, "B", ANY}, {ALL, "S", ANY}},
                       {{"B", "I", SAME}, {"B", "E", SAME}, {"I", "I", SAME}, {"I", "E", SAME}},
                       {{"S", ALL, ANY}, {"E", ALL, ANY}}},
    [EL_TAGS_BMES] = {{{ALL, "B", ANY}, {ALL, "S", ANY}},
                      {{"B", "I", SAME}, {"B", "E", SAME}, {"I", "I", SAME}, {"I", "E", SAME}},
                      {{"S", ALL, ANY}, {"E", ALL, ANY}}},
    [EL_TAGS_BILOU] = {{{ALL, "B", ANY}, {ALL, "U", ANY}},
                       {{"B", "I", SAME}, {"B", "L", SAME}, {"I", "I", SAME}, {"I", "L", SAME}},
                       {{"U", ALL, ANY}, {"L", ALL, ANY}}},
};

static bool is_pair(const pair *pairs, const tag *last, const tag *next)
{
    const bool same = same_type(last, next);
    for (; pairs->last; pairs++)
        if (is_one_of(last->letter, pairs->last) && is_one_of(next->letter, pairs->next) &&
            (pairs->types == ANY || same == (pairs->types == SAME)))
            return true;
    return false;
}

static tag tag_at(el_tagging how, const char *const *tags, long i, long count)
{
    return i >= 0 && i < count ? read_tag(how, tags[i]) : OUTSIDE;
}

static void read_scheme(el_entities *entities, el_tagging how, const char *const *tags, long count)
{
    for (long i = 0; i <= count;) {
        const tag first = tag_at(how, tags, i, count), before = tag_at(how, tags, i - 1, count);
        long end = i + 1;
        if (is_pair(SCHEMES[how.scheme].starts, &before, &first)) {
            tag last = first, next = tag_at(how, tags, end, count);
            while (end <= count && is_pair(SCHEMES[how.scheme].insides, &last, &next)) {
                last = next;
                next = tag_at(how, tags, ++end, count);
            }
            if (is_pair(SCHEMES[how.scheme].ends, &last, &next))
                add(entities, &first, i, end);
        }
        i = end;
    }
}

el_status el_entities_read(el_entities *entities, el_tagging how, const char *const *tags, size_t count)
{
    entities->count = 0;
    const el_status st = reserve(entities, count + 1);
    if (!st && how.scheme < EL_TAGS_SCHEMES)
        read_scheme(entities, how, tags, (long)count);
    else if (!st)
        read_pairs(entities, how, tags, (long)count);
    return st;
}

void el_entities_release(el_entities *entities)
{
    free(entities->items);
    *entities = (el_entities){0};
}

/* The type's line in the table, added in its place where it is new; NULL without memory. */
static el_entity_type *type_of(el_entity_scores *scores, const el_entity *entity)
{
    size_t low = 0, high = scores->type_count;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        const char *const name = scores->types[middle].name;
        const int order = strncmp(name, entity->type, entity->bytes);
        if (order == 0 && !name[entity->bytes])
            return &scores->types[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (!el_grow(&scores->types, &scores->type_room, scores->type_count + 1, sizeof *scores->types))
        return NULL;
    char *const name = strndup(entity->type, entity->bytes);
    if (!name)
        return NULL;
    el_entity_type *const type = scores->types + low;
    memmove(type + 1, type, (scores->type_count++ - low) * sizeof *type);
    *type = (el_entity_type){.name = name};
    return type;
}

static bool same_entity(const el_entity *a, const el_entity *b)
{
    return a->begin == b->begin && a->end == b->end && a->bytes == b->bytes &&
           memcmp(a->type, b->type, a->bytes) == 0;
}

static el_status count_entities(el_entity_scores *scores)
{
    const el_entities *const predicted = &scores->predicted, *const gold = &scores->gold;
    el_entity_type *type = NULL;
    for (size_t g = 0; g < gold->count; g++) {
        if (!(type = type_of(scores, &gold->items[g])))
            return el_no_memory(NULL);
        type->tally.gold++;
    }
    for (size_t p = 0, g = 0; p < predicted->count; p++) {
        const el_entity *const entity = &predicted->items[p];
        if (!(type = type_of(scores, entity)))
            return el_no_memory(NULL);
        while (g < gold->count && gold->items[g].end < entity->end)
            g++;
        type->tally.predicted++;
        type->tally.right += g < gold->count && same_entity(entity, &gold->items[g]);
    }
    return EL_OK;
}

el_status el_entity_scores_add(el_entity_scores *scores, const char *const *predicted,
                               const char *const *gold, size_t count)
{
    el_status st = el_entities_read(&scores->predicted, scores->how, predicted, count);
    if (!st)
        st = el_entities_read(&scores->gold, scores->how, gold, count);
    return st ? st : count_entities(scores);
}

el_rates el_entity_scores_micro(const el_entity_scores *scores)
{
    el_tally all = {0};
    for (size_t i = 0; i < scores->type_count; i++) {
        const el_tally *const t = &scores->types[i].tally;
        all.right += t->right;
        all.predicted += t->predicted;
        all.gold += t->gold;
    }
    return el_rates_of(all);
}

void el_entity_scores_release(el_entity_scores *scores)
{
    for (size_t i = 0; i < scores->type_count; i++)
        free(scores->types[i].name);
    free(scores->types);
    el_entities_release(&scores->predicted);
    el_entities_release(&scores->gold);
    *scores = (el_entity_scores){.how = scores->how};
}
