/// The result of a ``MethodComparison``: every run, and means over seeds.
public struct ComparedMethods: Sendable, Codable, Hashable {
    /// The classes that were forgotten, in rising order.
    public let classes: [Int]
    /// All runs by seed; for each seed the original, then the methods in order.
    public let runs: [ComparedRun]

    /// Creates a result of runs.
    package init(classes: Set<Int>, runs: [ComparedRun]) {
        self.classes = classes.sorted()
        self.runs = runs
    }

    /// The methods' names in order.
    public var methods: [String] {
        var names: [String] = []
        for run in runs where !names.contains(run.method) { names.append(run.method) }
        return names
    }

    /// The runs of one method.
    package func runs(of method: String) -> [ComparedRun] { runs.filter { $0.method == method } }

    /// The mean of a figure over a method's runs that have it; nil if none has.
    public func summary(of figure: ComparedFigure, for method: String) -> SeedSummary? {
        SeedSummary(runs(of: method).compactMap { $0.figures[figure] })
    }
}

/// The mean of a figure over seeds, with its confidence interval.
public struct SeedSummary: Sendable, Hashable {
    /// The number of seeds.
    package let count: Int
    /// The mean.
    public let mean: Double
    /// Half the width of the mean's 95 % confidence interval by Student's distribution; nil for a single seed.
    public let margin: Double?

    /// Summarizes values; nil for an empty list.
    package init?(_ values: [Double]) {
        guard !values.isEmpty else { return nil }
        count = values.count
        let mean = values.reduce(0, +) / Double(values.count)
        self.mean = mean
        guard values.count > 1 else {
            margin = nil
            return
        }
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)
        margin = Self.quantile(degrees: values.count - 1) * (variance / Double(values.count)).squareRoot()
    }

    /// The 97.5 % quantiles of Student's distribution for 1 to 10 degrees of freedom, then for up to 15, 20, 30 and 60.
    private static let quantiles = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228]
    private static let laterQuantiles = [(15, 2.201), (20, 2.131), (30, 2.086), (60, 2.042)]

    /// The 97.5 % quantile; between entries that of fewer degrees of freedom, so that intervals are never too short.
    private static func quantile(degrees: Int) -> Double {
        if degrees <= quantiles.count { return quantiles[degrees - 1] }
        return laterQuantiles.first { degrees <= $0.0 }?.1 ?? 2.0
    }
}
