/* prepare - text to folders of shards
 *
 * A turn does three things at a time: it reads a block, tokenises the one before, piece by piece, and packs the
 * ids of the one before that, in order.  Each thread takes what comes next, so that reading and packing, which
 * are one thread's work, hold nobody up while they take less than their share.
 */
#include "data/prepare.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/output.h"
#include "base/pool.h"
#include "base/random.h"
#include "data/pieces.h"
#include "text/wordpiece.h"

static const size_t HANGUL_SAMPLE = 1 << 20; /* bytes looked at to tell what script a text is in */
static const double HANGUL_SHARE = 0.3;      /* of these bytes: the text is largely Hangul */

/* ---- where documents go ---- */

/* A folder being filled. */
typedef struct {
    el_folder folder;
    el_shard_writer *writer;
    el_packer *packer;
} destination;

static el_status add_example(void *context, const el_packed *example)
{
    return el_shard_writer_add(context, example);
}

static void destination_close(destination *d)
{
    el_packer_close(d->packer);
    el_shard_writer_close(d->writer);
    el_folder_abandon(&d->folder);
}

static bool is_shard(const char *name)
{
    return el_shard_number(name) >= 0;
}

/* What may be there: nothing, an empty folder, or, to be overwritten, a folder of shards and nothing else. */
static el_status check_ours(const char *path, bool overwrite)
{
    bool empty;
    const el_status st = el_output_check(path, "prepare", is_shard, &empty);
    if (!st && !empty && !overwrite)
        return el_fail(EL_EUSAGE, "%s: holds shards already; --overwrite replaces them", path);
    return st;
}

static el_status destination_open(destination *d, const el_prepare_settings *s, const el_vocab *vocab,
                                  const char *path)
{
    const el_shard_settings shards = {.vocab = vocab,
                                      .packing = s->pack.packing,
                                      .attention = s->attention,
                                      .max_seq_length = s->pack.max_seq_length,
                                      .seed = s->pack.seed,
                                      .tokens = s->shard_tokens};
    el_pack_settings pack = s->pack;
    pack.cls = vocab->cls;
    pack.sep = vocab->sep;
    el_status st = check_ours(path, s->overwrite);
    if (!st)
        st = el_folder_begin(&d->folder, path);
    if (!st)
        st = el_shard_writer_open(&d->writer, d->folder.temporary, &shards);
    if (!st)
        st = el_packer_open(&d->packer, &pack, add_example, d->writer);
    return st;
}

static el_status destination_finish(destination *d)
{
    el_status st = el_packer_finish(d->packer);
    if (!st && el_packer_counts(d->packer).examples == 0)
        st = el_fail(EL_EDATA, "%s: no document goes there, so it would be empty", d->folder.path);
    return st ? st : el_shard_writer_finish(d->writer);
}

/* ---- the whole ---- */

/* How a step of a turn ended; the sentence is brought from the thread that it was left in. */
typedef struct {
    el_status status;
    char sentence[2048];
} outcome;

static void note(outcome *o, el_status status)
{
    o->status = status;
    if (status)
        snprintf(o->sentence, sizeof o->sentence, "%s", el_error());
}

static el_status repeat(const outcome *o)
{
    return o->status ? el_fail(o->status, "%s", o->sentence) : EL_OK;
}

/* A block that several processes read, kept by the one that works on it. */
typedef struct {
    char *data;
    size_t room;
} own_text;

typedef struct {
    const el_prepare_settings *settings;
    el_shares shares;
    const el_vocab *vocab;
    el_reader *reader;
    el_pool *pool;
    el_wordpiece **sessions; /* one a thread */
    /* In this turn: what was read, what is tokenised, and what is packed, a block of each process. */
    el_block read;
    bool read_some, tokenised_some, packed_some;
    el_pieces tokenised, *packed;
    own_text texts[2]; /* of several processes: this one's blocks, which outlive the reader's */
    int64_t turns;
    int source; /* whose text is read, where each has its own */
    el_pieces_bytes bytes;
    destination train, held_out;
    el_prepare_summary *summary;
    destination *current; /* of the document being packed; NULL before its first token */
    int64_t documents;
    bool in_line; /* the block before ended within a line */
    size_t hangul, sampled;
    outcome reading, packing; /* of this turn */
} job;

