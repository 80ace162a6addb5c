import Dispatch
import Foundation
import Unlearning

/// Where the program starts. It makes sure that the system gives what Swift's concurrency needs: its libraries wait for ever
/// for a thread that they do not get, and end the program without a message where they get no file descriptor.
@main
enum EntryPoint {
    /// The pool's threads, the run's own, and some to spare. A team's threads are not among them: it works with fewer too.
    private static let threads = 4
    /// What Dispatch opens, and files that are read and written.
    private static let descriptors = 12

    // Not asynchronous: an asynchronous `main` needs a thread of the pool before its first line.
    static func main() {
        Interruption.start()
        do {
            try checkDescriptors()
            try checkThreads()
        } catch {
            Failure(error).exit()
        }
        AllocationFailure.explain()
        Task.detached { await UnlearnCommand.start() }
        while true { pause() }
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
                "the system lets this program open \(opened.count) of the \(descriptors) files that it needs; allow more, as by "
                    + "ulimit -n 64")
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
                "the system lets this program start \(started) of the \(threads) threads that it needs; allow more processes, "
                    + "as by ulimit -u, or more address space, as by ulimit -v")
        }
    }
}

/// An allocation that fails ends a Swift program where it stands, by a signal. Under a limit of the address space that is to
/// be expected, and a line says so.
private enum AllocationFailure {
    private static let message: StaticString =
        "unlearn: error: out of memory; allow more address space, as by ulimit -v, or use smaller batches or fewer --threads\n"

    /// Makes the signals print the line, if there is such a limit. Nothing that the program writes can be half there.
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
