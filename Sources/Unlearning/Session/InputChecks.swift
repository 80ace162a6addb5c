package import ImageDatasets
public import NeuralGraph

extension Model {
    /// Checks that there is something to forget and something to retain.
    /// - Throws: ``UnlearningError``.
    package func checkForgettable(_ classes: Set<Int>) throws {
        guard !classes.isEmpty else { throw UnlearningError.noClasses }
        if let unknown = classes.filter({ !(0..<classCount).contains($0) }).min() {
            throw UnlearningError.unknownClass(index: unknown, classCount: classCount)
        }
        guard classes.union(metadata.forgottenClasses).count < classCount else {
            throw UnlearningError.allClasses(count: classCount)
        }
        // What a file computes, or shares between layers, can be neither trained nor written back.
        if let head = graph.head, let fixed = head.parameters.first(where: { !$0.isTrained }) {
            throw UnlearningError.invalidSetting(
                name: "the classifier's parameter", value: "'\(head.key(fixed.name))'",
                remedy:
                    "it is computed by the file or shared in it, so that it cannot be trained; export the model with "
                    + "weights of its own")
        }
        guard parameterCount > 0 else {
            throw UnlearningError.invalidSetting(
                name: "the model's parameters", value: "none that is trained",
                remedy: "forgetting moves parameters; export the model with its weights stored as tensors")
        }
        try checkNumbers()
    }

    /// Checks that frozen parameters are the model's, and not all of them.
    /// - Throws: ``UnlearningError``.
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
    /// - Throws: ``UnlearningError`` if a class does not exist or is named twice, or none is named.
    public func classIndices(of classes: ClassList) throws(UnlearningError) -> Set<Int> {
        try classes.indices(names: metadata.classNames, count: classCount)
    }

    /// Checks that a data set's classes are the model's, by number, and by name where both have names.
    ///
    /// A class that the model has forgotten may have lost its name.
    /// - Throws: ``UnlearningError``.
    package func checkClasses(of dataset: any ImageDataset) throws(UnlearningError) {
        let names = dataset.classNames
        guard names.count == classCount else {
            throw .wrongClassCount(data: dataset.name, found: names.count, expected: classCount)
        }
        // A data set without names calls its classes by their numbers.
        for (index, (found, expected)) in zip(names, metadata.classNames).enumerated()
        where found != expected && ![found, expected].contains(String(index))
            && !metadata.forgottenClasses.contains(index)
        {
            throw .otherClasses(data: dataset.name, index: index, found: found, expected: expected)
        }
    }

    /// The model with the class names, normalization and resizing that it lacks, as a file from elsewhere does, taken from a
    /// data set that has its classes.
    /// - Throws: ``UnlearningError`` if the data set has other classes.
    package func completed(from dataset: any ImageDataset) throws(UnlearningError) -> Model {
        try checkClasses(of: dataset)
        var model = self
        if model.metadata.classNames.isEmpty { model.metadata.classNames = dataset.classNames }
        model.metadata.normalization = model.metadata.normalization ?? dataset.normalization
        model.metadata.resizing = model.metadata.resizing ?? dataset.resizing
        return model
    }
}

extension LabeledData {
    /// Returns the data as examples for a model; errors about their shape name the data.
    /// - Parameter name: what messages call the data, such as `retain`.
    func examples(for model: Model, named name: String) throws -> any ExampleSource {
        if let source = self as? any ExampleSource, source.exampleShape != model.graph.inputShape {
            throw UnlearningError.wrongExampleShape(
                data: name, found: source.exampleShape, expected: model.graph.inputShape)
        }
        return try examples(for: model)
    }
}
