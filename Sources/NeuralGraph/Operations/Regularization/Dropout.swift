import CNeuralKernels

/// Dropout (Srivastava et al. 2014), for any shape.
///
/// In training mode it sets each element to 0 with a probability and scales the others up, so that the mean stays; in
/// inference mode it passes all on. The step's seed decides which elements are dropped.
package struct Dropout: GraphOperation {
    /// The probability that an element becomes 0, at least 0 and below 1.
    package var probability: Float

    /// Describes a dropout.
    package init(probability: Float) {
        self.probability = probability
    }

    package var kind: String { "Dropout" }

    package func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape {
        guard inputs.count == 1, probability >= 0, probability < 1 else {
            throw ShapeError(
                node, "dropout takes one input and a probability from 0 to below 1, not \(probability)")
        }
        return inputs[0]
    }

    package func kernel(for request: KernelRequest) -> any Kernel {
        DropoutKernel(probability: probability, count: request.output.count)
    }
}

private struct DropoutKernel: Kernel {
    let probability: Float
    let count: Int

    var worksInPlace: Bool { true }

    func forward(_ pass: ForwardPass) {
        let x = pass.inputs[0]
        guard pass.mode == .training, probability > 0 else {
            if x != pass.output {
                pass.threads.forEachChunk(of: pass.batch * count, floatsEach: 1) { part in
                    (pass.output + part.lowerBound).update(from: x + part.lowerBound, count: part.count)
                }
            }
            return
        }
        pass.threads.forEachChunk(of: pass.batch * count, floatsEach: 1) { part in
            cnk_dropout(x + part.lowerBound, pass.output + part.lowerBound, part.count, draws(pass, from: part))
        }
    }

    func backward(_ pass: BackwardPass) {
        guard let dx = pass.inputGradients[0] else { return }
        let dy = pass.outputGradient
        let drops = pass.forward.mode == .training && probability > 0
        pass.threads.forEachChunk(of: pass.batch * count, floatsEach: 1) { part in
            if drops {
                // Draws the same numbers again instead of keeping a mask.
                cnk_dropout_backward(
                    dy + part.lowerBound, dx.pointer + part.lowerBound, part.count, draws(pass.forward, from: part),
                    dx.accumulates ? 1 : 0)
            } else {
                for index in part { dx.pointer[index] = dy[index] + (dx.accumulates ? dx.pointer[index] : 0) }
            }
        }
    }

    /// The random numbers of a task's elements, from the seed and the place of the first one in the whole batch.
    private func draws(_ pass: ForwardPass, from part: Range<Int>) -> cnk_draws {
        let place = pass.firstExample &* count &+ part.lowerBound
        return cnk_draws(
            state: SeededRandom(seed: pass.seed &+ UInt64(truncatingIfNeeded: place)).state,
            threshold: UInt64(Double(probability) * 0x1p53), scale: 1 / (1 - probability))
    }
}

extension GraphBuilder {
    /// Adds a dropout (Srivastava et al. 2014), which does nothing in inference mode; the shape stays.
    /// - Parameters:
    ///   - input: the input.
    ///   - name: the node's name.
    ///   - probability: that an element becomes 0, at least 0 and below 1.
    public mutating func dropout(
        _ input: Graph.Value, named name: String, probability: Float
    ) throws(ShapeError) -> Graph.Value {
        try add(Dropout(probability: probability), named: name, input)
    }
}
