// `import ModelInterchange` alone is enough to read and write models of every format.
@_exported import ModelFiles
