/* texts - see the header */
#include "engine/texts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"

bool el_texts_json(const el_options *options)
{
    return el_options_given(options, "json_key");
}

static uint64_t hash_of(const el_options *options)
{
    uint64_t hash = 0;
    for (int i = 0; i < options->operand_count; i++)
        hash = el_hash_with(hash, options->operand[i], strlen(options->operand[i]));
    return hash;
}

static el_status check_input(const el_options *options)
{
    for (int i = 0; i < options->operand_count; i++)
        if (strcmp(options->operand[i], "-") == 0)
            return el_fail(EL_EUSAGE, "-: several ranks cannot share standard input; name files");
    return EL_OK;
}

/* Whether any rank has other names to read than the others. */
static bool lists_differ(el_dist *dist, const el_options *options)
{
    uint64_t all[dist->size];
    const uint64_t own = hash_of(options);
    bool differ = false;
    dist->gather(dist, &own, sizeof own, all);
    for (int i = 0; i < dist->size; i++)
        differ |= all[i] != all[0];
    return differ;
}

/* What they hold is compared as it is read. */
static el_status same_files(el_dist *dist, const el_reader *reader)
{
    uint64_t done, total;
    char text[96], hash[17];
    el_reader_progress(reader, &done, &total);
    el_hash_text(el_reader_listed(reader), hash);
    snprintf(text, sizeof text, "%" PRIu64 " bytes, names and sizes %s", total, hash);
    return el_dist_same(dist, "the text to read", text);
}

el_status el_texts_open(el_reader **reader, el_shares *shares, el_dist *dist, const el_options *options,
                        el_reader_settings settings)
{
    *shares = (el_shares){0};
    el_status st = el_reader_open(reader, options->operand, options->operand_count, settings);
    if (el_dist_size(dist) == 1)
        return st;
    st = el_dist_agree(dist, st ? st : check_input(options));
    if (st)
        return st;
    const bool own = lists_differ(dist, options);
    if (own)
        el_log(EL_LOG_NOTE,
               "each rank has files of its own; the text is theirs, one rank's behind the other's");
    *shares = el_dist_shares(dist, own);
    return own ? EL_OK : same_files(dist, *reader);
}
