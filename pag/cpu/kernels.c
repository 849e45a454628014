/* Gated blocks at active pixels: gather, multiply and scatter without a copy in between.

   A feature map is a matrix of float32 with one row per pixel. A convolution at one pixel reads
   `taps` of its rows, which need not lie together: each is reached through a pointer, so that
   nothing is gathered first. ROWS pixels and PANEL output channels are summed in registers. */

#include <omp.h>
#include <stdint.h>

#include "geometry.h"

/* Registers hold ROWS x 2 vectors of sums, two of weights and one of a value spread over all. */
#if defined(__AVX512F__)
#define LANES 16
#define ROWS 12
#elif defined(__AVX__)
#define LANES 8
#define ROWS 6
#elif defined(__aarch64__)
#define LANES 4
#define ROWS 12
#else
#define LANES 4
#define ROWS 6
#endif
#define PANEL (2 * LANES)
#define GROUPS 8               /* of ROWS pixels: the most that a thread takes at a time, */
#define CHUNK (ROWS * GROUPS)  /* for which a panel of weights stays in the cache */
#define TAPS 9
#define AHEAD (32 * PANEL)     /* how far weights are fetched in advance */

typedef float vector __attribute__((vector_size(LANES * 4)));

/* A convolution. Its weights lie as (outputs / PANEL, taps, channels, PANEL), padded with zeros
   to whole panels, or as (taps, channels) where it is depthwise; its bias is padded, too. */
typedef struct {
    const float *weight;
    const float *bias;
    int32_t taps;
    int32_t channels;
    int32_t outputs;
    int32_t depthwise;
    float low;   /* results are clamped from here */
    float high;  /* to here */
} Convolution;

int32_t pag_panel(void) { return PANEL; }

int32_t pag_chunk(void) { return CHUNK; }

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

/* sum[i] += the rows of pixel i times one panel of weights; a tap without rows is left out. */
static inline __attribute__((always_inline)) void multiply(const float *const *rows,
                                                           const float *weight, int32_t taps,
                                                           int32_t channels,
                                                           vector sum[ROWS][2]) {
    for (int32_t tap = 0; tap < taps; tap++) {
        const float *row[ROWS];
        for (int i = 0; i < ROWS; i++) row[i] = rows[tap * ROWS + i];
        if (!row[0]) {
            weight += channels * PANEL;
            continue;
        }
        for (int32_t k = 0; k < channels; k++) {
            const vector left = *(const vector *)weight;
            const vector right = *(const vector *)(weight + LANES);
            __builtin_prefetch(weight + AHEAD);
            __builtin_prefetch(weight + AHEAD + LANES);
            weight += PANEL;
#pragma GCC unroll 16
            for (int i = 0; i < ROWS; i++) {
                sum[i][0] += row[i][k] * left;
                sum[i][1] += row[i][k] * right;
            }
        }
    }
}

static inline float clamped(float value, float low, float high) {
    const float raised = value > low ? value : low;
    return raised < high ? raised : high;
}

/* A convolution at `count` pixels, at most CHUNK.

   rows: (GROUPS, taps, ROWS) pointers.
   out: each pixel's row of results, overwritten, or added to where `add` is set. */
