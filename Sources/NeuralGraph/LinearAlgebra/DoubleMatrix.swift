import COpenBLAS

/// A dense row-major matrix of 64-bit floats, for statistics over many examples: a value, copied on write.
package struct DoubleMatrix: Sendable, Hashable {
    /// The number of rows.
    package let rows: Int
    /// The number of columns.
    package let columns: Int
    /// The elements row after row.
    package private(set) var elements: [Double]

    /// Creates a matrix from its elements, row after row.
    package init(rows: Int, columns: Int, elements: [Double]) {
        precondition(elements.count == rows * columns, "\(rows)x\(columns) is not \(elements.count) elements")
        self.rows = rows
        self.columns = columns
        self.elements = elements
    }

    /// Creates a matrix with one value for all elements.
    package init(repeating value: Double, rows: Int, columns: Int) {
        self.init(rows: rows, columns: columns, elements: [Double](repeating: value, count: rows * columns))
    }

    /// Creates a matrix from some rows of a tensor `[rows, columns]`, by default all.
    /// - Throws: ``ShapeError`` unless the tensor has two axes.
    package init(_ tensor: Tensor, rows chosen: [Int]? = nil) throws(ShapeError) {
        guard tensor.shape.rank == 2 else {
            throw ShapeError("matrix", "a matrix has two axes, not the shape \(tensor.shape); reshape the tensor")
        }
        let width = tensor.shape[1]
        let chosen = chosen ?? Array(0..<tensor.shape[0])
        var elements: [Double] = []
        elements.reserveCapacity(chosen.count * width)
        for row in chosen {
            for element in tensor.elements[row * width..<(row + 1) * width] { elements.append(Double(element)) }
        }
        self.init(rows: chosen.count, columns: width, elements: elements)
    }

    /// One element.
    package subscript(row: Int, column: Int) -> Double {
        get { elements[row * columns + column] }
        set { elements[row * columns + column] = newValue }
    }

    /// Whether every element is a finite number.
    package var isFinite: Bool { elements.allSatisfy(\.isFinite) }

    /// The sum of the elements' squares: the square of the Frobenius norm.
    package var squaredNorm: Double { elements.reduce(0) { $0 + $1 * $1 } }

    /// The sum of the diagonal.
    package var trace: Double { (0..<min(rows, columns)).reduce(0) { $0 + self[$1, $1] } }

    /// The mean of every column; 0 without rows.
    package var columnMeans: [Double] {
        var sums = [Double](repeating: 0, count: columns)
        for row in 0..<rows {
            for column in 0..<columns { sums[column] += elements[row * columns + column] }
        }
        return sums.map { $0 / Double(max(1, rows)) }
    }

    /// Returns the matrix with one row subtracted from each of its rows.
    package func subtracting(_ row: [Double]) -> DoubleMatrix {
        precondition(row.count == columns, "one number per column")
        var result = self
        for index in 0..<rows {
            for column in 0..<columns { result.elements[index * columns + column] -= row[column] }
        }
        return result
    }

    /// Returns the matrix with a number added to its diagonal.
    package func addingToDiagonal(_ value: Double) -> DoubleMatrix {
        var result = self
        for index in 0..<min(rows, columns) { result[index, index] += value }
        return result
    }

    /// Returns the product `A B`, with A or B optionally transposed, computed on the calling thread.
    package func times(
        _ other: DoubleMatrix, transposingSelf: Bool = false, transposingOther: Bool = false
    ) -> DoubleMatrix {
        _ = OpenBLASRuntime.coreName
        let (height, inner) = transposingSelf ? (columns, rows) : (rows, columns)
        let (otherInner, width) = transposingOther ? (other.columns, other.rows) : (other.rows, other.columns)
        precondition(inner == otherInner, "\(height)x\(inner) times \(otherInner)x\(width)")
        var result = [Double](repeating: 0, count: height * width)
        guard inner > 0, height > 0, width > 0 else {
            return DoubleMatrix(rows: height, columns: width, elements: result)
        }
        // C [height x width] = A [height x inner] · B [inner x width]
        cblas_dgemm(
            CblasRowMajor, transposingSelf ? CblasTrans : CblasNoTrans, transposingOther ? CblasTrans : CblasNoTrans,
            blasint(height), blasint(width), blasint(inner), 1, elements, blasint(columns), other.elements,
            blasint(other.columns), 0, &result, blasint(width))
        return DoubleMatrix(rows: height, columns: width, elements: result)
    }
}
