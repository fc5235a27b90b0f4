/* A run folder is empty or of the same command; anything else is refused, and nothing in it is touched. */
#include "folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "train/run.h"

static bool gives(const char *name)
{
    return strcmp(name, "model") == 0;
}

static const el_run_kind PRETRAIN = {"pretrain", gives}, FINETUNE = {"finetune", gives};

static const char *put(const char *name, const char *text)
{
    CHECK_OK(el_file_write(in_folder(name), text, strlen(text)));
    return in_folder(name);
}

static void make(const char *name)
{
    CHECK_OK(el_folder_make(in_folder(name)));
}

static int entries(const char *path)
{
    char **names;
    int count;
    CHECK_OK(el_folder_list(path, &names, &count));
    el_folder_list_release(names, count);
    return count;
}

static void begin(el_run *run, const el_run_kind *kind, const char *name, bool overwrite)
{
    CHECK_OK(el_run_open(run, kind, in_folder(name), overwrite));
    json_t *const machine = json_object();
    CHECK_OK(el_run_segment_begin(run, 0, machine));
    json_decref(machine);
}

/* Whatever its names look like. */
static void test_others(void **state)
{
    (void)state;
    el_run run;
    make("others/backup.2024.old/deep");
    make("others/checkpoint-10");
    put("others/notes.17.tmp", "mine");
    put("others/config.json", "{}");
    for (int overwrite = 0; overwrite < 2; overwrite++)
        CHECK_FAILS(el_run_open(&run, &PRETRAIN, in_folder("others"), overwrite), EL_EUSAGE,
                    "backup.2024.old");
    put("others/run.json", "{\"command\": \"marathon\"}");
    CHECK_FAILS(el_run_open(&run, &PRETRAIN, in_folder("others"), true), EL_EUSAGE, "electra marathon");
    put("others/run.json", "{\"pace\": 5}");
    CHECK_FAILS(el_run_open(&run, &PRETRAIN, in_folder("others"), true), EL_EUSAGE, "run.json");
    CHECK_FAILS(el_run_open(&run, &PRETRAIN, in_folder("others/run.json"), true), EL_EUSAGE, "is a file");
    assert_int_equal(entries(in_folder("others")), 5);
    assert_int_equal(entries(in_folder("others/backup.2024.old")), 1);
}

/* Of version 0.1.0, whose records do not name their command, too. */
static void test_commands(void **state)
{
    (void)state;
    static const char *const GOLDEN[] = {TEST_DATA "/golden/run_pretrain_0.1.0.json",
                                         TEST_DATA "/golden/run_finetune_0.1.0.json"};
    const el_run_kind *const kinds[] = {&PRETRAIN, &FINETUNE};
    el_run run;
    make("old");
    for (int i = 0; i < 2; i++) {
        json_t *record;
        CHECK_OK(el_json_load(&record, GOLDEN[i]));
        CHECK_OK(el_json_save(record, in_folder("old/run.json")));
        CHECK_FAILS(el_run_open(&run, kinds[1 - i], in_folder("old"), true), EL_EUSAGE, kinds[i]->command);
        begin(&run, kinds[i], "old", false);
        CHECK(json_equal(json_object_get(run.record, "settings"), json_object_get(record, "settings")),
              "the settings of %s are lost", GOLDEN[i]);
        el_run_close(&run);
        json_decref(record);
        CHECK_FAILS(el_run_open(&run, kinds[1 - i], in_folder("old"), false), EL_EUSAGE, kinds[i]->command);
    }
}

/* Only what the command gives goes, and only when the new run begins. */
static void test_overwrite(void **state)
{
    (void)state;
    el_run run;
    begin(&run, &PRETRAIN, "again", false);
    json_object_set_new(run.record, "mark", json_true());
    CHECK_OK(el_run_save(&run));
    el_run_close(&run);
    make("again/model/deep");
    put("again/notes", "mine");
    CHECK_OK(el_run_open(&run, &PRETRAIN, in_folder("again"), true));
    CHECK(json_object_size(run.record) == 0, "the old record is taken over");
    el_run_close(&run);
    CHECK(el_folder_exists(in_folder("again/model")), "removed before anything took its place");
    begin(&run, &PRETRAIN, "again", true);
    CHECK(!json_object_get(run.record, "mark"), "the old record is taken over");
    el_run_close(&run);
    CHECK(!el_folder_exists(in_folder("again/model")), "an earlier run's folder is still there");
    CHECK(el_file_exists(in_folder("again/notes")), "a file of somebody else's is gone");
}

/* What a killed process left goes; what a living one writes stays, and so does what only looks like it. */
static void test_leftovers(void **state)
{
    (void)state;
    el_run run;
    begin(&run, &PRETRAIN, "left", false);
    el_run_close(&run);
    const pid_t child = fork();
    if (child == 0) {
        el_folder killed;
        put("left/.electra.1234.0123456789abcdef.tmp",
            "a file, where files have names before they are whole");
        _exit(el_folder_begin(&killed, in_folder("left/model")));
    }
    int ended;
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_int_equal(ended, 0);
    assert_int_equal(entries(in_folder("left")), 3);
    el_writer *writer;
    el_folder made;
    CHECK_OK(el_writer_open(&writer, in_folder("left/y")));
    const int named = entries(in_folder("left")) - 3; /* or it has no name yet */
    CHECK_OK(el_folder_begin(&made, in_folder("left/z")));
    put("left/a.1234.tmp", "mine");
    put("left/.electra.1234.tmp", "mine");
    begin(&run, &PRETRAIN, "left", false);
    assert_int_equal(entries(in_folder("left")), 5 + named); /* run.json, the lock, and these */
    CHECK_OK(el_writer_finish(writer));
    CHECK_OK(el_folder_commit(&made));
    el_run_close(&run);
    assert_int_equal(entries(in_folder("left")), 5);
}

