import Foundation
import ModelFiles
import NeuralGraph

/// A Core ML model that is open for reading: a classifier with one input, the images, and one row of scores an example.
///
/// Its operations are translated to ONNX's, so that one importer reads both formats.
struct CoreMLModelFile {
    /// The note with the names that the tensors of a package of ours had before.
    static let namesKey = "unlearning.names"

    private let files: CoreMLFiles
    private let document: CoreMLDocument
    private let network: NetworkReader
    private let classNames: [String]
    private let normalization: Normalization?

    /// Opens a package or file.
    init(contentsOf url: URL) throws {
        try self.init(CoreMLFiles(url))
    }

    /// Opens a model again.
    init(_ files: CoreMLFiles) throws {
        self.files = files
        let bytes = try files.specification.contents()
        document = try CoreMLDocument(bytes)
        let reader = ONNXTensorReader(bytes: bytes, external: files.external)
        var graph: TranslatedGraph
        switch document.network {
        case .program(let function):
            var translator = MILTranslator(
                function, files: files, reader: reader, ownNames: try Self.ownNames(document.properties))
            try translator.run()
            (graph, classNames) = (translator.graph, translator.classNames)
        case .layers(let layers, let isClassifier):
            var translator = try LayerTranslator(layers, inputs: document.inputs)
            try translator.run(document, isClassifier: isClassifier)
            (graph, classNames) = (translator.graph, translator.classNames)
        }
        var translated = graph.document(structure: document.version, properties: document.properties)
        if document.inputs.count == 1, translated.graph.inputs.count == 1,
            case .image(_, _, let color) = document.inputs[0].kind
        {
            try Self.check(translated.graph.inputs[0], document.inputs[0], color)
            normalization = try ImagePreparation.remove(from: &translated.graph, color: color, reader)
        } else {
            normalization = nil
        }
        network = NetworkReader(path: files.path, document: translated, reader: reader)
    }

    /// Makes the model.
    /// - Parameters:
    ///   - imageSize: height and width of the images, where the model leaves them open.
    ///   - outputName: the output that has the scores; that of the only classifier if nil.
    func model(imageSize: Int?, outputName: String? = nil) throws -> Model {
        let result = try network.model(imageSize: imageSize, outputName: outputName)
        var model = result.model
        try complete(&model.metadata, classes: model.classCount)
        model.origin = CoreMLOrigin(
            files: files, stored: result.stored, outputs: result.outputs, endsInSoftmax: result.endsInSoftmax,
            version: document.version, isProgram: document.isProgram, imageSize: imageSize)
        return model
    }

    /// Adds what the model itself says of its classes and images.
    private func complete(_ metadata: inout ModelMetadata, classes: Int) throws {
        guard classNames.isEmpty || classNames.count == classes else {
            throw ONNXProblem(
                "the model has \(classNames.count) class labels for \(classes) scores; convert it again, with as many")
        }
        if metadata.classNames.isEmpty { metadata.classNames = classNames }
        guard let normalization else { return }
        // Our own note has the digits that were lost in the scale and bias, unless those were changed since.
        let isClose = metadata.normalization.map { Self.areClose($0, normalization) } ?? false
        if !isClose { metadata.normalization = normalization }
    }

    private static func areClose(_ first: Normalization, _ second: Normalization) -> Bool {
        guard let first = try? first.expanded(toChannels: second.mean.count) else { return false }
        let pairs = zip(first.mean + first.standardDeviation, second.mean + second.standardDeviation)
        return pairs.allSatisfy { abs($0 - $1) <= 1e-5 * max(1, abs($1)) }
    }

    /// Checks that the network takes the pictures that the model declares.
    private static func check(
        _ input: ONNXValue, _ feature: CoreMLFeature, _ color: CoreMLFeature.ColorSpace
    ) throws {
        let channels = [.rgb, .bgr].contains(color) ? 3 : 1
        guard input.name == feature.name, input.axes?.count == 4, input.axes?[1] == .fixed(channels) else {
            throw ONNXProblem(
                "the image \(quoted(feature.name)) has \(channels) channels, which the network does not take; the file is "
                    + "damaged")
        }
    }

    private static func ownNames(_ properties: [String: String]) throws -> [String: String] {
        guard let text = properties[namesKey] else { return [:] }
        guard let names = try? JSONDecoder().decode([String: String].self, from: Data(text.utf8)),
            Set(names.values).count == names.count
        else {
            throw ONNXProblem("the note \(namesKey) is no list of names; remove it, or write the model again")
        }
        return names
    }
}

extension CoreMLDocument {
    var isProgram: Bool {
        if case .program = network { true } else { false }
    }
}
