import ImageDatasets
import NeuralGraph

/// Adds noise to every weight, less where the weight matters for the retain data, without training.
///
/// Each weight is drawn from a normal distribution around itself with the variance `α / F`, at most `1000 α`, where F
/// is the diagonal of the Fisher information over the retain data.
///
/// As in the authors' experiments the variance is shared by all weights into one unit; it is tenfold for the last layer and
/// for vectors such as biases and norms, where for the last layer at most `1000 α`; and the forgotten classes' rows of the
/// last layer are drawn around 0 with variance 0.0001.
/// Source: Golatkar, Achille and Soatto, "Eternal Sunshine of the Spotless Net" (CVPR 2020, arXiv 1911.04933), equation 8
/// and section 6; α is a setting of each experiment there, by default 1e-6. The Fisher information is estimated with one
/// class drawn from the model's output for each example.
public struct FisherForgetting: BuiltInMethod, Hashable {
    /// The scale α of the variance, above 0.
    public var scale: Double
    /// Retain examples that are looked at, at most, 1 or more.
    public var exampleLimit: Int

    /// Creates the method.
    public init(scale: Double = 1e-6, exampleLimit: Int = 1000) {
        self.scale = scale
        self.exampleLimit = exampleLimit
    }

    package var traits: MethodTraits {
        MethodTraits("fisher", requirements: [.retainData], supportsSamples: true)
    }

    package func check() throws {
        try Setting.check("scale", scale, isAbove: 0)
        try Setting.check("example limit", exampleLimit, isIn: 1...100_000_000)
    }

    package func costs(of request: UnlearningRequest) -> [Double] {
        [3 * Double(min(exampleLimit, request.retainedCount))]
    }

    private static let leastInformation = 1e-8
    private static let largestVariance = 1e3
    private static let largestHeadVariance = 1e2
    private static let raised = 10.0
    private static let forgottenVariance = 1e-4

    package func makeModel(_ request: UnlearningRequest, _ session: UnlearningSession) throws -> Model {
        let model = request.model
        let information = try session.phase(.importance) {
            try GradientStatistics(
                quantity: .square, labels: .drawn(seed: session.seed("\(name).labels")), limit: exampleLimit,
                stream: name
            ).mean(of: model, over: request.retained(), session)
        }
        let headKeys = Set(model.graph.head.map { node in node.parameters.map { node.key($0.name) } } ?? [])
        return try session.phase(.forgetting) {
            var changed: [String: Tensor] = [:]
            for (key, parameter) in model.parameters {
                guard let information = information[key] else { continue }
                changed[key] = noisy(
                    parameter, information, isHead: headKeys.contains(key), forgetting: request.classes,
                    random: SeededRandom(seed: session.seed("\(name).noise"), stream: key))
            }
            try session.finished(1, of: 1, in: .forgetting)
            return try model.replacing(changed)
        }
    }

    private func noisy(
        _ parameter: Tensor, _ information: Tensor, isHead: Bool, forgetting classes: Set<Int>,
        random: SeededRandom
    ) -> Tensor {
        var (changed, random) = (parameter, random)
        let units = max(1, parameter.shape.dimensions.first ?? 1)
        let width = parameter.count / units
        let isVector = parameter.shape.rank < 2
        let largest = isHead ? Self.largestHeadVariance : Self.largestVariance
        for unit in 0..<units {
            let row = unit * width..<(unit + 1) * width
            var variance = row.reduce(0) { sum, index in
                sum + min(largest, 1 / (Double(information[index]) + Self.leastInformation))
            }
            variance *= scale / Double(max(1, width)) * (isHead || isVector ? Self.raised : 1)
            let forgets = isHead && classes.contains(unit)
            if forgets { variance = Self.forgottenVariance }
            let deviation = variance.squareRoot()
            for index in row {
                changed[index] = (forgets ? 0 : parameter[index]) + Float(deviation * random.normal())
            }
        }
        return changed
    }
}

extension FisherForgetting {
    public var summary: String {
        "Adds noise to every weight, less where the weight matters for retain data"
    }
}
