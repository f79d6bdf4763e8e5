// The flags under which the codec is measured, as `bin/postern` should set them for a worker.

/**
 * One worker a core: threads that collect garbage beside it take the time of the next worker. Measured at 10 MB: opening
 * costs 34 ms with them, 24 ms without, at the same length of pauses.
 */
export const nodeFlags: readonly string[] = ["--single-threaded-gc"];
