/* Gated blocks at active pixels: gather, multiply and scatter without a copy in between. */

#include <omp.h>
#include <stdint.h>

#include "convolve.h"
#include "geometry.h"
#include "winograd.h"

int32_t pag_panel(void) { return PANEL; }

int32_t pag_chunk(void) { return CHUNK; }

/* How many numbers a thread needs room for in a 3x3 convolution, and in what follows on it. */
int64_t pag_room(int32_t channels, int32_t outputs) {
    const int64_t tiled = tiles_room(channels) + (int64_t)MEMBERS * TILES * outputs;
    const int64_t single = (int64_t)CHUNK * outputs;
    return tiled > single ? tiled : single;
}

/* List the active pixels, and those that a 3x3 convolution reads there.

   mask: (batch, height, width) of 0 and 1.
   outputs, inputs: room for all pixels; their positions, in order.
   numbers: (batch, from_height, from_width), each input's place in `inputs`, -1 if not needed.
   counts: how many outputs and inputs there are. */
void pag_list(const uint8_t *mask, const Geometry *geometry, int32_t *outputs, int32_t *inputs,
              int32_t *numbers, int32_t counts[2]) {
    const Geometry at = *geometry;
    const int32_t size = at.from_height * at.from_width, total = at.batch * size;
    int32_t active = 0, needed = 0, position = 0;
    for (int32_t i = 0; i < total; i++) numbers[i] = -1;
    for (int32_t image = 0; image < at.batch; image++)
        for (int32_t y = 0; y < at.height; y++)
            for (int32_t x = 0; x < at.width; x++, position++) {
                if (!mask[position]) continue;
                outputs[active++] = position;
                for (int32_t dy = -1; dy <= 1; dy++) {
                    const int32_t row = y * at.stride + dy * at.dilation;
                    if (row < 0 || row >= at.from_height) continue;
                    int32_t *line = numbers + image * size + row * at.from_width;
                    for (int32_t dx = -1; dx <= 1; dx++) {
                        const int32_t column = x * at.stride + dx * at.dilation;
                        if (column >= 0 && column < at.from_width) line[column] = 0;
                    }
                }
            }
    for (int32_t i = 0; i < total; i++)
        if (numbers[i] == 0) {
            inputs[needed] = i;
            numbers[i] = needed++;
        }
    counts[0] = active;
    counts[1] = needed;
}

/* The rows that a 3x3 convolution reads at an output, every ROWS-th place of `rows` on. */
static void neighbours(const float *source, int32_t channels, const int32_t *numbers,
                       const float *zeros, const Geometry *at, int32_t position, int32_t reach,
                       const float **rows) {
    const int32_t line = position / at->width, image = line / at->height;
    const int32_t x = (position - line * at->width) * at->stride;
    const int32_t y = (line - image * at->height) * at->stride;
    for (int32_t tap = 0; tap < TAPS; tap++) {
        const int32_t row = y + (tap / 3 - 1) * reach, column = x + (tap % 3 - 1) * reach;
        int64_t from = -1;
        if (row >= 0 && row < at->from_height && column >= 0 && column < at->from_width) {
            from = ((int64_t)image * at->from_height + row) * at->from_width + column;
            if (numbers) from = numbers[from];
        }
        rows[tap * ROWS] = from < 0 ? zeros : source + from * channels;
    }
}

/* The same of a depthwise convolution. */
static void convolve_channels(const Convolution *by, const float *const *rows, int32_t count,
                              float *const *out) {
    for (int32_t i = 0; i < count; i++) {
        const float *const *read = rows + i / ROWS * by->taps * ROWS + i % ROWS;
        float *to = out[i];
        for (int32_t c = 0; c < by->channels; c++) to[c] = by->bias[c];
        for (int32_t tap = 0; tap < by->taps; tap++) {
            const float *from = read[tap * ROWS], *weight = by->weight + tap * by->channels;
            for (int32_t c = 0; c < by->channels; c++) to[c] += from[c] * weight[c];
        }
        for (int32_t c = 0; c < by->channels; c++) to[c] = clamped(to[c], by->low, by->high);
    }
}

/* The 3x3 of a chunk: what it reads, and where it writes. */
static void spatial(const Convolution *by, const float *source, const int32_t *numbers,
                    const float *zeros, const Geometry *at, const int32_t *outputs,
                    const int32_t *reach, int32_t count, float *const *out) {
    const float *rows[GROUPS * TAPS * ROWS];
    for (int32_t i = 0; i < filled(count); i++) {
        const int32_t place = i < count ? i : count - 1;  /* a group is filled up with its last */
        const float **to = rows + i / ROWS * TAPS * ROWS + i % ROWS;
        neighbours(source, by->channels, numbers, zeros, at, outputs[place],
                   reach ? reach[place] : at->dilation, to);
    }
    if (by->depthwise) {
        convolve_channels(by, rows, count, out);
        return;
    }
    for (int32_t tap = 0; tap < filled(count) / ROWS * TAPS; tap++) {
        int32_t inside = 0;
        for (int32_t i = 0; i < ROWS; i++) inside += rows[tap * ROWS + i] != zeros;
        if (!inside) rows[tap * ROWS] = 0;  /* off the map for the whole group */
    }
    convolve(by, rows, count, out, 0);
}

