import NeuralGraph

/// How far a layer's weights moved: `|W' - W| / |W|` in Euclidean norm over all of a layer's parameters. 0 for a layer
/// that stayed as it was; no upper bound.
///
/// Neither more nor less is better in itself. A forgetting that sits in the last layer alone shows here, and so does
/// one that threw the network away; the retrained model's distance gives the scale, unless it began from other first
/// weights.
package struct WeightDistance: Sendable {
    /// One layer's distance.
    package struct Layer: Sendable, Hashable {
        /// The node's name.
        package let name: String
        /// The distance, 0 or more; nil where the layer moved away from zeros.
        package let value: Double?
    }

    /// The layers that have parameters, from input to output.
    package let layers: [Layer]
    /// The distance over all parameters together; nil where they moved away from zeros.
    package let total: Double?

    /// Measures how far a model is from another.
    /// - Throws: `StateDictionaryError` if the two have not the same layers.
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
        definition: "How far the weights are from the original's, relative to their length; 0 for unchanged weights.",
        source: "Tarun et al., Fast Yet Effective Machine Unlearning (arXiv 2111.08947), section V",
        group: .representation, unit: .number, direction: .none)
}

/// Weight distance to the original, in total and by layer.
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
            // A retrained model may be another network, or come from other first weights.
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
                    note: "rows: the layers that have parameters"))
            let weighty = Set(original.graph.nodes.filter { $0.parameters.contains { $0.shape.rank > 1 } }.map(\.name))
            for row in rows where weighty.contains(row.name) {
                findings.figures.updateLayer(row.name, of: original.graph) { $0.weightDistance = row.values }
            }
        } catch {
            findings.results.append(
                MeasureResult(
                    WeightDistance.description,
                    omitted: "the unlearned model has other layers than the original: \(error)")
            )
        }
    }
}
