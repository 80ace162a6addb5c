import ImageDatasets
package import NeuralGraph

/// Takes the forgotten classes' own directions out of the weights behind each stage, more the deeper it is; no training.
///
/// With the mean input vector μ of each class in the layer behind stage ℓ of L, the retained classes' as the columns of R, an
/// orthonormal basis Q of the residuals, and the accuracy a of a linear probe that tells forget from retain data:
///
///     d = μ - R R⁺ μ        W ← W (I - α Q Qᵀ)        α = min(1, max(0, 2 a - 1)) · ℓ / L
///
/// Where retained classes are as many as a vector's numbers, or more, nothing is left of μ and the layer stays.
///
/// Images that are gone have a stand-in: inputs that the model takes for the class, made from the model alone, with the batch
/// statistics that it saw in training. What a probe tells from images is then that they were made, so a is 1. Directions are
/// taken again of the model without the first ones, for which other inputs are still the class. UNSIR's noise points
/// elsewhere: it is made to be as unlike the class as can be.
///
/// Source: Hatami, Aalishah and Monosov, "Class Unlearning via Depth-Aware Removal of Forget-Specific Directions" (2026,
/// arXiv 2604.15166): residuals, projection, strength, five stages. This package's reading, for want of the authors' code: a
/// convolution's vector is the mean over the windows of its input; the probe is ridge regression on the same vectors, of as
/// many examples of each kind, and its accuracy that on a held-out part. Stand-ins and rounds are this package's.
public struct DepthAwareProjection: BuiltInMethod, Hashable {
    /// What is used in place of images of the classes to forget.
    package enum StandIn: String, Sendable, Codable, CaseIterable {
        /// Inputs that the model takes for the class.
        case inputs
        /// UNSIR's noise, which the model takes for anything but the class; here to show that it does not serve.
        case noise
    }

    /// The largest number of stages, 2 to 1,000.
    package var stages: Int
    /// What α is multiplied by, above 0 and at most 1.
    package var strength: Double
    /// Examples of each kind, at most, 8 or more.
    package var exampleLimit: Int
    /// The share of the probe's examples that measure it, above 0 and at most 0.5.
    package var heldOutShare: Double
    /// How often directions are removed, each time those of the model so far, 1 to 100.
    package var rounds: Int
    /// What is used in place of forget data; nil uses forget data.
    package var standIn: StandIn?
    /// How inputs are made that stand in for a class's images.
    package var synthesizer: InputSynthesizer

    /// Creates the method for images of the classes to forget.
    public init() {
        self.init(standIn: nil)
    }

    /// The method without images of the classes to forget.
    package static let imageless = DepthAwareProjection(rounds: 2, standIn: .inputs)

    package init(
        stages: Int = 5, strength: Double = 1, exampleLimit: Int = 2000, heldOutShare: Double = 0.2, rounds: Int = 1,
        standIn: StandIn?, synthesizer: InputSynthesizer = InputSynthesizer()
    ) {
        self.stages = stages
        self.strength = strength
        self.exampleLimit = exampleLimit
        self.heldOutShare = heldOutShare
        self.rounds = rounds
        self.standIn = standIn
        self.synthesizer = synthesizer
    }

    package var traits: MethodTraits {
        standIn == nil
            ? MethodTraits(
                "damp", summary: "Projects weights off the class's own directions, more with depth; no training (DAMP)",
                requirements: [.retainData, .forgetData])
            : MethodTraits(
                "damp-stand-in", summary: "DAMP with inputs made from the model in place of images of the class",
                requirements: [.retainData])
    }

    package func check() throws {
        try Setting.check("stages", stages, isIn: 2...1000)
        guard strength > 0, strength <= 1 else {
            throw UnlearningError.invalidSetting(
                name: "strength", value: "\(strength)", remedy: "use a number above 0, at most 1")
        }
        try Setting.check("example limit", exampleLimit, isIn: Self.fewestExamples...100_000_000)
        guard heldOutShare > 0, heldOutShare <= 0.5 else {
            throw UnlearningError.invalidSetting(
                name: "held-out share", value: "\(heldOutShare)", remedy: "use a number above 0, at most 0.5")
        }
        try Setting.check("rounds", rounds, isIn: 1...100)
        try synthesizer.validate()
    }

    /// A probe is fitted to some and measured on others.
    static let fewestExamples = 8

    package func costs(of request: UnlearningRequest) -> [Double] {
        let retained = Double(min(exampleLimit, request.retainedCount))
        let classes = request.classes.count
        let round: [Double]
        switch standIn {
        case nil: round = [retained + Double(min(exampleLimit, request.forgottenCount)), 0]
        case .inputs:
            round = [synthesizer.cost(classes: classes), retained + Double(synthesizer.perClass * classes), 0]
        case .noise:
            let noise = NoiseMaximizer.Configuration()
            let images = noise.imagesPerClass * classes
            round = [3 * Double(images * noise.steps), retained + Double(images), 0]
        }
        return (0..<rounds).flatMap { _ in round }
    }

    package func gentler(by divisor: Double, for model: Model) -> (any UnlearningMethod)? {
        var method = self
        method.strength /= divisor
        return method
    }

    package func makeModel(_ request: UnlearningRequest, _ session: UnlearningSession) throws -> Model {
        var model = request.model
        for round in 0..<rounds {
            let forget = try forgetData(request, model, session)
            guard let next = try project(model, forgetting: forget, retaining: request.retained(), session) else {
                guard round == 0 else { break }
                throw UnlearningError(
                    .unsupported,
                    "method '\(name)' finds no direction that the classes to forget have for themselves: the network has "
                        + "too few features for its number of classes, or no stage tells them apart; take another method"
                )
            }
            model = next
        }
        return model
    }

    /// The examples of the classes to forget, or what stands in for them.
    private func forgetData(
        _ request: UnlearningRequest, _ model: Model, _ session: UnlearningSession
    ) throws -> any ExampleSource {
        switch standIn {
        case nil: return try request.forgotten()
        case .noise:
            let noise = try session.phase(.noise) {
                try NoiseMaximizer().noise(
                    classes: request.classes.sorted(), model: model, context: session.context)
            }
            return try CombinedExamples(noise.map { try $0.examples() })
        case .inputs:
            let others = Set(0..<model.classCount).subtracting(request.classes)
            return try session.phase(.synthesis) {
                try synthesizer.examples(for: model, without: others, session)
            }
        }
    }

    /// The strength of a stage's edit, 0 to 1.
    /// - Parameters:
    ///   - accuracy: the probe's, 0 to 1, half of whose examples are forget data.
    ///   - stage: ℓ, 1 to `count`.
    ///   - count: L.
    package static func alpha(accuracy: Double, stage: Int, of count: Int) -> Double {
        min(1, max(0, 2 * accuracy - 1)) * Double(stage) / Double(count)
    }
}
