import Foundation
import ModelFiles
import NeuralGraph

/// Writes a network as a Core ML package with an ML program for iOS 15 and macOS 12.
///
/// The network is first exported as ONNX, whose operators are then written as Core ML's, for one image at a time. A
/// network that knows how images are prepared takes pictures; one that knows its classes' names gives them.
struct CoreMLExporter {
    private static let (data, author) = ("Data", "com.apple.CoreML")
    private static let (specification, weights) = ("model.mlmodel", "weights")
    /// Any two identifiers do, and the same ones give the same bytes.
    private static let identifiers = (
        root: "A1C0F7A2-5B8E-4C57-9D0B-3C0C7E1F0001", weights: "A1C0F7A2-5B8E-4C57-9D0B-3C0C7E1F0002"
    )

    let model: Model
    var writer = MILProgramWriter()
    /// The tensors of the exported network by name.
    private let tensors: [String: ONNXTensor]
    private let reader: ONNXTensorReader
    private let nodes: [ONNXNode]
    /// Integers that are known by name, such as shapes.
    private var integers: [String: [Int]] = [:]
    /// Stored matrices that are read transposed, by the transposed one's name.
    var transposed: [String: String] = [:]

    private init(_ model: Model) throws {
        self.model = model
        let bytes = try ONNXExporter.bytes(of: model, usingNewerOperators: true)
        let document = try ONNXDocument(bytes)
        nodes = document.graph.nodes
        tensors = Dictionary(
            document.graph.initializers.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        reader = ONNXTensorReader(
            bytes: bytes, external: ONNXExternalFiles(besideModelAt: URL(fileURLWithPath: "/")))
    }

    /// Writes a package, whole or not at all.
    static func write(_ model: Model, to url: URL) throws {
        var exporter = try CoreMLExporter(model)
        let specification = try exporter.specification()
        let folder = try AtomicFolder(replacing: url)
        let files: [(String, [UInt8])] = [
            (CoreMLPackage.manifestName, [UInt8](manifest.utf8)),
            ("\(data)/\(author)/\(Self.specification)", specification),
            ("\(data)/\(author)/\(weights)/weight.bin", exporter.writer.weights.finished()),
        ]
        for (location, bytes) in files {
            let file = try folder.file(location)
            try file.append(bytes)
            try file.commit()
        }
        try folder.commit()
    }

    private static var manifest: String {
        func item(_ identifier: String, _ name: String, _ description: String) -> String {
            """
                    "\(identifier)": {
                        "author": "\(author)",
                        "description": "\(description)",
                        "name": "\(name)",
                        "path": "\(author)/\(name)"
                    }
            """
        }
        return """
            {
                "fileFormatVersion": "1.0.0",
                "itemInfoEntries": {
            \(item(identifiers.root, specification, "CoreML Model Specification")),
            \(item(identifiers.weights, weights, "CoreML Model Weights"))
                },
                "rootModelIdentifier": "\(identifiers.root)"
            }

            """
    }

    // MARK: The program

    private mutating func specification() throws -> [UInt8] {
        let picture = try picture()
        let labels = labels
        let input = picture == nil ? "input" : "image"
        let shape = model.graph.inputShape
        let axes = [1] + (shape.rank == 3 ? [shape[2], shape[0], shape[1]] : shape.dimensions)
        for name in ["output", "classLabel", "classLabel_probs"] { writer.reserve(name) }
        writer.declare("input", as: input, MILProgramWriter.ValueType(shape: axes))
        try prepare(picture)
        for node in nodes {
            do {
                try export(node)
            } catch let problem as ONNXProblem {
                throw ONNXProblem(node, problem.message)
            }
        }
        var output = "output"
        if labels == nil {
            try writer.add(
                "identity", [("x", .value("output"))], to: "output.scores", writer.type("output"))
        } else if !(model.graph.nodes.last?.operation is Softmax) {
            try writer.add(
                "softmax", [("x", .value("output")), ("axis", .integer(-1))], to: "output.probabilities",
                writer.type("output"))
            output = "output.probabilities"
        }
        var outputs = [writer.names["output.scores"] ?? "output"]
        if let labels {
            outputs = ["classLabel", "classLabel_probs"]
            try writer.classify(output, labels: labels, label: outputs[0], probabilities: outputs[1])
        }
        var file = WireWriter()
        file.integer(1, MILProgramWriter.specification)
        let description = try description(
            input: input, axes: axes, isPicture: picture != nil, outputs: outputs, isClassifier: labels != nil)
        file.content(2, description)
        file.content(502, writer.program(input: "input", outputs: outputs))
        return file.bytes
    }

    /// How pictures are prepared; nil if the network does not know.
    private func picture() throws -> Normalization? {
        let shape = model.graph.inputShape
        guard let normalization = model.metadata.normalization, shape.rank == 3, [1, 3].contains(shape[2]) else {
            return nil
        }
        return try normalization.expanded(toChannels: shape[2])
    }

    /// The classes' names, if all have one of their own.
    private var labels: [String]? {
        let names = model.metadata.classNames
        return names.count == model.classCount && Set(names).count == names.count ? names : nil
    }

    /// Scales pixels from 0 to 255 and adds a bias, as the network's images are prepared.
    private mutating func prepare(_ picture: Normalization?) throws {
        guard let picture else { return }
        let shape = [1, picture.mean.count, 1, 1]
        let type = try writer.type("input")
        writer.store("image.scale", shape, picture.standardDeviation.map { 1 / (255 * $0) })
        writer.store("image.bias", shape, zip(picture.mean, picture.standardDeviation).map { -$0 / $1 })
        try writer.add(
            "mul", [("x", .value("input")), ("y", .value("image.scale"))], to: "image.scaled", type)
        try writer.add(
            "add", [("x", .value("image.scaled")), ("y", .value("image.bias"))], to: "image.prepared", type)
    }

    /// The name that a value of the network has for the writer: the prepared picture for the input.
    func value(_ name: String) -> String {
        name == "input" && writer.types["image.prepared"] != nil ? "image.prepared" : name
    }

    private func description(
        input: String, axes: [Int], isPicture: Bool, outputs: [String], isClassifier: Bool
    ) throws -> [UInt8] {
        var description = WireWriter()
        description.message(1) { feature in
            feature.string(1, input)
            feature.message(3) { type in
                if isPicture {
                    type.message(4) { image in
                        image.integer(1, axes[3])
                        image.integer(2, axes[2])
                        let color: CoreMLFeature.ColorSpace = axes[1] == 1 ? .gray : .rgb
                        image.integer(3, color.rawValue)
                    }
                } else {
                    type.message(5) { Self.array(axes, &$0) }
                }
            }
        }
        for (index, name) in outputs.enumerated() {
            description.message(10) { feature in
                feature.string(1, name)
                feature.message(3) { type in
                    switch (isClassifier, index) {
                    case (false, _): type.message(5) { Self.array([1, model.classCount], &$0) }
                    case (true, 0): type.message(3) { _ in }
                    default: type.message(6) { dictionary in dictionary.message(2) { _ in } }
                    }
                }
            }
        }
        if isClassifier {
            description.string(11, outputs[0])
            description.string(12, outputs[1])
        }
        let notes = try notes()
        description.message(100) { metadata in
            for (key, value) in notes {
                metadata.message(100) { entry in
                    entry.string(1, key)
                    entry.string(2, value)
                }
            }
        }
        return description.bytes
    }

    private static func array(_ axes: [Int], _ writer: inout WireWriter) {
        let float32 = 65_568
        writer.packed(1, axes)
        writer.integer(2, float32)
    }

    /// What the package says of the model beyond the program: our description, and the names that its tensors have here.
    private func notes() throws -> [(String, String)] {
        let description = ModelDescription(
            metadata: model.metadata, inputShape: model.graph.inputShape.dimensions, classes: model.classCount)
        let keys = Set(model.stateDictionary.keys)
        let names = writer.names.filter { keys.contains($0.key) }.map { ($0.value, $0.key) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let text = String(
            decoding: try encoder.encode(Dictionary(names, uniquingKeysWith: { first, _ in first })), as: UTF8.self)
        var notes = try description.properties()
        notes[CoreMLModelFile.namesKey] = text
        return notes.sorted { $0.key < $1.key }
    }

    // MARK: Tensors

    /// Integers that a node reads as a setting.
    func integers(_ node: ONNXNode, _ position: Int) throws -> [Int]? {
        guard let name = node.input(position) else { return nil }
        if let known = integers[name] { return known }
        guard let tensor = tensors[name], !tensor.scalarType.isFloat else {
            throw ONNXProblem("has an input \(position) that is not known when the model is written")
        }
        return try reader.integers(tensor)
    }

    /// Keeps integers that a node computes.
    mutating func define(_ node: ONNXNode, _ values: [Int]) { integers[node.outputs[0]] = values }

    /// Whether a node computes with integers that are known.
    func isKnown(_ name: String) -> Bool {
        integers[name] != nil || tensors[name].map { !$0.scalarType.isFloat } ?? false
    }

    /// A stored tensor's number.
    func number(_ node: ONNXNode, _ position: Int) throws -> Float? {
        guard let name = node.input(position) else { return nil }
        guard let tensor = tensors[name], tensor.count == 1 else {
            throw ONNXProblem("has an input \(position) that is no stored number")
        }
        return try reader.floats(tensor).first
    }

    /// A stored tensor's numbers.
    func floats(_ name: String) throws -> [Float]? { try tensors[name].map { try reader.floats($0) } }

    /// A stored tensor's shape; nil for values that are computed.
    func storedShape(_ name: String) -> [Int]? { tensors[name]?.dimensions }

    /// An input's name, which is stored in the program if it is a tensor that is not there yet.
    mutating func input(_ node: ONNXNode, _ position: Int) throws -> String {
        guard let name = node.input(position) else { throw ONNXProblem("lacks its input \(position)") }
        let own = value(name)
        if writer.types[own] == nil, let tensor = tensors[own] {
            writer.store(own, tensor.dimensions, try reader.floats(tensor))
        }
        if writer.types[own] == nil, let matrix = transposed[own] { try transpose(matrix, to: own) }
        return own
    }

    /// Stores a tensor that the program does not have yet.
    mutating func stored(_ name: String) throws -> String {
        if writer.types[name] == nil, let tensor = tensors[name] {
            writer.store(name, tensor.dimensions, try reader.floats(tensor))
        }
        return name
    }

    private mutating func transpose(_ matrix: String, to name: String) throws {
        let shape = try writer.type(try stored(matrix)).shape
        try writer.add(
            "transpose", [("x", .value(matrix)), ("perm", .integers([1, 0]))], to: name,
            MILProgramWriter.ValueType(shape: shape.reversed()))
    }
}
