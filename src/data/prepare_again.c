/* prepare_again - what an unfinished el_prepare leaves, and how another goes on with it */
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "base/plural.h"
#include "data/prepare_parts.h"

static const char *const NAMES[EL_PREPARE_DESTINATIONS] = {"train", "held_out"};
static const char SEAL[] = "seal"; /* the part of a folder whose shards are all whole */

static size_t places_bytes(const el_prepare_job *j)
{
    return (size_t)j->rounds.texts * sizeof *j->packed_end;
}

/* ---- leaving ---- */

int el_prepare_whole(const el_prepare_job *j)
{
    int count = 0;
    for (int d = 0; d < EL_PREPARE_DESTINATIONS; d++)
        count += el_prepare_fills(j, d) ? el_shard_writer_whole(j->destinations[d].writer) : 0;
    return count;
}

/* Whether anything was packed, of files that can be read again. */
static bool is_to_be_kept(const el_prepare_job *j)
{
    bool fine = j->settings->recipe && j->at.summary.text_bytes > 0;
    for (int i = 0; i < j->rounds.texts; i++)
        fine &= j->packed_end[i].files >= 0;
    return fine;
}

static void put_text(el_prepare_job *j, el_unfinished *record)
{
    el_unfinished_put(record, "text", "places", j->packed_end, places_bytes(j));
    el_unfinished_put(record, "text", "packed", &j->at, sizeof j->at);
}

static el_status write_record(el_prepare_job *j, const el_unfinished *record)
{
    const el_status st =
        el_unfinished_write(record, j->destinations[EL_PREPARE_TRAIN].folder.temporary, j->settings->recipe);
    j->saved |= !st;
    return st;
}

el_status el_prepare_save(el_prepare_job *j)
{
    if (!is_to_be_kept(j))
        return EL_OK;
    el_unfinished record = {0};
    put_text(j, &record);
    for (int d = 0; d < EL_PREPARE_DESTINATIONS; d++)
        if (el_prepare_fills(j, d))
            el_destination_save(&j->destinations[d], &record, NAMES[d]);
    j->saved_shards = el_prepare_whole(j);
    return write_record(j, &record);
}

el_status el_prepare_seal(el_prepare_job *j)
{
    if (!is_to_be_kept(j) || !el_prepare_fills(j, EL_PREPARE_HELDOUT))
        return EL_OK;
    el_unfinished record = {0};
    uint64_t seals[EL_PREPARE_DESTINATIONS];
    el_status st = EL_OK;
    put_text(j, &record);
    for (int d = 0; d < EL_PREPARE_DESTINATIONS && !st; d++) {
        st = el_destination_seal(j->destinations[d].folder.temporary, &seals[d]);
        el_unfinished_put(&record, NAMES[d], SEAL, &seals[d], sizeof seals[d]);
    }
    return st ? st : write_record(j, &record);
}

el_status el_prepare_stop(el_prepare_job *j)
{
    if (!is_to_be_kept(j))
        return el_fail(EL_EFAILED, "stopped; nothing was written");
    const el_status st = el_prepare_save(j);
    return st ? st
              : el_fail(EL_ESTOPPED, "stopped behind %d whole shard%s; the same command goes on",
                        j->saved_shards, el_s(j->saved_shards));
}

/* ---- going on ---- */

/* Whether a folder holds the shards that a record says are whole. */
static bool is_sealed(const char *folder, const el_safetensors *record, const char *of)
{
    uint64_t wanted, seal;
    return !el_unfinished_get(record, of, SEAL, &wanted, sizeof wanted) &&
           !el_destination_seal(folder, &seal) && seal == wanted;
}

/* Whether the held-out folder is in place already, and the other one whole: then it is not filled again. */
static bool is_published(const el_prepare_job *j)
{
    el_safetensors record;
    bool there;
    if (!j->settings->recipe ||
        el_unfinished_open(&record, j->destinations[EL_PREPARE_TRAIN].folder.temporary, &there) || !there)
        return false;
    const bool published = !el_unfinished_same(&record, j->settings->recipe) &&
                           is_sealed(j->settings->heldout_output, &record, NAMES[EL_PREPARE_HELDOUT]);
    el_safetensors_close(&record);
    return published;
}

el_status el_prepare_open(el_prepare_job *j)
{
    const el_prepare_settings *const s = j->settings;
    el_status st = el_destination_open(&j->destinations[EL_PREPARE_TRAIN], s, j->vocab, s->output);
    if (!st && s->heldout_output && !is_published(j))
        st = el_destination_open(&j->destinations[EL_PREPARE_HELDOUT], s, j->vocab, s->heldout_output);
    return st;
}

/* Work that nobody has looked at yet is not this process's to remove. */
static bool is_to_be_left(const el_prepare_job *j)
{
    const char *const folder = j->destinations[EL_PREPARE_TRAIN].folder.temporary;
    return j->saved || (!j->looked && folder && el_unfinished_there(folder));
}

void el_prepare_close(el_prepare_job *j)
{
    const bool leave = is_to_be_left(j);
    for (int d = 0; d < EL_PREPARE_DESTINATIONS; d++) {
        el_destination_close(&j->destinations[d], leave);
        j->destinations[d] = (el_destination){0};
    }
}

static el_status begin_anew(el_prepare_job *j)
{
    j->at = (el_prepare_standing){.current = -1};
    j->saved = j->finished = false;
    el_prepare_close(j);
    return el_prepare_open(j);
}

