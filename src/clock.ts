// Time is an argument. Only programs and services ask for it, and they ask here. Floor 0.

/** The present instant; tests and `--time` give their own. */
export type Clock = () => Date;

export const systemClock: Clock = () => new Date();
