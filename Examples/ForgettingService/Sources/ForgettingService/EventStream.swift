import Foundation

/// What happens, sent to every client that listens.
actor EventStream {
    private var listeners: [UUID: AsyncStream<String>.Continuation] = [:]

    /// Adds a listener, who gets what happens from now on; one that does not read loses the oldest events.
    func subscribe() -> AsyncStream<String> {
        let (stream, continuation) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingNewest(256))
        let identifier = UUID()
        listeners[identifier] = continuation
        continuation.onTermination = { _ in Task { await self.remove(identifier) } }
        // A comment opens the stream, so that the client sees at once that it is connected.
        continuation.yield(": listening\n\n")
        return stream
    }

    /// Sends one event in the form of server-sent events.
    func send(_ event: String, _ data: String) {
        let lines = data.split(whereSeparator: \.isNewline).map { "data: \($0)\n" }.joined()
        for listener in listeners.values { listener.yield("event: \(event)\n\(lines)\n") }
    }

    /// Ends all streams.
    func finish() {
        for listener in listeners.values { listener.finish() }
        listeners = [:]
    }

    private func remove(_ identifier: UUID) { listeners[identifier] = nil }
}
