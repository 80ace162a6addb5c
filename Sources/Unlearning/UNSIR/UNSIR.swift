/// Noise, impair, repair: for classes whose images are gone, with a subset of the others at hand.
///
/// Source: Tarun et al., "Fast Yet Effective Machine Unlearning" (arXiv 2111.08947), section IV. Hyperparameters as
/// published: ``UNSIR/Configuration/paper``; gentler ones: ``UNSIR/Configuration/paperSafe``.
public struct UNSIR: UnlearningMethod, Hashable {
    /// The three steps' settings.
    public var configuration: Configuration

    /// Creates the method.
    public init(configuration: Configuration = .paperSafe) {
        self.configuration = configuration
    }

    public var name: String { configuration == .paper ? "unsir-paper" : "unsir" }
    public var requirements: Set<Requirement> { [.retainData] }

    public func validate() throws { try configuration.validate() }

    public func phaseCosts(of request: UnlearningRequest) -> [Double] {
        let noiseImages = Double(request.classes.count * configuration.noise.imagesPerClass)
        let shown = noiseImages * Double(configuration.impair.noiseRepetitions) + Double(request.retainedCount)
        return [
            2 * noiseImages * Double(configuration.noise.steps), configuration.impair.training.cost(examples: shown),
            configuration.repair.cost(examples: Double(request.retainedCount)),
        ]
    }

    public func run(_ request: UnlearningRequest, _ run: UnlearningSession) throws -> Model {
        let retain = try request.retained()
        let noise = try run.noise(NoiseMaximizer(configuration: configuration.noise), for: request)
        let impaired = try run.impair(
            ImpairStep(configuration: configuration.impair), request.model, noise: noise, retaining: retain)
        return try run.train(impaired, on: retain, configuration.repair, phase: .repair)
    }
}

extension UnlearningMethod where Self == UNSIR {
    /// ``UNSIR`` at a tenth of the published rates: ``UNSIR/Configuration/paperSafe``.
    public static var unsir: UNSIR { UNSIR(configuration: .paperSafe) }

    /// ``UNSIR`` as published: ``UNSIR/Configuration/paper``.
    public static var unsirPaper: UNSIR { UNSIR(configuration: .paper) }

    /// Returns ``UNSIR`` with settings of its three steps.
    public static func unsir(_ configuration: UNSIR.Configuration) -> UNSIR { UNSIR(configuration: configuration) }
}

extension TrainingConfiguration {
    /// What a training costs in forward passes of one example: the input's gradient costs about one more, the weights'
    /// gradients another.
    func cost(examples: Double) -> Double {
        3 * examples * Double(epochs(ofSteps: max(1, Int(min(examples, 1e15)) / max(1, batchSize))))
    }
}
