/* prepare - the same bytes at any number of threads, each document in one folder, nothing half-written */
#define _GNU_SOURCE
#include "data/words.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/random.h"
#include "data/loader.h"
#include "data/prepare.h"

enum { WORDS = 2000, DOCUMENTS = 600 };

/* A text whose document d begins with the word w<d>, which is nowhere else; lines and documents vary in
 * length, with empty lines between, some of them doubled, and one line longer than the blocks of these tests.
 */
static void write_text(const char *path)
{
    const el_random random = {.seed = 42};
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    uint64_t draw = 0;
    for (int d = 0; d < DOCUMENTS; d++) {
        fprintf(out, "w%d", d);
        const int lines = 1 + (int)el_random_below(random, draw++, 12);
        for (int l = 0; l < lines; l++) {
            const int words = d == 77 ? 5000 : 1 + (int)el_random_below(random, draw++, 60);
            for (int w = 0; w < words; w++)
                fprintf(out, " W%d", DOCUMENTS + (int)el_random_below(random, draw++, WORDS - DOCUMENTS));
            fputc('\n', out);
        }
        fputs(d % 7 ? "\n" : "  \n\n", out);
    }
    fclose(out);
    CHECK_OK(el_file_write(path, text, bytes));
    free(text);
}

/* A path in the folder that stays, unlike in_folder's: one for each place. */
static const char *stays(int place, const char *name)
{
    static char paths[2][256];
    snprintf(paths[place], sizeof paths[place], "%s/%s", folder, name);
    return paths[place];
}

static el_prepare_settings defaults(const char *output)
{
    return (el_prepare_settings){.pack = {EL_PACK_SEGMENTS, 64, 0.05, 0.1, 1, 0, 0},
                                 .shard_tokens = 20000,
                                 .output = output,
                                 .threads = 2};
}

static el_status prepare_as(const el_prepare_settings *settings, const el_vocab *vocab, const char *text,
                            el_reader_settings reading, el_prepare_summary *summary)
{
    el_reader *reader;
    char *path = (char *)text;
    CHECK_OK(el_reader_open(&reader, &path, 1, reading));
    const el_status st = el_prepare(settings, vocab, reader, summary);
    el_reader_close(reader);
    return st;
}

static el_status prepare(const el_prepare_settings *settings, const el_vocab *vocab, const char *text,
                         size_t block_bytes, el_prepare_summary *summary)
{
    const el_reader_settings reading = {.block_bytes = block_bytes, .ends = EL_ENDS_AT_BLANKS};
    return prepare_as(settings, vocab, text, reading, summary);
}

static void check_alike(const char *a, const char *b, int least)
{
    char **names, **others;
    int count, other_count;
    CHECK_OK(el_folder_list(a, &names, &count));
    CHECK_OK(el_folder_list(b, &others, &other_count));
    CHECK(count == other_count && count >= least, "%s has %d files, %s %d", a, count, b, other_count);
    for (int i = 0; i < count; i++) {
        el_mapping file, other;
        char *path = el_path_join(a, names[i]), *other_path = el_path_join(b, others[i]);
        CHECK_OK(el_mapping_open(&file, path));
        CHECK_OK(el_mapping_open(&other, other_path));
        CHECK(file.size == other.size && memcmp(file.data, other.data, file.size) == 0, "%s and %s differ",
              path, other_path);
        el_mapping_close(&file);
        el_mapping_close(&other);
        free(path);
        free(other_path);
    }
    el_folder_list_release(names, count);
    el_folder_list_release(others, other_count);
}

/* Folders of some shards. */
static void check_same_folders(const char *a, const char *b)
{
    check_alike(a, b, 2);
}

