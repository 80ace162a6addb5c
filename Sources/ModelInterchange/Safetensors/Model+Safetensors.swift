public import Foundation
public import NeuralGraph

extension Model {
    /// Reads a model of the caller's own architecture.
    ///
    /// The input size and the classes come from the file's metadata or from its tensors.
    /// - Parameters:
    ///   - url: the file.
    ///   - network: the architecture, with the options that the file was made with.
    ///   - imageSize: height and width of the inputs; by default the file's, or 32.
    /// - Throws: as ``init(contentsOf:architecture:imageSize:)``; `ArchitectureError` also if the file is of an
    ///   architecture of another name.
    public init(contentsOf url: URL, as network: any Architecture, imageSize: Int? = nil) throws {
        let own = network.identifier
        try self.init(
            contentsOf: url, architecture: own, imageSize: imageSize
        ) { identifier throws(ArchitectureError) in
            guard identifier.name == own.name else { throw .unknown(name: identifier.name, known: [own.name]) }
            return network
        }
    }

    /// Reads a model for an existing graph, such as one with the caller's own operations.
    /// - Throws: ``SafetensorsError`` if the file is damaged, and `StateDictionaryError` if a tensor is missing, unknown
    ///   or of another shape.
    public init(contentsOf url: URL, graph: Graph) throws {
        let file = try SafetensorsFile(contentsOf: url)
        let description = try ModelDescription(file, path: url.path)
        try self.init(
            graph, description?.metadata ?? ModelMetadata(), file, prefix: file.prefix(for: graph), path: url.path)
    }

    /// Writes the model as a safetensors file with PyTorch's names and layouts, which PyTorch loads with `strict=True`.
    ///
    /// A prefix that the names had in the file that it was read from is restored. The file appears whole or not at all, and
    /// equal models give equal bytes.
    /// - Throws: ``SafetensorsError`` if the file cannot be written.
    public func writeSafetensors(to url: URL) throws {
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
    init(
        safetensors url: URL, architecture: ArchitectureIdentifier?, imageSize: Int?,
        registry: (ArchitectureIdentifier) throws -> any Architecture
    ) throws {
        let file = try SafetensorsFile(contentsOf: url)
        let description = try ModelDescription(file, path: url.path)
        guard let identifier = description?.metadata.architecture ?? architecture else {
            throw SafetensorsError(
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
