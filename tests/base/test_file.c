/* file - what is written is whole or not there */
#define _GNU_SOURCE
#include "folder.h"

#include <errno.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"

static void check_contents(const char *path, const void *data, size_t bytes)
{
    el_mapping file;
    CHECK_OK(el_mapping_open(&file, path));
    CHECK(file.size == bytes && memcmp(file.data, data, bytes) == 0, "%s: %zu bytes, not the %zu expected",
          path, file.size, bytes);
    el_mapping_close(&file);
}

static int names_in(const char *path)
{
    char **names;
    int count;
    CHECK_OK(el_folder_list(path, &names, &count));
    el_folder_list_release(names, count);
    return count;
}

/* What was written is read back, small, empty and larger than any buffer; nothing else is left. */
static void test_write_and_read(void **state)
{
    (void)state;
    const size_t large = 3000001;
    char *data = malloc(large);
    for (size_t i = 0; i < large; i++)
        data[i] = (char)(i * 2654435761u >> 13);
    CHECK_OK(el_folder_make(in_folder("w")));
    CHECK_OK(el_file_write(in_folder("w/a"), "hello", 5));
    check_contents(in_folder("w/a"), "hello", 5);
    CHECK_OK(el_file_write(in_folder("w/a"), "", 0));
    check_contents(in_folder("w/a"), "", 0);
    CHECK_OK(el_file_write(in_folder("w/a"), data, large));
    check_contents(in_folder("w/a"), data, large);
    el_writer *writer;
    CHECK_OK(el_writer_open(&writer, in_folder("w/b")));
    for (size_t at = 0, piece = 1; at < large; at += piece, piece = piece * 3 % 700001) {
        piece = piece < large - at ? piece : large - at;
        el_writer_put(writer, data + at, piece);
    }
    CHECK_OK(el_writer_finish(writer));
    check_contents(in_folder("w/b"), data, large);
    assert_int_equal(names_in(in_folder("w")), 2);
    free(data);
}

/* Until finish the old file is there; abandoning leaves it and no trace of the new one. */
static void test_old_or_new(void **state)
{
    (void)state;
    el_writer *writer;
    CHECK_OK(el_folder_make(in_folder("o")));
    CHECK_OK(el_file_write(in_folder("o/a"), "old", 3));
    CHECK_OK(el_writer_open(&writer, in_folder("o/a")));
    el_writer_put(writer, "new", 3);
    check_contents(in_folder("o/a"), "old", 3);
    el_writer_abandon(writer);
    check_contents(in_folder("o/a"), "old", 3);
    assert_int_equal(names_in(in_folder("o")), 1);
    el_writer_abandon(NULL);
}

/* What is being written has no name where the file system can do that, so that nothing is left of a process that ends; else
 * one that is told from others. */
static void test_nameless(void **state)
{
    (void)state;
    CHECK_OK(el_folder_make(in_folder("n")));
    const int able = el_io_open_nameless(in_folder("n"));
    const pid_t child = fork();
    if (child == 0) {
        el_writer *writer;
        if (el_writer_open(&writer, in_folder("n/a")))
            _exit(1);
        for (int i = 0; i < 1 << 20; i++)
            el_writer_put(writer, "lost", 4);
        raise(SIGINT);
        _exit(2);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT, "the writer ended with %x", (unsigned)status);
    CHECK(names_in(in_folder("n")) == (able < 0), "%d names are left", names_in(in_folder("n")));
    if (able < 0)
        return;
    CHECK(el_io_name(able, in_folder("n/b")) == 0 && el_file_exists(in_folder("n/b")), "no name for a file");
    CHECK(el_io_name(able, in_folder("n/b")) != 0 && errno == EEXIST, "a name that is taken");
    assert_int_equal(el_io_close(able), 0);
}

/* What a link names is written, wherever it lies, and the link stays: of a file, of a folder, and of what is not there
 * yet. */
