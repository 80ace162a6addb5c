import CNeuralKernels

/// A limit on the size of gradients.
public enum GradientClipping: Sendable, Codable, Hashable {
    /// No limit.
    case none
    /// Each is limited to `-value...value`, as by `torch.nn.utils.clip_grad_value_`.
    case value(Float)
    /// All are scaled so that their Euclidean norm is at most this, as by `torch.nn.utils.clip_grad_norm_` (Pascanu et al.
    /// 2013, algorithm 1).
    case norm(Float)

    /// Checks the threshold.
    /// - Throws: ``OptimizationError`` if it is not above 0.
    package func validate() throws(OptimizationError) {
        switch self {
        case .none: return
        case .value(let threshold), .norm(let threshold):
            try OptimizationError.check(
                "gradient clipping", Double(threshold), isIn: Double.leastNonzeroMagnitude...,
                "use a number above 0, or none")
        }
    }

    /// Clips one flat vector in place.
    /// - Returns: the norm before clipping for ``norm(_:)``; nil otherwise.
    @discardableResult
    package func apply(
        to gradients: UnsafeMutablePointer<Float>, count: Int, threads: ThreadTeam
    ) -> Double? {
        switch self {
        case .none:
            return nil
        case .value(let bound):
            threads.forEachChunk(of: count, floatsEach: 1) { part in
                cnk_clamp(gradients + part.lowerBound, part.count, bound)
            }
            return nil
        case .norm(let limit):
            let norm = Self.euclideanNorm(of: gradients, count: count, threads: threads)
            let factor = Double(limit) / (norm + 1e-6)
            // An undefined norm leaves the gradients unchanged: they are undefined already.
            if factor < 1 {
                threads.forEachChunk(of: count, floatsEach: 1) { part in
                    cnk_scale(gradients + part.lowerBound, part.count, Float(factor))
                }
            }
            return norm
        }
    }

    /// The square root of the sum of squares, summed in Double in an order that depends only on `count`.
    package static func euclideanNorm(
        of values: UnsafePointer<Float>, count: Int, threads: ThreadTeam
    ) -> Double {
        // At most this many parts, so that their sums fit on the stack.
        let parts = 64
        let chunk = max(ThreadTeam.chunkFloats, (count + parts - 1) / parts)
        return withUnsafeTemporaryAllocation(of: Double.self, capacity: 64) { sums in
            sums.initialize(repeating: 0)
            threads.forEach((count + chunk - 1) / chunk) { index, _ in
                let start = index * chunk
                sums[index] = cnk_sum_of_squares(values + start, min(chunk, count - start))
            }
            return sums.reduce(0, +).squareRoot()
        }
    }
}
