/* fuzz_json - any bytes: an object or a sentence, and what is an object survives being written and read again
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *object, *again;
    if (el_json_parse(&object, (const char *)data, size, "input")) {
        assert(!object && el_error()[0]);
        return 0;
    }
    int whole = 0;
    double real = 0;
    bool yes = false;
    const char *string = "";
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value) {
        el_json_int(object, "input", key, &whole);
        el_json_real(object, "input", key, &real);
        el_json_bool(object, "input", key, &yes);
        el_json_string(object, "input", key, &string);
    }
    char *text = el_json_text(object, size % 2);
    assert(text);
    const el_status st = el_json_parse(&again, text, strlen(text), "text");
    assert(st == EL_OK && json_equal(object, again));
    free(text);
    json_decref(object);
    json_decref(again);
    return 0;
}
