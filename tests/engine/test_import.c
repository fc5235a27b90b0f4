/* import - the files of weights are opened once, however many networks they hold */
#include "folder.h"

#include <sys/inotify.h>
#include <unistd.h>

#include "engine/export.h"
#include "engine/import.h"

#define FOLDERS TEST_DATA "/../serve/golden/folders/"

/* Other tests open the golden folders too: what is watched is a copy. */
static const char *own_copy(const char *name)
{
    char **names, from[512], to[512];
    int count;
    const char *const copy = in_folder("source");
    CHECK_OK(el_folder_remove(copy));
    CHECK_OK(el_folder_make(copy));
    CHECK_OK(el_folder_list(name, &names, &count));
    for (int i = 0; i < count; i++) {
        el_mapping file;
        snprintf(from, sizeof from, "%s/%s", name, names[i]);
        snprintf(to, sizeof to, "%s/%s", copy, names[i]);
        CHECK_OK(el_mapping_open(&file, from));
        CHECK_OK(el_file_write(to, file.data, file.size));
        el_mapping_close(&file);
    }
    el_folder_list_release(names, count);
    return copy;
}

/* Each opening is followed by a closing: of two alike in a row the system would tell one. */
static int watch(const char *path)
{
    const int watcher = inotify_init1(IN_NONBLOCK);
    if (watcher < 0)
        skip();
    CHECK(inotify_add_watch(watcher, path, IN_OPEN | IN_CLOSE) >= 0, "%s cannot be watched", path);
    return watcher;
}

static int openings(int watcher)
{
    struct inotify_event events[256]; /* of a file: without a name */
    const ssize_t bytes = read(watcher, events, sizeof events);
    int count = 0;
    for (ssize_t i = 0; i < bytes / (ssize_t)sizeof *events; i++)
        count += events[i].mask & IN_OPEN ? 1 : 0;
    close(watcher);
    return count;
}

static void import_opens_once(void **state)
{
    (void)state;
    static const struct {
        const char *folder, *file;
    } CASES[] = {{FOLDERS "tensorflow", "electra.index"},
                 {FOLDERS "tensorflow", "electra.data-00000-of-00001"},
                 {FOLDERS "bare-bin", "pytorch_model.bin"},
                 {FOLDERS "generator-half-no-architectures", "pytorch_model.bin"}};
    el_queue *q;
    CHECK_OK(el_queue_open(&q, 1, NULL));
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const el_import_settings settings = {.type = EL_ST_F32, .command = "import"};
        const char *const source = own_copy(CASES[i].folder);
        char path[512];
        snprintf(path, sizeof path, "%s/%s", source, CASES[i].file);
        const int watcher = watch(path);
        CHECK_OK(el_import(q, source, &settings, in_folder("kept")));
        const int count = openings(watcher);
        CHECK(count == 1, "%s/%s: opened %d times", CASES[i].folder, CASES[i].file, count);
        CHECK_OK(el_folder_remove(in_folder("kept")));
    }
    el_queue_close(q);
}

static void export_opens_once(void **state)
{
    (void)state;
    const char *const source = own_copy(FOLDERS "bare-bin");
    char path[512];
    snprintf(path, sizeof path, "%s/pytorch_model.bin", source);
    const int watcher = watch(path);
    CHECK_OK(el_export_folder(source, EL_EXPORT_ENCODER, EL_ST_F16, in_folder("half")));
    const int count = openings(watcher);
    CHECK(count == 1, "opened %d times", count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(import_opens_once),
                                       cmocka_unit_test(export_opens_once)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
