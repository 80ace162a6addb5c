import ImageDatasets
import NeuralGraph

/// The default: the forgotten classes' rows of the last layer are drawn anew, and the last blocks of the network are trained
/// on the retain data such that answers follow the original without the forgotten classes, and features gather where the
/// retained classes have theirs. Needs no example of what is forgotten.
///
/// The original answers the retain data once. With its forgotten logits masked before softmax that makes a teacher; half the
/// teacher and half the label make each example's target q. The loss is
///
///     -Σ_k q_k log softmax(z)_k + μ ‖f - Σ_k q_k m_k‖² / V
///
/// with the logits z, the penultimate features f, the original's mean features m_k of the retained classes, and the variance
/// V of its features. What differs between examples of one class without making them another is pulled together, and with it
/// what a probe would find a forgotten class by.
///
/// The blocks before those that are trained run over the data once, in inference mode, and stay as they are to the bit;
/// augmentation is therefore left out. The rate rises and falls in one cycle.
/// Source: this package. The masked teacher is that of Zhou et al. (arXiv 2503.23751), there used on the forget data;
/// features that gather at class means are the neural collapse of Papyan et al. (arXiv 2008.08186). `Docs/Recipes.md` has
/// what was tried and measured.
public struct PrototypeRepair: UnlearningMethod, Hashable {
    /// The part of the label in the target, 0 to 1; the rest is the masked original's answer.
    public var labelShare: Float
    /// μ, 0 or more.
    public var featureWeight: Double
    /// The share of the network's blocks, counted from the last one, that is trained, 0 to 1: rounded down to blocks, but
    /// one at least. At 1 the whole network is trained.
    public var trainedShare: Double
    /// How it is trained, but for the rate if ``learningRate`` is nil.
    public var training: TrainingConfiguration
    /// The largest rate, above 0; nil chooses one by the original's and by whether there is batch norm.
    public var learningRate: Double?
    /// Watches the retained classes; nil watches nothing.
    public var guarding: RetainGuard?

    /// Creates the method; with the default settings unless others are given.
    public init(
        labelShare: Float = 0.5, featureWeight: Double = 4, trainedShare: Double = 0.5,
        training: TrainingConfiguration = TrainingConfiguration(
            epochs: 4, minimumSteps: 60, batchSize: 512, schedule: .oneCycle(warmUpFraction: 0.2)),
        learningRate: Double? = nil, guarding: RetainGuard? = RetainGuard()
    ) {
        self.labelShare = labelShare
        self.featureWeight = featureWeight
        self.trainedShare = trainedShare
        self.training = training
        self.learningRate = learningRate
        self.guarding = guarding
    }

    public var name: String {
        switch self {
        case .default: "default"
        case .fast: "fast"
        case .thorough: "thorough"
        default: "prototypes"
        }
    }
    public var requirements: Set<Requirement> { [.retainData] }

    /// Names the random numbers.
    private static let stream = "prototypes"

    public func validate() throws {
        try training.validate()
        try guarding?.validate()
        if let learningRate { try Setting.check("learning rate", learningRate, isAbove: 0) }
        for (name, value) in [("label share", Double(labelShare)), ("trained share", trainedShare)] {
            guard value >= 0, value <= 1 else {
                throw UnlearningError.invalidSetting(
                    name: name, value: "\(value)", remedy: "use a number from 0 to 1")
            }
        }
        guard featureWeight >= 0, featureWeight.isFinite else {
            throw UnlearningError.invalidSetting(
                name: "feature weight", value: "\(featureWeight)", remedy: "use a finite number of at least 0")
        }
    }

    public func phaseCosts(of request: UnlearningRequest) -> [Double] {
        let retained = Double(request.retainedCount)
        let teaching = trainedShare < 1 ? [retained, retained * trainedShare] : [retained]
        let repair = training.cost(examples: retained) * trainedShare
        return teaching + [repair] + (guarding.map { [retained * $0.share] } ?? [])
    }

    /// The largest rate for a model: networks without batch norm bear a quarter of what those with it do.
    func rate(for model: Model) -> Double {
        if let learningRate { return learningRate }
        let normalizes = model.graph.nodes.contains { $0.operation is BatchNormalization }
        // A rate that is known may be gradient descent's, which is no measure for Adam above these limits.
        let trained = min(2.5e-3, max(2.5e-4, model.metadata.learningRate ?? 1e-3))
        return (normalizes ? 4 : 1) * trained
    }

    public func run(_ request: UnlearningRequest, _ run: UnlearningSession) throws -> Model {
        let model = try request.model.reinitializingHead(
            of: request.classes, seed: run.seed("\(Self.stream).rows"), method: name)
        let (frozen, trained) = try parts(of: model)
        let retain: any ExampleSource =
            if let frozen { try run.features(of: request.retained(), by: frozen) } else { try request.retained() }
        guard let student = trained.withFeatureOutput else { throw UnlearningError.noLinearHead(method: name) }
        let lesson = try DistillationTargets(
            answers: run.answers(of: teacher(of: student, original: request.model), to: retain), labels: retain.labels,
            classes: request.model.classCount, masking: request.forgottenClasses, labelShare: labelShare)
        let (shown, watched) =
            guarding?.split(retain.count, seed: run.seed("\(Self.stream).guard")) ?? (Array(0..<retain.count), [])
        let examples = try ExampleSubset(retain, indices: shown)
        let objective = try lesson.objective(for: shown, featureWeight: featureWeight)

        func train(_ rate: Double) throws -> Model {
            var configuration = training
            configuration.learningRate = rate
            return try run.train(
                student,
                TrainingLoop(
                    examples: examples, examplesName: "retain", configuration: configuration, phase: .repair,
                    stream: Self.stream, objective: objective))
        }
        let rate = rate(for: request.model)
        guard let guarding, !watched.isEmpty else { return try model.replacing(train(rate).stateDictionary) }
        let held = try ExampleSubset(retain, indices: watched)
        let repaired = try guarding.train(
            at: rate, original: lesson.correct(among: watched), of: watched.count, run, train: train
        ) { candidate in
            let answers = try run.answers(of: candidate, to: held)
            return DistillationTargets.correct(answers, labels: held.labels, classes: model.classCount)
        }
        return try model.replacing(repaired.stateDictionary)
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
