/* pack - lines of token ids to examples */
#include "data/pack.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

struct el_packer {
    el_pack_settings settings;
    el_pack_emit *emit;
    void *context;
    el_pack_counts counts;
    int64_t document; /* being read */
    uint32_t draws;   /* made in it */
    bool inside;      /* a token of it was seen */

    int *ids; /* the example being written: max_seq_length */
    int length;
    int *starts; /* of its parts */
    int parts;

    /* EL_PACK_SEGMENTS: lines gathered, each kept up to max_seq_length, as no more of it can be used */
    int *text;  /* 2 max_seq_length */
    int *lines; /* where each begins; lines[line_count] is the end */
    int line_count;
    int64_t gathered; /* tokens in these lines, as they were */
    int target;
};

el_status el_packer_open(el_packer **packer, const el_pack_settings *settings, el_pack_emit *emit,
                         void *context)
{
    const int longest = settings->max_seq_length;
    assert(longest >= EL_PACK_SHORTEST && longest <= EL_PACK_LONGEST);
    *packer = NULL;
    el_packer *const p = calloc(1, sizeof *p);
    int *const memory = malloc((size_t)(5 * longest + 1) * sizeof *memory);
    if (!p || !memory) {
        free(p);
        free(memory);
        return el_fail(EL_ENOMEM, "no memory to pack examples of %d tokens", longest);
    }
    p->settings = *settings;
    p->emit = emit;
    p->context = context;
    p->document = -1;
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
    return packer->counts;
}

static bool chance(el_packer *p, double probability)
{
    const el_random random = {p->settings.seed, EL_STREAM_PACK, p->draws++};
    return el_random_uniform(random, p->document) < probability;
}

static int between(el_packer *p, int low, int high)
{
    const el_random random = {p->settings.seed, EL_STREAM_PACK, p->draws++};
    return low + (int)el_random_below(random, p->document, high - low + 1);
}

static void put(el_packer *p, int id)
{
    assert(p->length < p->settings.max_seq_length);
    p->ids[p->length++] = id;
}

static el_status emit(el_packer *p, int length, int second)
{
    p->counts.examples++;
    p->counts.tokens += length;
    p->counts.singles += second == length;
    const el_packed example = {p->ids, length, second, p->starts, p->parts};
    p->parts = p->length = 0;
    return p->emit(p->context, &example);
}

/* ---- segments ---- */

/* Which lines go to B: sides[i] is true.  They need not be the last ones, which is the original's way. */
static void choose_sides(el_packer *p, bool *sides)
{
    const bool single = chance(p, p->settings.single_segment_prob);
    const int aim = (p->target - 3) / 2;
    int64_t first = 0, second = 0;
    for (int i = 0; i < p->line_count; i++) {
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
    for (int i = 0; i < p->line_count; i++)
        for (int t = p->lines[i]; sides[i] == side && t < p->lines[i + 1] && done < room; t++, done++)
            put(p, p->text[t]);
    return done;
}

static el_status emit_segments(el_packer *p)
{
    const int longest = p->settings.max_seq_length;
    bool sides[p->line_count];
    choose_sides(p, sides);

    put(p, p->settings.cls);
    const int first = put_side(p, sides, false, longest - 2);
    put(p, p->settings.sep);
    const int middle = p->length;
    const int room = longest - first - 3;
    const int second = room > 0 ? put_side(p, sides, true, room) : 0;
    if (second)
        put(p, p->settings.sep);

    p->counts.lost += p->gathered - first - second;
    p->starts[0] = 0;
    p->parts = 1;
    p->gathered = p->line_count = 0;
    p->target = 0;
    return emit(p, p->length, middle);
}

static void choose_target(el_packer *p)
{
    const int longest = p->settings.max_seq_length;
    const bool is_short = chance(p, p->settings.short_seq_prob);
    p->target = is_short ? between(p, 5, longest) : longest;
    p->counts.shorts += is_short;
}

static el_status line_of_segments(el_packer *p, const int *ids, int count)
{
    const int longest = p->settings.max_seq_length;
    if (!p->target)
        choose_target(p);
    const int begin = p->lines[p->line_count], kept = count < longest ? count : longest;
    memcpy(p->text + begin, ids, (size_t)kept * sizeof *ids);
    p->lines[++p->line_count] = begin + kept;
    p->gathered += count;
    return p->gathered >= p->target ? emit_segments(p) : EL_OK;
}

/* ---- full ---- */

/* Ends the part that is open.  The place for its [SEP] was kept. */
static void end_part(el_packer *p)
{
    put(p, p->settings.sep);
}

static el_status begin_part(el_packer *p)
{
    if (p->length + 3 > p->settings.max_seq_length) {
        const el_status st = emit(p, p->length, p->length);
        if (st)
            return st;
    }
    p->starts[p->parts++] = p->length;
    put(p, p->settings.cls);
    return EL_OK;
}

/* Closes the example within a document: after its part, or, where that is hardly begun, before it. */
static el_status cut_part(el_packer *p)
{
    const int begin = p->starts[p->parts - 1], held = p->length - begin;
    if (p->parts > 1 && held - 1 < EL_PACK_LEAST) {
        p->parts--;
        const el_status st = emit(p, begin, begin);
        memmove(p->ids, p->ids + begin, (size_t)held * sizeof *p->ids);
        p->length = held;
        p->starts[p->parts++] = 0;
        return st;
    }
    end_part(p);
    const el_status st = emit(p, p->length, p->length);
    return st ? st : begin_part(p);
}

static el_status line_of_full(el_packer *p, const int *ids, int count)
{
    for (int done = 0; done < count;) {
        const int room = p->settings.max_seq_length - 1 - p->length; /* but for [SEP] */
        if (room == 0) {
            const el_status st = cut_part(p);
            if (st)
                return st;
            continue;
        }
        const int taken = count - done < room ? count - done : room;
        memcpy(p->ids + p->length, ids + done, (size_t)taken * sizeof *ids);
        p->length += taken;
        done += taken;
    }
    return EL_OK;
}

/* ---- both ---- */

static el_status begin_document(el_packer *p, int64_t document)
{
    assert(document > p->document);
    p->document = document;
    p->draws = 0;
    p->inside = true;
    p->counts.documents++;
    return p->settings.packing == EL_PACK_FULL ? begin_part(p) : EL_OK;
}

el_status el_packer_line(el_packer *p, int64_t document, const int *ids, int count)
{
    if (count == 0)
        return EL_OK;
    if (!p->inside) {
        const el_status st = begin_document(p, document);
        if (st)
            return st;
    }
    assert(document == p->document);
    return p->settings.packing == EL_PACK_FULL ? line_of_full(p, ids, count)
                                               : line_of_segments(p, ids, count);
}

el_status el_packer_end_document(el_packer *p)
{
    if (!p->inside)
        return EL_OK;
    p->inside = false;
    if (p->settings.packing == EL_PACK_FULL) {
        end_part(p);
        return EL_OK;
    }
    const el_status st = p->line_count ? emit_segments(p) : EL_OK;
    p->target = 0;
    return st;
}

el_status el_packer_finish(el_packer *p)
{
    const el_status st = el_packer_end_document(p);
    return st || !p->length ? st : emit(p, p->length, p->length);
}