/* Threads change nothing, and neither do the reader's blocks, but where a line is longer than one. */
static void test_same_bytes(void **state)
{
    (void)state;
    el_vocab *vocab = words_vocab(WORDS, NULL);
    el_prepare_summary first, summary;
    write_text(in_folder("text"));
    for (int packing = EL_PACK_SEGMENTS; packing <= EL_PACK_FULL; packing++) {
        el_prepare_settings settings = defaults(stays(0, "threads1"));
        settings.overwrite = true;
        settings.threads = 1;
        settings.pack.packing = (el_packing)packing;
        CHECK_OK(prepare(&settings, vocab, in_folder("text"), 0, &first));
        for (int threads = 2; threads <= 5; threads++) {
            settings.threads = threads;
            settings.output = stays(0, "threads2");
            const size_t block = packing == EL_PACK_FULL ? 3000 * (size_t)threads : 100000 * (size_t)threads;
            CHECK_OK(prepare(&settings, vocab, in_folder("text"), block, &summary));
            check_same_folders(in_folder("threads1"), in_folder("threads2"));
            assert_memory_equal(&first.train, &summary.train, sizeof first.train);
        }
        assert_int_equal(first.train.documents, DOCUMENTS);
        assert_int_equal(first.unknown, 0);
    }
    el_vocab_close(vocab);
}

/* Counts in `seen` how often the first word of each document occurs, and all tokens; returns these. */
static int64_t count_documents(const char *path, int seen[DOCUMENTS])
{
    el_loader *loader;
    el_batch batch = {0};
    int64_t text_tokens = 0;
    CHECK_OK(el_loader_open(&loader, path));
    for (int64_t e = 0; e < el_loader_examples(loader); e++)
        CHECK_OK(el_loader_read(loader, e, &batch));
    for (int row = 0; row < batch.rows; row++) {
        const int word = batch.ids[row] - WORDS_SPECIALS;
        text_tokens += word >= 0;
        if (word >= 0 && word < DOCUMENTS)
            seen[word]++;
    }
    el_batch_release(&batch);
    el_loader_close(loader);
    return text_tokens;
}

/* Held out or trained on: each document goes to one of the two, whole, and about as many as asked for. */
static void test_heldout(void **state)
{
    (void)state;
    el_vocab *vocab = words_vocab(WORDS, NULL);
    el_prepare_settings settings = defaults(stays(0, "train"));
    el_prepare_summary summary;
    write_text(in_folder("text"));
    settings.pack.packing = EL_PACK_FULL;
    settings.heldout_output = stays(1, "heldout");
    settings.heldout = 0.2;
    CHECK_OK(prepare(&settings, vocab, in_folder("text"), 0, &summary));
    int train[DOCUMENTS] = {0}, heldout[DOCUMENTS] = {0}, count = 0;
    const int64_t tokens =
        count_documents(in_folder("train"), train) + count_documents(in_folder("heldout"), heldout);
    for (int d = 0; d < DOCUMENTS; d++) {
        CHECK(train[d] + heldout[d] == 1, "document %d: %d times to train, %d held out", d, train[d],
              heldout[d]);
        count += heldout[d];
    }
    CHECK(tokens == summary.text_tokens, "%ld tokens stored of %ld", (long)tokens, (long)summary.text_tokens);
    CHECK(abs(count - DOCUMENTS / 5) < 40, "%d documents held out of %d", count, DOCUMENTS);
    assert_int_equal(summary.heldout.documents, count);
    assert_int_equal(summary.train.documents, DOCUMENTS - count);
    el_vocab_close(vocab);
}

static void put_text(const char *name, const char *text)
{
    CHECK_OK(el_file_write(in_folder(name), text, strlen(text)));
}

/* A "[MASK]" in text is a bracket, a word and a bracket; blank lines are document ends or nothing, as asked.
 */
