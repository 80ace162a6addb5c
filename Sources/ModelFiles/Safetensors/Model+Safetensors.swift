public import Foundation
public import NeuralGraph

extension Model {
    /// Reads a model from a safetensors file.
    ///
    /// A file written by ``writeSafetensors(to:)`` names its network. Any other file, such as a PyTorch state dictionary, needs
    /// `architecture`; its tensors tell channels and classes. A prefix of every name, such as `module.`, is removed, and
    /// restored when the model is written. ONNX and Core ML files are read by `Model(contentsOf:)` of the module
    /// `ModelInterchange`.
    /// - Parameters:
    ///   - url: the file.
    ///   - architecture: the network's name and options, for a file that does not name it.
    ///   - imageSize: height and width of the inputs, if the file does not tell them; 32 by default.
    /// - Throws: ``FileError`` if the file cannot be read, is damaged, is of another format or does not say what it
    ///   is, `ArchitectureError` if the architecture is unknown or not the tensors', `ShapeError` if the inputs are too
    ///   small for it, and `StateDictionaryError` if a tensor is missing, unknown or of another shape.
    public init(safetensors url: URL, architecture: ArchitectureIdentifier? = nil, imageSize: Int? = nil) throws {
        try self.init(
            safetensors: url, architecture: architecture, imageSize: imageSize, registry: Architectures.named)
    }

    /// Reads a safetensors model of the caller's own architecture.
    ///
    /// The input size and the classes come from the file's metadata or from its tensors.
    /// - Parameters:
    ///   - url: the file.
    ///   - network: the architecture, with the options that the file was made with.
    ///   - imageSize: height and width of the inputs; by default the file's, or 32.
    /// - Throws: as ``init(safetensors:architecture:imageSize:)``; `ArchitectureError` also if the file is of an
    ///   architecture of another name.
    public init(safetensors url: URL, as network: any Architecture, imageSize: Int? = nil) throws {
        let own = network.identifier
        try self.init(
            safetensors: url, architecture: own, imageSize: imageSize
        ) { identifier throws(ArchitectureError) in
            guard identifier.name == own.name else { throw .unknown(name: identifier.name, known: [own.name]) }
            return network
        }
    }

    /// Reads a safetensors model for an existing graph, such as one with the caller's own operations.
    /// - Throws: ``FileError`` if the file is damaged, and `StateDictionaryError` if a tensor is missing, unknown
    ///   or of another shape.
    public init(safetensors url: URL, graph: Graph) throws {
        let file = try SafetensorsFile(modelAt: url)
        let description = try ModelDescription(file, path: url.path)
        try self.init(
            graph, description?.metadata ?? ModelMetadata(), file, prefix: file.prefix(for: graph), path: url.path)
    }

    /// Writes the model as a safetensors file with PyTorch's names and layouts, which PyTorch loads with `strict=True`.
    ///
    /// A prefix that the names had in the file that it was read from is restored. The file appears whole or not at all, and
    /// equal models give equal bytes.
    /// - Throws: ``FileError`` if the file cannot be written.
    public func writeSafetensors(to url: URL) throws(FileError) {
        let integers = Set(graph.state.filter(\.specification.isInteger).map(\.key))
        let prefix = (origin as? SafetensorsOrigin)?.prefix ?? ""
        let entries = stateDictionary.map { name, tensor in
            SafetensorsWriter.Entry(
                name: prefix + name, tensor: tensor, scalarType: integers.contains(name) ? .int64 : .float32)
        }
        let description = ModelDescription(
            metadata: metadata, inputShape: graph.inputShape.dimensions, classes: classCount)
        try SafetensorsWriter.write(entries, metadata: try description.encoded(), to: url)
    }

    /// Reads a safetensors file, with architectures looked up in a registry.
    package init(
        safetensors url: URL, architecture: ArchitectureIdentifier?, imageSize: Int?,
        registry: (ArchitectureIdentifier) throws -> any Architecture
    ) throws {
        let file = try SafetensorsFile(modelAt: url)
        let description = try ModelDescription(file, path: url.path)
        guard let identifier = description?.metadata.architecture ?? architecture else {
            throw FileError(
                url.path,
                "the file does not say which network it is for; name it, such as "
                    + "--architecture resnet18 --image-size 32")
        }
        let network = try registry(identifier)
        var metadata = description?.metadata ?? ModelMetadata()
        metadata.architecture = metadata.architecture ?? network.identifier
        let graph: Graph
        let prefix: String
        if let description {
            try description.checkAgreement(
                network: network, asked: try architecture.map(registry),
                options: architecture?.options ?? [:],
                imageSize: imageSize, path: url.path)
            graph = try network.graph(
                inputShape: TensorShape(description.inputShape), classes: description.classes)
            prefix = file.prefix(for: graph)
        } else {
            let size = imageSize ?? 32
            guard (1...ModelDescription.longestAxis).contains(size) else {
                throw ShapeError(
                    "image size", "\(size) is out of range; use 1...\(ModelDescription.longestAxis)")
            }
            do {
                let found = try file.dimensions(of: network)
                graph = try network.graph(inputShape: [size, size, found.channels], classes: found.classes)
                prefix = found.prefix
            } catch {
                throw file.explained(error, path: url.path)
            }
        }
        try self.init(graph, metadata, file, prefix: prefix, path: url.path)
    }

    /// Reads a graph's tensors.
    private init(
        _ graph: Graph, _ metadata: ModelMetadata, _ file: SafetensorsFile, prefix: String, path: String
    ) throws {
        do {
            try self.init(
                graph: graph, metadata: metadata, stateDictionary: try file.tensors(of: graph, prefix: prefix))
        } catch {
            throw file.explained(error, path: path)
        }
        if !prefix.isEmpty { origin = SafetensorsOrigin(prefix: prefix) }
    }
}

extension SafetensorsFile {
    /// Opens a model's file; one of another format is called what it is.
    fileprivate init(modelAt url: URL) throws(FileError) {
        let format = try ModelFormat(reading: url)
        guard format == .safetensors else {
            throw FileError(
                url.path,
                "is of the format \(format.name), and safetensors is expected here; import ModelInterchange and read it by "
                    + "Model(contentsOf:)")
        }
        try self.init(contentsOf: url)
    }
}
