/* decoder - see the header
 *
 *     bytes of a file -> input -> packing (plain, gzip, zstd, xz, bzip2) -> bytes
 *
 * A packing is a table of functions.  Its decode() takes from the input what it can use and gives what it can make; when
 * it does neither, it wants more input.
 */
#include "text/decoder.h"

#include <bzlib.h>
#include <fcntl.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/io.h"
#include "base/path.h"

enum { INPUT = 1 << 18 };
static const uint64_t MOST_XZ = (uint64_t)1 << 30; /* memory; xz -9 wants 65 MB */

typedef struct {
    const char *name;
    const char *magics[2]; /* it begins with one of these, in which ? is any byte */
    el_status (*open)(el_decoder *d);
    el_status (*decode)(el_decoder *d, char *out, size_t room, size_t *made);
    void (*close)(el_decoder *d);
} packing;

struct el_decoder {
    const char *name; /* of the open file, for sentences; NULL: none is */
    int file;
    const packing *packing; /* NULL: plain */
    uint64_t taken;
    unsigned char *input;
    size_t at, bytes; /* what is left of the input lies from `at` to `bytes` */
    bool input_ended;
    bool midway; /* within packed data: more must follow */
    union {
        z_stream gzip;
        ZSTD_DStream *zstd;
        lzma_stream xz;
        bz_stream bzip2;
    };
};

static el_status no_memory(const el_decoder *d)
{
    return el_fail(EL_ENOMEM, "%s: no memory to unpack %s data", d->name, d->packing->name);
}

static el_status damaged(const el_decoder *d, const char *reason)
{
    return el_fail(EL_EDATA, "%s: damaged %s data (%s)", d->name, d->packing->name, reason);
}

/* ---- input ---- */

static size_t left(const el_decoder *d)
{
    return d->bytes - d->at;
}

/* Whether all of a magic is there, or as much of it as has been read. */
static bool begins(const el_decoder *d, const char *magic, bool all)
{
    const size_t bytes = strlen(magic);
    if (all && left(d) < bytes)
        return false;
    for (size_t i = 0; i < bytes && i < left(d); i++)
        if (magic[i] != '?' && (unsigned char)magic[i] != d->input[d->at + i])
            return false;
    return true;
}

static el_status read_file(el_decoder *d, void *out, size_t room, size_t *made)
{
    const ssize_t got = el_io_read(d->file, out, room);
    if (got < 0)
        return el_io_fail(d->name);
    *made = (size_t)got;
    d->taken += *made;
    d->input_ended = got == 0;
    return EL_OK;
}

/* Reads more input after what is left of it. */
static el_status more_input(el_decoder *d)
{
    memmove(d->input, d->input + d->at, left(d));
    d->bytes -= d->at;
    d->at = 0;
    size_t made = 0;
    const el_status st = read_file(d, d->input + d->bytes, INPUT - d->bytes, &made);
    d->bytes += made;
    return st;
}

/* ---- gzip ---- */

static el_status open_gzip(el_decoder *d)
{
    d->gzip = (z_stream){0};
    return inflateInit2(&d->gzip, 16 + MAX_WBITS) == Z_OK ? EL_OK : no_memory(d);
}

/* Between members there may be padding of zeros, up to the end. */
static el_status skip_padding(el_decoder *d)
{
    while (left(d) && d->input[d->at] == 0)
        d->at++;
    return left(d) ? el_fail(EL_EDATA, "%s: what follows the gzip data is no gzip data", d->name) : EL_OK;
}

static el_status decode_gzip(el_decoder *d, char *out, size_t room, size_t *made)
{
    z_stream *const z = &d->gzip;
    if (!d->midway && left(d) < 2 && !d->input_ended)
        return EL_OK;
    if (!d->midway && !begins(d, "\x1f\x8b", true))
        return skip_padding(d);
    z->next_in = d->input + d->at;
    z->avail_in = (uInt)left(d);
    z->next_out = (unsigned char *)out;
    z->avail_out = (uInt)(room < UINT32_MAX ? room : UINT32_MAX);
    const uInt offered = z->avail_out;
    d->midway = true;
    const int result = inflate(z, Z_NO_FLUSH);
    d->at = d->bytes - z->avail_in;
    *made = offered - z->avail_out;
    if (result == Z_STREAM_END) {
        d->midway = false;
        inflateReset(z);
        return EL_OK;
    }
    if (result == Z_MEM_ERROR)
        return no_memory(d);
    return result == Z_OK || result == Z_BUF_ERROR ? EL_OK : damaged(d, z->msg ? z->msg : zError(result));
}

