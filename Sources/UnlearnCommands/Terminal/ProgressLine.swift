import Foundation
import Synchronization
import Unlearning

/// One line at the bottom of a terminal that is redrawn during a run; a finished phase leaves its line behind.
final class ProgressLine: Sendable {
    /// Whether anything is drawn at all.
    let isDrawn: Bool

    private struct State {
        var current = ""
        var lastDrawn: ContinuousClock.Instant?
    }

    private static let interval = Duration.milliseconds(100)
    private static let clearLine = "\r\u{1B}[K"

    private let state = Mutex(State())

    init(isDrawn: Bool) {
        self.isDrawn = isDrawn
    }

    /// Redraws the line, if the last time is long enough ago or the phase is done.
    func show(_ progress: RunProgress, title: String?) {
        guard isDrawn else { return }
        let isDone = progress.step == progress.stepCount
        state.withLock { state in
            let now = ContinuousClock.now
            if !isDone, let last = state.lastDrawn, now - last < Self.interval { return }
            state.lastDrawn = now
            let text = ProgressText(progress, title: title)
            // A line that wraps could not be redrawn.
            let line = (isDone ? text.finished : text.running).visible().shortened(to: max(1, Terminal.columns - 1))
            StandardError.send(Self.clearLine + line + (isDone ? "\n" : ""))
            state.current = isDone ? "" : line
        }
    }

    /// Writes text above the line.
    func interject(_ text: String) {
        state.withLock { state in
            let text = text.visible(keepingLines: true)
            StandardError.send(state.current.isEmpty ? text : Self.clearLine + text + state.current)
        }
    }

    /// Ends the line.
    func finish() {
        state.withLock { state in
            guard !state.current.isEmpty else { return }
            StandardError.write("\n")
            state.current = ""
        }
    }
}

/// A report of progress in words.
struct ProgressText {
    private let progress: RunProgress
    private let title: String?

    init(_ progress: RunProgress, title: String?) {
        self.progress = progress
        self.title = title
    }

    /// During the phase: with the time left.
    var running: String { line("\(Self.clock(progress.timeLeft)) left") }

    /// At the end of the phase: with the time since the run began.
    var finished: String { line("after \(Self.clock(progress.elapsed))") }

    private func line(_ time: String) -> String {
        var name = progress.phase.rawValue
        if let title { name = "\(title): \(name)" }
        let width = String(progress.stepCount).count
        var parts = [
            name.padded(to: title == nil ? 10 : 21),
            "\(String(progress.step).padded(to: width, onTheRight: false))/\(progress.stepCount)",
        ]
        if let loss = progress.loss { parts.append(String(format: "loss %.4f", loss)) }
        if let accuracy = progress.accuracy { parts.append("accuracy \(Double?(accuracy).percentText)") }
        parts.append(time)
        return parts.joined(separator: "  ")
    }

    /// A duration as `5 s`, `1:05` or `1:01:05`.
    private static func clock(_ duration: Duration) -> String {
        let seconds = max(0, Int(min(duration.seconds, 1e9).rounded(.up)))
        guard seconds >= 60 else { return "\(seconds) s" }
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60)
        return hours > 0
            ? String(format: "%d:%02d:%02d", hours, minutes, seconds % 60)
            : String(format: "%d:%02d", minutes, seconds % 60)
    }
}
