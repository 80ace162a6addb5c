/// An image `[height, width, channels]` enlarged by repeating pixels.
package struct Upsample: GraphOperation {
    /// The repetitions of each row and each column, at least 1.
    package var factor: Size2D

    /// Describes an enlargement.
    package init(_ factor: Size2D) {
        self.factor = factor
    }

    package var kind: String { "Upsample" }

    package func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape {
        let input = try onlyInput(inputs, node: node, minimumRank: 3)
        guard input.rank == 3, (1...TensorShape.largestCount).contains(factor.height),
            (1...TensorShape.largestCount).contains(factor.width)
        else {
            throw ShapeError(
                node,
                "upsampling takes an image [height, width, channels] and factors of at least 1, not \(input) and \(factor)"
            )
        }
        return try checked([input[0] * factor.height, input[1] * factor.width, input[2]], node: node)
    }

    package func kernel(for request: KernelRequest) -> any Kernel {
        resizing(request)
    }
}

/// An image `[height, width, channels]` at another size, by nearest neighbors.
///
/// Row `i` of the output is row `floor(i * height / new height)` of the input, and columns likewise.
package struct Resize: GraphOperation {
    /// The new height.
    package var height: Int
    /// The new width.
    package var width: Int

    /// Describes another size.
    package init(height: Int, width: Int) {
        self.height = height
        self.width = width
    }

    package var kind: String { "Resize" }

    package func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape {
        let input = try onlyInput(inputs, node: node, minimumRank: 3)
        guard input.rank == 3, (1...TensorShape.largestCount).contains(height),
            (1...TensorShape.largestCount).contains(width)
        else {
            throw ShapeError(
                node,
                "resizing takes an image [height, width, channels] and a size of at least 1x1, not \(input) and "
                    + "\(height)x\(width)")
        }
        return try checked([height, width, input[2]], node: node)
    }

    package func kernel(for request: KernelRequest) -> any Kernel {
        resizing(request)
    }
}

private func resizing(_ request: KernelRequest) -> any Kernel {
    let (input, output) = (request.inputs[0], request.output)
    let maps = (0..<3).map { axis in (0..<output[axis]).map { $0 * input[axis] / output[axis] } }
    return AxisMapKernel(maps, input: input)
}

extension GraphBuilder {
    /// Enlarges an image by repeating pixels: `[h, w, c]` to `[factor.height * h, factor.width * w, c]`.
    public mutating func upsample(
        _ input: Graph.Value, named name: String, _ factor: Size2D
    ) throws(ShapeError) -> Graph.Value {
        try add(Upsample(factor), named: name, input)
    }

    /// Brings an image to another size by nearest neighbors: `[h, w, c]` to `[height, width, c]`.
    ///
    /// Row `i` is row `floor(i * h / height)` of the value, and columns likewise.
    public mutating func resize(
        _ input: Graph.Value, named name: String, height: Int, width: Int
    ) throws(ShapeError) -> Graph.Value {
        try add(Resize(height: height, width: width), named: name, input)
    }
}
