// The flags under which the codec is measured: those that `bin/postern` gives to the gateway.

/** With it the codec has its dead chunks collected in time (src/memory.ts), which costs time and bounds memory. */
export const nodeFlags: readonly string[] = ["--expose-gc"];
