import ImageDatasets
import NeuralGraph

/// Prototype relearning from a few training examples, averaged over several draws of them.
struct PrototypeSection: AuditSection {
    let measures = [PrototypeRelearning.measure]
    let requirements: [EvidenceRequirement] = [
        .forgottenClasses, .features, .forgottenTest, .retainedTest, .forgottenTraining, .retainedTraining,
    ]

    /// Training examples of each forgotten class that a prototype is made from.
    static let examples = 10
    /// How often they are drawn anew; the accuracy is the mean.
    static let draws = 5

    func cost(_ plan: AuditPlan) -> Int { 0 }

    func examine(_ evidence: AuditEvidence, into findings: inout AuditFindings) throws {
        do {
            let scores = try evidence.models.map { try recognized(by: $0, evidence) }
            guard scores.original != nil || scores.unlearned != nil else {
                findings.results.append(
                    MeasureResult(PrototypeRelearning.measure, omitted: HeadSection.noHead))
                return
            }
            let rows = [
                MeasureRow(
                    name: "forgotten classes",
                    values: scores.map { $0.flatMap { Statistics.mean($0.forgotten) } }.byModel),
                MeasureRow(
                    name: "retained classes", values: scores.map { $0.flatMap { Statistics.mean($0.retained) } }.byModel
                ),
            ]
            findings.results.append(
                evidence.result(
                    PrototypeRelearning.measure, meanOf: scores.map { $0?.forgotten }, rows: rows, rowKind: .variants,
                    note: "from \(Self.examples) images of each class, the mean of \(Self.draws) draws; "
                        + "rows: test accuracy after it"))
        } catch let error as LinearAlgebraError {
            findings.results.append(MeasureResult(PrototypeRelearning.measure, omitted: "\(error)"))
        }
    }

    /// How often each test example is recognized after the rewriting, over the draws; nil for a model without a linear
    /// last layer.
    private func recognized(
        by model: ModelEvidence, _ evidence: AuditEvidence
    ) throws -> (forgotten: [Double], retained: [Double])? {
        guard let head = LinearHead(of: model.model), let training = evidence.training,
            let features = model.training?.features.last, let test = model.test.features.last,
            features.node == model.model.graph.penultimate
        else { return nil }
        let relearning = try PrototypeRelearning(
            head: head, features: features.values, labels: training.labels, forgotten: evidence.forgottenClasses)
        let examples = try DoubleMatrix(test.values)
        let labels = evidence.test.labels
        var hits = [Double](repeating: 0, count: labels.count)
        for draw in 0..<Self.draws {
            var rewritten = head
            for label in evidence.forgottenClasses.sorted() {
                // The same images for every model.
                var members = training.forgotten.filter { training.labels[$0] == label }
                guard !members.isEmpty else { continue }
                var random = SeededRandom(seed: evidence.context.seed("prototype"), stream: "\(label).\(draw)")
                let count = min(Self.examples, members.count)
                random.draw(count, toFrontOf: &members)
                let prototype = try DoubleMatrix(features.values, rows: Array(members.prefix(count)))
                try relearning.rewrite(label, from: prototype, in: &rewritten)
            }
            for (row, predicted) in rewritten.predictions(of: examples).enumerated() where predicted == labels[row] {
                hits[row] += 1 / Double(Self.draws)
            }
        }
        return (evidence.test.forgotten.map { hits[$0] }, evidence.test.retained.map { hits[$0] })
    }
}
