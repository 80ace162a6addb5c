package import ImageDatasets

/// A way to make a trained classifier forget: its requirements, and how it gets from the original to a new model.
///
/// ``Unlearner`` runs any method: it checks the requirements, measures accuracy before and after, and carries progress,
/// cancellation, seed and threads. A method is a value whose properties are its settings. A method of your own is
/// composed of the steps of ``UnlearningSession``:
///
/// ```swift
/// struct NoiseThenRepair: UnlearningMethod {
///     let name = "noise-then-repair"
///     let requirements: Set<Requirement> = [.retainData]
///
///     func run(_ request: UnlearningRequest, _ session: UnlearningSession) throws -> Model {
///         let retain = try request.retained()
///         let noise = try session.noise(NoiseMaximizer(), for: request)
///         let impaired = try session.impair(ImpairStep(), request.model, noise: noise, retaining: retain)
///         return try session.train(
///             impaired, on: retain, TrainingConfiguration(learningRate: 1e-3), phase: .repair)
///     }
/// }
/// let outcome = try await Unlearner(model: model, retaining: retain, method: NoiseThenRepair())
///     .forget(classes: [3])
/// ```
public protocol UnlearningMethod: Sendable, Encodable {
    /// The name on the command line and in records: words joined by hyphens.
    var name: String { get }

    /// What it does, in one line for lists; empty by default.
    var summary: String { get }

    /// What the method needs besides the model.
    var requirements: Set<Requirement> { get }

    /// Whether it can forget some examples of classes that stay; false by default.
    var supportsSamples: Bool { get }

    /// Checks the settings; does nothing by default.
    func validate() throws

    /// Estimates the cost of each phase, in forward passes of one example, for the time left.
    /// - Returns: one number for each phase in order; empty, the default, for no estimate.
    func phaseCosts(of request: UnlearningRequest) -> [Double]

    /// Makes the new model.
    ///
    /// It is called with a checked request on a thread of its own, which it may block. The same request and options
    /// must give the same model to the bit.
    /// - Throws: ``UnlearningError``, any error of your own, or `CancellationError` from the session.
    func run(_ request: UnlearningRequest, _ session: UnlearningSession) throws -> Model
}

extension UnlearningMethod {
    public var summary: String { "" }
    public var supportsSamples: Bool { false }
    public func validate() throws {}
    public func phaseCosts(of request: UnlearningRequest) -> [Double] { [] }
}

/// A method of this package, described by ``MethodTraits`` so that its public part is its settings.
package protocol BuiltInMethod: UnlearningMethod, Codable {
    /// What each setting may be, in the order to list them in.
    static var settings: [SettingDescription] { get }
    /// The paper, with its section or equation, that the method comes from.
    static var source: String { get }
    /// Name, summary, requirements and whether samples can be forgotten.
    var traits: MethodTraits { get }
    /// See ``UnlearningMethod/validate()``.
    func check() throws
    /// See ``UnlearningMethod/phaseCosts(of:)``.
    func costs(of request: UnlearningRequest) -> [Double]
    /// See ``UnlearningMethod/run(_:_:)``.
    func makeModel(_ request: UnlearningRequest, _ session: UnlearningSession) throws -> Model
    /// Whether the method watches retained accuracy by itself, so that ``Unlearner/guarding`` need not.
    var guardsItself: Bool { get }
    /// The method without a guard of its own; the same, as by default, if it has none.
    var unguarded: Self { get }
    /// The method with settings that change a model less, such as its rates divided by a number; nil if there are none.
    func gentler(by divisor: Double, for model: Model) -> (any UnlearningMethod)?
}

/// A method whose training has one learning rate, which can be lowered and tuned.
package protocol TrainedMethod: BuiltInMethod {
    /// How it is trained.
    var training: TrainingConfiguration { get set }
}

extension TrainedMethod {
    package func gentler(by divisor: Double, for model: Model) -> (any UnlearningMethod)? {
        var method = self
        method.training.learningRate /= divisor
        return method
    }
}

/// What a method says of itself.
package struct MethodTraits: Sendable {
    let name: String
    let summary: String
    let requirements: Set<Requirement>
    let supportsSamples: Bool

    init(_ name: String, summary: String, requirements: Set<Requirement>, supportsSamples: Bool = false) {
        self.name = name
        self.summary = summary
        self.requirements = requirements
        self.supportsSamples = supportsSamples
    }
}

extension BuiltInMethod {
    package func check() throws {}
    package func costs(of request: UnlearningRequest) -> [Double] { [] }
    package var guardsItself: Bool { false }
    package var unguarded: Self { self }
    package func gentler(by divisor: Double, for model: Model) -> (any UnlearningMethod)? { nil }

