import ImageDatasets
package import NeuralGraph

/// Takes the forgotten classes' own directions out of the weights behind each stage, more the deeper it is; no training.
///
/// With the mean input vector μ of each class in the layer behind stage ℓ of L, the retained classes' as the columns of R, an
/// orthonormal basis Q of the residuals, and the accuracy a of a linear probe that tells forget from retain data:
///
///     d = μ - R R⁺ μ        W ← W (I - α Q Qᵀ)        α = min(1, max(0, 2 a - 1)) · ℓ / L
///
/// Where retained classes are as many as a vector's numbers, or more, nothing is left of μ and the layer stays.
///
/// Images that are gone have a stand-in: inputs that the model takes for the class, made from the model alone. What UNSIR's
/// noise points to is not the class: it is made to be as unlike it as can be.
///
/// Source: Hatami, Aalishah and Monosov, "Class Unlearning via Depth-Aware Removal of Forget-Specific Directions" (2026,
/// arXiv 2604.15166): residuals, projection, strength, five stages. This package's reading, for want of the authors' code: a
/// convolution's vector is the mean over the windows of its input; the probe is ridge regression on the same vectors, of as
/// many examples of each kind, and its accuracy that on a held-out part. Stand-ins are this package's.
public struct DepthAwareProjection: BuiltInMethod, Hashable {
    /// What is used in place of images of the classes to forget.
    package enum StandIn: String, Sendable, Codable, CaseIterable {
        /// Inputs that the model takes for the class, without regard to batch statistics.
        case inputs
        /// UNSIR's noise, which the model takes for anything but the class; here to show that it does not serve.
        case noise
    }

    /// The largest number of stages, 2 to 1,000.
    package var stages: Int
    /// What α is multiplied by, above 0 and at most 1.
    package var strength: Double
    /// Examples of each kind, at most, 8 or more.
    package var exampleLimit: Int
    /// The share of the probe's examples that measure it, above 0 and at most 0.5.
    package var heldOutShare: Double
    /// What is used in place of forget data; nil uses forget data.
    package var standIn: StandIn?

    /// Creates the method.
    public init() {
        self.init(standIn: nil)
    }

    package init(
        stages: Int = 5, strength: Double = 1, exampleLimit: Int = 2000, heldOutShare: Double = 0.2, standIn: StandIn?
    ) {
        self.stages = stages
        self.strength = strength
        self.exampleLimit = exampleLimit
        self.heldOutShare = heldOutShare
        self.standIn = standIn
    }

    package var traits: MethodTraits {
        standIn == nil
            ? MethodTraits(
                "damp", summary: "Projects weights off the class's own directions, more with depth; no training (DAMP)",
                requirements: [.retainData, .forgetData])
            : MethodTraits(
                "damp-stand-in", summary: "DAMP with inputs made from the model in place of images of the class",
                requirements: [.retainData])
    }

    package func check() throws {
        try Setting.check("stages", stages, isIn: 2...1000)
        guard strength > 0, strength <= 1 else {
            throw UnlearningError.invalidSetting(
                name: "strength", value: "\(strength)", remedy: "use a number above 0, at most 1")
        }
        try Setting.check("example limit", exampleLimit, isIn: Self.fewestExamples...100_000_000)
        guard heldOutShare > 0, heldOutShare <= 0.5 else {
            throw UnlearningError.invalidSetting(
                name: "held-out share", value: "\(heldOutShare)", remedy: "use a number above 0, at most 0.5")
        }
    }

    /// Inputs that stand in for a class's images; UNSIR's noise has its published settings.
    private static let synthesizer = InputSynthesizer(statisticsWeight: 0)
    private static let fewestExamples = 8
    /// The most examples of each kind that the probe sees.
    private static let probeLimit = 500

    package func costs(of request: UnlearningRequest) -> [Double] {
        let retained = Double(min(exampleLimit, request.retainedCount))
        let classes = request.classes.count
        switch standIn {
        case nil: return [retained + Double(min(exampleLimit, request.forgottenCount))]
        case .inputs:
            return [
                Self.synthesizer.cost(classes: classes), retained + Double(Self.synthesizer.perClass * classes),
            ]
        case .noise:
            let noise = NoiseMaximizer.Configuration()
            return [
                3 * Double(noise.imagesPerClass * noise.steps * classes),
                retained + Double(noise.imagesPerClass * classes),
            ]
        }
    }

    package func gentler(by divisor: Double, for model: Model) -> (any UnlearningMethod)? {
        var method = self
        method.strength /= divisor
        return method
    }

