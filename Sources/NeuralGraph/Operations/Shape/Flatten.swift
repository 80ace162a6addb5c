/// An image as a vector in PyTorch's order, channels outermost, so that a linear layer's weights fit.
///
/// `[height, width, channels]` becomes `[channels * height * width]`; vectors pass unchanged.
package struct Flatten: GraphOperation {
    /// Describes a flattening.
    package init() {}

    package var kind: String { "Flatten" }

    package func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape {
        guard inputs.count == 1, inputs[0].rank > 0 else {
            throw ShapeError(node, "flattening takes one input with at least one axis, not \(inputs)")
        }
        return [inputs[0].count]
    }

    package func kernel(for request: KernelRequest) -> any Kernel {
        FlattenKernel(positions: request.inputs[0].positions, channels: request.inputs[0].channels)
    }
}

private struct FlattenKernel: Kernel {
    let positions: Int
    let channels: Int

    /// With one position or one channel both orders are the same.
    var worksInPlace: Bool { positions == 1 || channels == 1 }

    func forward(_ pass: ForwardPass) {
        let count = positions * channels
        pass.threads.forEachChunk(of: pass.batch, floatsEach: count) { examples in
            for example in examples {
                let source = pass.inputs[0] + example * count
                let target = pass.output + example * count
                guard !worksInPlace else {
                    if source != target { target.update(from: source, count: count) }
                    continue
                }
                for channel in 0..<channels {
                    for position in 0..<positions {
                        target[channel * positions + position] = source[position * channels + channel]
                    }
                }
            }
        }
    }

    func backward(_ pass: BackwardPass) {
        guard let dx = pass.inputGradients[0] else { return }
        let count = positions * channels
        guard !worksInPlace else {
            return GradientCopy.pass(
                pass.outputGradient, to: dx, count: pass.batch * count, threads: pass.threads)
        }
        pass.threads.forEachChunk(of: pass.batch, floatsEach: count) { examples in
            for example in examples {
                let source = pass.outputGradient + example * count
                let target = dx.pointer + example * count
                for position in 0..<positions {
                    for channel in 0..<channels {
                        let value = source[channel * positions + position]
                        let index = position * channels + channel
                        target[index] = dx.accumulates ? target[index] + value : value
                    }
                }
            }
        }
    }
}

extension GraphBuilder {
    /// Turns an image into a vector in PyTorch's order, channels outermost: `[h, w, c]` to `[c * h * w]`.
    public mutating func flatten(_ input: Graph.Value, named name: String) throws(ShapeError) -> Graph.Value {
        try add(Flatten(), named: name, input)
    }
}
