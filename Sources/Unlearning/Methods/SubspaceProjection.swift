import ImageDatasets
package import NeuralGraph

/// Takes out of the weights what they read from the directions of the forget data alone, without gradients or training.
///
/// For the input vectors of a convolution (windows of its input) or a linear layer, of retain and of forget data, with the
/// singular values σ and left singular vectors U of each kind's matrix of vectors:
///
///     M = U diag(α σ² / ((α - 1) σ² + Σ σ²)) Uᵀ        W ← W (I - (M_forget - M_forget M_retain))ᵀ
///
/// A larger α counts weaker directions too: of the retain data it protects more, of the forget data it removes more. Every
/// pair of a grid is scored by `retained accuracy · (1 - forgotten accuracy)` on training images that the spaces were not
/// computed from, and the best is taken; of equal ones the one that changes less.
///
/// Source: Kodge, Saha and Roy, "Deep Unlearning: Fast and Efficient Gradient-free Class Forgetting" (TMLR 2024, arXiv
/// 2312.00761), and the authors' code: the grid of their search, which scores by test images; 900 examples of each kind; at
/// most 10,000 windows of a layer, there from a random part of the maps, here from all of it. A convolution with groups has
/// a space for each group, of which the paper does not speak.
public struct SubspaceProjection: BuiltInMethod, Hashable {
    /// The values of α for the retain data that are tried, each 1 to 1,000,000.
    package var retainAlphas: [Int]
    /// The values of α for the forget data that are tried, each 1 to 1,000,000.
    package var forgetAlphas: [Int]
    /// Examples of each kind that the spaces are computed from, at most, 2 or more.
    package var exampleLimit: Int
    /// Vectors of each layer and kind, at most and rounded up to the same number for every example, 1 or more.
    package var patchLimit: Int
    /// The share of each kind that is kept out to score by, above 0 and at most 0.5; at most 1,000 examples.
    package var heldOutShare: Double

    /// Creates the method.
    public init() {
        self.init(retainAlphas: [10, 30, 100, 300, 1000], forgetAlphas: [1, 3, 10, 30, 100])
    }

    package init(
        retainAlphas: [Int], forgetAlphas: [Int], exampleLimit: Int = 900, patchLimit: Int = 10_000,
        heldOutShare: Double = 0.2
    ) {
        self.retainAlphas = retainAlphas
        self.forgetAlphas = forgetAlphas
        self.exampleLimit = exampleLimit
        self.patchLimit = patchLimit
        self.heldOutShare = heldOutShare
    }

    package var traits: MethodTraits {
        MethodTraits(
            "svd", summary: "Projects weights off the directions of forget data that retain data lack; no training",
            requirements: [.retainData, .forgetData])
    }

    package func check() throws {
        for (name, alphas) in [("retain alphas", retainAlphas), ("forget alphas", forgetAlphas)] {
            guard !alphas.isEmpty else {
                throw UnlearningError.invalidSetting(name: name, value: "empty", remedy: "give one or more")
            }
            for alpha in alphas { try Setting.check(name, alpha, isIn: 1...1_000_000) }
        }
        try Setting.check("example limit", exampleLimit, isIn: 2...100_000_000)
        try Setting.check("patch limit", patchLimit, isIn: 1...100_000_000)
        guard heldOutShare > 0, heldOutShare <= 0.5 else {
            throw UnlearningError.invalidSetting(
                name: "held-out share", value: "\(heldOutShare)", remedy: "use a number above 0, at most 0.5")
        }
    }

    package func costs(of request: UnlearningRequest) -> [Double] {
        let examples = [request.retainedCount, request.forgottenCount].map { Double(min(exampleLimit, $0)) }
        // What the solutions cost is about as much as what the vectors are computed with.
        let sum = examples.reduce(0, +)
        return [sum, 2 * sum]
    }

    package func gentler(by divisor: Double, for model: Model) -> (any UnlearningMethod)? {
        func unique(_ values: [Int]) -> [Int] { Set(values).sorted() }
        var method = self
        method.retainAlphas = unique(retainAlphas.map { min(1_000_000, Int((Double($0) * divisor).rounded())) })
        method.forgetAlphas = unique(forgetAlphas.map { max(1, Int((Double($0) / divisor).rounded())) })
        return method == self ? nil : method
    }