/* What is there cannot be gone on with, as el_error() says. */
static el_status refuse(el_prepare_job *j)
{
    const char *const folder = j->destinations[EL_PREPARE_TRAIN].folder.temporary;
    if (!j->settings->overwrite)
        return el_fail(EL_EUSAGE,
                       "%s: what was left unfinished cannot be gone on with: %s; --overwrite begins anew",
                       folder, el_error());
    el_log(EL_LOG_NOTE, "%s: what was left unfinished cannot be gone on with, and is begun anew: %s", folder,
           el_error());
    return begin_anew(j);
}

static bool is_of_the_files(el_status st)
{
    return st == EL_EUSAGE || st == EL_EDATA;
}

static el_status restore_text(el_prepare_job *j, const el_safetensors *record)
{
    el_status st = el_unfinished_same(record, j->settings->recipe);
    if (!st)
        st = el_unfinished_get(record, "text", "places", j->packed_end, places_bytes(j));
    return st ? st : el_unfinished_get(record, "text", "packed", &j->at, sizeof j->at);
}

/* All is packed: what is left is to put the folders in place. */
static el_status restore_finished(el_prepare_job *j, const el_safetensors *record)
{
    const el_status st = restore_text(j, record);
    for (int d = 0; d < EL_PREPARE_DESTINATIONS && !st; d++) {
        const char *const folder = j->destinations[d].folder.temporary;
        if (el_prepare_fills(j, d) && !is_sealed(folder, record, NAMES[d]))
            return el_fail(EL_EDATA, "%s: does not hold the shards that were whole there", folder);
    }
    j->finished = !st;
    return st;
}

static el_status restore(el_prepare_job *j, const el_safetensors *record)
{
    if (el_unfinished_has(record, NAMES[EL_PREPARE_TRAIN], SEAL))
        return restore_finished(j, record);
    el_status st = restore_text(j, record);
    if (!st && !(j->at.current >= -1 && j->at.current < EL_PREPARE_DESTINATIONS &&
                 (j->at.current < 0 || el_prepare_fills(j, j->at.current))))
        st = el_fail(EL_EDATA, "%s: a document goes nowhere", record->path);
    for (int d = 0; d < EL_PREPARE_DESTINATIONS && !st; d++)
        if (el_prepare_fills(j, d))
            st = el_destination_restore(&j->destinations[d], record, NAMES[d]);
    return st;
}

/* The first process: takes up what was left unfinished, where it was. */
static el_status find(el_prepare_job *j, bool *going)
{
    el_safetensors record;
    j->looked = true;
    if (!j->settings->recipe)
        return begin_anew(j);
    el_status st = el_unfinished_open(&record, j->destinations[EL_PREPARE_TRAIN].folder.temporary, &j->saved);
    if (!st && !j->saved)
        return begin_anew(j);
    j->saved = true; /* though it may be damaged */
    if (!st) {
        st = restore(j, &record);
        el_safetensors_close(&record);
    }
    *going = !st;
    return is_of_the_files(st) ? refuse(j) : st;
}

static void share(el_prepare_job *j, void *data, size_t bytes)
{
    if (!el_shares_alone(&j->shares))
        j->shares.share(j->shares.context, 0, data, bytes);
}

static el_status take_known(void *context, int part, const void *data, size_t bytes)
{
    (void)part;
    (void)bytes;
    *(bool *)context &= *(const bool *)data;
    return EL_OK;
}

/* Whether the text up to the places is what it was: where all read the same files, those of the first process count. */
static el_status check_text(el_prepare_job *j, bool *going)
{
    const el_shares *const s = &j->shares;
    const bool known = (!s->own && !el_prepare_leads(j)) ||
                       el_reader_knows(j->rounds.reader, &j->packed_end[s->own ? s->part : 0]);
    bool all = true;
    const el_status st = el_shares_alone(s) ? take_known(&all, 0, &known, sizeof known)
                                            : s->collect(s->context, &known, sizeof known, take_known, &all);
    if (st || all || !el_prepare_leads(j))
        return st;
    *going = false;
    el_fail(EL_EUSAGE, "of the files that were read until then one has another name, size or time of change");
    return refuse(j);
}

/* What was replaced by the held-out folder may not be removed yet. */
static el_status remove_replaced(const el_prepare_job *j)
{
    el_folder left = {0};
    const el_status st = el_prepare_fills(j, EL_PREPARE_HELDOUT)
                             ? EL_OK
                             : el_folder_begin_again(&left, j->settings->heldout_output);
    el_folder_abandon(&left);
    return st;
}

el_status el_prepare_go_on(el_prepare_job *j)
{
    bool going = false;
    el_status st = el_prepare_agree(j, el_prepare_leads(j) ? find(j, &going) : EL_OK);
    if (st)
        return st;
    share(j, &going, sizeof going);
    if (!going)
        return EL_OK;
    share(j, j->packed_end, places_bytes(j));
    st = el_prepare_agree(j, check_text(j, &going));
    if (st)
        return st;
    share(j, &going, sizeof going);
    if (!going)
        return EL_OK;
    share(j, &j->finished, sizeof j->finished);
    if (j->finished && el_prepare_leads(j)) {
        el_log(EL_LOG_NOTE, "all shards are whole already (%" PRId64 " document%s), and are put in place",
               j->at.documents, el_s(j->at.documents));
        return remove_replaced(j);
    }
    if (j->finished)
        return EL_OK;
    j->saved_shards = el_prepare_whole(j);
    memcpy(j->tokenised_end, j->packed_end, places_bytes(j));
    if (el_prepare_leads(j))
        el_log(EL_LOG_NOTE, "going on behind %d whole shard%s (%" PRId64 " document%s)", j->saved_shards,
               el_s(j->saved_shards), j->at.documents, el_s(j->at.documents));
    return el_reader_go(j->rounds.reader, &j->packed_end[j->shares.own ? j->shares.part : 0]);
}
