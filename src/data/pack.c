/* pack - lines of token ids to examples */
#include "data/pack.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

/* How far it is. */
typedef struct {
    el_pack_counts counts;
    int64_t document;      /* being read */
    uint32_t draws;        /* made in it */
    int32_t inside;        /* a token of it was seen */
    int32_t length, parts; /* of the example being written */
    /* EL_PACK_SEGMENTS: lines gathered */
    int64_t gathered; /* tokens in these lines, as they were */
    int32_t line_count, target;
} standing;

struct el_packer {
    el_pack_settings settings;
    el_pack_emit *emit;
    void *context;
    standing at;
    int *ids;    /* the example being written: max_seq_length */
    int *starts; /* of its parts */
    /* EL_PACK_SEGMENTS: lines gathered, each kept up to max_seq_length, as no more of it can be used */
    int *text;  /* 2 max_seq_length */
    int *lines; /* where each begins; lines[line_count] is the end */
};

/* Numbers in the memory of ids, starts, text and lines. */
static size_t numbers(int longest)
{
    return 5 * (size_t)longest + 1;
}

el_status el_packer_open(el_packer **packer, const el_pack_settings *settings, el_pack_emit *emit,
                         void *context)
{
    const int longest = settings->max_seq_length;
    assert(longest >= EL_PACK_SHORTEST && longest <= EL_PACK_LONGEST);
    *packer = NULL;
    el_packer *const p = calloc(1, sizeof *p);
    int *const memory = calloc(numbers(longest), sizeof *memory);
    if (!p || !memory) {
        free(p);
        free(memory);
        return el_fail(EL_ENOMEM, "no memory to pack examples of %d tokens", longest);
    }
    p->settings = *settings;
    p->emit = emit;
    p->context = context;
    p->at.document = -1;
    p->ids = memory;
    p->starts = memory + longest;
    p->text = memory + 2 * longest;
    p->lines = memory + 4 * longest;
    p->lines[0] = 0;
    *packer = p;
    return EL_OK;
}

void el_packer_close(el_packer *packer)
{
    if (packer)
        free(packer->ids);
    free(packer);
}

el_pack_counts el_packer_counts(const el_packer *packer)
{
    return packer->at.counts;
}

static bool chance(el_packer *p, double probability)
{
    const el_random random = {p->settings.seed, EL_STREAM_PACK, p->at.draws++};
    return el_random_uniform(random, p->at.document) < probability;
}

static int between(el_packer *p, int low, int high)
{
    const el_random random = {p->settings.seed, EL_STREAM_PACK, p->at.draws++};
    return low + (int)el_random_below(random, p->at.document, high - low + 1);
}

static void put(el_packer *p, int id)
{
    assert(p->at.length < p->settings.max_seq_length);
    p->ids[p->at.length++] = id;
}

static el_status emit(el_packer *p, int length, int second)
{
    p->at.counts.examples++;
    p->at.counts.tokens += length;
    p->at.counts.singles += second == length;
    const el_packed example = {p->ids, length, second, p->starts, p->at.parts};
    p->at.parts = p->at.length = 0;
    return p->emit(p->context, &example);
}

/* ---- segments ---- */

/* Which lines go to B: sides[i] is true.  They need not be the last ones, which is the original's way. */
static void choose_sides(el_packer *p, bool *sides)
{
    const bool single = chance(p, p->settings.single_segment_prob);
    const int aim = (p->at.target - 3) / 2;
    int64_t first = 0, second = 0;
    for (int i = 0; i < p->at.line_count; i++) {
        const int length = p->lines[i + 1] - p->lines[i];
        sides[i] =
            !(single || first == 0 || first + length < aim || (second == 0 && first < aim && chance(p, 0.5)));
        *(sides[i] ? &second : &first) += length;
    }
}

/* Appends the text of one side, at most `room` tokens of it; returns how many. */
static int put_side(el_packer *p, const bool *sides, bool side, int room)
{
    int done = 0;
    for (int i = 0; i < p->at.line_count; i++)
        for (int t = p->lines[i]; sides[i] == side && t < p->lines[i + 1] && done < room; t++, done++)
            put(p, p->text[t]);
    return done;
}

static el_status emit_segments(el_packer *p)
{
    const int longest = p->settings.max_seq_length;
    bool sides[p->at.line_count];
    choose_sides(p, sides);

    put(p, p->settings.cls);
    const int first = put_side(p, sides, false, longest - 2);
    put(p, p->settings.sep);
    const int middle = p->at.length;
    const int room = longest - first - 3;
    const int second = room > 0 ? put_side(p, sides, true, room) : 0;
    if (second)
        put(p, p->settings.sep);

    p->at.counts.lost += p->at.gathered - first - second;
    p->starts[0] = 0;
    p->at.parts = 1;
    p->at.gathered = p->at.line_count = 0;
    p->at.target = 0;
    return emit(p, p->at.length, middle);
}

static void choose_target(el_packer *p)
{
    const int longest = p->settings.max_seq_length;
    const bool is_short = chance(p, p->settings.short_seq_prob);
    p->at.target = is_short ? between(p, 5, longest) : longest;
    p->at.counts.shorts += is_short;
}

