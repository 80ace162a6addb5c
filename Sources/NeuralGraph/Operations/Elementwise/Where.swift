/// The second input's element where the first's is not 0, the third's elsewhere; all three have the same shape.
///
/// The gradient goes to the chosen element; the first input, a truth value, gets none.
package struct Where: GraphOperation {
    /// Describes a choice.
    package init() {}

    package var kind: String { "Where" }

    package func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape {
        guard inputs.count == 3, inputs.allSatisfy({ $0 == inputs[0] }) else {
            throw ShapeError(node, "a choice takes three inputs of the same shape, not \(inputs)")
        }
        return inputs[0]
    }

    package func kernel(for request: KernelRequest) -> any Kernel {
        ChoosingKernel(count: request.output.count)
    }
}

private struct ChoosingKernel: Kernel {
    let count: Int

    var backwardReads: BackwardReads { .inputs }

    func forward(_ pass: ForwardPass) {
        let (condition, first, second) = (pass.inputs[0], pass.inputs[1], pass.inputs[2])
        pass.threads.forEachChunk(of: pass.batch * count, floatsEach: 1) { part in
            for index in part { pass.output[index] = condition[index] != 0 ? first[index] : second[index] }
        }
    }

    func backward(_ pass: BackwardPass) {
        let condition = pass.forward.inputs[0]
        for input in 0..<3 {
            guard let target = pass.inputGradients[input] else { continue }
            pass.threads.forEachChunk(of: pass.batch * count, floatsEach: 1) { part in
                for index in part {
                    let isChosen = input > 0 && (condition[index] != 0) == (input == 1)
                    let gradient = isChosen ? pass.outputGradient[index] : 0
                    target.pointer[index] = target.accumulates ? target.pointer[index] + gradient : gradient
                }
            }
        }
    }
}

extension GraphBuilder {
    /// Adds a choice: the second value's element where the condition's is not 0, the third's elsewhere.
    ///
    /// All three have the same shape, and the condition gets no gradient.
    public mutating func `where`(
        _ condition: Graph.Value, _ first: Graph.Value, _ second: Graph.Value, named name: String
    ) throws(ShapeError) -> Graph.Value {
        try add(Where(), named: name, condition, first, second)
    }
}
