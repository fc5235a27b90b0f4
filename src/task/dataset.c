/* dataset - see the header */
#include "task/dataset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/grow.h"
#include "base/plural.h"
#include "base/random.h"
#include "text/normalize.h"
#include "text/utf8.h"

enum { STRING_BLOCK = 1 << 16 };

struct el_string_block {
    el_string_block *before;
    size_t used, size;
    char text[];
};

/* ---- labels ---- */

/* Of the composed form, which all forms of a name share. */
static uint64_t hash_of(const char *name)
{
    char *const composed = el_utf8_composed(name);
    const char *const form = composed ? composed : name;
    const uint64_t hash = el_hash(form, strlen(form));
    free(composed);
    return hash;
}

static bool same_characters(const char *a, const char *b)
{
    char *const first = el_utf8_composed(a), *const second = el_utf8_composed(b);
    const bool same = strcmp(first ? first : a, second ? second : b) == 0;
    free(first);
    free(second);
    return same;
}

/* The slot of a name, or the free one where it belongs; *alike is that of another form of it, or -1. */
static int slot_of(const el_labels *labels, const char *name, int *alike)
{
    const int last = labels->slot_count - 1;
    int slot = (int)(hash_of(name) & (uint64_t)last);
    *alike = -1;
    for (; labels->slots[slot]; slot = (slot + 1) & last) {
        const char *const known = labels->names[labels->slots[slot] - 1];
        if (strcmp(known, name) == 0)
            break;
        if (*alike < 0 && same_characters(known, name))
            *alike = slot;
    }
    return slot;
}

/* A table with room for twice the names there are, filled anew. */
static bool fill_slots(el_labels *labels)
{
    int count = 64;
    while (count < 4 * labels->count)
        count *= 2;
    int *const slots = calloc((size_t)count, sizeof *slots);
    if (!slots)
        return false;
    free(labels->slots);
    labels->slots = slots;
    labels->slot_count = count;
    for (int i = 0, alike; i < labels->count; i++)
        slots[slot_of(labels, labels->names[i], &alike)] = i + 1;
    return true;
}

/* -1: there is none.  Where it is not there in these bytes, another form of it. */
static int find(const el_labels *labels, const char *name, bool exactly)
{
    int alike = -1;
    if (labels->slots) {
        const int slot = slot_of(labels, name, &alike);
        const bool other = !labels->slots[slot] && alike >= 0 && !exactly;
        return labels->slots[other ? alike : slot] - 1;
    }
    for (int i = 0; i < labels->count; i++) {
        if (strcmp(labels->names[i], name) == 0)
            return i;
        if (!exactly && alike < 0 && same_characters(labels->names[i], name))
            alike = i;
    }
    return alike;
}

int el_labels_find(const el_labels *labels, const char *name)
{
    return find(labels, name, false);
}

bool el_labels_trim(const el_labels *labels, const char **name, size_t *bytes)
{
    const char *at = *name;
    const size_t left = el_without_blanks(&at, *bytes);
    if (left == *bytes)
        return false;
    char *const whole = labels->closed ? strndup(*name, *bytes) : NULL;
    const bool known = whole && el_labels_find(labels, whole) >= 0;
    free(whole);
    if (known)
        return false;
    *name = at;
    *bytes = left;
    return true;
}

static int add(el_labels *labels, const char *name, bool exactly)
{
    const int known = find(labels, name, exactly);
    if (known >= 0 || labels->closed)
        return known;
    if (!el_grow(&labels->names, &labels->room, (size_t)labels->count + 1, sizeof *labels->names) ||
        (2 * labels->count >= labels->slot_count && !fill_slots(labels)))
        return -1;
    char *const copy = strdup(name);
    if (!copy)
        return -1;
    int alike;
    labels->slots[slot_of(labels, copy, &alike)] = labels->count + 1;
    labels->names[labels->count] = copy;
    return labels->count++;
}

int el_labels_add(el_labels *labels, const char *name)
{
    return add(labels, name, false);
}

int el_labels_add_exactly(el_labels *labels, const char *name)
{
    return add(labels, name, true);
}

