public import Unlearning

/// An error of a ledger, with the file, the fault and the remedy.
public struct LedgerError: DescribedError, Equatable {
    /// The path of the database or of a file of the ledger.
    package let path: String
    /// The fault and the remedy.
    public let message: String
    /// Whether the ledger is sound and takes no such request, and not that it cannot be read or written.
    public let isRefusal: Bool

    package init(_ path: String, _ message: String, isRefusal: Bool = false) {
        self.path = path
        self.message = message
        self.isRefusal = isRefusal
    }

    /// The path and the message in one line.
    public var description: String { "\(path): \(message)" }
}
