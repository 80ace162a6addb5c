#include <math.h>

#include "CNeuralKernels.h"

// The part of a window that lies inside the image, along one axis.
typedef struct {
    ptrdiff_t first, end;
} cnk_span;

static inline cnk_span span(ptrdiff_t output, ptrdiff_t stride, ptrdiff_t padding, ptrdiff_t kernel, ptrdiff_t length) {
    ptrdiff_t start = output * stride - padding;
    cnk_span result = {start < 0 ? 0 : start, start + kernel > length ? length : start + kernel};
    return result;
}

CNK_DISPATCH void cnk_max_pool(const float *restrict x, float *restrict y, int32_t *restrict choices, cnk_window w) {
    for (ptrdiff_t oh = 0; oh < w.output_height; oh++) {
        cnk_span rows = span(oh, w.stride_height, w.padding_top, w.kernel_height, w.height);
        for (ptrdiff_t ow = 0; ow < w.output_width; ow++) {
            cnk_span columns = span(ow, w.stride_width, w.padding_left, w.kernel_width, w.width);
            for (ptrdiff_t c = 0; c < w.channels; c++) {
                y[c] = -INFINITY;
                choices[c] = (int32_t)(rows.first * w.width + columns.first);
            }
            for (ptrdiff_t ih = rows.first; ih < rows.end; ih++) {
                for (ptrdiff_t iw = columns.first; iw < columns.end; iw++) {
                    int32_t position = (int32_t)(ih * w.width + iw);
                    const float *source = x + position * w.channels;
                    for (ptrdiff_t c = 0; c < w.channels; c++) {
                        // The first of equal values is chosen; an undefined number wins, as in PyTorch.
                        int better = source[c] > y[c] || source[c] != source[c];
                        y[c] = better ? source[c] : y[c];
                        choices[c] = better ? position : choices[c];
                    }
                }
            }
            y += w.channels;
            choices += w.channels;
        }
    }
}

CNK_DISPATCH void cnk_max_pool_backward(const float *restrict dy, const int32_t *restrict choices, float *restrict dx,
                                        cnk_window w, int accumulates) {
    if (!accumulates) {
        for (ptrdiff_t i = 0; i < w.height * w.width * w.channels; i++) dx[i] = 0;
    }
    for (ptrdiff_t position = 0; position < w.output_height * w.output_width; position++) {
        for (ptrdiff_t c = 0; c < w.channels; c++) dx[choices[c] * w.channels + c] += dy[c];
        dy += w.channels;
        choices += w.channels;
    }
}

static inline float window_weight(cnk_span rows, cnk_span columns, cnk_window w, int counts_padding) {
    ptrdiff_t inside = (rows.end - rows.first) * (columns.end - columns.first);
    return 1.0f / (float)(counts_padding ? w.kernel_height * w.kernel_width : inside);
}

CNK_DISPATCH void cnk_average_pool(const float *restrict x, float *restrict y, cnk_window w, int counts_padding) {
    for (ptrdiff_t oh = 0; oh < w.output_height; oh++) {
        cnk_span rows = span(oh, w.stride_height, w.padding_top, w.kernel_height, w.height);
        for (ptrdiff_t ow = 0; ow < w.output_width; ow++, y += w.channels) {
            cnk_span columns = span(ow, w.stride_width, w.padding_left, w.kernel_width, w.width);
            float weight = window_weight(rows, columns, w, counts_padding);
            for (ptrdiff_t c = 0; c < w.channels; c++) y[c] = 0;
            for (ptrdiff_t ih = rows.first; ih < rows.end; ih++) {
                for (ptrdiff_t iw = columns.first; iw < columns.end; iw++) {
                    const float *source = x + (ih * w.width + iw) * w.channels;
                    for (ptrdiff_t c = 0; c < w.channels; c++) y[c] += source[c];
                }
            }
            for (ptrdiff_t c = 0; c < w.channels; c++) y[c] *= weight;
        }
    }
}

CNK_DISPATCH void cnk_average_pool_backward(const float *restrict dy, float *restrict dx, cnk_window w,
                                            int counts_padding, int accumulates) {
    if (!accumulates) {
        for (ptrdiff_t i = 0; i < w.height * w.width * w.channels; i++) dx[i] = 0;
    }
    for (ptrdiff_t oh = 0; oh < w.output_height; oh++) {
        cnk_span rows = span(oh, w.stride_height, w.padding_top, w.kernel_height, w.height);
        for (ptrdiff_t ow = 0; ow < w.output_width; ow++, dy += w.channels) {
            cnk_span columns = span(ow, w.stride_width, w.padding_left, w.kernel_width, w.width);
            float weight = window_weight(rows, columns, w, counts_padding);
            for (ptrdiff_t ih = rows.first; ih < rows.end; ih++) {
                for (ptrdiff_t iw = columns.first; iw < columns.end; iw++) {
                    float *target = dx + (ih * w.width + iw) * w.channels;
                    for (ptrdiff_t c = 0; c < w.channels; c++) target[c] += weight * dy[c];
                }
            }
        }
    }
}
