/// An invalid setting or target of a loss, optimizer or schedule; the message names it, its value and the remedy.
public struct OptimizationError: DescribedError, Equatable {
    /// The setting's name, such as `momentum`.
    public let setting: String
    /// The problem and the remedy.
    public let message: String

    /// Creates an error about a setting.
    public init(_ setting: String, _ message: String) {
        self.setting = setting
        self.message = message
    }

    /// The setting and the message in one line.
    public var description: String { "\(setting): \(message)" }

    /// Throws unless a setting is finite and in a range.
    static func check(
        _ setting: String, _ value: Double, isIn range: some RangeExpression<Double>, _ remedy: String
    ) throws(OptimizationError) {
        guard value.isFinite, range.contains(value) else {
            throw OptimizationError(setting, "\(value) is out of range; \(remedy)")
        }
    }
}
