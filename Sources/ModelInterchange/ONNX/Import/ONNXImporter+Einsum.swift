import NeuralGraph

extension ONNXImporter {
    /// Imports a sum of products along labeled axes, of one or two inputs: `ij,jk->ik` is a matrix product.
    mutating func einsum(_ node: ONNXNode) throws {
        let inputs = try node.inputs.indices.map { try expanded(try view(node, $0), named: node.label) }
        let equation = try EinsumEquation(node, ranks: inputs.map(\.rank))
        var terms = zip(inputs, equation.inputs).map { LabeledView(view: $0, labels: $1) }
        for (index, term) in terms.enumerated() {
            let others = terms.indices.filter { $0 != index }.flatMap { terms[$0].labels } + equation.output
            let summed = term.labels.indices.filter { !others.contains(term.labels[$0]) }
            terms[index].view = try reduced(term.view, axes: summed, keepsAxes: false, .sum, node)
            terms[index].labels = term.labels.filter { others.contains($0) }
        }
        let result =
            terms.count == 1 ? terms[0] : try contraction(terms[0], terms[1], to: equation.output, node)
        try define(node, ValueView(result.view.source, axes: result.axes(equation.output)))
    }

    private mutating func contraction(
        _ first: LabeledView, _ second: LabeledView, to output: [String], _ node: ONNXNode
    ) throws -> LabeledView {
        // Either order gives the same; stored weights come second.
        let isTurned = first.view.constant != nil && second.view.constant == nil
        let (first, second) = isTurned ? (second, first) : (first, second)
        let shared = first.labels.filter { second.labels.contains($0) }
        for label in shared {
            let (one, other) = (first.length(label), second.length(label))
            guard one == other || EinsumEquation.isUnnamed(label) && (one == .one || other == .one) else {
                throw ONNXProblem(
                    node,
                    "multiplies \(first.view.description) by \(second.view.description), which do not fit its equation")
            }
        }
        let contracted = shared.filter { !output.contains($0) }
        guard !contracted.contains(where: { first.hasBatch($0) || second.hasBatch($0) }) else {
            throw ONNXProblem(node, "sums over examples, which cannot be run")
        }
        if contracted.isEmpty {
            let (left, right) = (
                ValueView(first.view.source, axes: first.axes(output)),
                ValueView(second.view.source, axes: second.axes(output))
            )
            let view = try combined(left, right, .multiplication, node, name: node.label)
            return LabeledView(view: view, labels: output)
        }
        let (own, others) = (
            first.labels.filter { !shared.contains($0) }, second.labels.filter { !shared.contains($0) }
        )
        if second.view.constant != nil, shared == contracted {
            let input = ValueView(first.view.source, axes: first.axes(own) + [first.merged(contracted)])
            let weight = ValueView(second.view.source, axes: [second.merged(contracted), second.merged(others)])
            var view = try linear(input, weight: weight, bias: nil, node)
            view.axes.removeLast()
            view.axes += ValueView.rowMajor(others.map { second.length($0).count })
            return LabeledView(view: view, labels: own + others)
        }
        return try product(first, second, contracted, output, node)
    }

    /// A product of matrices, for each position of the axes that both have and that stay.
    private mutating func product(
        _ first: LabeledView, _ second: LabeledView, _ contracted: [String], _ output: [String], _ node: ONNXNode
    ) throws -> LabeledView {
        // An axis of examples cannot be a part of a matrix.
        let front = output.filter { label in
            first.labels.contains(label) && second.labels.contains(label) || first.hasBatch(label)
                || second.hasBatch(label)
        }
        let rows = first.labels.filter { !front.contains($0) && !contracted.contains($0) }
        let columns = second.labels.filter { !front.contains($0) && !contracted.contains($0) }
        let left = ValueView(
            first.view.source, axes: first.axes(front) + [first.merged(rows), first.merged(contracted)])
        let right = ValueView(
            second.view.source, axes: second.axes(front) + [second.merged(contracted), second.merged(columns)])
        var view: ValueView
        if rows.count == 1, columns.count == 1, let attention = try attention(left, right, node) {
            view = attention
        } else {
            view = try product(left, right, node, name: node.label)
        }
        let matrix = view.axes.suffix(2)
        view.axes.removeLast(2)
        view.axes += first.split(matrix.first ?? [], rows) + second.split(matrix.last ?? [], columns)
        return LabeledView(view: view, labels: front + rows + columns)
    }
}

