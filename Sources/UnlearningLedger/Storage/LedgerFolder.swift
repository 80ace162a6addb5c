package import Foundation
import Unlearning
import UnlearningReports

/// Where a ledger's files are.
package struct LedgerFolder: Sendable, Hashable {
    package let url: URL

    package init(_ url: URL) {
        self.url = url
    }

    var database: URL { url.appendingPathComponent("ledger.sqlite") }

    /// The name of a model's file: that of the original is number 0, that of a job the job's number.
    package func modelPath(ofJob job: Int, like name: String) -> String {
        let isONNX = ModelFormat(writing: URL(fileURLWithPath: name)) == .onnx
        return "models/\(Self.number(job)).\(isONNX ? "onnx" : "safetensors")"
    }

    /// The folder for a job's record and report.
    package func jobPath(_ job: Int) -> String { "jobs/\(Self.number(job))" }

    /// The file for the list of a request's samples.
    func samplesPath(ofRequest number: Int) -> String { "samples/\(Self.number(number)).txt" }

    private static func number(_ number: Int) -> String { String(format: "%04d", number) }

    /// The place of a file in the folder.
    package func url(of path: String) -> URL { url.appendingPathComponent(path) }

    /// Makes the folder that a file goes into.
    package func makeFolder(for path: String) throws(LedgerError) {
        let folder = url(of: path).deletingLastPathComponent()
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw LedgerError(folder.path, "cannot be made; check the permissions of the folder above it")
        }
    }

    /// Describes a file that was written into the folder.
    package func stored(_ path: String) throws(LedgerError) -> LedgerEvent.StoredFile {
        do {
            return LedgerEvent.StoredFile(path: path, sha256: try SHA256Digest(ofFile: url(of: path)))
        } catch {
            throw LedgerError(error.path, error.message)
        }
    }

    /// Copies a file into the folder, whole or not at all.
    func copy(_ source: URL, to path: String) throws(LedgerError) -> LedgerEvent.StoredFile {
        try makeFolder(for: path)
        do {
            try AtomicFile.copy(source, to: url(of: path))
        } catch {
            throw LedgerError(error.path, error.message)
        }
        return try stored(path)
    }

    /// What is wrong with a file that rows name; nil if it is there as it was.
    func fault(of file: LedgerEvent.StoredFile) -> String? {
        guard file.isInside else { return "\(file.path) is no file of the ledger's folder" }
        do {
            let digest = try SHA256Digest(ofFile: url(of: file.path))
            return digest == file.sha256 ? nil : "\(file.path) was changed: its digest is another"
        } catch {
            return "\(file.path) \(error.message)"
        }
    }
}

extension LedgerEvent.StoredFile {
    /// Whether the path stays inside the folder.
    var isInside: Bool {
        !path.hasPrefix("/") && !path.split(separator: "/").contains("..") && !path.isEmpty
    }
}
