/* A 3x3 convolution of 2x2 pixels by 16 products in place of 36.

   Each line of four values that two outputs read is turned into four sums, which are multiplied by
   sums of weights that were made once; the products add up to the two outputs. In both directions
   that is 4 x 4 products a channel. Which pixels are active is irregular, so that tiles are only
   those 2x2 of which three or four are; the others are computed one by one.

   Source: Lavin and Gray, "Fast algorithms for convolutional neural networks", CVPR 2016, F(2x2, 3x3). */

#include "winograd.h"

#include <stdint.h>

#define SIDE 4  /* of what a tile reads */
#define ENOUGH 3

/* As `vector`, in memory at any multiple of four bytes. */
typedef float anywhere __attribute__((vector_size(LANES * 4), aligned(4)));

static inline vector load(const float *from) { return *(const anywhere *)from; }

static inline void store(float *to, vector value) { *(anywhere *)to = value; }

/* Each number raised to `low` and lowered to `high`. */
static inline vector clamp(vector value, float low, float high) {
    float each[LANES] __attribute__((aligned(LANES * 4)));
    *(vector *)each = value;
    for (int i = 0; i < LANES; i++) each[i] = clamped(each[i], low, high);
    return *(const vector *)each;
}

/* Part the active pixels into tiles and the rest.

   mask: (batch, height, width) of 0 and 1, of a convolution of stride 1.
   tiles, rest: room for a third of all pixels and one, and for all.
   counts: how many tiles, and how many positions in `rest`, there are. */
void pag_part(const uint8_t *mask, const Geometry *geometry, Tile *tiles, int32_t *rest,
              int32_t counts[2]) {
    const Geometry at = *geometry;
    const int32_t apart = at.dilation, width = at.width, height = at.height;
    int32_t found = 0, left = 0;
    for (int32_t image = 0; image < at.batch; image++)
        for (int32_t top = 0; top < height; top += 2 * apart)
            for (int32_t y = top; y < top + apart && y < height; y++) {
                const uint8_t *line = mask + ((int64_t)image * height + y) * width;
                const uint8_t *under = y + apart < height ? line + apart * width : 0;
                const int32_t start = (image * height + y) * width;
                for (int32_t side = 0; side < width; side += 2 * apart)
                    for (int32_t x = side; x < side + apart && x < width; x++) {
                        const int inside = x + apart < width;
                        const int bits = line[x] | (inside && line[x + apart]) << 1 |
                                         (under && under[x]) << 2 |
                                         (under && inside && under[x + apart]) << 3;
                        if (!bits) continue;
                        const Tile tile = {start + x, bits};
                        if (__builtin_popcount(bits) >= ENOUGH)
                            tiles[found++] = tile;
                        else
                            for (int32_t i = 0; i < MEMBERS; i++)
                                if (bits >> i & 1) rest[left++] = member_of(&tile, i, &at);
                    }
            }
    counts[0] = found;
    counts[1] = left;
}

/* The rows that a tile reads. */
static void patch_of(const Tile *tile, const Geometry *at, const float *source, int32_t channels,
                     const int32_t *numbers, const float *zeros, const float *rows[POSITIONS]) {
    const int32_t line = tile->corner / at->width, image = line / at->height;
    const int32_t left = tile->corner - line * at->width, top = line - image * at->height;
    for (int32_t i = 0; i < POSITIONS; i++) {
        const int32_t y = top + (i / SIDE - 1) * at->dilation, x = left + (i % SIDE - 1) * at->dilation;
        int64_t from = -1;
        if (y >= 0 && y < at->height && x >= 0 && x < at->width) {
            from = ((int64_t)image * at->height + y) * at->width + x;
            if (numbers) from = numbers[from];
        }
        rows[i] = from < 0 ? zeros : source + from * channels;
    }
}

/* The sums of what a tile reads, row after row of `stride` numbers. */
static void gather(const float *const rows[POSITIONS], int32_t channels, float *to, int64_t stride) {
    for (int32_t c = 0; c < channels; c += LANES) {
        vector down[SIDE][SIDE];
#pragma GCC unroll 4
        for (int x = 0; x < SIDE; x++) {
            const vector a = load(rows[x] + c), b = load(rows[SIDE + x] + c);
            const vector d = load(rows[2 * SIDE + x] + c), e = load(rows[3 * SIDE + x] + c);
            down[0][x] = a - d;
            down[1][x] = b + d;
            down[2][x] = d - b;
            down[3][x] = b - e;
        }
#pragma GCC unroll 4
        for (int y = 0; y < SIDE; y++) {
            float *at = to + y * SIDE * stride + c;
            store(at, down[y][0] - down[y][2]);
            store(at + stride, down[y][1] + down[y][2]);
            store(at + 2 * stride, down[y][2] - down[y][1]);
            store(at + 3 * stride, down[y][1] - down[y][3]);
        }
    }
}

