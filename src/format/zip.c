/* zip - see the header; the format is PKWARE's APPNOTE.TXT, 4.3 */
#include "format/zip.h"

#include <stdlib.h>
#include <string.h>

enum { LOCAL = 0x04034b50, CENTRAL = 0x02014b50, END = 0x06054b50, END64 = 0x06064b50, LOCATOR = 0x07064b50 };
enum { END_BYTES = 22, END64_BYTES = 56, LOCATOR_BYTES = 20, CENTRAL_BYTES = 46, LOCAL_BYTES = 30 };
enum { LONGEST_COMMENT = 0xffff, MOST_MEMBERS = 1 << 20, ENCRYPTED = 1, ZIP64_FIELD = 1 };
static const uint64_t IN_ZIP64 = 0xffffffff; /* what the old fields say where the new ones hold */

/* Where the directory lies. */
typedef struct {
    uint64_t from, bytes, count;
} directory;

bool el_zip_begins(el_bytes file)
{
    return file.left >= 4 && (el_little_endian(file.at, 4) == LOCAL || el_little_endian(file.at, 4) == END);
}

static bool has_signature(el_bytes file, uint64_t at, uint64_t bytes, uint32_t signature, el_bytes *record)
{
    return el_bytes_part(file, at, bytes, record) && el_little_endian(record->at, 4) == signature;
}

/* The end record stands before a comment of unknown length. */
static bool find_end(el_bytes file, uint64_t *at)
{
    el_bytes record;
    for (uint64_t comment = 0; comment <= LONGEST_COMMENT && comment + END_BYTES <= file.left; comment++) {
        *at = file.left - END_BYTES - comment;
        if (has_signature(file, *at, END_BYTES, END, &record) &&
            el_little_endian(record.at + 20, 2) == comment)
            return true;
    }
    return false;
}

static el_status read_end64(el_bytes file, uint64_t end, const char *path, directory *d)
{
    el_bytes locator, record;
    if (end < LOCATOR_BYTES || !has_signature(file, end - LOCATOR_BYTES, LOCATOR_BYTES, LOCATOR, &locator))
        return EL_OK;
    if (!has_signature(file, el_little_endian(locator.at + 8, 8), END64_BYTES, END64, &record))
        return el_fail(EL_EDATA, "%s: a damaged zip archive: its zip64 record is not where it should be",
                       path);
    *d = (directory){el_little_endian(record.at + 48, 8), el_little_endian(record.at + 40, 8),
                     el_little_endian(record.at + 32, 8)};
    return EL_OK;
}

static el_status find_directory(el_bytes file, const char *path, directory *d)
{
    uint64_t end;
    if (!find_end(file, &end))
        return el_fail(EL_EDATA, "%s: a zip archive cut short: it has no directory at its end", path);
    const unsigned char *const record = file.at + end;
    if (el_little_endian(record + 4, 2) || el_little_endian(record + 6, 2))
        return el_fail(EL_EDATA, "%s: a part of a split zip archive, which is not supported", path);
    *d = (directory){el_little_endian(record + 16, 4), el_little_endian(record + 12, 4),
                     el_little_endian(record + 10, 2)};
    return read_end64(file, end, path, d);
}

/* Replaces what does not fit into 32 bits by the extra field's 64. */
static bool read_zip64(el_bytes extra, uint64_t *size, uint64_t *packed, uint64_t *offset)
{
    uint64_t id, length;
    el_bytes field;
    while (el_bytes_number(&extra, 2, &id) && el_bytes_number(&extra, 2, &length)) {
        if (!el_bytes_part(extra, 0, length, &field))
            return false;
        el_bytes_take(&extra, length);
        if (id != ZIP64_FIELD)
            continue;
        return (*size != IN_ZIP64 || el_bytes_number(&field, 8, size)) &&
               (*packed != IN_ZIP64 || el_bytes_number(&field, 8, packed)) &&
               (*offset != IN_ZIP64 || el_bytes_number(&field, 8, offset));
    }
    return *size != IN_ZIP64 && *packed != IN_ZIP64 && *offset != IN_ZIP64;
}

