/* prepare - text to folders of shards
 *
 * A turn does three things at a time: it reads a block, tokenises the one before, piece by piece, and packs the
 * ids of the one before that, in order.  Each thread takes what comes next, so that reading and packing, which
 * are one thread's work, hold nobody up while they take less than their share.
 */
#include "data/prepare.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/random.h"
#include "data/prepare_parts.h"
#include "text/learn.h"

static const size_t HANGUL_SAMPLE = 1 << 20; /* bytes looked at to tell what script a text is in */
static const double HANGUL_SHARE = 0.3;      /* of these bytes: the text is largely Hangul */

static int choose(const el_prepare_job *j)
{
    const el_random random = {j->settings->pack.seed, EL_STREAM_DOCUMENT_HELDOUT, 0};
    const bool heldout = j->settings->heldout > 0 &&
                         el_random_uniform(random, (uint64_t)j->at.documents) < j->settings->heldout;
    return heldout ? EL_PREPARE_HELDOUT : EL_PREPARE_TRAIN;
}

static el_status end_document(el_prepare_job *j)
{
    if (j->at.current < 0)
        return EL_OK;
    const el_status st = el_packer_end_document(j->destinations[j->at.current].packer);
    j->at.current = -1;
    j->at.documents++;
    return st;
}

static el_status pack_line(el_prepare_job *j, const int32_t *ids, int count)
{
    if (!count)
        return EL_OK;
    if (j->at.current < 0)
        j->at.current = choose(j);
    return el_packer_line(j->destinations[j->at.current].packer, j->at.documents, ids, count);
}

static el_status pack_piece(el_prepare_job *j, const el_piece *p)
{
    int begin = 0;
    el_status st = EL_OK;
    for (size_t i = 0; i < p->ends.count && !st; i++) {
        const int end = p->ends.data[i];
        if (end != EL_PIECE_BLANK) {
            st = pack_line(j, p->ids.data + begin, end - begin);
            begin = end;
            j->at.summary.lines++;
        } else if (!j->at.in_line) {
            st = end_document(j);
        }
        j->at.in_line = false;
    }
    j->at.summary.text_tokens += (int64_t)p->ids.count;
    j->at.summary.unknown += p->unknown;
    return st;
}

/* Hangul syllables are U+AC00 to U+D7A3, in UTF-8 three bytes of which the first is EA to ED; the letters that they are
 * composed of are U+1100 to U+11FF. */
static bool is_syllable(unsigned char first, unsigned char second)
{
    return (first == 0xEA && second >= 0xB0) || first == 0xEB || first == 0xEC ||
           (first == 0xED && second <= 0x9E);
}

static bool is_jamo(unsigned char first, unsigned char second)
{
    return first == 0xE1 && second >= 0x84 && second <= 0x87;
}

/* Counts the Hangul that the vocabulary does not take as it is. */
static void look_for_hangul(el_prepare_job *j, const el_block *block)
{
    const bool strips = j->vocab->casing.strip_accents;
    const unsigned char *const text = (const unsigned char *)block->text;
    const size_t left = HANGUL_SAMPLE - (size_t)j->at.sampled,
                 bytes = block->bytes < left ? block->bytes : left;
    for (size_t i = 0; i + 1 < bytes; i++)
        j->at.hangul += strips ? is_syllable(text[i], text[i + 1]) : is_jamo(text[i], text[i + 1]);
    j->at.sampled += (int64_t)bytes;
}

/* Once, at the end. */
static void warn_of_hangul(const el_prepare_job *j)
{
    const bool strips = j->vocab->casing.strip_accents;
    const double share = j->at.sampled ? 3.0 * (double)j->at.hangul / (double)j->at.sampled : 0;
    if (strips && share > HANGUL_SHARE)
        el_log(EL_LOG_WARNING,
               "the text is largely Hangul, and this vocabulary strips accents, which takes its "
               "syllables apart; learn one with `electra vocab --no-strip-accents`");
    if (!strips && share > EL_JAMO_SHARE)
        el_log(EL_LOG_WARNING,
               "%.0f %% of the text is Hangul in decomposed letters (NFD), which are other pieces than whole "
               "syllables; uconv -x any-nfc composes them",
               100 * share);
}

static el_status pack_block(el_prepare_job *j, const el_pieces *p)
{
    el_status st = EL_OK;
    if (!p->block.bytes)
        return EL_OK;
    for (int i = 0; i < p->count && !st; i++)
        st = pack_piece(j, &p->list[i]);
    j->at.in_line = p->block.cut;
    j->at.summary.text_bytes += (int64_t)p->block.bytes;
    return st;
}

