/* pickle - see the header; the opcodes are those of Python's pickletools */
#include "format/pickle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK = 1 << 16,
    MOST_VALUES = 1 << 22,
    MOST_STACK = 1 << 20,
    MOST_MEMO = 1 << 22,
    LONGEST = 1 << 28,
    FIRST_STACK = 256
};
static const char ORDERED_DICT[] = "collections OrderedDict";

typedef struct block {
    struct block *next;
    size_t used, size;
    char data[];
} block;

struct el_pickle {
    const char *path;
    el_pickle_knows *knows;
    block *blocks;
    int values;
    el_pickle_value **stack, **memo;
    int height, stack_room;
    uint64_t memo_count;
    el_pickle_value persistent; /* a list of all of them */
};

/* ---- memory of values ---- */

static void *push(el_pickle *p, size_t bytes)
{
    bytes = (bytes + 15) / 16 * 16;
    if (!p->blocks || bytes > p->blocks->size - p->blocks->used) {
        const size_t size = bytes > BLOCK ? bytes : BLOCK;
        block *const fresh = malloc(sizeof *fresh + size);
        if (!fresh)
            return NULL;
        *fresh = (block){.next = p->blocks, .size = size};
        p->blocks = fresh;
    }
    void *const place = p->blocks->data + p->blocks->used;
    p->blocks->used += bytes;
    return place;
}

static el_status damaged(const el_pickle *p, const char *what)
{
    return el_fail(EL_EDATA, "%s: a damaged pickle: %s", p->path, what);
}

/* Items are copied to a place twice as large when it is full; the old one stays until the pickle closes. */
static el_status append(el_pickle *p, el_pickle_value *to, el_pickle_value *item)
{
    if (to->count == MOST_VALUES)
        return damaged(p, "a list grows without end");
    if (to->count == to->room) {
        const int room = to->room ? 2 * to->room : 4;
        el_pickle_value **const items = push(p, (size_t)room * sizeof *items);
        if (!items)
            return el_no_memory(p->path);
        if (to->count)
            memcpy(items, to->items, (size_t)to->count * sizeof *items);
        to->items = items;
        to->room = room;
    }
    to->items[to->count++] = item;
    return EL_OK;
}

/* ---- the stack ---- */

static el_status put(el_pickle *p, el_pickle_value *value)
{
    if (p->height == p->stack_room) {
        const int room = 2 * p->stack_room;
        el_pickle_value **const stack =
            room <= MOST_STACK ? realloc(p->stack, (size_t)room * sizeof *stack) : NULL;
        if (!stack)
            return room <= MOST_STACK ? el_no_memory(p->path) : damaged(p, "its stack grows without end");
        p->stack = stack;
        p->stack_room = room;
    }
    p->stack[p->height++] = value;
    return EL_OK;
}

/* A new value on the stack; the caller fills it. */
static el_status make(el_pickle *p, el_pickle_kind kind, el_pickle_value **made)
{
    if (p->values == MOST_VALUES)
        return damaged(p, "it makes values without end");
    el_pickle_value *const value = push(p, sizeof *value);
    if (!value)
        return el_no_memory(p->path);
    *value = (el_pickle_value){.kind = kind};
    p->values++;
    if (made)
        *made = value;
    return put(p, value);
}

/* The topmost `count` values that are no mark, or NULL. */
static el_pickle_value **top(el_pickle *p, int count)
{
    if (p->height < count)
        return NULL;
    el_pickle_value **const values = p->stack + p->height - count;
    for (int i = 0; i < count; i++)
        if (values[i]->kind == EL_PICKLE_MARK)
            return NULL;
    return values;
}

/* Values above the last mark, whose number is *count; -1 where there is no mark. */
static el_pickle_value **above_mark(el_pickle *p, int *count)
{
    for (int i = p->height - 1; i >= 0; i--)
        if (p->stack[i]->kind == EL_PICKLE_MARK) {
            *count = p->height - 1 - i;
            return p->stack + i + 1;
        }
    *count = -1;
    return NULL;
}

/* ---- opcodes ---- */