static void test_text(void **state)
{
    (void)state;
    el_vocab *vocab = words_vocab(10, NULL);
    el_prepare_settings settings = defaults(stays(0, "plain"));
    el_prepare_summary summary;
    el_loader *loader;
    el_batch batch = {0};
    put_text("brackets", "\n\n \nw1 [MASK] [SEP]\n\nw2 nothing\n\n\n");
    CHECK_OK(prepare(&settings, vocab, in_folder("brackets"), 0, &summary));
    assert_int_equal(summary.train.documents, 2);
    assert_int_equal(summary.lines, 2);
    assert_int_equal(summary.unknown, 1);
    assert_int_equal(summary.text_tokens, 9);
    CHECK_OK(el_loader_open(&loader, in_folder("plain")));
    CHECK_OK(el_loader_read(loader, 0, &batch));
    const int w = WORDS_SPECIALS, expected[] = {2, w + 1, w + 10, w + 12, w + 11, w + 10, w + 13, w + 11, 3};
    assert_int_equal(batch.rows, 9);
    assert_memory_equal(batch.ids, expected, sizeof expected);
    el_batch_release(&batch);
    el_loader_close(loader);

    settings.overwrite = true;
    const el_reader_settings files = {.block_bytes = 16, .ends = EL_ENDS_AT_FILES};
    CHECK_OK(prepare_as(&settings, vocab, in_folder("brackets"), files, &summary));
    assert_int_equal(summary.train.documents, 1);

    /* a line cut by the reader is one document, even where the cut is blank */
    put_text("long", "w1 w2                                                        \nw3\n");
    CHECK_OK(prepare(&settings, vocab, in_folder("long"), 16, &summary));
    assert_int_equal(summary.train.documents, 1);
    CHECK_OK(prepare_as(&settings, vocab, in_folder("long"), files, &summary));
    assert_int_equal(summary.train.documents, 1);
    el_vocab_close(vocab);
}

/* What is no shard folder is left as it is; shards only give way when told; a failure leaves what was there.
 */
static void test_output(void **state)
{
    (void)state;
    el_vocab *vocab = words_vocab(10, NULL);
    el_prepare_settings settings = defaults(stays(0, "mine"));
    el_prepare_summary summary;
    put_text("short", "w1 w2\n");
    put_text("blank", "\n \n\n");
    put_text("nothing", "");
    CHECK_OK(el_folder_make(in_folder("mine")));
    put_text("mine/thesis.txt", "years");
    settings.overwrite = true;
    CHECK_FAILS(prepare(&settings, vocab, in_folder("short"), 0, &summary), EL_EUSAGE,
                "thesis.txt, which electra prepare did not make");
    settings.output = stays(0, "short");
    CHECK_FAILS(prepare(&settings, vocab, in_folder("short"), 0, &summary), EL_EUSAGE, "is a file");

    settings.output = stays(0, "shards");
    settings.overwrite = false;
    CHECK_OK(prepare(&settings, vocab, in_folder("short"), 0, &summary));
    CHECK_FAILS(prepare(&settings, vocab, in_folder("short"), 0, &summary), EL_EUSAGE, "--overwrite");
    settings.overwrite = true;
    CHECK_OK(prepare(&settings, vocab, in_folder("short"), 0, &summary));
    CHECK_FAILS(prepare(&settings, vocab, in_folder("blank"), 0, &summary), EL_EDATA, "no text");
    CHECK_FAILS(prepare(&settings, vocab, in_folder("nothing"), 0, &summary), EL_EDATA, "no text");
    settings.heldout = 0.0001;
    settings.heldout_output = stays(1, "never");
    CHECK_FAILS(prepare(&settings, vocab, in_folder("short"), 0, &summary), EL_EDATA,
                "never: no document of 1 goes there; a larger --heldout");
    assert_false(el_folder_exists(in_folder("never")));
    settings.heldout = 0.9999;
    CHECK_FAILS(
        prepare(&settings, vocab, in_folder("short"), 0, &summary), EL_EDATA,
        "shards: no document of 1 goes there; a smaller --heldout, another --seed, or more documents");
    el_loader *loader;
    CHECK_OK(el_loader_open(&loader, in_folder("shards")));
    assert_int_equal(el_loader_examples(loader), 1);
    el_loader_close(loader);
    char **names;
    int count;
    CHECK_OK(el_folder_list(folder, &names, &count));
    for (int i = 0; i < count; i++)
        CHECK(!strstr(names[i], "tmp"), "%s was left", names[i]);
    el_folder_list_release(names, count);
    el_vocab_close(vocab);
}

