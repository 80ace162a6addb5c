import ImageDatasets
import NeuralGraph

/// Dampens the weights that matter much more for the forget data than for all data, without training.
///
/// With the diagonal of the empirical Fisher information F over all data and over the forget data: where `F_forget >
/// α F_all`, the weight is multiplied by `min(λ F_all / F_forget, 1)`.
///
/// Source: Foster, Schoepf and Brintrup, "Fast Machine Unlearning Without Retraining Through Selective Synaptic Dampening"
/// (AAAI 2024, arXiv 2308.07707), equations 7 and 8; α 10 and λ 1 as published for ResNet-18 on CIFAR. All data are the
/// retain and the forget data that are given.
public struct SelectiveSynapticDampening: BuiltInMethod, Hashable {
    /// The ratio α of importance above which a weight is dampened, above 0.
    public var selection: Double
    /// The factor λ of dampening, above 0; smaller dampens more.
    public var dampening: Double
    /// Examples whose mean gradient counts as one, 1 to 1,000,000; more is faster and further from the definition.
    public var examplesPerGradient: Int
    /// The largest number of examples of each kind that are used, 1 or more.
    public var exampleLimit: Int

    /// Creates the method.
    public init(
        selection: Double = 10, dampening: Double = 1, examplesPerGradient: Int = 1, exampleLimit: Int = 1000
    ) {
        self.selection = selection
        self.dampening = dampening
        self.examplesPerGradient = examplesPerGradient
        self.exampleLimit = exampleLimit
    }

    package var traits: MethodTraits {
        MethodTraits("ssd", requirements: [.retainData, .forgetData], supportsSamples: true)
    }

    package func check() throws {
        try Setting.check("selection", selection, isAbove: 0)
        try Setting.check("dampening", dampening, isAbove: 0)
        try Setting.check("examples a gradient", examplesPerGradient, isIn: 1...1_000_000)
        try Setting.check("example limit", exampleLimit, isIn: 1...100_000_000)
    }

    package func costs(of request: UnlearningRequest) -> [Double] {
        let all = min(exampleLimit, request.retainedCount + request.forgottenCount)
        return [3 * Double(all), 3 * Double(min(exampleLimit, request.forgottenCount))]
    }

    package func makeModel(_ request: UnlearningRequest, _ session: UnlearningSession) throws -> Model {
        let (forget, retain) = (try request.forgotten(), try request.retained())
        func importance(_ examples: any ExampleSource, _ stream: String) throws -> [String: Tensor] {
            try session.phase(.importance) {
                try GradientStatistics(
                    quantity: .square, examplesPerGradient: examplesPerGradient, limit: exampleLimit,
                    stream: "\(name).\(stream)"
                ).mean(of: request.model, over: examples, session)
            }
        }
        let all = try importance(CombinedExamples([retain, forget]), "all")
        let forgotten = try importance(forget, "forget")
        return try session.phase(.forgetting) {
            var dampened: [String: Tensor] = [:]
            for (key, parameter) in request.model.parameters {
                guard let all = all[key], let forgotten = forgotten[key] else { continue }
                var changed = parameter
                for index in 0..<parameter.count {
                    let (common, special) = (Double(all[index]), Double(forgotten[index]))
                    guard special > selection * common else { continue }
                    changed[index] *= Float(min(dampening * common / special, 1))
                }
                dampened[key] = changed
            }
            try session.finished(1, of: 1, in: .forgetting)
            return try request.model.replacing(dampened)
        }
    }
}

extension SelectiveSynapticDampening {
    public var summary: String {
        "Shrinks weights that matter far more for forget data than for all data; no training"
    }
}
