import NeuralGraph

extension ONNXImporter {
    /// `softmax(q kT scale) v` (Vaswani et al. 2017, eq. 1) as one node, where heads and features lie so that it can be;
    /// nil if the product is another.
    mutating func attention(_ weights: ValueView, _ values: ValueView, _ node: ONNXNode) throws -> ValueView? {
        guard let probabilities = weights.value, let softmax = maker(probabilities), softmax.operation is Softmax else {
            return nil
        }
        var scale: Float = 1
        var scores = softmax.inputs[0]
        if let scaled = affine(scores), scaled.shift == 0 { (scale, scores) = (scaled.scale, scaled.value) }
        guard let factors = products[scores] else { return nil }
        let query = unscaled(factors.first, &scale)
        let key = unscaled(factors.second, &scale)
        let rank = query.rank
        guard rank >= 3, key.rank == rank, values.rank == rank, weights.rank == rank else { return nil }
        // The scores' axes must be the softmax's: queries in rows, keys in columns.
        guard weights.axes[rank - 1].compactMap(\.stride).min() == 1, weights.length(rank - 1) == key.length(rank - 1),
            weights.length(rank - 2) == query.length(rank - 2), key.length(rank - 1) == values.length(rank - 2),
            query.length(rank - 1).count > 1, values.length(rank - 1) == query.length(rank - 1)
        else { return nil }
        let fronts = 0..<(rank - 2)
        let lengths = fronts.map { query.length($0) }
        guard fronts.allSatisfy({ key.length($0) == lengths[$0] && values.length($0) == lengths[$0] }) else {
            return nil
        }
        let heads = fronts.flatMap { query.places(ofAxis: $0) }
        let count = heads.reduce(1) { $0 * query[$1].length.count }
        let inputs = try [(query, rank - 2, rank - 1), (key, rank - 1, rank - 2), (values, rank - 2, rank - 1)].map {
            (view, tokens, features) in
            try materialize(
                view,
                [
                    view.places(ofAxis: tokens),
                    fronts.flatMap { view.places(ofAxis: $0) } + view.places(ofAxis: features),
                ],
                named: node.label)
        }
        let value = try add(
            ScaledDotProductAttention(heads: count, scale: scale), named: unique(node), inputs)
        var result = query
        result.axes[rank - 1] = values.axes[rank - 1]
        return result.restrided(
            value, order: result.places(ofAxis: rank - 2) + heads + result.places(ofAxis: rank - 1))
    }

    /// A view of what a value was before it was multiplied by a number.
    private func unscaled(_ view: ValueView, _ scale: inout Float) -> ValueView {
        guard let value = view.value, let scaled = affine(value), scaled.shift == 0 else { return view }
        scale *= scaled.scale
        return ValueView(.value(scaled.value), axes: view.axes)
    }
}
