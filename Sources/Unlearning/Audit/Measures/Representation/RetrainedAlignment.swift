import NeuralGraph

/// Alignment with retraining, linear CKA of features with retrained models', on forgotten and on retained images apart.
///
/// The retrained models' value is their alignment with each other. Lower on forgotten images alone means that the
/// features of the forgotten classes are not those that a network has that never saw them.
enum RetrainedAlignment {
    static let forgotten = description(
        .retrainedAlignmentForgotten, "Alignment with retraining, forgotten images",
        "the forgotten classes' test images")
    static let retained = description(
        .retrainedAlignmentRetained, "Alignment with retraining, retained images", "the retained classes' test images")

    private static func description(
        _ identifier: MeasureIdentifier, _ title: String, _ images: String
    ) -> MeasureDescription {
        MeasureDescription(
            identifier, title: title,
            definition: "Linear centered kernel alignment of the penultimate features of \(images) with the retrained "
                + "models', averaged over these.",
            source: "Kornblith et al. 2019, Similarity of Neural Network Representations Revisited (arXiv 1905.00414)",
            group: .representation, unit: .number, greatest: 1, direction: .closerToRetrained)
    }
}

/// Takes the linear CKA of each stage's features with every retrained model's.
struct RetrainedAlignmentMeasure: BuiltInMeasure {
    let descriptions = [RetrainedAlignment.forgotten, RetrainedAlignment.retained]
    let requirements: [EvidenceRequirement] = [
        .forgottenClasses, .features, .retrained, .forgottenTest, .retainedTest,
    ]

    /// The maximum number of images of either kind; CKA changes little with more.
    static let maximumImages = 500

    func examine(_ evidence: AuditEvidence, into findings: inout AuditFindings) throws {
        do {
            for (description, images) in [
                (RetrainedAlignment.forgotten, evidence.test.forgotten),
                (RetrainedAlignment.retained, evidence.test.retained),
            ] {
                let step = max(1, images.count / Self.maximumImages)
                let rows = stride(from: 0, to: images.count, by: step).map { images[$0] }
                findings.results.append(try result(description, rows: rows, evidence))
            }
        } catch let error as LinearAlgebraError {
            let missing = descriptions.filter { own in
                !findings.results.contains { $0.measure.identifier == own.identifier }
            }
            findings.results += missing.map { MeasureResult($0, omitted: "\(error)") }
        }
    }

    private func result(
        _ description: MeasureDescription, rows: [Int], _ evidence: AuditEvidence
    ) throws -> MeasureResult {
        let stages = evidence.models.original.test.features.map(\.node)
        var parts: [MeasureRow] = []
        var last: PerModel<Double?> = PerModel(original: nil, unlearned: nil, retrained: [])
        for (place, stage) in stages.enumerated() {
            try evidence.checkCancellation()
            last = try alignments(at: place, rows: rows, evidence)
            parts.append(MeasureRow(name: stage, values: last.byModel))
        }
        return MeasureResult(
            description, original: last.original.map { MeasureValue($0) },
            unlearned: last.unlearned.map { MeasureValue($0) },
            retrained: last.retrained.compactMap { $0.map { MeasureValue($0) } }, rows: parts, rowKind: .layers,
            note: "\(rows.count) images; under 'retrained': the retrained models with each other")
    }

    /// The mean alignment of each model's features at one stage with those of the retrained models but itself.
    private func alignments(
        at stage: Int, rows: [Int], _ evidence: AuditEvidence
    ) throws -> PerModel<Double?> {
        func features(_ model: ModelEvidence) throws -> Tensor? {
            guard model.test.features.indices.contains(stage) else { return nil }
            let values = model.test.features[stage].values
            let manageable = StageFeatures.manageableRows(of: rows.count, width: values.shape.channels)
            return try values.rows(manageable.map { rows[$0] })
        }
        let retrained = try evidence.models.retrained.map(features)
        let alignments = try retrained.map { try $0.map { try FeatureAlignment(reference: $0) } }
        func mean(of own: Tensor?, without number: Int? = nil) throws -> Double? {
            guard let own else { return nil }
            let values = try alignments.indices.filter { $0 != number }.compactMap {
                try alignments[$0]?.value(with: own)
            }
            return Statistics.mean(values)
        }
        return PerModel(
            original: try mean(of: features(evidence.models.original)),
            unlearned: try mean(of: features(evidence.models.unlearned)),
            retrained: retrained.count > 1
                ? try retrained.indices.map { try mean(of: retrained[$0], without: $0) } : [])
    }
}
