package import ImageDatasets
public import NeuralGraph

/// Training on the forget data under the nearest label beyond the decision boundary; no retain data are needed.
///
/// Each example takes one step of size ε against its own class, `x' = x + ε sign(∇x CE(f(x), y))`, is clamped to the range
/// of pixels and rounded to their 256 values, and gets the class that the original finds most likely there, its own
/// excluded.
///
/// Source: Chen et al., "Boundary Unlearning" (CVPR 2023, arXiv 2303.11570), equations 2 and 3, boundary shrink;
/// hyperparameters of the published code: ε 0.1 of the pixel range, ten epochs of gradient descent at 1e-5 with momentum
/// 0.9, batches of 64. That code also gives an example its own class where the step does not cross a boundary; the paper
/// asks for the nearest incorrect one.
public struct BoundaryShrink: TrainedMethod, Hashable {
    /// The step ε in units of the full pixel range, or of the input if the model does not know its normalization; above 0.
    ///
    /// Without a normalization nothing is clamped or rounded.
    package var step: Double
    /// How it is trained.
    package var training: TrainingConfiguration

    /// Creates the method.
    public init(
        step: Double = 0.1,
        training: TrainingConfiguration = TrainingConfiguration(
            epochs: 10, batchSize: 64, optimizer: .sgd(momentum: 0.9), learningRate: 1e-5)
    ) {
        self.step = step
        self.training = training
    }

    package var traits: MethodTraits {
        MethodTraits(
            "boundary-shrink",
            summary: "Trains forget data toward the nearest other class beyond the decision boundary",
            requirements: [.forgetData], supportsSamples: true)
    }

    package func check() throws {
        try training.validate()
        try Setting.check("step", step, isAbove: 0)
    }

    package func costs(of request: UnlearningRequest) -> [Double] {
        [3 * Double(request.forgottenCount), training.cost(examples: Double(request.forgottenCount))]
    }

    package func makeModel(_ request: UnlearningRequest, _ session: UnlearningSession) throws -> Model {
        let forget = try request.forgotten()
        let labels = try session.phase(.teaching) {
            try nearestLabels(of: forget, by: request.model, without: request.forgottenClasses, session)
        }
        return try session.train(
            request.model,
            TrainingLoop(
                examples: RelabeledExamples(source: forget, classes: labels), examplesName: "forget",
                configuration: training, phase: .forgetting, stream: name))
    }

    /// The class of each example beyond the nearest boundary.
    package func nearestLabels(
        of examples: any ExampleSource, by model: Model, without classes: Set<Int>, _ session: UnlearningSession
    ) throws -> [Int] {
        let executor = try session.context.executor(
            model: model, batchCapacity: min(250, examples.count), computing: .input, modes: [.inference])
        let loader = try BatchLoader(
            examples, batchSize: executor.batchCapacity, workers: session.context.options.threadCount)
        defer { loader.cancel() }
        let scale = try PixelScale(of: model)
        let K = model.classCount
        var labels: [Int] = []
        var done = 0
        while let batch = try loader.next() {
            guard let source = batch.inputs.baseAddress, let own = batch.labels.baseAddress,
                let input = executor.input.baseAddress, let logits = executor.output.baseAddress,
                let gradient = executor.outputGradient.baseAddress
            else { break }
            input.update(from: source, count: batch.inputs.count)
            try executor.forward(batch: batch.count, mode: .inference, updatesState: false)
            _ = CrossEntropy().evaluate(
                logits: logits, count: batch.count, classes: K, targets: .labels(own), gradient: gradient)
            try executor.backward()
            let slopes = executor.inputGradient
            // The input's memory may have been used for something else since.
            for index in 0..<batch.inputs.count {
                let slope = slopes[index]
                let sign: Float = slope > 0 ? 1 : slope < 0 ? -1 : 0
                executor.input[index] = scale.moving(source[index], by: Float(step) * sign, at: index)
            }
            try executor.forward(batch: batch.count, mode: .inference, updatesState: false)
            for row in 0..<batch.count {
                let (label, outputs) = (Int(own[row]), executor.output)
                let others = (0..<K).filter { $0 != label && !classes.contains($0) }
                let nearest = others.max { outputs[row * K + $0] < outputs[row * K + $1] }
                labels.append(nearest ?? label)
            }
            done += 1
            try session.finished(done, of: loader.batchCount, in: .teaching)
        }
        return labels
    }
}

/// How inputs follow from pixels from 0 to 1, by channel; without a normalization they are taken as they are.
package struct PixelScale {
    private let means: [Float]
    private let deviations: [Float]

    package init(of model: Model) throws {
        let normalization = try model.metadata.normalization?.expanded(toChannels: model.graph.inputShape.channels)
        means = normalization?.mean.map { Float($0) } ?? []
        deviations = normalization?.standardDeviation.map { Float($0) } ?? []
    }

    /// The input whose pixel is a step away, within the range of pixels and with one of their 256 values.
    package func moving(_ value: Float, by step: Float, at index: Int) -> Float {
        guard !means.isEmpty else { return value + step }
        let channel = index % means.count
        let pixel = value * deviations[channel] + means[channel] + step
        return ((min(1, max(0, pixel)) * 255).rounded(.toNearestOrEven) / 255 - means[channel]) / deviations[channel]
    }
}
