public import Foundation
public import Unlearning
import UnlearningReports

/// The requests to forget that a model got, and what became of them, in a folder that can be checked.
///
/// Every event is a row of a database and is chained to the one before by SHA-256. States are derived from the rows, of
/// which none ever changes. Several processes may use a ledger at the same time; one of them at a time runs jobs.
///
/// ```swift
/// let ledger = try Ledger(folder)
/// try ledger.add(classes: [5], reference: "ticket 4711", due: "2026-12-31")
/// print(try ledger.state().headHash)
/// ```
public struct Ledger: Sendable {
    /// The folder with the database, models, records and reports.
    package let folder: LedgerFolder
    let store: LedgerStore

    /// Opens a ledger.
    /// - Throws: ``LedgerError`` if there is none, or it is of a newer version, locked, damaged or unreadable.
    public init(_ url: URL) throws(LedgerError) {
        folder = LedgerFolder(url)
        store = try LedgerStore(opening: folder.database.path)
    }

    /// Creates a ledger in a new or empty folder, with a copy of a model.
    /// - Parameters:
    ///   - source: the model's file.
    ///   - model: what was read from it.
    ///   - network: the options that reading it takes.
    ///   - policy: what a model must fulfil to leave.
    package static func create(
        in url: URL, source: URL, model: Model, network: [String] = [], policy: LedgerPolicy? = nil,
        at date: Date = Date()
    ) throws(LedgerError) -> Ledger {
        let folder = LedgerFolder(url)
        try prepare(folder)
        let copy = try folder.copy(source, to: folder.modelPath(ofJob: 0, like: source.lastPathComponent))
        let creation = LedgerEvent.Creation(
            ledger: UUID().uuidString.lowercased(), model: copy, source: source.lastPathComponent,
            classCount: model.classCount, forgottenClasses: model.metadata.forgottenClasses.sorted(), network: network,
            packageVersion: PackageVersion.current)
        let events = [.created(creation)] + [policy.map { LedgerEvent.policySet($0) }].compactMap(\.self)
        _ = try LedgerStore(creating: folder.database.path, with: events, at: date)
        return try Ledger(url)
    }

    /// Makes the folder, or checks that nothing but an interrupted creation is in it.
    private static func prepare(_ folder: LedgerFolder) throws(LedgerError) {
        let manager = FileManager.default
        let path = folder.url.path
        var isFolder: ObjCBool = false
        if manager.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue {
            throw LedgerError(path, "is a file; give a new or an empty folder")
        }
        if (try? LedgerStore(opening: folder.database.path)) != nil {
            throw LedgerError(path, "has a ledger already; use it, or give another folder")
        }
        let names = (try? manager.contentsOfDirectory(atPath: path)) ?? []
        let own: Set = ["models", "ledger.sqlite", "ledger.sqlite-journal"]
        if let other = names.first(where: { !own.contains($0) && !$0.hasSuffix(".partial") }) {
            throw LedgerError(path, "is not empty: it has '\(other)'; give a new or an empty folder")
        }
        do {
            try manager.createDirectory(at: folder.url, withIntermediateDirectories: true)
        } catch {
            throw LedgerError(path, "cannot be made; check the path and the permissions of the folder above it")
        }
    }

    /// Adds up the rows.
    /// - Throws: ``LedgerError`` if they cannot be read, or were tampered with.
    public func state() throws(LedgerError) -> LedgerState {
        try Self.state(of: try store.rows(), path: store.path)
    }

    /// The record and the report of the last audit for a request; empty if there was none.
    public func auditFiles(ofRequest number: Int) throws(LedgerError) -> [URL] {
        let jobs = try state().jobs.filter { $0.start.requests.contains(number) }
        return (jobs.last { $0.finish != nil }?.finish?.files ?? []).filter(\.isInside).map { folder.url(of: $0.path) }
    }

    /// All rows, whether or not they are sound.
    package func rows() throws(LedgerError) -> [LedgerRow] { try store.rows() }

    private static func state(of rows: [LedgerRow], path: String) throws(LedgerError) -> LedgerState {
        if let fault = LedgerRow.faults(in: rows).first { throw LedgerError(path, tampered(fault)) }
        do {
            return try LedgerState(rows)
        } catch {
            throw LedgerError(path, tampered(error.description))
        }
    }

    private static func tampered(_ fault: String) -> String {
        "\(fault); 'unlearn ledger verify' lists what was changed; go on with a copy that verifies"
    }

