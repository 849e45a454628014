/* A convolution of some pixels, in registers: what all kernels are made of.

   A feature map is a matrix of float32 with one row per pixel. A convolution at one pixel reads
   `taps` of its rows, which need not lie together: each is reached through a pointer, so that
   nothing is gathered first. ROWS pixels and PANEL output channels are summed in registers. */

#ifndef PAG_CONVOLVE
#define PAG_CONVOLVE

#include <stdint.h>

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
static inline void convolve(const Convolution *by, const float *const *rows, int32_t count,
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

/* In how many chunks `count` pixels are computed, of at most `most` times ROWS. Each reads all
   weights once, and those of wide layers do not stay in the cache: as few as can be, equally many
   for each thread and of nearly the same size, so that none waits for another one's last chunk. */
static inline int32_t chunks_of(int32_t count, int32_t most, int32_t threads) {
    const int32_t groups = (count + ROWS - 1) / ROWS, round = threads * most;
    const int32_t chunks = (groups + round - 1) / round * threads;
    return chunks < groups ? chunks : groups;
}

/* Where one of the chunks begins: at a multiple of ROWS, the last one's end excepted. */
static inline int32_t start_of(int32_t chunk, int32_t chunks, int32_t count) {
    const int64_t groups = (count + ROWS - 1) / ROWS, start = groups * chunk / chunks * ROWS;
    return start < count ? (int32_t)start : count;
}

/* `count`, filled up to whole ROWS. */
static inline int32_t filled(int32_t count) { return (count + ROWS - 1) / ROWS * ROWS; }

#endif