    public var name: String { traits.name }
    public var summary: String { traits.summary }
    public var requirements: Set<Requirement> { traits.requirements }
    public var supportsSamples: Bool { traits.supportsSamples }
    public func validate() throws { try check() }
    public func phaseCosts(of request: UnlearningRequest) -> [Double] { costs(of: request) }
    public func run(_ request: UnlearningRequest, _ session: UnlearningSession) throws -> Model {
        try makeModel(request, session)
    }
}

/// What a method needs besides the model.
public enum Requirement: String, Sendable, Codable, CaseIterable {
    /// Examples of what is to be retained; some of them are enough.
    case retainData = "retain-data"
    /// All examples of what is to be retained that the original was trained on.
    case allRetainData = "all-retain-data"
    /// Examples of what is to be forgotten.
    case forgetData = "forget-data"
    /// How the original was trained.
    case originalTraining = "original-training"
    /// An original that was trained in shards.
    case shards

    /// In words, as in messages.
    package var description: String {
        switch self {
        case .retainData: "examples of what is to be retained"
        case .allRetainData: "all training examples of what is to be retained"
        case .forgetData: "examples of what is to be forgotten"
        case .originalTraining: "how the original was trained"
        case .shards: "a network that was trained in shards, as by 'unlearn train --shards'"
        }
    }

    /// The argument of ``Unlearner`` that gives it.
    var argument: String {
        switch self {
        case .retainData, .allRetainData: "retaining"
        case .forgetData: "forgetting"
        case .originalTraining: "training"
        case .shards: "model"
        }
    }
}

extension Set<Requirement> {
    /// Whether the method sees a number of images of each class, and not all of them or none.
    package var drawsSamples: Bool {
        !contains(.allRetainData) && !isDisjoint(with: [.retainData, .forgetData])
    }
}

/// The images of a data set that a method gets to forget classes: only the kinds that it requires.
package struct MethodImages: Sendable {
    /// Images of the classes that stay; nil if the method needs none.
    package let retain: ImageSubset?
    /// Images of the classes to forget; nil if the method needs none.
    package let forget: ImageSubset?

    /// Chooses images.
    /// - Parameters:
    ///   - method: says what it needs.
    ///   - images: what the original was trained on.
    ///   - classes: the classes to forget.
    ///   - earlier: classes that were forgotten before, which nothing is drawn from.
    ///   - samplesPerClass: images of each class; a method that needs all retain data gets all.
    ///   - seed: what is drawn.
    /// - Throws: `DatasetError` if the number is out of range, or a class has no image.
    package init(
        for method: any UnlearningMethod, from images: any ImageDataset, forgetting classes: Set<Int>,
        after earlier: Set<Int> = [], samplesPerClass: Int, seed: UInt64
    ) throws(DatasetError) {
        if method.requirements.contains(.allRetainData) {
            retain = try images.excluding(classes: classes.union(earlier))
        } else if method.requirements.contains(.retainData) {
            retain = try images.samples(perClass: samplesPerClass, excluding: classes.union(earlier), seed: seed)
        } else {
            retain = nil
        }
        if method.requirements.contains(.forgetData) {
            let others = Set(images.classNames.indices).subtracting(classes)
            forget =
                method.requirements.contains(.allRetainData)
                ? try images.only(classes: classes)
                : try images.samples(perClass: samplesPerClass, excluding: others, seed: seed)
        } else {
            forget = nil
        }
    }

    /// Chooses images for forgetting samples: these, and others to retain.
    /// - Parameters:
    ///   - method: says what it needs.
    ///   - images: what the original was trained on.
    ///   - samples: the positions of the samples among them.
    ///   - earlier: classes that were forgotten before, which nothing is drawn from.
    ///   - samplesPerClass: images of each class; a method that needs all retain data gets all.
    ///   - seed: what is drawn.
    /// - Throws: `DatasetError` if a number is out of range, or a class has no image left.
    package init(
        for method: any UnlearningMethod, from images: any ImageDataset, forgettingSamples samples: [Int],
        after earlier: Set<Int> = [], samplesPerClass: Int, seed: UInt64
    ) throws(DatasetError) {
        forget = try ImageSubset(images, indices: samples)
        let gone = Set(samples)
        let others = try ImageSubset(images, indices: (0..<images.count).filter { !gone.contains($0) })
        if method.requirements.contains(.allRetainData) {
            retain = try others.excluding(classes: earlier)
        } else if method.requirements.contains(.retainData) {
            retain = try others.samples(perClass: samplesPerClass, excluding: earlier, seed: seed)
        } else {
            retain = nil
        }
    }
}
