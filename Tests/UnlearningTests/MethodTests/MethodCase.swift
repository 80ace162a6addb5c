import Testing
import Unlearning

/// A method with settings for the small problem, and what it must reach there when class 2 is forgotten.
struct MethodCase: Sendable, CustomTestStringConvertible {
    let method: any UnlearningMethod
    /// The most of the forgotten class's test images that are still recognized.
    let mostForgotten: Double
    /// The least of the other classes' test images that are recognized; the original recognizes 0.98.
    let leastRetained: Double

    var testDescription: String { method.name }

    static let classes: Set<Int> = [2]

    /// Adam in small batches, as the network was trained.
    static func training(epochs: Int = 2, rate: Double = 0.005) -> TrainingConfiguration {
        TrainingConfiguration(epochs: epochs, batchSize: 20, learningRate: rate)
    }

    static func descent(epochs: Int, rate: Double) -> TrainingConfiguration {
        TrainingConfiguration(epochs: epochs, batchSize: 20, optimizer: .sgd(momentum: 0.9), learningRate: rate)
    }

    static let all: [MethodCase] = [
        MethodCase(
            method: .unsir(Patterns.configuration), mostForgotten: 0.05, leastRetained: 0.88),
        MethodCase(
            method: MaskedTeacherRepair(training: TrainingConfiguration(batchSize: 20, schedule: .cosine)),
            mostForgotten: 0.05, leastRetained: 0.93),
        MethodCase(
            method: ZeroShotDistillation(
                synthesizer: InputSynthesizer(perClass: 20, batchSize: 60),
                training: TrainingConfiguration(epochs: 5, batchSize: 30, learningRate: 1e-3, schedule: .cosine)),
            mostForgotten: 0.05, leastRetained: 0.85),
        MethodCase(
            method: PrototypeRepair(
                training: TrainingConfiguration(batchSize: 20, schedule: .oneCycle(warmUpFraction: 0.2))),
            mostForgotten: 0.05, leastRetained: 0.93),
        MethodCase(
            method: PrototypeRepair(
                training: TrainingConfiguration(batchSize: 20, schedule: .oneCycle(warmUpFraction: 0.2)),
                damage: PrototypeRepair.NoiseDamage(
                    noise: NoiseMaximizer.Configuration(imagesPerClass: 16, steps: 5),
                    impair: ImpairStep.Configuration(
                        noiseRepetitions: 2, retainLimit: 60,
                        training: TrainingConfiguration(batchSize: 20, learningRate: 0.005, freezesBatchNorm: true)))),
            mostForgotten: 0.05, leastRetained: 0.93),
        // A row that is drawn at random may still win for some images.
        MethodCase(method: LastRowEdit(), mostForgotten: 0.3, leastRetained: 0.93),
        MethodCase(method: FineTuning(training: training()), mostForgotten: 0.1, leastRetained: 0.93),
        MethodCase(
            method: NegativeGradient(training: descent(epochs: 2, rate: 0.003)), mostForgotten: 0.1,
            leastRetained: 0.5),
        MethodCase(
            method: NegativeGradient(retainWeight: 0.95, training: descent(epochs: 2, rate: 0.005)),
            mostForgotten: 0.1, leastRetained: 0.88),
        MethodCase(method: NegativePreference(training: training()), mostForgotten: 0.1, leastRetained: 0.9),
        MethodCase(method: RandomLabels(training: training()), mostForgotten: 0.4, leastRetained: 0.9),
        MethodCase(method: AmnesiacRelabeling(training: training()), mostForgotten: 0.1, leastRetained: 0.9),
        // Its row is drawn around 0, which still wins where no other row is sure.
        MethodCase(method: FisherForgetting(scale: 1e-6), mostForgotten: 0.3, leastRetained: 0.9),
        MethodCase(
            method: BoundaryShrink(training: descent(epochs: 5, rate: 0.002)), mostForgotten: 0.1, leastRetained: 0.6),
        // It trains nothing that could bring back what the classes of so small a network share; half is far above chance.
        MethodCase(
            method: SelectiveSynapticDampening(selection: 2, examplesPerGradient: 1), mostForgotten: 0.2,
            leastRetained: 0.5),
        MethodCase(method: SubspaceProjection(), mostForgotten: 0.2, leastRetained: 0.88),
        MethodCase(method: DepthAwareProjection(), mostForgotten: 0.2, leastRetained: 0.88),
        MethodCase(method: DepthAwareProjection.imageless, mostForgotten: 0.2, leastRetained: 0.88),
        MethodCase(method: TiltedReweighting(training: training()), mostForgotten: 0.1, leastRetained: 0.9),
        MethodCase(method: SCRUB(training: training(epochs: 3)), mostForgotten: 0.1, leastRetained: 0.88),
        MethodCase(method: BadTeacher(training: training(epochs: 1)), mostForgotten: 0.3, leastRetained: 0.9),
        MethodCase(
            method: SaliencyUnlearning(training: descent(epochs: 4, rate: 0.02)), mostForgotten: 0.1,
            leastRetained: 0.9),
        MethodCase(
            method: MaskedDistillation(training: descent(epochs: 5, rate: 0.005)), mostForgotten: 0.1,
            leastRetained: 0.7),
        MethodCase(
            method: LastStages(resetting: true, training: training(epochs: 4)), mostForgotten: 0,
            leastRetained: 0.9),
        MethodCase(
            method: LastStages(resetting: false, training: training(epochs: 2)), mostForgotten: 0.1, leastRetained: 0.93
        ),
        MethodCase(method: FullRetraining(), mostForgotten: 0, leastRetained: 0.9),
    ]

    /// Runs a method on the small problem, with its settings as they are: unguarded.
    static func unlearner(
        _ method: any UnlearningMethod, forgetting classes: Set<Int> = classes, validated: Bool = false,
        options: RunOptions = Patterns.options
    ) async throws -> Unlearner {
        var unlearner = Unlearner(
            model: try await Patterns.model, retaining: try Patterns.retained(without: classes),
            forgetting: try Patterns.train.only(classes: classes), validation: validated ? Patterns.test : nil,
            method: method, training: Patterns.training, options: options)
        unlearner.guarding = nil
        return unlearner
    }
}
