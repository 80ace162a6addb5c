import ImageDatasets
public import NeuralGraph

/// UNSIR's three steps on the last blocks of the network, with a repair toward the original without the classes.
///
/// It is the default method. ``NoiseMaximizer`` learns noise against the classes; ``ImpairStep`` damages the trained
/// blocks with it, in few steps at a bounded rate; the classes' rows of the last layer are reinitialized; and
/// ``RepairStep`` trains the blocks on retain data toward ``RepairTargets``: labels, the original's outputs without the
/// forgotten classes, and the means of the retained classes' features, which pull together what differs between examples
/// of one class, and with it what a probe would recognize a forgotten class by. No example of the forgotten classes is
/// needed. ``noiseless`` leaves out the first two steps.
///
/// The blocks before the trained ones run over the data once, in inference mode, and stay equal to the bit;
/// augmentation is therefore left out. The repair's rate rises and falls in one cycle. Source: Tarun et al.
/// (arXiv 2111.08947), section IV; the targets are this package's. `Docs/Recipes.md` lists what was tried and measured.
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
    /// The largest rate in multiples of the original's, above 0, if ``learningRate`` is nil and there is batch norm.
    ///
    /// Without batch norm it is the original's, at most.
    package var rateFactor: Double
    /// Retain examples that are used at most, drawn evenly over the classes; nil uses all of them.
    ///
    /// It bounds memory and steps for networks with many classes.
    public var retainLimit: Int?
    /// The most examples that the repair shows, as a share of those that the original's training showed; nil sets no bound.
    ///
    /// It holds for models whose files say how long they were trained, but not for short trainings: see ``extent(for:retained:)``.
    package var trainingShare: Double?
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
        /// Noise images of all classes together, at most, but one of each; 1 to 1,000,000.
        package var imageLimit: Int

        /// Creates settings; by default a few bounded steps.
        public init(
            noise: NoiseMaximizer.Configuration = NoiseMaximizer.Configuration(imagesPerClass: 128, steps: 10),
            impair: ImpairStep.Configuration = ImpairStep.Configuration(
                noiseRepetitions: 4, retainLimit: 1024,
                training: TrainingConfiguration(batchSize: 512, learningRate: 5e-4, freezesBatchNorm: true)),
            imageLimit: Int = 256
        ) {
            self.noise = noise
            self.impair = impair
            self.imageLimit = imageLimit
        }

        /// The settings for a request: no more noise is shown than retain examples, of which there may be few.
        package func bounded(classes: Int, retained: Int) -> NoiseDamage {
            var bounded = self
            let shown = max(1, min(retained, impair.retainLimit ?? .max))
            let images = min(imageLimit, shown) / max(1, classes)
            bounded.noise.imagesPerClass = max(1, min(noise.imagesPerClass, images))
            bounded.impair.noiseRepetitions = max(
                1, min(impair.noiseRepetitions, shown / (max(1, classes) * bounded.noise.imagesPerClass)))
            return bounded
        }

        /// Checks every setting.
        func validate() throws {
            try noise.validate()
            try impair.validate()
            try Setting.check("noise image limit", imageLimit, isIn: 1...1_000_000)
        }
    }

    /// Creates the method; without noise and with the default settings unless others are given.
    public init(
        labelShare: Float = 0.5, featureWeight: Double = 2, trainedShare: Double = 0.5, reinitializedShare: Double = 0,
        training: TrainingConfiguration = TrainingConfiguration(
            epochs: 4, minimumSteps: 120, batchSize: 256, schedule: .oneCycle(warmUpFraction: 0.2)),
        learningRate: Double? = nil, rateFactor: Double = 2, retainLimit: Int? = 9216, trainingShare: Double? = 0.2,
        guarding: RetainGuard? = RetainGuard(),
        damage: NoiseDamage? = nil
    ) {
        self.labelShare = labelShare
        self.featureWeight = featureWeight
        self.trainedShare = trainedShare
        self.reinitializedShare = reinitializedShare
        self.training = training
        self.learningRate = learningRate
        self.rateFactor = rateFactor
        self.retainLimit = retainLimit
        self.trainingShare = trainingShare
        self.guarding = guarding
        self.damage = damage
    }

    package var traits: MethodTraits {
        MethodTraits(methodName, summary: summaryText, requirements: [.retainData])
    }

    private var methodName: String {
        switch recipe {
        case .default: "default"
        case .noiseless: "noiseless"
        case .fast: "fast"
        case .thorough: "thorough"
        default: "prototypes"
        }
    }

    package func check() throws {
        try training.validate()
        try guarding?.validate()
        try damage?.validate()
        try targets.validate()
        if let learningRate { try Setting.check("learning rate", learningRate, isAbove: 0) }
        try Setting.check("rate factor", rateFactor, isAbove: 0)
        if let retainLimit { try Setting.check("retain limit", retainLimit, isIn: 1...100_000_000) }
        if let trainingShare { try Setting.check("share of the training", trainingShare, isAbove: 0) }
        try Setting.check(share: "trained share", trainedShare)
        try Setting.check(share: "reinitialized share", reinitializedShare)
    }

    /// The largest rate for a model: networks without batch norm bear less than those with it.
    package func rate(for model: Model) -> Double {
        if let learningRate { return learningRate }
        let normalizes = model.graph.nodes.contains { $0.operation is BatchNormalization }
        // A rate that is known may be gradient descent's, which is no measure for Adam above these limits.
        let trained = min(2.5e-3, max(2.5e-4, model.metadata.learningRate ?? 1e-3))
        return (normalizes ? rateFactor : min(1, rateFactor)) * trained
    }

    package var guardsItself: Bool { guarding != nil }

    package var unguarded: PrototypeRepair {
        var method = self
        method.guarding = nil
        return method
    }

    /// The settings that names go by: a preset that runs without its guard is still that preset.
    private var recipe: PrototypeRepair {
        var method = self
        method.guarding = guarding ?? RetainGuard()
        return method
    }

    /// UNSIR's first two steps for a request.
    func damage(for request: UnlearningRequest) -> NoiseDamage? {
        damage?.bounded(
            classes: request.classes.count, retained: min(request.retainedCount, retainLimit ?? .max))
    }

    private var targets: RepairTargets { RepairTargets(labelShare: labelShare, featureWeight: featureWeight) }

    package func makeModel(_ request: UnlearningRequest, _ session: UnlearningSession) throws -> Model {
        // Found out before anything is computed.
        guard request.model.graph.head != nil else { throw UnlearningError.noLinearHead(method: name) }
        let damage = damage(for: request)
        let noise =
            try damage.map { try session.noise(NoiseMaximizer(configuration: $0.noise), for: request) } ?? []
        let (frozen, part) = try parts(of: request.model)
        let (limit, training) = extent(for: request.model, retained: request.retainedCount)
        let examples = try request.retained().drawn(
            atMost: limit, seed: session.seed("\(TargetedRepair.stream).retain"))
        let retain: any ExampleSource =
            if let frozen { try session.features(of: examples, by: frozen) } else { examples }
        let impaired =
            try damage.map {
                try self.impaired(part, by: $0.impair, behind: frozen, noise: noise, retaining: retain, session)
            } ?? part
        let damaged = try request.model.replacing(impaired.stateDictionary)
        if !noise.isEmpty { try session.measure(damaged, after: .impair) }
        let fresh = try reinitialized(
            damaged, within: part, seed: session.seed("\(TargetedRepair.stream).blocks"))
        let repair = try TargetedRepair(
            part.replacing(fresh.stateDictionary.filter { part.stateDictionary[$0.key] != nil }), toward: part,
            classes: request.classes, masking: request.forgottenClasses, retaining: retain, as: targets,
            rowSeed: session.seed("\(TargetedRepair.stream).rows"), method: name
        ) { try session.outputs(of: $0, on: retain) }
        let trained = try trained(repair, on: retain, training, rate: rate(for: request.model), session)
        return try request.model.replacing(trained.stateDictionary)
    }

    /// The repaired student, under the guard if there is one.
    private func trained(
        _ repair: TargetedRepair, on retain: any ExampleSource, _ training: TrainingConfiguration, rate: Double,
        _ session: UnlearningSession
    ) throws -> Model {
        let (shown, watched) =
            guarding?.split(retain.count, seed: session.seed("\(TargetedRepair.stream).guard"))
            ?? (Array(0..<retain.count), [])
        let examples = try ExampleSubset(retain, indices: shown)
        func train(_ rate: Double) throws -> Model {
            var configuration = training
            configuration.learningRate = rate
            return try session.train(
                repair.student, repair.loop(on: examples, indices: shown, configuration))
        }
        guard let guarding, !watched.isEmpty else { return try train(rate) }
        let held = try ExampleSubset(retain, indices: watched)
        let K = repair.targets.targets.shape[1]
        return try guarding.train(
            at: rate, after: repair.targets.answers(to: watched), session, train: train
        ) { candidate in
            let outputs = try session.outputs(of: candidate, on: held)
            return try WatchedAnswers(DistillationTargets.logits(in: outputs, classes: K), labels: held.labels)
        }
    }

    /// The trained part after UNSIR's second step, on what the frozen part makes of noise and retain data.
    private func impaired(
        _ part: Model, by configuration: ImpairStep.Configuration, behind frozen: Model?, noise: [Noise],
        retaining retain: any ExampleSource, _ session: UnlearningSession
    ) throws -> Model {
        let features = try noise.map { noise in
            guard let frozen else { return noise }
            return Noise(label: noise.label, images: try session.features(of: noise.examples(), by: frozen).inputs)
        }
        return try session.impair(
            ImpairStep(configuration: configuration), part, noise: features, retaining: retain)
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
}