void el_labels_release(el_labels *labels)
{
    for (int i = 0; i < labels->count; i++)
        free(labels->names[i]);
    free(labels->names);
    free(labels->slots);
    *labels = (el_labels){0};
}

typedef struct {
    char *name;
    int old;
} ranked;

static int by_bytes(const void *a, const void *b)
{
    return strcmp(((const ranked *)a)->name, ((const ranked *)b)->name);
}

static int by_value(const void *a, const void *b)
{
    const long x = strtol(((const ranked *)a)->name, NULL, 10),
               y = strtol(((const ranked *)b)->name, NULL, 10);
    return (x > y) - (x < y);
}

static bool whole_numbers(const el_labels *labels)
{
    for (int i = 0; i < labels->count; i++) {
        const char *const digits = labels->names[i] + (labels->names[i][0] == '-');
        const size_t length = strlen(digits);
        if (length == 0 || length > 9 || strspn(digits, "0123456789") != length)
            return false;
    }
    return true;
}

static void renumber(el_dataset *d, const int *now)
{
    for (int i = 0; d->kind == EL_CLASSIFY && i < d->count; i++)
        if (d->examples[i].label >= 0)
            d->examples[i].label = now[d->examples[i].label];
    for (int i = 0; i < d->word_count; i++)
        if (d->words[i].tag >= 0)
            d->words[i].tag = now[d->words[i].tag];
    for (int i = 0; i < d->number_count; i++)
        d->numbers[i] = now[d->numbers[i]];
}

el_status el_labels_close(el_labels *labels, el_dataset *const *datasets, int count)
{
    if (labels->closed || labels->count == 0) {
        labels->closed = true;
        return EL_OK;
    }
    ranked *const order = malloc((size_t)labels->count * sizeof *order);
    int *const now = malloc((size_t)labels->count * sizeof *now);
    const bool there = order && now;
    for (int i = 0; there && i < labels->count; i++)
        order[i] = (ranked){labels->names[i], i};
    if (there)
        qsort(order, (size_t)labels->count, sizeof *order, whole_numbers(labels) ? by_value : by_bytes);
    for (int i = 0; there && i < labels->count; i++) {
        labels->names[i] = order[i].name;
        now[order[i].old] = i;
    }
    for (int i = 0; there && i < count; i++)
        renumber(datasets[i], now);
    free(order);
    free(now);
    labels->closed = true;
    return there && fill_slots(labels) ? EL_OK : el_no_memory(NULL);
}

/* ---- building ---- */

el_status el_dataset_open(el_dataset *d, el_task_kind kind, const char *name)
{
    *d = (el_dataset){.kind = kind, .name = strdup(name)};
    return d->name ? EL_OK : el_no_memory(NULL);
}

void el_dataset_release(el_dataset *d)
{
    while (d->strings) {
        el_string_block *const before = d->strings->before;
        free(d->strings);
        d->strings = before;
    }
    free(d->examples);
    free(d->words);
    free(d->answers);
    free(d->numbers);
    free(d->name);
    *d = (el_dataset){0};
}

bool el_dataset_has_label(const el_dataset *d, const el_labelled *e)
{
    for (int i = e->first; d->kind == EL_TAG && i < e->first + e->count; i++)
        if (d->words[i].tag >= 0)
            return true;
    return e->label >= 0 || !isnan(e->value);
}

bool el_dataset_labelled(const el_dataset *d)
{
    for (int i = 0; i < d->count; i++)
        if (el_dataset_has_label(d, &d->examples[i]))
            return true;
    return false;
}

const char *el_dataset_string(el_dataset *d, const char *text, size_t bytes)
{
    el_string_block *block = d->strings;
    if (!block || block->size - block->used <= bytes) {
        const size_t size = bytes >= STRING_BLOCK ? bytes + 1 : STRING_BLOCK;
        block = malloc(sizeof *block + size);
        if (!block)
            return NULL;
        *block = (el_string_block){.before = d->strings, .size = size};
        d->strings = block;
    }
    char *const copy = block->text + block->used;
    memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    block->used += bytes + 1;
    return copy;
}

