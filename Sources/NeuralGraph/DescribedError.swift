import Foundation

/// An error whose `localizedDescription` is its description: one line that names the thing, the value and the remedy.
public protocol DescribedError: LocalizedError, CustomStringConvertible {}

extension DescribedError {
    public var errorDescription: String? { description }
}
