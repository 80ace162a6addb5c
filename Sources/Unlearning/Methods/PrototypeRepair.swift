import ImageDatasets
public import NeuralGraph

/// The default method: reinitializes the forgotten classes' rows of the last layer and trains the last blocks.
///
/// Training on the retain data pulls outputs towards the original without the forgotten classes, and features towards
/// the means that the retained classes have. No example of the forgotten classes is needed.
///
/// The original's outputs for the retain data, computed once, with the forgotten logits masked before softmax, make a
/// teacher. Half the teacher and half the label make each example's target q. The loss is
///
///     -Σ_k q_k log softmax(z)_k + μ ‖f - Σ_k q_k m_k‖² / V
///
/// with the logits z, the penultimate features f, the original's mean features m_k of the retained classes, and the
/// variance V of its features. The second term pulls together what differs between examples of one class, and with it
/// what a probe would recognize a forgotten class by.
///
/// The blocks before the trained ones run over the data once, in inference mode, and stay equal to the bit;
/// augmentation is therefore left out. The rate rises and falls in one cycle. Source: this package. The masked
/// teacher is that of Zhou et al. (arXiv 2503.23751), there used on the forget data; features that gather at class
/// means are the neural collapse of Papyan et al. (arXiv 2008.08186). `Docs/Recipes.md` lists what was tried and
/// measured.
public struct PrototypeRepair: BuiltInMethod, Hashable {
    /// The part of the label in the target, 0 to 1; the rest is the masked original's output.
    public var labelShare: Float
    /// μ, 0 or more.
    public var featureWeight: Double
    /// The share of the network's blocks, counted from the last, that is trained, 0 to 1.
    ///
    /// It is rounded down to blocks, but at least one is trained; 1 trains the whole network.
    public var trainedShare: Double
    /// The share of the blocks, counted from the last, that starts from new weights, 0 to 1; no more than is trained.
    ///
    /// It is rounded down to blocks. The last layer keeps its rows of the retained classes.
    public var reinitializedShare: Double
    /// How it is trained, but for the rate if ``learningRate`` is nil.
    public var training: TrainingConfiguration
    /// The largest rate, above 0; nil chooses one by the original's and by whether there is batch norm.
    public var learningRate: Double?
    /// Watches the retained classes; nil watches nothing.
    public var guarding: RetainGuard?
    /// UNSIR's first two steps, before the repair; nil leaves them out.
    public var damage: NoiseDamage?

    /// How noise against the classes is learned, and how the trained blocks are impaired with it.
    public struct NoiseDamage: Sendable, Codable, Hashable {
        /// How noise is learned.
        public var noise: NoiseMaximizer.Configuration
        /// How the trained blocks are impaired; the others stay as they are.
        public var impair: ImpairStep.Configuration

        /// Creates settings; by default a few bounded steps.
        public init(
            noise: NoiseMaximizer.Configuration = NoiseMaximizer.Configuration(imagesPerClass: 128, steps: 10),
            impair: ImpairStep.Configuration = ImpairStep.Configuration(
                noiseRepetitions: 16, retainLimit: 2048,
                training: TrainingConfiguration(batchSize: 512, learningRate: 0.004))
        ) {
            self.noise = noise
            self.impair = impair
        }
    }

    /// Creates the method; with the default settings unless others are given.
    public init(
        labelShare: Float = 0.5, featureWeight: Double = 4, trainedShare: Double = 0.5, reinitializedShare: Double = 0,
        training: TrainingConfiguration = TrainingConfiguration(
            epochs: 4, minimumSteps: 60, batchSize: 512, schedule: .oneCycle(warmUpFraction: 0.2)),
        learningRate: Double? = nil, guarding: RetainGuard? = RetainGuard(),
        damage: NoiseDamage? = nil
    ) {
        self.labelShare = labelShare
        self.featureWeight = featureWeight
        self.trainedShare = trainedShare
        self.reinitializedShare = reinitializedShare
        self.training = training
        self.learningRate = learningRate
        self.guarding = guarding
        self.damage = damage
    }