    package func makeModel(_ request: UnlearningRequest, _ session: UnlearningSession) throws -> Model {
        try project(
            request.model, forgetting: forgetData(request, session), retaining: request.retained(), session)
    }

    /// Takes the directions of some examples' classes out of a model.
    /// - Parameter accuracies: of probes by layer; nil fits probes.
    package func project(
        _ model: Model, forgetting forget: any ExampleSource, retaining retain: any ExampleSource,
        _ session: UnlearningSession, accuracies: [String: Double]? = nil
    ) throws -> Model {
        let stages = model.graph.layersAfterStages(limit: stages)
        let layers = stages.flatMap(\.self)
        let (kept, special) = try session.phase(.importance) {
            let (own, other) = (try chosen(retain, "retain", session), try chosen(forget, "forget", session))
            let probed = min(Self.probeLimit, own.count, other.count)
            return (
                try vectors(of: own, probed: probed, layers, named: "retain", model, session),
                try vectors(of: other, probed: probed, layers, named: "forget", model, session)
            )
        }
        return try session.phase(.forgetting) {
            let edits = try stages.enumerated().flatMap { number, layers in
                try layers.map { layer in
                    let accuracy =
                        try accuracies?[layer.name] ?? probeAccuracy(kept[layer.name], special[layer.name])
                    return Edit(
                        layer: layer, forgotten: special[layer.name]?.means ?? [],
                        retained: kept[layer.name]?.means ?? [],
                        alpha: strength * Self.alpha(accuracy: accuracy, stage: number + 1, of: stages.count))
                }
            }
            return try Self.apply(edits, to: model, method: name) {
                try session.finished($0, of: edits.count, in: .forgetting)
            }
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

    /// The examples of the classes to forget, or what stands in for them.
    private func forgetData(_ request: UnlearningRequest, _ session: UnlearningSession) throws -> any ExampleSource {
        switch standIn {
        case nil: return try request.forgotten()
        case .noise:
            return try CombinedExamples(try session.noise(NoiseMaximizer(), for: request).map { try $0.examples() })
        case .inputs:
            let others = Set(0..<request.model.classCount).subtracting(request.classes)
            return try session.phase(.synthesis) {
                try Self.synthesizer.examples(for: request.model, without: others, session)
            }
        }
    }

    /// The strength of a stage's edit, 0 to 1.
    /// - Parameters:
    ///   - accuracy: the probe's, 0 to 1, half of whose examples are forget data.
    ///   - stage: ℓ, 1 to `count`.
    ///   - count: L.
    package static func alpha(accuracy: Double, stage: Int, of count: Int) -> Double {
        min(1, max(0, 2 * accuracy - 1)) * Double(stage) / Double(count)
    }
}

// MARK: Vectors and probes

extension DepthAwareProjection {
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

// MARK: Weights

extension DepthAwareProjection {
    /// What is done to a layer.
    package struct Edit {
        let layer: LayerPatches
        /// Mean vectors of the classes to forget, all groups one after the other.
        let forgotten: [[Double]]
        /// Those of the others.
        let retained: [[Double]]
        let alpha: Double

        package init(layer: LayerPatches, forgotten: [[Double]], retained: [[Double]], alpha: Double) {
            self.layer = layer
            self.forgotten = forgotten
            self.retained = retained
            self.alpha = alpha
        }
    }

    /// Takes the classes' directions out of the weights.
    /// - Throws: ``UnlearningError`` if no layer has such a direction.
    package static func apply(
        _ edits: [Edit], to model: Model, method: String, finished: (Int) throws -> Void = { _ in }
    ) throws -> Model {
        var changed: [String: Tensor] = [:]
        for (number, edit) in edits.enumerated() {
            let layer = edit.layer
            if let weight = model.parameters[layer.weight], edit.alpha > 0 {
                var found = false
                let new = try layer.replacing(weight) { group, rows in
                    func part(_ vectors: [[Double]]) -> [[Double]] {
                        vectors.map { Array($0[group * layer.width..<(group + 1) * layer.width]) }
                    }
                    let basis = ForgetDirections.basis(
                        forgotten: part(edit.forgotten), retained: part(edit.retained))
                    found = found || !basis.isEmpty
                    return ForgetDirections.removing(basis, from: rows, strength: edit.alpha)
                }
                if found { changed[layer.weight] = new }
            }
            try finished(number + 1)
        }
        guard !changed.isEmpty else {
            throw UnlearningError(
                .unsupported,
                "method '\(method)' finds no direction that the classes to forget have for themselves: the network has "
                    + "too few features for its number of classes, or no stage tells them apart; take another method")
        }
        return try model.replacing(changed)
    }
}
