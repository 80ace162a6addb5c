import Unlearning

/// The largest difference between a model's gradients and two-sided differences of `sum(output * weights)` for random
/// `weights`, as a share of each gradient's largest number.
///
/// Differences of `Float` results lose digits, so a step of a hundredth and an error of about 1e-4 is what they are good
/// for. Inputs must keep a hundredth away from places where the network has a kink.
func worstGradientError(_ model: Model, batch: Int, seed: UInt64) throws -> Float {
    var random = SeededRandom(seed: seed)
    func numbers(_ count: Int) -> [Float] { (0..<count).map { _ in Float(random.normal()) } }
    let input = numbers(batch * model.graph.inputShape.count)
    let weights = numbers(batch * model.graph.outputShape.count)

    func objective(_ model: Model, _ input: [Float]) throws -> Float {
        let executor = Executor(model: model, batchCapacity: batch)
        _ = executor.input.update(fromContentsOf: input)
        try executor.forward(batch: batch, mode: .training)
        return zip(executor.output, weights).reduce(0) { $0 + $1.0 * $1.1 }
    }
    let executor = Executor(model: model, batchCapacity: batch, computing: .both)
    _ = executor.input.update(fromContentsOf: input)
    try executor.forward(batch: batch, mode: .training)
    _ = executor.outputGradient.update(fromContentsOf: weights)
    try executor.backward()

    let step: Float = 0.01
    func worst(_ gradient: [Float], _ moved: (Int, Float) throws -> Float) rethrows -> Float {
        let scale = gradient.map(abs).max() ?? 0
        return try gradient.indices.map { index in
            let slope = try (moved(index, step) - moved(index, -step)) / (2 * step)
            return abs(slope - gradient[index]) / max(scale, .leastNormalMagnitude)
        }.max() ?? 0
    }
    var errors = [
        try worst(Array(executor.inputGradient)) { index, distance in
            var other = input
            other[index] += distance
            return try objective(model, other)
        }
    ]
    for (name, gradient) in try executor.parameterGradients() {
        errors.append(
            try worst(gradient.elements) { index, distance in
                guard var tensor = model.parameters[name] else { return .nan }
                tensor[index] += distance
                return try objective(try model.replacing([name: tensor]), input)
            })
    }
    // An undefined number is no small error.
    return errors.allSatisfy(\.isFinite) ? errors.max() ?? 0 : .infinity
}
