/// Methods that the command line offers by `--preset`. None of them needs an image of the classes to forget.
package enum UnlearningPreset: String, Sendable, Codable, CaseIterable {
    case `default`, fast, thorough, paper
    case paperSafe = "paper-safe"

    /// The method with its settings.
    package var method: any UnlearningMethod {
        switch self {
        case .default: .default
        case .fast: .fast
        case .thorough: .thorough
        case .paper: .unsirPaper
        case .paperSafe: .unsir
        }
    }
}