/* Where the next of an example's own things will be. */
static int next_of(const el_dataset *d)
{
    return d->kind == EL_TAG ? d->word_count : d->kind == EL_SPAN ? d->answer_count : d->number_count;
}

el_status el_dataset_not_finite(const el_dataset *d, int example)
{
    return el_fail(EL_EFAILED, "%s, line %lld: the model's numbers are not finite", d->name,
                   (long long)d->examples[example].line);
}

el_labelled *el_dataset_add(el_dataset *d, int64_t line)
{
    if (!el_grow(&d->examples, &d->room, (size_t)d->count + 1, sizeof *d->examples))
        return NULL;
    el_labelled *const e = &d->examples[d->count];
    *e = (el_labelled){.line = line, .label = -1, .value = NAN, .group = d->count, .first = next_of(d)};
    d->count++;
    return e;
}

el_status el_dataset_add_word(el_dataset *d, const char *text, size_t bytes, int tag)
{
    const char *const copy = el_dataset_string(d, text, bytes);
    if (!copy || !el_grow(&d->words, &d->word_room, (size_t)d->word_count + 1, sizeof *d->words))
        return el_no_memory(NULL);
    d->words[d->word_count++] = (el_word){copy, tag};
    d->examples[d->count - 1].count++;
    return EL_OK;
}

el_status el_dataset_add_answer(el_dataset *d, const char *text, size_t bytes, int64_t begin)
{
    const char *const copy = el_dataset_string(d, text, bytes);
    if (!copy || !el_grow(&d->answers, &d->answer_room, (size_t)d->answer_count + 1, sizeof *d->answers))
        return el_no_memory(NULL);
    d->answers[d->answer_count++] = (el_answer){copy, begin};
    d->examples[d->count - 1].count++;
    return EL_OK;
}

el_status el_dataset_add_number(el_dataset *d, int label)
{
    if (!el_grow(&d->numbers, &d->number_room, (size_t)d->number_count + 1, sizeof *d->numbers))
        return el_no_memory(NULL);
    d->numbers[d->number_count++] = label;
    d->examples[d->count - 1].count++;
    return EL_OK;
}

/* ---- choosing among examples ---- */

static el_status copy_string(el_dataset *to, const char **text)
{
    if (!*text)
        return EL_OK;
    *text = el_dataset_string(to, *text, strlen(*text));
    return *text ? EL_OK : el_no_memory(NULL);
}

/* Appends a copy of one example; texts that follow each other and are the same string are kept once. */
static el_status copy_example(el_dataset *to, const el_dataset *from, const el_labelled *e,
                              const el_labelled *before)
{
    el_labelled *const copy = el_dataset_add(to, e->line);
    if (!copy)
        return el_no_memory(NULL);
    const int first = copy->first, number = to->count - 1;
    *copy = *e;
    copy->first = first;
    copy->count = 0;
    el_status st = copy_string(to, &copy->id);
    for (int i = 0; !st && i < 2; i++) {
        if (before && number > 0 && e->text[i] && e->text[i] == before->text[i])
            copy->text[i] = to->examples[number - 1].text[i];
        else
            st = copy_string(to, &copy->text[i]);
    }
    for (int i = e->first; !st && i < e->first + e->count; i++)
        if (from->kind == EL_TAG)
            st =
                el_dataset_add_word(to, from->words[i].text, strlen(from->words[i].text), from->words[i].tag);
        else if (from->kind == EL_SPAN)
            st = el_dataset_add_answer(to, from->answers[i].text, strlen(from->answers[i].text),
                                       from->answers[i].begin);
        else
            st = el_dataset_add_number(to, from->numbers[i]);
    return st;
}

/* Copies of the examples whose place in `chosen` is `which`. */
static el_status select_examples(el_dataset *to, const el_dataset *from, const bool *chosen, bool which)
{
    const el_labelled *before = NULL;
    el_status st = el_dataset_open(to, from->kind, from->name);
    for (int i = 0; !st && i < from->count; i++)
        if (chosen[i] == which) {
            st = copy_example(to, from, &from->examples[i], before);
            before = &from->examples[i];
        }
    to->notes = from->notes;
    if (!st)
        st = copy_string(to, &to->notes.malformed);
    if (st)
        el_dataset_release(to);
    return st;
}

