import Foundation
package import Logging
import Synchronization
import Unlearning

/// Standard error of a run: log lines, and on a terminal one line of progress that is redrawn.
///
/// Progress comes from the thread that computes, log lines from anywhere.
package final class Console: Sendable {
    /// Where messages for people go.
    package let logger: Logger
    /// The threads that look through files before a run begins; nil for one on each processor.
    let threads: Int?

    private let line: ProgressLine
    private let warned = Mutex<Set<String>>([])
    private let history: LogHistory

    init(flags: PrintingFlags, threads: Int?) {
        self.threads = threads.map { min($0, ThreadTeam.processorCount) }
        let line = ProgressLine(isDrawn: !flags.quiet && Terminal.isPresent)
        let history = LogHistory()
        (self.line, self.history) = (line, history)
        var logger = Logger(label: "unlearn") { _ in LineLogHandler(line: line, history: history) }
        logger.logLevel = flags.verbose ? .info : .warning
        self.logger = logger
    }

    /// The messages so far, and the ends of phases, each with the seconds since the start.
    var messages: [String] { history.lines }

    /// Keeps a message for the log without showing it.
    func keep(_ message: String) { history.add(message) }

    /// Warns once of something that several parts of a run may find.
    package func warnOnce(_ text: String) {
        guard warned.withLock({ $0.insert(text).inserted }) else { return }
        logger.warning("\(text)")
    }

    /// Takes a run's progress.
    /// - Parameter title: what is shown before the phase, if several runs follow each other.
    func progress(_ title: String? = nil) -> ProgressHandler {
        { [self] progress in report(progress, title: title) }
    }

    /// Takes one report of progress.
    func report(_ progress: RunProgress, title: String? = nil) {
        line.show(progress, title: title)
        guard progress.step == progress.stepCount else { return }
        let text = ProgressText(progress, title: title).finished
        if line.isDrawn || logger.logLevel > .info {
            keep(text)
        } else {
            logger.info("\(text)")
        }
    }

    /// Leaves the terminal in order.
    func finish() {
        line.finish()
    }
}

/// What a run has said, for its log.
private final class LogHistory: Sendable {
    private let start = ContinuousClock.now
    private let entries = Mutex<[String]>([])

    var lines: [String] { entries.withLock { $0 } }

    func add(_ message: String) {
        let seconds = String(format: "%9.2f s  ", (ContinuousClock.now - start).seconds)
        entries.withLock { $0.append(seconds + message) }
    }
}

/// A log line on standard error without time and level, for people to read.
private struct LineLogHandler: LogHandler {
    let line: ProgressLine
    let history: LogHistory
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let level = event.level >= .warning ? "unlearn: \(event.level.rawValue): " : ""
        let message = "\(event.message)"
        history.add((event.level >= .warning ? "\(event.level.rawValue): " : "") + message)
        // A warning is one line, whatever characters the names in it have.
        line.interject(level + (level.isEmpty ? message : message.visible()) + "\n")
    }
}

/// The terminal at standard error.
enum Terminal {
    /// Whether there is one that can redraw a line.
    static var isPresent: Bool {
        isatty(STDERR_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    }

    /// Its width in characters; 80 if it does not say.
    static var columns: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
}
