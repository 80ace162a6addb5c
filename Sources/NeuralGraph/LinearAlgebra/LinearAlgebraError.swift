/// A matrix that a computation cannot use; the message names it and the remedy.
public enum LinearAlgebraError: DescribedError, Equatable {
    /// A matrix has an infinite or undefined number.
    case notFinite(matrix: String)
    /// A system of equations has no unique solution: its matrix is not positive definite, to rounding.
    case singular(matrix: String, order: Int)
    /// The eigenvalue algorithm did not converge.
    case notConverged(matrix: String)

    /// The problem and the remedy in one line.
    public var description: String {
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
