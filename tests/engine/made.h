/* made - what the tests of engine/ share: shards of a made-up language, and settings of a very small run over them */
#ifndef TESTS_ENGINE_MADE_H
#define TESTS_ENGINE_MADE_H

#include "data/words.h"

#include "data/shard.h"
#include "engine/pretrain/pretrain.h"
#include "train/presets.h"

enum { MADE_WORDS = 40, MADE_LENGTH = 16, MADE_EXAMPLES = 96, MADE_STEPS = 6, MADE_BATCH = 24 };

/* With `parts` examples are full, each of so many documents that attend to themselves.  Every second one has
 * `shortest` tokens. */
static inline void make_shards_of(const char *path, int parts, int shortest)
{
    el_vocab *const vocab = words_vocab(MADE_WORDS, NULL);
    const el_shard_settings settings = {vocab,
                                        parts ? EL_PACK_FULL : EL_PACK_SEGMENTS,
                                        parts ? EL_ATTEND_DOCUMENT : EL_ATTEND_EXAMPLE,
                                        MADE_LENGTH,
                                        5,
                                        1 << 20};
    el_shard_writer *writer;
    CHECK_OK(el_folder_make(path));
    CHECK_OK(el_shard_writer_open(&writer, path, &settings));
    for (int e = 0; e < MADE_EXAMPLES; e++) {
        const int count = e % 2 ? shortest : MADE_LENGTH;
        int ids[MADE_LENGTH], starts[MADE_LENGTH] = {0};
        for (int i = 1; i < parts; i++)
            starts[i] = i * count / parts;
        for (int i = 0; i < count; i++)
            ids[i] = WORDS_SPECIALS + (e * 31 + i * 7) % MADE_WORDS;
        const el_packed packed = {
            .ids = ids, .count = count, .starts = starts, .parts = parts ? parts : 1, .second = count};
        CHECK_OK(el_shard_writer_add(writer, &packed));
    }
    CHECK_OK(el_shard_writer_finish(writer));
    el_shard_writer_close(writer);
    el_vocab_close(vocab);
}

static inline void make_shards(const char *path)
{
    make_shards_of(path, 0, MADE_LENGTH);
}

/* Takes a key out of a JSON file's object, or of the object that it has as `within`. */
static inline void forget(const char *path, const char *within, const char *key)
{
    json_t *record;
    CHECK_OK(el_json_load(&record, path));
    CHECK(json_object_del(within ? json_object_get(record, within) : record, key) == 0, "%s: no %s", path,
          key);
    CHECK_OK(el_json_save(record, path));
    json_decref(record);
}

/* Settings by JSON, as a configuration file has them. */
static inline void read_more_options(el_options *options, const char *json)
{
    json_t *given;
    CHECK_OK(el_json_parse(&given, json, strlen(json), "settings"));
    CHECK_OK(el_options_apply(options, given, "settings"));
    json_decref(given);
}

static inline void read_options(el_options *options, const char *json)
{
    CHECK_OK(el_options_parse(options, 1, (char *[]){"test", NULL}));
    read_more_options(options, json);
}

static inline void pretrain_options(el_options *options, el_pretrain_settings *settings, const char *shards,
                                    const char *output)
{
    char json[1024];
    el_pretrain_defaults(settings, EL_TINY);
    *options = (el_options){
        .command = "pretrain", .table = EL_PRETRAIN_TABLE, .count = EL_PRETRAIN_LINES, .settings = settings};
    snprintf(json, sizeof json,
             "{\"data\": \"%s\", \"output\": \"%s\", \"hidden_size\": 16, \"embedding_size\": 16, "
             "\"num_train_steps\": %d, "
             "\"train_batch_size\": %d, \"micro_batch_tokens\": %d, \"save_checkpoints_steps\": 0, "
             "\"precision\": \"fp32\", "
             "\"threads\": 1, \"dropout\": 0.1}",
             shards, output, MADE_STEPS, MADE_BATCH, 2 * MADE_LENGTH);
    read_options(options, json);
}

static inline void check_same(const char *a, const char *b)
{
    el_mapping x, y;
    CHECK_OK(el_mapping_open(&x, a));
    CHECK_OK(el_mapping_open(&y, b));
    CHECK(x.size == y.size && memcmp(x.data, y.data, x.size) == 0, "%s and %s differ", a, b);
    el_mapping_close(&x);
    el_mapping_close(&y);
}

#endif
