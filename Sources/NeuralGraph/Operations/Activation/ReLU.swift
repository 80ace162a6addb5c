import CNeuralKernels

/// ReLU, or ReLU6 with a ceiling of 6: `min(max(x, 0), ceiling)`, for any shape.
package struct ReLU: GraphOperation {
    /// The largest output; infinity for ReLU.
    package var ceiling: Float

    /// Describes a ReLU, by default without a ceiling.
    package init(ceiling: Float = .infinity) {
        self.ceiling = ceiling
    }

    package var kind: String { ceiling == .infinity ? "ReLU" : "ReLU\(ceiling == 6 ? "6" : "(\(ceiling))")" }

    package func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape {
        guard inputs.count == 1, ceiling > 0 else {
            throw ShapeError(node, "ReLU takes one input and a ceiling above 0, not \(inputs) and \(ceiling)")
        }
        return inputs[0]
    }

    package func kernel(for request: KernelRequest) -> any Kernel {
        RectificationKernel(ceiling: ceiling, count: request.output.count)
    }
}

private struct RectificationKernel: Kernel {
    let ceiling: Float
    let count: Int

    var backwardReads: BackwardReads { .output }
    var worksInPlace: Bool { true }

    func forward(_ pass: ForwardPass) {
        pass.threads.forEachChunk(of: pass.batch * count, floatsEach: 1) { part in
            cnk_rectify(
                pass.inputs[0] + part.lowerBound, pass.output + part.lowerBound, part.count, ceiling)
        }
    }

    func backward(_ pass: BackwardPass) {
        guard let dx = pass.inputGradients[0] else { return }
        pass.threads.forEachChunk(of: pass.batch * count, floatsEach: 1) { part in
            cnk_rectify_backward(
                pass.forward.output + part.lowerBound, pass.outputGradient + part.lowerBound,
                dx.pointer + part.lowerBound, part.count, ceiling, dx.accumulates ? 1 : 0)
        }
    }
}

extension GraphBuilder {
    /// Adds a rectifier: `max(x, 0)`; the shape stays.
    public mutating func relu(_ input: Graph.Value, named name: String) throws(ShapeError) -> Graph.Value {
        try add(ReLU(), named: name, input)
    }

    /// Adds a ReLU6: `min(max(x, 0), 6)`; the shape stays.
    public mutating func relu6(_ input: Graph.Value, named name: String) throws(ShapeError) -> Graph.Value {
        try add(ReLU(ceiling: 6), named: name, input)
    }
}