    package func makeModel(_ request: UnlearningRequest, _ session: UnlearningSession) throws -> Model {
        let retain = try split(request.retained(), named: "retain", session)
        let forget = try split(request.forgotten(), named: "forget", session)
        let layers = request.model.graph.layerPatches
        try checkMemory(layers, [retain.shown.count, forget.shown.count])
        let (kept, special) = try session.phase(.importance) {
            (
                try spaces(of: retain.shown, named: "retain", layers, request.model, session),
                try spaces(of: forget.shown, named: "forget", layers, request.model, session)
            )
        }
        let held = try CombinedExamples([retain.held, forget.held])
        let search = GridSearch(
            request: request, layers: layers, kept: kept, special: special, held: held, session: session,
            retainAlphas: retainAlphas.sorted(by: >), forgetAlphas: forgetAlphas.sorted())
        return try search.best()
    }

    /// The examples to compute spaces from, the same number of each class, and those to score by; none of them if there is
    /// nothing to choose.
    private func split(
        _ examples: any ExampleSource, named name: String, _ session: UnlearningSession
    ) throws -> (shown: ExampleSubset, held: ExampleSubset) {
        let seed = session.seed("\(self.name).\(name)")
        var order = Array(0..<examples.count)
        var held = 0
        if retainAlphas.count * forgetAlphas.count > 1 {
            guard order.count > 1 else {
                throw UnlearningError.invalidSetting(
                    name: "\(name) data", value: "1 example",
                    remedy: "give 2 or more, one of which scores the grid, or one alpha of each kind")
            }
            held = min(1000, max(1, Int((heldOutShare * Double(order.count)).rounded())))
            var random = SeededRandom(seed: seed, stream: "held-out")
            random.draw(held, toFrontOf: &order)
        }
        let rest = try ExampleSubset(examples, indices: order[held...].sorted())
        let shown = rest.balancedIndices(limit: exampleLimit, seed: seed).map { rest.indices[$0] }
        return (
            try ExampleSubset(examples, indices: shown),
            try ExampleSubset(examples, indices: order[..<held].sorted())
        )
    }

    /// The vectors that each example gives of a layer's.
    private func vectorsPerExample(_ layer: LayerPatches, examples: Int) -> Int {
        min(layer.positions, (patchLimit + examples - 1) / max(1, examples))
    }

    private func checkMemory(_ layers: [LayerPatches], _ counts: [Int]) throws {
        let needed = layers.reduce(0.0) { sum, layer in
            sum
                + counts.reduce(0.0) { sum, count in
                    let vectors = count * vectorsPerExample(layer, examples: count)
                    return sum + Double(layer.groups)
                        * Double(ActivationSpace.byteCount(vectors: vectors, width: layer.width))
                }
        }
        guard needed <= Double(MemoryLimit.byteCount) else {
            throw UnlearningError(
                .insufficientResources,
                "the activation spaces take \(Int(needed) >> 20) MiB, and this machine has "
                    + "\(MemoryLimit.byteCount >> 20) MiB; use a smaller patch limit than \(patchLimit)")
        }
    }

    /// Each layer's activation spaces, one for each group.
    private func spaces(
        of examples: ExampleSubset, named name: String, _ layers: [LayerPatches], _ model: Model,
        _ session: UnlearningSession
    ) throws -> [[ActivationSpace]] {
        let counts = layers.map { vectorsPerExample($0, examples: examples.count) }
        var builders = layers.enumerated().map { index, layer in
            [ActivationSpaceBuilder](
                repeating: ActivationSpaceBuilder(count: examples.count * counts[index], width: layer.width),
                count: layer.groups)
        }
        let seed = session.seed("\(self.name).\(name).patches")
        try LayerInputs(layers: layers, name: name).read(examples, by: model, session) { index, example, _, input in
            let layer = layers[index]
            var positions = Array(0..<layer.positions)
            if counts[index] < positions.count {
                var random = SeededRandom(seed: seed, stream: "\(layer.name) \(example)")
                random.draw(counts[index], toFrontOf: &positions)
            }
            var vector = [Double](repeating: 0, count: layer.width)
            for position in positions.prefix(counts[index]).sorted() {
                for group in 0..<layer.groups {
                    vector.withUnsafeMutableBufferPointer { buffer in
                        guard let target = buffer.baseAddress else { return }
                        layer.copy(position: position, group: group, of: input, to: target)
                    }
                    builders[index][group].add(vector)
                }
            }
        }
        return builders.indices.map { index in builders[index].indices.map { builders[index][$0].finish() } }
    }
}

