import NeuralGraph

/// The prefix of every name in a file, such as `module.` of PyTorch's data-parallel wrapper, `_orig_mod.` of compiled
/// modules, or `model.` where a network is part of another.
package struct SafetensorsOrigin: ResizableOrigin {
    /// The prefix with the dot at its end.
    package let prefix: String
}

extension SafetensorsFile {
    /// The number of wrappers that are removed: more than anyone nests, fewer than a hostile name has dots.
    private static let maximumWrappers = 8

    /// The prefixes ending in a dot that all names share, from the empty one to the longest.
    var sharedPrefixes: [String] {
        guard let first = header.entries.first?.name else { return [""] }
        var shared = Array(first.utf8)
        for entry in header.entries where !entry.name.utf8.starts(with: shared) {
            shared = Array(zip(shared, entry.name.utf8).prefix { $0 == $1 }.map(\.0))
        }
        let stops = first.utf8.indices.prefix(shared.count).filter { first.utf8[$0] == UInt8(ascii: ".") }
        return [""] + stops.prefix(Self.maximumWrappers).map { String(first[...$0]) }
    }

    /// Shapes by names without a prefix that all of them have.
    private static func shapes(_ shapes: [String: TensorShape], without prefix: String) -> [String: TensorShape] {
        // Nothing in a file may trap, though names that differ before this differ after it.
        Dictionary(shapes.lazy.map { (name($0.key, without: prefix), $0.value) }) { first, _ in first }
    }

    /// A name without its prefix. Bytes are dropped, since a character may begin with the dot and continue after it.
    private static func name(_ name: String, without prefix: String) -> String {
        prefix.isEmpty ? name : String(decoding: name.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
    }

    /// Finds the input channels, the number of classes and the prefix of a network's names.
    /// - Throws: `ArchitectureError` if the tensors are not the network's with any prefix.
    func dimensions(
        of network: any Architecture
    ) throws(ArchitectureError) -> (channels: Int, classes: Int, prefix: String) {
        let all = shapes
        do {
            let found = try network.dimensions(fromStateDictionary: all)
            return (found.channels, found.classes, "")
        } catch {
            for prefix in sharedPrefixes.dropFirst() {
                let own = Self.shapes(all, without: prefix)
                if let found = try? network.dimensions(fromStateDictionary: own) {
                    return (found.channels, found.classes, prefix)
                }
            }
            throw error
        }
    }

    /// The prefix of a graph's names in the file.
    func prefix(for graph: Graph) -> String {
        guard let key = graph.parameters.first?.key else { return "" }
        return sharedPrefixes.first { shape(of: $0 + key) != nil } ?? ""
    }

    /// Reads a graph's tensors by its own names. Names and shapes are checked before anything is read.
    /// - Throws: `StateDictionaryError` if a tensor is missing, unknown or of another shape; ``FileError`` as
    ///   ``tensor(_:)``.
    func tensors(of graph: Graph, prefix: String) throws -> [String: Tensor] {
        try graph.checkStateDictionary(shapes, prefix: prefix)
        try checkMemory()
        var result: [String: Tensor] = [:]
        for name in header.places.keys { result[Self.name(name, without: prefix)] = try tensor(name) }
        return result
    }

    /// The error with a remedy, if the file has the missing tensor under a longer name.
    func explained(_ error: any Error, path: String) -> any Error {
        let missing: String
        switch error {
        case ArchitectureError.notThisArchitecture(_, let name), StateDictionaryError.missing(let name): missing = name
        default: return error
        }
        guard let longer = header.places.keys.filter({ $0.hasSuffix(".\(missing)") }).min() else { return error }
        let prefix = String(longer.dropLast(missing.count))
        return FileError(
            path,
            "\(error); the file has \(quoted(longer)): take \(quoted(prefix)) off the names, as by "
                + "{k.removeprefix(\(quoted(prefix))): v for k, v in state.items()}, and leave out what is not the network's"
        )
    }
}
