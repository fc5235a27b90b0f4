/* squad_score - see the header */
#include "task/score/squad_score.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/grow.h"
#include "text/utf8.h"

static bool is_punctuation(uint32_t c)
{
    return c < 0x80 && c && strchr("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", (int)c);
}

/* Quotes and brackets that KorQuAD reads as spaces. */
static bool is_mark(uint32_t c)
{
    static const uint32_t marks[] = {'\'',   '"',    '(',    ')',    '<',    '>',
                                     0x300A, 0x300B, 0x3008, 0x3009, 0x2018, 0x2019};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (marks[i] == c)
            return true;
    return false;
}

/* Python's str.isspace. */
static bool is_space(uint32_t c)
{
    return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
           c == 0x3000;
}

/* Python's \w, but for the underscore, which is punctuation. */
static bool is_word(uint32_t c)
{
    const utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
    return (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO) ||
           (category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO);
}

/* Unicode's Case_Ignorable, which a capital sigma is looked at beyond: marks, formats, modifiers, and some punctuation. */
static bool is_ignored(uint32_t c)
{
    static const uint32_t others[] = {'\'',   '.',    ':',    0xB7,   0x387,  0x55F,  0x5F4,  0x2018, 0x2019,
                                      0x2024, 0x2027, 0xFE13, 0xFE52, 0xFE55, 0xFF07, 0xFF0E, 0xFF1A};
    const utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (others[i] == c)
            return true;
    return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_ME ||
           category == UTF8PROC_CATEGORY_CF || category == UTF8PROC_CATEGORY_LM ||
           category == UTF8PROC_CATEGORY_SK;
}

/* Unicode's Cased. */
static bool is_cased(uint32_t c)
{
    const utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
    return category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LL ||
           category == UTF8PROC_CATEGORY_LT || c == 0xAA || c == 0xBA || (c >= 0x2160 && c <= 0x217F) ||
           (c >= 0x24B6 && c <= 0x24E9);
}

/* As the rule's script leaves a character before it lower-cases. */
static uint32_t before_lowering(el_squad_rule rule, uint32_t c)
{
    return rule == EL_KORQUAD && is_mark(c) ? ' ' : c;
}

/* Whether the capital sigma between `begin` and `behind` ends a word: a letter with case before it, none behind it. */
static bool is_final(el_squad_rule rule, const char *text, const char *begin, const char *behind,
                     const char *end)
{
    uint32_t c = 0;
    bool cased = false;
    while (begin > text) {
        do
            begin--;
        while (begin > text && ((unsigned char)*begin & 0xC0) == 0x80);
        el_utf8_decode(begin, end, &c);
        c = before_lowering(rule, c);
        cased = is_cased(c);
        if (!is_ignored(c))
            break;
        cased = false;
    }
    while (cased && behind < end) {
        behind += el_utf8_decode(behind, end, &c);
        c = before_lowering(rule, c);
        if (!is_ignored(c))
            return !is_cased(c);
    }
    return cased;
}

/* The text's characters in lower case, without punctuation; at most as many as it has bytes. */
static size_t read_characters(el_squad_rule rule, const char *text, uint32_t *characters)
{
    enum { I_WITH_DOT = 0x130, DOT_ABOVE = 0x307 }; /* the one letter whose lower case is two characters */
    enum { SIGMA = 0x3A3, FINAL_SIGMA = 0x3C2 };
    const char *const begin = text, *const end = text + strlen(text);
    size_t count = 0;
    while (text < end) {
        uint32_t c;
        const char *const at = text;
        text += el_utf8_decode(text, end, &c);
        if (rule == EL_KORQUAD && is_mark(c))
            characters[count++] = ' ';
        else if (c == I_WITH_DOT) {
            characters[count++] = 'i';
            characters[count++] = DOT_ABOVE;
        } else if (c == SIGMA && is_final(rule, begin, at, text, end)) {
            characters[count++] = FINAL_SIGMA;
        } else if (!is_punctuation(c))
            characters[count++] = (uint32_t)utf8proc_tolower((utf8proc_int32_t)c);
    }
    return count;
}

static bool is_article(const uint32_t *w, size_t length)
{
    return (length == 1 && w[0] == 'a') || (length == 2 && w[0] == 'a' && w[1] == 'n') ||
           (length == 3 && w[0] == 't' && w[1] == 'h' && w[2] == 'e');
}

