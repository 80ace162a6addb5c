public import Foundation

/// An error whose `localizedDescription` is its description: one line that names the thing, the value and the remedy.
public protocol DescribedError: LocalizedError, CustomStringConvertible {}

extension DescribedError {
    public var errorDescription: String? { description }
    // Foundation's defaults are out of sight for files that do not import it.
    public var failureReason: String? { nil }
    public var recoverySuggestion: String? { nil }
    public var helpAnchor: String? { nil }
}
