/// How far a result is from what it should be: the Euclidean norm of the difference over that of the expectation.
///
/// Infinite if the counts differ or a number is undefined; the plain norm of the result if the expectation is zero.
package func relativeDifference<Result: BinaryFloatingPoint, Expected: BinaryFloatingPoint>(
    _ result: some Collection<Result>, from expected: some Collection<Expected>
) -> Double {
    guard result.count == expected.count else { return .infinity }
    var difference = 0.0
    var norm = 0.0
    for (value, reference) in zip(result, expected) {
        let distance = Double(value) - Double(reference)
        difference += distance * distance
        norm += Double(reference) * Double(reference)
    }
    guard difference.isFinite, norm.isFinite else { return .infinity }
    return norm > 0 ? (difference / norm).squareRoot() : difference.squareRoot()
}

/// The Euclidean norm.
package func euclideanNorm<Number: BinaryFloatingPoint>(_ values: some Collection<Number>) -> Double {
    values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
}
