import ImageDatasets
import NeuralGraph

/// What ``RepairStep`` repairs a network toward, instead of the labels alone.
///
/// The original's outputs for the retain data, with the logits of the forgotten classes masked before softmax, make a
/// teacher. A part of the teacher and a part of the label make each example's target q, and the loss is
///
///     -Σ_k q_k log softmax(z)_k + μ ‖f - Σ_k q_k m_k‖² / V
///
/// with the logits z, the penultimate features f, the original's mean features m_k of the retained classes, and the
/// variance V of its features. Source: this package; the masked teacher is that of Zhou et al. (arXiv 2503.23751), and
/// features that gather at class means are the neural collapse of Papyan et al. (arXiv 2008.08186).
public struct RepairTargets: Sendable, Hashable {
    /// The part of the label in the target, 0 to 1; the rest is the masked original's output.
    public var labelShare: Float
    /// μ, 0 or more.
    public var featureWeight: Double

    /// Creates targets.
    public init(labelShare: Float = 0.5, featureWeight: Double = 2) {
        self.labelShare = labelShare
        self.featureWeight = featureWeight
    }

    /// Checks every setting.
    package func validate() throws {
        try Setting.check(share: "label share", Double(labelShare))
        try Setting.check("feature weight", featureWeight, isAtLeast: 0)
    }
}

/// A network that is about to be repaired toward ``RepairTargets``, with the targets.
struct TargetedRepair {
    /// Names the random numbers.
    static let stream = "prototypes"

    /// The network with its penultimate features and its logits as output, the forgotten classes' rows reinitialized.
    let student: Model
    let targets: DistillationTargets
    private let featureWeight: Double

    /// - Parameters:
    ///   - model: the impaired network, or the part of it that is trained.
    ///   - original: the original, or the same part of it.
    ///   - classes: the classes of this request, whose rows of the last layer start from new weights.
    ///   - forgotten: all classes that the targets leave out.
    ///   - retain: examples for the network, or what the part before it makes of them.
    ///   - outputs: computes the original's features and logits for the examples.
    init(
        _ model: Model, toward original: Model, classes: Set<Int>, masking forgotten: Set<Int>,
        retaining retain: any ExampleSource, as repair: RepairTargets, rowSeed: UInt64, method: String,
        outputs: (_ teacher: Model) throws -> Tensor
    ) throws {
        let fresh = try model.reinitializingHead(of: classes, seed: rowSeed, method: method)
        guard let student = fresh.withFeatureOutput, let teacher = original.withFeatureOutput else {
            throw UnlearningError.noLinearHead(method: method)
        }
        self.student = student
        targets = try DistillationTargets(
            outputs: outputs(teacher), labels: retain.labels, classes: original.classCount, masking: forgotten,
            labelShare: repair.labelShare)
        featureWeight = repair.featureWeight
    }

    /// The training on some of the examples.
    func loop(
        on examples: any ExampleSource, indices: [Int], _ configuration: TrainingConfiguration
    ) throws -> TrainingLoop {
        TrainingLoop(
            examples: examples, examplesName: "retain", configuration: configuration, phase: .repair,
            stream: Self.stream, objective: try targets.objective(for: indices, featureWeight: featureWeight))
    }
}