/* A full disk: one sentence, and the folder that was there is there. */
static void test_full_disk(void **state)
{
    (void)state;
    char disk[100], output[120];
    snprintf(disk, sizeof disk, "%s", in_folder("disk"));
    snprintf(output, sizeof output, "%s/shards", disk);
    CHECK_OK(el_folder_make(disk));
    if (mount("none", disk, "tmpfs", 0, "size=128k") != 0) {
        print_message("skipped: no file system of our own can be mounted here\n");
        skip();
    }
    el_vocab *vocab = words_vocab(WORDS, NULL);
    el_prepare_settings settings = defaults(output);
    el_prepare_summary summary;
    el_loader *loader = NULL;
    put_text("short", "w1 w2\n");
    write_text(in_folder("text"));
    const el_status first = prepare(&settings, vocab, in_folder("short"), 0, &summary);
    settings.overwrite = true;
    const el_status second = prepare(&settings, vocab, in_folder("text"), 0, &summary);
    char sentence[300];
    snprintf(sentence, sizeof sentence, "%s", el_error());
    const el_status opened = el_loader_open(&loader, output);
    el_loader_close(loader);
    umount(disk);
    el_vocab_close(vocab);
    assert_int_equal(first, EL_OK);
    CHECK(second == EL_EFAILED && strstr(sentence, "No space left"), "status %d: %s", second, sentence);
    CHECK(opened == EL_OK, "the old folder: %s", el_error());
}

/* What is wrong with a text is told whichever thread met it, and nothing is written. */
static void test_bad_text(void **state)
{
    (void)state;
    el_vocab *vocab = words_vocab(10, NULL);
    el_prepare_settings settings = defaults(stays(0, "none"));
    el_prepare_summary summary;
    put_text("utf16", "\xff\xfew1");
    for (int i = 0; i < 200; i++) {
        el_fail(EL_EFAILED, "an older sentence");
        CHECK_FAILS(prepare(&settings, vocab, in_folder("utf16"), 0, &summary), EL_EDATA, "UTF-16");
    }
    assert_false(el_folder_exists(in_folder("none")));
    el_vocab_close(vocab);
}

/* ---- going on ---- */

enum { FILES = 3 };
static char *corpus[FILES];

/* Lines, JSON lines and lines again, each of some blocks. */
static void write_corpus(void)
{
    FILE *lines;
    for (int i = 0; i < FILES; i++)
        corpus[i] = strdup(stays(0, i == 0 ? "one" : i == 1 ? "two.jsonl" : "three"));
    write_text(corpus[0]);
    write_text(corpus[2]);
    lines = fopen(corpus[1], "w");
    for (int d = 0; d < 400; d++) {
        fprintf(lines, "{\"text\": \"w%d", d);
        for (int w = 0; w < d; w++)
            fprintf(lines, " w%d%s", (7 * d + w) % WORDS, w % 20 ? "" : "\\n");
        fputs("\"}\n", lines);
    }
    fclose(lines);
}

static void free_corpus(void)
{
    for (int i = 0; i < FILES; i++)
        free(corpus[i]);
}

static int turns_left;

static bool count_down(void *context, uint64_t done, uint64_t total, uint64_t text_bytes)
{
    (void)text_bytes;
    CHECK(done <= total, "%ld bytes read of %ld", (long)done, (long)total);
    if (--turns_left == 0 && context)
        raise(SIGKILL);
    return turns_left != 0;
}

static el_status prepare_corpus(const el_prepare_settings *settings, const el_vocab *vocab, int turns,
                                el_prepare_summary *summary)
{
    el_reader *reader;
    turns_left = turns;
    CHECK_OK(el_reader_open(&reader, corpus, FILES,
                            (el_reader_settings){.ends = EL_ENDS_AT_BLANKS, .block_bytes = 20000}));
    const el_status st = el_prepare(settings, vocab, reader, summary);
    el_reader_close(reader);
    return st;
}

/* The same in a process that is killed in this turn. */
static void prepare_killed(const el_prepare_settings *settings, const el_vocab *vocab, int turns)
{
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        el_prepare_settings fatal = *settings;
        el_prepare_summary summary;
        fatal.progress_context = &fatal;
        _exit(prepare_corpus(&fatal, vocab, turns, &summary));
    }
    int code;
    waitpid(child, &code, 0);
    CHECK(WIFSIGNALED(code) && WTERMSIG(code) == SIGKILL, "ended with %d", code);
}

