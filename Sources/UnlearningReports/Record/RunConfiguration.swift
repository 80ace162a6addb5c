package import Unlearning

/// What a run was set to, with every setting resolved: enough to do it again on the same model and data.
///
/// Its JSON is a configuration that `--config` reads.
package struct RunConfiguration: Sendable, Codable, Hashable {
    /// The command, such as `forget`.
    package var command: String
    /// The method's name among those that are listed; nil for a run without a method.
    package var method: String?
    /// All of the method's settings.
    package var settings: JSONValue?
    /// How the network is trained; nil for a run that trains none from new weights.
    package var training: TrainingConfiguration?
    /// The seed of everything random.
    package var seed: UInt64
    /// What the factors of products are rounded to; nil for 32-bit floats, as they are.
    package var precision: Precision?
    /// Images of each class that forgetting sees; nil where it sees all of them, or none.
    package var samplesPerClass: Int?

    package init(
        command: String, method: String? = nil, settings: JSONValue? = nil, training: TrainingConfiguration? = nil,
        seed: UInt64, precision: Precision = .float32, samplesPerClass: Int? = nil
    ) {
        self.command = command
        self.method = method
        self.settings = settings
        self.training = training
        self.seed = seed
        self.precision = precision == .float32 ? nil : precision
        self.samplesPerClass = samplesPerClass
    }

    /// The method with its settings.
    /// - Throws: `UnlearningError` if there is no such method, or a setting is unknown or out of range.
    package func resolvedMethod() throws -> (any UnlearningMethod)? {
        guard let method else { return nil }
        let base = try UnlearningMethods.named(method)
        guard case .object(let values)? = settings else { return base }
        return try base.resolving(values.sorted { $0.key < $1.key }.map { SettingOverride($0.key, $0.value) })
    }
}

extension UnlearningMethod {
    /// The method with exactly these settings; an optional one that they lack is `none`.
    fileprivate func resolving(_ given: [SettingOverride]) throws -> any UnlearningMethod {
        let keys = Set(given.map(\.key))
        let absent = (settings ?? []).filter { $0.isOptional && !$0.key.contains(".") && !keys.contains($0.key) }
        return try replacing(absent.map { SettingOverride($0.key, .null) } + given)
    }
}
