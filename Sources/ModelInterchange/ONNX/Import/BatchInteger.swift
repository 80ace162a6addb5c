/// An integer that may depend on the batch size N: `constant + perExample * N`.
///
/// Shapes are computed with these, so that `Shape -> Gather -> Concat -> Reshape` is resolved when a file is read.
package struct BatchInteger: Hashable {
    package var constant: Int
    package var perExample = 0

    package init(_ constant: Int, perExample: Int = 0) {
        self.constant = constant
        self.perExample = perExample
    }

    /// The number, if it does not depend on the batch size.
    var fixed: Int? { perExample == 0 ? constant : nil }

    /// The sum; nil on overflow.
    func adding(_ other: BatchInteger, times factor: Int = 1) -> BatchInteger? {
        guard let scaled = other.multiplied(by: BatchInteger(factor)) else { return nil }
        let (first, overflow) = constant.addingReportingOverflow(scaled.constant)
        let (second, carry) = perExample.addingReportingOverflow(scaled.perExample)
        return overflow || carry ? nil : BatchInteger(first, perExample: second)
    }

    /// The product; nil on overflow or if it depends on N squared.
    func multiplied(by other: BatchInteger) -> BatchInteger? {
        guard let factor = other.fixed ?? fixed else { return nil }
        let number = other.fixed == nil ? other : self
        let (first, overflow) = number.constant.multipliedReportingOverflow(by: factor)
        let (second, carry) = number.perExample.multipliedReportingOverflow(by: factor)
        return overflow || carry ? nil : BatchInteger(first, perExample: second)
    }

    /// The quotient, rounded towards 0; nil where it depends on N in another way.
    func divided(by other: BatchInteger) -> BatchInteger? {
        if let divisor = other.fixed {
            guard divisor != 0, divisor != -1 || (constant != .min && perExample != .min) else { return nil }
            if perExample == 0 { return BatchInteger(constant / divisor) }
            guard constant % divisor == 0, perExample % divisor == 0 else { return nil }
            return BatchInteger(constant / divisor, perExample: perExample / divisor)
        }
        guard constant == 0, other.constant == 0, other.perExample > 0, perExample % other.perExample == 0 else {
            return nil
        }
        return BatchInteger(perExample / other.perExample)
    }

    /// The remainder of a division.
    /// - Parameter followsDividend: whether it has the dividend's sign, as in C, instead of the divisor's.
    func remainder(_ other: BatchInteger, followsDividend: Bool) -> BatchInteger? {
        guard let divisor = other.fixed, divisor != 0, divisor != -1 else {
            return other.fixed == -1 ? BatchInteger(0) : nil
        }
        guard let number = fixed else {
            return constant % divisor == 0 && perExample % divisor == 0 ? BatchInteger(0) : nil
        }
        let rest = number % divisor
        return BatchInteger(followsDividend || rest == 0 || (rest < 0) == (divisor < 0) ? rest : rest + divisor)
    }

    /// The number raised to a power; nil on overflow.
    func raised(to exponent: BatchInteger) -> BatchInteger? {
        guard let exponent = exponent.fixed, exponent >= 0 else { return nil }
        if exponent == 1 { return self }
        guard let base = fixed else { return exponent == 0 ? BatchInteger(1) : nil }
        if base == 0 || base == 1 { return BatchInteger(exponent == 0 ? 1 : base) }
        if base == -1 { return BatchInteger(exponent % 2 == 0 ? 1 : -1) }
        var result = BatchInteger(1)
        for _ in 0..<min(exponent, 64) {
            guard let next = result.multiplied(by: self) else { return nil }
            result = next
        }
        return exponent < 64 ? result : nil
    }

    /// The sign for every batch size of at least 1; nil if it depends on the batch size.
    var sign: Int? {
        if perExample == 0 { return constant.signum() }
        let (atOne, overflow) = constant.addingReportingOverflow(perExample)
        guard !overflow, atOne.signum() == perExample.signum() else { return nil }
        return perExample.signum()
    }

    /// Whether it is 0; nil if that depends on the batch size.
    var isZero: Bool? {
        if let sign { return sign == 0 }
        // constant + perExample N = 0 for some whole N of 1 or more?
        guard constant != .min, perExample != -1, constant % perExample == 0 else { return false }
        return -constant / perExample >= 1 ? nil : false
    }
}

/// The length of an axis: a number, or that many for each example of the batch.
struct AxisLength: Hashable {
    var count: Int
    var hasBatch = false

    init(_ count: Int, hasBatch: Bool = false) {
        self.count = count
        self.hasBatch = hasBatch
    }

    /// The number as the length of an axis; nil if it cannot be one.
    init?(_ number: BatchInteger) {
        if number.perExample == 0, number.constant >= 0 {
            self.init(number.constant)
        } else if number.constant == 0, number.perExample > 0 {
            self.init(number.perExample, hasBatch: true)
        } else {
            return nil
        }
    }

    static let one = AxisLength(1)

    var number: BatchInteger { hasBatch ? BatchInteger(0, perExample: count) : BatchInteger(count) }

    /// The quotient of two lengths; nil if there is a remainder.
    func divided(by other: AxisLength) -> AxisLength? {
        guard other.count > 0, count % other.count == 0, hasBatch || !other.hasBatch else { return nil }
        return AxisLength(count / other.count, hasBatch: hasBatch && !other.hasBatch)
    }

    /// The product; nil on overflow or if it depends on N squared.
    func multiplied(by other: AxisLength) -> AxisLength? {
        let (product, overflow) = count.multipliedReportingOverflow(by: other.count)
        return overflow || (hasBatch && other.hasBatch)
            ? nil : AxisLength(product, hasBatch: hasBatch || other.hasBatch)
    }
}