static el_prepare_settings unfinished(const char *output, const char *heldout, const json_t *recipe)
{
    el_prepare_settings settings = defaults(output);
    settings.shard_tokens = 25000;
    settings.heldout_output = heldout;
    settings.heldout = 0.2;
    settings.progress = count_down;
    settings.recipe = recipe;
    return settings;
}

/* Stopped every few turns, or killed there, and called again: the bytes and figures of one that ran through. */
static void test_goes_on(void **state)
{
    (void)state;
    static char outputs[4][256];
    static const char *const NAMES[4] = {"whole", "whole-held-out", "bits", "bits-held-out"};
    for (int i = 0; i < 4; i++)
        snprintf(outputs[i], sizeof outputs[i], "%s", stays(0, NAMES[i]));
    el_vocab *vocab = words_vocab(WORDS, NULL);
    json_t *const recipe = json_pack("{s:i}", "max_seq_length", 64);
    el_prepare_summary whole, summary = {0};
    write_corpus();
    for (int packing = EL_PACK_SEGMENTS; packing <= EL_PACK_FULL; packing++) {
        el_prepare_settings settings = unfinished(outputs[0], outputs[1], recipe);
        settings.pack.packing = (el_packing)packing;
        settings.overwrite = true;
        CHECK_OK(prepare_corpus(&settings, vocab, -1, &whole));
        settings.output = outputs[2];
        settings.heldout_output = outputs[3];
        const int turns = packing == EL_PACK_SEGMENTS ? 23 : 7;
        el_status st = EL_ESTOPPED;
        int starts = 0;
        for (; st == EL_ESTOPPED; starts++) {
            settings.threads = 1 + starts % 3;
            if (starts == 1)
                prepare_killed(&settings, vocab, turns + 9);
            st = prepare_corpus(&settings, vocab, turns, &summary);
        }
        CHECK(st == EL_OK && starts > 2, "%d turns at a time: %s, after %d starts", turns, el_error(),
              starts);
        check_same_folders(outputs[0], outputs[2]);
        check_same_folders(outputs[1], outputs[3]);
        assert_memory_equal(&whole, &summary, sizeof whole);
    }
    assert_false(el_folder_exists(in_folder(".bits.unfinished")));
    json_decref(recipe);
    free_corpus();
    el_vocab_close(vocab);
}

/* A start that fails before it looks at what is there leaves it. */
static void test_failed_start_removes_nothing(void **state)
{
    (void)state;
    el_vocab *vocab = words_vocab(WORDS, NULL);
    json_t *const recipe = json_pack("{s:i}", "max_seq_length", 64);
    static char output[256], heldout[256];
    snprintf(output, sizeof output, "%s", stays(0, "hours"));
    snprintf(heldout, sizeof heldout, "%s", stays(0, "hours-held-out"));
    el_prepare_settings settings = unfinished(output, heldout, recipe);
    el_prepare_summary summary;
    write_corpus();
    CHECK_FAILS(prepare_corpus(&settings, vocab, 9, &summary), EL_ESTOPPED, "whole shard");
    CHECK_OK(el_folder_make(in_folder("theirs")));
    put_text("theirs/thesis.txt", "years");
    settings.heldout_output = stays(1, "theirs");
    CHECK_FAILS(prepare_corpus(&settings, vocab, 9, &summary), EL_EUSAGE, "thesis.txt");
    CHECK(el_file_exists(in_folder(".hours.unfinished/unfinished.safetensors")), "hours of work are gone");
    settings.heldout_output = heldout;
    CHECK_OK(prepare_corpus(&settings, vocab, -1, &summary));
    CHECK(el_folder_exists(output) && !el_file_exists(in_folder("hours/unfinished.safetensors")),
          "the record stayed");
    json_decref(recipe);
    free_corpus();
    el_vocab_close(vocab);
}

static char last_said[512];

static void keep_said(el_log_level level, const char *line)
{
    (void)level;
    snprintf(last_said, sizeof last_said, "%s", line);
}

/* Where nothing was held out, the shards that are whole by then are no use: nobody is told to go on, and who asks for more is
 * not in their way. */
