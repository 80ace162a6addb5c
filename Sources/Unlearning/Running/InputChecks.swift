import ImageDatasets
import NeuralGraph

extension Model {
    /// Checks that there is something to forget and something to retain.
    /// - Throws: ``UnlearningError``.
    func checkForgettable(_ classes: Set<Int>) throws {
        guard !classes.isEmpty else { throw UnlearningError.noClasses }
        if let unknown = classes.filter({ !(0..<classCount).contains($0) }).min() {
            throw UnlearningError.unknownClass(index: unknown, classCount: classCount)
        }
        guard classes.count < classCount else { throw UnlearningError.allClasses(count: classCount) }
        try checkFinite()
    }

    /// Checks that the model itself is sound.
    /// - Throws: ``UnlearningError/modelNotFinite(tensor:)``.
    func checkFinite() throws {
        if let tensor = firstNonFiniteTensor { throw UnlearningError.modelNotFinite(tensor: tensor) }
    }

    /// Checks that frozen parameters are the model's, and not all of them.
    /// - Throws: ``UnlearningError/invalidSetting(name:value:remedy:)``.
    func checkTrainable(frozen: Set<String>) throws {
        let nodes = graph.nodes.filter { !$0.parameters.isEmpty }
        let unknown = frozen.subtracting(nodes.map(\.name)).subtracting(parameters.keys)
        if let name = unknown.min() {
            throw UnlearningError.invalidSetting(
                name: "frozen", value: "'\(name)'",
                remedy: "name parameters of the model, or nodes that have some")
        }
        let isTrainable = nodes.contains { node in
            !frozen.contains(node.name) && node.parameters.contains { !frozen.contains(node.key($0.name)) }
        }
        guard isTrainable else {
            throw UnlearningError.invalidSetting(
                name: "frozen", value: "every parameter", remedy: "leave at least one to be trained")
        }
    }

    /// Checks that examples fit the network: shape, count and labels.
    /// - Parameter name: what they are called in messages, such as `retain`.
    /// - Throws: ``UnlearningError``.
    func check(_ examples: any ExampleSource, named name: String) throws {
        guard examples.count > 0 else { throw UnlearningError.noExamples(of: name) }
        guard examples.exampleShape == graph.inputShape else {
            throw UnlearningError.wrongExampleShape(
                data: name, found: examples.exampleShape, expected: graph.inputShape)
        }
        for index in 0..<examples.count {
            let label = examples.label(at: index)
            guard (0..<classCount).contains(label) else {
                throw UnlearningError.labelOutOfRange(data: name, label: label, classCount: classCount)
            }
        }
    }

    /// The numbers of classes given by name, or by number where the name is one.
    /// - Throws: ``UnlearningError/unknownClassName(name:known:)``.
    public func classIndices(named names: [String]) throws -> Set<Int> {
        var indices: Set<Int> = []
        for name in names {
            if let index = metadata.classNames.firstIndex(of: name) {
                indices.insert(index)
            } else if let index = Int(name) {
                guard (0..<classCount).contains(index) else {
                    throw UnlearningError.unknownClass(index: index, classCount: classCount)
                }
                indices.insert(index)
            } else {
                throw UnlearningError.unknownClassName(name: name, known: metadata.classNames)
            }
        }
        return indices
    }

    /// Prepares images for this network: its input's size and channels, and its normalization, or the data set's
    /// usual one if the model does not know its own.
    public func prepare(
        _ images: any ImageDataset, augmentation: Augmentation? = nil
    ) throws -> PreparedImages {
        let preparation = try ImagePreparation(
            targetShape: graph.inputShape, normalization: metadata.normalization ?? images.normalization)
        return try PreparedImages(images, preparation: preparation, augmentation: augmentation)
    }
}
