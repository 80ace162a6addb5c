import Foundation
import Workloads

/// Runs workloads an iteration at a time on request, so that a driver can alternate them with their PyTorch twins.
/// The protocol is described in `PyTorch/README.md`.
@main
struct Runner {
    static func main() {
        var arguments = CommandLine.arguments.dropFirst()
        var threads = 2
        if arguments.first == "--threads", let count = arguments.dropFirst().first.flatMap({ Int($0) }), count > 0 {
            threads = count
            arguments = arguments.dropFirst(2)
        }
        guard arguments.isEmpty else {
            FileHandle.standardError.write(Data("usage: workload-runner [--threads N]\n".utf8))
            exit(64)
        }
        var workload: (any Workload)?
        while let line = readLine() {
            let words = line.split(separator: " ", maxSplits: 1).map(String.init)
            do {
                switch words.first {
                case "setup":
                    workload = try Workloads.named(words.count > 1 ? words[1] : "", threads: threads)
                    answer("ready")
                case "run":
                    guard let workload else { throw ProtocolError(message: "'run' before 'setup'") }
                    let start = ContinuousClock.now
                    try workload.run()
                    let (seconds, attoseconds) = (ContinuousClock.now - start).components
                    answer(String(Double(seconds) + Double(attoseconds) * 1e-18))
                case "memory": answer(String(format: "%.1f", peakMebibytes()))
                case "quit": return
                default: throw ProtocolError(message: "unknown request '\(line)'")
                }
            } catch {
                answer("error " + "\(error)".replacingOccurrences(of: "\n", with: " "))
            }
        }
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

struct ProtocolError: Error, CustomStringConvertible {
    let message: String
    var description: String { message }
}
