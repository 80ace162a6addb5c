package import ArgumentParser
import CProgramStart
import Dispatch
import Foundation
import Unlearning

/// The start of a program, which first checks that the system provides what Swift's concurrency needs.
///
/// Its libraries wait forever for a thread that they do not get, and end the program without a message if they get no file
/// descriptor.
package enum EntryPoint {
    /// The pool's threads, the run's own, and spare ones. A team's threads do not count: it works with fewer, too.
    private static let threads = 4
    /// Dispatch's descriptors, and those of files that are read and written.
    private static let descriptors = 12

    /// Does what the program's arguments ask for and ends the program.
    ///
    /// Not asynchronous: an asynchronous `main` needs a thread of the pool before its first line.
    /// - Parameter root: the command whose subcommands the program has.
    package static func run<Root: ParsableCommand & SendableMetatype>(_ root: Root.Type) -> Never {
        do {
            try ParallelJob.join()
            Interruption.start()
            try checkDescriptors()
            try checkThreads()
        } catch {
            Failure(error, of: root).exit()
        }
        AllocationFailure.explain()
        Task.detached { await root.start() }
        ParallelJob.waitForEnd()
    }

    private static func checkDescriptors() throws {
        var opened: [Int32] = []
        for _ in 0..<descriptors {
            let descriptor = dup(STDERR_FILENO)
            if descriptor < 0 { break }
            opened.append(descriptor)
        }
        let isEnough = opened.count == descriptors || fcntl(STDERR_FILENO, F_GETFD) < 0
        for descriptor in opened { close(descriptor) }
        guard isEnough else {
            throw CommandError(
                "the system lets this program open \(opened.count) of the \(descriptors) files that it needs; allow more, such as "
                    + "by ulimit -n 64")
        }
    }

    private static func checkThreads() throws {
        let (gate, ended) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let started = (0..<threads).count { _ in
            startDetachedThread {
                gate.wait()
                ended.signal()
            }
        }
        for _ in 0..<started { gate.signal() }
        for _ in 0..<started { ended.wait() }
        guard started == threads else {
            throw CommandError(
                "the system lets this program start \(started) of the \(threads) threads that it needs; allow more processes "
                    + "(ulimit -u) or more address space (ulimit -v)")
        }
    }
}

/// A message for allocations that fail, which end a Swift program by a signal.
///
/// Under a limit of the address space such an end must be expected.
private enum AllocationFailure {
    private static let message: StaticString =
        "unlearn: error: out of memory; allow more address space (ulimit -v), or use smaller batches or fewer --threads\n"

    /// Makes the signals print the line, if there is such a limit. Files are whole or not there even then.
    static func explain() {
        guard AddressSpace.limit != nil else { return }
        for number in [SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGBUS] {
            signal(number) { _ in
                let message = AllocationFailure.message
                _ = write(STDERR_FILENO, message.utf8Start, message.utf8CodeUnitCount)
                _exit(1)
            }
        }
    }
}

/// The program's arguments.
enum ProgramArguments {
    /// The arguments, without the program's name.
    static let all: [String] = {
        let count = unlearn_argument_count()
        // Swift's own list is empty where /proc is not mounted.
        guard count > 0 else { return Array(CommandLine.arguments.dropFirst()) }
        return (1..<max(1, count)).map { String(cString: unlearn_argument($0)) }
    }()

    /// Replaces this program by another one, with the arguments as they came. Returns if that cannot be run.
    static func run(_ program: String) {
        _ = unlearn_argument_count() > 0 ? unlearn_become(program) : execv(program, CommandLine.unsafeArgv)
    }

    /// Whether JSON is asked for, even if the arguments cannot be understood.
    static var askForJSON: Bool { all.prefix { $0 != "--" }.contains("--json") }
}
