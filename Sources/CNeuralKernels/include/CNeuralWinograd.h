// Winograd's minimal filtering F(4x4, 3x3) for channels-last images (Lavin and Gray 2016), with the interpolation
// points 0, +-5/8, +-3/2 and infinity, whose rounding errors are about ten times below those of 0, +-1, +-2.
//
// A tile is 6x6 inputs and 4x4 outputs. Transformed tiles lie in 36 planes of [tiles][channels]; products of planes are
// matrix products. Names as in the paper: V of inputs, U of weights, M of outputs.
#ifndef C_NEURAL_WINOGRAD_H
#define C_NEURAL_WINOGRAD_H

#include <stddef.h>

#include "CNeuralDispatch.h"

enum {
    CNK_WINOGRAD_OUTPUTS = 4, // rows and columns of outputs of a tile
    CNK_WINOGRAD_INPUTS = 6,  // rows and columns of inputs of a tile
    CNK_WINOGRAD_PLANES = 36,
    CNK_PANEL = 32 // columns of a packed matrix's panel
};

// One image's size.
typedef struct {
    ptrdiff_t height, width, channels;
} cnk_image;

// v[plane][channel] = (Bt d B)[plane] of the 6x6 window at (row, column), zeros outside the image.
void cnk_winograd_input(const float *x, cnk_image image, ptrdiff_t row, ptrdiff_t column, float *v,
                        ptrdiff_t plane_stride);
// The 4x4 window of y at (row, column) = At m A, cut at the image's edge.
void cnk_winograd_output(const float *m, ptrdiff_t plane_stride, float *y, cnk_image image, ptrdiff_t row,
                         ptrdiff_t column, int accumulates);
// m[plane][channel] = (A dy At)[plane] of the 4x4 window at (row, column), zeros outside the image.
void cnk_winograd_output_adjoint(const float *dy, cnk_image image, ptrdiff_t row, ptrdiff_t column, float *m,
                                 ptrdiff_t plane_stride);

// u = G w Gt, each plane packed in panels [outputs / 32][inputs][32], zeros beyond the outputs.
// w is [3][3][inputs][outputs]; if rotates, the weights of the input's gradient: turned by 180 degrees, with inputs and
// outputs exchanged, so that u is packed as [inputs / 32][outputs][32]. Panels panel_first..<panel_end are written.
void cnk_winograd_weights(const float *w, ptrdiff_t inputs, ptrdiff_t outputs, int rotates, float *u,
                          ptrdiff_t panel_first, ptrdiff_t panel_end);
// dw[3][3][inputs][outputs] = Gt du G for inputs first..<end, with du [36][inputs][du_stride].
void cnk_winograd_weights_adjoint(const float *du, ptrdiff_t du_stride, ptrdiff_t inputs, ptrdiff_t outputs,
                                  ptrdiff_t first, ptrdiff_t end, float *dw);

// In both products `columns` is a multiple of 32, and strides are in floats.

// c [rows][columns] = a [rows][inner] * b, with b packed in panels [columns / 32][inner][32].
void cnk_multiply_panels(const float *a, ptrdiff_t a_stride, const float *b, float *c, ptrdiff_t c_stride,
                         ptrdiff_t rows, ptrdiff_t inner, ptrdiff_t columns);
// c [rows][columns] (+)= at * b, with a [inner][rows] and b [inner][columns] as they are.
void cnk_multiply_transposed(const float *a, ptrdiff_t a_stride, const float *b, ptrdiff_t b_stride, float *c,
                             ptrdiff_t c_stride, ptrdiff_t rows, ptrdiff_t inner, ptrdiff_t columns,
                             int accumulates);

#endif
