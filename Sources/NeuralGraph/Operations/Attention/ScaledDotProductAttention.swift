/// Multi-head attention without its projections: `softmax(scale * q kᵀ) v` per head (Vaswani et al. 2017, eq. 1).
///
/// Each head has its own columns. Inputs are queries `[queries, heads * d]`, keys `[keys, heads * d]` and values `[keys, heads * d]`, or one input
/// `[tokens, 3 * heads * d]` with all three side by side. Output `[queries, heads * d]`.
package struct ScaledDotProductAttention: GraphOperation {
    /// The number of heads, which divides the number of columns.
    package var heads: Int
    /// The factor of the products, above 0; `1 / sqrt(d)` if nil.
    package var scale: Float?
    /// The tokens of one input with all three parts whose queries are answered; all of them if nil.
    var queries: Range<Int>?

    /// Describes an attention.
    package init(heads: Int, scale: Float? = nil) {
        self.heads = heads
        self.scale = scale
    }

    package var kind: String { "Attention" }

    package func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape {
        guard inputs.count == 1 || inputs.count == 3,
            inputs.allSatisfy({ $0.rank == 2 && $0.checkedCount != nil })
        else {
            throw ShapeError(
                node, "attention takes queries, keys and values [tokens, features], or all three as one, not \(inputs)")
        }
        let parts = inputs.count == 1 ? 3 : 1
        let columns = inputs[0].channels
        // This refuses a width that is not a multiple of three too, since no number of heads divides it.
        guard heads > 0, columns % parts == 0, columns / parts % heads == 0 else {
            throw ShapeError(
                node, "\(heads) heads do not divide the \(columns / parts) columns of queries into equal parts")
        }
        // The row's largest score is subtracted before scaling, which keeps numbers small for positive scales alone.
        if let scale, !(scale > 0 && scale.isFinite) {
            throw ShapeError(node, "attention takes a finite scale above 0, not \(scale)")
        }
        if inputs.count == 3 {
            guard inputs[1] == inputs[2], inputs[1].channels == columns else {
                throw ShapeError(
                    node, "keys and values must have the same shape, and as many columns as queries; found \(inputs)")
            }
        }
        if let queries, inputs.count != 1 || queries.isEmpty || !(0..<inputs[0][0]).contains(queries) {
            throw ShapeError(node, "the queries \(queries) are not among the tokens of one input, but of \(inputs)")
        }
        return try checked([queries?.count ?? inputs[0][0], columns / parts], node: node)
    }

    package func kernel(for request: KernelRequest) -> any Kernel {
        let columns = request.output[1]
        let isPacked = request.inputs.count == 1
        return AttentionKernel(
            queries: request.output[0], firstQuery: queries?.lowerBound ?? 0,
            keys: request.inputs[isPacked ? 0 : 1][0], heads: heads, width: columns / heads, isPacked: isPacked,
            scale: scale ?? 1 / Float(columns / heads).squareRoot(), request: request)
    }
}

extension GraphBuilder {
    /// Adds scaled dot-product attention of one value `[tokens, 3 * heads * d]`: queries, keys and values side by side.
    public mutating func attention(
        _ input: Graph.Value, named name: String, heads: Int, scale: Float? = nil
    ) throws(ShapeError) -> Graph.Value {
        try add(ScaledDotProductAttention(heads: heads, scale: scale), named: name, input)
    }

    /// Adds scaled dot-product attention of queries `[queries, heads * d]`, keys and values `[keys, heads * d]`.
    public mutating func attention(
        queries: Graph.Value, keys: Graph.Value, values: Graph.Value, named name: String, heads: Int,
        scale: Float? = nil
    ) throws(ShapeError) -> Graph.Value {
        try add(ScaledDotProductAttention(heads: heads, scale: scale), named: name, queries, keys, values)
    }
}
