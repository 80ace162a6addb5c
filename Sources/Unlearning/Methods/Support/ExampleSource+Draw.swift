package import ImageDatasets
import NeuralGraph

extension ExampleSource {
    /// Examples drawn at random in equal numbers from each class, in their order; all of them within the limit.
    ///
    /// A class that has fewer than its part gives all, and the others give the rest.
    /// - Parameter limit: the most examples, at least 1; nil for all.
    package func drawn(atMost limit: Int?, seed: UInt64) throws -> any ExampleSource {
        guard let limit, limit < count else { return self }
        var random = SeededRandom(seed: seed, stream: "draw")
        let labels = labels
        var (chosen, left) = ([Int](), limit)
        let members = Dictionary(grouping: labels.indices) { labels[$0] }
            .sorted { ($0.value.count, $0.key) < ($1.value.count, $1.key) }.map(\.value)
        for (place, var positions) in members.enumerated() {
            // The smallest classes come first, so that the others share what they lack.
            let part = min(positions.count, left / (members.count - place))
            random.draw(part, toFrontOf: &positions)
            chosen += positions.prefix(part)
            left -= part
        }
        return try ExampleSubset(self, indices: chosen.sorted())
    }
}