static el_status line_of_segments(el_packer *p, const int *ids, int count)
{
    const int longest = p->settings.max_seq_length;
    if (!p->at.target)
        choose_target(p);
    const int begin = p->lines[p->at.line_count], kept = count < longest ? count : longest;
    memcpy(p->text + begin, ids, (size_t)kept * sizeof *ids);
    p->lines[++p->at.line_count] = begin + kept;
    p->at.gathered += count;
    return p->at.gathered >= p->at.target ? emit_segments(p) : EL_OK;
}

/* ---- full ---- */

/* Ends the part that is open.  The place for its [SEP] was kept. */
static void end_part(el_packer *p)
{
    put(p, p->settings.sep);
}

static el_status begin_part(el_packer *p)
{
    if (p->at.length + 3 > p->settings.max_seq_length) {
        const el_status st = emit(p, p->at.length, p->at.length);
        if (st)
            return st;
    }
    p->starts[p->at.parts++] = p->at.length;
    put(p, p->settings.cls);
    return EL_OK;
}

/* Closes the example within a document: after its part, or, where that is hardly begun, before it. */
static el_status cut_part(el_packer *p)
{
    const int begin = p->starts[p->at.parts - 1], held = p->at.length - begin;
    if (p->at.parts > 1 && held - 1 < EL_PACK_LEAST) {
        p->at.parts--;
        const el_status st = emit(p, begin, begin);
        memmove(p->ids, p->ids + begin, (size_t)held * sizeof *p->ids);
        p->at.length = held;
        p->starts[p->at.parts++] = 0;
        return st;
    }
    end_part(p);
    const el_status st = emit(p, p->at.length, p->at.length);
    return st ? st : begin_part(p);
}

static el_status line_of_full(el_packer *p, const int *ids, int count)
{
    for (int done = 0; done < count;) {
        const int room = p->settings.max_seq_length - 1 - p->at.length; /* but for [SEP] */
        if (room == 0) {
            const el_status st = cut_part(p);
            if (st)
                return st;
            continue;
        }
        const int taken = count - done < room ? count - done : room;
        memcpy(p->ids + p->at.length, ids + done, (size_t)taken * sizeof *ids);
        p->at.length += taken;
        done += taken;
    }
    return EL_OK;
}

/* ---- both ---- */

static el_status begin_document(el_packer *p, int64_t document)
{
    assert(document > p->at.document);
    p->at.document = document;
    p->at.draws = 0;
    p->at.inside = true;
    p->at.counts.documents++;
    return p->settings.packing == EL_PACK_FULL ? begin_part(p) : EL_OK;
}

el_status el_packer_line(el_packer *p, int64_t document, const int *ids, int count)
{
    if (count == 0)
        return EL_OK;
    if (!p->at.inside) {
        const el_status st = begin_document(p, document);
        if (st)
            return st;
    }
    assert(document == p->at.document);
    return p->settings.packing == EL_PACK_FULL ? line_of_full(p, ids, count)
                                               : line_of_segments(p, ids, count);
}

el_status el_packer_end_document(el_packer *p)
{
    if (!p->at.inside)
        return EL_OK;
    p->at.inside = false;
    if (p->settings.packing == EL_PACK_FULL) {
        end_part(p);
        return EL_OK;
    }
    return p->at.line_count ? emit_segments(p) : EL_OK;
}

/* ---- going on ---- */

void el_packer_save(el_packer *p, el_unfinished *unfinished, const char *of)
{
    el_unfinished_put(unfinished, of, "packer", &p->at, sizeof p->at);
    el_unfinished_put(unfinished, of, "packing", p->ids,
                      numbers(p->settings.max_seq_length) * sizeof *p->ids);
}

/* Whether it is what a packer can be at. */
static bool sensible(const el_packer *p, const standing *at)
{
    const int longest = p->settings.max_seq_length;
    if (at->length < 0 || at->length > longest || at->parts < 0 || at->parts > longest ||
        at->line_count < 0 || at->line_count > longest || at->target < 0 || at->target > longest)
        return false;
    for (int i = 0; i < at->parts; i++)
        if (p->starts[i] < 0 || p->starts[i] >= at->length)
            return false;
    for (int i = 0; i < at->line_count; i++)
        if (p->lines[i] < 0 || p->lines[i] > p->lines[i + 1])
            return false;
    return p->lines[at->line_count] <= longest; /* room for one line more */
}

el_status el_packer_restore(el_packer *p, const el_safetensors *unfinished, const char *of)
{
    el_status st = el_unfinished_get(unfinished, of, "packing", p->ids,
                                     numbers(p->settings.max_seq_length) * sizeof *p->ids);
    if (!st)
        st = el_unfinished_get(unfinished, of, "packer", &p->at, sizeof p->at);
    if (!st && !sensible(p, &p->at))
        st = el_fail(EL_EDATA, "%s: %s: no examples are packed like this", unfinished->path, of);
    return st;
}

el_status el_packer_finish(el_packer *p)
{
    const el_status st = el_packer_end_document(p);
    return st || !p->at.length ? st : emit(p, p->at.length, p->at.length);
}
