// What somebody probably meant: for "did you mean ...?" in commands, options and configuration. Floor 0.

/** The candidate that at most two slips of the finger turned into `name`. */
export function closest(name: string, candidates: Iterable<string>): string | undefined {
  const ranked = Array.from(candidates, (candidate) => ({ candidate, slips: editDistance(name, candidate) }));
  return ranked.filter(({ slips }) => slips <= 2).sort((a, b) => a.slips - b.slips)[0]?.candidate;
}

function editDistance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const line = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const change = (above[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      line.push(Math.min(change, (above[column] ?? 0) + 1, (line[column - 1] ?? 0) + 1));
    }
    above = line;
  }
  return above.at(-1) ?? 0;
}
