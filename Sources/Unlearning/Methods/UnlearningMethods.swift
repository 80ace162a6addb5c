/// The methods by name, each with its published or default settings.
public enum UnlearningMethods {
    /// All of them: the package's own first, then baselines, then published methods, then retraining.
    public static let all: [any UnlearningMethod] = [
        PrototypeRepair.default, PrototypeRepair.fast, PrototypeRepair.thorough,
        UNSIR(), UNSIR(configuration: .paper), MaskedTeacherRepair(), ZeroShotDistillation(),
        LastRowEdit(), FineTuning(), NegativeGradient(), NegativeGradient(retainWeight: 0.95), RandomLabels(),
        FisherForgetting(), AmnesiacRelabeling(), BoundaryShrink(), SelectiveSynapticDampening(), SCRUB(),
        BadTeacher(), SaliencyUnlearning(), MaskedDistillation(), LastStages(resetting: true),
        LastStages(resetting: false), FullRetraining(),
    ]

    /// The names of ``all``.
    public static var names: [String] { all.map(\.name) }

    /// The method of a name.
    /// - Throws: ``UnlearningError/unknownMethod(name:known:)``.
    public static func named(_ name: String) throws(UnlearningError) -> any UnlearningMethod {
        guard let method = all.first(where: { $0.name == name }) else {
            throw .unknownMethod(name: name, known: names)
        }
        return method
    }
}