static void test_links(void **state)
{
    (void)state;
    struct stat info;
    CHECK_OK(el_folder_make(in_folder("here")));
    CHECK_OK(el_folder_make(in_folder("there/shards")));
    CHECK_OK(el_file_write(in_folder("there/a"), "old", 3));
    CHECK_OK(el_file_write(in_folder("there/shards/x"), "old", 3));
    static const char *const LINKS[][2] = {{"../there/a", "here/a"},
                                           {"../there/new", "here/new"},
                                           {"../there/shards", "here/shards"},
                                           {"a", "here/b"}};
    for (size_t i = 0; i < sizeof LINKS / sizeof *LINKS; i++)
        assert_int_equal(symlink(LINKS[i][0], in_folder(LINKS[i][1])), 0);

    CHECK_OK(el_file_write(in_folder("here/b"), "one", 3)); /* a link to a link */
    check_contents(in_folder("there/a"), "one", 3);
    CHECK_OK(el_file_write(in_folder("here/new"), "two", 3));
    check_contents(in_folder("there/new"), "two", 3);

    el_folder made;
    CHECK_OK(el_folder_begin(&made, in_folder("here/shards/")));
    CHECK(strstr(made.temporary, "/here/../there/.electra."), "%s is not beside the target", made.temporary);
    char *const inside = el_path_join(made.temporary, "y");
    CHECK_OK(el_file_write(inside, "three", 5));
    free(inside);
    CHECK_OK(el_folder_commit(&made));
    check_contents(in_folder("there/shards/y"), "three", 5);
    assert_int_equal(names_in(in_folder("there/shards")), 1);
    assert_int_equal(names_in(in_folder("there")), 3);
    for (size_t i = 0; i < sizeof LINKS / sizeof *LINKS; i++)
        assert_true(lstat(in_folder(LINKS[i][1]), &info) == 0 && S_ISLNK(info.st_mode));
}

/* The first bytes may be written last; what follows them stays, and until finish nothing is there. */
static void test_beginning_last(void **state)
{
    (void)state;
    const size_t bytes = 3000001;
    char *const data = malloc(bytes);
    el_writer *writer;
    memset(data, 'x', bytes);
    CHECK_OK(el_folder_make(in_folder("b")));
    CHECK_OK(el_writer_open(&writer, in_folder("b/a")));
    CHECK_OK(el_writer_begin_with(writer, "five?", 5));
    el_writer_put(writer, data + 5, 1000);
    el_writer_put(writer, data + 1005, bytes - 1005);
    CHECK_OK(el_writer_begin_with(writer, "FIVE", 4));
    el_writer_put(writer, "end", 3);
    assert_false(el_file_exists(in_folder("b/a")));
    CHECK_OK(el_writer_finish(writer));
    memcpy(data, "FIVE?", 5);
    el_mapping file;
    CHECK_OK(el_mapping_open(&file, in_folder("b/a")));
    assert_int_equal(file.size, bytes + 3);
    assert_memory_equal(file.data, data, bytes);
    assert_memory_equal((const char *)file.data + bytes, "end", 3);
    el_mapping_close(&file);
    free(data);
}

/* Sentences name the path and the reason. */
static void test_failures(void **state)
{
    (void)state;
    el_mapping file;
    el_writer *writer;
    CHECK_FAILS(el_mapping_open(&file, "/nowhere/x"), EL_EDATA, "/nowhere/x: No such file or directory");
    el_mapping_close(&file);
    CHECK_FAILS(el_mapping_open(&file, folder), EL_EDATA, "Is a directory");
    CHECK_FAILS(el_mapping_open(&file, "/dev/null"), EL_EDATA, "not a regular file");
    assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
    CHECK_FAILS(el_mapping_open(&file, in_folder("pipe")), EL_EDATA, "not a regular file");
    CHECK_FAILS(el_file_write("/nowhere/x", "a", 1), EL_EFAILED, "/nowhere/x: No such file or directory");
    CHECK_FAILS(el_writer_open(&writer, folder), EL_EFAILED, "Is a directory");
    assert_null(writer);
    char **names;
    int count;
    CHECK_FAILS(el_folder_list("/nowhere", &names, &count), EL_EDATA, "/nowhere: No such file");
    CHECK_OK(el_file_write(in_folder("plain"), "a", 1));
    CHECK_FAILS(el_folder_make(in_folder("plain/below")), EL_EFAILED, "Not a directory");
}

/* A device is written straight: it is neither replaced nor has a file beside it.  Links stand in for the
 * devices, so that a mistake replaces a link. */
