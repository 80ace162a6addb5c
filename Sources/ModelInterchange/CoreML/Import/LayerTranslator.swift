import ModelFiles
import NeuralGraph

/// Translates Core ML's older form, a neural network of layers, to an ONNX graph.
///
/// Networks of the first Core ML versions have blobs of five axes, `[sequence, batch, C, H, W]`. Their images and vectors
/// are `[1, C, H, W]` here, whatever they are called there.
struct LayerTranslator {
    let network: WireMessage
    var graph: TranslatedGraph
    /// Whether blobs have five axes.
    private(set) var hasFiveAxes = false
    /// The names of the classes.
    private(set) var classNames: [String] = []
    /// The number of axes of every blob.
    private var ranks: [String: Int] = [:]
    /// What is read in the place of an input: the input with its scale and bias.
    private var prepared: [String: String] = [:]
    private let layers: [NetworkLayer]

    /// The numbers of the fields of `NeuralNetwork` and of its classifier.
    private enum Field {
        static let (layers, preprocessing, arrayMapping, imageMapping) = (1, 2, 5, 6)
        static let (labels, numberedLabels, scores) = (100, 101, 200)
    }

    init(_ network: WireMessage, inputs: [CoreMLFeature]) throws {
        self.network = network
        layers = try network.messages(Field.layers).map(NetworkLayer.init)
        let blobs = layers.flatMap { $0.inputs + $0.outputs } + inputs.map(\.name)
        graph = TranslatedGraph(names: Set(blobs))
    }

    /// Translates everything.
    mutating func run(_ document: CoreMLDocument, isClassifier: Bool) throws {
        for input in document.inputs { try declare(input) }
        try prepareImages(document.inputs)
        for layer in layers {
            (graph.place, graph.name) = (layer.place, layer.name)
            try translate(layer)
        }
        if isClassifier {
            graph.declareOutput(try scores(document), nil)
            try readLabels()
        } else {
            for output in document.outputs { graph.declareOutput(output.name, nil) }
        }
    }

    private mutating func translate(_ layer: NetworkLayer) throws {
        guard let rule = Self.rules[layer.kind] else {
            throw ONNXProblem(
                "\(layer.place): is a layer that is not supported; convert the model as an ML program "
                    + "(convert_to=\"mlprogram\"), or without it")
        }
        let ranks = layer.inputs.compactMap { self.ranks[$0] }
        for output in layer.outputs { self.ranks[output] = ranks.max() }
        try rule(&self, layer)
    }

    // MARK: Ends

    private mutating func declare(_ input: CoreMLFeature) throws {
        let axes: [Int?]
        switch input.kind {
        case .image(let width, let height, let color):
            hasFiveAxes = try network.integer(Field.imageMapping) ?? 0 == 0
            let channels = [.rgb, .bgr].contains(color) ? 3 : 1
            axes = [1, channels] + (input.isFlexible ? [nil, nil] : [height, width])
        case .array(let lengths):
            hasFiveAxes = try network.integer(Field.arrayMapping) ?? 0 == 0
            guard hasFiveAxes ? [1, 3].contains(lengths.count) : lengths.count >= 2 else {
                throw ONNXProblem(
                    "the input \(quoted(input.name)) is declared as \(lengths); images are [C, H, W] or [1, C, H, W]")
            }
            let own = hasFiveAxes ? [1] + lengths + [Int](repeating: 1, count: 3 - lengths.count) : lengths
            axes = own.enumerated().map { input.isFlexible && $0.offset != 1 ? nil : $0.element }
        case .other: throw ONNXProblem("the input \(quoted(input.name)) is no image and no array of numbers")
        }
        ranks[input.name] = axes.count
        graph.declareInput(input.name, axes)
    }

    /// The scale and bias that a network applies to its images.
    private mutating func prepareImages(_ inputs: [CoreMLFeature]) throws {
        for step in try network.messages(Field.preprocessing) {
            let name = try step.text(1)
            guard
                let input = name.isEmpty && inputs.count == 1 ? inputs.first : inputs.first(where: { $0.name == name }),
                case .image(_, _, let color) = input.kind
            else {
                throw ONNXProblem("the network prepares \(quoted(name)), which is no image of it; the file is damaged")
            }
            guard let scaler = try step.message(10) else {
                throw ONNXProblem(
                    "the network subtracts a mean image from \(quoted(input.name)), which is not supported; subtract one "
                        + "number for each channel")
            }
            (graph.place, graph.name) = ("the preparation of \(quoted(input.name))", input.name)
            let biases = (red: try scaler.float(22), green: try scaler.float(21), blue: try scaler.float(20))
            let bias: [Float?]
            switch color {
            case .rgb: bias = [biases.red, biases.green, biases.blue]
            case .bgr: bias = [biases.blue, biases.green, biases.red]
            case .gray, .grayFloat16: bias = [try scaler.float(30)]
            }
            let scale = graph.number(try scaler.float(10) ?? 1)
            let scaled = graph.add("Mul", [prepared[input.name] ?? input.name, scale])
            let shift = graph.numbers(bias.map { $0 ?? 0 }, shape: [bias.count, 1, 1])
            prepared[input.name] = graph.add("Add", [scaled, shift])
        }
    }

