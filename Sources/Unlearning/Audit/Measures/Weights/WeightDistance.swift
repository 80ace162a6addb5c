package import NeuralGraph

/// Distance of a layer's weights from the original's, `|W' - W| / |W|` in Euclidean norm, 0 or more.
///
/// Neither more nor less is better. It shows a change of the last layer alone, and a change of everything. The
/// retrained models' distance gives the scale, unless they began from other initial weights.
package struct WeightDistance: Sendable {
    /// One layer's distance.
    package struct Layer: Sendable, Hashable {
        /// The node's name.
        package let name: String
        /// The distance, 0 or more; nil if the original's weights are zero and the layer changed.
        package let value: Double?

        package init(name: String, value: Double?) {
            self.name = name
            self.value = value
        }
    }

    /// The layers that have parameters, from input to output.
    package let layers: [Layer]
    /// The distance over all parameters; nil if the original's weights are all zero and changed.
    package let total: Double?

    /// Measures the distance of a model from another.
    /// - Throws: `StateDictionaryError` if the two do not have the same layers.
    package init(from reference: Model, to model: Model) throws(StateDictionaryError) {
        var layers: [Layer] = []
        var (moved, length) = (0.0, 0.0)
        if let other = model.parameters.keys.filter({ reference.parameters[$0] == nil }).min() {
            throw .unexpected(name: other, others: 0)
        }
        for node in reference.graph.nodes where !node.parameters.isEmpty {
            var (nodeMoved, nodeLength) = (0.0, 0.0)
            for key in node.parameters.map({ node.key($0.name) }) {
                guard let old = reference.parameters[key], let new = model.parameters[key] else {
                    throw .missing(name: key)
                }
                guard old.shape == new.shape else {
                    throw .wrongShape(name: key, expected: old.shape, found: new.shape)
                }
                for (old, new) in zip(old.elements, new.elements) {
                    nodeMoved += (Double(new) - Double(old)) * (Double(new) - Double(old))
                    nodeLength += Double(old) * Double(old)
                }
            }
            layers.append(Layer(name: node.name, value: Self.quotient(nodeMoved, nodeLength)))
            moved += nodeMoved
            length += nodeLength
        }
        self.layers = layers
        total = Self.quotient(moved, length)
    }

    private static func quotient(_ moved: Double, _ length: Double) -> Double? {
        guard moved > 0 else { return 0 }
        return length > 0 ? (moved / length).squareRoot() : nil
    }

    static let description = MeasureDescription(
        .weightDistance, title: "Weight distance",
        definition:
            "Norm of the difference between the weights and the original's, divided by the norm of the original's.",
        source: "Tarun et al., Fast Yet Effective Machine Unlearning (arXiv 2111.08947), section V",
        group: .representation, unit: .number, direction: .none)
}

/// Takes the weight distance from the original, in total and by layer.
struct WeightDistanceMeasure: BuiltInMeasure {
    let descriptions = [WeightDistance.description]
    let requirements: [EvidenceRequirement] = []

    func examine(_ evidence: AuditEvidence, into findings: inout AuditFindings) throws {
        let models = evidence.models
        let original = models.original.model
        func distance(_ model: ModelEvidence) throws(StateDictionaryError) -> WeightDistance {
            try WeightDistance(from: original, to: model.model)
        }
        do {
            let unlearned = try distance(models.unlearned)
            // A retrained model may be another network.
            let retrained = models.retrained.compactMap { try? distance($0) }
            guard let total = unlearned.total else {
                findings.results.append(
                    MeasureResult(WeightDistance.description, omitted: "all of the original's weights are 0"))
                return
            }
            let rows = unlearned.layers.enumerated().map { index, layer in
                let others = retrained.compactMap { $0.layers[index].value }
                return MeasureRow(
                    name: layer.name, values: ByModel(unlearned: layer.value, retrained: Statistics.mean(others)))
            }
            findings.results.append(
                MeasureResult(
                    WeightDistance.description, unlearned: MeasureValue(total),
                    retrained: retrained.compactMap(\.total).map { MeasureValue($0) }, rows: rows, rowKind: .layers,
                    note: "Rows: the layers that have parameters"))
            let weighty = Set(original.graph.nodes.filter { $0.parameters.contains { $0.shape.rank > 1 } }.map(\.name))
            for row in rows where weighty.contains(row.name) {
                findings.figures.updateLayer(row.name, of: original.graph) { $0.weightDistance = row.values }
            }
        } catch {
            findings.results.append(
                MeasureResult(
                    WeightDistance.description,
                    omitted: "the unlearned model does not have the original's layers: \(error)")
            )
        }
    }
}
