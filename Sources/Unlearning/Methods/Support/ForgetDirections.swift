import NeuralGraph

/// Directions of forgotten classes' mean vectors that no combination of the retained classes' has.
package enum ForgetDirections {
    /// Parts of a vector below this share of its length are rounding.
    private static let tolerance = 1e-6

    /// Computes an orthonormal basis of what is left of the forgotten classes' means beside the span of the retained ones'.
    /// - Parameters:
    ///   - forgotten: mean vectors of the classes to forget.
    ///   - retained: mean vectors of the others, of the same length.
    /// - Returns: at most one vector for each forgotten class; none if the retained means span everything.
    package static func basis(forgotten: [[Double]], retained: [[Double]]) -> [[Double]] {
        let span = extended([], by: retained)
        return Array(extended(span, by: forgotten).dropFirst(span.count))
    }

    /// Adds vectors to an orthonormal basis (Gram and Schmidt), twice each, since once leaves rounding errors of the
    /// first projections.
    private static func extended(_ basis: [[Double]], by vectors: [[Double]]) -> [[Double]] {
        var basis = basis
        for vector in vectors {
            let length = norm(vector)
            var rest = vector
            for _ in 0..<2 {
                for direction in basis {
                    let share = dot(rest, direction)
                    for index in rest.indices { rest[index] -= share * direction[index] }
                }
            }
            let left = norm(rest)
            guard length > 0, left > tolerance * length else { continue }
            basis.append(rest.map { $0 / left })
        }
        return basis
    }

    /// Computes `W (I - strength Q Qᵀ)` for rows W and an orthonormal basis Q.
    package static func removing(_ basis: [[Double]], from rows: DoubleMatrix, strength: Double) -> DoubleMatrix {
        guard !basis.isEmpty else { return rows }
        let directions = DoubleMatrix(rows: basis.count, columns: rows.columns, elements: basis.flatMap(\.self))
        // W [outputs x width] - strength (W Q) [outputs x k] · Qᵀ [k x width]
        let removed = rows.times(directions, transposingOther: true).times(directions)
        return rows.subtracting(removed.scaled(by: strength))
    }

    private static func dot(_ one: [Double], _ other: [Double]) -> Double {
        zip(one, other).reduce(0) { $0 + $1.0 * $1.1 }
    }

    private static func norm(_ vector: [Double]) -> Double { dot(vector, vector).squareRoot() }
}
