import CNeuralKernels

/// Inputs joined along an axis, by default the last, their channels: `[..., a]` and `[..., b]` to `[..., a + b]`.
package struct Concat: GraphOperation {
    /// The axis; a negative one counts from the end.
    package var axis: Int

    /// Describes a concatenation.
    package init(axis: Int = -1) {
        self.axis = axis
    }

    package var kind: String { "Concat" }

    package func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape {
        guard let first = inputs.first, first.rank > 0 else {
            throw ShapeError(node, "concatenation takes inputs with at least one axis, not \(inputs)")
        }
        let axis = try first.axis(axis, node: node)
        guard inputs.allSatisfy({ $0.rank == first.rank && $0.replacing(axis, by: 0) == first.replacing(axis, by: 0) })
        else {
            throw ShapeError(node, "concatenation takes inputs that differ only in axis \(axis), not \(inputs)")
        }
        return try checked(first.replacing(axis, by: inputs.reduce(0) { $0 + $1[axis] }), node: node)
    }

    package func kernel(for request: KernelRequest) -> any Kernel {
        let axis = axis < 0 ? axis + request.output.rank : axis
        let inner = request.output.dimensions[(axis + 1)...].reduce(1, *)
        return ConcatenationKernel(
            counts: request.inputs.map { $0[axis] * inner }, positions: request.output.dimensions[..<axis].reduce(1, *),
            total: request.output[axis] * inner)
    }
}

private struct ConcatenationKernel: Kernel {
    /// The numbers of each input that lie side by side, for each of the positions on the axes before.
    let counts: [Int]
    let positions: Int
    let total: Int

    func forward(_ pass: ForwardPass) {
        pass.threads.forEachChunk(of: pass.batch * positions, floatsEach: total) { rows in
            for row in rows {
                var target = pass.output + row * total
                for (input, count) in counts.enumerated() {
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
                for (input, count) in counts.enumerated() {
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
    /// Joins values along an axis, by default the last, their channels: `[..., a]` and `[..., b]` to `[..., a + b]`.
    /// - Parameters:
    ///   - inputs: the inputs.
    ///   - name: the node's name.
    ///   - axis: a negative one counts from the end.
    public mutating func concat(
        _ inputs: [Graph.Value], named name: String, axis: Int = -1
    ) throws(ShapeError) -> Graph.Value {
        try add(Concat(axis: axis), named: name, inputs)
    }
}
