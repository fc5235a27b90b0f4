/* tagging - see the header */
#include "task/score/tagging.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

static const struct {
    const char *name, *letters;
} SCHEMES[EL_TAGS_SCHEMES] = {[EL_TAGS_PLAIN] = {"plain", ""},      [EL_TAGS_IOB1] = {"iob1", "IOB"},
                              [EL_TAGS_IOB2] = {"iob2", "IOB"},     [EL_TAGS_IOE1] = {"ioe1", "IOE"},
                              [EL_TAGS_IOE2] = {"ioe2", "IOE"},     [EL_TAGS_IOBES] = {"iobes", "IOBES"},
                              [EL_TAGS_BILOU] = {"bilou", "BILOU"}, [EL_TAGS_BMES] = {"bmes", "BMESO"}};

const char *el_tagging_name(el_tag_scheme scheme)
{
    return SCHEMES[scheme].name;
}

el_tag_scheme el_tagging_named(const char *name)
{
    el_tag_scheme scheme = EL_TAGS_PLAIN;
    while (scheme < EL_TAGS_SCHEMES && strcmp(SCHEMES[scheme].name, name) != 0)
        scheme++;
    return scheme;
}

const char *el_tagging_letters(el_tag_scheme scheme)
{
    return SCHEMES[scheme].letters;
}

/* ---- one tag ---- */

static const char LETTERS[] = "BIESLUM";

static bool is_letter(char c, const char *letters)
{
    return c && strchr(letters, c);
}

/* The letter of a tag before or behind its type, or alone; 0: it has none. */
static char letter_of(const char *name, bool suffix)
{
    const size_t bytes = strlen(name);
    if (bytes == 1)
        return is_letter(*name, LETTERS) ? *name : '\0';
    if (bytes < 3)
        return '\0';
    const char letter = suffix ? name[bytes - 1] : name[0];
    return name[suffix ? bytes - 2 : 1] == '-' && is_letter(letter, LETTERS) ? letter : '\0';
}

static const char *type_of(const char *name, bool suffix, size_t *bytes)
{
    const size_t length = strlen(name);
    *bytes = length < 3 ? 0 : length - 2;
    return suffix ? name : name + (length < 3 ? length : 2);
}

static bool is_outside(const char *name)
{
    return strcmp(name, "O") == 0;
}

/* ---- counts ---- */

typedef struct {
    int64_t *of_tag; /* how often each comes */
    int64_t inside;  /* all but "O" */
    int64_t lettered[2];
} counts;

static el_status count_tags(counts *c, const el_labels *labels, const el_dataset *const *datasets, int count)
{
    *c = (counts){.of_tag = calloc((size_t)labels->count + 1, sizeof *c->of_tag)};
    if (!c->of_tag)
        return el_no_memory(NULL);
    for (int i = 0; i < labels->count; i++)
        c->of_tag[i] = count == 0;
    for (int d = 0; d < count; d++)
        for (int i = 0; i < datasets[d]->word_count; i++)
            if (datasets[d]->words[i].tag >= 0)
                c->of_tag[datasets[d]->words[i].tag]++;
    for (int i = 0; i < labels->count; i++) {
        const char *const name = labels->names[i];
        if (is_outside(name))
            continue;
        c->inside += c->of_tag[i];
        for (int suffix = 0; suffix < 2; suffix++)
            c->lettered[suffix] += letter_of(name, suffix) ? c->of_tag[i] : 0;
    }
    return EL_OK;
}

/* Which letters come, but for those of a few strays. */
static void find_letters(const counts *c, const el_labels *labels, bool suffix, char letters[sizeof LETTERS])
{
    enum { RARE = 200 }; /* of so many tags one may be a typing error */
    size_t used = 0;
    for (size_t i = 0; LETTERS[i]; i++) {
        int64_t times = 0;
        for (int k = 0; k < labels->count; k++)
            times += letter_of(labels->names[k], suffix) == LETTERS[i] ? c->of_tag[k] : 0;
        if (times && times * RARE >= c->lettered[suffix])
            letters[used++] = LETTERS[i];
    }
    letters[used] = '\0';
}

/* ---- which of two schemes ---- */

/* Whether two neighbouring tags are inside one type. */
static bool goes_on(const el_labels *labels, int last, int next, bool suffix)
{
    size_t a, b;
    if (last < 0 || next < 0 || !letter_of(labels->names[last], suffix) ||
        !letter_of(labels->names[next], suffix))
        return false;
    const char *const one = type_of(labels->names[last], suffix, &a), *const other = type_of(
                                                                          labels->names[next], suffix, &b);
    return a == b && memcmp(one, other, a) == 0;
}

