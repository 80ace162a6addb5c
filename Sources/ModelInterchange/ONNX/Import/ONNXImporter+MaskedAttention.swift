import NeuralGraph

/// `Attention` of operator set 23, with grouped heads, a mask and a soft cap.
extension ONNXImporter {
    /// Stands for minus infinity, which is not allowed in a parameter; its exponential is 0 as well.
    private static let masked: Float = -1e30

    /// Queries, keys and values `[N, heads, tokens, features]`, or `[N, tokens, heads * features]`.
    mutating func attention(_ node: ONNXNode) throws {
        var views = try (0..<3).map { try expanded(try view(node, $0), named: node.label) }
        let isFlat = views[0].rank == 3
        if isFlat {
            for (index, name) in ["q_num_heads", "kv_num_heads", "kv_num_heads"].enumerated() {
                views[index] = try heads(of: views[index], try node.integer(name), node)
            }
        }
        let misfit = ONNXProblem(
            node,
            "has inputs of \(views.map(\.description).joined(separator: ", ")), which do not fit each other")
        guard views.allSatisfy({ $0.rank == 4 }), views[1].length(1) == views[2].length(1),
            views[0].length(1).count % max(1, views[1].length(1).count) == 0
        else { throw misfit }
        let depth = views[0].length(3).count
        let scale = try node.float("scale") ?? 1 / Float(max(1, depth)).squareRoot()
        let sharing = views[0].length(1).count / max(1, views[1].length(1).count)
        if sharing > 1 {
            for index in 1...2 {
                views[index].axes[1].append(.repeated(sharing))
                views[index] = try expanded(views[index], named: node.label)
            }
        }
        let mask = try mask(node, queries: views[0].length(2).count, keys: views[1].length(2).count)
        let cap = try node.float("softcap") ?? 0
        var result: ValueView
        if mask == nil, cap == 0, let whole = try attention(views[0], views[1], views[2], scale: scale, node) {
            result = whole
        } else {
            guard views[0].length(3) == views[1].length(3), views[1].length(2) == views[2].length(2) else {
                throw misfit
            }
            result = try attention(views, scale: scale, cap: cap, mask: mask, node)
        }
        if isFlat { result.axes = [result.axes[0], result.axes[2], result.axes[1] + result.axes[3]] }
        try define(node, result)
    }

    /// Attention as separate products and a softmax.
    private mutating func attention(
        _ views: [ValueView], scale: Float, cap: Float, mask: ValueView?, _ node: ONNXNode
    ) throws -> ValueView {
        let keys = ValueView(views[1].source, axes: views[1].axes.dropLast(2) + [views[1].axes[3], views[1].axes[2]])
        var scores = try product(views[0], keys, node, name: node.label + ".scores")
        let isCapped = cap != 0
        let factor = isCapped ? scale / cap : scale
        scores = try pointwise(scores, .affine(scale: factor, shift: 0), name: node.label + ".scaled")
        if isCapped {
            let bounded = try pointwise(scores, .tanh, name: node.label + ".bounded")
            scores = try pointwise(bounded, .affine(scale: cap, shift: 0), name: node.label + ".capped")
        }
        if let mask { scores = try combined(scores, mask, .addition, node, name: node.label + ".masked") }
        scores = try expanded(scores, named: node.label)
        let (x, order) = try materialize(scores, last: scores.places(ofAxis: 3), named: node.label)
        let shares = try add(Softmax(axis: -1), named: unique(node.label + ".shares"), [x])
        return try product(scores.restrided(shares, order: order), views[2], node, name: node.label)
    }

    /// The mask that is added to the scores, `[..., queries, keys]`; nil if no key is masked.
    private func mask(_ node: ONNXNode, queries: Int, keys: Int) throws -> ValueView? {
        let isCausal = try node.integer("is_causal") ?? 0 != 0
        let (left, right) = (
            try node.integer("left_window_size") ?? -1, try node.integer("right_window_size") ?? -1
        )
        guard isCausal || left >= 0 || right >= 0 || node.input(3) != nil else { return nil }
        guard queries * keys <= Self.maximumIntegers else {
            throw ONNXProblem(node, "has a mask of \(queries) queries and \(keys) keys, which is too large")
        }
        let window = (0..<queries).flatMap { query in
            (0..<keys).map { key in
                let isOpen =
                    (!isCausal || key <= query) && (left < 0 || query - key <= left)
                    && (right < 0 || key - query <= right)
                return isOpen ? Float(0) : Self.masked
            }
        }
        var mask = KnownTensor(dimensions: [queries, keys], values: window)
        if node.input(3) != nil {
            let given = try additive(node, keys: keys)
            guard let shape = broadcastShape([given.dimensions, mask.dimensions]), shape.count <= 4,
                Array(shape.suffix(2)) == [queries, keys]
            else {
                throw ONNXProblem(node, "has a mask of \(given.dimensions) for \(queries) queries and \(keys) keys")
            }
            try budget.spend(shape.reduce(1, *), node)
            let sums = zip(given.broadcast(to: shape).values, mask.broadcast(to: shape).values).map {
                max($0 + $1, Self.masked)
            }
            mask = KnownTensor(dimensions: shape, values: sums)
        }
        for row in 0..<(mask.values.count / max(1, keys)) {
            guard mask.values[(row * keys)..<((row + 1) * keys)].contains(where: { $0 > Self.masked / 2 }) else {
                throw ONNXProblem(node, "has a mask by which a query looks at no key, which is not supported")
            }
        }
        return ValueView(ONNXConstant(mask.values), dimensions: mask.dimensions)
    }

    /// A node's mask, converted to one that is added.
    private func additive(_ node: ONNXNode, keys: Int) throws -> KnownTensor<Float> {
        let operand = try operand(node, 3)
        guard Self.isKnown(operand) else {
            throw ONNXProblem(node, "has a mask that is not known when the file is read, which is not supported")
        }
        var mask: KnownTensor<Float>
        switch try known(operand, node) {
        case .floats(let tensor): mask = tensor
        case .reals: throw ONNXProblem(node, "has a mask that depends on the batch size")
        case .integers(let tensor):
            mask = KnownTensor(
                dimensions: tensor.dimensions,
                values: tensor.values.map { $0 == BatchInteger(0) ? Self.masked : 0 })
        }
        guard let own = mask.dimensions.last, own > 0, own <= keys else {
            throw ONNXProblem(node, "has a mask of \(mask.dimensions) for \(keys) keys")
        }
        if own < keys, own > 1 {
            // Keys that a mask leaves out are not looked at.
            let rows = mask.values.count / own
            let rest = [Float](repeating: Self.masked, count: keys - own)
            var values: [Float] = []
            for row in 0..<rows {
                values += mask.values[(row * own)..<((row + 1) * own)]
                values += rest
            }
            mask = KnownTensor(dimensions: mask.dimensions.dropLast() + [keys], values: values)
        }
        return mask
    }
}
