internal import CNeuralKernels

/// Inputs side by side along the last axis, their channels: `[..., a]` and `[..., b]` to `[..., a + b]`.
public struct Concatenation: GraphOperation {
    /// Describes a concatenation.
    public init() {}

    public var kind: String { "Concatenation" }

    public func outputShape(for inputs: [Shape], node: String) throws(ShapeError) -> Shape {
        guard let first = inputs.first, first.rank > 0,
            inputs.allSatisfy({ $0.dimensions.dropLast() == first.dimensions.dropLast() })
        else {
            throw ShapeError(node, "concatenation takes inputs that differ in channels alone, not \(inputs)")
        }
        return Shape(first.dimensions.dropLast() + [inputs.reduce(0) { $0 + $1.channels }])
    }

    public func kernel(for request: KernelRequest) -> any Kernel {
        ConcatenationKernel(
            channels: request.inputs.map(\.channels), positions: request.output.positions,
            total: request.output.channels)
    }
}

private struct ConcatenationKernel: Kernel {
    let channels: [Int]
    let positions: Int
    let total: Int

    func forward(_ pass: ForwardPass) {
        pass.threads.forEachChunk(of: pass.batch * positions, floatsEach: total) { rows in
            for row in rows {
                var target = pass.output + row * total
                for (input, count) in channels.enumerated() {
                    target.update(from: pass.inputs[input] + row * count, count: count)
                    target += count
                }
            }
        }
    }

    func backward(_ pass: BackwardPass) {
        pass.threads.forEachChunk(of: pass.batch * positions, floatsEach: total) { rows in
            for row in rows {
                var source = pass.outputGradient + row * total
                for (input, count) in channels.enumerated() {
                    defer { source += count }
                    guard let dx = pass.inputGradients[input] else { continue }
                    let target = dx.pointer + row * count
                    if dx.accumulates {
                        cnk_add_scaled(source, target, count, 1)
                    } else {
                        target.update(from: source, count: count)
                    }
                }
            }
        }
    }
}

extension GraphBuilder {
    /// Adds a ``Concatenation`` of values.
    public mutating func concatenation(
        _ inputs: [Graph.Value], named name: String
    ) throws(ShapeError) -> Graph.Value {
        try add(Concatenation(), named: name, inputs)
    }
}
