import ImageDatasets
package import NeuralGraph

/// Adds noise to every weight, less where the weight matters for the retain data, without training.
///
/// Each weight is drawn from a normal distribution around itself with the variance `α / F`, at most `1000 α`, where F
/// is the diagonal of the Fisher information over the retain data: the mean over examples of the squared gradients of
/// `-log p_k`, weighted by the model's own probabilities p_k of all classes k.
///
/// As in the authors' code the variance is averaged over a weight's second dimension, which in a convolution is the input
/// channels; it is tenfold for the last layer, where it is at most `100 α` before, and for vectors such as biases and
/// norms; and the forgotten classes' rows of the last layer are drawn around 0 with the variance 0.001.
/// Source: Golatkar, Achille and Soatto, "Eternal Sunshine of the Spotless Net" (CVPR 2020, arXiv 1911.04933), equation 8
/// and section 6; α is a setting of each experiment there, 1e-6 in the published notebook, which looks at all retain
/// examples.
public struct FisherForgetting: BuiltInMethod, Hashable {
    /// The scale α of the variance, above 0.
    package var scale: Double
    /// Retain examples that are looked at, at most, 1 or more; each takes a backward pass for every class that the model
    /// does not exclude.
    package var exampleLimit: Int

    /// Creates the method.
    public init(scale: Double = 1e-6, exampleLimit: Int = 500) {
        self.scale = scale
        self.exampleLimit = exampleLimit
    }

    package var traits: MethodTraits {
        MethodTraits(
            "fisher", summary: "Adds noise to every weight, less where the weight matters for retain data",
            requirements: [.retainData], supportsSamples: true)
    }

    package func check() throws {
        try Setting.check("scale", scale, isAbove: 0)
        try Setting.check("example limit", exampleLimit, isIn: 1...100_000_000)
    }

    package func costs(of request: UnlearningRequest) -> [Double] {
        [3 * Double(min(exampleLimit, request.retainedCount) * request.model.classCount)]
    }

    package func gentler(by divisor: Double, for model: Model) -> (any UnlearningMethod)? {
        // A standard deviation falls with the root of the scale.
        FisherForgetting(scale: scale / (divisor * divisor), exampleLimit: exampleLimit)
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
                quantity: .square, labels: .expected, limit: exampleLimit, stream: name
            ).mean(of: model, over: request.retained(), session)
        }
        return try session.phase(.forgetting) {
            var changed: [String: Tensor] = [:]
            for (key, distribution) in distributions(of: model, information, forgetting: request.classes) {
                var random = SeededRandom(seed: session.seed("\(name).noise"), stream: key)
                var parameter = distribution.mean
                for index in 0..<parameter.count {
                    parameter[index] += distribution.variance[index].squareRoot() * Float(random.normal())
                }
                changed[key] = parameter
            }
            try session.finished(1, of: 1, in: .forgetting)
            return try model.replacing(changed)
        }
    }

    /// The normal distribution that each weight is drawn from, by parameter name.
    package func distributions(
        of model: Model, _ information: [String: Tensor], forgetting classes: Set<Int>
    ) -> [String: (mean: Tensor, variance: Tensor)] {
        let headKeys = Set(model.graph.head.map { node in node.parameters.map { node.key($0.name) } } ?? [])
        var result: [String: (mean: Tensor, variance: Tensor)] = [:]
        for (key, parameter) in model.parameters {
            guard let information = information[key] else { continue }
            result[key] = distribution(
                parameter, information, isHead: headKeys.contains(key), forgetting: classes)
        }
        return result
    }

    private func distribution(
        _ parameter: Tensor, _ information: Tensor, isHead: Bool, forgetting classes: Set<Int>
    ) -> (mean: Tensor, variance: Tensor) {
        let dimensions = parameter.shape.dimensions
        let (units, inner) = (dimensions.first ?? 1, dimensions.count > 1 ? dimensions[1] : 1)
        let positions = parameter.count / max(1, units * inner)
        let largest = isHead ? Self.largestHeadVariance : Self.largestVariance
        let factor = isHead || dimensions.count < 2 ? Self.raised : 1
        var (mean, variances) = (parameter, parameter)
        for unit in 0..<units {
            let forgets = isHead && classes.contains(unit)
            for position in 0..<positions {
                // What one output channel does with one kernel position, over the input channels.
                let group = (0..<inner).map { (unit * inner + $0) * positions + position }
                let sum = group.reduce(0) { sum, index in
                    sum + min(largest, 1 / (Double(information[index]) + Self.leastInformation))
                }
                let variance = forgets ? Self.forgottenVariance : scale * sum / Double(max(1, inner))
                for index in group {
                    variances[index] = Float(factor * variance)
                    if forgets { mean[index] = 0 }
                }
            }
        }
        return (mean, variances)
    }
}
