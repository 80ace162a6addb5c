/// Methods with settings that have a name. None of them sees an image of the classes to forget.
public enum UnlearningPreset: String, Sendable, Codable, CaseIterable {
    /// ``PrototypeRepair/standard``
    case `default`
    /// ``PrototypeRepair/fast``
    case fast
    /// ``PrototypeRepair/thorough``
    case thorough
    /// ``UNSIR`` as published: ``UNSIR/Configuration/paper``
    case paper
    /// ``UNSIR`` at a tenth of the published rates: ``UNSIR/Configuration/paperSafe``
    case paperSafe = "paper-safe"

    /// The method with its settings.
    public var method: any UnlearningMethod {
        switch self {
        case .default: PrototypeRepair.standard
        case .fast: PrototypeRepair.fast
        case .thorough: PrototypeRepair.thorough
        case .paper: UNSIR(configuration: .paper)
        case .paperSafe: UNSIR(configuration: .paperSafe)
        }
    }
}
