/// A comparison of methods: every run, and means over seeds.
public struct ComparedMethods: Sendable, Codable, Hashable {
    /// The classes that were forgotten, in rising order.
    public let classes: [Int]
    /// All runs: by seed, and within one in the order of the methods, the original first.
    public let runs: [ComparedRun]

    /// Creates a result.
    public init(classes: Set<Int>, runs: [ComparedRun]) {
        self.classes = classes.sorted()
        self.runs = runs
    }

    /// The methods' names in their order.
    public var methods: [String] {
        var names: [String] = []
        for run in runs where !names.contains(run.method) { names.append(run.method) }
        return names
    }

    /// One method's runs.
    public func runs(of method: String) -> [ComparedRun] { runs.filter { $0.method == method } }

    /// A figure's mean over a method's runs that have it; nil if none has.
    public func summary(of figure: ComparedFigure, for method: String) -> SeedSummary? {
        SeedSummary(runs(of: method).compactMap { $0.figures[figure] })
    }
}

/// A figure over several seeds.
public struct SeedSummary: Sendable, Hashable {
    /// How many seeds there are.
    public let count: Int
    /// The mean.
    public let mean: Double
    /// Half the width of the 95 % interval of the mean by Student's distribution; nil of one seed.
    public let margin: Double?

    /// Summarizes values; nil if there are none.
    public init?(_ values: [Double]) {
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

    /// The 97.5 % points of Student's distribution for 1 to 10 degrees of freedom, then for up to 15, 20, 30 and 60.
    private static let quantiles = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228]
    private static let laterQuantiles = [(15, 2.201), (20, 2.131), (30, 2.086), (60, 2.042)]

    /// The 97.5 % point; between entries that of the smaller number of degrees, so that intervals are never too short.
    private static func quantile(degrees: Int) -> Double {
        if degrees <= quantiles.count { return quantiles[degrees - 1] }
        return laterQuantiles.first { degrees <= $0.0 }?.1 ?? 2.0
    }
}