static void test_none_heldout_leaves_nothing(void **state)
{
    (void)state;
    el_vocab *vocab = words_vocab(WORDS, NULL);
    json_t *const recipe = json_pack("{s:f}", "heldout", 1e-9), *const other =
                                                                    json_pack("{s:f}", "heldout", 0.2);
    static char output[256], heldout[256];
    snprintf(output, sizeof output, "%s", stays(0, "rare"));
    snprintf(heldout, sizeof heldout, "%s", stays(0, "rare-held-out"));
    el_prepare_settings settings = unfinished(output, heldout, recipe);
    settings.heldout = 1e-9;
    el_prepare_summary summary;
    write_corpus();
    CHECK_FAILS(prepare_corpus(&settings, vocab, 9, &summary), EL_ESTOPPED, "whole shard");
    last_said[0] = 0;
    el_log_to(keep_said);
    CHECK_FAILS(prepare_corpus(&settings, vocab, -1, &summary), EL_EDATA, "rare-held-out: no document of");
    el_log_to(NULL);
    CHECK(!strstr(last_said, "goes on behind it"), "told to go on: %s", last_said);
    assert_false(el_folder_exists(in_folder(".rare.unfinished")));
    settings.heldout = 0.2;
    settings.recipe = other;
    CHECK_OK(prepare_corpus(&settings, vocab, -1, &summary));
    json_decref(recipe);
    json_decref(other);
    free_corpus();
    el_vocab_close(vocab);
}

/* "." and ".." are no names that a folder can be put in the place of: what is there has one of its own. */
static void test_here(void **state)
{
    (void)state;
    el_vocab *vocab = words_vocab(10, NULL);
    el_prepare_settings settings = defaults(stays(0, "here/."));
    el_prepare_summary summary;
    CHECK_OK(el_folder_make(in_folder("here")));
    put_text("few", "w1 w2\n");
    CHECK_OK(prepare(&settings, vocab, in_folder("few"), 0, &summary));
    el_loader *loader;
    CHECK_OK(el_loader_open(&loader, in_folder("here")));
    el_loader_close(loader);
    settings.output = "/proc";
    CHECK_FAILS(prepare(&settings, vocab, in_folder("few"), 0, &summary), EL_EUSAGE, "/proc");
    el_vocab_close(vocab);
}

/* A recipe, a file, a shard or a record that is another one is named; told to overwrite, all is begun anew. */
static void test_goes_on_with_the_same_alone(void **state)
{
    (void)state;
    static char outputs[2][256], record[256], shard[256];
    snprintf(outputs[0], sizeof outputs[0], "%s", stays(0, "my-shards"));
    snprintf(outputs[1], sizeof outputs[1], "%s", stays(0, "my-held-out"));
    snprintf(record, sizeof record, "%s", stays(0, ".my-shards.unfinished/unfinished.safetensors"));
    snprintf(shard, sizeof shard, "%s", stays(0, ".my-shards.unfinished/shard-00000.safetensors"));
    el_vocab *vocab = words_vocab(WORDS, NULL);
    json_t *const recipe = json_pack("{s:i}", "max_seq_length", 64), *const other = json_pack(
                                                                         "{s:i}", "max_seq_length", 63);
    el_prepare_settings settings = unfinished(outputs[0], outputs[1], recipe);
    el_prepare_summary summary;
    el_mapping file;
    write_corpus();
    CHECK_FAILS(prepare_corpus(&settings, vocab, 1, &summary), EL_EFAILED, "nothing was written");
    assert_false(el_folder_exists(in_folder(".my-shards.unfinished")));
    CHECK_FAILS(prepare_corpus(&settings, vocab, 25, &summary), EL_ESTOPPED, "goes on");

    settings.recipe = other;
    CHECK_FAILS(prepare_corpus(&settings, vocab, -1, &summary), EL_EUSAGE, "max_seq_length was 64, not 63");
    settings.recipe = recipe;
    const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    utimensat(AT_FDCWD, corpus[2], times, 0); /* which was not read yet */
    CHECK_FAILS(prepare_corpus(&settings, vocab, 5, &summary), EL_ESTOPPED, "goes on");
    utimensat(AT_FDCWD, corpus[0], times, 0);
    CHECK_FAILS(prepare_corpus(&settings, vocab, -1, &summary), EL_EUSAGE, "time of change");

    CHECK_OK(el_mapping_open(&file, record));
    unsigned char *const bytes = malloc(file.size);
    const size_t size = file.size;
    memcpy(bytes, file.data, size);
    el_mapping_close(&file);
    bytes[size / 2] ^= 1;
    CHECK_OK(el_file_write(record, bytes, size));
    CHECK_FAILS(prepare_corpus(&settings, vocab, -1, &summary), EL_EUSAGE, "checksum");
    free(bytes);

    settings.overwrite = true;
    CHECK_FAILS(prepare_corpus(&settings, vocab, 60, &summary), EL_ESTOPPED, "goes on");
    settings.overwrite = false;
    unlink(shard);
    CHECK_FAILS(prepare_corpus(&settings, vocab, -1, &summary), EL_EUSAGE, "whole shards is missing");
    settings.overwrite = true;
    settings.recipe = other;
    CHECK_OK(prepare_corpus(&settings, vocab, -1, &summary));
    assert_int_equal(summary.train.documents + summary.heldout.documents, 2 * DOCUMENTS + 400);
    json_decref(recipe);
    json_decref(other);
    free_corpus();
    el_vocab_close(vocab);
}