    /// The blob that a classifier's labels go with.
    private func scores(_ document: CoreMLDocument) throws -> String {
        let blobs = Set(layers.flatMap(\.outputs))
        let named = [try network.text(Field.scores), document.probabilitiesName]
        if let name = named.first(where: blobs.contains) { return name }
        guard let last = layers.last?.outputs.first else {
            throw ONNXProblem("the network has no layers; the file is damaged")
        }
        return last
    }

    private mutating func readLabels() throws {
        if let labels = try network.message(Field.labels) {
            classNames = try labels.texts(1)
        } else if let labels = try network.message(Field.numberedLabels) {
            classNames = try labels.integers(1).map(String.init)
        }
    }

    // MARK: What layers read

    /// The blob that a layer reads at a position.
    func input(_ layer: NetworkLayer, _ position: Int = 0) throws -> String {
        guard position < layer.inputs.count else {
            throw ONNXProblem("\(layer.place): lacks its input \(position); the file is damaged")
        }
        return prepared[layer.inputs[position]] ?? layer.inputs[position]
    }

    func inputs(_ layer: NetworkLayer) throws -> [String] { try layer.inputs.indices.map { try input(layer, $0) } }

    /// The number of axes of a blob.
    func rank(_ layer: NetworkLayer, _ position: Int = 0) throws -> Int {
        guard position < layer.inputs.count, let rank = ranks[layer.inputs[position]] else {
            throw ONNXProblem("\(layer.place): reads a blob that no layer before it gives; the file is damaged")
        }
        return rank
    }

    /// Notes that a layer's blobs have another number of axes than its inputs.
    mutating func setRank(_ layer: NetworkLayer, _ rank: Int) {
        for output in layer.outputs { ranks[output] = rank }
    }

    /// Stored weights as a tensor of a shape.
    /// - Returns: the tensor's name, which is the layer's with a suffix unless `name` is given.
    mutating func weights(
        _ layer: NetworkLayer, _ number: Int, _ suffix: String, _ shape: [Int], named name: String? = nil
    ) throws -> String {
        guard let message = try layer.parameters.message(number) else {
            throw ONNXProblem("\(layer.place): lacks its \(suffix); the file is damaged")
        }
        guard try message.field(40) == nil, try message.content(30)?.isEmpty ?? true,
            try message.content(31)?.isEmpty ?? true
        else {
            throw ONNXProblem(
                "\(layer.place): has quantized \(suffix), which are not read; give the model as it was before it was "
                    + "compressed")
        }
        let name = name ?? graph.unique("\(layer.name).\(suffix)")
        let half = try message.content(2)
        let isHalf = half.map { !$0.isEmpty } ?? false
        let type = isHalf ? ONNXScalarType.float16 : .float32
        try ONNXTensor.check(shape, type, "tensor \(quoted(name))")
        let storage: ONNXTensor.Storage
        if isHalf, let half {
            storage = .raw(half)
        } else {
            storage = .fields(try message.fields(1).map(\.bytes), number: 1)
        }
        graph.store(
            ONNXTensor(name: name, scalarType: type, dimensions: shape, storage: storage, message: message.range))
        return name
    }

    /// Adds the node that gives a layer's only blob.
    mutating func define(
        _ layer: NetworkLayer, _ operation: String, _ inputs: [String], _ attributes: [String: ONNXAttribute] = [:]
    ) throws {
        guard layer.outputs.count == 1 else {
            throw ONNXProblem("\(layer.place): gives \(layer.outputs.count) blobs, not one; the file is damaged")
        }
        graph.add(operation, inputs, to: layer.outputs, attributes)
    }
}

/// One layer of a neural network.
struct NetworkLayer: Sendable {
    let name: String
    let inputs: [String]
    let outputs: [String]
    /// The number of the field that has the layer's parameters, which says what it is.
    let kind: Int
    let parameters: WireMessage

    init(_ message: WireMessage) throws {
        name = try message.text(1)
        inputs = try message.texts(2)
        outputs = try message.texts(3)
        guard let kind = try message.numbers().filter({ $0 >= 100 }).max(),
            let parameters = try message.message(kind)
        else {
            throw ONNXProblem("the layer \(quoted(name)) is of no kind; the file is damaged")
        }
        self.kind = kind
        self.parameters = parameters
    }

    /// The layer for messages, as in `layer 'conv1' (convolution)`.
    var place: String { "layer \(quoted(name)) (\(LayerTranslator.kinds[kind] ?? "of kind \(kind)"))" }
}