static void convolve(const Convolution *by, const float *const *rows, int32_t count,
                     float *const *out, int add) {
    for (int32_t column = 0; column < by->outputs; column += PANEL) {
        const float *panel = by->weight + (int64_t)column * by->taps * by->channels;
        const int32_t live = by->outputs - column < PANEL ? by->outputs - column : PANEL;
        for (int32_t first = 0; first < count; first += ROWS) {
            vector sum[ROWS][2];
            for (int i = 0; i < ROWS; i++) {
                sum[i][0] = *(const vector *)(by->bias + column);
                sum[i][1] = *(const vector *)(by->bias + column + LANES);
            }
            multiply(rows + first * by->taps, panel, by->taps, by->channels, sum);
            const int32_t here = count - first < ROWS ? count - first : ROWS;
            for (int32_t i = 0; i < here; i++) {
                const float *value = (const float *)sum[i];
                float *to = out[first + i] + column;
                if (live == PANEL && add)
                    for (int j = 0; j < PANEL; j++) to[j] += value[j];
                else if (live == PANEL)
                    for (int j = 0; j < PANEL; j++) to[j] = clamped(value[j], by->low, by->high);
                else
                    for (int j = 0; j < live; j++)
                        to[j] = add ? to[j] + value[j] : clamped(value[j], by->low, by->high);
            }
        }
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

/* In how many chunks `count` pixels are computed. Each reads all weights once, and those of wide
   layers do not stay in the cache: as few as can be, equally many for each thread and of nearly
   the same size, so that none waits for another one's last chunk. */
static int32_t chunks_of(int32_t count, int32_t threads) {
    const int32_t groups = (count + ROWS - 1) / ROWS, round = threads * GROUPS;
    const int32_t chunks = (groups + round - 1) / round * threads;
    return chunks < groups ? chunks : groups;
}

/* Where one of the chunks begins: at a multiple of ROWS, the last one's end excepted. */
static int32_t start_of(int32_t chunk, int32_t chunks, int32_t count) {
    const int64_t groups = (count + ROWS - 1) / ROWS, start = groups * chunk / chunks * ROWS;
    return start < count ? (int32_t)start : count;
}

/* `count`, filled up to whole ROWS. */
static int32_t filled(int32_t count) { return (count + ROWS - 1) / ROWS * ROWS; }

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

/* A 3x3 convolution at listed pixels.

   source: a row per pixel, or per number. numbers: the row of each input pixel, -1 where it
   counts as zero; or null, each pixel having its own.
   zeros: `channels` zeros, what lies off the map.
   outputs: positions of the pixels. reach: each one's dilation, or null.
   out: row i is pixel outputs[i], or in row outputs[i] where `spread` is set. */
void pag_spatial(const Convolution *by, const Geometry *geometry, const float *source,
                 const int32_t *numbers, const float *zeros, const int32_t *outputs,
                 const int32_t *reach, int32_t count, float *out, int32_t spread,
                 int32_t threads) {
    const int32_t chunks = chunks_of(count, threads);
#pragma omp parallel for num_threads(threads) schedule(dynamic)
    for (int32_t chunk = 0; chunk < chunks; chunk++) {
        const int32_t start = start_of(chunk, chunks, count);
        const int32_t here = start_of(chunk + 1, chunks, count) - start;
        float *to[CHUNK];
        for (int32_t i = 0; i < here; i++)
            to[i] = out + (int64_t)(spread ? outputs[start + i] : start + i) * by->outputs;
        spatial(by, source, numbers, zeros, geometry, outputs + start, reach ? reach + start : 0, here, to);
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
    const int32_t chunks = chunks_of(count, threads);
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

/* The 3x3 of a gated block and the 1x1 after it, added to `onto` at listed pixels.

   reduced: what the first 1x1 gave, a row per needed input; numbers: see `pag_list`.
   room: (threads, CHUNK, outputs of `by`). */
void pag_finish(const Convolution *by, const Convolution *expand, const Geometry *geometry,
                const float *reduced, const int32_t *numbers, const float *zeros,
                const int32_t *outputs, int32_t count, float *room, float *onto,
                int32_t threads) {
    const int32_t chunks = chunks_of(count, threads);
#pragma omp parallel for num_threads(threads) schedule(dynamic)
    for (int32_t chunk = 0; chunk < chunks; chunk++) {
        const int32_t start = start_of(chunk, chunks, count);
        const int32_t here = start_of(chunk + 1, chunks, count) - start;
        float *own = room + (int64_t)omp_get_thread_num() * CHUNK * by->outputs;
        float *inside[CHUNK], *to[CHUNK];
        const float *rows[CHUNK];
        for (int32_t i = 0; i < filled(here); i++) {
            const int32_t place = i < here ? i : here - 1;
            rows[i] = inside[i] = own + (int64_t)place * by->outputs;
            to[i] = onto + (int64_t)outputs[start + place] * expand->outputs;
        }
        spatial(by, reduced, numbers, zeros, geometry, outputs + start, 0, here, inside);
        convolve(expand, rows, here, to, 1);
    }
}
