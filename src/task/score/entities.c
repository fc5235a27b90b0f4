/* entities - see the header
 *
 * One walk over pairs of neighbouring tags finds the spans of every scheme; schemes differ in how a tag is cut into
 * letter and type, and in three questions: does an entity end between two tags, does one begin, and is what ended one.
 */
#include "task/score/entities.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

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

static bool is_strict(el_tag_scheme scheme)
{
    return scheme == EL_TAGS_IOB2 || scheme == EL_TAGS_IOBES;
}

static const char *letters_of(el_tag_scheme scheme)
{
    return scheme == EL_TAGS_IOB2 ? "BIO" : "BIOES";
}

static tag tag_of(char letter, const char *type, size_t bytes)
{
    return bytes ? (tag){letter, type, bytes} : (tag){letter, OUTSIDE.type, OUTSIDE.bytes};
}

/* The first character is the letter, the type what follows the first dash behind it, or all of it. */
static tag read_lenient(const char *text)
{
    uint32_t letter;
    const char *const rest = text + el_utf8_decode(text, text + strlen(text), &letter);
    const char *const dash = strchr(rest, '-'), *const type = dash ? dash + 1 : rest;
    return tag_of(letter < 0x80 ? (char)letter : '?', type, strlen(type));
}

/* The type loses dashes at both ends. */
static tag read_strict(const char *text)
{
    const char *const type = text + 1 + strspn(text + 1, "-");
    size_t bytes = strlen(type);
    while (bytes && type[bytes - 1] == '-')
        bytes--;
    return tag_of(text[0], type, bytes);
}

/* All that is neither "O" nor B- nor S- goes on; the type is behind the last dash. */
static tag read_original(const char *text)
{
    const char *const dash = strrchr(text, '-'), *const type = dash ? dash + 1 : text;
    if (strcmp(text, "O") == 0)
        return OUTSIDE;
    return tag_of(is_one_of(text[0], "BS") && text[1] == '-' ? text[0] : 'I', type, strlen(type));
}

static el_status read_tag(el_tag_scheme scheme, const char *text, tag *out)
{
    if (is_strict(scheme) && !is_one_of(text[0], letters_of(scheme)))
        return el_fail(EL_EDATA, "tag \"%s\" begins with none of %s", text, letters_of(scheme));
    *out = !*text                       ? OUTSIDE
           : is_strict(scheme)          ? read_strict(text)
           : scheme == EL_TAGS_ORIGINAL ? read_original(text)
                                        : read_lenient(text);
    return EL_OK;
}

static bool same_type(const tag *a, const tag *b)
{
    return a->bytes == b->bytes && memcmp(a->type, b->type, a->bytes) == 0;
}

/* Does the entity that `last` is in end before `next`? */
static bool ends(el_tag_scheme scheme, const tag *last, const tag *next)
{
    if (scheme == EL_TAGS_ORIGINAL)
        return is_one_of(next->letter, "BSO");
    if (is_strict(scheme))
        return !(is_one_of(last->letter, "BI") && is_one_of(next->letter, "IE") && same_type(last, next));
    return is_one_of(last->letter, "ES") ||
           (is_one_of(last->letter, "BI") && is_one_of(next->letter, "BSO")) ||
           (!is_one_of(last->letter, "O.") && !same_type(last, next));
}

/* Does one begin with `next`? */
static bool begins(el_tag_scheme scheme, const tag *last, const tag *next)
{
    if (is_one_of(next->letter, "BS"))
        return true;
    if (scheme == EL_TAGS_ORIGINAL)
        return last->letter == 'O' && next->letter != 'O';
    if (is_strict(scheme))
        return false;
    return (is_one_of(last->letter, "ESO") && is_one_of(next->letter, "IE")) ||
           (!is_one_of(next->letter, "O.") && !same_type(last, next));
}

/* Is it an entity that ended with `last`? */
static bool is_whole(el_tag_scheme scheme, const tag *last)
{
    return scheme != EL_TAGS_IOBES || is_one_of(last->letter, "ES");
}

