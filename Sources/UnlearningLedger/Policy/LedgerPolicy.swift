import Unlearning

/// What a model must fulfil before it may leave the ledger.
public struct LedgerPolicy: Sendable, Codable, Hashable {
    /// A measure's limits, which replace the audit's own.
    package struct Limits: Sendable, Hashable {
        /// The largest difference above the reference that passes.
        package let above: Double
        /// The largest difference below the reference that passes.
        package let below: Double

        package init(above: Double, below: Double) {
            self.above = above
            self.below = below
        }
    }

    /// The methods that may be used; nil allows all.
    package var methods: [String]?
    /// Whether the audit must compare with at least one retrained model.
    package var requiresRetraining: Bool
    /// Whether a model may only leave with an audit.
    package var requiresAudit: Bool
    /// Whether a model may leave that is over-forgotten.
    package var acceptsOverForgotten: Bool
    /// Whether a model may leave whose audit is incomplete.
    package var acceptsIncomplete: Bool
    /// The measures that must have been judged, whatever else was.
    package var requiredMeasures: [String]
    /// The limits by the measure's name.
    package var limits: [String: Limits]

    package init(
        methods: [String]? = nil, requiresRetraining: Bool = false, requiresAudit: Bool = true,
        acceptsOverForgotten: Bool = false, acceptsIncomplete: Bool = false, requiredMeasures: [String] = [],
        limits: [String: Limits] = [:]
    ) {
        self.methods = methods
        self.requiresRetraining = requiresRetraining
        self.requiresAudit = requiresAudit
        self.acceptsOverForgotten = acceptsOverForgotten
        self.acceptsIncomplete = acceptsIncomplete
        self.requiredMeasures = requiredMeasures
        self.limits = limits
    }
}

extension LedgerPolicy {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case schemaVersion, methods, requiresRetraining, requiresAudit, acceptsOverForgotten, acceptsIncomplete
        case requiredMeasures, limits
    }

    /// The version of the file's structure.
    package static let schemaVersion = 1

    /// Reads a policy; keys that are missing get their defaults.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            methods: try container.decodeIfPresent([String].self, forKey: .methods),
            requiresRetraining: try container.decodeIfPresent(Bool.self, forKey: .requiresRetraining) ?? false,
            requiresAudit: try container.decodeIfPresent(Bool.self, forKey: .requiresAudit) ?? true,
            acceptsOverForgotten: try container.decodeIfPresent(Bool.self, forKey: .acceptsOverForgotten) ?? false,
            acceptsIncomplete: try container.decodeIfPresent(Bool.self, forKey: .acceptsIncomplete) ?? false,
            requiredMeasures: try container.decodeIfPresent([String].self, forKey: .requiredMeasures) ?? [],
            limits: try container.decodeIfPresent([String: Limits].self, forKey: .limits) ?? [:])
    }

    /// Writes every key but absent methods.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(Self.schemaVersion, forKey: .schemaVersion)
        try container.encodeIfPresent(methods, forKey: .methods)
        try container.encode(requiresRetraining, forKey: .requiresRetraining)
        try container.encode(requiresAudit, forKey: .requiresAudit)
        try container.encode(acceptsOverForgotten, forKey: .acceptsOverForgotten)
        try container.encode(acceptsIncomplete, forKey: .acceptsIncomplete)
        try container.encode(requiredMeasures, forKey: .requiredMeasures)
        try container.encode(limits, forKey: .limits)
    }
}

extension LedgerPolicy.Limits: Codable {
    /// Reads one number, or a list of two.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Double.self) {
            self.init(above: number, below: number)
            return
        }
        guard let numbers = try? container.decode([Double].self), numbers.count == 2 else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "limits are one number, or a list of two")
        }
        self.init(above: numbers[0], below: numbers[1])
    }

    /// Writes a list of two numbers.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode([above, below])
    }
}