static void close_gzip(el_decoder *d)
{
    inflateEnd(&d->gzip);
}

/* ---- zstd ---- */

static el_status open_zstd(el_decoder *d)
{
    d->zstd = ZSTD_createDStream();
    return d->zstd ? EL_OK : no_memory(d);
}

static el_status decode_zstd(el_decoder *d, char *out, size_t room, size_t *made)
{
    ZSTD_inBuffer in = {d->input, d->bytes, d->at};
    ZSTD_outBuffer place = {out, room, 0};
    const size_t result = ZSTD_decompressStream(d->zstd, &place, &in);
    if (ZSTD_isError(result))
        return ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation
                   ? no_memory(d)
                   : damaged(d, ZSTD_getErrorName(result));
    d->at = in.pos;
    d->midway = result != 0;
    *made = place.pos;
    return EL_OK;
}

static void close_zstd(el_decoder *d)
{
    ZSTD_freeDStream(d->zstd);
}

/* ---- xz ---- */

static el_status open_xz(el_decoder *d)
{
    d->xz = (lzma_stream)LZMA_STREAM_INIT;
    d->midway = true; /* until all of it was checked */
    return lzma_stream_decoder(&d->xz, MOST_XZ, LZMA_CONCATENATED) == LZMA_OK ? EL_OK : no_memory(d);
}

static const char *reason_of(lzma_ret result)
{
    return result == LZMA_FORMAT_ERROR     ? "what follows the xz data is no xz data"
           : result == LZMA_OPTIONS_ERROR  ? "of a kind that liblzma does not know"
           : result == LZMA_MEMLIMIT_ERROR ? "unpacking wants more than 1 GB of memory"
                                           : "corrupt";
}

static el_status decode_xz(el_decoder *d, char *out, size_t room, size_t *made)
{
    lzma_stream *const z = &d->xz;
    z->next_in = d->input + d->at;
    z->avail_in = left(d);
    z->next_out = (unsigned char *)out;
    z->avail_out = room;
    const lzma_ret result = lzma_code(z, d->input_ended ? LZMA_FINISH : LZMA_RUN);
    d->at = d->bytes - z->avail_in;
    *made = room - z->avail_out;
    if (result == LZMA_STREAM_END)
        d->midway = false;
    if (result == LZMA_MEM_ERROR)
        return no_memory(d);
    return result == LZMA_OK || result == LZMA_STREAM_END || result == LZMA_BUF_ERROR
               ? EL_OK
               : damaged(d, reason_of(result));
}

static void close_xz(el_decoder *d)
{
    lzma_end(&d->xz);
}

/* ---- bzip2 ---- */

static el_status open_bzip2(el_decoder *d)
{
    d->bzip2 = (bz_stream){0};
    return BZ2_bzDecompressInit(&d->bzip2, 0, 0) == BZ_OK ? EL_OK : no_memory(d);
}

static void close_bzip2(el_decoder *d)
{
    BZ2_bzDecompressEnd(&d->bzip2);
}

static el_status decode_bzip2(el_decoder *d, char *out, size_t room, size_t *made)
{
    bz_stream *const z = &d->bzip2;
    z->next_in = (char *)d->input + d->at;
    z->avail_in = (unsigned)left(d);
    z->next_out = out;
    z->avail_out = (unsigned)(room < UINT32_MAX ? room : UINT32_MAX);
    const unsigned offered = z->avail_out;
    d->midway = true;
    const int result = BZ2_bzDecompress(z);
    d->at = d->bytes - z->avail_in;
    *made = offered - z->avail_out;
    if (result == BZ_MEM_ERROR)
        return no_memory(d);
    if (result != BZ_STREAM_END)
        return result == BZ_OK ? EL_OK : damaged(d, "corrupt");
    d->midway = false; /* another stream may follow, and each has its own state */
    close_bzip2(d);
    return open_bzip2(d);
}