static void blank_articles(uint32_t *characters, size_t count)
{
    for (size_t begin = 0, end; begin < count; begin = end + 1) {
        for (end = begin; end < count && is_word(characters[end]);)
            end++;
        if (is_article(characters + begin, end - begin))
            for (size_t i = begin; i < end; i++)
                characters[i] = ' ';
    }
}

/* Words with one space between them. */
static void write_words(const uint32_t *characters, size_t count, char *out)
{
    bool space = false;
    char *at = out;
    for (size_t i = 0; i < count; i++) {
        if (is_space(characters[i])) {
            space = at > out;
            continue;
        }
        if (space)
            *at++ = ' ';
        space = false;
        at += el_utf8_encode(characters[i], at);
    }
    *at = 0;
}

el_status el_squad_normalize(el_squad_rule rule, const char *text, char **normal)
{
    const size_t bytes = strlen(text);
    uint32_t *const characters = malloc((bytes + 1) * sizeof *characters);
    *normal = malloc(4 * bytes + 1);
    if (!characters || !*normal) {
        free(characters);
        free(*normal);
        *normal = NULL;
        return el_no_memory(NULL);
    }
    const size_t count = read_characters(rule, text, characters);
    if (rule != EL_KORQUAD)
        blank_articles(characters, count);
    write_words(characters, count, *normal);
    free(characters);
    return EL_OK;
}

/* What F1 counts. */
typedef struct {
    const char *text;
    size_t bytes;
} unit;

/* A normalised text and its units, sorted. */
typedef struct {
    char *normal;
    unit *units;
    size_t count;
} answer;

