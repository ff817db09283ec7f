import { Dashboard, type DashboardPlace } from "../../src/dashboard/dashboard.js";
import { type Home, startHome } from "../../src/home/index.js";
import type { HomeStatus } from "../../src/observe/status.js";

/** A home in memory, and its page. */
export class DashboardStage implements AsyncDisposable {
  readonly home: Home;
  readonly dashboard: Dashboard;
  readonly #counted: { statuses: number };

  static async start(place: Partial<DashboardPlace> = {}): Promise<DashboardStage> {
    const home = await startHome({ store: "memory", listen: "127.0.0.1:0" });
    const counted = { statuses: 0 };
    const source = {
      status: async (): Promise<HomeStatus> => {
        counted.statuses++;
        return await home.status();
      },
      tokens: home.tokens.bind(home),
    };
    const dashboard = await Dashboard.start(source, { host: "127.0.0.1", port: 0, ...place });
    return new DashboardStage(home, dashboard, counted);
  }

  private constructor(home: Home, dashboard: Dashboard, counted: { statuses: number }) {
    this.home = home;
    this.dashboard = dashboard;
    this.#counted = counted;
  }

  /** How often the home was asked for its status. */
  get statuses(): number {
    return this.#counted.statuses;
  }

  at(path: string): string {
    return new URL(path, this.dashboard.url).href;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dashboard.close();
    await this.home.close();
  }
}
