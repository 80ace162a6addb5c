/// The parameter `weight` as a value without inputs, the same for every example, such as a class token.
package struct ParameterValue: GraphOperation {
    /// The parameter's shape, which is the output's.
    package var shape: TensorShape
    /// The distribution of the parameter's first values.
    package var initializer: Initializer
    /// Whether training updates the parameter.
    package var learns: Bool

    /// Describes a parameter.
    package init(shape: TensorShape, initializer: Initializer, learns: Bool = true) {
        self.shape = shape
        self.initializer = initializer
        self.learns = learns
    }

    package var kind: String { "Parameter" }

    package func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape {
        guard inputs.isEmpty else { throw ShapeError(node, "a parameter takes no inputs, not \(inputs)") }
        return try checked(shape, node: node)
    }

    package func parameters(for inputs: [TensorShape]) -> [ParameterSpecification] {
        [ParameterSpecification(name: "weight", shape: shape, initializer: initializer, isTrained: learns)]
    }

    package func kernel(for request: KernelRequest) -> any Kernel {
        ParameterValueKernel(count: shape.count, capacity: request.batchCapacity)
    }
}

private struct ParameterValueKernel: Kernel {
    let count: Int
    let capacity: Int

    var scratchCount: Int { BlockedSums(rows: capacity, channels: count).scratchCount }

    func forward(_ pass: ForwardPass) {
        pass.threads.forEachChunk(of: pass.batch, floatsEach: count) { examples in
            for example in examples { (pass.output + example * count).update(from: pass.parameters[0], count: count) }
        }
    }

    func backward(_ pass: BackwardPass) {
        guard let dw = pass.parameterGradients[0] else { return }
        BlockedSums(rows: pass.batch, channels: count)
            .sumColumns(of: pass.outputGradient, into: dw, scratch: pass.scratch, threads: pass.threads)
    }
}

extension GraphBuilder {
    /// Adds a parameter as a value, the same for every example, such as a class token.
    /// - Parameters:
    ///   - name: the node's name.
    ///   - shape: the parameter's shape.
    ///   - initializer: its initial values.
    ///   - learns: whether training changes it.
    ///   - key: the parameter's name in the state dictionary; `name.weight` if nil.
    package mutating func parameterValue(
        named name: String, shape: TensorShape, initializer: Initializer, learns: Bool = true, key: String? = nil
    ) throws(ShapeError) -> Graph.Value {
        try add(
            ParameterValue(shape: shape, initializer: initializer, learns: learns), named: name, [],
            keys: key.map { ["weight": $0] } ?? [:])
    }
}
