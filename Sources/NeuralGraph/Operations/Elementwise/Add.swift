import CNeuralKernels

/// The sum of two inputs of the same shape: a residual connection (He et al. 2016).
package struct Add: GraphOperation {
    /// Describes an addition.
    package init() {}

    package var kind: String { "Add" }

    package func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape {
        guard inputs.count == 2, inputs[0] == inputs[1] else {
            throw ShapeError(node, "addition takes two inputs of the same shape, not \(inputs)")
        }
        return inputs[0]
    }

    package func kernel(for request: KernelRequest) -> any Kernel {
        AdditionKernel(count: request.output.count)
    }
}

private struct AdditionKernel: Kernel {
    let count: Int

    var worksInPlace: Bool { true }

    func forward(_ pass: ForwardPass) {
        pass.threads.forEachChunk(of: pass.batch * count, floatsEach: 1) { part in
            cnk_add(
                pass.inputs[0] + part.lowerBound, pass.inputs[1] + part.lowerBound,
                pass.output + part.lowerBound, part.count)
        }
    }

    func backward(_ pass: BackwardPass) {
        // In the inputs' order: of one value added to itself, the second share is added to the first.
        for target in pass.inputGradients {
            guard let target else { continue }
            GradientCopy.pass(pass.outputGradient, to: target, count: pass.batch * count, threads: pass.threads)
        }
    }
}

/// Passes a gradient on unchanged.
enum GradientCopy {
    static func pass(
        _ gradient: UnsafeMutablePointer<Float>, to target: GradientTarget, count: Int, threads: ThreadTeam
    ) {
        guard gradient != target.pointer else { return }
        threads.forEachChunk(of: count, floatsEach: 1) { part in
            if target.accumulates {
                cnk_add_scaled(gradient + part.lowerBound, target.pointer + part.lowerBound, part.count, 1)
            } else {
                (target.pointer + part.lowerBound).update(from: gradient + part.lowerBound, count: part.count)
            }
        }
    }
}

extension GraphBuilder {
    /// Adds the sum of two values of the same shape: a residual connection.
    public mutating func add(
        _ first: Graph.Value, _ second: Graph.Value, named name: String
    ) throws(ShapeError) -> Graph.Value {
        try add(Add(), named: name, first, second)
    }
}