static int parts(const job *j)
{
    return el_shares_alone(&j->shares) ? 1 : j->shares.parts;
}

static destination *choose(const job *j)
{
    const el_random random = {j->settings->pack.seed, EL_STREAM_DOCUMENT_HELD_OUT, 0};
    const bool held_out = j->settings->held_out > 0 &&
                          el_random_uniform(random, (uint64_t)j->documents) < j->settings->held_out;
    return (destination *)(held_out ? &j->held_out : &j->train);
}

static el_status end_document(job *j)
{
    if (!j->current)
        return EL_OK;
    const el_status st = el_packer_end_document(j->current->packer);
    j->current = NULL;
    j->documents++;
    return st;
}

static el_status pack_line(job *j, const int32_t *ids, int count)
{
    if (!count)
        return EL_OK;
    if (!j->current)
        j->current = choose(j);
    return el_packer_line(j->current->packer, j->documents, ids, count);
}

static el_status pack_piece(job *j, const el_piece *p)
{
    int begin = 0;
    el_status st = EL_OK;
    for (size_t i = 0; i < p->ends.count && !st; i++) {
        const int end = p->ends.data[i];
        if (end != EL_PIECE_BLANK) {
            st = pack_line(j, p->ids.data + begin, end - begin);
            begin = end;
            j->summary->lines++;
        } else if (!j->in_line) {
            st = end_document(j);
        }
        j->in_line = false;
    }
    j->summary->text_tokens += (int64_t)p->ids.count;
    j->summary->unknown += p->unknown;
    return st;
}

/* Warns, once, where the text is written in syllables that the vocabulary takes apart.  Hangul syllables are
 * U+AC00 to U+D7A3, in UTF-8 three bytes of which the first is EA to ED. */
static void look_for_hangul(job *j, const el_block *block)
{
    if (!j->vocab->casing.strip_accents)
        return;
    const unsigned char *const text = (const unsigned char *)block->text;
    const size_t left = HANGUL_SAMPLE - j->sampled, bytes = block->bytes < left ? block->bytes : left;
    for (size_t i = 0; i + 1 < bytes; i++)
        j->hangul += (text[i] == 0xEA && text[i + 1] >= 0xB0) || text[i] == 0xEB || text[i] == 0xEC ||
                     (text[i] == 0xED && text[i + 1] <= 0x9E);
    j->sampled += bytes;
}

static void warn_of_hangul(const job *j)
{
    if (j->sampled && 3.0 * (double)j->hangul > HANGUL_SHARE * (double)j->sampled)
        el_log(EL_LOG_WARNING,
               "the text is largely Hangul, and this vocabulary strips accents, which takes its "
               "syllables apart; learn one with `electra vocab --no-strip-accents`");
}

static el_status pack_block(job *j, const el_pieces *p)
{
    el_status st = EL_OK;
    if (!p->block.bytes)
        return EL_OK;
    for (int i = 0; i < p->count && !st; i++)
        st = pack_piece(j, &p->list[i]);
    j->in_line = p->block.cut;
    j->summary->text_bytes += (int64_t)p->block.bytes;
    return st;
}

/* The first process packs a block of each. */
static el_status pack_blocks(job *j)
{
    el_status st = EL_OK;
    for (int i = 0; !st && i < parts(j) && j->shares.part == 0; i++)
        st = pack_block(j, &j->packed[i]);
    return st;
}

/* ---- reading ---- */

