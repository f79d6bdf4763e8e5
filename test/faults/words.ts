// Words that test/faults/magic-words.ts looks for.
export const crashWord = "EICAR-CRASH-A-WORKER";
export const hangWord = "EICAR-HANG-A-WORKER";
