/* sstable - see the header; the format is LevelDB's doc/table_format.md */
#include "format/sstable.h"

#include <string.h>

#include "format/crc32c.h"

enum { FOOTER = 48, TRAILER = 5, LONGEST_KEY = 4096 };
static const uint64_t MAGIC = 0xdb4775248b80fb57;

/* Where a block lies. */
typedef struct {
    uint64_t offset, size;
} handle;

static bool take_handle(el_bytes *bytes, handle *h)
{
    return el_bytes_varint(bytes, &h->offset) && el_bytes_varint(bytes, &h->size);
}

static el_status damaged(const char *path, const char *what)
{
    return el_fail(EL_EDATA, "%s: a damaged index of a TensorFlow checkpoint: %s", path, what);
}

/* The entries of a block, its restarts left out. */
static el_status open_block(el_bytes file, handle h, const char *path, el_bytes *entries)
{
    el_bytes whole;
    if (h.size > file.left || !el_bytes_part(file, h.offset, h.size + TRAILER, &whole) || h.size < 4)
        return damaged(path, "a block lies outside the file");
    if (el_crc32c_masked(whole.at, (size_t)h.size + 1) != el_little_endian(whole.at + h.size + 1, 4))
        return damaged(path, "a block does not have the checksum that it was written with");
    if (whole.at[h.size] != 0)
        return el_fail(EL_EDATA, "%s: this index is compressed (snappy), which is not supported", path);
    const uint64_t restarts = el_little_endian(whole.at + h.size - 4, 4);
    if (restarts > (h.size - 4) / 4 || !el_bytes_part(whole, 0, h.size - 4 - 4 * restarts, entries))
        return damaged(path, "a block has more restarts than bytes");
    return EL_OK;
}

/* The last key of all blocks so far. */
typedef struct {
    unsigned char text[LONGEST_KEY];
    uint64_t length;
    bool begun;
} last_key;

/* The next key: so many bytes of the last one, then its own.  It is the greater one, or the table was not written by a
 * writer of tables. */
static bool next_key(last_key *key, uint64_t shared, const unsigned char *own, uint64_t bytes)
{
    const uint64_t left = key->length - shared;
    const int order = memcmp(own, key->text + shared, (size_t)(bytes < left ? bytes : left));
    if (key->begun && (order < 0 || (order == 0 && bytes <= left)))
        return false;
    memcpy(key->text + shared, own, (size_t)bytes);
    key->length = shared + bytes;
    key->begun = true;
    return true;
}

static el_status each_entry(el_bytes entries, last_key *key, const char *path, el_sstable_visit *visit,
                            void *context)
{
    uint64_t most = 0; /* bytes that a key may share with the one before; the first of a block none */
    while (entries.left) {
        uint64_t shared, own, bytes;
        if (!el_bytes_varint(&entries, &shared) || !el_bytes_varint(&entries, &own) ||
            !el_bytes_varint(&entries, &bytes) || shared > most || own > LONGEST_KEY - shared)
            return damaged(path, "an entry's lengths do not fit");
        const unsigned char *const rest = el_bytes_take(&entries, own);
        const unsigned char *const value = rest ? el_bytes_take(&entries, bytes) : NULL;
        if (!value)
            return damaged(path, "an entry's lengths do not fit");
        if (!next_key(key, shared, rest, own))
            return damaged(path, "its keys are not in order");
        most = key->length;
        const el_status st =
            visit(context, (el_bytes){key->text, (size_t)key->length}, (el_bytes){value, (size_t)bytes});
        if (st)
            return st;
    }
    return EL_OK;
}

/* The walk over the index, each of whose values is a block's place. */
typedef struct {
    el_bytes file;
    const char *path;
    el_sstable_visit *visit;
    void *context;
    last_key key;
    uint64_t end; /* of the block before */
} walk;

static el_status visit_block(void *context, el_bytes key, el_bytes value)
{
    (void)key;
    walk *const w = context;
    handle h;
    el_bytes entries;
    if (!take_handle(&value, &h))
        return damaged(w->path, "a block's place is cut short");
    if (h.offset <
        w->end) /* a block that is named again, or lies within another, would be read without end */
        return damaged(w->path, "its blocks are not in order");
    const el_status st = open_block(w->file, h, w->path, &entries);
    if (st)
        return st;
    w->end = h.offset + h.size + TRAILER;
    return each_entry(entries, &w->key, w->path, w->visit, w->context);
}

el_status el_sstable_read(el_bytes file, const char *path, el_sstable_visit *visit, void *context)
{
    if (file.left < FOOTER || el_little_endian(file.at + file.left - 8, 8) != MAGIC)
        return el_fail(EL_EDATA, "%s: not an index of a TensorFlow checkpoint, or cut short", path);
    el_bytes footer = {file.at + file.left - FOOTER, FOOTER - 8}, entries;
    handle about, index;
    if (!take_handle(&footer, &about) || !take_handle(&footer, &index))
        return damaged(path, "its footer is cut short");
    walk w = {.file = file, .path = path, .visit = visit, .context = context};
    last_key key = {.begun = false};
    const el_status st = open_block(file, index, path, &entries);
    return st ? st : each_entry(entries, &key, path, visit_block, &w);
}
