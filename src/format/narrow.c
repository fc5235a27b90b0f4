/* narrow - see the header */
#include "format/narrow.h"

#include <math.h>
#include <string.h>

static const float LEAST_NORMAL = 0x1p-14f;                       /* of F16 */
static const float BEYOND_F16 = 65520, BEYOND_BF16 = 0x1.ffp127f; /* round to what there is no number for */

/* A carry out of the fraction goes into the exponent, which is right. */
static uint16_t to_f16(float value)
{
    const uint16_t sign = signbit(value) ? 0x8000 : 0;
    const float size = fabsf(value);
    int exponent;
    if (size < LEAST_NORMAL)
        return (uint16_t)(sign | (uint16_t)nearbyintf(ldexpf(size, 24)));
    const float fraction = nearbyintf(ldexpf(frexpf(size, &exponent), 11)) - 1024;
    return (uint16_t)(sign | (((exponent + 14) << 10) + (int)fraction));
}

static uint16_t to_bf16(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

bool el_narrow(el_st_type type, void *numbers, int64_t count)
{
    unsigned char *const bytes = numbers;
    const float beyond = type == EL_ST_F16 ? BEYOND_F16 : BEYOND_BF16;
    for (int64_t i = 0; i < count && type != EL_ST_F32; i++) {
        float value;
        memcpy(&value, bytes + i * 4, sizeof value);
        if (!(fabsf(value) < beyond)) /* this way round catches nan */
            return false;
        const uint16_t half = type == EL_ST_F16 ? to_f16(value) : to_bf16(value);
        memcpy(bytes + i * 2, &half, sizeof half);
    }
    return true;
}

const char *el_narrow_name(el_st_type type)
{
    return type == EL_ST_F16 ? "float16" : type == EL_ST_BF16 ? "bfloat16" : "float32";
}
