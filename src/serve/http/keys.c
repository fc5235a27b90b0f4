/* keys - who may ask: a key a line of a file */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "serve/http/parts.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Blanks at a line's ends become ends of lines; whether it has none within. */
static bool trim(char *line, size_t bytes)
{
    size_t first = 0;
    for (; first < bytes && is_blank(line[first]); first++)
        line[first] = '\n';
    for (; bytes > first && is_blank(line[bytes - 1]); bytes--)
        line[bytes - 1] = '\n';
    while (first < bytes && !is_blank(line[first]))
        first++;
    return first == bytes;
}

static el_status trim_lines(char *text, const char *path)
{
    for (int line = 1; *text; line++) {
        const size_t bytes = strcspn(text, "\n");
        const bool ends = text[bytes] == '\n';
        if (!trim(text, bytes))
            return el_fail(EL_EDATA, "%s, line %d: a key has no blank in it", path, line);
        text += bytes + ends;
    }
    return EL_OK;
}

el_status el_keys_read(char **keys, const char *path)
{
    el_mapping file;
    el_status st = el_mapping_open(&file, path);
    if (st)
        return st;
    const size_t mark =
        file.size >= 3 && memcmp(file.data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0; /* of byte order */
    char *const text = calloc(file.size + 1, 1);
    bool any = false;
    if (!text)
        st = el_no_memory(path);
    for (size_t i = mark; i < file.size && !st; i++) {
        const char c = text[i - mark] = (char)file.data[i];
        const bool empty = c == '\n' || is_blank(c);
        any |= !empty;
        if ((unsigned char)c < 0x20 && !empty)
            st = el_fail(EL_EDATA, "%s: not a text with a key a line", path);
    }
    if (!st && !any)
        st = el_fail(EL_EDATA, "%s: there is no key in it", path);
    if (!st)
        st = trim_lines(text, path);
    el_mapping_close(&file);
    if (st)
        free(text);
    else
        *keys = text;
    return st;
}

/* In a time that depends on the lengths alone. */
static bool same(const char *key, size_t key_bytes, const char *said, size_t bytes)
{
    size_t different = key_bytes ^ bytes;
    for (size_t i = 0; i < bytes; i++)
        different |= (size_t)(unsigned char)(said[i] ^ key[i < key_bytes ? i : 0]);
    return different == 0;
}

bool el_keys_have(const char *keys, const char *authorization)
{
    static const char SCHEME[] = "Bearer ";
    if (!authorization || strncasecmp(authorization, SCHEME, sizeof SCHEME - 1) != 0)
        return false;
    const char *const said = authorization + sizeof SCHEME - 1;
    bool found = false;
    for (const char *key = keys; *key;) {
        const size_t bytes = strcspn(key, "\n");
        if (bytes)
            found |= same(key, bytes, said, strlen(said));
        key += bytes + (key[bytes] == '\n');
    }
    return found;
}
