import Foundation
import ImageDatasets
import NeuralGraph

/// Methods side by side: for each seed a network is trained, another one is trained without the classes for comparison, and
/// every method makes the first one forget; all are audited against the second. Means over seeds come with intervals.
///
/// The row of ``FullRetraining`` is a third network, from other first weights than the reference: it shows how far
/// retraining is from itself, which is as near as any method can be expected to come.
public struct MethodComparison: Sendable {
    /// What a comparison is doing.
    public struct Step: Sendable {
        /// The seed it is at.
        public let seed: UInt64
        /// The method's name, or `original` or `reference` for the trainings before.
        public let name: String
    }

    /// Takes progress reports.
    public typealias Handler = @Sendable (Step, RunProgress) -> Void

    /// The methods with their settings.
    public var methods: [any UnlearningMethod]
    /// The seeds; of each everything is trained anew.
    public var seeds: [UInt64]
    /// How the original and the reference are trained, and retraining.
    public var training: TrainingConfiguration
    /// How training images are changed at random.
    public var augmentation: Augmentation?
    /// Images of each class that a method sees, of the kinds that it needs.
    public var samplesPerClass: Int
    /// What is measured; bootstrap intervals and figures are not used.
    public var audit: AuditConfiguration
    /// Threads and algorithms; its seed is not used.
    public var options: RunOptions

    /// Creates a comparison.
    public init(
        methods: [any UnlearningMethod] = UnlearningMethods.all, seeds: [UInt64] = [0],
        training: TrainingConfiguration = TrainingConfiguration(epochs: 3), augmentation: Augmentation? = nil,
        samplesPerClass: Int = 1000,
        audit: AuditConfiguration = AuditConfiguration(bootstrap: nil, makesFigures: false),
        options: RunOptions = RunOptions()
    ) {
        self.methods = methods
        self.seeds = seeds
        self.training = training
        self.augmentation = augmentation
        self.samplesPerClass = samplesPerClass
        self.audit = audit
        self.options = options
    }

    /// Checks every setting.
    public func validate() throws {
        guard !methods.isEmpty else { throw ComparisonError.nothingToCompare("method") }
        guard !seeds.isEmpty else { throw ComparisonError.nothingToCompare("seed") }
        for method in methods { try method.validate() }
        try training.validate()
        try audit.validate()
        try options.validate()
    }

    /// Trains, forgets and measures.
    /// - Parameters:
    ///   - untrained: the network with first weights of a seed.
    ///   - classes: the classes to forget.
    ///   - images: the images to train on, of all classes.
    ///   - test: the images to measure on, of all classes.
    ///   - folder: where finished parts are kept, and found again when an interrupted comparison is started again with the
    ///     same settings; nil keeps nothing. Methods and seeds may be added later.
    ///   - progress: called after every step.
    /// - Throws: ``ComparisonError``, ``UnlearningError``, ``AuditError``, `DatasetError`, or `CancellationError`. A method
    ///   that fails has a row that says why.
    public func run(
        _ untrained: @Sendable (_ seed: UInt64) throws -> Model, forgetting classes: Set<Int>,
        images: any ImageDataset, test: any ImageDataset, keepingIn folder: URL? = nil, progress: Handler? = nil
    ) async throws -> ComparedMethods {
        try validate()
        var runs: [ComparedRun] = []
        var store: ComparisonStore?
        for seed in seeds {
            let model = try untrained(seed)
            try model.checkForgettable(classes)
            if store == nil, let folder {
                store = try ComparisonStore(folder, key: key(model, classes, images: images, test: test))
            }
            let seeded = SeededComparison(
                comparison: self, seed: seed, classes: classes, images: images, test: test, store: store,
                progress: progress)
            runs += try await seeded.run(model)
        }
        return ComparedMethods(classes: classes, runs: runs)
    }

    /// What results depend on besides methods and seeds.
    private func key(
        _ model: Model, _ classes: Set<Int>, images: any ImageDataset, test: any ImageDataset
    ) throws -> String {
        struct Key: Encodable {
            let audit: AuditConfiguration
            let augmentation: String
            let classes: [Int]
            let images: [String]
            let network: [String]
            let algorithms: String
            let samplesPerClass: Int
            let training: TrainingConfiguration
        }
        let key = Key(
            audit: audit, augmentation: augmentation.map { "\($0)" } ?? "none", classes: classes.sorted(),
            images: ["\(images.name), \(images.count)", "\(test.name), \(test.count)"],
            network: model.graph.nodes.map { "\($0.name) \($0.operation.kind) \($0.shape)" },
            algorithms: "\(options.algorithms)", samplesPerClass: samplesPerClass, training: training)
        return try Self.json(key)
    }

    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
