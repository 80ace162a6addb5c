import NeuralGraph

/// The space that a layer's input vectors lie in, with the share of their squared length along each direction.
///
/// With the vectors as the columns of R and its singular values σ, the share of a direction is σ² / Σ σ², and its importance
/// `α σ² / ((α - 1) σ² + Σ σ²)`. The matrix U diag(importance) Uᵀ over the left singular vectors U is
/// `α G ((α - 1) G + I)⁻¹` with `G = R Rᵀ / Σ σ²`, so that it is computed without a decomposition, exactly and by way of
/// the smaller of `R Rᵀ` and `Rᵀ R`.
package struct ActivationSpace: Sendable {
    /// The vectors as rows, `[n, width]`, if they are fewer than their width.
    private let vectors: DoubleMatrix?
    /// `Rᵀ R / Σ σ²` of these, `[n, n]`, or else `R Rᵀ / Σ σ²`, `[width, width]`.
    private let gram: DoubleMatrix
    /// Σ σ².
    private let total: Double

    fileprivate init(vectors: DoubleMatrix?, products: DoubleMatrix) {
        self.vectors = vectors
        total = products.trace
        gram = total > 0 ? products.scaled(by: 1 / total) : products
    }

    /// The bytes that a space takes.
    static func byteCount(vectors: Int, width: Int) -> Int {
        let numbers = vectors <= width ? vectors * (vectors + width) : width * width
        return numbers * MemoryLayout<Double>.stride
    }

    /// Computes `W M` for M = U diag(importance) Uᵀ.
    /// - Parameters:
    ///   - weights: W, `[outputs, width]`.
    ///   - alpha: α, 1 or more.
    ///   - name: what messages call the layer.
    /// - Throws: `LinearAlgebraError` if a number is infinite or undefined.
    package func projection(of weights: DoubleMatrix, alpha: Double, named name: String) throws -> DoubleMatrix {
        guard total > 0 else { return weights.scaled(by: 0) }
        let system = gram.scaled(by: alpha - 1).addingToDiagonal(1)
        guard let vectors else {
            // The matrices commute: (W M)ᵀ [width x outputs] = ((α - 1) G + I)⁻¹ [width x width] · α G Wᵀ
            let right = gram.times(weights, transposingOther: true).scaled(by: alpha)
            return try system.solvingPositiveDefinite(right, named: name).transposed
        }
        // G = X ᵀX / t and X (a XᵀX + I)⁻¹ = (a X Xᵀ + I)⁻¹ X:
        // W M = α / t (((α - 1) Xᵀ X / t + I)⁻¹ X Wᵀ)ᵀ [outputs x n] · X [n x width]
        let right = vectors.times(weights, transposingOther: true)
        return try system.solvingPositiveDefinite(right, named: name).times(vectors, transposingSelf: true)
            .scaled(by: alpha / total)
    }
}

/// Takes a layer's input vectors as they come in.
package struct ActivationSpaceBuilder {
    private let width: Int
    private let keepsVectors: Bool
    private var pending: [Double] = []
    private var products: DoubleMatrix?

    private static let chunk = 1024

    /// - Parameters:
    ///   - count: the number of vectors that will come.
    ///   - width: their length.
    package init(count: Int, width: Int) {
        self.width = width
        keepsVectors = count <= width
        pending.reserveCapacity(width * (keepsVectors ? count : min(count, Self.chunk)))
    }

    /// Adds a vector.
    package mutating func add(_ vector: [Double]) {
        pending += vector
        if !keepsVectors, pending.count >= Self.chunk * width { fold() }
    }

    /// Adds the products of the pending vectors.
    private mutating func fold() {
        guard !pending.isEmpty else { return }
        let rows = DoubleMatrix(rows: pending.count / width, columns: width, elements: pending)
        // R Rᵀ [width x width] = Xᵀ [width x n] · X [n x width]
        let more = rows.times(rows, transposingSelf: true)
        products = products.map { $0.adding(more) } ?? more
        pending.removeAll(keepingCapacity: true)
    }

    /// The space of all vectors.
    package mutating func finish() -> ActivationSpace {
        guard keepsVectors else {
            fold()
            return ActivationSpace(
                vectors: nil, products: products ?? DoubleMatrix(repeating: 0, rows: width, columns: width))
        }
        let rows = DoubleMatrix(rows: pending.count / max(1, width), columns: width, elements: pending)
        return ActivationSpace(vectors: rows, products: rows.times(rows, transposingOther: true))
    }
}

extension DoubleMatrix {
    /// Every element times a number.
    func scaled(by factor: Double) -> DoubleMatrix {
        DoubleMatrix(rows: rows, columns: columns, elements: elements.map { factor * $0 })
    }

    /// The sum with a matrix of the same shape.
    func adding(_ other: DoubleMatrix) -> DoubleMatrix {
        DoubleMatrix(rows: rows, columns: columns, elements: zip(elements, other.elements).map { $0 + $1 })
    }

    /// The difference from a matrix of the same shape.
    func subtracting(_ other: DoubleMatrix) -> DoubleMatrix {
        DoubleMatrix(rows: rows, columns: columns, elements: zip(elements, other.elements).map { $0 - $1 })
    }

    /// Rows as columns.
    var transposed: DoubleMatrix {
        var result = DoubleMatrix(repeating: 0, rows: columns, columns: rows)
        for row in 0..<rows { for column in 0..<columns { result[column, row] = self[row, column] } }
        return result
    }
}

extension LayerPatches {
    /// A group's rows of the layer's weight, `[outputs, width]`.
    func rows(of weight: Tensor, group: Int) -> DoubleMatrix {
        let size = outputs * width
        return DoubleMatrix(
            rows: outputs, columns: width,
            elements: weight.elements[group * size..<(group + 1) * size].map(Double.init))
    }

    /// The weight with each group's rows replaced by what a closure makes of them.
    func replacing(_ weight: Tensor, _ change: (_ group: Int, DoubleMatrix) throws -> DoubleMatrix) throws -> Tensor {
        var elements: [Float] = []
        elements.reserveCapacity(weight.count)
        for group in 0..<groups {
            elements += try change(group, rows(of: weight, group: group)).elements.map { Float($0) }
        }
        return try Tensor(elements, shape: weight.shape)
    }
}