static el_status put_int(el_pickle *p, el_pickle_kind kind, int64_t number)
{
    el_pickle_value *value;
    const el_status st = make(p, kind, &value);
    if (!st)
        value->number = number;
    return st;
}

static el_status put_fixed(el_pickle *p, el_bytes *in, int bytes)
{
    uint64_t number;
    if (!el_bytes_number(in, bytes, &number))
        return damaged(p, "it is cut short");
    return put_int(p, EL_PICKLE_INT, bytes == 4 ? (int64_t)(int32_t)(uint32_t)number : (int64_t)number);
}

static el_status put_long(el_pickle *p, el_bytes *in)
{
    uint64_t bytes, number = 0;
    const unsigned char *const at = el_bytes_number(in, 1, &bytes) ? el_bytes_take(in, bytes) : NULL;
    if (!at)
        return damaged(p, "it is cut short");
    if (bytes > 8)
        return put_int(p, EL_PICKLE_INT, 0);
    for (int i = 0; i < 8; i++) {
        const bool negative = bytes && at[bytes - 1] >> 7;
        number |= (uint64_t)((uint64_t)i < bytes ? at[i] : negative ? 255 : 0) << 8 * i;
    }
    return put_int(p, EL_PICKLE_INT, (int64_t)number);
}

static el_status put_string(el_pickle *p, el_bytes *in, int length_bytes)
{
    uint64_t length;
    if (!el_bytes_number(in, length_bytes, &length) || length > LONGEST)
        return damaged(p, "it is cut short");
    const unsigned char *const text = el_bytes_take(in, length);
    if (!text)
        return damaged(p, "it is cut short");
    el_pickle_value *value;
    const el_status st = make(p, EL_PICKLE_STRING, &value);
    if (!st) {
        value->text = (const char *)text;
        value->count = (int)length;
    }
    return st;
}

/* Text up to a newline, which is taken too; NULL where there is none. */
static const char *take_line(el_bytes *in, int *length)
{
    const char *const line = (const char *)in->at;
    const unsigned char *const end = in->left ? memchr(in->at, '\n', in->left) : NULL;
    if (!end || end - in->at > 1 << 16)
        return NULL;
    *length = (int)(end - in->at);
    el_bytes_take(in, (uint64_t)*length + 1);
    return line;
}

static el_status put_global(el_pickle *p, el_bytes *in)
{
    int module_length, length;
    const char *const module = take_line(in, &module_length);
    const char *const name = module ? take_line(in, &length) : NULL;
    if (!name)
        return damaged(p, "it is cut short");
    char text[128];
    snprintf(text, sizeof text, "%.*s %.*s", module_length, module, length, name);
    const char *const known = p->knows(text);
    if (!known)
        return el_fail(EL_EDATA, "%s: holds a Python object, %.*s.%.*s, which only Python can read", p->path,
                       module_length < 64 ? module_length : 64, module, length < 64 ? length : 64, name);
    el_pickle_value *value;
    const el_status st = make(p, EL_PICKLE_GLOBAL, &value);
    if (!st) {
        value->text = known;
        value->count = (int)strlen(known);
    }
    return st;
}

/* The topmost `count` values become the items of one. */
static el_status gather(el_pickle *p, el_pickle_kind kind, int count, int marks)
{
    el_pickle_value **const values = top(p, count);
    el_pickle_value *made;
    if (!values)
        return damaged(p, "its stack holds less than it takes");
    el_pickle_value **const items = push(p, (size_t)(count ? count : 1) * sizeof *items);
    if (!items)
        return el_no_memory(p->path);
    for (int i = 0; i < count; i++)
        items[i] = values[i];
    p->height -= count + marks;
    const el_status st = make(p, kind, &made);
    if (!st) {
        made->items = items;
        made->count = made->room = count;
    }
    return st;
}

static el_status put_tuple(el_pickle *p)
{
    int count;
    above_mark(p, &count);
    return count < 0 ? damaged(p, "a tuple has no beginning") : gather(p, EL_PICKLE_TUPLE, count, 1);
}