/* Another process has to wait, whatever the first does; the lock's file does not stay. */
static void test_lock(void **state)
{
    (void)state;
    el_run run, other;
    CHECK_OK(el_run_open(&run, &PRETRAIN, in_folder("locked"), false));
    CHECK_FAILS(el_run_open(&other, &PRETRAIN, in_folder("locked"), false), EL_EFAILED, "another process");
    CHECK_FAILS(el_run_open(&other, &PRETRAIN, in_folder("locked"), true), EL_EFAILED, "another process");
    el_run_close(&run);
    CHECK(!el_folder_exists(in_folder("locked")), "a folder that got nothing is still there");
    begin(&run, &PRETRAIN, "locked", false);
    el_run_close(&run);
    assert_int_equal(entries(in_folder("locked")), 1);
}

static char said[512];
static void hear(el_log_level level, const char *line)
{
    (void)level;
    snprintf(said, sizeof said, "%s", line);
}

/* What was not given now is as it was; what this version does not know is said, and does not end the run. */
static void test_recall(void **state)
{
    (void)state;
    struct {
        int64_t a, b, c;
    } settings = {1, 2, 3};
    static const el_option TABLE[] = {{"a", EL_OPT_INT, 0, 0, 0, NULL, ""},
                                      {"b", EL_OPT_INT, sizeof(int64_t), 0, 0, NULL, ""},
                                      {"c", EL_OPT_INT, 2 * sizeof(int64_t), 0, 0, NULL, ""}};
    el_options options = {.command = "test", .table = TABLE, .count = 3, .settings = &settings};
    CHECK_OK(el_options_parse(&options, 3, (char *[]){"test", "--a", "7", NULL}));
    el_run run;
    begin(&run, &PRETRAIN, "recalled", false);
    static const char *const NONE[] = {NULL};
    CHECK_FAILS(el_run_recall(&run, &options, NONE, NONE), EL_EDATA, "holds no settings");
    json_object_set_new(run.record, "settings",
                        json_pack("{s:i, s:i, s:i, s:i}", "a", 10, "b", 20, "gone", 5, "c", 30));
    el_log_to(hear);
    CHECK_OK(el_run_recall(&run, &options, (const char *[]){"c", NULL}, NONE));
    el_log_to(NULL);
    CHECK(settings.a == 7 && settings.b == 20 && settings.c == 3, "a %d, b %d, c %d", (int)settings.a,
          (int)settings.b, (int)settings.c);
    CHECK(strstr(said, "no setting gone"), "said \"%s\"", said);
    el_run_close(&run);
    el_options_close(&options);
}

/* Another hash is refused, or is a change that the log and the segment tell of; what records lack is none. */
static void test_hash(void **state)
{
    (void)state;
    el_run run;
    json_t *record;
    CHECK_OK(el_run_read(&record, in_folder("hashed")));
    CHECK(!record, "a folder that is not there has a record");
    begin(&run, &PRETRAIN, "hashed", false);
    CHECK_OK(el_run_check_hash(&run, "data_hash", 1, "other shards", false));
    el_run_set_hash(&run, "data_hash", 1);
    CHECK_OK(el_run_check_hash(&run, "data_hash", 1, "other shards", false));
    CHECK_FAILS(el_run_check_hash(&run, "data_hash", 2, "other shards", false), EL_EUSAGE,
                "hashed: other shards than it began with (0000000000000002, not 0000000000000001)");
    CHECK(!run.changes, "what was refused is a change");
    el_log_to(hear);
    CHECK_OK(el_run_check_hash(&run, "data_hash", 2, "other shards", true));
    el_log_to(NULL);
    CHECK(strstr(said, "other shards from here on"), "said \"%s\"", said);
    json_object_set_new(run.record, "settings", json_pack("{s:i, s:i}", "a", 1, "b", 1));
    json_t *const now = json_pack("{s:i, s:i, s:i}", "a", 1, "b", 2, "new", 3);
    CHECK_FAILS(el_run_compare(&run, now, (const char *[]){NULL}, false), EL_EUSAGE, "--b: the run has 1");
    CHECK_OK(el_run_compare(&run, now, (const char *[]){"b", NULL}, false));
    CHECK_OK(el_run_segment_begin(&run, 1, now));
    json_decref(now);
    el_run_close(&run);
    CHECK_OK(el_run_read(&record, in_folder("hashed")));
    const json_t *const segments = json_object_get(record, "segments");
    CHECK(!json_object_get(json_array_get(segments, 0), "changes"), "the first start has changes");
    char *const text = el_json_text(json_object_get(json_array_get(segments, 1), "changes"), false);
    assert_string_equal(text, "{\"data_hash\": [\"0000000000000001\", \"0000000000000002\"], \"b\": [1, 2]}");
    free(text);
    json_decref(record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_others),    cmocka_unit_test(test_commands), cmocka_unit_test(test_overwrite),
        cmocka_unit_test(test_leftovers), cmocka_unit_test(test_lock),     cmocka_unit_test(test_recall),
        cmocka_unit_test(test_hash),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
