/* check - what the tests of serve/ share: the golden pair of networks (tools/golden.py) with a vocabulary, as
 * a run folder */
#ifndef TESTS_SERVE_CHECK_H
#define TESTS_SERVE_CHECK_H

#include "../check.h"
#include "base/file.h"

#define API_OK(call) CHECK((call) == ELECTRA_OK, "%s", electra_error())

enum { PIECES = 50, PLACES = 32 }; /* of the golden networks */

static char run[64]; /* the run folder */

static inline void copy_file(const char *from, const char *to)
{
    el_mapping file;
    CHECK_OK(el_mapping_open(&file, from));
    CHECK_OK(el_file_write(to, file.data, file.size));
    el_mapping_close(&file);
}

/* [PAD] [UNK] [CLS] [SEP] [MASK], a ... z, ##a ... ##s */
static inline void write_vocab(const char *path)
{
    char text[1024] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n", *end = text + strlen(text);
    for (int i = 5; i < PIECES; i++)
        end += i < 31 ? sprintf(end, "%c\n", 'a' + i - 5) : sprintf(end, "##%c\n", 'a' + i - 31);
    CHECK_OK(el_file_write(path, text, (size_t)(end - text)));
}

static inline int make_run(void **state)
{
    (void)state;
    static const char *const networks[] = {"generator", "discriminator"};
    static const char *const files[] = {"config.json", "model.safetensors"};
    strcpy(run, "/tmp/electra-test-XXXXXX");
    if (!mkdtemp(run))
        return -1;
    for (int n = 0; n < 2; n++) {
        char from[512], to[512];
        snprintf(to, sizeof to, "%s/%s", run, networks[n]);
        CHECK_OK(el_folder_make(to));
        for (int f = 0; f < 2; f++) {
            snprintf(from, sizeof from, "%s/../model/golden/%s/%s", TEST_DATA, networks[n], files[f]);
            snprintf(to, sizeof to, "%s/%s/%s", run, networks[n], files[f]);
            copy_file(from, to);
        }
        snprintf(to, sizeof to, "%s/%s/vocab.txt", run, networks[n]);
        write_vocab(to);
    }
    return 0;
}

static inline int remove_run(void **state)
{
    (void)state;
    return el_folder_remove(run) == EL_OK ? 0 : -1;
}

#endif
