import ImageDatasets
package import NeuralGraph

extension DepthAwareProjection {
    /// Takes the directions of some examples' classes out of a model.
    /// - Parameter accuracies: of probes by layer; nil fits probes.
    /// - Returns: nil if no layer has such a direction.
    /// - Throws: ``UnlearningError``, and `CancellationError`.
    package func project(
        _ model: Model, forgetting forget: any ExampleSource, retaining retain: any ExampleSource,
        _ session: UnlearningSession, accuracies: [String: Double]? = nil
    ) throws -> Model? {
        let stages = model.graph.layersAfterStages(limit: stages)
        let layers = stages.flatMap(\.self)
        let (kept, special) = try session.phase(.importance) {
            let (own, other) = (try chosen(retain, "retain", session), try chosen(forget, "forget", session))
            let probed = standIn == nil ? min(Self.probeLimit, own.count, other.count) : 0
            return (
                try vectors(of: own, probed: probed, layers, named: "retain", model, session),
                try vectors(of: other, probed: probed, layers, named: "forget", model, session)
            )
        }
        return try session.phase(.forgetting) {
            var changed: [String: Tensor] = [:]
            var done = 0
            for (number, layers) in stages.enumerated() {
                for layer in layers {
                    let accuracy =
                        try accuracies?[layer.name] ?? probeAccuracy(kept[layer.name], special[layer.name])
                    let alpha = strength * Self.alpha(accuracy: accuracy, stage: number + 1, of: stages.count)
                    if alpha > 0, let weight = model.parameters[layer.weight] {
                        changed[layer.weight] = try layer.removing(
                            special[layer.name]?.means ?? [], beside: kept[layer.name]?.means ?? [], from: weight,
                            strength: alpha)
                    }
                    done += 1
                    try session.finished(done, of: kept.count, in: .forgetting)
                }
            }
            return changed.isEmpty ? nil : try model.replacing(changed)
        }
    }

    private func chosen(
        _ examples: any ExampleSource, _ kind: String, _ session: UnlearningSession
    ) throws -> ExampleSubset {
        guard examples.count >= Self.fewestExamples else {
            throw UnlearningError.invalidSetting(
                name: "\(kind) data", value: examples.count == 1 ? "1 example" : "\(examples.count) examples",
                remedy: "give \(Self.fewestExamples) or more, which a probe is fitted to and measured on")
        }
        return try ExampleSubset(
            examples, indices: examples.balancedIndices(limit: exampleLimit, seed: session.seed("\(name).\(kind)")))
    }

    /// The most examples of each kind that the probe sees.
    private static let probeLimit = 500

    /// The vectors of a layer, averaged over positions.
    private struct Vectors {
        /// The mean of each class that has examples, in rising order of classes.
        var means: [[Double]] = []
        /// Those of the examples that the probe gets, in random order.
        var probed: [Float]
        let width: Int
    }

    private func vectors(
        of examples: ExampleSubset, probed count: Int, _ layers: [LayerPatches], named name: String, _ model: Model,
        _ session: UnlearningSession
    ) throws -> [String: Vectors] {
        var order = Array(0..<examples.count)
        var random = SeededRandom(seed: session.seed("\(self.name).\(name).probe"), stream: "probe")
        random.draw(count, toFrontOf: &order)
        let places = Dictionary(order.prefix(count).enumerated().map { ($0.element, $0.offset) }) { first, _ in first }
        let K = model.classCount
        var counts = [Int](repeating: 0, count: K)
        for label in examples.labels { counts[label] += 1 }
        var sums = layers.map { [[Double]](repeating: [Double](repeating: 0, count: $0.width * $0.groups), count: K) }
        var vectors = layers.map { layer in
            let width = layer.width * layer.groups
            return Vectors(probed: [Float](repeating: 0, count: count * width), width: width)
        }
        try LayerInputs(layers: layers, name: name).read(examples, by: model, session) { index, example, label, input in
            let mean = layers[index].meanVector(of: input)
            for position in mean.indices { sums[index][label][position] += mean[position] }
            guard let place = places[example] else { return }
            for position in mean.indices {
                vectors[index].probed[place * mean.count + position] = Float(mean[position])
            }
        }
        for index in layers.indices {
            vectors[index].means = (0..<K).filter { counts[$0] > 0 }.map { label in
                sums[index][label].map { $0 / Double(counts[label]) }
            }
        }
        return Dictionary(zip(layers.map(\.name), vectors)) { first, _ in first }
    }

    /// The accuracy of a probe of both kinds' vectors on a part that it was not fitted to.
    private func probeAccuracy(_ retain: Vectors?, _ forget: Vectors?) throws -> Double {
        // That a probe tells made inputs from images says nothing of the class.
        guard standIn == nil else { return 1 }
        guard let retain, let forget, retain.width > 0 else { return 0.5 }
        let width = retain.width
        let count = retain.probed.count / width
        let held = max(1, Int((heldOutShare * Double(count)).rounded()))
        func tensor(_ range: Range<Int>) throws -> Tensor {
            let part = range.lowerBound * width..<range.upperBound * width
            return try Tensor(
                Array(retain.probed[part]) + forget.probed[part], shape: [2 * range.count, width])
        }
        func labels(_ range: Range<Int>) -> [Int] { range.map { _ in 0 } + range.map { _ in 1 } }
        let (fitted, measured) = (held..<count, 0..<held)
        let probe: LinearProbe
        do {
            probe = try LinearProbe(features: tensor(fitted), labels: labels(fitted), classes: 2)
        } catch is LinearAlgebraError {
            // Vectors that are all the same tell nothing apart.
            return 0.5
        }
        let found = try probe.predictions(of: tensor(measured))
        return Double(zip(found, labels(measured)).count { $0 == $1 }) / Double(max(1, found.count))
    }
}

extension LayerPatches {
    /// The weight without the directions that mean vectors have beside others, all groups one after the other.
    /// - Returns: nil if no group has such a direction.
    fileprivate func removing(
        _ forgotten: [[Double]], beside retained: [[Double]], from weight: Tensor, strength: Double
    ) throws -> Tensor? {
        var found = false
        let new = try replacing(weight) { group, rows in
            func part(_ vectors: [[Double]]) -> [[Double]] {
                vectors.map { Array($0[group * width..<(group + 1) * width]) }
            }
            let basis = ForgetDirections.basis(forgotten: part(forgotten), retained: part(retained))
            found = found || !basis.isEmpty
            return ForgetDirections.removing(basis, from: rows, strength: strength)
        }
        return found ? new : nil
    }
}