extension PrototypeRepair {
    /// Reads settings; those that the version that wrote them did not know have the values that it had.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let defaults = PrototypeRepair()
        labelShare = try container.decode(.labelShare, or: defaults.labelShare)
        featureWeight = try container.decode(.featureWeight, or: defaults.featureWeight)
        trainedShare = try container.decode(.trainedShare, or: defaults.trainedShare)
        reinitializedShare = try container.decode(.reinitializedShare, or: defaults.reinitializedShare)
        training = try container.decode(.training, or: defaults.training)
        learningRate = try container.decodeIfPresent(Double.self, forKey: .learningRate)
        rateFactor = try container.decode(.rateFactor, or: 4)
        retainLimit = try container.decodeIfPresent(Int.self, forKey: .retainLimit)
        trainingShare = try container.decodeIfPresent(Double.self, forKey: .trainingShare)
        guarding = try container.decodeIfPresent(RetainGuard.self, forKey: .guarding)
        damage = try container.decodeIfPresent(NoiseDamage.self, forKey: .damage)
    }
}

extension PrototypeRepair.NoiseDamage {
    /// Reads settings; those that are missing have their defaults.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let defaults = PrototypeRepair.NoiseDamage()
        noise = try container.decode(.noise, or: defaults.noise)
        impair = try container.decode(.impair, or: defaults.impair)
        imageLimit = try container.decode(.imageLimit, or: defaults.imageLimit)
    }
}

