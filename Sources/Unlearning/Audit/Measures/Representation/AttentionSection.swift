import Foundation
import ImageDatasets
import NeuralGraph

/// Pictures of where the networks look for the forgotten classes: Grad-CAM over a few test pictures.
struct AttentionSection: AuditSection {
    let measures: [MeasureDescription] = []
    let requirements: [EvidenceRequirement] = [.forgottenClasses]

    /// Pictures that are shown at most.
    static let pictures = 6

    func cost(_ plan: AuditPlan) -> Int { 0 }

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
                algorithms: evidence.context.options.algorithms)
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

    /// Pictures of forgotten classes that the original recognized, from all of them in turn.
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
        let shape = examples.exampleShape
        return try Tensor(shape: TensorShape([rows.count] + shape.dimensions)) { target in
            guard let start = target.baseAddress else { return }
            for (number, row) in rows.enumerated() {
                try examples.write(row, augmentationSeed: nil, into: start + number * shape.count)
            }
        }
    }

    /// A prepared picture as bytes again; one whose preparation isn't known is spread over the whole range.
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
