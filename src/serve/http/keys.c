/* keys - who may ask: a key a line of a file */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "serve/http/parts.h"

el_status el_keys_read(char **keys, const char *path)
{
    el_mapping file;
    el_status st = el_mapping_open(&file, path);
    if (st)
        return st;
    char *const text = calloc(file.size + 1, 1);
    bool any = false;
    if (!text)
        st = el_fail(EL_ENOMEM, "%s: no memory", path);
    for (size_t i = 0; i < file.size && !st; i++) {
        const unsigned char c = file.data[i];
        text[i] = c == '\r' || c == ' ' || c == '\t' ? '\n' : (char)c;
        any |= text[i] != '\n';
        if (c < 0x20 && text[i] != '\n')
            st = el_fail(EL_EDATA, "%s: not a text with a key a line", path);
    }
    if (!st && !any)
        st = el_fail(EL_EDATA, "%s: there is no key in it", path);
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
