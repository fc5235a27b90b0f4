/* destination - see the header */
#include "data/destination.h"

#include <string.h>

#include "base/output.h"
#include "base/plural.h"

static el_status add_example(void *context, const el_packed *example)
{
    return el_shard_writer_add(context, example);
}

/* The record beside shards is of a process that was killed at its very end. */
static bool is_ours(const char *name)
{
    return el_shard_number(name) >= 0 || el_unfinished_is(name);
}

static el_status check_ours(const char *path, bool overwrite)
{
    bool empty;
    const el_status st = el_output_check(path, "prepare", is_ours, &empty);
    if (!st && !empty && !overwrite)
        return el_fail(EL_EUSAGE, "%s: holds shards already; --overwrite replaces them", path);
    return st;
}

el_status el_destination_open(el_destination *d, const el_prepare_settings *s, const el_vocab *vocab,
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
        st = el_folder_begin_again(&d->folder, path);
    if (!st)
        st = el_shard_writer_open(&d->writer, d->folder.temporary, &shards);
    if (!st)
        st = el_packer_open(&d->packer, &pack, add_example, d->writer);
    return st;
}

/* ---- what is there already ---- */

/* Removes all but the record and the shards with numbers below `whole`; *kept: how many of them are there. */
static el_status keep(const el_destination *d, int whole, int *kept)
{
    char **names;
    int count;
    *kept = 0;
    el_status st = el_folder_list(d->folder.temporary, &names, &count);
    for (int i = 0; i < count && !st; i++) {
        const int64_t number = el_shard_number(names[i]);
        if (number >= 0 && number < whole)
            ++*kept;
        else if (!el_unfinished_is(names[i]))
            st = el_folder_remove(el_path_in(d->folder.temporary, names[i]).text);
    }
    el_folder_list_release(names, count);
    return st;
}

void el_destination_save(el_destination *d, el_unfinished *unfinished, const char *of)
{
    el_packer_save(d->packer, unfinished, of);
    el_shard_writer_save(d->writer, unfinished, of);
}

el_status el_destination_restore(el_destination *d, const el_safetensors *unfinished, const char *of)
{
    int kept = 0, whole = 0;
    el_status st = el_packer_restore(d->packer, unfinished, of);
    if (!st)
        st = el_shard_writer_restore(d->writer, unfinished, of);
    if (!st)
        st = keep(d, whole = el_shard_writer_whole(d->writer), &kept);
    if (!st && kept != whole)
        st = el_fail(EL_EDATA, "%s: %d of %d whole shards %s missing", d->folder.temporary, whole - kept,
                     whole, el_is(whole - kept));
    return st;
}

/* ---- the end ---- */

static el_status add_to_seal(uint64_t *seal, const char *folder, const char *name)
{
    el_safetensors file;
    uint64_t header;
    const el_status st = el_safetensors_open(&file, el_path_in(folder, name).text);
    if (st)
        return st;
    memcpy(&header, file.file.data, sizeof header); /* its length, which was checked */
    const uint64_t all[] = {*seal, el_hash(name, strlen(name)),
                            el_hash(file.file.data, sizeof header + (size_t)header), file.file.size};
    *seal = el_hash(all, sizeof all);
    el_safetensors_close(&file);
    return EL_OK;
}

el_status el_destination_seal(const char *folder, uint64_t *seal)
{
    char **names;
    int count;
    *seal = 0;
    if (!el_folder_exists(folder))
        return EL_OK;
    el_status st = el_folder_list(folder, &names, &count);
    for (int i = 0; i < count && !st; i++)
        if (el_shard_number(names[i]) >= 0)
            st = add_to_seal(seal, folder, names[i]);
    el_folder_list_release(names, count);
    return st;
}

el_status el_destination_finish(el_destination *d)
{
    const el_status st = el_packer_finish(d->packer);
    return st ? st : el_shard_writer_finish(d->writer);
}

void el_destination_close(el_destination *d, bool leave)
{
    el_packer_close(d->packer);
    el_shard_writer_close(d->writer);
    if (leave)
        el_folder_leave(&d->folder);
    else
        el_folder_abandon(&d->folder);
}