/// Tries pairs of α, from those that change the least.
private struct GridSearch {
    let request: UnlearningRequest
    let layers: [LayerPatches]
    /// The retain data's activation spaces by layer and group.
    let kept: [[ActivationSpace]]
    /// The forget data's.
    let special: [[ActivationSpace]]
    /// The examples to score by.
    let held: any ExampleSource
    let session: UnlearningSession
    let retainAlphas: [Int]
    let forgetAlphas: [Int]

    private struct Trial {
        let model: Model
        let alphas: (retain: Int, forget: Int)
        let accuracy: Accuracy

        /// The paper's score, 0 to 1.
        var score: Double { (accuracy.retained ?? 0) * (1 - (accuracy.forgotten ?? 0)) }
    }

    /// Returns the model with the best score, the first of equal ones, and notes it.
    func best() throws -> Model {
        var best: Trial?
        for (round, retainAlpha) in retainAlphas.enumerated() {
            let unprotected = try session.phase(.forgetting) { try unprotectedRows(alpha: retainAlpha, round: round) }
            for (place, forgetAlpha) in forgetAlphas.enumerated() {
                let model = try session.phase(.forgetting) {
                    try projected(unprotected, alpha: forgetAlpha, round: round, place: place)
                }
                guard retainAlphas.count * forgetAlphas.count > 1 else { return model }
                let trial = Trial(model: model, alphas: (retainAlpha, forgetAlpha), accuracy: try accuracy(of: model))
                if best.map({ trial.score > $0.score }) ?? true { best = trial }
            }
        }
        guard let best else { return request.model }
        session.note(
            "Of \(retainAlphas.count * forgetAlphas.count) pairs, alphas of \(best.alphas.retain) (retain) and "
                + "\(best.alphas.forget) (forget) score best: of \(held.count) held-out training images "
                + "\(best.accuracy.retained.percentText) of the retained and \(best.accuracy.forgotten.percentText) of "
                + "the forgotten classes' are recognized.")
        return best.model
    }

    private func accuracy(of model: Model) throws -> Accuracy {
        let logits = try session.phase(.evaluation) {
            try Predictor().logits(of: held, by: model, context: session.context)
        }
        return try Accuracy(
            logits: logits.masking(request.earlierClasses), labels: held.labels, forgottenClasses: request.classes)
    }

    /// `W - W M_retain` by layer and group: what the retain data do not hold on to.
    private func unprotectedRows(alpha: Int, round: Int) throws -> [[DoubleMatrix]] {
        try layers.enumerated().map { index, layer in
            guard let weight = request.model.parameters[layer.weight] else { return [] }
            let groups = try (0..<layer.groups).map { group in
                let rows = layer.rows(of: weight, group: group)
                return rows.subtracting(
                    try kept[index][group].projection(of: rows, alpha: Double(alpha), named: layer.name))
            }
            try finished(round * (1 + forgetAlphas.count), layer: index)
            return groups
        }
    }

    /// The model with `W - (W - W M_retain) M_forget`.
    private func projected(
        _ unprotected: [[DoubleMatrix]], alpha: Int, round: Int, place: Int
    ) throws -> Model {
        var changed: [String: Tensor] = [:]
        for (index, layer) in layers.enumerated() {
            guard let weight = request.model.parameters[layer.weight] else { continue }
            changed[layer.weight] = try layer.replacing(weight) { group, rows in
                rows.subtracting(
                    try special[index][group].projection(
                        of: unprotected[index][group], alpha: Double(alpha), named: layer.name))
            }
            try finished(round * (1 + forgetAlphas.count) + 1 + place, layer: index)
        }
        return try request.model.replacing(changed)
    }

    /// Reports a layer of one of the passes over all layers.
    private func finished(_ pass: Int, layer: Int) throws {
        let passes = retainAlphas.count * (1 + forgetAlphas.count)
        try session.finished(pass * layers.count + layer + 1, of: passes * layers.count, in: .forgetting)
    }
}
