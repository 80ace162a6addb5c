import Foundation
import Hummingbird
import Logging
import ServiceLifecycle
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
/// | `GET /health` | `ok`, without a token |
struct Routes: Sendable {
    /// The most bytes in a request's body; a request has a few hundred.
    static let longestBody = 64 << 10

    let ledger: URL
    let worker: Worker
    let events: EventStream

    func router(token: String) -> Router<BasicRequestContext> {
        let router = Router()
        router.add(middleware: ErrorMessages())
        router.get("health") { _, _ in "ok\n" }
        let group = router.group("").add(middleware: BearerToken(token: token))
        group.post("requests") { request, _ in try await add(request) }
        group.get("requests") { _, _ in
            let state = try Ledger(ledger).state()
            return RequestList(head: state.headHash, requests: state.requests.map(RequestAnswer.init))
        }
        group.get("requests/:number") { _, context in RequestAnswer(try request(context)) }
        group.get("requests/:number/record") { _, context in try file("record.json", "application/json", context) }
        group.get("requests/:number/report") { _, context in
            try file("report.html", "text/html; charset=utf-8", context)
        }
        group.get("events") { _, _ in await stream() }
        return router
    }

    private func add(_ request: Request) async throws -> EditedResponse<RequestAnswer> {
        var request = request
        guard let body = try? await request.collectBody(upTo: Self.longestBody) else {
            throw HTTPError(.contentTooLarge, message: "the body has more than \(Self.longestBody) bytes")
        }
        let wanted = try NewRequest(json: Data(body.readableBytesView))
        let added = try Ledger(ledger).add(classes: wanted.classes, reference: wanted.reference, due: wanted.due)
        // The answer comes once the request is on the disk; its job may take hours.
        await worker.wake()
        return EditedResponse(
            status: .created, headers: [.location: "/requests/\(added.number)"], response: RequestAnswer(added))
    }

    private func request(_ context: BasicRequestContext) throws -> LedgerState.Request {
        let text = try context.parameters.require("number")
        let requests = try Ledger(ledger).state().requests
        guard let request = requests.first(where: { String($0.number) == text }) else {
            throw HTTPError(.notFound, message: "there is no request \(text.prefix(20)); GET /requests lists them")
        }
        return request
    }

    private func file(_ name: String, _ type: String, _ context: BasicRequestContext) throws -> Response {
        let request = try request(context)
        let files = try Ledger(ledger).auditFiles(ofRequest: request.number)
        guard let file = files.first(where: { $0.lastPathComponent == name }), let data = try? Data(contentsOf: file)
        else {
            throw HTTPError(
                .notFound, message: "request \(request.number) is \(request.state.rawValue) and has no \(name)")
        }
        return Response(
            status: .ok, headers: [.contentType: type, .contentLength: String(data.count)],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: data)))
    }

    private func stream() async -> Response {
        // The server waits for open answers before it ends, so this one ends first.
        let lines = await events.subscribe().cancelOnGracefulShutdown()
        return Response(
            status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-store"],
            body: ResponseBody(asyncSequence: lines.map { ByteBuffer(string: $0) }))
    }
}

/// Gives every error a message, and those of the ledger a status.
private struct ErrorMessages<Context: RequestContext>: RouterMiddleware {
    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as LedgerError {
            if error.isRefusal { throw HTTPError(.unprocessableContent, message: "the ledger \(error.message)") }
            // Anything else is for whoever runs the service: a full disk, a database that was changed.
            context.logger.error("\(error)")
            throw HTTPError(.serviceUnavailable, message: "the ledger cannot be used; the service's log says why")
        } catch let error as HTTPError where error.body == nil {
            throw HTTPError(error.status, headers: error.headers, message: error.status.reasonPhrase)
        }
    }
}