static el_status reserve(el_entities *entities, size_t wanted)
{
    if (wanted <= entities->capacity)
        return EL_OK;
    const size_t capacity = wanted + wanted / 2;
    el_entity *const items = realloc(entities->items, capacity * sizeof *items);
    if (!items)
        return el_fail(EL_ENOMEM, "no memory for %zu entities", capacity);
    entities->items = items;
    entities->capacity = capacity;
    return EL_OK;
}

el_status el_entities_read(el_entities *entities, el_tag_scheme scheme, const char *const *tags, size_t count)
{
    entities->count = 0;
    el_status st = reserve(entities, count);
    tag last = OUTSIDE;
    bool open = false;
    for (size_t i = 0, begin = 0; !st && i <= count; i++) {
        tag next = OUTSIDE;
        if (i < count && (st = read_tag(scheme, tags[i], &next)))
            break;
        if (open && ends(scheme, &last, &next)) {
            open = false;
            if (is_whole(scheme, &last))
                entities->items[entities->count++] = (el_entity){last.type, last.bytes, begin, i};
        }
        if (begins(scheme, &last, &next)) {
            open = true;
            begin = i;
        }
        last = next;
    }
    return st;
}

void el_entities_release(el_entities *entities)
{
    free(entities->items);
    *entities = (el_entities){0};
}

bool el_tags_of_entities(const char *const *tags, int count)
{
    bool some = false;
    for (int i = 0; i < count; i++) {
        const bool lettered = is_one_of(tags[i][0], "BIES") && tags[i][1] == '-';
        if (!lettered && strcmp(tags[i], "O") != 0)
            return false;
        some |= lettered;
    }
    return some;
}

el_tag_scheme el_tag_scheme_of(const char *const *tags, int count)
{
    bool begins_any = false, ends_any = false;
    for (int i = 0; i < count; i++) {
        const bool outside = strcmp(tags[i], "O") == 0;
        if (!outside && !(is_one_of(tags[i][0], "BIES") && tags[i][1] == '-'))
            return EL_TAGS_LENIENT;
        begins_any |= is_one_of(tags[i][0], "BS");
        ends_any |= is_one_of(tags[i][0], "ES");
    }
    return !begins_any ? EL_TAGS_LENIENT : ends_any ? EL_TAGS_IOBES : EL_TAGS_IOB2;
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
    if (scores->type_count == scores->type_capacity) {
        const size_t capacity = 2 * scores->type_capacity + 8;
        el_entity_type *const types = realloc(scores->types, capacity * sizeof *types);
        if (!types)
            return NULL;
        scores->types = types;
        scores->type_capacity = capacity;
    }
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
            return el_fail(EL_ENOMEM, "no memory for a type of entities");
        type->tally.gold++;
    }
    for (size_t p = 0, g = 0; p < predicted->count; p++) {
        const el_entity *const entity = &predicted->items[p];
        if (!(type = type_of(scores, entity)))
            return el_fail(EL_ENOMEM, "no memory for a type of entities");
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
    el_status st = el_entities_read(&scores->predicted, scores->scheme, predicted, count);
    if (!st)
        st = el_entities_read(&scores->gold, scores->scheme, gold, count);
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

el_rates el_entity_scores_macro(const el_entity_scores *scores)
{
    el_rates sum = {0};
    for (size_t i = 0; i < scores->type_count; i++)
        el_rates_add(&sum, el_rates_of(scores->types[i].tally));
    return el_rates_mean(sum, scores->type_count);
}

void el_entity_scores_release(el_entity_scores *scores)
{
    for (size_t i = 0; i < scores->type_count; i++)
        free(scores->types[i].name);
    free(scores->types);
    el_entities_release(&scores->predicted);
    el_entities_release(&scores->gold);
    *scores = (el_entity_scores){.scheme = scores->scheme};
}
