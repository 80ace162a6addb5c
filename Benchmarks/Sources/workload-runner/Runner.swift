import CMeasurement
import Foundation
import Unlearning
import Workloads

/// Runs workloads an iteration at a time on request, so that a driver can alternate them with their PyTorch twins.
/// The protocol is described in `README.md`.
@main
struct Runner {
    static func main() {
        var arguments = CommandLine.arguments.dropFirst()
        var (threads, precision) = (2, Precision.float32)
        while let option = arguments.popFirst() {
            let value = arguments.popFirst() ?? ""
            if option == "--threads", let count = Int(value), count > 0 {
                threads = count
            } else if option == "--precision", let known = Precision(rawValue: value) {
                precision = known
            } else {
                let usage = "usage: workload-runner [--threads N] [--precision float32|bfloat16]\n"
                FileHandle.standardError.write(Data(usage.utf8))
                exit(64)
            }
        }
        var workload: (any Workload)?
        while let line = readLine() {
            let words = line.split(separator: " ", maxSplits: 1).map(String.init)
            do {
                switch words.first {
                case "setup":
                    workload = nil  // frees the one before, so that two never share memory
                    workload = try Workloads.named(
                        words.count > 1 ? words[1] : "", threads: threads, precision: precision)
                    answer("ready")
                case "run": answer(String(try seconds(of: required(workload))))
                case "operations": answer(String(try required(workload).operations))
                case "phases":
                    answer(String(decoding: try JSONEncoder().encode(required(workload).phases), as: UTF8.self))
                case "memory": answer(String(format: "%.1f", peakMebibytes()))
                case "about":
                    let source = precision == .float32 ? "OpenBLAS kernels" : "bfloat16 kernels"
                    answer("\(String(cString: cm_vector_level())), \(source) \(try Workloads.matrixKernels(precision))")
                case "quit": return
                default: throw ProtocolError(message: "unknown request '\(line)'")
                }
            } catch {
                answer("error " + "\(error)".replacingOccurrences(of: "\n", with: " "))
            }
        }
    }

    private static func required(_ workload: (any Workload)?) throws -> any Workload {
        guard let workload else { throw ProtocolError(message: "nothing to ask about: send 'setup NAME' first") }
        return workload
    }

    private static func seconds(of workload: any Workload) throws -> Double {
        let run = MeasuredRun(workload)
        let start = ContinuousClock.now
        cm_measured_call(
            { context in
                if let context { Unmanaged<MeasuredRun>.fromOpaque(context).takeUnretainedValue().run() }
            }, Unmanaged.passUnretained(run).toOpaque())
        let time = ContinuousClock.now - start
        if let failure = run.failure { throw failure }
        return time / .seconds(1)
    }

    private static func answer(_ text: String) {
        FileHandle.standardOutput.write(Data((text + "\n").utf8))
    }

    /// The most memory that was resident at a time, as the kernel counts it.
    private static func peakMebibytes() -> Double {
        #if os(Linux)
            let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
            let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
            let kibibytes = line?.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first
            return (kibibytes.flatMap { Double($0) } ?? 0) / 1024
        #else
            var usage = rusage()
            getrusage(RUSAGE_SELF, &usage)
            return Double(usage.ru_maxrss) / 1_048_576
        #endif
    }
}

/// One run, as C's function pointers can pass it on.
private final class MeasuredRun {
    private let workload: any Workload
    private(set) var failure: (any Error)?

    init(_ workload: any Workload) {
        self.workload = workload
    }

    func run() {
        do { try workload.run() } catch { failure = error }
    }
}

struct ProtocolError: Error, CustomStringConvertible {
    let message: String
    var description: String { message }
}
