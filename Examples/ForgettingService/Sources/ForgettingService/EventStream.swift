import Foundation

/// What happens, sent to every client that listens.
actor EventStream {
    private var listeners: [UUID: AsyncStream<String>.Continuation] = [:]
    private var last: String?
    private var isFinished = false

    /// Adds a listener, who gets the last event and those from now on; one that does not read loses the oldest.
    func subscribe() -> AsyncStream<String> {
        let (stream, continuation) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingNewest(256))
        // A comment opens the stream, so that the client sees at once that it is connected.
        continuation.yield(": listening\n\n")
        if let last { continuation.yield(last) }
        if isFinished {
            continuation.finish()
            return stream
        }
        let identifier = UUID()
        listeners[identifier] = continuation
        continuation.onTermination = { _ in Task { await self.remove(identifier) } }
        return stream
    }

    /// Sends one event in the form of server-sent events.
    func send(_ event: String, _ data: String) {
        let lines = data.split(whereSeparator: \.isNewline).map { "data: \($0)\n" }.joined()
        let text = "event: \(event)\n\(lines)\n"
        last = text
        for listener in listeners.values { listener.yield(text) }
    }

    /// Ends all streams.
    func finish() {
        isFinished = true
        for listener in listeners.values { listener.finish() }
        listeners = [:]
    }

    private func remove(_ identifier: UUID) { listeners[identifier] = nil }
}
