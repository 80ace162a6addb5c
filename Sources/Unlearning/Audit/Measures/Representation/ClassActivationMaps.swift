import Foundation
import ImageDatasets
package import NeuralGraph

/// Heat maps of the regions on which a network bases a class (Grad-CAM; Selvaraju et al. 2017, equations 1 and 2).
///
/// With A the maps of a node and y the logit of the class, the weight aₖ of channel k is the mean of `∂y / ∂Aₖ` over
/// positions, and the map is `max(0, Σₖ aₖ Aₖ)`: 0 without evidence for the class, larger with more. Its unit is the
/// logit's, which differs between networks, so only shapes of maps are comparable.
///
/// Use an instance on one thread at a time.
package final class ClassActivationMaps {
    /// The node whose maps are weighted.
    package let node: String
    /// Height and width of the node's maps.
    package let mapShape: TensorShape

    private let features: Executor
    private let classifier: Executor
    private let channels: Int

    /// Cuts a model at a node and plans both halves.
    /// - Parameters:
    ///   - model: the network.
    ///   - node: a node that every path passes and whose output is `[height, width, channels]`.
    ///   - batchCapacity: the number of pictures in a batch, 1 or more.
    ///   - threads: the threads to compute with.
    ///   - algorithms: the algorithms to choose from.
    ///   - precision: what products' factors are rounded to.
    /// - Throws: `GraphError` if the network can't be cut there, and `ShapeError` if the node has no maps.
    package init(
        model: Model, node: String, batchCapacity: Int = 16, threads: ThreadTeam = ThreadTeam(),
        algorithms: Algorithms = .fast, precision: Precision = .float32
    ) throws {
        let (head, tail) = try model.cut(at: node)
        let shape = head.graph.outputShape
        guard shape.rank == 3 else {
            throw ShapeError(node, "\(shape) is not a map; choose a node whose output has height, width and channels")
        }
        self.node = node
        mapShape = [shape[0], shape[1]]
        channels = shape[2]
        features = Executor(
            model: head, batchCapacity: batchCapacity, threads: threads, algorithms: algorithms,
            precision: precision)
        classifier = Executor(
            model: tail, batchCapacity: batchCapacity, computing: .input, threads: threads, algorithms: algorithms,
            precision: precision)
    }

    /// Finds the deepest node that every path passes and whose map is large enough to show regions; nil if there is
    /// none.
    /// - Parameter side: the minimum height and width.
    package static func node(of graph: Graph, side: Int = 4) -> String? {
        graph.cutNodes.last { $0.shape.rank == 3 && $0.shape[0] >= side && $0.shape[1] >= side }?.name
    }

    /// Computes the maps of pictures.
    /// - Parameters:
    ///   - pictures: `[pictures, height, width, channels]`, prepared for the network.
    ///   - labels: the class to explain in each.
    /// - Returns: `[pictures, map height, map width]`, 0 or more.
    /// - Throws: `ShapeError` if pictures or labels do not fit the network.
    package func maps(of pictures: Tensor, for labels: [Int]) throws -> Tensor {
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
        return try Tensor(shape: [labels.count, mapShape[0], mapShape[1]]) { maps in
            var first = 0
            while first < labels.count {
                let batch = min(features.batchCapacity, labels.count - first)
                try pass(pictures, labels, first: first, batch: batch, classes: classes)
                for example in 0..<batch {
                    let map = map(of: example)
                    for position in 0..<positions { maps.append(map[position]) }
                }
                first += batch
            }
        }
    }

    /// Runs forward to the logits, and back to the node from the logits of the given classes.
    private func pass(_ pictures: Tensor, _ labels: [Int], first: Int, batch: Int, classes: Int) throws {
        let size = features.graph.inputShape.count
        pictures.withUnsafeElements { source in
            _ = features.input.update(fromContentsOf: source[first * size..<(first + batch) * size])
        }
        try features.forward(batch: batch, mode: .inference)
        _ = classifier.input.update(fromContentsOf: features.output[..<(batch * positions * channels)])
        try classifier.forward(batch: batch, mode: .inference)
        classifier.outputGradient.update(repeating: 0)
        for example in 0..<batch { classifier.outputGradient[example * classes + labels[first + example]] = 1 }
        try classifier.backward()
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

/// Converts maps to a picture's size and to bytes.
package enum ActivationMapImage {
    /// Resizes a map by bilinear interpolation, like PyTorch's `interpolate` with `align_corners=False`.
    /// - Parameters:
    ///   - map: `[height, width]`.
    ///   - height: rows of the result, at least 1.
    ///   - width: columns of the result, at least 1.
    /// - Throws: `ShapeError` if the map does not have two axes, or has no pixel.
    package static func resized(_ map: Tensor, height: Int, width: Int) throws(ShapeError) -> Tensor {
        guard map.shape.rank == 2, map.count > 0, height > 0, width > 0 else {
            throw ShapeError("heat map", "\(map.shape) cannot be made \(height)x\(width); give [height, width]")
        }
        let rows = places(height, of: map.shape[0])
        let columns = places(width, of: map.shape[1])
        var elements: [Float] = []
        elements.reserveCapacity(height * width)
        for row in rows {
            for column in columns {
                func value(_ y: Int, _ x: Int) -> Double { Double(map[y * map.shape[1] + x]) }
                let upper =
                    value(row.below, column.below) * (1 - column.share)
                    + value(row.below, column.above) * column.share
                let lower =
                    value(row.above, column.below) * (1 - column.share)
                    + value(row.above, column.above) * column.share
                elements.append(Float(upper * (1 - row.share) + lower * row.share))
            }
        }
        return try Tensor(elements, shape: [height, width])
    }

    /// Converts a map to bytes, 255 for its largest value; all 0 for an empty map, or one with undefined numbers.
    package static func bytes(_ map: Tensor) -> [UInt8] {
        let largest = map.elements.max() ?? 0
        guard largest > 0, map.isFinite else { return [UInt8](repeating: 0, count: map.count) }
        return map.elements.map { UInt8(max(0, min(255, ($0 / largest * 255).rounded()))) }
    }

    /// Finds the pixels around each new pixel's center, and its position between them.
    private static func places(_ count: Int, of old: Int) -> [(below: Int, above: Int, share: Double)] {
        (0..<count).map { index in
            let place = (Double(index) + 0.5) * Double(old) / Double(count) - 0.5
            let clamped = min(max(place, 0), Double(old - 1))
            let below = min(Int(clamped), old - 1)
            return (below, min(below + 1, old - 1), clamped - Double(below))
        }
    }
}

/// Draws Grad-CAM heat maps of the forgotten classes over a few test pictures.
struct AttentionDrawing: BuiltInMeasure {
    let descriptions: [MeasureDescription] = []
    let requirements: [EvidenceRequirement] = [.forgottenClasses]

    /// The maximum number of pictures.
    static let pictures = 6

    func examine(_ evidence: AuditEvidence, into findings: inout AuditFindings) throws {
        let shape = evidence.models.original.model.graph.inputShape
        guard evidence.configuration.makesFigures, evidence.configuration.examinesRepresentation, shape.rank == 3,
            [1, 3].contains(shape.channels), evidence.models.original.model.hasMaps
        else { return }
        let rows = rows(of: evidence)
        guard !rows.isEmpty else { return }
        let labels = rows.map { evidence.test.labels[$0] }
        let pictures = try self.pictures(rows, of: evidence.test.examples)
        func heat(_ model: ModelEvidence) throws -> [FigureImage]? {
            guard let node = ClassActivationMaps.node(of: model.model.graph) else { return nil }
            let maps = try ClassActivationMaps(
                model: model.model, node: node, batchCapacity: rows.count, threads: evidence.context.threads,
                algorithms: evidence.context.options.algorithms,
                precision: evidence.context.options.precision)
            return try Self.images(maps.maps(of: pictures, for: labels), height: shape[0], width: shape[1])
        }
        let original = try heat(evidence.models.original)
        let unlearned = try heat(evidence.models.unlearned)
        let retrained = try evidence.models.retrained.first.flatMap(heat)
        for (number, row) in rows.enumerated() {
            findings.figures.attention.append(
                AttentionFigure(
                    image: picture(number, of: pictures, evidence.models.original.model.metadata.normalization),
                    label: labels[number],
                    predicted: ByModel(
                        original: evidence.models.original.test.predictions.predicted[row],
                        unlearned: evidence.models.unlearned.test.predictions.predicted[row],
                        retrained: evidence.models.retrained.first?.test.predictions.predicted[row]),
                    heat: ByModel(
                        original: original?[number], unlearned: unlearned?[number], retrained: retrained?[number])))
        }
    }

    /// Selects pictures of forgotten classes that the original recognizes, from all classes in turn.
    private func rows(of evidence: AuditEvidence) -> [Int] {
        let predicted = evidence.models.original.test.predictions.predicted
        let known = evidence.test.forgotten.filter { predicted[$0] == evidence.test.labels[$0] }
        var byClass = Dictionary(grouping: known.isEmpty ? evidence.test.forgotten : known) { evidence.test.labels[$0] }
        var rows: [Int] = []
        while rows.count < Self.pictures, byClass.values.contains(where: { !$0.isEmpty }) {
            for label in byClass.keys.sorted() where rows.count < Self.pictures {
                guard let row = byClass[label]?.first else { continue }
                byClass[label]?.removeFirst()
                rows.append(row)
            }
        }
        return rows
    }

    private func pictures(_ rows: [Int], of examples: any ExampleSource) throws -> Tensor {
        try examples.tensor(at: rows).inputs
    }

    /// Converts a prepared picture back to bytes; without a known normalization its values are scaled to the whole
    /// range.
    private func picture(_ number: Int, of pictures: Tensor, _ normalization: Normalization?) -> FigureImage {
        let (height, width, channels) = (pictures.shape[1], pictures.shape[2], pictures.shape[3])
        let size = height * width * channels
        let values = pictures.elements[number * size..<(number + 1) * size]
        let known = normalization.flatMap { try? $0.expanded(toChannels: channels) }
        let (low, high) = (values.min() ?? 0, values.max() ?? 0)
        let bytes = values.enumerated().map { position, value in
            var share = high > low ? (value - low) / (high - low) : 0
            if let known {
                let channel = position % channels
                share = value * known.standardDeviation[channel] + known.mean[channel]
            }
            return share.isFinite ? UInt8(max(0, min(255, (share * 255).rounded()))) : 0
        }
        return FigureImage(width: width, height: height, channels: channels, pixels: Data(bytes))
    }

    private static func images(_ maps: Tensor, height: Int, width: Int) throws -> [FigureImage] {
        let (rows, columns) = (maps.shape[1], maps.shape[2])
        return try (0..<maps.shape[0]).map { number in
            let elements = Array(maps.elements[number * rows * columns..<(number + 1) * rows * columns])
            let map = try ActivationMapImage.resized(
                Tensor(elements, shape: [rows, columns]), height: height, width: width)
            return FigureImage(width: width, height: height, channels: 1, pixels: Data(ActivationMapImage.bytes(map)))
        }
    }
}

extension Model {
    fileprivate var hasMaps: Bool { ClassActivationMaps.node(of: graph) != nil }
}
