#ifndef PAG_GEOMETRY
#define PAG_GEOMETRY

#include <stdint.h>

/* Where a 3x3 convolution reads: (batch, height, width) pixels out, (from_height, from_width) in. */
typedef struct {
    int32_t batch, height, width, from_height, from_width, stride, dilation;
} Geometry;

#endif
