// Whether all numbers are zeros.
CNK_INLINE int are_zero(const float *values, size_t count) {
    uint32_t any = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, values + i, sizeof bits);
        any |= bits;
    }
    return any == 0;
}

CNK_INLINE void adam_block(float *restrict parameters, const float *restrict gradients, float *restrict first,
                           float *restrict second, size_t count, cnk_adam_step step) {
    for (size_t i = 0; i < count; i++) {
        float gradient = gradients[i] + step.gradientDecay * parameters[i];
        float mean = first[i] + step.firstComplement * (gradient - first[i]);
        float square = second[i] * step.secondDecay + step.secondComplement * gradient * gradient;
        first[i] = mean;
        second[i] = square;
        float divisor = SQUARE_ROOT(square) / step.secondCorrectionRoot + step.epsilon;
        parameters[i] = parameters[i] * step.parameterScale - step.stepSize * mean / divisor;
    }
}

CNK_LOOP void CNK(cnk_adam)(float *restrict parameters, const float *restrict gradients, float *restrict first,
                            float *restrict second, size_t count, cnk_adam_step step) {
    // Where maps are smaller than kernels, most weights only ever meet padding: they have had no gradient yet and stay.
    enum { block = 512 };
    int decays = step.gradientDecay != 0 || step.parameterScale != 1;
    for (size_t i = 0; i < count; i += block) {
        size_t length = count - i < block ? count - i : block;
        if (!decays && gradients[i] == 0 && are_zero(gradients + i, length) && are_zero(first + i, length) &&
            are_zero(second + i, length)) {
            continue;
        }
        adam_block(parameters + i, gradients + i, first + i, second + i, length, step);
    }
}

CNK_LOOP void CNK(cnk_sgd_momentum)(float *restrict parameters, const float *restrict gradients, float *restrict velocity,
                      size_t count, cnk_sgd_step step) {
    // What the step follows besides the velocity, without a branch in the loop.
    float ahead = step.nesterov ? 1.0f : 0.0f;
    float momentum = step.nesterov ? step.momentum : 1.0f;
    for (size_t i = 0; i < count; i++) {
        float gradient = gradients[i] + step.weightDecay * parameters[i];
        float speed = step.momentum * velocity[i] + gradient;
        velocity[i] = speed;
        parameters[i] -= step.learningRate * (ahead * gradient + momentum * speed);
    }
}

CNK_LOOP void CNK(cnk_sgd)(float *restrict parameters, const float *restrict gradients, size_t count, cnk_sgd_step step) {
    for (size_t i = 0; i < count; i++) {
        float gradient = gradients[i] + step.weightDecay * parameters[i];
        parameters[i] -= step.learningRate * gradient;
    }
}

CNK_LOOP double CNK(cnk_sum_of_squares)(const float *values, size_t count) {
    // A fixed number of partial sums: the order of additions does not depend on the vector's width, and squares of
    // floats are exact in double, fused or not.
    enum { lanes = 16 };
    double sums[lanes] = {0};
    size_t i = 0;
    for (; i + lanes <= count; i += lanes)
        for (size_t lane = 0; lane < lanes; lane++) {
            double value = values[i + lane];
            sums[lane] += value * value;
        }
    for (size_t lane = 0; i + lane < count; lane++) {
        double value = values[i + lane];
        sums[lane] += value * value;
    }
    double sum = 0;
    for (size_t lane = 0; lane < lanes; lane++) sum += sums[lane];
    return sum;
}

CNK_LOOP void CNK(cnk_scale)(float *values, size_t count, float factor) {
    for (size_t i = 0; i < count; i++) values[i] *= factor;
}

CNK_LOOP void CNK(cnk_clamp)(float *values, size_t count, float bound) {
    for (size_t i = 0; i < count; i++) {
        float value = values[i];
        value = value > bound ? bound : value;
        values[i] = value < -bound ? -bound : value;
    }
}