/* The first process packs a block of each. */
static el_status pack_blocks(el_prepare_job *j)
{
    el_status st = EL_OK;
    for (int i = 0; !st && el_prepare_leads(j) && i < j->rounds.parts; i++)
        st = pack_block(j, &j->packed[i]);
    return st;
}

/* ---- turns ---- */

/* The steps of a turn: two, and a piece each. */
enum { READ, PACK, PIECES };

/* Does one step: an el_task. */
static void do_step(void *context, int step, int thread)
{
    el_prepare_job *const j = context;
    if (step == READ) {
        if (!j->shares.own) /* else all processes have to read together */
            el_outcome_keep(&j->reading, el_rounds_next(&j->rounds));
    } else if (step == PACK) {
        el_outcome_keep(&j->packing, pack_blocks(j));
    } else {
        el_pieces_tokenise(&j->tokenised, step - PIECES, j->sessions[thread], j->vocab->unk);
    }
}

static el_status turn(el_prepare_job *j)
{
    if (j->shares.own)
        el_outcome_keep(&j->reading, el_rounds_next(&j->rounds));
    el_pool_run(j->pool, PIECES + j->tokenised.count, do_step, j);
    el_status st = el_outcome_repeat(&j->packing);
    for (int i = 0; i < j->tokenised.count && !st; i++)
        if (j->tokenised.list[i].status) /* only memory can fail */
            st = el_fail(j->tokenised.list[i].status, "no memory to tokenise");
    return st ? st : el_outcome_repeat(&j->reading);
}

static el_status take_block(void *context, int part, const void *data, size_t bytes)
{
    el_prepare_job *const j = context;
    return el_pieces_read(&j->packed[part], data, bytes);
}

/* What every process has tokenised goes to the first. */
static el_status collect(el_prepare_job *j)
{
    const el_shares *const s = &j->shares;
    if (el_shares_alone(s)) {
        const el_pieces done = j->packed[0];
        j->packed[0] = j->tokenised;
        j->tokenised = done;
        return EL_OK;
    }
    const el_status st = s->agree(s->context, el_pieces_write(&j->tokenised, &j->bytes));
    return st ? st : s->collect(s->context, j->bytes.data, j->bytes.count, take_block, j);
}

/* What was tokenised is to be packed, what was read to be tokenised. */
static el_status advance(el_prepare_job *j)
{
    el_status st = collect(j);
    j->packed_some = j->tokenised_some;
    j->tokenised_some = j->rounds.some;
    const size_t places = (size_t)j->rounds.texts * sizeof *j->packed_end;
    memcpy(j->packed_end, j->tokenised_end, places);
    memcpy(j->tokenised_end, j->rounds.places, places);
    if (st)
        return st;
    look_for_hangul(j, &j->rounds.own);
    return el_pieces_cut(&j->tokenised, j->rounds.own);
}

static el_status report(const el_prepare_job *j)
{
    const el_prepare_settings *const s = j->settings;
    uint64_t done, total;
    el_reader_progress(j->rounds.reader, &done, &total);
    if (s->progress && !s->progress(s->progress_context, done, total, (uint64_t)j->at.summary.text_bytes))
        return el_fail(EL_ESTOPPED, "stopped");
    return EL_OK;
}

static el_status read_all(el_prepare_job *j)
{
    el_status st;
    do {
        st = turn(j);
        if (!st)
            st = report(j);
        if (!st && el_prepare_whole(j) > j->saved_shards)
            st = el_prepare_save(j);
        st = el_prepare_agree(j, st);
        if (!st)
            st = el_shares_same_text(&j->shares, j->rounds.content); /* before anything becomes of it */
        if (!st)
            st = el_prepare_agree(j, advance(j));
    } while (!st && (j->tokenised_some || j->packed_some));
    if (st == EL_ESTOPPED && el_prepare_leads(j))
        return el_prepare_stop(j);
    return st ? st : end_document(j);
}

/* ---- the whole ---- */

static el_status open_sessions(el_prepare_job *j)
{
    const int threads = j->settings->threads;
    j->sessions = calloc((size_t)threads, sizeof *j->sessions);
    el_status st = j->sessions ? el_pool_open(&j->pool, threads) : el_no_memory(NULL);
    for (int i = 0; i < threads && !st; i++)
        st = el_wordpiece_open(&j->sessions[i], j->vocab, j->settings->reading);
    return st;
}

