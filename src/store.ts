// What is kept on disk. Floor 3.
export { type DirectoryFileErrorCode, readDirectoryFiles } from "./store/directory-file.ts";
export { spillErrorCodes, spillingSpools } from "./store/spill.ts";
