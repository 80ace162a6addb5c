import Foundation
import ImageDatasets
package import NeuralGraph

/// Negative preference optimization: lowers the probability of the forget data's labels, slower the lower it already is.
///
/// With the probability p of an example's label and the original's probability p₀, minimizes over the forget data
///
///     (2 / β) log(1 + (p / p₀)^β)
///
/// plus cross-entropy on the retain data. Its gradient is that of gradient ascent times `2 σ(β log(p / p₀))`, which fades
/// as p falls, so that a training that is too long does not destroy the network.
///
/// Source: Zhang, Lin, Bai and Mei, "Negative Preference Optimization: From Catastrophic Collapse to Effective Unlearning"
/// (COLM 2024, arXiv 2404.05868), equation 3, with the retain loss of section 4 (NPO+RT); β 0.1 as published. The paper
/// is about language models: rate and length are this package's, two epochs of Adam at 1e-3.
public struct NegativePreference: TrainedMethod, Hashable {
    /// The inverse temperature β, above 0; towards 0 the loss becomes plain gradient ascent.
    package var beta: Double
    /// The weight of cross-entropy on the retain data, 0 or more.
    package var retainWeight: Double
    /// How it is trained; an epoch goes over forget and retain data mixed.
    package var training: TrainingConfiguration

    /// Creates the method.
    public init(
        beta: Double = 0.1, retainWeight: Double = 1,
        training: TrainingConfiguration = TrainingConfiguration(epochs: 2, learningRate: 1e-3)
    ) {
        self.beta = beta
        self.retainWeight = retainWeight
        self.training = training
    }

    package var traits: MethodTraits {
        MethodTraits(
            "npo", summary: "Lowers the probability of the forget data's labels, and trains on retain data (NPO)",
            requirements: [.retainData, .forgetData], supportsSamples: true)
    }

    package func check() throws {
        try training.validate()
        try Setting.check("beta", beta, isAbove: 0)
        try Setting.check("retain weight", retainWeight, isAtLeast: 0)
    }

    package func costs(of request: UnlearningRequest) -> [Double] {
        let (retained, forgotten) = (Double(request.retainedCount), Double(request.forgottenCount))
        return [forgotten, training.cost(examples: retained + forgotten)]
    }

    package func makeModel(_ request: UnlearningRequest, _ session: UnlearningSession) throws -> Model {
        let (forget, retain) = (try request.forgotten(), try request.retained())
        let K = request.model.classCount
        let original = try Softmax.logProbabilities(of: session.outputs(of: request.model, on: forget))
        let forgetting = PreferenceObjective(
            beta: beta, original: forget.labels.enumerated().map { row, label in original[row * K + label] })
        let earlier = request.earlierClasses
        return try session.train(
            request.model, forgetting: forget, retaining: retain, training, stream: name,
            objective: SplitObjective(
                boundary: forget.count,
                // What leaves a label must not go to a class that was forgotten before.
                first: HidingObjective(classes: earlier, forgetting),
                second: WeightedObjective(
                    (retainWeight, LabelObjective(smoothing: training.labelSmoothing, excluding: earlier)))))
    }
}

/// The loss of ``NegativePreference`` on the forget data.
private struct PreferenceObjective: BatchObjective {
    let beta: Double
    /// The original's log-probability of each example's label.
    let original: [Double]

    func evaluate(_ outputs: BatchOutputs, gradient: UnsafeMutablePointer<Float>) -> LossValue {
        let (n, K) = (outputs.count, outputs.classes)
        let value = CrossEntropy().evaluate(
            logits: outputs.logits, count: n, classes: K, targets: .labels(outputs.labels), gradient: gradient)
        var loss = 0.0
        for row in 0..<n {
            let logits = UnsafeBufferPointer(start: outputs.logits + row * K, count: K)
            let largest = Double(logits.max() ?? 0)
            let sum = logits.reduce(0) { $0 + exp(Double($1) - largest) }
            let own = Double(logits[Int(outputs.labels[row])]) - largest - log(sum)
            let distance = beta * (own - original[outputs.indices[row]])
            // log(1 + exp(x)) without overflow.
            loss += 2 / beta * (max(0, distance) + log1p(exp(-abs(distance))))
            // Cross-entropy's gradient is that of -log p, so the sign turns.
            let slope = Float(-2 / (1 + exp(-distance)))
            for k in 0..<K { gradient[row * K + k] *= slope }
        }
        return LossValue(loss: loss / Double(max(1, n)), correct: value.correct)
    }
}