static el_status keep_text(job *j, el_block *block)
{
    own_text *const t = &j->texts[j->turns % 2];
    if (block->bytes > t->room) {
        free(t->data);
        t->data = malloc(block->bytes);
        t->room = t->data ? block->bytes : 0;
        if (!t->data)
            return el_fail(EL_ENOMEM, "no memory for %zu bytes of text", block->bytes);
    }
    if (block->bytes)
        memcpy(t->data, block->text, block->bytes);
    block->text = t->data ? t->data : "";
    return EL_OK;
}

/* A block of the process whose text it is, to all. */
static el_status send_block(job *j, el_block *block)
{
    const el_shares *const s = &j->shares;
    const bool sends = s->part == j->source;
    el_status st = s->agree(s->context, sends ? el_reader_next(j->reader, block) : EL_OK);
    if (st)
        return st;
    s->share(s->context, j->source, block, sizeof *block);
    char *const text = sends ? (char *)block->text : malloc(block->bytes + 1);
    st = s->agree(s->context,
                  text ? EL_OK : el_fail(EL_ENOMEM, "no memory for %zu bytes of text", block->bytes));
    if (!st)
        s->share(s->context, j->source, text, block->bytes);
    if (!sends)
        block->text = text;
    return st;
}

static el_status next_of_all(job *j, el_block *block, bool *received)
{
    *block = (el_block){0};
    el_status st = EL_OK;
    for (*received = false; !st && !block->bytes && j->source < parts(j); j->source += !block->bytes) {
        st = send_block(j, block);
        *received = j->shares.part != j->source;
        if (*received && !block->bytes)
            free((char *)block->text);
    }
    *received &= block->bytes > 0;
    return st;
}

/* A block for each process, of which this one keeps its own. */
static el_status read_round(job *j)
{
    el_status st = EL_OK;
    j->read = (el_block){.text = ""};
    j->read_some = false;
    for (int i = 0; !st && i < parts(j); i++) {
        el_block block;
        bool received = false;
        st = j->shares.own ? next_of_all(j, &block, &received) : el_reader_next(j->reader, &block);
        if (!st && i == j->shares.part) {
            j->read = block;
            st = el_shares_alone(&j->shares) ? EL_OK : keep_text(j, &j->read);
        }
        j->read_some |= !st && block.bytes > 0;
        if (received)
            free((char *)block.text);
    }
    return st;
}

/* ---- turns ---- */

/* The steps of a turn: two, and a piece each. */
enum { READ, PACK, PIECES };

/* Does one step: an el_task. */
static void do_step(void *context, int step, int thread)
{
    job *const j = context;
    if (step == READ) {
        if (!j->shares.own) /* else all processes have to read together */
            note(&j->reading, read_round(j));
    } else if (step == PACK) {
        note(&j->packing, pack_blocks(j));
    } else {
        el_pieces_tokenise(&j->tokenised, step - PIECES, j->sessions[thread], j->vocab->unk);
    }
}

static el_status turn(job *j)
{
    if (j->shares.own)
        note(&j->reading, read_round(j));
    el_pool_run(j->pool, PIECES + j->tokenised.count, do_step, j);
    el_status st = repeat(&j->packing);
    for (int i = 0; i < j->tokenised.count && !st; i++)
        if (j->tokenised.list[i].status) /* only memory can fail */
            st = el_fail(j->tokenised.list[i].status, "no memory to tokenise");
    return st ? st : repeat(&j->reading);
}

static el_status take_block(void *context, int part, const void *data, size_t bytes)
{
    job *const j = context;
    return el_pieces_read(&j->packed[part], data, bytes);
}

/* What every process has tokenised goes to the first. */
static el_status collect(job *j)
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
static el_status advance(job *j)
{
    el_status st = collect(j);
    j->packed_some = j->tokenised_some;
    j->tokenised_some = j->read_some;
    j->turns++;
    if (st)
        return st;
    look_for_hangul(j, &j->read);
    return el_pieces_cut(&j->tokenised, j->read);
}