/* A 3x3 convolution at tiles and at listed pixels.

   tiled: the same convolution as tiles take it (`pag.cpu.arranged`); null where there are none.
   source: a row per pixel, or per number. numbers: the row of each input pixel, -1 where it
   counts as zero; or null, each pixel having its own.
   zeros: `channels` zeros, what lies off the map.
   outputs: positions of the pixels. reach: each one's dilation, or null.
   places: the row of `out` of each pixel; or null, each having its own.
   room: see `pag_room`. */
void pag_spatial(const Convolution *by, const Convolution *tiled, const Geometry *geometry,
                 const float *source, const int32_t *numbers, const float *zeros,
                 const Tile *tiles, int32_t tile_count, const int32_t *outputs,
                 const int32_t *reach, int32_t count, const int32_t *places, float *room,
                 float *out, int32_t threads) {
    const int32_t chunks = chunks_of(count, GROUPS, threads);
    const int32_t tile_chunks = chunks_of(tile_count, TILE_GROUPS, threads);
    const int64_t apart = tile_count ? tiles_room(by->channels) : 0;
#pragma omp parallel num_threads(threads)
    {
#pragma omp for schedule(dynamic) nowait
        for (int32_t chunk = 0; chunk < tile_chunks; chunk++) {
            const int32_t start = start_of(chunk, tile_chunks, tile_count);
            const int32_t here = start_of(chunk + 1, tile_chunks, tile_count) - start;
            float *to[MEMBERS * TILES];
            for (int32_t i = 0; i < MEMBERS * here; i++) {
                const int32_t position = active_member(tiles + start, i, geometry);
                const int32_t row = position < 0 || !places ? position : places[position];
                to[i] = row < 0 ? 0 : out + (int64_t)row * by->outputs;
            }
            convolve_tiles(tiled, geometry, source, numbers, zeros, tiles + start, here,
                           room + apart * omp_get_thread_num(), to);
        }
#pragma omp for schedule(dynamic) nowait
        for (int32_t chunk = 0; chunk < chunks; chunk++) {
            const int32_t start = start_of(chunk, chunks, count);
            const int32_t here = start_of(chunk + 1, chunks, count) - start;
            float *to[CHUNK];
            for (int32_t i = 0; i < here; i++) {
                const int32_t position = outputs[start + i];
                to[i] = out + (int64_t)(places ? places[position] : position) * by->outputs;
            }
            spatial(by, source, numbers, zeros, geometry, outputs + start,
                    reach ? reach + start : 0, here, to);
        }
    }
}

/* How the channels of a map are clamped before anything reads them; all null: not at all. */
typedef struct {
    const float *low, *high;
} Clamp;

static void clamp_row(const float *from, const Clamp *by, int32_t channels, float *to) {
    for (int32_t c = 0; c < channels; c++) to[c] = clamped(from[c], by->low[c], by->high[c]);
}

/* A 1x1 convolution at listed pixels.

   source: a row per pixel. positions: of the pixels.
   clamp: of what is read. room: (threads, CHUNK, channels), for that.
   out: row i is pixel positions[i], or in row positions[i] where `spread` is set. */
void pag_pointwise(const Convolution *by, const float *source, const int32_t *positions,
                   int32_t count, const Clamp *clamp, float *room, float *out, int32_t spread,
                   int32_t threads) {
    const int32_t chunks = chunks_of(count, GROUPS, threads);
#pragma omp parallel for num_threads(threads) schedule(dynamic)
    for (int32_t chunk = 0; chunk < chunks; chunk++) {
        const int32_t start = start_of(chunk, chunks, count);
        const int32_t here = start_of(chunk + 1, chunks, count) - start;
        float *own = room + (int64_t)omp_get_thread_num() * CHUNK * by->channels;
        const float *rows[CHUNK];
        float *to[CHUNK];
        for (int32_t i = 0; i < filled(here); i++) {
            const int32_t place = start + (i < here ? i : here - 1);
            rows[i] = source + (int64_t)positions[place] * by->channels;
            to[i] = out + (int64_t)(spread ? positions[place] : place) * by->outputs;
            if (clamp->low && i < here) {
                clamp_row(rows[i], clamp, by->channels, own + i * by->channels);
                rows[i] = own + i * by->channels;
            } else if (clamp->low) {
                rows[i] = rows[here - 1];
            }
        }
        convolve(by, rows, here, to, 0);
    }
}

