public import Foundation
public import ImageDatasets
public import NeuralGraph

/// Compares unlearning methods with each other and with retraining, over several seeds.
///
/// For each seed it trains a network, trains a reference without the classes, makes the first forget by every method,
/// and audits all of them against the reference. Means over seeds come with confidence intervals.
///
/// The row of ``FullRetraining`` is a third network from other initial weights than the reference. It shows the
/// distance between two retrained networks, the closest that a method can be expected to come.
///
/// Nothing watches the methods: ``RetainGuard`` would change settings that harm the retained classes, and what is compared
/// are the settings as they are.
public struct MethodComparison: Sendable {
    /// The current step of a comparison.
    public struct Step: Sendable {
        /// The seed.
        public let seed: UInt64
        /// The method's name, or `original` or `reference` while these are trained.
        public let name: String
    }

    /// Takes progress reports.
    public typealias Handler = @Sendable (Step, RunProgress) -> Void

    /// The methods with their settings.
    package var methods: [any UnlearningMethod]
    /// The seeds, each of which trains all networks again.
    package var seeds: [UInt64]
    /// The training of the original, of the reference and of full retraining.
    package var training: TrainingConfiguration
    /// The random changes of training images, if any.
    package var augmentation: Augmentation?
    /// The number of images of each class that a method sees.
    package var samplesPerClass: Int
    /// The settings of the audits; bootstrap intervals and figures are not used.
    package var audit: AuditConfiguration
    /// Threads and algorithms; the seed is not used.
    package var options: RunOptions

    /// Creates a comparison.
    public init(
        methods: [any UnlearningMethod] = UnlearningMethods.all.filter { !$0.requirements.contains(.shards) },
        seeds: [UInt64] = [0],
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
    package func validate() throws {
        guard !methods.isEmpty else { throw ComparisonError.nothingToCompare("method") }
        guard !seeds.isEmpty else { throw ComparisonError.nothingToCompare("seed") }
        for method in methods { try method.validate() }
        try training.validate()
        try audit.validate()
        try options.validate()
    }

    /// Trains, forgets and measures.
    /// - Parameters:
    ///   - untrained: makes the network with a seed's initial weights.
    ///   - classes: the classes to forget.
    ///   - images: the images to train on, of all classes.
    ///   - test: the images to measure on, of all classes.
    ///   - folder: a folder for finished parts, from which an interrupted comparison with the same settings resumes;
    ///     nil keeps nothing. Methods and seeds may be added later.
    ///   - progress: called after every step.
    /// - Throws: ``ComparisonError``, ``UnlearningError``, ``AuditError``, `DatasetError`, or `CancellationError`. A
    ///   method that fails has a run with the reason.
    public func run(
        _ untrained: @Sendable (_ seed: UInt64) throws -> Model, forgetting classes: Set<Int>,
        images: any ImageDataset, test: any ImageDataset, keepingIn folder: URL? = nil, progress: Handler? = nil
    ) async throws -> ComparedMethods {
        try validate()
        var comparison = self
        // Kept runs are found by the settings that ran.
        comparison.methods = methods.map(\.withoutGuard)
        if let processes = options.severalProcesses {
            return try await SharedComparison(
                comparison: comparison, processes: processes, classes: classes, images: images, test: test,
                folder: folder,
                progress: progress
            ).run(untrained)
        }
        var runs: [ComparedRun] = []
        var store: ComparisonStore?
        for seed in seeds {
            let model = try untrained(seed)
            try model.checkForgettable(classes)
            if store == nil, let folder {
                store = try ComparisonStore(folder, key: key(model, classes, images: images, test: test))
            }
            let seeded = SeededComparison(
                comparison: comparison, seed: seed, classes: classes, images: images, test: test, store: store,
                progress: progress)
            runs += try await seeded.run(model)
        }
        return ComparedMethods(classes: classes, runs: runs)
    }

    /// Everything that results depend on besides methods and seeds, as JSON.
    func key(
        _ model: Model, _ classes: Set<Int>, images: any ImageDataset, test: any ImageDataset
    ) throws -> String {
        struct Key: Encodable {
            let audit: AuditConfiguration
            let augmentation: String
            let classes: [Int]
            let images: [String]
            let network: [String]
            let algorithms: String
            let precision: Precision?
            let samplesPerClass: Int
            let schemaVersion: Int
            let training: TrainingConfiguration
        }
        let key = Key(
            audit: audit, augmentation: augmentation.map { "\($0)" } ?? "none", classes: classes.sorted(),
            images: ["\(images.name), \(images.count)", "\(test.name), \(test.count)"],
            network: model.graph.nodes.map { "\($0.name) \($0.operation.kind) \($0.shape)" },
            algorithms: "\(options.algorithms)",
            precision: options.precision == .float32 ? nil : options.precision, samplesPerClass: samplesPerClass,
            schemaVersion: ComparisonStore.schemaVersion, training: training)
        return try Self.json(key)
    }

    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