static int by_text(const void *a, const void *b)
{
    const unit *const x = a, *const y = b;
    const int order = memcmp(x->text, y->text, x->bytes < y->bytes ? x->bytes : y->bytes);
    return order ? order : (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

static void cut(answer *a, bool characters)
{
    const char *at = a->normal, *const end = at + strlen(at);
    while (at < end) {
        uint32_t c;
        if (*at == ' ') {
            at++;
            continue;
        }
        const size_t bytes = characters ? (size_t)el_utf8_decode(at, end, &c) : strcspn(at, " ");
        a->units[a->count++] = (unit){at, bytes};
        at += bytes;
    }
    qsort(a->units, a->count, sizeof *a->units, by_text);
}

static el_status open_answer(answer *a, el_squad_rule rule, const char *text)
{
    *a = (answer){0};
    const el_status st = el_squad_normalize(rule, text, &a->normal);
    if (st)
        return st;
    a->units = malloc((strlen(a->normal) + 1) * sizeof *a->units);
    if (!a->units)
        return el_no_memory(NULL);
    cut(a, rule == EL_KORQUAD);
    return EL_OK;
}

static void close_answer(answer *a)
{
    free(a->normal);
    free(a->units);
}

static size_t common_units(const answer *x, const answer *y)
{
    size_t common = 0;
    for (size_t i = 0, j = 0; i < x->count && j < y->count;) {
        const int order = by_text(&x->units[i], &y->units[j]);
        common += order == 0;
        i += order <= 0;
        j += order >= 0;
    }
    return common;
}

static double f1_of(el_squad_rule rule, const answer *predicted, const answer *gold)
{
    if (rule == EL_SQUAD_2 && !predicted->count && !gold->count)
        return 1;
    const double common = (double)common_units(predicted, gold);
    if (common == 0)
        return 0;
    /* in the scripts' order, for the thresholds depend on the last bit */
    const double precision = common / (double)predicted->count, recall = common / (double)gold->count;
    return 2 * precision * recall / (precision + recall);
}

static void keep_best(el_squad_score *score, el_squad_rule rule, const answer *predicted, const answer *gold)
{
    const double exact = strcmp(predicted->normal, gold->normal) == 0, f1 = f1_of(rule, predicted, gold);
    score->exact = exact > score->exact ? exact : score->exact;
    score->f1 = f1 > score->f1 ? f1 : score->f1;
}

static el_status compare(el_squad_score *score, el_squad_rule rule, const answer *predicted, const char *text,
                         bool even_empty, bool *compared)
{
    answer gold;
    const el_status st = open_answer(&gold, rule, text);
    if (!st && (even_empty || *gold.normal)) {
        keep_best(score, rule, predicted, &gold);
        *compared = true;
    }
    close_answer(&gold);
    return st;
}

static el_status score_prediction(el_squad_score *score, el_squad_rule rule, const char *text,
                                  const el_answer *answers, int answer_count)
{
    answer predicted;
    bool compared = rule != EL_SQUAD_2;
    el_status st = open_answer(&predicted, rule, text);
    for (int i = 0; !st && i < answer_count; i++)
        st = compare(score, rule, &predicted, answers[i].text, rule != EL_SQUAD_2, &compared);
    if (!st && !compared)
        st = compare(score, rule, &predicted, "", true, &compared);
    close_answer(&predicted);
    return st;
}

el_status el_squad_scores_add(el_squad_scores *scores, const char *predicted, double null_odds,
                              const el_answer *answers, int answer_count)
{
    if (!predicted && scores->rule == EL_MRQA)
        return EL_OK;
    el_squad_score score = {.null_odds = null_odds,
                            .answerable = answer_count > 0,
                            .answered = predicted,
                            .blank = predicted && !*predicted};
    if (!el_grow(&scores->items, &scores->room, scores->count + 1, sizeof *scores->items))
        return el_fail(EL_ENOMEM, "no memory for %zu scores", scores->count + 1);
    const el_status st =
        predicted ? score_prediction(&score, scores->rule, predicted, answers, answer_count) : EL_OK;
    if (!st)
        scores->items[scores->count++] = score;
    return st;
}

void el_squad_scores_release(el_squad_scores *scores)
{
    free(scores->items);
    *scores = (el_squad_scores){.rule = scores->rule};
}

static void add_to(el_squad_mean *sum, double exact, double f1)
{
    sum->total++;
    sum->exact += exact;
    sum->f1 += f1;
}

static void divide(el_squad_mean *sum)
{
    if (sum->total) {
        sum->exact /= (double)sum->total;
        sum->f1 /= (double)sum->total;
    }
}

el_squad_means el_squad_scores_means(const el_squad_scores *scores, double threshold)
{
    el_squad_means means = {0};
    for (size_t i = 0; i < scores->count; i++) {
        const el_squad_score *const s = &scores->items[i];
        const bool none = s->answered && s->null_odds > threshold;
        const double exact = none ? !s->answerable : s->exact, f1 = none ? !s->answerable : s->f1;
        add_to(&means.all, exact, f1);
        add_to(s->answerable ? &means.has_answer : &means.no_answer, exact, f1);
    }
    divide(&means.all);
    divide(&means.has_answer);
    divide(&means.no_answer);
    return means;
}

static int by_odds(const void *a, const void *b)
{
    const el_squad_score *const x = *(const el_squad_score *const *)a, *const y =
                                                                           *(const el_squad_score *const *)b;
    if (x->null_odds != y->null_odds)
        return x->null_odds < y->null_odds ? -1 : 1;
    return x < y ? -1 : x > y; /* equal ones in their order */
}

/* Raises the threshold over one answered question after the other, from where all are left unanswered. */
static double sweep(const el_squad_score *const *sorted, size_t count, size_t total, size_t unanswerable,
                    bool exact, double *threshold)
{
    double sum = (double)unanswerable, best = sum;
    *threshold = 0;
    for (size_t i = 0; i < count; i++) {
        const el_squad_score *const s = sorted[i];
        const double gain = exact ? s->exact : s->f1, loss = s->blank ? 0 : 1;
        sum += s->answerable ? gain : -loss;
        if (sum > best) {
            best = sum;
            *threshold = s->null_odds;
        }
    }
    return total ? best / (double)total : 0;
}

el_status el_squad_scores_best(const el_squad_scores *scores, el_squad_best *best)
{
    const el_squad_score **const sorted = malloc((scores->count + 1) * sizeof *sorted);
    if (!sorted)
        return el_fail(EL_ENOMEM, "no memory to sort %zu answers", scores->count);
    size_t answered = 0, unanswerable = 0;
    for (size_t i = 0; i < scores->count; i++)
        if (scores->items[i].answered) {
            sorted[answered++] = &scores->items[i];
            unanswerable += !scores->items[i].answerable;
        }
    qsort(sorted, answered, sizeof *sorted, by_odds);
    best->exact = sweep(sorted, answered, scores->count, unanswerable, true, &best->exact_threshold);
    best->f1 = sweep(sorted, answered, scores->count, unanswerable, false, &best->f1_threshold);
    free(sorted);
    return EL_OK;
}
