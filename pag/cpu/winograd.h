#include <stdint.h>

#include "convolve.h"
#include "geometry.h"

#define POSITIONS 16  /* products of a tile, in place of 9 for each of its 4 pixels */
#define MEMBERS 4
#define TILE_GROUPS 4                /* of ROWS tiles: the most that a thread takes at a time, */
#define TILES (ROWS * TILE_GROUPS)   /* for which the sums of 256 channels stay in the cache */

/* Two by two pixels that are `dilation` apart, at most one of them not active. */
typedef struct {
    int32_t corner;  /* position of the first one */
    int32_t active;  /* bit i: pixel i, in the order of lines */
} Tile;

/* The position of a tile's pixel. */
static inline int32_t member_of(const Tile *tile, int32_t member, const Geometry *at) {
    return tile->corner + (member / 2 * at->width + member % 2) * at->dilation;
}

/* The position of pixel `i % MEMBERS` of tile `i / MEMBERS`, or -1 where it is not active. */
static inline int32_t active_member(const Tile *tiles, int32_t i, const Geometry *at) {
    const Tile *tile = tiles + i / MEMBERS;
    return tile->active >> i % MEMBERS & 1 ? member_of(tile, i % MEMBERS, at) : -1;
}

/* How many numbers `convolve_tiles` needs room for. */
static inline int64_t tiles_room(int32_t channels) {
    return (int64_t)POSITIONS * TILES * (channels + PANEL);
}

void convolve_tiles(const Convolution *by, const Geometry *geometry, const float *source,
                    const int32_t *numbers, const float *zeros, const Tile *tiles, int32_t count,
                    float *room, float *const *out);