    package var traits: MethodTraits {
        MethodTraits(methodName, summary: summaryText, requirements: [.retainData])
    }

    private var methodName: String {
        switch self {
        case .default: "default"
        case .fast: "fast"
        case .thorough: "thorough"
        default: "prototypes"
        }
    }

    /// Names the random numbers.
    private static let stream = "prototypes"

    package func check() throws {
        try training.validate()
        try guarding?.validate()
        try damage?.noise.validate()
        try damage?.impair.validate()
        if let learningRate { try Setting.check("learning rate", learningRate, isAbove: 0) }
        try Setting.check(share: "label share", Double(labelShare))
        try Setting.check(share: "trained share", trainedShare)
        try Setting.check(share: "reinitialized share", reinitializedShare)
        try Setting.check("feature weight", featureWeight, isAtLeast: 0)
    }

    package func costs(of request: UnlearningRequest) -> [Double] {
        let retained = Double(request.retainedCount)
        let repair = training.cost(examples: retained) * trainedShare
        var costs = trainedShare < 1 ? [retained] : []
        if let damage {
            let images = Double(request.classes.count * damage.noise.imagesPerClass)
            let shown =
                images * Double(damage.impair.noiseRepetitions)
                + min(retained, Double(damage.impair.retainLimit ?? .max))
            costs.insert(2 * images * Double(damage.noise.steps), at: 0)
            costs += [images * trainedShare, damage.impair.training.cost(examples: shown) * trainedShare]
        }
        costs += [retained * trainedShare, repair]
        if let guarding { costs.append(retained * guarding.share) }
        return costs
    }

    /// The largest rate for a model: networks without batch norm bear a quarter of what those with it do.
    package func rate(for model: Model) -> Double {
        if let learningRate { return learningRate }
        let normalizes = model.graph.nodes.contains { $0.operation is BatchNormalization }
        // A rate that is known may be gradient descent's, which is no measure for Adam above these limits.
        let trained = min(2.5e-3, max(2.5e-4, model.metadata.learningRate ?? 1e-3))
        return (normalizes ? 4 : 1) * trained
    }

    package var guardsItself: Bool { guarding != nil }

    package func makeModel(_ request: UnlearningRequest, _ session: UnlearningSession) throws -> Model {
        // Found out before anything is computed.
        guard request.model.graph.head != nil else { throw UnlearningError.noLinearHead(method: name) }
        let noise = try damage.map { try session.noise(NoiseMaximizer(configuration: $0.noise), for: request) } ?? []
        let (frozen, part) = try parts(of: request.model)
        let retain: any ExampleSource =
            if let frozen { try session.features(of: request.retained(), by: frozen) } else { try request.retained() }
        let impaired = try impaired(part, behind: frozen, noise: noise, retaining: retain, session)
        let fresh = try reinitialized(
            request.model.replacing(impaired.stateDictionary), within: part,
            seed: session.seed("\(Self.stream).blocks"))
        let model = try fresh.reinitializingHead(
            of: request.classes, seed: session.seed("\(Self.stream).rows"), method: name)
        let trained = try part.replacing(model.stateDictionary.filter { part.stateDictionary[$0.key] != nil })
        guard let student = trained.withFeatureOutput else { throw UnlearningError.noLinearHead(method: name) }
        let targets = try DistillationTargets(
            outputs: session.outputs(of: teacher(of: student, original: request.model), on: retain),
            labels: retain.labels,
            classes: request.model.classCount, masking: request.forgottenClasses, labelShare: labelShare)
        let (shown, watched) =
            guarding?.split(retain.count, seed: session.seed("\(Self.stream).guard")) ?? (Array(0..<retain.count), [])
        let examples = try ExampleSubset(retain, indices: shown)
        let objective = try targets.objective(for: shown, featureWeight: featureWeight)

        func train(_ rate: Double) throws -> Model {
            var configuration = training
            configuration.learningRate = rate
            return try session.train(
                student,
                TrainingLoop(
                    examples: examples, examplesName: "retain", configuration: configuration, phase: .repair,
                    stream: Self.stream, objective: objective))
        }
        let rate = rate(for: request.model)
        guard let guarding, !watched.isEmpty else { return try model.replacing(train(rate).stateDictionary) }
        let held = try ExampleSubset(retain, indices: watched)
        let repaired = try guarding.train(
            at: rate, original: targets.correct(among: watched), of: watched.count, session, train: train
        ) { candidate in
            let outputs = try session.outputs(of: candidate, on: held)
            return DistillationTargets.correct(outputs, labels: held.labels, classes: model.classCount)
        }
        return try model.replacing(repaired.stateDictionary)
    }

