import NeuralGraph

/// An average of all positions followed by a matrix product, with a counter as batch norm has: enough to be written
/// and read. It is never run.
struct TinyArchitecture: Architecture {
    let bias: Bool

    var identifier: ArchitectureIdentifier {
        ArchitectureIdentifier(name: "tiny", options: ["bias": bias ? "yes" : "no"])
    }

    func graph(inputShape: TensorShape, classes: Int) throws(ShapeError) -> Graph {
        var builder = GraphBuilder(inputShape: inputShape)
        _ = try builder.add(TinyOperation(classes: classes, bias: bias), named: "fc", builder.input)
        return try builder.graph()
    }

    var endTensors: (first: String, last: String) { ("fc.weight", "fc.weight") }

    static func registry(_ identifier: ArchitectureIdentifier) throws -> any Architecture {
        guard identifier.name == "tiny" else {
            throw ArchitectureError.unknown(name: identifier.name, known: ["tiny"])
        }
        return TinyArchitecture(bias: identifier.options["bias"] != "no")
    }
}

private struct TinyOperation: GraphOperation {
    let classes: Int
    let bias: Bool
    var kind: String { "Tiny" }

    func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape { [classes] }

    func parameters(for inputs: [TensorShape]) -> [ParameterSpecification] {
        let weight = ParameterSpecification(
            name: "weight", shape: [classes, inputs[0].channels], initializer: .uniform(bound: 1))
        let bias = ParameterSpecification(name: "bias", shape: [classes], initializer: .normal(standardDeviation: 1))
        return self.bias ? [weight, bias] : [weight]
    }

    func state(for inputs: [TensorShape]) -> [StateSpecification] {
        [
            StateSpecification(name: "running_mean", shape: [classes], initialValue: 0.25),
            StateSpecification(name: "num_batches_tracked", shape: [], initialValue: 0, isInteger: true),
        ]
    }

    func kernel(for request: KernelRequest) -> any Kernel { IdleKernel() }
}

private struct IdleKernel: Kernel {
    func forward(_ pass: ForwardPass) {}
    func backward(_ pass: BackwardPass) {}
}
