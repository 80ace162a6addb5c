import Foundation
import ModelFiles

/// The files of a Core ML model: a specification, and what it needs beside it.
struct CoreMLFiles: Sendable {
    /// The folder of a package that has everything but the manifest.
    static let dataName = "Data"
    /// The longest manifest that is read.
    private static let longestManifest = 1 << 20
    /// What stands in an ML program for the specification's folder.
    private static let modelPath = "@model_path/"

    /// The path that was given.
    let path: String
    /// The specification.
    let specification: RandomAccessFile
    /// The package's folder; nil if the model is one file.
    let package: URL?
    /// The files beside the specification.
    let external: ONNXExternalFiles

    private struct Manifest: Decodable {
        struct Item: Decodable {
            let path: String
        }
        let itemInfoEntries: [String: Item]
        let rootModelIdentifier: String
    }

    /// Opens a package or file.
    init(_ url: URL) throws {
        path = url.path
        guard CoreMLPackage.isPackage(url) else {
            specification = try RandomAccessFile(url)
            external = ONNXExternalFiles(besideModelAt: url)
            package = nil
            return
        }
        let inside = ONNXExternalFiles(besideModelAt: url.appendingPathComponent(CoreMLPackage.manifestName))
        let file = try inside.open(CoreMLPackage.manifestName, of: "the package's manifest")
        guard file.size <= Self.longestManifest else {
            throw ONNXProblem(
                "\(CoreMLPackage.manifestName) has \(file.size) bytes, far more than any package's; it is damaged")
        }
        let manifest: Manifest
        do {
            manifest = try JSONDecoder().decode(Manifest.self, from: Data(try file.contents()))
        } catch let error as FileError {
            throw error
        } catch {
            throw ONNXProblem("\(CoreMLPackage.manifestName) does not list the package's items; save the model again")
        }
        guard let root = manifest.itemInfoEntries[manifest.rootModelIdentifier] else {
            throw ONNXProblem(
                "\(CoreMLPackage.manifestName) does not list its root model \(quoted(manifest.rootModelIdentifier)); save the model "
                    + "again")
        }
        let location = Self.dataName + "/" + root.path
        specification = try inside.open(location, of: "the package's specification")
        external = ONNXExternalFiles(besideModelAt: url.appendingPathComponent(location))
        package = url
    }

    /// Opens a weight file by the name that the program has for it.
    func weights(_ name: String, of place: String) throws -> RandomAccessFile {
        guard name.hasPrefix(Self.modelPath) else {
            throw ONNXProblem(
                "\(place) is said to lie in \(quoted(name)), which is not in the package; save the model again")
        }
        return try external.open(String(name.dropFirst(Self.modelPath.count)), of: place)
    }
}
