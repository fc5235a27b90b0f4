/* crc32c - eight bytes a round by eight tables ("slicing by 8", Kounavis and Berry), which are made for each call: a call
 * sums up kilobytes or more */
#include "format/crc32c.h"

enum { TABLES = 8 };
static const uint32_t POLYNOMIAL = 0x82f63b78; /* reflected */

static void fill(uint32_t table[TABLES][256])
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
        table[0][byte] = crc;
    }
    for (int t = 1; t < TABLES; t++)
        for (uint32_t byte = 0; byte < 256; byte++)
            table[t][byte] = table[t - 1][byte] >> 8 ^ table[0][table[t - 1][byte] & 255];
}

uint32_t el_crc32c(const void *data, size_t bytes)
{
    const unsigned char *at = data;
    uint32_t table[TABLES][256], crc = 0xffffffff;
    fill(table);
    for (; bytes >= TABLES; bytes -= TABLES, at += TABLES) {
        crc ^= at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
        crc = table[7][crc & 255] ^ table[6][crc >> 8 & 255] ^ table[5][crc >> 16 & 255] ^
              table[4][crc >> 24] ^ table[3][at[4]] ^ table[2][at[5]] ^ table[1][at[6]] ^ table[0][at[7]];
    }
    for (; bytes; bytes--, at++)
        crc = crc >> 8 ^ table[0][(crc ^ *at) & 255];
    return ~crc;
}

uint32_t el_crc32c_masked(const void *data, size_t bytes)
{
    const uint32_t crc = el_crc32c(data, bytes);
    return (crc >> 15 | crc << 17) + 0xa282ead8;
}
