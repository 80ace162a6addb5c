extension Model {
    /// Returns the network without the outputs of some classes; later classes move down.
    ///
    /// The rows of the last layer are removed with their biases. Names and forgotten classes are renumbered, and the metadata
    /// remembers which outputs there were. A model from ONNX loses its file's form and is exported when it is written.
    /// - Parameter classes: classes of the model, not all of them.
    /// - Returns: nil if the network does not end in a linear layer.
    /// - Throws: ``ShapeError`` or ``StateDictionaryError`` if the smaller network cannot be built.
    package func droppingOutputs(of classes: Set<Int>) throws -> Model? {
        let kept = (0..<classCount).filter { !classes.contains($0) }
        guard kept.count < classCount else { return self }
        guard var model = try withRows(kept.map { $0 as Int? }, missing: (weight: 0, bias: 0)) else { return nil }
        model.metadata.classNames = metadata.classNames.isEmpty ? [] : kept.map { metadata.classNames[$0] }
        model.metadata.forgottenClasses = Set(
            kept.indices.filter { metadata.forgottenClasses.contains(kept[$0]) })
        model.metadata.droppedClasses =
            (metadata.droppedClasses + classes.map(metadata.originalIndex)).sorted()
        return model
    }

    /// Returns the network with the outputs that it lacks of another's classes, to measure both alike.
    ///
    /// An output that comes back has weights of 0 and a low bias, so that its class is never the likeliest.
    /// - Parameter other: the metadata of a network that has at least the same outputs, with its number of classes.
    /// - Returns: nil if the network's outputs are not a part of the other's, or it does not end in a linear layer with a
    ///   bias.
    /// - Throws: ``ShapeError`` or ``StateDictionaryError`` if the larger network cannot be built.
    package func restoringOutputs(like other: ModelMetadata, classes count: Int) throws -> Model? {
        guard count != classCount else { return self }
        let own = (0..<classCount).map(metadata.originalIndex)
        let wanted = (0..<count).map(other.originalIndex)
        guard Set(own).isSubset(of: wanted), let head = graph.head, parameters[head.key("bias")] != nil else {
            return nil
        }
        let rows = wanted.map { index in own.firstIndex(of: index) }
        guard var model = try withRows(rows, missing: (weight: 0, bias: Self.restoredBias)) else { return nil }
        model.metadata.classNames = other.classNames
        for (index, row) in rows.enumerated() where !other.classNames.isEmpty {
            if let row, metadata.forgottenClasses.contains(row), !metadata.classNames.isEmpty {
                model.metadata.classNames[index] = metadata.classNames[row]
            }
        }
        model.metadata.forgottenClasses = Set(
            rows.indices.filter { rows[$0].map { metadata.forgottenClasses.contains($0) } ?? true })
        model.metadata.droppedClasses = other.droppedClasses
        return model
    }

    /// The bias of an output that comes back.
    private static let restoredBias: Float = -10

    /// The network whose last layer has some of its rows, in an order, and new ones.
    /// - Parameter rows: for each new output its row so far; nil for a new one.
    private func withRows(_ rows: [Int?], missing: (weight: Float, bias: Float)) throws -> Model? {
        guard let head = graph.head, let operation = head.operation as? Linear, !rows.isEmpty,
            let weight = parameters[head.key("weight")], weight.shape.rank == 2,
            head.parameters.allSatisfy(\.isTrained)
        else { return nil }
        var linear = operation
        linear.outputs = rows.count
        let node = Graph.Node(
            name: head.name, operation: linear, inputs: head.inputs, inputShapes: head.inputShapes,
            shape: try linear.outputShape(for: head.inputShapes, node: head.name),
            parameters: linear.parameters(for: head.inputShapes), state: head.state, keys: head.keys)
        let smaller = Graph(inputShape: graph.inputShape, nodes: Array(graph.nodes.dropLast()) + [node])
        let width = weight.shape[1]
        var tensors = stateDictionary
        var elements: [Float] = []
        elements.reserveCapacity(rows.count * width)
        for row in rows {
            if let row {
                elements += weight.elements[row * width..<(row + 1) * width]
            } else {
                elements += [Float](repeating: missing.weight, count: width)
            }
        }
        tensors[head.key("weight")] = try Tensor(elements, shape: [rows.count, width])
        if let bias = parameters[head.key("bias")] {
            tensors[head.key("bias")] = try Tensor(
                rows.map { $0.map { bias.elements[$0] } ?? missing.bias }, shape: [rows.count])
        }
        var model = try Model(graph: smaller, metadata: metadata, stateDictionary: tensors)
        // A prefix of names can be restored; a file's own form cannot.
        if origin is any ResizableOrigin { model.origin = origin }
        return model
    }
}

/// What a file's reader keeps that holds for a network with another number of outputs too.
package protocol ResizableOrigin: ModelOrigin {}
