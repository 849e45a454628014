/* Which pixels a layer keeps when it may spend so many multiply-adds: see pag/ranking.py, whose
   results these are. Pixels are taken from the highest logit on, until the money is spent. */

#include <stdint.h>
#include <string.h>

#include "geometry.h"

#define DIGITS 3
#define BITS 11
#define VALUES (1 << BITS)

/* A number that falls as the value rises. */
static uint32_t key_of(float value) {
    int32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if (bits == INT32_MIN) bits = 0;  /* -0 is 0 */
    return (uint32_t)(bits < 0 ? bits & INT32_MAX : ~bits) ^ 0x80000000u;
}

/* Positions from the highest value on, equal ones in order, as the low halves of what is returned.

   Each pass sorts by one digit of the keys and keeps the order of those before.
   room: 2 * count. */
static const uint64_t *in_order(const float *values, int32_t count, uint64_t *room) {
    int32_t places[DIGITS][VALUES] = {{0}};
    uint64_t *from = room, *to = room + count;
    for (int32_t i = 0; i < count; i++) {
        const uint32_t key = key_of(values[i]);
        from[i] = (uint64_t)key << 32 | (uint32_t)i;
        for (int d = 0; d < DIGITS; d++) places[d][key >> d * BITS & (VALUES - 1)]++;
    }
    for (int d = 0; d < DIGITS; d++) {
        int32_t before = 0;
        for (int32_t v = 0; v < VALUES; v++) {
            const int32_t here = places[d][v];
            places[d][v] = before;
            before += here;
        }
        for (int32_t i = 0; i < count; i++)
            to[places[d][from[i] >> (32 + d * BITS) & (VALUES - 1)]++] = from[i];
        uint64_t *sorted = to;
        to = from;
        from = sorted;
    }
    return from;
}

/* How many input pixels a 3x3 convolution reads at an output that are not `seen` yet. */
static int32_t newly_read(const Geometry *at, int32_t position, uint8_t *seen) {
    const int32_t y = position / at->width, x = position - y * at->width;
    int32_t found = 0;
    for (int32_t dy = -1; dy <= 1; dy++) {
        const int32_t row = y * at->stride + dy * at->dilation;
        if (row < 0 || row >= at->from_height) continue;
        for (int32_t dx = -1; dx <= 1; dx++) {
            const int32_t column = x * at->stride + dx * at->dilation;
            if (column < 0 || column >= at->from_width) continue;
            uint8_t *here = seen + row * at->from_width + column;
            found += !*here;
            *here = 1;
        }
    }
    return found;
}

/* Keep the pixels with the highest logits whose cost comes nearest to `target`.

   logits: (height, width). per_output, per_input: multiply-adds at each pixel kept, and at each
   input pixel that a kept one reads.
   mask: (height, width), written. order: room for 2 * height * width.
   seen: (from_height, from_width), zeros.
   Returns what the kept pixels cost. */
double pag_keep(const float *logits, const Geometry *geometry, double per_output,
                double per_input, double target, uint8_t *mask, uint64_t *order, uint8_t *seen) {
    const int32_t count = geometry->height * geometry->width;
    const uint64_t *best = in_order(logits, count, order);
    double spent = 0;
    int64_t read = 0;
    memset(mask, 0, count);
    for (int32_t i = 0; i < count; i++) {
        const int32_t position = (int32_t)(uint32_t)best[i];
        if (per_input > 0) read += newly_read(geometry, position, seen);
        const double more = (i + 1.0) * per_output + (double)read * per_input;
        if (more >= target && target - spent <= more - target) break;
        mask[position] = 1;
        spent = more;
        if (more >= target) break;
    }
    return spent;
}
