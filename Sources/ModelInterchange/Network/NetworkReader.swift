import ModelFiles
import NeuralGraph

/// Makes a model of an ONNX graph, whether it was read as such or translated from another format.
struct NetworkReader {
    /// The longest axis of an input that is believed.
    static let longestAxis = ModelDescription.longestAxis

    let path: String
    let document: ONNXDocument
    let reader: ONNXTensorReader

    /// A model, and what an origin is made of.
    struct Result {
        var model: Model
        let stored: StoredTensors
        let shared: [String: ONNXSharedInput]
        let outputs: ONNXOutputs
        let endsInSoftmax: Bool
    }

    /// Makes the model.
    /// - Parameters:
    ///   - imageSize: height and width of the images, where the file leaves them open.
    ///   - outputName: the output that has the scores; that of the only classifier if nil.
    func model(imageSize: Int?, outputName: String? = nil) throws -> Result {
        let outputs = try ONNXOutputs(document, chosen: outputName) { name in
            try read(output: name, imageSize: imageSize).graph.outputShape.count
        }
        let (importer, graph, plan) = try read(output: outputs.chosen, imageSize: imageSize)
        let keys = Set(graph.parameters.map(\.key) + graph.state.map(\.key))
        let dictionary = importer.tensors.filter { keys.contains($0.key) }
        let model = try Model(graph: graph, metadata: try metadata(for: graph), stateDictionary: dictionary)
        let stored = StoredTensors(
            tensors: plan.tensors, aliases: plan.aliases,
            bindings: importer.bindings.filter { keys.contains($0.key) },
            computed: dictionary.filter {
                importer.bindings[$0.key] == nil && importer.shared[$0.key] == nil
                    && !$0.key.hasSuffix("num_batches_tracked")
            },
            untrained: importer.untrained)
        return Result(
            model: model, stored: stored, shared: importer.shared.filter { keys.contains($0.key) }, outputs: outputs,
            endsInSoftmax: importer.endsInSoftmax)
    }

    /// Reads the network up to an output.
    private func read(
        output name: String, imageSize: Int?
    ) throws -> (importer: ONNXImporter, graph: Graph, plan: ONNXPlan) {
        let plan = try ONNXPlan(document, output: name, supported: ONNXImporter.supports)
        let input = try input(imageSize: imageSize, plan)
        var importer = ONNXImporter(plan: plan, reader: reader, inputShape: input.shape)
        let output = try importer.run(input: input.view)
        return (importer, try importer.builder.graph(output: output), plan)
    }

    /// The shape of one image here, and the input as the file sees it.
    private func input(imageSize: Int?, _ plan: ONNXPlan) throws -> (shape: TensorShape, view: ValueView) {
        let initializers = Set(document.graph.initializers.map(\.name))
        guard let input = document.graph.inputs.first(where: { !initializers.contains($0.name) }), let axes = input.axes
        else {
            throw ONNXProblem("the graph has no input")
        }
        guard ONNXScalarType(rawValue: input.scalarType)?.isFloat == true else {
            throw ONNXProblem(
                "the input \(quoted(input.name)) is not of numbers with a fraction; export the model with float32 images"
            )
        }
        guard (2...5).contains(axes.count) else {
            throw ONNXProblem(
                "the input \(quoted(input.name)) has \(axes.count) axes; images are [N, C, H, W]")
        }
        var lengths: [Int] = []
        for (axis, length) in axes.enumerated().dropFirst() {
            switch length {
            case .fixed(let number):
                guard (1...Self.longestAxis).contains(number) else {
                    throw ONNXProblem("the input \(quoted(input.name)) has an axis of length \(number)")
                }
                lengths.append(number)
            case .named(let name):
                guard axes.count == 4, axis >= 2 else {
                    let what = axes.count == 4 ? "the number of channels" : "its length"
                    throw ONNXProblem(
                        "the input \(quoted(input.name)) leaves its axis \(axis) (\(quoted(name))) open, and \(what) cannot "
                            + "be guessed; export the model with that axis fixed, and only the batch open")
                }
                guard let imageSize else {
                    throw ONNXProblem(
                        "the input \(quoted(input.name)) leaves its axis \(axis) (\(quoted(name))) open; give the height "
                            + "and width of the images (--image-size), or export the model with fixed ones")
                }
                guard (1...Self.longestAxis).contains(imageSize) else {
                    throw ONNXProblem("images of size \(imageSize) are out of range; use 1...\(Self.longestAxis)")
                }
                lengths.append(imageSize)
            }
        }
        if let imageSize, axes.count == 4, lengths[1] != imageSize || lengths[2] != imageSize {
            throw ONNXProblem(
                "the file is for images of \(lengths[1])x\(lengths[2]), not of size \(imageSize); leave the size out")
        }
        guard lengths.reduce(1.0, { $0 * Double($1) }) <= Double(ONNXImporter.largestValue) else {
            throw ONNXProblem("the input \(quoted(input.name)) is larger than any memory")
        }
        // Images come with channels in front, but for files of other frameworks.
        let isChannelsLast = lengths.count == 3 && [1, 3, 4].contains(lengths[2]) && ![1, 3, 4].contains(lengths[0])
        let isImage = lengths.count == 3 && !isChannelsLast
        let shape = TensorShape(isImage ? [lengths[1], lengths[2], lengths[0]] : lengths)
        var own = ValueView.rowMajor(shape.dimensions)
        if isImage { own = [own[2], own[0], own[1]] }
        return (shape, ValueView(.value(Graph.Value.input), axes: [plan.batchFactors] + own))
    }

    /// What the file says of the model, if it was written here.
    private func metadata(for graph: Graph) throws -> ModelMetadata {
        guard let description = try ModelDescription(document.properties, path: path),
            description.classes == graph.outputShape.count
        else {
            return try document.memory(of: graph.outputShape.count)
        }
        var metadata = description.metadata
        // A file that was changed since may be of another network.
        if let identifier = metadata.architecture {
            let network = try? Architectures.named(identifier).graph(
                inputShape: graph.inputShape, classes: description.classes)
            func shapes(_ graph: Graph) -> [String: TensorShape] {
                Dictionary(
                    graph.parameters.map { ($0.key, $0.specification.shape) }
                        + graph.state.map { ($0.key, $0.specification.shape) }, uniquingKeysWith: { first, _ in first })
            }
            if network.map(shapes) != shapes(graph) { metadata.architecture = nil }
        }
        return metadata
    }
}
