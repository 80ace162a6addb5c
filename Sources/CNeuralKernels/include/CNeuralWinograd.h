// Winograd's minimal filtering F(4x4, 3x3) for channels-last images (Lavin and Gray 2016), with the interpolation
// points 0, +-5/8, +-3/2 and infinity, whose rounding errors are about ten times below those of 0, +-1, +-2.
//
// A tile is 6x6 inputs and 4x4 outputs. Transformed tiles lie in 36 planes of [tiles][channels]; products of planes are
// matrix products. Names as in the paper: V of inputs, U of weights, M of outputs.
#ifndef C_NEURAL_WINOGRAD_H
#define C_NEURAL_WINOGRAD_H

#include <stddef.h>

#include "CNeuralProducts.h"

enum {
    CNK_WINOGRAD_OUTPUTS = 4, // rows and columns of outputs of a tile
    CNK_WINOGRAD_INPUTS = 6,  // rows and columns of inputs of a tile
    CNK_WINOGRAD_PLANES = 36
};

// One image's size, and whether its numbers are rounded to bfloat16 as they are read.
typedef struct {
    ptrdiff_t height, width, channels;
    int rounds;
} cnk_image;

// v[plane][channel] = (Bt d B)[plane] of the 6x6 window at (row, column), zeros outside the image. Whole vectors of 16
// channels are written, and read by cnk_winograd_output.
void cnk_winograd_input(const float *x, cnk_image image, ptrdiff_t row, ptrdiff_t column, float *v,
                        ptrdiff_t plane_stride);
// The 4x4 window of y at (row, column) = At m A, cut at the image's edge and finished as the epilogue says; the image
// starts at `origin` in the whole result.
void cnk_winograd_output(const float *m, ptrdiff_t plane_stride, float *y, cnk_image image, ptrdiff_t row,
                         ptrdiff_t column, const cnk_epilogue *epilogue, ptrdiff_t origin);
// m[plane][channel] = (A dy At)[plane] of the 4x4 window at (row, column), zeros outside the image.
void cnk_winograd_output_adjoint(const float *dy, cnk_image image, ptrdiff_t row, ptrdiff_t column, float *m,
                                 ptrdiff_t plane_stride);

// A panel of 32 columns of u = G w Gt, [36][inputs][32] with planes `plane_stride` apart, of w
// [3][3][inputs][outputs], which is rounded to bfloat16 if `rounds`; zeros beyond the outputs.
void cnk_winograd_weights(const float *w, ptrdiff_t inputs, ptrdiff_t outputs, ptrdiff_t panel, int rounds, float *u,
                          ptrdiff_t plane_stride);
// The same for the input's gradient, [36][outputs][32]: kernels turned by 180 degrees, inputs and outputs exchanged.
void cnk_winograd_weights_turned(const float *w, ptrdiff_t inputs, ptrdiff_t outputs, ptrdiff_t panel, int rounds,
                                 float *u, ptrdiff_t plane_stride);
// dw[3][3][inputs][outputs] = Gt du G for inputs first..<end, with du [36][inputs][du_stride].
void cnk_winograd_weights_adjoint(const float *du, ptrdiff_t du_stride, ptrdiff_t inputs, ptrdiff_t outputs,
                                  ptrdiff_t first, ptrdiff_t end, float *dw);

#endif
