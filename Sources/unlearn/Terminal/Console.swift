import Foundation
import Logging
import Synchronization
import Unlearning

/// Standard error of a run: log lines, and on a terminal one line of progress that is redrawn.
///
/// Progress comes from the thread that computes, log lines from anywhere.
final class Console: Sendable {
    /// Where messages for people go.
    let logger: Logger

    private let line: ProgressLine
    private let warned = Mutex<Set<String>>([])

    init(flags: PrintingFlags) {
        let line = ProgressLine(isDrawn: !flags.quiet && Terminal.isPresent)
        self.line = line
        var logger = Logger(label: "unlearn") { _ in LineLogHandler(line: line) }
        logger.logLevel = flags.verbose ? .info : .warning
        self.logger = logger
    }

    /// Warns once of something that several parts of a run may find.
    func warnOnce(_ text: String) {
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
        if progress.step == progress.stepCount, !line.isDrawn {
            logger.info("\(ProgressText(progress, title: title).finished)")
        }
    }

    /// Leaves the terminal in order.
    func finish() {
        line.finish()
    }
}

/// A log line on standard error without time and level, for people to read.
private struct LineLogHandler: LogHandler {
    let line: ProgressLine
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let level = event.level >= .warning ? "unlearn: \(event.level.rawValue): " : ""
        let message = "\(event.message)"
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