/* The four outputs that a tile's products of a panel add up to; `stride` numbers apart. */
static inline __attribute__((always_inline)) void add_up(const float *products, int64_t stride,
                                                         const float *bias, float low,
                                                         float high, float *const to[MEMBERS]) {
    float *restrict first = to[0], *restrict second = to[1];
    float *restrict third = to[2], *restrict fourth = to[3];
    for (int c = 0; c < PANEL; c += LANES) {
        vector upper[SIDE], lower[SIDE];
        const vector shift = load(bias + c);
#pragma GCC unroll 4
        for (int x = 0; x < SIDE; x++) {
            const float *at = products + x * stride + c;
            const vector b = load(at + SIDE * stride), d = load(at + 2 * SIDE * stride);
            upper[x] = load(at) + b + d;
            lower[x] = b - d - load(at + 3 * SIDE * stride);
        }
        store(first + c, clamp(upper[0] + upper[1] + upper[2] + shift, low, high));
        store(second + c, clamp(upper[1] - upper[2] - upper[3] + shift, low, high));
        store(third + c, clamp(lower[0] + lower[1] + lower[2] + shift, low, high));
        store(fourth + c, clamp(lower[1] - lower[2] - lower[3] + shift, low, high));
    }
}

/* The same, written where a tile's active pixels have their results. */
static void spread(const float *products, int64_t stride, const Convolution *by, int32_t column,
                   float *const *out) {
    const int32_t live = by->outputs - column < PANEL ? by->outputs - column : PANEL;
    float kept[MEMBERS][PANEL];
    float *to[MEMBERS];
    for (int i = 0; i < MEMBERS; i++)
        to[i] = out[i] && live == PANEL ? out[i] + column : kept[i];
    add_up(products, stride, by->bias + column, by->low, by->high, to);
    if (live < PANEL)
        for (int i = 0; i < MEMBERS; i++)
            for (int j = 0; out[i] && j < live; j++) out[i][column + j] = kept[i][j];
}

/* A 3x3 convolution at `count` tiles, at most TILES.

   by: of POSITIONS taps, whose weights were turned into sums (`pag.cpu.arranged`); of a multiple
   of LANES channels.
   source, numbers, zeros: see `pag_spatial`. room: see `tiles_room`.
   out: a row of results for each of a tile's four pixels, or null where it is not active. */
void convolve_tiles(const Convolution *by, const Geometry *geometry, const float *source,
                    const int32_t *numbers, const float *zeros, const Tile *tiles, int32_t count,
                    float *room, float *const *out) {
    const int32_t channels = by->channels;
    const int64_t sums = (int64_t)count * channels, results = (int64_t)TILES * PANEL;
    float *products = room + POSITIONS * sums;
    for (int32_t i = 0; i < count; i++) {
        const float *rows[POSITIONS];
        patch_of(tiles + i, geometry, source, channels, numbers, zeros, rows);
        gather(rows, channels, room + (int64_t)i * channels, sums);
    }
    for (int32_t column = 0; column < by->outputs; column += PANEL) {
        const float *panel = by->weight + (int64_t)column * POSITIONS * channels;
        for (int32_t position = 0; position < POSITIONS; position++) {
            const float *from = room + position * sums, *weight = panel + position * channels * PANEL;
            for (int32_t first = 0; first < count; first += ROWS) {
                const float *rows[ROWS];
                vector sum[ROWS][2];
                for (int i = 0; i < ROWS; i++) {
                    const int32_t tile = first + i < count ? first + i : count - 1;
                    rows[i] = from + (int64_t)tile * channels;
                    sum[i][0] = sum[i][1] = (vector){0};
                }
                multiply(rows, weight, 1, channels, sum);
                float *to = products + position * results + first * PANEL;
                for (int i = 0; i < ROWS; i++) {
                    store(to + i * PANEL, sum[i][0]);
                    store(to + i * PANEL + LANES, sum[i][1]);
                }
            }
        }
        for (int32_t i = 0; i < count; i++)
            spread(products + i * PANEL, results, by, column, out + MEMBERS * i);
    }
}
