/// A matrix that cannot be worked with. The message names it and the remedy.
public enum LinearAlgebraError: DescribedError, Equatable {
    /// A matrix has an infinite or undefined number.
    case notFinite(matrix: String)
    /// A system of equations has no unique solution: its matrix is not positive definite, to rounding.
    case singular(matrix: String, order: Int)
    /// The eigenvalues were not found.
    case notConverged(matrix: String)

    /// What is wrong and what to do, in one line.
    public var description: String {
        switch self {
        case .notFinite(let matrix):
            return "\(matrix): holds an infinite or undefined number; check the numbers that it was made from"
        case .singular(let matrix, let order):
            return "\(matrix): the first \(order) rows are linearly dependent, so there is no one solution; "
                + "regularize more, or give more examples"
        case .notConverged(let matrix):
            return "\(matrix): the eigenvalues were not found; check that its numbers are of sensible size"
        }
    }
}
