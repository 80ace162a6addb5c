extension AuditThresholds {
    /// Sets a measure's limits, which then do not follow from the spread of retrained models.
    ///
    /// What they refer to stays, or follows from the measure's direction.
    /// - Parameters:
    ///   - measure: the measure.
    ///   - above: the largest difference above the reference that passes; nil leaves it as it is by default.
    ///   - below: the same below the reference.
    package mutating func setLimits(of measure: MeasureDescription, above: Double?, below: Double?) {
        var list = AuditThresholds.default[measure.identifier]
        // A number of the user's counts with every reference, as well where by default there is no limit: from zero, of a
        // distance to one retrained model.
        if list.isEmpty || measure.direction == .lower && above != nil {
            list += Self.unset(of: measure).filter { usual in !list.contains { $0.reference == usual.reference } }
        }
        let isOneSided = above == nil || below == nil
        for (side, limit) in [(MeasureThreshold.Side.above, above), (.below, below)] {
            guard let limit else { continue }
            for index in list.indices where list[index].side == side {
                list[index] = MeasureThreshold(
                    side, list[index].reference, limit: limit, finding: list[index].finding)
            }
            // Equal limits of both sides are one number, which sets the sides that there are.
            guard isOneSided || above != below, !list.contains(where: { $0.side == side }) else { continue }
            let finding: MeasureThreshold.Finding = list.contains { $0.finding == .leak } ? .overForgotten : .leak
            list.append(MeasureThreshold(side, .retrained, limit: limit, finding: finding))
        }
        self[measure.identifier] = list
    }

    /// The limits of a measure that has none by default, still at 0.
    private static func unset(of measure: MeasureDescription) -> [MeasureThreshold] {
        switch measure.direction {
        case .lower: [.init(.above, .retrained, limit: 0), .init(.above, .zero, limit: 0)]
        case .higher: [.init(.below, .retrained, limit: 0), .init(.below, .original, limit: 0)]
        case .closerToRetrained, .none:
            [.init(.above, .retrained, limit: 0), .init(.below, .retrained, limit: 0, finding: .overForgotten)]
        }
    }
}

extension AuditConfiguration {
    /// Descriptions of all measures that an audit can take.
    package static var everyMeasure: [MeasureDescription] {
        var configuration = AuditConfiguration.full
        configuration.likelihoodRatioAttack = LikelihoodRatioAttackConfiguration(
            shadowModels: 2, training: TrainingConfiguration())
        return Audit(configuration: configuration).descriptions
    }
}
