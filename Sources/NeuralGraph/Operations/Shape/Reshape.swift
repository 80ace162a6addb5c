/// The same elements in the same order under another shape.
package struct Reshape: GraphOperation {
    /// The new shape of one example.
    package var shape: TensorShape

    /// Describes a new shape.
    package init(shape: TensorShape) {
        self.shape = shape
    }

    package var kind: String { "Reshape" }

    package func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape {
        let input = try onlyInput(inputs, node: node)
        guard shape.checkedCount == input.count else {
            throw ShapeError(node, "\(input) cannot become \(shape): the numbers of elements differ")
        }
        return shape
    }

    package func kernel(for request: KernelRequest) -> any Kernel {
        ReshapingKernel(count: request.output.count)
    }
}

private struct ReshapingKernel: Kernel {
    let count: Int

    var worksInPlace: Bool { true }
    var algorithm: String { "in place" }

    func forward(_ pass: ForwardPass) {
        guard pass.inputs[0] != pass.output else { return }
        pass.threads.forEachChunk(of: pass.batch * count, floatsEach: 1) { part in
            (pass.output + part.lowerBound).update(from: pass.inputs[0] + part.lowerBound, count: part.count)
        }
    }

    func backward(_ pass: BackwardPass) {
        guard let dx = pass.inputGradients[0] else { return }
        GradientCopy.pass(pass.outputGradient, to: dx, count: pass.batch * count, threads: pass.threads)
    }
}

extension GraphBuilder {
    /// Gives a value another shape with the same number of elements, in the same order.
    public mutating func reshape(
        _ input: Graph.Value, named name: String, shape: TensorShape
    ) throws(ShapeError) -> Graph.Value {
        try add(Reshape(shape: shape), named: name, input)
    }
}
