/// A setting or a target that losses, optimizers or schedules cannot work with. The message names the setting, its
/// value and the remedy.
public struct OptimizationError: DescribedError, Equatable {
    /// The setting's name, such as `momentum`.
    public let setting: String
    /// What is wrong, and what would be right.
    public let message: String

    /// Creates an error about a setting.
    public init(_ setting: String, _ message: String) {
        self.setting = setting
        self.message = message
    }

    /// The setting and the message in one line.
    public var description: String { "\(setting): \(message)" }

    /// Throws unless a setting lies in a range; undefined numbers lie in none.
    static func check(
        _ setting: String, _ value: Double, isIn range: some RangeExpression<Double>, _ remedy: String
    ) throws(OptimizationError) {
        guard value.isFinite, range.contains(value) else {
            throw OptimizationError(setting, "\(value) is out of range; \(remedy)")
        }
    }
}