static const char *obstacle;

/* Puts a file where the folder of shards is to appear. */
static bool obstruct(void *context, uint64_t done, uint64_t total, uint64_t text_bytes)
{
    (void)context, (void)done, (void)total, (void)text_bytes;
    CHECK_OK(el_file_write(obstacle, "", 0));
    return true;
}

/* As if killed between its two renames: the held-out folder has appeared, the other one has not. */
static void prepare_half(const el_prepare_settings *settings, const el_vocab *vocab)
{
    el_prepare_settings half = *settings;
    el_prepare_summary summary;
    half.progress = obstruct;
    obstacle = settings->output;
    CHECK_FAILS(prepare_corpus(&half, vocab, -1, &summary), EL_EFAILED, "Not a directory");
    CHECK(el_folder_exists(settings->heldout_output), "the held-out folder has not appeared");
    unlink(obstacle);
}

/* The other folder is put in place, and nothing is read again; of anything else it is no half. */
static void test_between_folders(void **state)
{
    (void)state;
    static char outputs[4][256], left[2][256], shard[300];
    static const char *const NAMES[4] = {"all", "all-held-out", "half", "half-held-out"};
    for (int i = 0; i < 4; i++)
        snprintf(outputs[i], sizeof outputs[i], "%s", stays(0, NAMES[i]));
    snprintf(left[0], sizeof left[0], "%s", stays(0, ".half.unfinished"));
    snprintf(left[1], sizeof left[1], "%s", stays(0, ".half-held-out.unfinished"));
    snprintf(shard, sizeof shard, "%s/shard-00000.safetensors", left[0]);
    el_vocab *vocab = words_vocab(WORDS, NULL);
    json_t *const recipe = json_pack("{s:i}", "max_seq_length", 64), *const other = json_pack(
                                                                         "{s:i}", "max_seq_length", 63);
    const struct timespec then[2] = {{.tv_sec = 1}, {.tv_sec = 1}}, now[2] = {{.tv_sec = 2}, {.tv_sec = 2}};
    el_prepare_settings settings = unfinished(outputs[0], outputs[1], recipe);
    el_prepare_summary whole, summary;
    write_corpus();
    utimensat(AT_FDCWD, corpus[2], then, 0);
    for (int shards = 0; shards < 2; shards++) { /* one, of which nothing was left before the end, and more */
        settings.shard_tokens = shards ? 25000 : 100000000;
        settings.output = outputs[0];
        settings.heldout_output = outputs[1];
        settings.overwrite = true;
        CHECK_OK(prepare_corpus(&settings, vocab, -1, &whole));
        settings.output = outputs[2];
        settings.heldout_output = outputs[3];
        for (int appeared = 0; appeared < 2; appeared++) {
            settings.overwrite = true;
            el_folder_remove(outputs[2]);
            prepare_half(&settings, vocab);
            settings.overwrite = false;
            if (!appeared)
                assert_int_equal(rename(outputs[3], left[1]), 0);
            else {
                settings.recipe = other;
                CHECK_FAILS(prepare_corpus(&settings, vocab, 1, &summary), EL_EUSAGE, "holds shards already");
                settings.recipe = recipe;
            }
            utimensat(AT_FDCWD, corpus[2], now, 0);
            CHECK_FAILS(prepare_corpus(&settings, vocab, 1, &summary), EL_EUSAGE, "time of change");
            utimensat(AT_FDCWD, corpus[2], then, 0);
            CHECK_OK(prepare_corpus(&settings, vocab, 1, &summary));
            check_alike(outputs[0], outputs[2], 1 + shards);
            check_alike(outputs[1], outputs[3], 1 + shards);
            assert_memory_equal(&whole, &summary, sizeof whole);
            CHECK(!el_folder_exists(left[0]) && !el_folder_exists(left[1]), "something is left over");
        }
    }
    settings.overwrite = true;
    el_folder_remove(outputs[2]);
    prepare_half(&settings, vocab);
    unlink(shard);
    settings.overwrite = false;
    CHECK_FAILS(prepare_corpus(&settings, vocab, -1, &summary), EL_EUSAGE, "does not hold the shards");
    settings.overwrite = true;
    CHECK_OK(prepare_corpus(&settings, vocab, -1, &summary));
    check_same_folders(outputs[0], outputs[2]);
    check_same_folders(outputs[1], outputs[3]);
    json_decref(recipe);
    json_decref(other);
    free_corpus();
    el_vocab_close(vocab);
}