/* ---- all of them ---- */

enum { PACKING_COUNT = 4 };
static const packing PACKINGS[PACKING_COUNT] = {
    {"gzip", {"\x1f\x8b"}, open_gzip, decode_gzip, close_gzip},
    {"zstd",
     {"\x28\xb5\x2f\xfd", "?\x2a\x4d\x18"},
     open_zstd,
     decode_zstd,
     close_zstd}, /* or to be skipped */
    {"xz", {"\xfd\x37zXZ"}, open_xz, decode_xz, close_xz},
    {"bzip2", {"BZh?1AY&SY", "BZh?\x17rE8P\x90"}, open_bzip2, decode_bzip2, close_bzip2}, /* or of nothing */
};

el_status el_decoder_make(el_decoder **decoder)
{
    el_decoder *const d = calloc(1, sizeof *d);
    if (d)
        d->input = malloc(INPUT);
    if (!d || !d->input) {
        free(d);
        return el_no_memory(NULL);
    }
    *decoder = d;
    return EL_OK;
}

void el_decoder_release(el_decoder *d)
{
    if (!d)
        return;
    el_decoder_close(d);
    free(d->input);
    free(d);
}

static const packing *packing_of(const el_decoder *d, bool all)
{
    for (const packing *p = PACKINGS; p < PACKINGS + PACKING_COUNT; p++)
        for (int i = 0; i < 2 && p->magics[i]; i++)
            if (begins(d, p->magics[i], all))
                return p;
    return NULL;
}

el_status el_decoder_open(el_decoder *d, const char *path)
{
    d->file = strcmp(path, "-") == 0 ? STDIN_FILENO : el_io_open(path, O_RDONLY);
    if (d->file < 0)
        return el_io_fail(path);
    d->name = el_path_said(path);
    d->packing = NULL;
    d->at = d->bytes = 0;
    d->input_ended = d->midway = false;
    el_status st = EL_OK;
    while (!st && !d->input_ended && packing_of(d, false) && !packing_of(d, true))
        st = more_input(d);
    const packing *const found = st ? NULL : packing_of(d, true);
    if (found) {
        d->packing = found;
        st = found->open(d);
    }
    return st;
}

void el_decoder_close(el_decoder *d)
{
    if (!d->name)
        return;
    if (d->packing)
        d->packing->close(d);
    if (d->file != STDIN_FILENO)
        el_io_close(d->file);
    d->name = NULL;
}

bool el_decoder_is_open(const el_decoder *d)
{
    return d->name;
}

uint64_t el_decoder_taken(const el_decoder *d)
{
    return d->taken;
}

bool el_decoder_waits(const el_decoder *d)
{
    return d->name && !d->packing && left(d) == 0 && !d->input_ended && el_io_waits(d->file);
}

/* Past the input that told it is plain, the file is read to where it is wanted. */
static el_status read_plain(el_decoder *d, char *out, size_t room, size_t *made)
{
    if (!left(d))
        return d->input_ended ? EL_OK : read_file(d, out, room, made);
    *made = left(d) < room ? left(d) : room;
    memcpy(out, d->input + d->at, *made);
    d->at += *made;
    return EL_OK;
}

el_status el_decoder_read(el_decoder *d, char *out, size_t room, size_t *made)
{
    *made = 0;
    if (!d->packing)
        return read_plain(d, out, room, made);
    for (;;) {
        const size_t before = left(d);
        if (before || d->midway) {
            const el_status st = d->packing->decode(d, out, room, made);
            if (st || *made > 0)
                return st;
        }
        if (left(d) > 0 && left(d) != before)
            continue; /* the end of one part, and another follows */
        if (d->input_ended)
            return d->midway ? el_fail(EL_EDATA, "%s: the %s data stop in the middle; is the file cut short?",
                                       d->name, d->packing->name)
                             : EL_OK;
        const el_status st = more_input(d);
        if (st)
            return st;
    }
}
