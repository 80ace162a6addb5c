extension Audit {
    /// The measures that the configuration asks for.
    var usedMeasures: [any AuditMeasure] {
        guard !configuration.examinesRepresentation else { return measures }
        return measures.filter { measure in !measure.descriptions.allSatisfy { $0.group == .representation } }
    }

    /// The measures that the configuration asks for, then what draws without measuring.
    var parts: [any AuditMeasure] {
        usedMeasures + (configuration.examinesRepresentation ? [EmbeddingDrawing(), AttentionDrawing()] : [])
    }

    /// Checks that measures have descriptions with valid, unique identifiers, and that limits belong to measures.
    /// - Throws: ``AuditError`` with the code ``AuditError/Code/invalidMeasure``.
    func checkMeasures() throws(AuditError) {
        var seen: Set<MeasureIdentifier> = []
        for measure in measures {
            guard !measure.descriptions.isEmpty else {
                throw .invalidMeasure("\(type(of: measure))", "has no description; give at least one")
            }
            for identifier in measure.descriptions.map(\.identifier) {
                guard identifier.isWellFormed else {
                    throw .invalidMeasure(
                        identifier.rawValue, "is not a valid name; use lower-case letters, digits and hyphens")
                }
                guard seen.insert(identifier).inserted else {
                    throw .invalidMeasure(
                        identifier.rawValue, "is in the audit twice; give each measure an identifier of its own")
                }
            }
        }
        let known = seen.union(Self.defaultMeasures.flatMap(\.descriptions).map(\.identifier))
        for name in configuration.thresholds.limits.keys.sorted() where !known.contains(.init(rawValue: name)) {
            throw .invalidMeasure(name, "has limits, but is not in the audit; add the measure, or remove its limits")
        }
    }

    /// Takes one measure's results, or leaves it out.
    func examine(
        _ measure: any AuditMeasure, _ evidence: AuditEvidence, into findings: inout AuditFindings
    ) throws {
        if let reason = measure.requirements.lazy.compactMap({ $0.reason(evidence) }).first {
            findings.results += measure.descriptions.map { MeasureResult($0, omitted: reason) }
            return
        }
        let first = findings.results.count
        do {
            if let measure = measure as? any BuiltInMeasure {
                try measure.examine(evidence, into: &findings)
            } else {
                findings.results += try measure.results(from: evidence)
            }
        } catch let error where error is CancellationError || error is AuditError || error is UnlearningError {
            throw error
        } catch {
            throw AuditError.invalidMeasure(measure.name, "failed: \(error)")
        }
        try measure.check(Array(findings.results[first...]), retrainedModels: evidence.models.retrained.count)
    }
}

extension AuditMeasure {
    /// Checks that results belong to the descriptions and hold possible numbers.
    /// - Throws: ``AuditError`` with the code ``AuditError/Code/invalidMeasure``.
    fileprivate func check(_ results: [MeasureResult], retrainedModels: Int) throws(AuditError) {
        let described = descriptions.map(\.identifier)
        var seen: Set<MeasureIdentifier> = []
        for result in results {
            let identifier = result.measure.identifier
            guard described.contains(identifier) else {
                throw .invalidMeasure(
                    name, "gave a result for '\(identifier)', which it does not describe; add its description")
            }
            guard seen.insert(identifier).inserted else {
                throw .invalidResult(of: identifier, "two results", remedy: "give one")
            }
            try result.check(retrainedModels: retrainedModels)
        }
        // A single class has no worst one.
        if let missing = described.first(where: { !seen.contains($0) && $0 != .forgetAccuracyWorstClass }) {
            throw .invalidResult(of: missing, "no result", remedy: "give one, or leave the measure out with a reason")
        }
    }
}

extension MeasureResult {
    fileprivate func check(retrainedModels: Int) throws(AuditError) {
        let identifier = measure.identifier
        let values =
            [("original", original), ("unlearned", unlearned)]
            + (retrained?.values ?? []).map { ("retrained", Optional($0)) }
        for case (let model, let value?) in values { try check(value, of: model) }
        if let gap, !gap.isFinite {
            throw .invalidResult(of: identifier, "the gap \(gap.value)", remedy: "give finite numbers")
        }
        if let count = retrained?.values.count, count > retrainedModels {
            throw .invalidResult(
                of: identifier, "more retrained values (\(count)) than there are retrained models (\(retrainedModels))",
                remedy: "give one for each")
        }
        for row in rows {
            for value in AuditedModel.allCases.compactMap({ row.values[$0] }) where !value.isFinite {
                throw .invalidResult(
                    of: identifier, "\(value) in the row '\(row.name)'", remedy: "give finite numbers, or nil for none")
            }
        }
        guard isOmitted || !rows.isEmpty || values.contains(where: { $0.1 != nil }) else {
            throw .invalidResult(
                of: identifier, "neither values nor rows", remedy: "leave the measure out with a reason instead")
        }
    }

    private func check(_ value: MeasureValue, of model: String) throws(AuditError) {
        guard value.isFinite else {
            throw .invalidResult(
                of: measure.identifier, "\(value.value) for the \(model) model",
                remedy: "give finite numbers, or leave the measure out with a reason")
        }
        let rounding = 1e-6
        if let least = measure.least, value.value < least - rounding {
            throw .invalidResult(
                of: measure.identifier, "\(value.value) for the \(model) model, less than its least value \(least)",
                remedy: "correct the measure or its description")
        }
        if let greatest = measure.greatest, value.value > greatest + rounding {
            throw .invalidResult(
                of: measure.identifier,
                "\(value.value) for the \(model) model, more than its greatest value \(greatest)",
                remedy: "correct the measure or its description")
        }
    }
}

extension MeasureValue {
    /// Whether the value and the ends of its interval are finite.
    fileprivate var isFinite: Bool {
        value.isFinite && (interval.map { $0.lower.isFinite && $0.upper.isFinite } ?? true)
    }
}
