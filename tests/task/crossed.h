/* crossed - what tests of readers share: a file's text in every packing, with either kind of line ends */
#ifndef TESTS_TASK_CROSSED_H
#define TESTS_TASK_CROSSED_H

#include "folder.h"

#include <bzlib.h>
#include <lzma.h>
#include <strings.h>
#include <zlib.h>
#include <zstd.h>

enum { MOST = 4096 };

static const char *const PACKINGS[] = {"", ".gz", ".zst", ".xz", ".bz2", ".GZ"};
enum { PACKING_COUNT = sizeof PACKINGS / sizeof *PACKINGS };

/* Without the syncing of el_file_write, which takes its time. */
static const char *put_file(const char *name, const char *text, size_t bytes)
{
    const char *const path = in_folder(name);
    FILE *const out = fopen(path, "w");
    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, bytes, out), bytes);
    assert_int_equal(fclose(out), 0);
    return path;
}

/* "\n" becomes "\r\n". */
static void use_returns(char *text)
{
    char copy[MOST], *out = text;
    strcpy(copy, text);
    for (const char *at = copy; *at; at++) {
        if (*at == '\n')
            *out++ = '\r';
        *out++ = *at;
    }
    *out = '\0';
}

/* Packs as the ending says; the size. */
static size_t pack(const char *packing, char *text, char *out)
{
    const size_t bytes = strlen(text);
    if (strcmp(packing, ".zst") == 0)
        return ZSTD_compress(out, MOST, text, bytes, 3);
    if (strcmp(packing, ".xz") == 0) {
        size_t used = 0;
        lzma_easy_buffer_encode(0, LZMA_CHECK_CRC32, NULL, (uint8_t *)text, bytes, (uint8_t *)out, &used,
                                MOST);
        return used;
    }
    if (strcmp(packing, ".bz2") == 0) {
        unsigned used = MOST;
        BZ2_bzBuffToBuffCompress(out, &used, text, (unsigned)bytes, 1, 0, 0);
        return used;
    }
    if (strcasecmp(packing, ".gz") == 0) {
        z_stream z = {.next_in = (unsigned char *)text,
                      .avail_in = (uInt)bytes,
                      .next_out = (unsigned char *)out,
                      .avail_out = MOST};
        deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
        deflate(&z, Z_FINISH);
        deflateEnd(&z);
        return MOST - z.avail_out;
    }
    memcpy(out, text, bytes);
    return bytes;
}

#endif