/* What lies above `to` is appended to it. */
static el_status extend(el_pickle *p, el_pickle_kind kind, int count, int marks)
{
    const int at = p->height - count - marks - 1;
    if (count < 0 || at < 0 || !top(p, count) || p->stack[at]->kind != kind)
        return damaged(p, kind == EL_PICKLE_DICT ? "items are put into what is no dict"
                                                 : "items are appended to what is no list");
    if (kind == EL_PICKLE_DICT && count % 2)
        return damaged(p, "a key has no value");
    el_status st = EL_OK;
    for (int i = 0; !st && i < count; i++)
        st = append(p, p->stack[at], p->stack[at + marks + 1 + i]);
    p->height -= count + marks;
    return st;
}

static el_status extend_marked(el_pickle *p, el_pickle_kind kind)
{
    int count;
    above_mark(p, &count);
    return extend(p, kind, count, 1);
}

/* A call of OrderedDict without arguments is the dict that it would give. */
static el_status reduce(el_pickle *p)
{
    el_pickle_value **const pair = top(p, 2);
    if (!pair || pair[0]->kind != EL_PICKLE_GLOBAL || pair[1]->kind != EL_PICKLE_TUPLE)
        return damaged(p, "it calls what is no global");
    if (el_pickle_is(pair[0], ORDERED_DICT) && pair[1]->count == 0) {
        p->height -= 2;
        return make(p, EL_PICKLE_DICT, NULL);
    }
    return gather(p, EL_PICKLE_CALL, 2, 0);
}

/* The state of a dict (its attributes) says nothing of tensors. */
static el_status build(el_pickle *p)
{
    el_pickle_value **const pair = top(p, 2);
    if (!pair || (pair[0]->kind != EL_PICKLE_DICT && pair[0]->kind != EL_PICKLE_CALL) ||
        (pair[1]->kind != EL_PICKLE_DICT && pair[1]->kind != EL_PICKLE_TUPLE))
        return damaged(p, "it sets the state of what has none");
    p->height--;
    return EL_OK;
}

static el_status put_persistent(el_pickle *p)
{
    const el_status st = gather(p, EL_PICKLE_PERSISTENT, 1, 0);
    return st ? st : append(p, &p->persistent, p->stack[p->height - 1]);
}

static el_status remember(el_pickle *p, el_bytes *in, int bytes)
{
    uint64_t at;
    el_pickle_value **const value = top(p, 1);
    if (!el_bytes_number(in, bytes, &at) || !value)
        return damaged(p, "it is cut short");
    if (at >= MOST_MEMO)
        return damaged(p, "it remembers without end");
    if (at >= p->memo_count) {
        uint64_t room = p->memo_count ? p->memo_count : 256;
        while (room <= at)
            room *= 2;
        el_pickle_value **const memo = realloc(p->memo, room * sizeof *memo);
        if (!memo)
            return el_no_memory(p->path);
        memset(memo + p->memo_count, 0, (room - p->memo_count) * sizeof *memo);
        p->memo = memo;
        p->memo_count = room;
    }
    p->memo[at] = *value;
    return EL_OK;
}

static el_status recall(el_pickle *p, el_bytes *in, int bytes)
{
    uint64_t at;
    if (!el_bytes_number(in, bytes, &at))
        return damaged(p, "it is cut short");
    if (at >= p->memo_count || !p->memo[at])
        return damaged(p, "it recalls what it never remembered");
    return put(p, p->memo[at]);
}

static el_status protocol(el_pickle *p, el_bytes *in)
{
    uint64_t version;
    if (!el_bytes_number(in, 1, &version))
        return damaged(p, "it is cut short");
    return version == 2 ? EL_OK
                        : el_fail(EL_EDATA, "%s: a pickle of protocol %d, where torch.save writes 2", p->path,
                                  (int)version);
}