extension UnlearningMethod where Self == PrototypeRepair {
    /// Learns noise, impairs the last half of the network's blocks with it and repairs them: seconds for a small network.
    public static var `default`: PrototypeRepair { PrototypeRepair(damage: PrototypeRepair.NoiseDamage()) }

    /// Repairs the same blocks without noise and impair step.
    public static var noiseless: PrototypeRepair { PrototypeRepair() }

    /// Repairs the last quarter of the blocks without noise, in about half the steps.
    public static var fast: PrototypeRepair {
        PrototypeRepair(
            featureWeight: 4, trainedShare: 0.25,
            training: TrainingConfiguration(
                epochs: 2, minimumSteps: 36, batchSize: 512, schedule: .oneCycle(warmUpFraction: 0.2)), rateFactor: 4)
    }

    /// Repairs the whole network without noise, for longer.
    public static var thorough: PrototypeRepair {
        PrototypeRepair(
            featureWeight: 4, trainedShare: 1,
            training: TrainingConfiguration(
                epochs: 5, minimumSteps: 180, batchSize: 256, schedule: .oneCycle(warmUpFraction: 0.2)), rateFactor: 4,
            trainingShare: nil)
    }
}

extension PrototypeRepair {
    private var summaryText: String {
        let text =
            "Reinitializes the classes' rows, then trains the last blocks toward the original without the classes"
        guard damage == nil else {
            return "Learns noise against the classes, impairs the last blocks with it, and repairs them toward the "
                + "original without the classes (UNSIR)"
        }
        return switch recipe {
        case .fast: text + ", briefly"
        case .thorough: text + ", all blocks and longer"
        default: text
        }
    }
}
