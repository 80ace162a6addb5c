package import Foundation
package import ImageDatasets

/// What belongs to a folder of pictures, both splits of it, so that nothing of it is written over.
package struct FolderContents: Sendable {
    /// The folders whose subfolders are the classes: a new folder in one of them would be a class.
    package private(set) var roots: Set<FileIdentity> = []
    /// The classes' folders and all below them: a new file in one of them would be read.
    package private(set) var folders: Set<FileIdentity> = []
    /// The files in them.
    package private(set) var files: Set<FileIdentity> = []

    /// Lists a folder as ``ImageFolder`` reads it; what cannot be listed is left out, since reading it is an error.
    package init(_ directory: URL) {
        for root in FolderSplit.roots(of: directory.path) {
            guard let identity = try? FolderListing.identity(of: root), let listing = try? FolderListing(root) else {
                continue
            }
            roots.insert(identity)
            var waiting = listing.folders.map { (entry: $0, depth: 1) }
            while let (entry, depth) = waiting.popLast() {
                guard depth <= FolderScan.deepest, folders.insert(entry.identity).inserted,
                    let listing = try? FolderListing(entry.path)
                else { continue }
                files.formUnion(listing.files.map(\.identity))
                waiting += listing.folders.map { ($0, depth + 1) }
            }
        }
    }
}