static el_status step(el_pickle *p, el_bytes *in, unsigned char opcode)
{
    switch (opcode) {
    case 0x80:
        return protocol(p, in);
    case 'c':
        return put_global(p, in);
    case 'q':
        return remember(p, in, 1);
    case 'r':
        return remember(p, in, 4);
    case 'h':
        return recall(p, in, 1);
    case 'j':
        return recall(p, in, 4);
    case '(':
        return make(p, EL_PICKLE_MARK, NULL);
    case ')':
        return gather(p, EL_PICKLE_TUPLE, 0, 0);
    case 't':
        return put_tuple(p);
    case 0x85:
    case 0x86:
    case 0x87:
        return gather(p, EL_PICKLE_TUPLE, opcode - 0x84, 0);
    case '}':
        return make(p, EL_PICKLE_DICT, NULL);
    case ']':
        return make(p, EL_PICKLE_LIST, NULL);
    case 'a':
        return extend(p, EL_PICKLE_LIST, 1, 0);
    case 'e':
        return extend_marked(p, EL_PICKLE_LIST);
    case 's':
        return extend(p, EL_PICKLE_DICT, 2, 0);
    case 'u':
        return extend_marked(p, EL_PICKLE_DICT);
    case 'X':
        return put_string(p, in, 4);
    case 'U':
        return put_string(p, in, 1);
    case 'J':
        return put_fixed(p, in, 4);
    case 'K':
        return put_fixed(p, in, 1);
    case 'M':
        return put_fixed(p, in, 2);
    case 0x8a:
        return put_long(p, in);
    case 'G':
        return el_bytes_take(in, 8) ? make(p, EL_PICKLE_REAL, NULL) : damaged(p, "it is cut short");
    case 0x88:
    case 0x89:
        return put_int(p, EL_PICKLE_BOOL, opcode == 0x88);
    case 'N':
        return make(p, EL_PICKLE_NONE, NULL);
    case 'Q':
        return put_persistent(p);
    case 'R':
        return reduce(p);
    case 'b':
        return build(p);
    default:
        return el_fail(EL_EDATA, "%s: a pickle with opcode 0x%02x, which no state_dict has", p->path, opcode);
    }
}

el_status el_pickle_read(el_pickle *p, el_bytes *bytes, const el_pickle_value **value)
{
    p->height = 0;
    if (p->memo_count)
        memset(p->memo, 0, p->memo_count * sizeof *p->memo);
    for (;;) {
        const unsigned char *const opcode = el_bytes_take(bytes, 1);
        if (!opcode)
            return damaged(p, "it is cut short");
        if (*opcode == '.')
            break;
        const el_status st = step(p, bytes, *opcode);
        if (st)
            return st;
    }
    if (p->height != 1 || !top(p, 1))
        return damaged(p, "it leaves no single value");
    *value = p->stack[0];
    return EL_OK;
}

/* ---- opening and asking ---- */

el_status el_pickle_open(el_pickle **pickle, el_pickle_knows *knows, const char *path)
{
    el_pickle *const p = calloc(1, sizeof *p);
    if (!p)
        return el_no_memory(path);
    p->stack = malloc(FIRST_STACK * sizeof *p->stack);
    p->stack_room = FIRST_STACK;
    p->path = path;
    p->knows = knows;
    *pickle = p;
    return p->stack ? EL_OK : el_no_memory(p->path);
}

void el_pickle_close(el_pickle *p)
{
    if (!p)
        return;
    for (block *b = p->blocks, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free(p->stack);
    free(p->memo);
    free(p);
}

const el_pickle_value *const *el_pickle_persistent(const el_pickle *p, int *count)
{
    *count = p->persistent.count;
    return (const el_pickle_value *const *)p->persistent.items;
}

bool el_pickle_is(const el_pickle_value *value, const char *text)
{
    return value && (value->kind == EL_PICKLE_STRING || value->kind == EL_PICKLE_GLOBAL) &&
           strlen(text) == (size_t)value->count && memcmp(value->text, text, (size_t)value->count) == 0;
}

const el_pickle_value *el_pickle_get(const el_pickle_value *dict, const char *key)
{
    for (int i = dict && dict->kind == EL_PICKLE_DICT ? dict->count - 2 : -1; i >= 0; i -= 2)
        if (el_pickle_is(dict->items[i], key))
            return dict->items[i + 1];
    return NULL;
}

const el_pickle_value *el_pickle_called(const el_pickle_value *value, const char *global)
{
    const bool same = value && value->kind == EL_PICKLE_CALL && el_pickle_is(value->items[0], global);
    return same ? value->items[1] : NULL;
}
