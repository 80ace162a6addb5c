import ImageDatasets
import NeuralGraph

/// Settings of confidence intervals by the percentile bootstrap (Efron and Tibshirani 1993, section 13.3).
///
/// The examples are resampled with replacement many times, and the interval holds the middle part of the resamples'
/// means. It shows how far a value would move with another sample of examples, not with other models.
public struct Bootstrap: Sendable, Codable, Hashable {
    /// The number of resamples, 100 to 100,000.
    public var resamples: Int
    /// The confidence level, between 0 and 1.
    public var level: Double

    /// Creates a bootstrap.
    public init(resamples: Int = 1000, level: Double = 0.95) {
        self.resamples = resamples
        self.level = level
    }

    /// Checks the settings.
    /// - Throws: ``UnlearningError``.
    package func validate() throws {
        try Setting.check("bootstrap resamples", resamples, isIn: 100...100_000)
        guard level > 0, level < 1 else {
            throw UnlearningError.invalidSetting(
                name: "confidence level", value: "\(level)", remedy: "use a number between 0 and 1, such as 0.95")
        }
    }

    /// Computes intervals of the means of several scores of the same examples, which share each resample.
    /// - Parameters:
    ///   - columns: lists of one score per example, all of one length.
    ///   - seed: the seed of the resamples.
    ///   - strata: the number of examples of each kind in the order of the scores, each resampled within its kind;
    ///     empty if all are of one kind.
    /// - Returns: an interval for each column; nil for columns without examples.
    package func intervals(
        ofMeans columns: [[Double]], seed: UInt64, strata: [Int] = []
    ) -> [ConfidenceInterval?] {
        guard let count = columns.first?.count, count > 0 else { return columns.map { _ in nil } }
        precondition(columns.allSatisfy { $0.count == count }, "every column has one score per example")
        let strata = strata.isEmpty ? [count] : strata
        precondition(strata.allSatisfy { $0 > 0 } && strata.reduce(0, +) == count, "every example is of one kind")
        var random = SeededRandom(seed: seed, stream: "bootstrap")
        var means = [[Double]](repeating: [], count: columns.count)
        var drawn = [Int](repeating: 0, count: count)
        for _ in 0..<resamples {
            var start = 0
            for size in strata {
                for position in start..<start + size { drawn[position] = start + random.integer(below: size) }
                start += size
            }
            for (number, column) in columns.enumerated() {
                var sum = 0.0
                for index in drawn { sum += column[index] }
                means[number].append(sum / Double(count))
            }
        }
        return means.map { means in
            let sorted = means.sorted()
            return ConfidenceInterval(
                lower: Statistics.quantile((1 - level) / 2, ofSorted: sorted),
                upper: Statistics.quantile((1 + level) / 2, ofSorted: sorted), level: level)
        }
    }
}

extension Bootstrap {
    /// The maximum number of resamples in which a rule is fitted again, since each costs a fit.
    ///
    /// The standard error of a 2.5 % quantile is then an eighth of a standard deviation.
    package static let refits = 400

    /// Draws resamples in which a rule is fitted again.
    package struct Draws {
        private let kinds: [Int]
        private var random: SeededRandom
        private var remaining: Int

        /// Prepares the resamples of a seed.
        /// - Parameters:
        ///   - count: the number of resamples; none are drawn if a kind has no example.
        ///   - kinds: the number of examples of each kind, each drawn from its own kind.
        package init(_ count: Int, of kinds: [Int], seed: UInt64) {
            self.kinds = kinds
            random = SeededRandom(seed: seed, stream: "refits")
            remaining = kinds.allSatisfy { $0 > 0 } ? count : 0
        }

        /// Draws the next resamples.
        /// - Parameter limit: the maximum number of resamples, 1 or more.
        /// - Returns: for each resample, how often each example of each kind was drawn; empty after the last one.
        package mutating func next(_ limit: Int) -> [[[Double]]] {
            let count = min(limit, remaining)
            remaining -= count
            return (0..<count).map { _ in
                kinds.map { size in
                    var counts = [Double](repeating: 0, count: size)
                    for _ in 0..<size { counts[random.integer(below: size)] += 1 }
                    return counts
                }
            }
        }
    }

    /// Computes the interval that holds the middle part of the resamples' values; nil unless most of them have one.
    package func interval(of values: [Double?]) -> ConfidenceInterval? {
        let sorted = values.compactMap(\.self).sorted()
        guard !sorted.isEmpty, 2 * sorted.count > values.count else { return nil }
        return ConfidenceInterval(
            lower: Statistics.quantile((1 - level) / 2, ofSorted: sorted),
            upper: Statistics.quantile((1 + level) / 2, ofSorted: sorted), level: level)
    }
}

extension ConfidenceInterval {
    /// The interval that holds both.
    func union(_ other: ConfidenceInterval?) -> ConfidenceInterval {
        guard let other else { return self }
        return ConfidenceInterval(lower: min(lower, other.lower), upper: max(upper, other.upper), level: level)
    }
}

extension Bootstrap {
    /// Reads settings, with defaults for those that are missing.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let defaults = Bootstrap()
        resamples = try container.decode(.resamples, or: defaults.resamples)
        level = try container.decode(.level, or: defaults.level)
    }
}