static void test_devices(void **state)
{
    (void)state;
    struct stat info;
    CHECK_OK(el_folder_make(in_folder("dev")));
    assert_int_equal(symlink("/dev/full", in_folder("dev/full")), 0);
    assert_int_equal(symlink("/dev/null", in_folder("dev/null")), 0);
    CHECK_FAILS(el_file_write(in_folder("dev/full"), "a", 1), EL_EFAILED,
                "dev/full: No space left on device");
    CHECK_OK(el_file_write(in_folder("dev/null"), "a", 1));
    assert_int_equal(lstat(in_folder("dev/null"), &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_int_equal(names_in(in_folder("dev")), 2);
}

/* On a full file system the old file stays as it was, and the new one leaves nothing. */
static void test_full_disk(void **state)
{
    (void)state;
    const char *disk = in_folder("disk");
    CHECK_OK(el_folder_make(disk));
    if (mount("none", disk, "tmpfs", 0, "size=64k") != 0) {
        print_message("skipped: no file system of our own can be mounted here\n");
        skip();
    }
    char *data = calloc(1, 1 << 20), path[300], target[300];
    snprintf(path, sizeof path, "%s/a", disk);
    snprintf(target, sizeof target, "%s/folder", disk);
    el_status wrote = el_file_write(path, "old", 3), failed = el_file_write(path, data, 1 << 20);
    char sentence[300];
    snprintf(sentence, sizeof sentence, "%s", el_error());
    el_mapping file = {0};
    el_mapping_open(&file, path);
    const bool kept = file.size == 3 && memcmp(file.data, "old", 3) == 0;
    el_mapping_close(&file);
    const int left = names_in(disk);
    umount(disk);
    free(data);
    assert_int_equal(wrote, EL_OK);
    CHECK(failed == EL_EFAILED && strstr(sentence, "/disk/a: No space left on device"), "status %d: %s",
          failed, sentence);
    CHECK(kept && left == 1, "the old file is %s, %d files are left", kept ? "kept" : "lost", left);
}

/* A folder appears whole, replaces an older one whole, and an abandoned one was never there. */
static void test_folder(void **state)
{
    (void)state;
    el_folder f;
    char inside[300];
    const char *names[] = {"old", "new"};
    CHECK_OK(el_folder_make(in_folder("f")));
    for (int round = 0; round < 2; round++) {
        CHECK_OK(el_folder_begin(&f, in_folder(round ? "f/target/" : "f/target")));
        snprintf(inside, sizeof inside, "%s/sub/%s", f.temporary, names[round]);
        char *cut = strrchr(inside, '/');
        *cut = '\0';
        CHECK_OK(el_folder_make(inside));
        *cut = '/';
        CHECK_OK(el_file_write(inside, names[round], 3));
        assert_int_equal(el_file_exists(in_folder("f/target/sub/old")), round);
        CHECK_OK(el_folder_commit(&f));
        el_folder_abandon(&f);
        check_contents(in_folder(round ? "f/target/sub/new" : "f/target/sub/old"), names[round], 3);
        assert_int_equal(names_in(in_folder("f")), 1);
    }
    assert_false(el_file_exists(in_folder("f/target/sub/old")));
    CHECK_OK(el_folder_begin(&f, in_folder("f/target")));
    snprintf(inside, sizeof inside, "%s/x", f.temporary);
    CHECK_OK(el_file_write(inside, "x", 1));
    el_folder_abandon(&f);
    el_folder_abandon(&f);
    check_contents(in_folder("f/target/sub/new"), "new", 3);
    assert_int_equal(names_in(in_folder("f")), 1);
    CHECK_OK(el_file_write(in_folder("f/file"), "x", 1));
    CHECK_FAILS(el_folder_begin(&f, in_folder("f/file")), EL_EFAILED, "Not a directory");
}

/* Removing takes all below and does not follow links out of the folder. */
static void test_remove(void **state)
{
    (void)state;
    CHECK_OK(el_folder_make(in_folder("r/a/b/c")));
    CHECK_OK(el_folder_make(in_folder("r/a/b/c")));
    CHECK_OK(el_file_write(in_folder("outside"), "keep", 4));
    assert_int_equal(symlink(in_folder("outside"), in_folder("r/a/link")), 0);
    assert_int_equal(symlink(folder, in_folder("r/a/up")), 0);
    CHECK_OK(el_folder_remove(in_folder("r")));
    assert_false(el_folder_exists(in_folder("r")));
    check_contents(in_folder("outside"), "keep", 4);
    CHECK_OK(el_folder_remove(in_folder("r")));
}

/* Names are sorted by bytes. */
static void test_list(void **state)
{
    (void)state;
    static const char *const sorted[] = {".hidden", "B", "a", "b", "\xc3\xa4"};
    CHECK_OK(el_folder_make(in_folder("l")));
    char **names, path[100];
    int count;
    CHECK_OK(el_folder_list(in_folder("l"), &names, &count));
    assert_int_equal(count, 0);
    el_folder_list_release(names, count);
    for (int i = 4; i >= 0; i--) {
        snprintf(path, sizeof path, "l/%s", sorted[i]);
        CHECK_OK(el_file_write(in_folder(path), "", 0));
    }
    CHECK_OK(el_folder_list(in_folder("l"), &names, &count));
    assert_int_equal(count, 5);
    for (int i = 0; i < 5; i++)
        assert_string_equal(names[i], sorted[i]);
    el_folder_list_release(names, count);
    el_folder_list_release(NULL, 0);
}

static void check_join(const char *a, const char *b, const char *expected)
{
    char *path = el_path_join(a, b);
    assert_string_equal(path, expected);
    assert_string_equal(el_path_in(a, b).text, expected);
    free(path);
}

static void test_join(void **state)
{
    (void)state;
    check_join("a", "b", "a/b");
    check_join("a/", "b", "a/b");
    check_join("", "b", "b");
    check_join("/", "b", "/b");
}

/* The longest path that the kernel takes is whole; a longer one is refused by it, and by what resolves paths itself. */
static void test_too_long(void **state)
{
    (void)state;
    char name[PATH_MAX + 1000], real[PATH_MAX];
    for (size_t over = 0; over < 900; over += over ? 397 : 1) {
        memset(name, '/', sizeof name);
        snprintf(name + PATH_MAX - 2 - strlen(in_folder("")) + over, 2, ".");
        const el_path path = el_path_in(in_folder(""), name);
        struct stat info;
        errno = 0;
        assert_int_equal(stat(path.text, &info), over ? -1 : 0);
        assert_int_equal(errno, over ? ENAMETOOLONG : 0);
        assert_int_equal(realpath(path.text, real) != NULL, !over);
        assert_int_equal(strlen(path.text), PATH_MAX - !over);
    }
}

/* XXH3-64 as published: of nothing, and of "abc" by `xxhsum -H3`. */
static void test_hash(void **state)
{
    (void)state;
    char text[17];
    el_hash_text(el_hash("", 0), text);
    assert_string_equal(text, "2d06800538d394c2");
    el_hash_text(el_hash("abc", 3), text);
    assert_string_equal(text, "78af5f94892f3950");
    el_hash_text(10, text);
    assert_string_equal(text, "000000000000000a");
}

/* Killed at any moment, a reader finds one of the two contents, whole. */
static void test_killed(void **state)
{
    (void)state;
    enum { BYTES = 400000, KILLS = 15 };
    char *data = malloc(BYTES);
    const char *path = in_folder("killed");
    memset(data, 'a', BYTES);
    CHECK_OK(el_file_write(path, data, BYTES));
    for (int kill_after = 0; kill_after < KILLS; kill_after++) {
        const pid_t child = fork();
        if (child == 0) {
            for (int i = 0;; i++) {
                memset(data, 'a' + i % 26, BYTES);
                el_file_write(path, data, BYTES);
            }
        }
        usleep((useconds_t)(kill_after * 700));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        el_mapping file;
        CHECK_OK(el_mapping_open(&file, path));
        bool whole = file.size == BYTES;
        for (size_t i = 1; whole && i < file.size; i++)
            whole = file.data[i] == file.data[0];
        CHECK(whole, "after a kill the file is torn (%zu bytes)", file.size);
        el_mapping_close(&file);
    }
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_and_read), cmocka_unit_test(test_old_or_new),
        cmocka_unit_test(test_beginning_last), cmocka_unit_test(test_failures),
        cmocka_unit_test(test_devices),        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_folder),         cmocka_unit_test(test_remove),
        cmocka_unit_test(test_list),           cmocka_unit_test(test_join),
        cmocka_unit_test(test_too_long),       cmocka_unit_test(test_hash),
        cmocka_unit_test(test_killed),         cmocka_unit_test(test_links),
        cmocka_unit_test(test_nameless),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