/* How often entities begin (or end) with `letter` where the word before (behind) is of another type, less how often with I. */
static int64_t margin(const el_labels *labels, const el_dataset *const *datasets, int count, bool suffix,
                      char letter)
{
    int64_t sum = 0;
    for (int d = 0; d < count; d++)
        for (int e = 0; e < datasets[d]->count; e++) {
            const el_labelled *const sentence = &datasets[d]->examples[e];
            const el_word *const words = datasets[d]->words + sentence->first;
            for (int i = 0; i < sentence->count; i++) {
                const int beside = letter == 'B' ? i - 1 : i + 1;
                const int other = beside >= 0 && beside < sentence->count ? words[beside].tag : -1;
                if (words[i].tag < 0 || goes_on(labels, other, words[i].tag, suffix))
                    continue;
                const char own = letter_of(labels->names[words[i].tag], suffix);
                sum += (own == letter) - (own == 'I');
            }
        }
    return sum;
}

static el_tag_scheme scheme_of(const char *letters, const el_labels *labels,
                               const el_dataset *const *datasets, int count, bool suffix)
{
    const bool b = is_letter('B', letters), e = is_letter('E', letters), s = is_letter('S', letters);
    if (is_letter('L', letters) || is_letter('U', letters))
        return EL_TAGS_BILOU;
    if (is_letter('M', letters))
        return EL_TAGS_BMES;
    if (s || (b && e))
        return EL_TAGS_IOBES;
    if (e)
        return margin(labels, datasets, count, suffix, 'E') < 0 ? EL_TAGS_IOE1 : EL_TAGS_IOE2;
    return !b || margin(labels, datasets, count, suffix, 'B') < 0 ? EL_TAGS_IOB1 : EL_TAGS_IOB2;
}

el_status el_tagging_find(el_tagging *t, const el_labels *labels, const el_dataset *const *datasets,
                          int count, el_tag_scheme said)
{
    static const double MOST = 0.8, FEW = 0.2;
    counts c;
    char letters[sizeof LETTERS];
    el_status st = count_tags(&c, labels, datasets, count);
    if (st)
        return st;
    t->suffix = c.lettered[1] > c.lettered[0];
    const double share = c.inside ? (double)c.lettered[t->suffix] / (double)c.inside : 0;
    find_letters(&c, labels, t->suffix, letters);
    t->scheme = said != EL_TAGS_SCHEMES ? said
                : share < MOST          ? EL_TAGS_PLAIN
                                        : scheme_of(letters, labels, datasets, count, t->suffix);
    free(c.of_tag);
    if (said == EL_TAGS_SCHEMES && share > FEW && share < MOST && count)
        return el_fail(
            EL_EDATA,
            "%s: %.0f %% of the tags are of a scheme as B-PER is, and the others are not; --tag-scheme says "
            "how they are written (plain: in none)",
            datasets[0]->name, 100 * share);
    return EL_OK;
}

/* ---- for a person ---- */

/* Names the place where a tag comes first. */
static void say_stray(el_tagging t, int tag, const el_labels *labels, const el_dataset *const *datasets,
                      int count)
{
    for (int d = 0; d < count; d++)
        for (int e = 0; e < datasets[d]->count; e++) {
            const el_labelled *const sentence = &datasets[d]->examples[e];
            for (int i = 0; i < sentence->count; i++)
                if (datasets[d]->words[sentence->first + i].tag == tag) {
                    el_log(EL_LOG_WARNING,
                           "%s, word %d of the sentence from line %lld on: the tag \"%s\" is none of %s; it "
                           "counts as seqeval counts it",
                           datasets[d]->name, i + 1, (long long)sentence->line, labels->names[tag],
                           el_tagging_name(t.scheme));
                    return;
                }
        }
}

void el_tagging_describe(el_tagging t, const el_labels *labels, const el_dataset *const *datasets, int count)
{
    enum { SHOWN = 5 };
    int strays = 0;
    if (t.scheme == EL_TAGS_PLAIN) {
        el_log(EL_LOG_NOTE, "%s: the tags are plain, of no scheme of entities", datasets[0]->name);
        return;
    }
    el_log(EL_LOG_NOTE, "%s: the tags are written in %s, letters %s", datasets[0]->name,
           el_tagging_name(t.scheme), t.suffix ? "behind their types" : "first");
    for (int i = 0; i < labels->count && strays < SHOWN; i++) {
        const char letter = letter_of(labels->names[i], t.suffix);
        if (is_outside(labels->names[i]) || is_letter(letter, el_tagging_letters(t.scheme)))
            continue;
        say_stray(t, i, labels, datasets, count);
        strays++;
    }
}
