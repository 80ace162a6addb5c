import ArgumentParser
import Dispatch
import Foundation
import MessagePassing
import NeuralGraph
import Synchronization
import Unlearning

/// The job of several processes that this one is a part of, if `mpirun` or `srun` started it.
///
/// All processes run the same command; the first alone prints and writes. Without a job all of this does nothing.
enum ParallelJob {
    #if MPI
        private typealias Group = MPIProcessGroup
    #else
        private typealias Group = SingleProcess
    #endif

    /// What is settled when the job is joined, before any other thread starts.
    private struct Membership {
        var group: Group?
        /// The threads that this process computes with; nil for one per processor.
        var threads: Int?
    }

    private static let membership = Mutex(Membership())
    private static let end = DispatchSemaphore(value: 0)
    private static let exitCode = Atomic<Int32>(0)

    /// Milliseconds that a process with an error waits for the others to have one, too.
    private static let patience = 5000
    /// The same after an interruption, in which the first process may write a checkpoint.
    private static let interruptionPatience = 60_000

    /// The processes; nil without a job.
    static var processes: (any ProcessGroup)? { membership.withLock { $0.group } }

    /// Whether this process prints and writes.
    static var isFirst: Bool { membership.withLock { $0.group?.rank ?? 0 } == 0 }

    /// The number of processes.
    static var count: Int { membership.withLock { $0.group?.count ?? 1 } }

    /// The threads that this process computes with unless it is told another number: its share of the processors that it may
    /// use.
    static var threads: Int? { membership.withLock { $0.threads } }

    // MARK: Start

    /// Joins the job, if there is one. Called on the main thread, before others start.
    /// - Throws: `CommandError` if a job was started and this program cannot take part.
    static func join() throws {
        let environment = ProcessInfo.processInfo.environment
        #if MPI
            guard ProcessLauncher.isPresent(in: environment) else { return }
            guard let group = MPIProcessGroup() else {
                throw CommandError(
                    "the MPI library cannot be called from the threads of this program; use one that supports "
                        + "MPI_THREAD_SERIALIZED")
            }
            let started = ProcessLauncher.processCount(in: environment)
            guard group.count > 1 || started == 1 else {
                throw CommandError(
                    "\(started) processes were started, and each finds itself alone; use the launcher of \(group.library), which this "
                        + "program was built with")
            }
            let threads = group.count > 1 ? share(of: group) : nil
            membership.withLock { $0 = Membership(group: group, threads: threads) }
            if group.rank > 0 { FileWriting.turnOff() }
        #else
            let count = ProcessLauncher.processCount(in: environment)
            guard count > 1 else { return }
            throw CommandError(
                "\(count) processes were started, and this program was built without MPI, so each would do all of the work; build "
                    + "it by 'swift build -c release --traits MPI --product unlearn'")
        #endif
    }

    /// Checks that all processes are the same program with the same arguments on the same kind of processor.
    /// - Throws: `UnlearningError` on all of them if one differs.
    static func checkAgreement() throws {
        guard let processes else { return }
        try processes.checkSameProgram(arguments: ProgramArguments.all)
    }

    /// This process's share of the processors that it may use: processes that are bound to the same ones divide them.
    private static func share(of group: any ProcessGroup) -> Int {
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, name.count - 1)
        let host = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let mask = status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") } ?? ""
        let own = Array("\(host)\n\(mask)".utf8)
        let sharing = group.gather(own).count { $0 == own }
        return max(1, ThreadTeam.processorCount / max(1, sharing))
    }

    // MARK: End

    /// Says that this process ends with an error, and waits for the others to do the same.
    /// - Returns: what to put before the message if this process is the only one: its number and host. Nil otherwise.
    static func place(ofErrorInterrupting isInterrupted: Bool) -> String? {
        #if MPI
            guard let group = membership.withLock({ $0.group }), group.count > 1 else { return nil }
            let limit = isInterrupted ? interruptionPatience : patience
            let isCommon = group.allEnd(withinMilliseconds: limit) { usleep(UInt32($0) * 1000) }
            return isCommon ? nil : "rank \(group.rank) on \(ProcessInfo.processInfo.hostName): "
        #else
            return nil
        #endif
    }

    /// Ends the program, and with it all processes if they go on.
    /// - Parameter othersGoOn: whether the others have not come to their end.
    static func exit(_ code: Int32, othersGoOn: Bool = false) -> Never {
        #if MPI
            if let group = membership.withLock({ $0.group }) {
                if othersGoOn { group.abort(code: code) }
                if Thread.isMainThread {
                    group.finish()
                    Foundation.exit(code)
                }
                exitCode.store(code, ordering: .releasing)
                end.signal()
                while true { pause() }
            }
        #endif
        Foundation.exit(code)
    }

    /// Waits on the main thread, which started the job and has to end it.
    static func waitForEnd() -> Never {
        #if MPI
            if let group = membership.withLock({ $0.group }) {
                end.wait()
                group.finish()
                Foundation.exit(exitCode.load(ordering: .acquiring))
            }
        #endif
        while true { pause() }
    }
}

/// A command whose work several processes share.
protocol SharedCommand: ParsableCommand {}

extension Train: SharedCommand {}
extension Forget: SharedCommand {}
extension Tune: SharedCommand {}
extension Evaluate: SharedCommand {}
extension AuditCommand: SharedCommand {}
extension Predict: SharedCommand {}
extension Compare: SharedCommand {}
extension CompareMethods: SharedCommand {}

extension ParallelJob {
    /// Checks that several processes can share a command.
    /// - Throws: `ValidationError` if they cannot.
    static func check(_ command: any ParsableCommand) throws {
        guard count > 1, !(command is any SharedCommand) else { return }
        // Help and the list of commands have no work to share either, and are printed once.
        guard type(of: command).configuration.subcommands.isEmpty else { return }
        let name = type(of: command).configuration.commandName ?? String(describing: type(of: command)).lowercased()
        throw ValidationError("'\(name)' runs on one process, and \(count) were started; leave out mpirun.")
    }
}
