// What is kept on disk. Floor 3.
export { spillErrorCodes, spillingSpools } from "./store/spill.ts";
