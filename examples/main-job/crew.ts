import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { NodeMetrics } from "dmmap";
import type { TaskName, TaskResult, Tasks } from "./node.js";
import { within } from "./story.js";

export interface Question {
  readonly task: TaskName;
  readonly args: object;
}
export type Answer = { readonly result: unknown } | { readonly failure: string };

/** A node process: it connects to the home, maps files, and does one task after the other. */
export class Member {
  readonly name: string;
  readonly #child: ChildProcess;

  constructor(name: string, url: string) {
    this.name = name;
    this.#child = fork(new URL("./node.js", import.meta.url), [url, name]);
  }

  async ask<Name extends TaskName>(
    task: Name,
    args: Parameters<Tasks[Name]>[1],
    seconds = 60,
  ): Promise<TaskResult<Name>> {
    const question: Question = { task, args };
    this.#child.send(question);
    const answer = await within(seconds, `"${task}" on ${this.name}`, this.#answer());
    if ("failure" in answer) throw new Error(`"${task}" failed on ${this.name}: ${answer.failure}`);
    return answer.result as TaskResult<Name>;
  }

  /** It closes its files and ends by itself when nobody speaks to it any more. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, "exit");
    if (this.#child.connected) this.#child.disconnect();
    await within(10, `the end of ${this.name}`, exit);
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  async #answer(): Promise<Answer> {
    const controller = new AbortController();
    const { signal } = controller;
    try {
      const answered = once(this.#child, "message", { signal }) as Promise<[Answer]>;
      const ended = once(this.#child, "exit", { signal }).then(([code, by]): [Answer] => [
        { failure: `its process ended (${String(by ?? code)})` },
      ]);
      ended.catch(() => undefined); // Aborted below.
      return (await Promise.race([answered, ended]))[0];
    } finally {
      controller.abort();
    }
  }
}

export class Crew {
  readonly members: readonly Member[];

  constructor(count: number, url: string) {
    this.members = Array.from({ length: count }, (_, index) => new Member(`node ${index + 1}`, url));
  }

  /** All at the same time. */
  async all<Name extends TaskName>(
    task: Name,
    argsOf: (index: number) => Parameters<Tasks[Name]>[1],
  ): Promise<TaskResult<Name>[]> {
    return await Promise.all(this.members.map((member, index) => member.ask(task, argsOf(index))));
  }

  async metrics(): Promise<NodeMetrics[]> {
    return await this.all("metrics", () => ({}));
  }

  async end(): Promise<void> {
    await Promise.all(this.members.map((member) => member.end()));
  }

  kill(): void {
    for (const member of this.members) member.kill();
  }
}