/* A 1x1 convolution to one channel, everywhere.

   source: (count, channels). clamp: of what is read. weight: (channels). out: (count).
   Four rows at a time share what is read of the channels, and do not wait for each other. */
void pag_project(const float *source, const Clamp *clamp, const float *weight, float bias,
                 int32_t count, int32_t channels, float *out, int32_t threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int32_t start = 0; start < count; start += 4) {
        const float *row[4], *low = clamp->low, *high = clamp->high;
        for (int32_t i = 0; i < 4; i++)
            row[i] = source + (int64_t)(start + i < count ? start + i : count - 1) * channels;
        float a = bias, b = bias, c = bias, d = bias;
#pragma omp simd reduction(+ : a, b, c, d)
        for (int32_t k = 0; k < channels; k++) {
            a += weight[k] * clamped(row[0][k], low[k], high[k]);
            b += weight[k] * clamped(row[1][k], low[k], high[k]);
            c += weight[k] * clamped(row[2][k], low[k], high[k]);
            d += weight[k] * clamped(row[3][k], low[k], high[k]);
        }
        const float sums[4] = {a, b, c, d};
        for (int32_t i = 0; i < 4 && start + i < count; i++) out[start + i] = sums[i];
    }
}

/* The 1x1 after the 3x3 of a gated block, at any number of pixels.

   inside: what the 3x3 gave, a row per pixel. onto: each pixel's row, which it is added to. */
static void add_expanded(const Convolution *by, const float *inside, int32_t count,
                         float *const *onto) {
    for (int32_t start = 0; start < count; start += CHUNK) {
        const int32_t here = count - start < CHUNK ? count - start : CHUNK;
        const float *rows[CHUNK];
        for (int32_t i = 0; i < filled(here); i++)
            rows[i] = inside + (int64_t)(start + (i < here ? i : here - 1)) * by->channels;
        convolve(by, rows, here, onto + start, 1);
    }
}

/* The 3x3 of a gated block and the 1x1 after it, added to `onto` at tiles and at listed pixels.

   reduced: what the first 1x1 gave, a row per needed input; numbers: see `pag_list`.
   by, tiled, zeros, room: see `pag_spatial`. */
void pag_finish(const Convolution *by, const Convolution *tiled, const Convolution *expand,
                const Geometry *geometry, const float *reduced, const int32_t *numbers,
                const float *zeros, const Tile *tiles, int32_t tile_count,
                const int32_t *outputs, int32_t count, float *room, float *onto,
                int32_t threads) {
    const int32_t chunks = chunks_of(count, GROUPS, threads);
    const int32_t tile_chunks = chunks_of(tile_count, TILE_GROUPS, threads);
    const int64_t apart = pag_room(by->channels, by->outputs);
#pragma omp parallel num_threads(threads)
    {
        float *own = room + apart * omp_get_thread_num();
#pragma omp for schedule(dynamic) nowait
        for (int32_t chunk = 0; chunk < tile_chunks; chunk++) {
            const int32_t start = start_of(chunk, tile_chunks, tile_count);
            const int32_t here = start_of(chunk + 1, tile_chunks, tile_count) - start;
            float *sums = own + (int64_t)MEMBERS * TILES * by->outputs;
            float *inside[MEMBERS * TILES], *to[MEMBERS * TILES];
            int32_t active = 0;
            for (int32_t place = 0; place < MEMBERS * here; place++) {
                /* First the upper pixels of all tiles, then the lower ones: line by line. */
                const int32_t pair = place % (2 * here);
                const int32_t i = pair / 2 * MEMBERS + pair % 2 + place / (2 * here) * 2;
                const int32_t position = active_member(tiles + start, i, geometry);
                inside[i] = position < 0 ? 0 : own + (int64_t)active * by->outputs;
                if (position >= 0) to[active++] = onto + (int64_t)position * expand->outputs;
            }
            convolve_tiles(tiled, geometry, reduced, numbers, zeros, tiles + start, here, sums,
                           inside);
            add_expanded(expand, own, active, to);
        }
#pragma omp for schedule(dynamic) nowait
        for (int32_t chunk = 0; chunk < chunks; chunk++) {
            const int32_t start = start_of(chunk, chunks, count);
            const int32_t here = start_of(chunk + 1, chunks, count) - start;
            float *inside[CHUNK], *to[CHUNK];
            for (int32_t i = 0; i < here; i++) {
                inside[i] = own + (int64_t)i * by->outputs;
                to[i] = onto + (int64_t)outputs[start + i] * expand->outputs;
            }
            spatial(by, reduced, numbers, zeros, geometry, outputs + start, 0, here, inside);
            add_expanded(expand, own, here, to);
        }
    }
}
