import CLAPACKE

extension DoubleMatrix {
    /// Solves `A X = B` for a symmetric positive definite A `[n, n]`, by Cholesky's decomposition (LAPACK's `dposv`).
    /// - Parameters:
    ///   - right: B, `[n, m]`.
    ///   - name: A's name in messages.
    /// - Returns: X, `[n, m]`.
    /// - Throws: ``LinearAlgebraError`` if A or B has an undefined number, or A is not positive definite.
    package func solvingPositiveDefinite(
        _ right: DoubleMatrix, named name: String
    ) throws(LinearAlgebraError) -> DoubleMatrix {
        precondition(rows == columns && right.rows == rows, "\(rows)x\(columns) against \(right.rows) rows")
        guard isFinite, right.isFinite else { throw .notFinite(matrix: name) }
        guard rows > 0, right.columns > 0 else { return right }
        _ = OpenBLASRuntime.coreName
        var factor = elements
        var solution = right.elements
        let status = LAPACKE_dposv(
            LAPACK_ROW_MAJOR, CChar(UInt8(ascii: "U")), LAPACKInteger(rows), LAPACKInteger(right.columns), &factor,
            LAPACKInteger(rows), &solution, LAPACKInteger(right.columns))
        guard status == 0 else { throw .singular(matrix: name, order: Int(max(0, status))) }
        let result = DoubleMatrix(rows: rows, columns: right.columns, elements: solution)
        // A pivot that consists of rounding errors passes as positive, and its quotients overflow.
        guard result.isFinite else { throw .singular(matrix: name, order: rows) }
        return result
    }

    /// Computes the largest eigenvalues of a symmetric matrix in descending order, and unit eigenvectors (LAPACK's `dsyevr`).
    /// - Parameters:
    ///   - count: the number of pairs, 1 to the number of rows.
    ///   - name: the matrix's name in messages.
    /// - Returns: `count` values, and the vectors, of either sign, as the rows of a matrix `[count, n]`.
    /// - Throws: ``LinearAlgebraError`` if a number is undefined, or the algorithm doesn't converge.
    package func largestEigenpairs(
        _ count: Int, named name: String
    ) throws(LinearAlgebraError) -> (values: [Double], vectors: DoubleMatrix) {
        precondition(rows == columns && (1...max(1, rows)).contains(count), "\(count) of \(rows)x\(columns)")
        guard isFinite else { throw .notFinite(matrix: name) }
        _ = OpenBLASRuntime.coreName
        var work = elements
        var found = LAPACKInteger(0)
        var values = [Double](repeating: 0, count: rows)
        var vectors = [Double](repeating: 0, count: rows * count)
        var support = [LAPACKInteger](repeating: 0, count: 2 * count)
        let status = LAPACKE_dsyevr(
            LAPACK_ROW_MAJOR, CChar(UInt8(ascii: "V")), CChar(UInt8(ascii: "I")), CChar(UInt8(ascii: "U")),
            LAPACKInteger(rows), &work, LAPACKInteger(rows), 0, 0, LAPACKInteger(rows - count + 1), LAPACKInteger(rows),
            0,
            &found, &values, &vectors, LAPACKInteger(count), &support)
        guard status == 0, found == LAPACKInteger(count) else { throw .notConverged(matrix: name) }
        // LAPACK gives columns in rising order.
        var sorted = DoubleMatrix(repeating: 0, rows: count, columns: rows)
        for position in 0..<count {
            for row in 0..<rows { sorted[position, row] = vectors[row * count + count - 1 - position] }
        }
        return (values[..<count].reversed(), sorted)
    }
}

/// A matrix that a computation cannot use; the message names it and the remedy.
package enum LinearAlgebraError: DescribedError, Equatable {
    /// A matrix has an infinite or undefined number.
    case notFinite(matrix: String)
    /// A system of equations has no unique solution: its matrix is not positive definite, to rounding.
    case singular(matrix: String, order: Int)
    /// The eigenvalue algorithm did not converge.
    case notConverged(matrix: String)

    /// The problem and the remedy in one line.
    package var description: String {
        switch self {
        case .notFinite(let matrix):
            return "\(matrix): has an infinite or undefined number; check the data that it was computed from"
        case .singular(let matrix, let order):
            return "\(matrix): the first \(order) rows are linearly dependent, so the solution is not unique; "
                + "regularize more, or give more examples"
        case .notConverged(let matrix):
            return "\(matrix): the eigenvalues were not found; check that its numbers are of sensible size"
        }
    }
}
