import Hummingbird

/// Lets requests through that carry the token.
struct BearerToken<Context: RequestContext>: RouterMiddleware {
    let token: String

    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        guard let given = request.headers[.authorization], Self.areEqual(given, "Bearer \(token)") else {
            throw HTTPError(
                .unauthorized, headers: [.wwwAuthenticate: "Bearer"],
                message: "send the header 'Authorization: Bearer TOKEN'")
        }
        return try await next(request, context)
    }

    /// Compares in a time that does not tell where the first difference is.
    private static func areEqual(_ first: String, _ second: String) -> Bool {
        let (first, second) = (Array(first.utf8), Array(second.utf8))
        var difference = first.count == second.count ? 0 : 1
        for index in second.indices {
            difference |= Int(second[index] ^ (index < first.count ? first[index] : 0))
        }
        return difference == 0
    }
}