static char logged[300];
static int log_lines;

static void remember(el_log_level level, const char *line)
{
    (void)level;
    snprintf(logged, sizeof logged, "%s", line);
    log_lines++;
}

/* One line warns where a vocabulary would take Korean apart; none where it would not, or the text is English.
 */
static void test_hangul(void **state)
{
    (void)state;
    el_vocab *strips = words_vocab(10, NULL), *keeps;
    const el_casing casing = {true, false, true};
    CHECK_OK(el_vocab_parse(&keeps, strips->text, strips->text_bytes, casing, "keeps"));
    el_prepare_settings settings = defaults(stays(0, "hangul"));
    el_prepare_summary summary;
    settings.overwrite = true;
    put_text("korean", "나는 학교에 갔다\n\n그리고 w1\n");
    put_text("english", "w1 \xeb w2 and so on\n\nw2 나\n");
    log_lines = 0;
    el_log_to(remember);
    CHECK_OK(prepare(&settings, strips, in_folder("korean"), 16, &summary));
    CHECK(log_lines == 1 && strstr(logged, "--no-strip-accents"), "%d lines, %s", log_lines, logged);
    CHECK_OK(prepare(&settings, strips, in_folder("english"), 0, &summary));
    CHECK_OK(prepare(&settings, keeps, in_folder("korean"), 0, &summary));
    CHECK(log_lines == 2 && strstr(logged, "is not UTF-8"), "%d lines, %s", log_lines, logged);
    put_text("decomposed", "w1 \xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab w2\n");
    CHECK_OK(prepare(&settings, strips, in_folder("decomposed"), 0, &summary));
    CHECK(log_lines == 2, "%d lines, %s", log_lines, logged);
    CHECK_OK(prepare(&settings, keeps, in_folder("decomposed"), 0, &summary));
    CHECK(log_lines == 3 && strstr(logged, "uconv -x any-nfc"), "%d lines, %s", log_lines, logged);
    el_log_to(NULL);
    el_vocab_close(strips);
    el_vocab_close(keeps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bytes),
        cmocka_unit_test(test_heldout),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_output),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_bad_text),
        cmocka_unit_test(test_hangul),
        cmocka_unit_test(test_failed_start_removes_nothing),
        cmocka_unit_test(test_none_heldout_leaves_nothing),
        cmocka_unit_test(test_here),
        cmocka_unit_test(test_goes_on),
        cmocka_unit_test(test_goes_on_with_the_same_alone),
        cmocka_unit_test(test_between_folders),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