    /// The trained part after UNSIR's second step, on what the frozen part makes of noise and retain data.
    private func impaired(
        _ part: Model, behind frozen: Model?, noise: [Noise], retaining retain: any ExampleSource,
        _ session: UnlearningSession
    ) throws -> Model {
        guard let damage, !noise.isEmpty else { return part }
        let features = try noise.map { noise in
            guard let frozen else { return noise }
            return Noise(label: noise.label, images: try session.features(of: noise.examples(), by: frozen).inputs)
        }
        return try session.impair(
            ImpairStep(configuration: damage.impair), part, noise: features, retaining: retain)
    }

    /// The model with new weights in its last blocks, as many as are asked for and trained; the last layer stays.
    private func reinitialized(_ model: Model, within part: Model, seed: UInt64) throws -> Model {
        let blocks = model.graph.weightedBlocks
        let count = Int((reinitializedShare * Double(blocks.count)).rounded(.down))
        guard count > 0 else { return model }
        let tail = count < blocks.count ? try model.cut(at: blocks[blocks.count - 1 - count]).tail : model
        let headKeys = Set(model.graph.head.map { node in node.parameters.map { node.key($0.name) } } ?? [])
        let new = Model(graph: tail.graph, metadata: tail.metadata, seed: seed).stateDictionary
        return try model.replacing(
            new.filter { part.stateDictionary[$0.key] != nil && !headKeys.contains($0.key) })
    }

    /// The blocks that stay, nil if all are trained, and those that are trained.
    private func parts(of model: Model) throws -> (frozen: Model?, trained: Model) {
        let blocks = model.graph.weightedBlocks
        let count = max(1, Int((trainedShare * Double(blocks.count)).rounded(.down)))
        guard count < blocks.count else { return (nil, model) }
        let (head, tail) = try model.cut(at: blocks[blocks.count - 1 - count])
        return (head, tail)
    }

    /// The part that is trained as the original has it, its last layer included.
    private func teacher(of student: Model, original: Model) throws -> Model {
        try student.replacing(original.stateDictionary.filter { student.stateDictionary[$0.key] != nil })
    }
}

extension PrototypeRepair.NoiseDamage {
    /// Reads settings; those that are missing have their defaults.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let defaults = PrototypeRepair.NoiseDamage()
        noise = try container.decode(.noise, or: defaults.noise)
        impair = try container.decode(.impair, or: defaults.impair)
    }
}

extension UnlearningMethod where Self == PrototypeRepair {
    /// Trains the last half of the network's blocks: seconds for a small network.
    public static var `default`: PrototypeRepair { PrototypeRepair() }

    /// Trains the last quarter of the blocks in about half the steps.
    public static var fast: PrototypeRepair {
        PrototypeRepair(
            trainedShare: 0.25,
            training: TrainingConfiguration(
                epochs: 2, minimumSteps: 36, batchSize: 512, schedule: .oneCycle(warmUpFraction: 0.2)))
    }

    /// Trains the whole network for longer.
    public static var thorough: PrototypeRepair {
        PrototypeRepair(
            trainedShare: 1,
            training: TrainingConfiguration(
                epochs: 5, minimumSteps: 180, batchSize: 256, schedule: .oneCycle(warmUpFraction: 0.2)))
    }
}

extension PrototypeRepair {
    private var summaryText: String {
        let text =
            "Reinitializes the classes' rows, then trains the last blocks toward the original without the classes"
        return switch self {
        case .fast: text + ", briefly"
        case .thorough: text + ", all blocks and longer"
        default: text
        }
    }
}
