/** Whether what is cached of a file is known to be the file's (R15), and who waits until it is. */
export class Usable {
  #is = true;
  readonly #waiters: (() => void)[] = [];

  get is(): boolean {
    return this.#is;
  }

  /** @returns whether that is new. */
  set(is: boolean): boolean {
    const isNew = this.#is !== is;
    this.#is = is;
    return isNew;
  }

  /** Runs `action` as soon as it is: mostly now. */
  when(action: () => void): void {
    if (this.#is) action();
    else this.#waiters.push(action);
  }

  goOn(): void {
    for (const action of this.#waiters.splice(0)) action();
  }
}
