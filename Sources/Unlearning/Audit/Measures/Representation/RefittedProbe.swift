package import NeuralGraph

/// The recall by a linear probe that is fitted again to resampled groups of training examples.
///
/// A probe of single resampled examples would take a product of all features each time. Groups have theirs once, so that
/// a fit takes their weighted sum: `XᵀX = Σ wᵍ XᵍᵀXᵍ`, exactly the probe of examples that are drawn in groups. The weights of
/// the examples themselves are in the products.
package struct RefittedProbe {
    /// The number of groups, each with examples of every class that has as many.
    package static let groups = 40
    /// The maximum width of the features; the groups' products of wider ones take too much memory.
    package static let maximumWidth = 512

    /// The number of resamples: fewer of wide features, whose fits take long.
    package var refits: Int { sums.columns > 256 ? 100 : Bootstrap.refits }

    /// Sums of products by group: `[groups, width x width]`, `[groups, width x classes]`.
    private let products: DoubleMatrix
    private let targets: DoubleMatrix
    /// Sums of features `[groups, width]`, and of the examples' weights by class `[groups, classes]`.
    private let sums: DoubleMatrix
    private let counts: DoubleMatrix
    private let examples: DoubleMatrix
    private let labels: [Int]
    private let regularization: Double

    /// Sums up the groups; in the order of the classes, the k-th example is in group k modulo ``groups``.
    /// - Parameters:
    ///   - features: of the training examples, `[examples, width]`.
    ///   - trainingLabels: the class of each of them.
    ///   - weights: the weight of each training example, above 0; nil weights all alike.
    ///   - examples: features of the examples in question, `[examples, width]`.
    ///   - labels: the class of each of these.
    ///   - regularization: as of ``LinearProbe``.
    /// - Returns: nil if the features are wider than ``maximumWidth`` or there are fewer examples than features.
    package init?(
        features: DoubleMatrix, labels trainingLabels: [Int], classes: Int, weights: [Double]? = nil,
        asking examples: DoubleMatrix, labels: [Int], regularization: Double = 1e-3
    ) {
        let width = features.columns
        guard width <= Self.maximumWidth, width <= features.rows else { return nil }
        var members = [[Int]](repeating: [], count: Self.groups)
        // Class by class, so that each is spread evenly, and small classes do not all fall into the first groups.
        let order = trainingLabels.indices.sorted { (trainingLabels[$0], $0) < (trainingLabels[$1], $1) }
        for (place, row) in order.enumerated() { members[place % Self.groups].append(row) }
        var (products, targets): ([Double], [Double]) = ([], [])
        var (sums, counts): ([Double], [Double]) = ([], [])
        for rows in members {
            let own = weights.map { weights in rows.map { weights[$0] } }
            let total = own?.reduce(0, +) ?? Double(rows.count)
            let plain = DoubleMatrix(
                rows: rows.count, columns: width,
                elements: rows.flatMap { features.elements[$0 * width..<($0 + 1) * width] })
            var targetsOfGroup = DoubleMatrix(repeating: 0, rows: rows.count, columns: classes)
            for (place, row) in rows.enumerated() { targetsOfGroup[place, trainingLabels[row]] = 1 }
            let (x, y) = (plain.scalingRows(weights: own), targetsOfGroup.scalingRows(weights: own))
            // XᵀX [width x width], XᵀY [width x classes]
            products += x.times(x, transposingSelf: true).elements
            targets += x.times(y, transposingSelf: true).elements
            sums += plain.columnMeans(weights: own).map { $0 * total }
            counts += targetsOfGroup.columnMeans(weights: own).map { $0 * total }
        }
        self.products = DoubleMatrix(rows: Self.groups, columns: width * width, elements: products)
        self.targets = DoubleMatrix(rows: Self.groups, columns: width * classes, elements: targets)
        self.sums = DoubleMatrix(rows: Self.groups, columns: width, elements: sums)
        self.counts = DoubleMatrix(rows: Self.groups, columns: classes, elements: counts)
        (self.examples, self.labels, self.regularization) = (examples, labels, regularization)
    }

    /// The number of groups, and of examples in question.
    package var kinds: [Int] { [Self.groups, labels.count] }

    /// Computes the recall in each of several resamples.
    /// - Parameter draws: for each resample, how often each group and each example in question was drawn.
    /// - Returns: nil for a resample without a solution.
    package func recalls(drawn draws: [[[Double]]]) -> [Double?] {
        // A few at a time, whose products fit in memory.
        stride(from: 0, to: draws.count, by: 10).flatMap { start in
            let some = Array(draws[start..<min(start + 10, draws.count)])
            let weights = DoubleMatrix(rows: some.count, columns: Self.groups, elements: some.flatMap { $0[0] })
            // Sums over groups [resamples x ...] = weights [resamples x groups] · [groups x ...]
            let sums = [products, targets, self.sums, counts].map { weights.times($0) }
            return some.indices.map { number in
                let parts = sums.map { sum in
                    Array(sum.elements[number * sum.columns..<(number + 1) * sum.columns])
                }
                return recall(products: parts[0], targets: parts[1], sum: parts[2], counts: parts[3], some[number][1])
            }
        }
    }

    private func recall(
        products: [Double], targets: [Double], sum: [Double], counts: [Double], _ drawn: [Double]
    ) -> Double? {
        let (width, classes) = (sum.count, counts.count)
        let (total, asked) = (counts.reduce(0, +), drawn.reduce(0, +))
        guard total > 0, asked > 0 else { return nil }
        let (means, targetMeans) = (sum.map { $0 / total }, counts.map { $0 / total })
        var gram = DoubleMatrix(rows: width, columns: width, elements: products)
        var right = DoubleMatrix(rows: width, columns: classes, elements: targets)
        for row in 0..<width {
            for column in 0..<width { gram[row, column] -= total * means[row] * means[column] }
            for column in 0..<classes { right[row, column] -= total * means[row] * targetMeans[column] }
        }
        let penalty = regularization * gram.trace / Double(width)
        guard
            let fit = try? gram.addingToDiagonal(penalty)
                .solvingPositiveDefinite(right, named: "the probe's features")
        else { return nil }
        let offsets = DoubleMatrix(rows: 1, columns: width, elements: means).times(fit).elements
        let predicted = examples.times(fit).subtracting(zip(offsets, targetMeans).map { $0 - $1 }).largestInRows
        return predicted.indices.reduce(0) { $0 + (predicted[$1] == labels[$1] ? drawn[$1] : 0) } / asked
    }
}
