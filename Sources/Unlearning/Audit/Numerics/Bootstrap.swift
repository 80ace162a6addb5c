import ImageDatasets
import NeuralGraph

/// Confidence intervals of means over examples by the percentile bootstrap (Efron and Tibshirani 1993, section 13.3):
/// the examples are drawn again with replacement many times, and the interval holds the middle of the means.
///
/// It says how far the figure would move with other examples drawn alike, not with other models.
public struct Bootstrap: Sendable, Codable, Hashable {
    /// How often the examples are drawn again, 100 to 100,000.
    public var resamples: Int
    /// How often the interval is to hold the true mean, between 0 and 1.
    public var level: Double

    /// Creates a bootstrap.
    public init(resamples: Int = 1000, level: Double = 0.95) {
        self.resamples = resamples
        self.level = level
    }

    /// Checks the settings.
    /// - Throws: ``UnlearningError``.
    public func validate() throws {
        try Setting.check("bootstrap resamples", resamples, isIn: 100...100_000)
        guard level > 0, level < 1 else {
            throw UnlearningError.invalidSetting(
                name: "confidence level", value: "\(level)", remedy: "use a number between 0 and 1, such as 0.95")
        }
    }

    /// Intervals of the means of several scores of the same examples, each resample being shared by all of them.
    /// - Parameters:
    ///   - columns: lists of one score an example, of one length.
    ///   - seed: draws the resamples.
    ///   - strata: how many examples of each kind there are, in the order of the scores; each is drawn from its own kind.
    ///     Empty if all are of one.
    /// - Returns: an interval for each column; nil for columns without examples.
    public func intervals(
        ofMeans columns: [[Double]], seed: UInt64, strata: [Int] = []
    ) -> [ConfidenceInterval?] {
        guard let count = columns.first?.count, count > 0 else { return columns.map { _ in nil } }
        precondition(columns.allSatisfy { $0.count == count }, "every column has one score an example")
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
    /// Reads settings; those that the version that wrote them did not know have their defaults.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let defaults = Bootstrap()
        resamples = try container.decode(.resamples, or: defaults.resamples)
        level = try container.decode(.level, or: defaults.level)
    }
}