    /// Appends the events that follow from the state.
    /// - Returns: the new state.
    @discardableResult
    package func append(
        at date: Date = Date(), _ body: (LedgerState) throws -> [LedgerEvent]
    ) throws -> LedgerState {
        let rows = try store.append(at: date) { rows in
            let state = try Self.state(of: rows, path: store.path)
            let events = try body(state)
            // What cannot follow must never get into the rows.
            var (next, last) = (state, state.head)
            for event in events {
                last = try LedgerRow(event, after: last, at: date)
                do {
                    try next.append(last)
                } catch {
                    throw LedgerError(store.path, "takes no such event: \(error)")
                }
            }
            return events
        }
        return try Self.state(of: rows, path: store.path)
    }

    /// Appends, with the error in this module's type.
    private func appending(
        at date: Date, _ body: (LedgerState) throws -> [LedgerEvent]
    ) throws(LedgerError) -> LedgerState {
        do {
            return try append(at: date, body)
        } catch let error as LedgerError {
            throw error
        } catch {
            throw LedgerError(store.path, "cannot be written: \(error)")
        }
    }

    /// Sets the policy for the jobs from now on.
    package func set(_ policy: LedgerPolicy, at date: Date = Date()) throws(LedgerError) {
        _ = try appending(at: date) { _ in [.policySet(policy)] }
    }
}

extension Ledger {
    /// Adds a request to forget classes.
    /// - Parameters:
    ///   - classes: the classes' numbers.
    ///   - reference: the requester's own reference, such as a ticket's number; it stays in the ledger forever.
    ///   - due: the day by which it has to be done, as `2026-12-31`.
    /// - Returns: the request.
    /// - Throws: ``LedgerError`` if a class does not exist, no class would be left, or the ledger cannot be written.
    @discardableResult
    public func add(
        classes: some Sequence<Int>, reference: String? = nil, due: String? = nil
    ) throws(LedgerError) -> LedgerState.Request {
        let classes = Set(classes).sorted()
        return try add(reference: reference, due: due) { state, number throws(LedgerError) in
            try check(classes, in: state)
            return LedgerEvent.Request(number: number, classes: classes, samples: nil, reference: reference, due: due)
        }
    }

    /// Adds a request to forget samples, whose list is copied.
    package func add(
        samples list: URL, reference: String? = nil, due: String? = nil
    ) throws(LedgerError) -> LedgerState.Request {
        try add(reference: reference, due: due) { _, number throws(LedgerError) in
            let copy = try folder.copy(list, to: folder.samplesPath(ofRequest: number))
            return LedgerEvent.Request(number: number, classes: nil, samples: copy, reference: reference, due: due)
        }
    }

    private func add(
        reference: String?, due: String?,
        _ makeRequest: (LedgerState, Int) throws(LedgerError) -> LedgerEvent.Request
    ) throws(LedgerError) -> LedgerState.Request {
        if let reference {
            do {
                try AuditRecord.check(requestID: reference)
            } catch {
                throw LedgerError(
                    store.path,
                    "takes no reference '\(reference.prefix(40))'; use 1 to 200 characters without line breaks",
                    isRefusal: true)
            }
        }
        if let due, !Self.isDay(due) {
            throw LedgerError(
                store.path, "takes no day '\(due.prefix(40))'; write it as 2026-12-31", isRefusal: true)
        }
        let state = try appending(at: Date()) { state in
            [.requested(try makeRequest(state, state.requests.count + 1))]
        }
        guard let request = state.requests.last else { throw LedgerError(store.path, "has lost the request") }
        return request
    }

    /// Checks that the classes exist, and that a class is left when all requests are done.
    private func check(_ classes: [Int], in state: LedgerState) throws(LedgerError) {
        let count = state.creation.classCount
        guard !classes.isEmpty else {
            throw LedgerError(store.path, "takes no request without classes; name some", isRefusal: true)
        }
        if let unknown = classes.first(where: { !(0..<count).contains($0) }) {
            throw LedgerError(
                store.path,
                "is about a model of \(count) classes, and \(unknown) is none of them; use 0 to \(count - 1)",
                isRefusal: true)
        }
        let others = state.requests.filter { $0.state != .rolledBack }.flatMap(\.classes)
        guard Set(classes + others + state.creation.forgottenClasses).count < count else {
            throw LedgerError(
                store.path,
                "would leave none of the model's \(count) classes after this request; retire the model instead",
                isRefusal: true)
        }
    }

    /// Whether a text is a day that exists, as `2026-12-31`.
    package static func isDay(_ text: String) -> Bool {
        let style = Date.ISO8601FormatStyle().year().month().day()
        guard text.utf8.count == 10, let date = try? style.parse(text) else { return false }
        return date.formatted(style) == text
    }

    /// Today in UTC, as `2026-12-31`.
    package static var today: String { Date().formatted(Date.ISO8601FormatStyle().year().month().day()) }
}

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
