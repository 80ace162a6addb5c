/// A way to make a trained classifier forget: what it needs, and how it goes from the original to a new model.
///
/// ``Unlearner`` runs any method: it checks what the method needs, keeps the caller's model as it is, measures before and
/// after, and carries progress, cancellation, seed and threads. A method is a value whose properties are its settings.
/// One of your own composes the same steps:
///
/// ```swift
/// struct NoiseThenRepair: UnlearningMethod {
///     let name = "noise-then-repair"
///     let requirements: Set<Requirement> = [.retainData]
///     func run(_ request: UnlearningRequest, _ run: UnlearningSession) throws -> Model {
///         let noise = try run.noise(NoiseMaximizer(), for: request)
///         let impaired = try run.impair(ImpairStep(), request.model, noise: noise, retaining: request.retained())
///         return try run.train(
///             impaired, on: request.retained(), TrainingConfiguration(learningRate: 1e-3), phase: .repair)
///     }
/// }
/// let outcome = try await Unlearner(model: model, retaining: retain, method: NoiseThenRepair())
///     .forget(classes: [3])
/// ```
public protocol UnlearningMethod: Sendable, Encodable {
    /// The name on the command line and in records: words joined by hyphens.
    var name: String { get }

    /// What it cannot do without.
    var requirements: Set<Requirement> { get }

    /// Whether it can forget some examples of classes that stay; false by default.
    var supportsSamples: Bool { get }

    /// Checks the settings; by default there are none.
    func validate() throws

    /// What its phases will cost, in their order, in forward passes of one example, for estimates of the time left;
    /// empty, as by default, if that is not known.
    func phaseCosts(of request: UnlearningRequest) -> [Double]

    /// Makes the new model. Called on a thread of its own that may block, with a request that has been checked. The same
    /// request and the same run options must give the same model to the bit.
    /// - Throws: ``UnlearningError``, or `CancellationError` from the run.
    func run(_ request: UnlearningRequest, _ run: UnlearningSession) throws -> Model
}

extension UnlearningMethod {
    public var supportsSamples: Bool { false }
    public func validate() throws {}
    public func phaseCosts(of request: UnlearningRequest) -> [Double] { [] }
}

/// What a method cannot do without, besides the model.
public enum Requirement: String, Sendable, Codable, CaseIterable {
    /// Examples of what is to be retained, a part of them is enough.
    case retainData = "retain-data"
    /// All examples of what is to be retained that the original was trained on.
    case allRetainData = "all-retain-data"
    /// Examples of what is to be forgotten.
    case forgetData = "forget-data"
    /// How the original was trained.
    case originalTraining = "original-training"

    /// In words, as in messages.
    public var description: String {
        switch self {
        case .retainData: "examples of what is to be retained"
        case .allRetainData: "all training examples of what is to be retained"
        case .forgetData: "examples of what is to be forgotten"
        case .originalTraining: "how the original was trained"
        }
    }

    /// The argument of ``Unlearner`` that gives it.
    var argument: String {
        switch self {
        case .retainData, .allRetainData: "retaining"
        case .forgetData: "forgetting"
        case .originalTraining: "training"
        }
    }
}
