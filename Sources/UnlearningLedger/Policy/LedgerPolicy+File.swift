package import Foundation
import Unlearning

extension LedgerPolicy {
    /// The maximum size of a policy's file in bytes.
    private static let maximumFileSize = 1 << 20

    /// Reads a policy's file.
    /// - Throws: ``LedgerError`` if the file cannot be read, is no JSON object, or has an unknown key, method or measure, a
    ///   wrong type or an impossible limit.
    package init(contentsOf url: URL) throws(LedgerError) {
        let data: Data
        do throws(FileError) {
            let file = try RandomAccessFile(url)
            guard file.size <= Self.maximumFileSize else {
                throw FileError(url.path, "is larger than any policy; give a policy, a JSON file")
            }
            data = Data(try file.bytes(0..<file.size))
        } catch {
            throw LedgerError(url.path, error.message)
        }
        try self.init(data, path: url.path)
    }

    /// Reads a policy from bytes.
    /// - Parameter path: the policy's name in messages.
    package init(_ data: Data, path: String) throws(LedgerError) {
        guard let object = (try? JSONSerialization.jsonObject(with: data)) as? [String: Any] else {
            throw LedgerError(path, "is no JSON object; give a policy, such as {\"requiresRetraining\": true}")
        }
        let known = CodingKeys.allCases.map(\.rawValue)
        if let key = object.keys.filter({ !known.contains($0) }).min() {
            throw LedgerError(
                path,
                "has the unknown key '\(key.prefix(60))'\(NearestName.hint(for: key, in: known)); the keys are "
                    + known.joined(separator: ", "))
        }
        if let version = object[CodingKeys.schemaVersion.rawValue], version as? Int != Self.schemaVersion {
            throw LedgerError(
                path, "has schemaVersion \(version), and this program reads \(Self.schemaVersion); update the program")
        }
        do {
            self = try JSONDecoder().decode(LedgerPolicy.self, from: data)
        } catch {
            throw LedgerError(path, "has a value of the wrong type: \(Self.reason(error))")
        }
        try check(path)
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case DecodingError.typeMismatch(let type, let context), DecodingError.valueNotFound(let type, let context):
            "\(place(context)) must be \(name(of: type))"
        case DecodingError.dataCorrupted(let context): "\(place(context)): \(context.debugDescription)"
        default: "\(error)"
        }
    }

    /// What a type is called in JSON.
    private static func name(of type: any Any.Type) -> String {
        switch type {
        case is Bool.Type: "true or false"
        case is String.Type: "a text"
        case is Double.Type: "a number"
        default: "\(type)".hasPrefix("Dictionary") ? "an object" : "a list"
        }
    }

    private static func place(_ context: DecodingError.Context) -> String {
        context.codingPath.map(\.stringValue).joined(separator: ".")
    }

    /// Checks names and numbers.
    private func check(_ path: String) throws(LedgerError) {
        func refuse(_ kind: String, _ name: String, _ known: [String]) -> LedgerError {
            LedgerError(
                path,
                "names the \(kind) '\(name.prefix(60))', which does not exist\(NearestName.hint(for: name, in: known)); "
                    + "the \(kind)s are \(known.joined(separator: ", "))")
        }
        if let methods {
            if methods.isEmpty {
                throw LedgerError(path, "allows no method; name at least one, or leave 'methods' out to allow all")
            }
            let known = UnlearningMethods.names
            if let unknown = methods.first(where: { !known.contains($0) }) { throw refuse("method", unknown, known) }
        }
        let known = AuditConfiguration.everyMeasure.map(\.identifier.rawValue)
        if let unknown = (limits.keys.sorted() + requiredMeasures).first(where: { !known.contains($0) }) {
            throw refuse("measure", unknown, known)
        }
        for (name, limit) in limits.sorted(by: { $0.key < $1.key }) {
            guard limit.above >= 0, limit.below >= 0, limit.above.isFinite, limit.below.isFinite else {
                throw LedgerError(
                    path, "limits \(name) by \(limit.above) and \(limit.below); use finite numbers, 0 or more")
            }
        }
    }
}
