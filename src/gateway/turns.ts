// Who may work beside whom. Messages pass side by side; one that was in a worker that died goes alone, so that its
// second death tells of it and nobody else (security.md A70).

// LIMIT: what kills a worker does so within its first seconds, what hangs one lets no timer fire. Longer than this
// nobody waits for a slow next hop of another's.
const mostAloneMs = 5000;

export class Turns {
  #running = 0;
  #closed: PromiseWithResolvers<void> | undefined;
  #idle: (() => void) | undefined;

  async beside<Result>(work: () => Promise<Result>): Promise<Result> {
    while (this.#closed !== undefined) await this.#closed.promise;
    this.#running += 1;
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  /**
   * Works while nobody else does; undefined when the others would not finish in time. When it takes long itself the
   * others go on, and `company` is called before they do.
   */
  async alone<Result>(work: () => Promise<Result>, company: () => void): Promise<Result | undefined> {
    while (this.#closed !== undefined) await this.#closed.promise;
    const closed = Promise.withResolvers<void>();
    this.#closed = closed;
    const letOthersIn = (): void => {
      if (this.#closed === closed) this.#closed = undefined;
      closed.resolve();
    };
    if (!(await this.#emptied())) {
      letOthersIn();
      return undefined;
    }
    const timer = setTimeout(() => {
      company();
      letOthersIn();
    }, mostAloneMs);
    this.#running += 1;
    try {
      return await work();
    } finally {
      clearTimeout(timer);
      letOthersIn();
      this.#leave();
    }
  }

  #leave(): void {
    this.#running -= 1;
    if (this.#running === 0) this.#idle?.();
  }

  async #emptied(): Promise<boolean> {
    if (this.#running === 0) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#idle = () => resolve(true);
    const timer = setTimeout(() => resolve(false), mostAloneMs);
    const emptied = await promise;
    clearTimeout(timer);
    this.#idle = undefined;
    return emptied;
  }
}