static el_status open_job(el_prepare_job *j)
{
    el_status st = el_rounds_open(&j->rounds, &j->shares, j->rounds.reader);
    if (!st)
        st = open_sessions(j);
    if (st)
        return st;
    j->packed = calloc((size_t)j->rounds.parts, sizeof *j->packed);
    j->tokenised_end = calloc((size_t)j->rounds.texts, sizeof *j->tokenised_end);
    j->packed_end = calloc((size_t)j->rounds.texts, sizeof *j->packed_end);
    if (!j->packed || !j->tokenised_end || !j->packed_end)
        return el_no_memory(NULL);
    return el_prepare_leads(j) ? el_prepare_open(j) : EL_OK; /* the first packs and writes */
}

static void close_job(el_prepare_job *j)
{
    el_pool_close(j->pool);
    for (int i = 0; j->sessions && i < j->settings->threads; i++)
        el_wordpiece_close(j->sessions[i]);
    free(j->sessions);
    el_pieces_release(&j->tokenised);
    for (int i = 0; j->packed && i < j->rounds.parts; i++)
        el_pieces_release(&j->packed[i]);
    free(j->packed);
    free(j->tokenised_end);
    free(j->packed_end);
    free(j->bytes.data);
    el_rounds_close(&j->rounds);
    el_prepare_close(j);
}

/* The record goes along with the shards, and is removed where they are then: a start that fails here loses nothing. */
static el_status commit(el_prepare_job *j)
{
    el_status st = j->finished ? EL_OK : el_prepare_seal(j);
    for (int d = EL_PREPARE_DESTINATIONS - 1; d >= 0 && !st; d--)
        if (el_prepare_fills(j, d))
            st = el_folder_commit(&j->destinations[d].folder);
    if (st)
        return st;
    j->saved = false;
    return el_unfinished_remove(j->settings->output);
}

/* Refuses a folder that would be without a document. */
static el_status check_filled(const el_prepare_job *j)
{
    const int64_t heldout = el_prepare_fills(j, EL_PREPARE_HELDOUT)
                                ? el_packer_counts(j->destinations[EL_PREPARE_HELDOUT].packer).documents
                                : -1,
                  documents = j->at.documents;
    if (documents && heldout && heldout < documents)
        return EL_OK;
    if (!documents)
        return el_fail(EL_EDATA, "there is no text in what was read");
    return el_fail(EL_EDATA,
                   "%s: no document of %" PRId64
                   " goes there; a %s --heldout, another --seed, or more documents "
                   "(blank lines end them) may fill it",
                   heldout ? j->settings->output : j->settings->heldout_output, documents,
                   heldout ? "smaller" : "larger");
}

static el_status finish_job(el_prepare_job *j)
{
    el_status st = check_filled(j);
    if (st)
        j->saved = false; /* what is no use, however it is gone on with, is not left */
    if (!st)
        st = el_destination_finish(&j->destinations[EL_PREPARE_TRAIN]);
    if (!st && el_prepare_fills(j, EL_PREPARE_HELDOUT))
        st = el_destination_finish(&j->destinations[EL_PREPARE_HELDOUT]);
    if (st)
        return st;
    j->at.summary.train = el_packer_counts(j->destinations[EL_PREPARE_TRAIN].packer);
    if (el_prepare_fills(j, EL_PREPARE_HELDOUT))
        j->at.summary.heldout = el_packer_counts(j->destinations[EL_PREPARE_HELDOUT].packer);
    return commit(j);
}

/* Failures that are another day's. */
static bool is_to_be_said(el_status st)
{
    return st && st != EL_EUSAGE && st != EL_ESTOPPED;
}

el_status el_prepare(const el_prepare_settings *settings, const el_vocab *vocab, el_reader *reader,
                     el_prepare_summary *summary)
{
    assert(settings->threads > 0 && !settings->heldout_output == !(settings->heldout > 0));
    el_prepare_job j = {.settings = settings,
                        .shares = settings->shares,
                        .vocab = vocab,
                        .rounds.reader = reader,
                        .at.current = -1};
    el_status st = el_prepare_agree(&j, open_job(&j));
    if (!st)
        st = el_prepare_agree(&j, el_prepare_go_on(&j));
    if (!st && !j.finished)
        st = read_all(&j);
    if (el_prepare_leads(&j))
        warn_of_hangul(&j);
    if (!st && el_prepare_leads(&j))
        st = j.finished ? commit(&j) : finish_job(&j);
    st = el_prepare_agree(&j, st);
    if (j.saved && is_to_be_said(st))
        el_log(EL_LOG_NOTE, "%s: has what is whole so far; the same command goes on behind it",
               j.destinations[EL_PREPARE_TRAIN].folder.temporary);
    *summary = j.at.summary;
    close_job(&j);
    return st;
}
