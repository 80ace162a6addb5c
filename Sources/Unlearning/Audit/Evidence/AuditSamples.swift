public import ImageDatasets
import NeuralGraph

/// Examples that an audit measures on, drawn once for all models.
public struct AuditSamples: Sendable {
    /// The examples, in the order of their source.
    public var examples: any ExampleSource { subset }
    /// The examples' classes.
    public let labels: [Int]
    /// The rows of examples of forgotten classes.
    ///
    /// Where samples are forgotten: among training examples the rows of the samples, among test examples those of the
    /// samples' classes.
    public let forgotten: [Int]
    /// The rows of all other examples; where samples are forgotten, of test examples of retained classes.
    public let retained: [Int]

    /// The examples, with their positions in the source.
    package let subset: ExampleSubset
    /// Each example's weight, its class's share of the source divided by that of the drawn examples; 1 on average.
    ///
    /// A forgotten class of few examples among many is drawn more often than others. What is fitted to examples of all
    /// classes counts them by these weights, so that it estimates what all examples of the source would give.
    package let weights: [Double]

    /// The forgotten classes' minimum share of the samples, if they have that many examples.
    static let minimumForgottenShare = 0.1

    /// Draws at most `limit` examples without replacement, stratified by class.
    ///
    /// The forgotten classes together get at least a tenth.
    package init(
        from source: any ExampleSource, limit: Int, forgotten classes: Set<Int>, classCount: Int, seed: UInt64
    ) throws {
        var members = [[Int]](repeating: [], count: classCount)
        for index in 0..<source.count { members[source.label(at: index)].append(index) }
        let quotas = Self.quotas(counts: members.map(\.count), limit: limit, forgotten: classes)
        var chosen: [Int] = []
        for label in members.indices {
            var random = SeededRandom(seed: seed, stream: "audit samples of class \(label)")
            random.draw(quotas[label], toFrontOf: &members[label])
            chosen += members[label].prefix(quotas[label])
        }
        subset = try ExampleSubset(source, indices: chosen.sorted())
        labels = subset.labels
        weights = labels.map { [drawn = chosen.count, total = source.count] label in
            // Of integers, so that it is exactly 1 where every class is drawn in proportion.
            Double(members[label].count * drawn) / Double(total * quotas[label])
        }
        forgotten = labels.indices.filter { [labels] in classes.contains(labels[$0]) }
        retained = labels.indices.filter { [labels] in !classes.contains(labels[$0]) }
    }

    /// Puts samples that were to be forgotten before retained examples.
    /// - Parameters:
    ///   - samples: the samples, of which at most `limit` are drawn.
    ///   - retained: the retained examples, if there are any.
    init(forgotten samples: any ExampleSource, limit: Int, retained: AuditSamples?, seed: UInt64) throws {
        var order = Array(0..<samples.count)
        var random = SeededRandom(seed: seed, stream: "audit samples to forget")
        random.draw(limit, toFrontOf: &order)
        let chosen = try ExampleSubset(samples, indices: order.prefix(limit).sorted())
        let all = try CombinedExamples([chosen] + (retained.map { [$0.examples] } ?? []))
        subset = try ExampleSubset(all, indices: Array(0..<all.count))
        labels = subset.labels
        weights = [Double](repeating: 1, count: labels.count)
        forgotten = Array(0..<chosen.count)
        self.retained = Array(chosen.count..<all.count)
    }

    private init(_ samples: AuditSamples, forgotten: [Int]) {
        subset = samples.subset
        labels = samples.labels
        weights = samples.weights
        self.forgotten = forgotten
        retained = samples.retained
    }

    /// The same examples, with those of the samples' classes as the forgotten ones: unseen peers of the samples.
    func withPeers(of samples: any ExampleSource) -> AuditSamples {
        let classes = Set(samples.labels)
        return AuditSamples(self, forgotten: labels.indices.filter { classes.contains(labels[$0]) })
    }

    /// The rows of the first examples of each forgotten class in rising order, as many as its share of a limit.
    func forgottenShares(limit: Int) -> [Int] {
        let classes = (labels.max() ?? -1) + 1
        var members = [[Int]](repeating: [], count: classes)
        for row in forgotten { members[labels[row]].append(row) }
        let shares = Self.apportioned(limit, over: members.map(\.count)) { _ in true }
        return zip(members, shares).flatMap { $0.prefix($1) }.sorted()
    }

    /// The number of examples to draw from each class.
    package static func quotas(counts: [Int], limit: Int, forgotten: Set<Int>) -> [Int] {
        let total = counts.reduce(0, +)
        guard total > limit else { return counts }
        let available = counts.indices.filter(forgotten.contains).reduce(0) { $0 + counts[$1] }
        let even = Int((Double(limit) * Double(available) / Double(total)).rounded())
        let least = Int((Double(limit) * minimumForgottenShare).rounded())
        let forgottenQuota = min(available, max(even, least))
        let forgottenShares = apportioned(forgottenQuota, over: counts) { forgotten.contains($0) }
        let retainedShares = apportioned(limit - forgottenQuota, over: counts) { !forgotten.contains($0) }
        return zip(forgottenShares, retainedShares).map(+)
    }

    /// Divides a number among some classes in proportion to their sizes (largest remainder method).
    private static func apportioned(_ number: Int, over counts: [Int], _ includes: (Int) -> Bool) -> [Int] {
        let classes = counts.indices.filter(includes)
        let total = classes.reduce(0) { $0 + counts[$1] }
        var shares = [Int](repeating: 0, count: counts.count)
        guard total > 0 else { return shares }
        guard number < total else {
            for label in classes { shares[label] = counts[label] }
            return shares
        }
        var remainders: [(label: Int, remainder: Int)] = []
        for label in classes {
            let (quotient, remainder) = (number * counts[label]).quotientAndRemainder(dividingBy: total)
            shares[label] = quotient
            remainders.append((label, remainder))
        }
        let left = number - classes.reduce(0) { $0 + shares[$1] }
        // Ties go to the lower class, so that the draw depends on the counts alone.
        let order = remainders.sorted { ($1.remainder, $0.label) < ($0.remainder, $1.label) }
        for entry in order.prefix(left) { shares[entry.label] += 1 }
        return shares
    }
}
