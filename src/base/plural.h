/* plural - how a noun ends, and its verb, behind a number: "1 row is", "2 rows are" */
#ifndef EL_BASE_PLURAL_H
#define EL_BASE_PLURAL_H

static inline const char *el_s(long long count)
{
    return count == 1 ? "" : "s";
}

static inline const char *el_is(long long count)
{
    return count == 1 ? "is" : "are";
}

static inline const char *el_has(long long count)
{
    return count == 1 ? "has" : "have";
}

#endif
