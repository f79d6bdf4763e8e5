// Paired measurement: all variants take turns within each repetition, and ratios are taken inside the repetition, so
// that a noisy machine disturbs both sides alike. CPU time, all threads and the kernel's share included.

export type Variant = {
  readonly name: string;
  /** CPU milliseconds that doing it so many times takes. */
  cpuMs(times: number): Promise<number>;
  /** What one repetition should take at least, so that the clock's own steps do not show. */
  readonly leastMs: number;
  /** How long it runs before it counts. */
  readonly warmUpMs: number;
};

// Compilers of JavaScript and Java need thirty thousand small messages to finish: what one makes of a function makes
// others compile theirs again. A gateway runs for months.
export const warmUpMs = { compiled: 12_000, native: 300 } as const;

export type Spread = { readonly median: number; readonly least: number; readonly most: number };

/** Milliseconds for one message, one number a repetition, by the name of the variant. */
export type Measured = ReadonlyMap<string, readonly number[]>;

/** Something this process does itself. */
export function inProcess(name: string, run: () => unknown, kind: keyof typeof warmUpMs = "compiled"): Variant {
  return {
    name,
    leastMs: 200,
    warmUpMs: warmUpMs[kind],
    async cpuMs(times) {
      // The garbage of the variant before. A full collection between messages would throw compiled code away too.
      globalThis.gc?.({ type: "minor" });
      const before = process.cpuUsage();
      for (let i = 0; i < times; i++) await run();
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1000;
    },
  };
}

export async function paired(variants: readonly Variant[], repetitions = 7): Promise<Measured> {
  const measured = new Map<string, number[]>(variants.map(({ name }) => [name, []]));
  const counted: { variant: Variant; times: number }[] = [];
  for (const variant of variants) counted.push({ variant, times: await timesFor(variant) });
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const turn = repetition % 2 === 0 ? counted : counted.toReversed();
    for (const { variant, times } of turn) {
      measured.get(variant.name)?.push((await variant.cpuMs(times)) / times);
    }
  }
  return measured;
}

/** Warms up, and finds how often a variant must run to last. */
async function timesFor(variant: Variant): Promise<number> {
  let times = 1;
  for (let spent = 0; ; ) {
    const ms = await variant.cpuMs(times);
    spent += ms;
    const fitting = Math.max(1, Math.ceil((times * variant.leastMs) / Math.max(ms, 1)));
    if (spent >= variant.warmUpMs) return fitting;
    times = Math.min(fitting, times * 10);
  }
}

/** How many times faster `ours` is than `theirs`. */
export function speedup(measured: Measured, ours: string, theirs: string): Spread {
  const mine = milliseconds(measured, ours);
  return spreadOf(milliseconds(measured, theirs).map((ms, at) => ms / (mine[at] ?? Number.NaN)));
}

export function timeOf(measured: Measured, name: string): Spread {
  return spreadOf(milliseconds(measured, name));
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  return { median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2, least: at(0), most: at(sorted.length - 1) };
}

function milliseconds(measured: Measured, name: string): readonly number[] {
  const values = measured.get(name);
  if (values === undefined) throw new Error(`nothing was measured as ${name}`);
  return values;
}
