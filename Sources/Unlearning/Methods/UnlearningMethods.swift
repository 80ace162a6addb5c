/// The methods by name, each with its published or default settings.
public enum UnlearningMethods {
    /// All of them: the package's own first, then baselines, then published methods, then retraining and SISA.
    public static let all: [any UnlearningMethod] = [
        PrototypeRepair.default, PrototypeRepair.noiseless, PrototypeRepair.fast, PrototypeRepair.thorough,
        UNSIR(), UNSIR(configuration: .paper), MaskedTeacherRepair(), ZeroShotDistillation(),
        LastRowEdit(), FineTuning(), NegativeGradient(), NegativeGradient(retainWeight: 0.95),
        NegativePreference(), RandomLabels(),
        FisherForgetting(), AmnesiacRelabeling(), BoundaryShrink(), SelectiveSynapticDampening(),
        SubspaceProjection(), DepthAwareProjection(), DepthAwareProjection.imageless, TiltedReweighting(),
        SCRUB.largeScale, SCRUB.smallScale, BadTeacher(), SaliencyUnlearning(), MaskedDistillation(),
        LastStages(resetting: true),
        LastStages(resetting: false), FullRetraining(), SISA(),
    ]

    /// The names of ``all``.
    package static var names: [String] { all.map(\.name) }

    /// The method of a name.
    /// - Throws: ``UnlearningError``.
    public static func named(_ name: String) throws(UnlearningError) -> any UnlearningMethod {
        guard let method = all.first(where: { $0.name == name }) else {
            throw .unknownMethod(name: name, known: names)
        }
        return method
    }
}

/// Methods that the command line offers by `--preset`, none of which needs an image of the classes to forget.
package enum UnlearningPreset: String, Sendable, Codable, CaseIterable {
    case `default`, noiseless, fast, thorough, paper
    case paperSafe = "paper-safe"

    /// The method with its settings.
    package var method: any UnlearningMethod {
        switch self {
        case .default: .default
        case .noiseless: .noiseless
        case .fast: .fast
        case .thorough: .thorough
        case .paper: .unsirPaper
        case .paperSafe: .unsir
        }
    }
}
