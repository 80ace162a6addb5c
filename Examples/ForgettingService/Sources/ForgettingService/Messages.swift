import Foundation
import Hummingbird
import UnlearningLedger

/// A request that a client adds.
struct NewRequest: Decodable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case classes, reference, due
    }

    let classes: [Int]
    let reference: String?
    let due: String?

    /// Decodes a request.
    /// - Throws: `HTTPError` with status 400 if a key is unknown, such as a misspelled deadline, or a value is of another type.
    init(json: Data) throws(HTTPError) {
        let known = CodingKeys.allCases.map(\.rawValue)
        guard let object = try? JSONDecoder().decode([String: AnyValue].self, from: json),
            let decoded = try? JSONDecoder().decode(Self.self, from: json)
        else {
            throw HTTPError(
                .badRequest,
                message: #"send JSON such as {"classes": [5], "reference": "ticket 1", "due": "2026-12-31"}"#)
        }
        if let key = object.keys.filter({ !known.contains($0) }).min() {
            throw HTTPError(
                .badRequest, message: "the key '\(key.prefix(60))' is unknown; use \(known.joined(separator: ", "))")
        }
        self = decoded
    }

    /// Any value, of which only the key matters.
    private struct AnyValue: Decodable {
        init(from decoder: any Decoder) {}
    }
}

/// A request as clients see it.
struct RequestAnswer: ResponseEncodable {
    let request: Int
    let state: String
    let classes: [Int]
    let reference: String?
    let due: String?

    init(_ request: LedgerState.Request) {
        (self.request, state, classes) = (request.number, request.state.rawValue, request.classes)
        (reference, due) = (request.reference, request.due)
    }
}

/// All requests.
struct RequestList: ResponseEncodable {
    let head: String
    let requests: [RequestAnswer]
}
