import Foundation
import Hummingbird
import UnlearningLedger

/// What clients can ask for.
///
/// | route | answer |
/// |---|---|
/// | `POST /requests` | adds a request, `{"classes": [5], "reference": "ticket 1", "due": "2026-12-31"}` |
/// | `GET /requests` | all requests with their states, and the ledger's head |
/// | `GET /requests/1` | one of them |
/// | `GET /requests/1/record` | the record of its audit |
/// | `GET /requests/1/report` | the report as a page |
/// | `GET /events` | what the jobs do, as server-sent events |
struct Routes: Sendable {
    /// Bytes of a request's body; a request has a few hundred.
    static let longestBody = 64 << 10

    let ledger: URL
    let worker: Worker
    let events: EventStream

    /// A request that a client adds.
    struct NewRequest: Decodable {
        let classes: [Int]
        let reference: String?
        let due: String?
    }

    /// A request as clients see it.
    struct RequestAnswer: ResponseCodable {
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
    struct ListAnswer: ResponseCodable {
        let head: String
        let requests: [RequestAnswer]
    }

    func router(token: String) -> Router<BasicRequestContext> {
        let router = Router()
        router.get("health") { _, _ in "ok\n" }
        let group = router.group("").add(middleware: BearerToken(token: token))
        group.post("requests") { request, context in try await add(request, context) }
        group.get("requests") { _, _ in
            let state = try Ledger(ledger).state()
            return ListAnswer(head: state.headHash, requests: state.requests.map(RequestAnswer.init))
        }
        group.get("requests/:number") { _, context in RequestAnswer(try request(context)) }
        group.get("requests/:number/record") { _, context in try file("record.json", "application/json", context) }
        group.get("requests/:number/report") { _, context in
            try file("report.html", "text/html; charset=utf-8", context)
        }
        group.get("events") { _, _ in await stream() }
        return router
    }

    private func add(_ request: Request, _ context: BasicRequestContext) async throws -> EditedResponse<RequestAnswer> {
        // A longer body ends in status 413.
        var request = request
        let body = try await request.collectBody(upTo: Self.longestBody)
        let wanted: NewRequest
        do {
            wanted = try JSONDecoder().decode(NewRequest.self, from: Data(body.readableBytesView))
        } catch {
            throw HTTPError(.badRequest, message: #"send JSON such as {"classes": [5], "reference": "ticket 1"}"#)
        }
        let added: LedgerState.Request
        do {
            added = try Ledger(ledger).add(classes: wanted.classes, reference: wanted.reference, due: wanted.due)
        } catch {
            throw HTTPError(.unprocessableContent, message: error.message)
        }
        // The answer comes once the request is on the disk; its job may take hours.
        await worker.wake()
        return EditedResponse(status: .created, response: RequestAnswer(added))
    }

    private func request(_ context: BasicRequestContext) throws -> LedgerState.Request {
        let number = try context.parameters.require("number", as: Int.self)
        guard let request = try Ledger(ledger).state().requests.first(where: { $0.number == number }) else {
            throw HTTPError(.notFound, message: "there is no request \(number)")
        }
        return request
    }

    private func file(_ name: String, _ type: String, _ context: BasicRequestContext) throws -> Response {
        let request = try request(context)
        let files = try Ledger(ledger).auditFiles(ofRequest: request.number)
        guard let file = files.first(where: { $0.lastPathComponent == name }) else {
            throw HTTPError(
                .notFound, message: "request \(request.number) is \(request.state.rawValue) and has no \(name)")
        }
        return Response(
            status: .ok, headers: [.contentType: type],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: try Data(contentsOf: file))))
    }

    private func stream() async -> Response {
        let lines = await events.subscribe()
        return Response(
            status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-store"],
            body: ResponseBody(asyncSequence: lines.map { ByteBuffer(string: $0) }))
    }
}
