import ArgumentParser

/// Numbers of options. Each has a range, and one outside it, or text that is no number, is wrong usage that names the range.
enum NumberParsing {
    /// Reads a whole number.
    static func whole<Number: FixedWidthInteger & Sendable>(
        _ range: ClosedRange<Number>
    ) -> @Sendable (String) throws -> Number {
        { text in
            guard let number = Number(text), range.contains(number) else {
                throw ValidationError("use a whole number from \(range.lowerBound) to \(range.upperBound)")
            }
            return number
        }
    }

    /// Reads a number above 0.
    static func positive(_ text: String) throws -> Double {
        guard let number = Double(text), number > 0, number.isFinite else {
            throw ValidationError("use a number above 0, such as 0.001")
        }
        return number
    }
}

extension ClosedRange<Int> {
    /// Passes over a data set.
    static let epochs = 1...1_000_000
    /// Images in one step.
    static let batchSizes = 1...1_000_000
    /// Images of one class.
    static let samples = 1...1_000_000_000
    /// Height or width in pixels.
    static let lengths = 1...65_536
    /// Repetitions with other seeds.
    static let repetitions = 1...100
}
