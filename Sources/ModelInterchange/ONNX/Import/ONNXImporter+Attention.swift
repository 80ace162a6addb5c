import NeuralGraph

extension ONNXImporter {
    /// Fuses `softmax(q kT scale) v` (Vaswani et al. 2017, eq. 1) into one attention node.
    ///
    /// nil if the product is not attention, or its heads and features are laid out in another way.
    mutating func attention(_ weights: ValueView, _ values: ValueView, _ node: ONNXNode) throws -> ValueView? {
        guard let probabilities = weights.value, let softmax = maker(probabilities), softmax.operation is Softmax else {
            return nil
        }
        var scale: Float = 1
        var scores = softmax.inputs[0]
        if let scaled = affine(scores), scaled.shift == 0 { (scale, scores) = (scaled.scale, scaled.value) }
        guard let factors = products[scores] else { return nil }
        let values = try expanded(values, named: node.label)
        let query = unscaled(factors.first, &scale)
        let key = unscaled(factors.second, &scale)
        let rank = query.rank
        guard rank >= 3, key.rank == rank, values.rank == rank, weights.rank == rank else { return nil }
        // The scores' axes must be the softmax's: queries in rows, keys in columns.
        guard weights.axes[rank - 1].compactMap(\.stride).min() == 1, weights.length(rank - 1) == key.length(rank - 1),
            weights.length(rank - 2) == query.length(rank - 2), key.length(rank - 1) == values.length(rank - 2),
            query.length(rank - 1).count > 1, values.length(rank - 1) == query.length(rank - 1)
        else { return nil }
        let turned = ValueView(key.source, axes: key.axes.dropLast(2) + [key.axes[rank - 1], key.axes[rank - 2]])
        return try attention(query, turned, values, scale: scale, node)
    }

    /// `[N, tokens, heads * features]` as `[N, heads, tokens, features]`.
    func heads(of view: ValueView, _ count: Int?, _ node: ONNXNode) throws -> ValueView {
        let lengths = view.lengths
        guard let count, count > 0, lengths.count == 3, lengths[2].count % count == 0,
            let cut = view.regrouped([lengths[0], lengths[1], AxisLength(count), AxisLength(lengths[2].count / count)])
        else { throw ONNXProblem(node, "has \(count ?? 0) heads for an input of \(view.description)") }
        return ValueView(cut.source, axes: [cut.axes[0], cut.axes[2], cut.axes[1], cut.axes[3]])
    }

    /// Attention of queries, keys and values `[batch, heads, tokens, features]`; nil if their lengths do not match.
    mutating func attention(
        _ query: ValueView, _ key: ValueView, _ values: ValueView, scale: Float, _ node: ONNXNode
    ) throws -> ValueView? {
        let rank = query.rank
        guard rank >= 3, key.rank == rank, values.rank == rank,
            (rank - 2..<rank).allSatisfy({ axis in
                [query, key, values].allSatisfy { !$0.axes[axis].contains(where: \.isBatch) }
            }), query.length(rank - 1) == key.length(rank - 1), key.length(rank - 2) == values.length(rank - 2),
            values.length(rank - 1) == query.length(rank - 1)
        else { return nil }
        let fronts = 0..<(rank - 2)
        let lengths = fronts.map { query.length($0) }
        guard fronts.allSatisfy({ key.length($0) == lengths[$0] && values.length($0) == lengths[$0] }) else {
            return nil
        }
        let heads = fronts.flatMap { query.places(ofAxis: $0) }
        let count = heads.reduce(1) { $0 * query[$1].length.count }
        let inputs = try [query, key, values].map { view in
            try materialize(
                view,
                [
                    view.places(ofAxis: rank - 2),
                    fronts.flatMap { view.places(ofAxis: $0) } + view.places(ofAxis: rank - 1),
                ], named: node.label)
        }
        let operation = ScaledDotProductAttention(heads: count, scale: scale)
        let whole = try packed(inputs, node).map { [$0] }
        let value = try add(operation, named: unique(node), whole ?? inputs)
        var result = query
        result.axes[rank - 1] = values.axes[rank - 1]
        return result.restrided(
            value, order: result.places(ofAxis: rank - 2) + heads + result.places(ofAxis: rank - 1))
    }

    /// The output of one linear layer that queries, keys and values are slices of; nil if there is none.
    private mutating func packed(_ parts: [Graph.Value], _ node: ONNXNode) throws -> Graph.Value? {
        let shape = builder.shape(of: parts[0])
        guard parts.allSatisfy({ builder.shape(of: $0) == shape }) else { return nil }
        var source: Graph.Value?
        for (index, part) in parts.enumerated() {
            guard let maker = maker(unshaped(part)), let slice = maker.operation as? Slice, slice.step == 1,
                source == nil || source == maker.inputs[0]
            else { return nil }
            let whole = maker.inputShapes[0]
            let axis = slice.axis < 0 ? slice.axis + whole.rank : slice.axis
            let inner = whole.dimensions[(axis + 1)...].reduce(1, *)
            guard slice.count * inner == shape[1], slice.start * inner == index * shape[1],
                whole[axis] * inner == 3 * shape[1], whole.count == 3 * shape.count
            else { return nil }
            source = maker.inputs[0]
        }
        return try source.map { try reshaped($0, to: [shape[0], 3 * shape[1]], named: node.label) }
    }

    /// The view of a value before its multiplication by a scalar.
    private func unscaled(_ view: ValueView, _ scale: inout Float) -> ValueView {
        guard let value = view.value, let scaled = affine(value), scaled.shift == 0 else { return view }
        scale *= scaled.scale
        return ValueView(.value(scaled.value), axes: view.axes)
    }
}
