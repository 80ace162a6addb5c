import NeuralGraph

/// Where a network looks for a class: Grad-CAM (Selvaraju et al. 2017, equations 1 and 2).
///
/// With A the maps of a node and y the logit of the class, channel k weighs `aₖ = mean over positions of ∂y / ∂Aₖ`, and
/// the map is `max(0, Σₖ aₖ Aₖ)`: 0 where nothing speaks for the class, larger where more does. Its unit is that of the
/// logit, and differs from network to network, so maps are compared in shape and not in size.
///
/// Used by one thread at a time.
public final class ClassActivationMaps {
    /// The node whose maps are weighed.
    public let node: String
    /// Height and width of the node's maps.
    public let mapShape: TensorShape

    private let features: Executor
    private let classifier: Executor
    private let channels: Int

    /// Cuts a model at a node and plans both halves.
    /// - Parameters:
    ///   - model: the network.
    ///   - node: a node that every path passes and whose output is `[height, width, channels]`.
    ///   - batchCapacity: how many pictures are worked on at once, at least 1.
    ///   - threads: the threads to work with.
    ///   - algorithms: `.strict` leaves the universal algorithms alone.
    /// - Throws: `GraphError` if the network can't be cut there, and `ShapeError` if the node has no maps.
    public init(
        model: Model, node: String, batchCapacity: Int = 16, threads: ThreadTeam = ThreadTeam(),
        algorithms: Algorithms = .fast
    ) throws {
        let (head, tail) = try model.cut(at: node)
        let shape = head.graph.outputShape
        guard shape.rank == 3 else {
            throw ShapeError(node, "\(shape) is no map; choose a node whose output has height, width and channels")
        }
        self.node = node
        mapShape = [shape[0], shape[1]]
        channels = shape[2]
        features = Executor(model: head, batchCapacity: batchCapacity, threads: threads, algorithms: algorithms)
        classifier = Executor(
            model: tail, batchCapacity: batchCapacity, computing: .input, threads: threads, algorithms: algorithms)
    }

    /// The deepest node that every path passes and whose map is large enough to show a place; nil if there is none.
    /// - Parameter side: the least height and width.
    public static func node(of graph: Graph, side: Int = 4) -> String? {
        graph.cutNodes.last { $0.shape.rank == 3 && $0.shape[0] >= side && $0.shape[1] >= side }?.name
    }

    /// The maps of pictures.
    /// - Parameters:
    ///   - pictures: `[pictures, height, width, channels]`, prepared for the network.
    ///   - labels: the class that is looked for in each.
    /// - Returns: `[pictures, map height, map width]`, 0 or more.
    /// - Throws: `ShapeError` if pictures or labels do not fit the network.
    public func maps(of pictures: Tensor, for labels: [Int]) throws -> Tensor {
        let shape = features.graph.inputShape
        guard TensorShape(Array(pictures.shape.dimensions.dropFirst())) == shape, pictures.shape.rank == shape.rank + 1
        else {
            throw ShapeError("pictures", "\(pictures.shape) is not a list of \(shape); prepare them for the network")
        }
        let classes = classifier.graph.outputShape.count
        guard labels.count == pictures.shape[0], labels.allSatisfy((0..<classes).contains) else {
            throw ShapeError("labels", "\(labels) does not name one of \(classes) classes for each picture")
        }
        let positions = mapShape.count
        return Tensor(shape: [labels.count, mapShape[0], mapShape[1]]) { maps in
            var first = 0
            while first < labels.count {
                let batch = min(features.batchCapacity, labels.count - first)
                pass(pictures, labels, first: first, batch: batch, classes: classes)
                for example in 0..<batch {
                    let map = map(of: example)
                    for position in 0..<positions { maps[(first + example) * positions + position] = map[position] }
                }
                first += batch
            }
        }
    }

    /// Up to the node, on to the logits, and back to the node from the logits of the classes that are looked for.
    private func pass(_ pictures: Tensor, _ labels: [Int], first: Int, batch: Int, classes: Int) {
        let size = features.graph.inputShape.count
        pictures.withUnsafeElements { source in
            _ = features.input.update(fromContentsOf: source[first * size..<(first + batch) * size])
        }
        features.forward(batch: batch, mode: .inference)
        _ = classifier.input.update(fromContentsOf: features.output[..<(batch * positions * channels)])
        classifier.forward(batch: batch, mode: .inference)
        classifier.outputGradient.update(repeating: 0)
        for example in 0..<batch { classifier.outputGradient[example * classes + labels[first + example]] = 1 }
        classifier.backward()
    }

    private var positions: Int { mapShape.count }

    /// One example's map, in Double.
    private func map(of example: Int) -> [Float] {
        let start = example * positions * channels
        var weights = [Double](repeating: 0, count: channels)
        for position in 0..<positions {
            for channel in 0..<channels {
                weights[channel] += Double(classifier.inputGradient[start + position * channels + channel])
            }
        }
        return (0..<positions).map { position in
            var sum = 0.0
            for channel in 0..<channels {
                sum += weights[channel] * Double(features.output[start + position * channels + channel])
            }
            return Float(max(0, sum / Double(positions)))
        }
    }
}