/* Splits by `chosen`; what is not chosen stays. */
static el_status split(el_dataset *d, el_dataset *others, const bool *chosen)
{
    el_dataset rest;
    el_status st = select_examples(others, d, chosen, true);
    if (!st && (st = select_examples(&rest, d, chosen, false)))
        el_dataset_release(others);
    if (st)
        return st;
    el_dataset_release(d);
    *d = rest;
    return EL_OK;
}

static int by_context(const void *a, const void *b)
{
    const el_labelled *const x = *(const el_labelled *const *)a, *const y = *(const el_labelled *const *)b;
    const int order = strcmp(x->text[1], y->text[1]);
    return order ? order : (x > y) - (x < y);
}

el_status el_dataset_group_contexts(el_dataset *d)
{
    el_labelled **const sorted = malloc(((size_t)d->count + 1) * sizeof *sorted);
    if (!sorted)
        return el_no_memory(NULL);
    for (int i = 0; i < d->count; i++)
        sorted[i] = &d->examples[i];
    qsort(sorted, (size_t)d->count, sizeof *sorted, by_context);
    for (int i = 0, first = 0; i < d->count; i++) {
        if (strcmp(sorted[i]->text[1], sorted[first]->text[1]) != 0)
            first = i;
        sorted[i]->group = (int)(sorted[first] - d->examples); /* for now: the first that has it */
    }
    for (int i = 0, groups = 0; i < d->count; i++) {
        el_labelled *const e = &d->examples[i];
        e->group = e->group == i ? groups++ : d->examples[e->group].group;
    }
    free(sorted);
    return EL_OK;
}

static int groups_of(const el_dataset *d)
{
    int most = -1;
    for (int i = 0; i < d->count; i++)
        most = d->examples[i].group > most ? d->examples[i].group : most;
    return most + 1;
}

static bool is_held_out(const el_hold_out *rule, int group, int groups)
{
    if (rule->every)
        return group % rule->every == 0;
    if (rule->last)
        return group >= groups - rule->last;
    const double wanted = rint(rule->share * groups);
    const el_random random = {.seed = rule->seed, .stream = EL_STREAM_HOLD_OUT};
    return (double)el_random_permute(random, (uint64_t)group, (uint64_t)groups) < (wanted < 1 ? 1 : wanted);
}

el_status el_dataset_hold_out(el_dataset *train, el_dataset *dev, el_hold_out rule)
{
    const int groups = groups_of(train);
    bool *const held = malloc((size_t)train->count + 1);
    if (!held)
        return el_no_memory(NULL);
    int count = 0;
    for (int i = 0; i < train->count; i++)
        count += held[i] = is_held_out(&rule, train->examples[i].group, groups);
    const el_status st =
        count > 0 && count < train->count ? split(train, dev, held)
        : groups < train->count
            ? el_fail(EL_EUSAGE, "%s: %d question%s of %d article%s or context%s: too few to hold out by",
                      train->name, train->count, el_s(train->count), groups, el_s(groups), el_s(groups))
            : el_fail(EL_EUSAGE, "%s: %d example%s %s too few to hold some out", train->name, train->count,
                      el_s(train->count), el_is(train->count));
    free(held);
    return st;
}

el_status el_dataset_limit(el_dataset *d, int most, uint64_t seed)
{
    if (d->count <= most)
        return EL_OK;
    bool *const left_out = malloc((size_t)d->count);
    if (!left_out)
        return el_no_memory(NULL);
    const el_random random = {.seed = seed, .stream = EL_STREAM_LIMIT};
    for (int i = 0; i < d->count; i++)
        left_out[i] = el_random_permute(random, (uint64_t)i, (uint64_t)d->count) >= (uint64_t)most;
    el_dataset others = {0};
    const el_status st = split(d, &others, left_out);
    el_dataset_release(&others);
    free(left_out);
    return st;
}