/* The data begin after the local header, whose extra field is another than the directory's. */
static bool find_data(el_bytes file, uint64_t offset, uint64_t size, el_zip_member *member)
{
    el_bytes local, name;
    if (!has_signature(file, offset, LOCAL_BYTES, LOCAL, &local))
        return false;
    const uint64_t name_bytes = el_little_endian(local.at + 26, 2),
                   extra = el_little_endian(local.at + 28, 2);
    return name_bytes == member->length && el_bytes_part(file, offset + LOCAL_BYTES, name_bytes, &name) &&
           memcmp(name.at, member->name, member->length) == 0 &&
           el_bytes_part(file, offset + LOCAL_BYTES + name_bytes + extra, size, &member->data);
}

static el_status read_member(el_bytes file, el_bytes *rest, const char *path, el_zip_member *member)
{
    const unsigned char *const header = el_bytes_take(rest, CENTRAL_BYTES);
    if (!header || el_little_endian(header, 4) != CENTRAL)
        return el_fail(EL_EDATA, "%s: a damaged zip archive: its directory ends too soon", path);
    const uint64_t flags = el_little_endian(header + 8, 2), method = el_little_endian(header + 10, 2);
    uint64_t packed = el_little_endian(header + 20, 4), size = el_little_endian(header + 24, 4);
    uint64_t offset = el_little_endian(header + 42, 4);
    const uint64_t extra_bytes = el_little_endian(header + 30, 2);
    member->length = (size_t)el_little_endian(header + 28, 2);
    member->name = (const char *)el_bytes_take(rest, member->length);
    const unsigned char *const extra = el_bytes_take(rest, extra_bytes);
    if (!member->name || !extra || !el_bytes_take(rest, el_little_endian(header + 32, 2)) ||
        !read_zip64((el_bytes){extra, (size_t)extra_bytes}, &size, &packed, &offset))
        return el_fail(EL_EDATA, "%s: a damaged zip archive: its directory ends too soon", path);
    const int shown = member->length < 64 ? (int)member->length : 64;
    if (method != 0 || packed != size)
        return el_fail(EL_EDATA, "%s: %.*s in this zip archive is compressed; torch.save stores", path, shown,
                       member->name);
    if (flags & ENCRYPTED)
        return el_fail(EL_EDATA, "%s: %.*s in this zip archive is encrypted", path, shown, member->name);
    if (!find_data(file, offset, size, member))
        return el_fail(EL_EDATA, "%s: a damaged zip archive: %.*s is not where its directory says", path,
                       shown, member->name);
    return EL_OK;
}

static int by_name(const void *a, const void *b)
{
    const el_zip_member *x = a, *y = b;
    const size_t both = x->length < y->length ? x->length : y->length;
    const int order = memcmp(x->name, y->name, both);
    return order ? order : (x->length > y->length) - (x->length < y->length);
}

static el_status sort_members(el_zip *zip, const char *path)
{
    if (zip->count)
        qsort(zip->members, (size_t)zip->count, sizeof *zip->members, by_name);
    for (int i = 1; i < zip->count; i++)
        if (by_name(&zip->members[i - 1], &zip->members[i]) == 0)
            return el_fail(EL_EDATA, "%s: this zip archive holds %.*s twice", path,
                           zip->members[i].length < 64 ? (int)zip->members[i].length : 64,
                           zip->members[i].name);
    return EL_OK;
}

el_status el_zip_open(el_zip *zip, el_bytes file, const char *path)
{
    *zip = (el_zip){0};
    directory d = {0};
    el_bytes rest;
    el_status st = find_directory(file, path, &d);
    if (st)
        return st;
    if (!el_bytes_part(file, d.from, d.bytes, &rest) || d.count > MOST_MEMBERS ||
        d.count * CENTRAL_BYTES > d.bytes)
        return el_fail(EL_EDATA, "%s: a damaged zip archive: its directory lies outside the file", path);
    zip->members = calloc((size_t)d.count + 1, sizeof *zip->members);
    if (!zip->members)
        return el_no_memory(path);
    for (uint64_t i = 0; !st && i < d.count; i++)
        st = read_member(file, &rest, path, &zip->members[zip->count++]);
    if (!st)
        st = sort_members(zip, path);
    if (st)
        el_zip_close(zip);
    return st;
}

void el_zip_close(el_zip *zip)
{
    free(zip->members);
    *zip = (el_zip){0};
}

const el_zip_member *el_zip_find(const el_zip *zip, const char *name, size_t length)
{
    const el_zip_member wanted = {.name = name, .length = length};
    return zip->count ? bsearch(&wanted, zip->members, (size_t)zip->count, sizeof wanted, by_name) : NULL;
}