/// A view whose axes have labels.
private struct LabeledView {
    var view: ValueView
    var labels: [String]

    /// The axes in the order of some labels; those that the view lacks have length 1.
    func axes(_ wanted: [String]) -> [[ValueView.Factor]] {
        wanted.map { label in labels.firstIndex(of: label).map { view.axes[$0] } ?? [] }
    }

    /// Some axes as one.
    func merged(_ wanted: [String]) -> [ValueView.Factor] { axes(wanted).flatMap { $0 } }

    /// The axes that ``merged(_:)`` made one.
    func split(_ axis: [ValueView.Factor], _ merged: [String]) -> [[ValueView.Factor]] {
        if merged.count == 1 { return [axis] }
        var rest = axis[...]
        return axes(merged).map { own in
            defer { rest = rest.dropFirst(own.count) }
            return Array(rest.prefix(own.count))
        }
    }

    func length(_ label: String) -> AxisLength { labels.firstIndex(of: label).map { view.length($0) } ?? .one }

    /// Whether an axis steps over the examples.
    func hasBatch(_ label: String) -> Bool { merged([label]).contains(where: \.isBatch) }
}

/// The labels of an `Einsum`'s axes.
///
/// An axis that `...` stands for has a number below 0 as its label, counted from the last.
struct EinsumEquation {
    let inputs: [[String]]
    let output: [String]

    /// Reads a node's equation.
    /// - Parameter ranks: the numbers of axes of its inputs.
    init(_ node: ONNXNode, ranks: [Int]) throws {
        guard let text = try node.text("equation") else {
            throw ONNXProblem(node, "lacks its equation; the file is damaged")
        }
        let sides = text.filter { !$0.isWhitespace }.split(separator: "->", omittingEmptySubsequences: false)
        let terms = sides[0].split(separator: ",", omittingEmptySubsequences: false)
        guard sides.count <= 2, terms.count == ranks.count else { throw Self.unfit(node, text) }
        guard terms.count <= 2 else {
            throw ONNXProblem(
                node,
                "multiplies \(terms.count) values, and up to 2 are supported; split the einsum into products of two")
        }
        inputs = try zip(terms, ranks).map { term, rank in
            guard let labels = Self.labels(term, rank: rank) else { throw Self.unfit(node, text) }
            guard Set(labels).count == labels.count else {
                throw ONNXProblem(
                    node, "takes a diagonal in \(quoted(text)), which is not supported; export the model without it")
            }
            return labels
        }
        let all = inputs.flatMap { $0 }
        let unnamed = inputs.map { $0.filter(Self.isUnnamed) }.max { $0.count < $1.count } ?? []
        if sides.count == 2 {
            let named = sides[1].count { $0 != "." }
            let rank = named + (sides[1].contains(".") ? unnamed.count : 0)
            guard let labels = Self.labels(sides[1], rank: rank), Set(labels).count == labels.count,
                labels.allSatisfy(all.contains)
            else { throw Self.unfit(node, text) }
            output = labels
        } else {
            // As NumPy: labels that occur once, in the order of the alphabet.
            output = unnamed + all.filter { label in !Self.isUnnamed(label) && all.count { $0 == label } == 1 }.sorted()
        }
    }

    /// Whether an axis is one that `...` stands for.
    static func isUnnamed(_ label: String) -> Bool { label.hasPrefix("-") }

    /// The labels of a term; nil if it is not one of a value with this number of axes.
    private static func labels(_ term: Substring, rank: Int) -> [String]? {
        let parts = term.split(separator: "...", omittingEmptySubsequences: false)
        let named = parts.map { $0.map { String($0) } }
        let unnamed = rank - named.joined().count
        guard parts.count <= 2, parts.joined().allSatisfy({ $0.isASCII && $0.isLetter }),
            parts.count == 2 ? unnamed >= 0 : unnamed == 0
        else { return nil }
        return named[0] + (0..<unnamed).map { "\($0 - unnamed)" } + named.dropFirst().joined()
    }

    private static func unfit(_ node: ONNXNode, _ text: String) -> ONNXProblem {
        ONNXProblem(node, "has the equation \(quoted(text)), which does not fit its inputs; the file is damaged")
    }
}