static el_status report(const job *j)
{
    const el_prepare_settings *const s = j->settings;
    uint64_t done, total;
    el_reader_progress(j->reader, &done, &total);
    if (s->progress && !s->progress(s->progress_context, done, total, (uint64_t)j->summary->text_bytes))
        return el_fail(EL_EFAILED, "stopped; nothing was written");
    return EL_OK;
}

static el_status agree(const job *j, el_status st)
{
    return el_shares_alone(&j->shares) ? st : j->shares.agree(j->shares.context, st);
}

static el_status read_all(job *j)
{
    el_status st;
    do {
        st = turn(j);
        if (!st)
            st = report(j);
        st = agree(j, st);
        if (!st)
            st = advance(j);
    } while (!st && (j->tokenised_some || j->packed_some));
    return st ? st : end_document(j);
}

static el_status open_sessions(job *j)
{
    const int threads = j->settings->threads;
    j->sessions = calloc((size_t)threads, sizeof *j->sessions);
    el_status st =
        j->sessions ? el_pool_open(&j->pool, threads) : el_fail(EL_ENOMEM, "no memory to tokenise");
    for (int i = 0; i < threads && !st; i++)
        st = el_wordpiece_open(&j->sessions[i], j->vocab, j->settings->reading);
    return st;
}

static el_status open_job(job *j)
{
    const el_prepare_settings *const s = j->settings;
    el_status st = open_sessions(j);
    j->packed = st ? NULL : calloc((size_t)parts(j), sizeof *j->packed);
    if (!st && !j->packed)
        st = el_fail(EL_ENOMEM, "no memory to pack");
    if (j->shares.part > 0) /* the first packs and writes */
        return st;
    if (!st)
        st = destination_open(&j->train, s, j->vocab, s->output);
    if (!st && s->held_out_output)
        st = destination_open(&j->held_out, s, j->vocab, s->held_out_output);
    return st;
}

static void close_job(job *j)
{
    el_pool_close(j->pool);
    for (int i = 0; j->sessions && i < j->settings->threads; i++)
        el_wordpiece_close(j->sessions[i]);
    free(j->sessions);
    el_pieces_release(&j->tokenised);
    for (int i = 0; j->packed && i < parts(j); i++)
        el_pieces_release(&j->packed[i]);
    free(j->packed);
    free(j->bytes.data);
    free(j->texts[0].data);
    free(j->texts[1].data);
    destination_close(&j->train);
    destination_close(&j->held_out);
}

static el_status finish_job(job *j)
{
    if (!j->documents)
        return el_fail(EL_EDATA, "there is no text in what was read");
    el_status st = destination_finish(&j->train);
    if (!st && j->held_out.packer)
        st = destination_finish(&j->held_out);
    if (st)
        return st;
    j->summary->train = el_packer_counts(j->train.packer);
    if (j->held_out.packer)
        j->summary->held_out = el_packer_counts(j->held_out.packer);
    if (j->held_out.packer)
        st = el_folder_commit(&j->held_out.folder);
    return st ? st : el_folder_commit(&j->train.folder);
}

el_status el_prepare(const el_prepare_settings *settings, const el_vocab *vocab, el_reader *reader,
                     el_prepare_summary *summary)
{
    assert(settings->threads > 0 && !settings->held_out_output == !(settings->held_out > 0));
    *summary = (el_prepare_summary){0};
    job j = {.settings = settings,
             .shares = settings->shares,
             .vocab = vocab,
             .reader = reader,
             .summary = summary};
    el_status st = agree(&j, open_job(&j));
    if (!st)
        st = read_all(&j);
    if (j.shares.part == 0)
        warn_of_hangul(&j);
    if (!st && j.shares.part == 0)
        st = finish_job(&j);
    st = agree(&j, st);
    close_job(&j);
    return st;
}
