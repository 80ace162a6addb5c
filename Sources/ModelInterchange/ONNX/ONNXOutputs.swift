import ModelFiles

/// The outputs of a file, and which of them are class scores.
struct ONNXOutputs: Sendable {
    /// One output of the graph.
    struct Output: Sendable {
        let name: String
        /// The shape as the file declares it, such as `[N, 10]`; nil if it does not.
        let shape: String?
        /// The number of classes, if it is one row of scores for each example.
        let classes: Int?
        /// The value that its scores come from: outputs with the same one are of one classifier.
        let root: String
    }

    /// The most outputs that are looked at.
    private static let most = 32

    let all: [Output]
    /// The name of the output that is read.
    let chosen: String

    /// - Parameters:
    ///   - chosen: the output that is asked for.
    ///   - classes: reads the network up to an output; the length of its rows.
    /// - Throws: `ONNXProblem` if there is no such output, or none is asked for and several classifiers give one.
    init(_ document: ONNXDocument, chosen: String?, classes: (String) throws -> Int) throws {
        let outputs = document.graph.outputs.filter { !$0.name.isEmpty }
        guard let first = outputs.first else { throw ONNXProblem("the graph has no output; the file is damaged") }
        if let chosen, !outputs.contains(where: { $0.name == chosen }) {
            throw ONNXProblem(
                "the file has no output named \(quoted(chosen)); its outputs are "
                    + outputs.map { Self.label($0.name, $0.shape) }.joined(separator: ", "))
        }
        guard outputs.count > 1 else {
            all = [Output(name: first.name, shape: first.shape, classes: nil, root: first.name)]
            self.chosen = first.name
            return
        }
        let makers = Dictionary(
            document.graph.nodes.flatMap { node in node.outputs.map { ($0, node) } },
            uniquingKeysWith: { first, _ in first })
        guard outputs.count <= Self.most || chosen != nil else {
            throw ONNXProblem(
                "the file has \(outputs.count) outputs; say which one has the class scores (--output-name)")
        }
        all = outputs.prefix(Self.most).map { output in
            Output(
                name: output.name, shape: output.shape,
                classes: output.hasRows ? try? classes(output.name) : nil, root: Self.root(of: output.name, makers))
        }
        if let chosen {
            self.chosen = chosen
            return
        }
        let scores = all.filter { $0.classes != nil }
        guard let classifier = scores.first else {
            // What is wrong with the first one says why.
            self.chosen = first.name
            return
        }
        guard scores.allSatisfy({ $0.root == classifier.root }) else {
            throw ONNXProblem(
                "the file has several outputs with one row of numbers an example, "
                    + scores.map { Self.label($0.name, $0.shape) }.joined(separator: ", ")
                    + "; say which one has the class scores (--output-name \(classifier.name)). The others are not made to "
                    + "forget: those with parameters of their own may still give the forgotten class")
        }
        self.chosen = classifier.name
    }

    /// The other classifiers of the file, which do not follow from the chosen output.
    var others: [Output] {
        let root = all.first { $0.name == chosen }?.root
        var seen: Set<String> = []
        return all.filter { output in
            output.root != root && output.classes != nil && seen.insert(output.root).inserted
        }
    }

    static func label(_ name: String, _ shape: String?) -> String { quoted(name) + (shape.map { " " + $0 } ?? "") }

    /// What an output is but for functions of a whole row that keep its order, and other shapes.
    private static func root(of name: String, _ makers: [String: ONNXNode]) -> String {
        let transparent: Set = [
            "Identity", "Softmax", "LogSoftmax", "Sigmoid", "Cast", "Flatten", "Squeeze", "Unsqueeze", "Reshape",
        ]
        var (name, seen): (String, Set<String>) = (name, [])
        while seen.insert(name).inserted, let node = makers[name], node.domain.isEmpty,
            transparent.contains(node.operation), let source = node.inputs.first
        {
            name = source
        }
        return name
    }
}

extension ONNXValue {
    /// The declared shape for messages, such as `[N, 10]`.
    fileprivate var shape: String? {
        axes.map { axes in
            "["
                + axes.prefix(8).map { axis in
                    switch axis {
                    case .fixed(let length): "\(length)"
                    case .named(let name): name.isEmpty ? "?" : name
                    }
                }.joined(separator: ", ") + "]"
        }
    }

    /// Whether it may be one row of numbers for each example.
    fileprivate var hasRows: Bool {
        guard ONNXScalarType(rawValue: scalarType)?.isFloat ?? true else { return false }
        guard let axes else { return true }
        return axes.dropFirst().filter { $0 != .fixed(1) }.count == 1
    }
}
