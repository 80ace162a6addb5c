internal import CNeuralKernels

/// Gradient descent with momentum and weight decay. See ``OptimizerConfiguration/sgd(momentum:nesterov:weightDecay:)``.
final class GradientDescent: Optimizer {
    let parameterCount: Int
    private let momentum: Double
    private let nesterov: Bool
    private let weightDecay: Double
    private let velocity: OptimizerState

    init(parameterCount: Int, momentum: Double, nesterov: Bool, weightDecay: Double) {
        self.parameterCount = parameterCount
        self.momentum = momentum
        self.nesterov = nesterov
        self.weightDecay = weightDecay
        velocity = OptimizerState(count: momentum == 0 ? 0 : parameterCount)
    }

    func step(
        parameters: UnsafeMutablePointer<Float>, gradients: UnsafePointer<Float>, count: Int,
        learningRate: Float, threads: ThreadTeam
    ) {
        precondition(count == parameterCount, "\(count) parameters, but \(parameterCount) were announced")
        let step = cnk_sgd_step(
            learningRate: learningRate, momentum: Float(momentum), weightDecay: Float(weightDecay),
            nesterov: nesterov)
        let velocity = velocity.values
        threads.forEachChunk(of: count, floatsEach: 1) { part in
            if momentum == 0 {
                cnk_sgd(parameters + part.lowerBound, gradients + part.lowerBound, part.count, step)
            } else {
                cnk_sgd_momentum(
                    parameters + part.lowerBound, gradients + part.lowerBound, velocity + part.lowerBound, part.count,
                    step)
            }
        }
    }
}
