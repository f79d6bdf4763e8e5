// Words that strikes.ts looks for.
export const crashWord = "A-WORD-AT-WHICH-A-WORKER-CRASHES";
export const hangWord = "A-WORD-AT-WHICH-A-WORKER-HANGS";
