import CNeuralKernels
import Foundation

/// Adam and AdamW. See ``OptimizerConfiguration/adam(beta1:beta2:epsilon:weightDecay:)``.
final class Adam: ResumableOptimizer {
    let parameterCount: Int
    private let beta1: Double
    private let beta2: Double
    private let epsilon: Double
    private let gradientDecay: Double
    private let parameterDecay: Double
    private let first: OptimizerState
    private let second: OptimizerState
    /// Where both moments are zeros.
    private let resting: RestingChunks
    private var steps = 0

    init(
        parameterCount: Int, beta1: Double, beta2: Double, epsilon: Double, gradientDecay: Double,
        parameterDecay: Double
    ) {
        self.parameterCount = parameterCount
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.gradientDecay = gradientDecay
        self.parameterDecay = parameterDecay
        first = OptimizerState(count: parameterCount)
        second = OptimizerState(count: parameterCount)
        resting = RestingChunks(count: parameterCount)
    }

    var snapshot: OptimizerSnapshot { OptimizerSnapshot(steps: steps, vectors: [first.copy, second.copy]) }

    func restore(_ snapshot: OptimizerSnapshot) -> Bool {
        let vectors = snapshot.vectors
        guard snapshot.steps >= 0, vectors.count == 2, first.fits(vectors[0]), second.fits(vectors[1]) else {
            return false
        }
        steps = snapshot.steps
        first.take(vectors[0])
        second.take(vectors[1])
        resting.update(vectors)
        return true
    }

    func step(
        parameters: inout MutableSpan<Float>, gradients: Span<Float>, learningRate: Float, threads: ThreadTeam
    ) throws(OptimizationError) {
        try checkCounts(parameters.count, gradients.count)
        steps += 1
        let rate = Double(learningRate)
        let step = cnk_adam_step(
            firstComplement: Float(1 - beta1), secondDecay: Float(beta2), secondComplement: Float(1 - beta2),
            stepSize: Float(rate / (1 - pow(beta1, Double(steps)))),
            secondCorrectionRoot: Float((1 - pow(beta2, Double(steps))).squareRoot()),
            epsilon: Float(epsilon), gradientDecay: Float(gradientDecay),
            parameterScale: Float(1 - rate * parameterDecay))
        let (first, second) = (first.values, second.values)
        let decays = step.gradientDecay != 0 || step.parameterScale != 1
        withPointers(&parameters, gradients) { parameters, gradients in
            threads.forEachBlock(of: parameterCount, size: RestingChunks.size) { part in
                if resting.stays(part, gradients, decays: decays) { return }
                cnk_adam(
                    parameters + part.lowerBound, gradients + part.lowerBound, first + part.lowerBound,
                    second + part.lowerBound, part.count, step)
            }
        }
    }
}

/// Gradient descent with momentum and weight decay. See ``OptimizerConfiguration/sgd(momentum:nesterov:weightDecay:)``.
final class GradientDescent: ResumableOptimizer {
    let parameterCount: Int
    private let momentum: Double
    private let nesterov: Bool
    private let weightDecay: Double
    private let velocity: OptimizerState
    /// Where the velocity is zero, if there is one.
    private let resting: RestingChunks

    init(parameterCount: Int, momentum: Double, nesterov: Bool, weightDecay: Double) {
        self.parameterCount = parameterCount
        self.momentum = momentum
        self.nesterov = nesterov
        self.weightDecay = weightDecay
        velocity = OptimizerState(count: momentum == 0 ? 0 : parameterCount)
        resting = RestingChunks(count: momentum == 0 ? 0 : parameterCount)
    }

    // A step does not depend on its number.
    var snapshot: OptimizerSnapshot { OptimizerSnapshot(steps: 0, vectors: [velocity.copy]) }

    func restore(_ snapshot: OptimizerSnapshot) -> Bool {
        guard snapshot.vectors.count == 1, velocity.fits(snapshot.vectors[0]) else { return false }
        velocity.take(snapshot.vectors[0])
        resting.update(snapshot.vectors)
        return true
    }

    func step(
        parameters: inout MutableSpan<Float>, gradients: Span<Float>, learningRate: Float, threads: ThreadTeam
    ) throws(OptimizationError) {
        try checkCounts(parameters.count, gradients.count)
        let step = cnk_sgd_step(
            learningRate: learningRate, momentum: Float(momentum), weightDecay: Float(weightDecay),
            nesterov: nesterov)
        let velocity = velocity.values
        // An infinite rate makes even a zero undefined.
        let decays = step.weightDecay != 0 || !learningRate.isFinite
        withPointers(&parameters, gradients) { parameters, gradients in
            threads.forEachBlock(of: parameterCount, size: RestingChunks.size) { part in
                if momentum == 0 {
                    if !decays, RestingChunks.areZeros(gradients + part.lowerBound, part.count) { return }
                    cnk_sgd(parameters + part.lowerBound, gradients + part.lowerBound, part.count, step)
                } else {
                    if resting.stays(part, gradients, decays: decays) { return }
                    cnk_sgd_momentum(
                        parameters + part.lowerBound, gradients + part.lowerBound, velocity + part.lowerBound,
                        part.count, step)
                }
            }
        }
    }
}

extension Optimizer {
    /// Makes sure that a step gets as many numbers as the optimizer was created for.
    fileprivate func checkCounts(_ parameters: Int, _ gradients: Int) throws(OptimizationError) {
        guard parameters == parameterCount, gradients == parameterCount else {
            throw OptimizationError(
                "step",
                "\(parameters) parameters and \(gradients) gradients do not fit an optimizer of \(parameterCount); "
                    + "create one for their count")
        }
    }
}

/// Calls `body` with the first elements' addresses; does nothing if there are no elements.
private func withPointers(
    _ parameters: inout MutableSpan<Float>, _ gradients: Span<Float>,
    _ body: (UnsafeMutablePointer<Float>, UnsafePointer<Float>) -> Void
) {
    gradients.withUnsafeBufferPointer { gradients in
        parameters.withUnsafeMutableBufferPointer { parameters in
            guard let first = parameters.baseAddress, let slope = gradients.baseAddress else { return }
            body(first, slope)
        }
    }
}
